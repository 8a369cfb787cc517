//! `janus train --task predicates` and `--task logic`: what words of the rules mean, and what rules are worth to a learner.

use std::path::Path;

use market::sampler::SamplerKind;
use training::logic::{PlantedRule, planted_rule};
use training::predicates::{Plan, Protocol, TASKS, learn};

use super::super::terminal::{bar, say, say_json, tell};
use super::Train;
use crate::failure::Failure;
use crate::school::{self, Sensations};

impl Train {
    /// Learns each predicate of [`TASKS`] into a folder of its name.
    pub(super) fn predicates(&self, out: &Path) -> Result<(), Failure> {
        let config = self.config()?;
        let (sensations, sampler) = self.watch(&config, |_| Sensations::default())?;
        let SamplerKind::Grid { period_ns } = sampler else {
            return Err(Failure::Input(format!(
                "the sampler is `{sampler}`, but predicates look so many samples of a grid ahead; set sampler.kind=grid"
            )));
        };
        let plan = Plan {
            protocol: Protocol { period_ns, ..Protocol::default() },
            seeds: self.seeds(),
            ..Plan::default()
        };
        let plan = Plan { epochs: self.epochs.unwrap_or(plan.epochs), ..plan };
        let mut learned = Vec::new();
        for task in &TASKS {
            let one = learn(&sensations.moments, task, &plan, &self.source(), &sampler.to_string())?;
            let folder = out.join(task.name);
            put(&folder, "card.json", &one.predicate.card.to_json())?;
            put(&folder, "weights.safetensors", &one.predicate.safetensors())?;
            learned.push(one);
        }
        if self.json {
            let reports: serde_json::Map<_, _> = learned
                .iter()
                .map(|one| Ok((one.predicate.card.name.clone(), serde_json::to_value(&one.report)?)))
                .collect::<Result<_, Failure>>()?;
            return say_json(&reports);
        }
        tell(&format!("The predicates are in {}.\n", out.display()));
        learned.iter().try_for_each(|one| say(&school::told_predicate(one)))
    }

    /// Runs the experiment on what a rule is worth to a learner.
    pub(super) fn logic(&self, out: Option<&Path>) -> Result<(), Failure> {
        let mut plan = PlantedRule::default();
        if let Some(seeds) = self.seeds {
            plan.seeds = (1..=seeds).collect();
        }
        plan.steps = self.epochs.unwrap_or(plan.steps);
        let bar = bar(Some(0), "courses");
        let report = planted_rule(&plan, &mut |done, all| {
            bar.set_length(all as u64);
            bar.set_position(done as u64);
        })?;
        bar.finish_and_clear();
        if let Some(out) = out {
            put(out, "report.json", format!("{}\n", serde_json::to_string_pretty(&report)?).as_bytes())?;
        }
        if self.json { say_json(&report) } else { say(&school::told_logic(&report)) }
    }
}

/// Writes a file into a folder, which is made where it is missing.
fn put(folder: &Path, name: &str, bytes: &[u8]) -> Result<(), Failure> {
    std::fs::create_dir_all(folder).map_err(|e| Failure::unwritable(folder, &e))?;
    let path = folder.join(name);
    std::fs::write(&path, bytes).map_err(|e| Failure::unwritable(&path, &e))
}
