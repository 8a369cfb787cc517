//! The school's side of the house: feeds become rows to learn from, and what was learned an artefact.

mod material;
mod moments;
mod predicates;
mod rows;
mod senses;

use std::fmt::Write;

use training::evaluate::Figures;
use training::logic::RuleReport;
use training::{Report, TrainError};

use crate::failure::Failure;

pub use material::Material;
pub use moments::moment;
pub use predicates::{told_logic, told_predicate};
pub use rows::Rows;
pub use senses::sense;

impl From<TrainError> for Failure {
    fn from(error: TrainError) -> Self {
        Self::Input(error.to_string())
    }
}

/// What a training came to, as a table: the mean forecast of all seeds, each seed, and the plain rules.
pub fn told(report: &Report) -> String {
    let test = &report.test;
    let mut text = format!(
        "Test part from {}: {} up, {} down, {} flat; balanced accuracy, its distance d from the sign of the \
         imbalance,\nskill over three classes and over direction, each with its lower bound.\n\n",
        market::Timestamp::from_ns(report.cut_ns),
        test.up,
        test.down,
        test.flat
    );
    let seeds = report.seeds.iter().map(|seed| {
        let kept = if seed.seed == report.chosen_seed { ", kept" } else { "" };
        (format!("seed {}{kept}", seed.seed), &seed.test)
    });
    let baselines = report.baselines.iter().map(|(name, figures)| (name.clone(), figures));
    for (name, figures) in
        [("mean of the seeds".to_owned(), &test.figures)].into_iter().chain(seeds).chain(baselines)
    {
        _ = writeln!(text, "{name:<24} {}", row(figures));
    }
    if let Some(RuleReport { file, weight, kept, .. }) = &report.rules {
        _ = writeln!(
            text,
            "\nHow true the soft rules of {file}, of weight {weight}, are of the network that is kept:\n"
        );
        kept.iter().for_each(|(name, truth)| _ = writeln!(text, "{name:<24} {truth:.3}"));
    }
    text
}

fn row(figures: &Figures) -> String {
    let Figures { ba, d, three_class_skill, direction_skill } = figures;
    let skill = |value: Option<(f64, f64)>| {
        value.map_or_else(|| format!("{:>15}", "-"), |(value, low)| format!("{value:>6.3} ({low:>6.3})"))
    };
    format!(
        "BA {:.3} ({:.3})  d {:>6.3} ({:>6.3})  three {}  direction {}",
        ba.value,
        ba.lo25,
        d.value,
        d.lo5,
        skill(three_class_skill.map(|skill| (skill.value, skill.lo5))),
        skill(direction_skill.map(|skill| (skill.value, skill.lo25)))
    )
}
