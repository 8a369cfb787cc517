//! `janus demo --ablate`: what each modality is worth to the choices of the network.

use std::path::Path;

use journal::Regime;
use market::feed::{Feed, Format};
use serde::Serialize;
use synapse::{Action, DecisionRecord, Digest, Modality, SampleKind};

use super::bundled;
use super::terminal::{report, tell};
use crate::blueprint::{Blueprint, Run};
use crate::brain::{Engine, Observer};
use crate::config::Config;
use crate::failure::Failure;
use crate::news::News;
use crate::policy::{Backend, Policy};
use crate::stream::Range;

/// What the network chooses less well without.
#[derive(Debug, Serialize)]
struct Ablation {
    /// Regular samples.
    decisions: usize,
    /// Those at which the whole network chose to trade.
    not_hold: usize,
    without: Vec<Without>,
}

/// What changes without one modality.
#[derive(Debug, Serialize)]
struct Without {
    modality: &'static str,
    /// Samples at which another action is chosen.
    changed: usize,
    /// Of those at which the whole network chose to trade, the share where another is chosen.
    share_of_not_hold: f64,
}

/// Runs the bundled session with the whole network, and kept from each modality.
///
/// # Errors
/// [`Failure::Input`] where no network decides.
pub(super) fn run(config: &Config, news: Option<&Path>, is_json: bool) -> Result<(), Failure> {
    let whole = choices(config, news)?;
    let traded: Vec<usize> = (0..whole.len()).filter(|at| whole[*at] != Action::Hold).collect();
    let mut without = Vec::new();
    for modality in Modality::ALL {
        tell(&format!("without {} ...\n", modality.name()));
        let mut config = config.clone();
        config.inference.without = modality.name().to_owned();
        let other = choices(&config, news)?;
        let differs = |at: &usize| other.get(*at) != whole.get(*at);
        let changed = (0..whole.len()).filter(differs).count();
        let of_traded = traded.iter().filter(|at| differs(at)).count();
        let share_of_not_hold = of_traded as f64 / traded.len().max(1) as f64;
        without.push(Without { modality: modality.name(), changed, share_of_not_hold });
    }
    let ablation = Ablation { decisions: whole.len(), not_hold: traded.len(), without };
    report(is_json, &ablation.to_text(), &ablation)
}

impl Ablation {
    fn to_text(&self) -> String {
        let row = |it: &Without| {
            let share = it.share_of_not_hold * 100.0;
            format!(
                "   without {:<7} {:>6} change, {share:.1} % of those that trade\n",
                it.modality, it.changed
            )
        };
        let rows: String = self.without.iter().map(row).collect();
        format!("{} decisions, {} of them to trade\n{rows}", self.decisions, self.not_hold)
    }
}

/// The actions of all regular samples.
fn choices(config: &Config, news: Option<&Path>) -> Result<Vec<Action>, Failure> {
    let instruments = config.known(&config.instrument_names())?;
    let merge = bundled::feeds(config, &instruments)?;
    let formats: Vec<Format> = merge.feeds().map(Feed::format).collect();
    let run = Run { regime: Regime::Simulated, feeds: Vec::new(), formats, from: None, venue: None };
    let blueprint = Blueprint::new(config.clone(), run, Backend::default())?;
    if matches!(blueprint.policy, Policy::Rule(_)) {
        return Err(Failure::Input(
            "no network decides here, so there is nothing to keep from it".to_owned(),
        ));
    }
    let news = News::open(news, config, &instruments, &blueprint.policy)?;
    let parts = blueprint.parts(Vec::new())?;
    let stream = Range::new(merge, None, None).with_news(news);
    let mut engine = Engine::new(stream, parts.door, parts.mind, parts.broker);
    let mut choices = Choices::default();
    engine.run(&mut choices)?;
    Ok(choices.0)
}

#[derive(Default)]
struct Choices(Vec<Action>);

impl Observer for Choices {
    fn decided(&mut self, record: &DecisionRecord, _bytes: &[u8], _digest: Digest) {
        if record.kind == SampleKind::Regular {
            self.0.push(record.proposal.action);
        }
    }
}
