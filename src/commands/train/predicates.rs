//! `janus train --task predicates` and `--task logic`: what words of the rules mean, and what rules are worth to a learner.

use std::path::Path;

use market::sampler::SamplerKind;
use networks::files;
use training::logic::{PlantedRule, planted_rule};
use training::predicates::{Moments, Plan, Protocol, TASKS, learn};

use super::super::terminal::{bar, say, say_json, tell};
use super::Train;
use crate::failure::Failure;
use crate::school;

impl Train {
    /// Learns each predicate of [`TASKS`] into a folder of its name.
    pub(super) fn predicates(&self, out: &Path) -> Result<(), Failure> {
        let config = self.config()?;
        let mut moments = Moments::default();
        let sampler = self.watch(&config, &mut |sensed| moments.moments.extend(school::moment(sensed)))?;
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
            let one = learn(&moments, task, &plan, &self.source(), &sampler.to_string())?;
            files::write_predicate(&one.predicate, &out.join(task.name))
                .map_err(|e| Failure::Environment(e.to_string()))?;
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
            std::fs::create_dir_all(out).map_err(|e| Failure::unwritable(out, &e))?;
            let (path, text) = (out.join("report.json"), serde_json::to_string_pretty(&report)?);
            std::fs::write(&path, format!("{text}\n")).map_err(|e| Failure::unwritable(&path, &e))?;
        }
        if self.json { say_json(&report) } else { say(&school::told_logic(&report)) }
    }
}
