//! `janus train`: networks learn from feeds, and are judged beside plain rules.

mod predicates;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use clap::{Args, ValueEnum};
use indicatif::ProgressBar;
use journal::Hash;
use market::Instruments;
use market::features::{Feature, FeatureVector};
use market::feed::{Format, Merge};
use market::sampler::SamplerKind;
use networks::{Card, Network, Shape, Source, files};
use synapse::Sensed;
use thalamus::price::PRICE;
use training::logic::RulePlan;
use training::{Fitting, Odd, Plan, Planted, Progress, Report, Trained};
use visual_cortex::seen::SEEN;

use super::terminal::{bar, say, say_json, tell};
use super::{ConfigArgs, bundled, demo};
use crate::assemble;
use crate::config::Config;
use crate::failure::Failure;
use crate::law;
use crate::policy::BOOK;
use crate::school::{self, Material, Rows};

/// The balanced accuracy that a network must reach by itself.
const LEAST_BA: f64 = 0.75;

/// Arguments of `janus train`.
#[derive(Debug, Args)]
pub struct Train {
    #[command(flatten)]
    config: ConfigArgs,
    /// What is to be learned.
    #[arg(long, value_enum, default_value_t)]
    task: Task,
    /// Feeds of one instrument; none is the half hour that the program carries in itself.
    #[arg(value_name = "FEED")]
    feeds: Vec<String>,
    /// Learn next-move from what a run lived through: its tape tells what was recalled and read beside what was sensed.
    #[arg(long, value_name = "DIR", conflicts_with_all = ["feeds", "format", "config", "set"])]
    journal: Option<PathBuf>,
    /// The format of every feed, where it is not to be recognised.
    #[arg(long)]
    format: Option<Format>,
    /// The folder for what is learned: of next-move card, weights and graphs, and the state that the same command
    /// goes on from; of predicates a folder each; of logic the report.
    #[arg(long, value_name = "DIR", required_if_eq_any([("task", "next-move"), ("task", "predicates")]))]
    out: Option<PathBuf>,
    /// So many networks, which differ by their seed, 5 unless told (of logic 20 policies); the one with the best
    /// validation is kept.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=64))]
    seeds: Option<u64>,
    /// The most epochs of each; of logic its steps.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    epochs: Option<u32>,
    /// Stop after so long and judge what there is; the same command goes on.
    #[arg(long, value_name = "MINUTES")]
    max_minutes: Option<f64>,
    /// Let next-move feel the soft rules of this file beside its loss.
    #[arg(long, value_name = "FILE")]
    soft_rules: Option<PathBuf>,
    /// How much they weigh beside it; 0 tells how they are kept without them.
    #[arg(long, value_name = "W", default_value_t = 1.0, requires = "soft_rules")]
    rule_weight: f64,
    /// One JSON object on the last line of standard output.
    #[arg(long)]
    json: bool,
}

/// What can be learned.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
enum Task {
    /// Where the mid is a second later: up, down or where it was.
    #[default]
    NextMove,
    /// A series with an edge that is known, which shows that what is there is learned and nothing else.
    Planted,
    /// Words of the rules that no formula gives: `calm` and `informed_flow`.
    Predicates,
    /// A policy that learns from misleading rewards, with a rule beside them and without.
    Logic,
}

impl Train {
    /// Trains.
    ///
    /// # Errors
    /// A [`Failure`] for feeds that nothing can be learned from, or a folder that cannot be written.
    pub fn run(self) -> Result<(), Failure> {
        if self.soft_rules.is_some() && self.task != Task::NextMove {
            return Err(Failure::Input("--soft-rules is for --task next-move, which feels them".to_owned()));
        }
        if self.journal.is_some() && self.task != Task::NextMove {
            return Err(Failure::Input("--journal is for --task next-move, which learns from it".to_owned()));
        }
        match (self.task, &self.out) {
            (Task::NextMove, Some(out)) => self.next_move(out),
            (Task::Predicates, Some(out)) => self.predicates(out),
            (Task::Logic, out) => self.logic(out.as_deref()),
            _ => self.planted(),
        }
    }

    fn fitting(&self, usual: Fitting) -> Fitting {
        Fitting { epochs: self.epochs.unwrap_or(usual.epochs), ..usual }
    }

    fn seeds(&self) -> Vec<u64> {
        (1..=self.seeds.unwrap_or(5)).collect()
    }

    fn planted(&self) -> Result<(), Failure> {
        let usual = Planted::default();
        let plan = Planted { fitting: self.fitting(usual.fitting.clone()), ..usual };
        let bar = bar(Some(0), "epochs");
        let report = training::planted(&plan, &mut |progress| show(&bar, &progress))?;
        bar.finish_and_clear();
        if self.json {
            return say_json(&report);
        }
        say(&format!("{}\n", serde_json::to_string_pretty(&report)?))
    }

    fn next_move(&self, out: &Path) -> Result<(), Failure> {
        let material = self.material()?;
        std::fs::create_dir_all(out).map_err(|e| Failure::unwritable(out, &e))?;
        let Material { config, dataset, features, .. } = &material;
        let plan = Plan {
            shape: shape(config),
            // as strong as it is live: the forecast is the policy
            fitting: Fitting {
                inhibition: config.basal_ganglia.inhibition.into(),
                ..self.fitting(Fitting::default())
            },
            seeds: self.seeds(),
            odd: Some(odd(shape(config).price_numbers)),
            state: Some(out.join("training.state")),
            rules: self.rules(features)?,
            ..Plan::default()
        };
        let (bar, began) = (bar(Some(0), "epochs"), Instant::now());
        let limit = self.max_minutes.map(|minutes| Duration::from_secs_f64(minutes.max(0.0) * 60.0));
        let is_late = || limit.is_some_and(|limit| began.elapsed() > limit);
        let trained = training::train(dataset, &plan, &mut |progress| show(&bar, &progress), &is_late)?;
        bar.finish_and_clear();
        let book = material.book_before(trained.report.cut_ns)?.map(|book| book.to_bytes());
        let schemas = book.as_ref().map(|book| Hash::of(book).to_string());
        let card = card(&material, &plan, &trained, schemas)?;
        let network = Network::new(card, trained.weights).map_err(|e| Failure::Input(e.to_string()))?;
        files::write(&network, out).map_err(|e| Failure::Environment(e.to_string()))?;
        if let Some(book) = book {
            let path = out.join(BOOK);
            std::fs::write(&path, book).map_err(|e| Failure::unwritable(&path, &e))?;
        }
        if self.json {
            return say_json(&trained.report);
        }
        tell(&format!("The network is in {}; `--network {0}` lets it decide.\n", out.display()));
        say(&school::told(&trained.report))
    }

    fn config(&self) -> Result<Config, Failure> {
        match self.feeds.is_empty() {
            true => self.config.load(Some((demo::DEMO_CONFIG, "config/demo.toml"))),
            false => self.config.load(None),
        }
    }

    /// What the data is called in a card.
    fn source(&self) -> String {
        if self.feeds.is_empty() { "the bundled session".to_owned() } else { self.feeds.join(", ") }
    }

    /// What there is to learn from.
    fn material(&self) -> Result<Material, Failure> {
        let material = match &self.journal {
            Some(dir) => Material::of_tape(dir, Shape::default().price_numbers)?,
            None => self.sensed()?,
        };
        let (rows, blind) = (material.dataset.rows.len(), material.blind);
        tell(&format!("{rows} samples to learn from, in {blind} of which nothing is seen.\n"));
        Ok(material)
    }

    /// What the daemon's own senses make of the feeds.
    fn sensed(&self) -> Result<Material, Failure> {
        let config = self.config()?;
        let instruments = traded(&config)?;
        let (_, instrument) =
            instruments.iter().next().ok_or_else(|| Failure::Internal("no instrument".into()))?;
        let mut rows = Rows::new(&config.visual_cortex, instrument.clone(), shape(&config).price_numbers);
        let sampler = self.watch(&config, &mut |sensed| _ = rows.note(sensed))?.to_string();
        Ok(Material::of_rows(self.source(), config, rows, sampler))
    }

    /// The rules that are to be felt, with what rows of these features tell them.
    fn rules(&self, features: &[FeatureVector]) -> Result<Option<RulePlan>, Failure> {
        let Some(path) = &self.soft_rules else { return Ok(None) };
        let text =
            std::fs::read_to_string(path).map_err(|e| Failure::Input(format!("{}: {e}", path.display())))?;
        let learned = law::predicates()?.into_iter().map(|predicate| {
            let truths = features.iter().map(|features| predicate.truth(features)).collect();
            (predicate.card.name.clone(), truths)
        });
        Ok(Some(RulePlan {
            file: path.display().to_string(),
            text,
            weight: self.rule_weight,
            spread_bp: features.iter().map(|features| features[Feature::SpreadBp]).collect(),
            learned: learned.collect(),
        }))
    }

    /// Lets the regular samples of the one instrument pass; what made them.
    fn watch(&self, config: &Config, look: &mut dyn FnMut(&Sensed)) -> Result<SamplerKind, Failure> {
        let instruments = traded(config)?;
        school::sense(config, &instruments, self.open(config, &instruments)?, look)
    }

    fn open(&self, config: &Config, instruments: &Instruments) -> Result<Merge, Failure> {
        if self.feeds.is_empty() {
            return bundled::feeds(config, instruments);
        }
        let options = assemble::open_options(config, instruments, self.format);
        Ok(Merge::open(self.feeds.iter().map(|path| (path.as_str(), options.clone()))))
    }
}

/// The card of what is learned, beside schemas of that name.
fn card(
    material: &Material,
    plan: &Plan,
    trained: &Trained,
    schemas: Option<String>,
) -> Result<Card, Failure> {
    let Trained { report, modalities, .. } = trained;
    let Material { source, config, dataset, sampler, .. } = material;
    let features = visual_cortex::seen::seen_names();
    // rules without weight are no part of what was learned
    let rules = report.rules.clone().filter(|rules| rules.weight > 0.0);
    Ok(Card {
        name: "next-move".to_owned(),
        about: about(report),
        trained: true,
        task: "next-move".to_owned(),
        features_hash: Card::hash_of(&features),
        features,
        price: thalamus::price::names(plan.shape.price_numbers),
        modalities: modalities.iter().map(|modality| modality.name().to_owned()).collect(),
        schemas,
        gain: config.visual_cortex.gain,
        sampler: sampler.clone(),
        shape: plan.shape.clone(),
        data: vec![Source { name: source.clone(), hash: dataset.hash(), samples: dataset.rows.len() as u64 }],
        cut_ns: Some(report.cut_ns),
        priors: report.priors,
        seeds: plan.seeds.clone(),
        figures: serde_json::to_value(Report { rules, ..report.clone() })?,
    })
}

/// What a network is, and, where it is not worth what it should be, that.
fn about(report: &Report) -> String {
    let about = "forecasts whether the mid is higher, lower or the same a second later";
    let kept = report.seeds.iter().find(|seed| seed.seed == report.chosen_seed).map(|seed| &seed.test);
    let worth = kept.map(|test| (test.ba.value, test.three_class_skill.map_or(0.0, |skill| skill.value)));
    match worth {
        Some((ba, skill)) if ba < LEAST_BA || skill <= 0.0 => {
            format!("{about}; it falls short: balanced accuracy {ba:.3}, skill over three classes {skill:.3}")
        }
        _ => about.to_owned(),
    }
}

/// What changes its sign when buyers and sellers change places: a book and its mirror image obey one law.
fn odd(price_numbers: usize) -> Odd {
    Odd {
        features: SEEN.iter().map(|seen| seen.feature.is_odd()).collect(),
        price: PRICE.iter().take(price_numbers).map(|number| number.is_odd).collect(),
    }
}

/// The one instrument that a network learns from.
fn traded(config: &Config) -> Result<Instruments, Failure> {
    let names = config.instrument_names();
    let [_] = &names[..] else {
        let message = format!("{} instruments are configured; a network learns from one", names.len());
        return Err(Failure::Input(message));
    };
    Ok(config.known(&names)?)
}

/// The sizes of the network that ships, for windows as configured.
fn shape(config: &Config) -> Shape {
    let sight = &config.visual_cortex;
    Shape { window: sight.window, stride: sight.stride, frames: sight.frames, ..Shape::default() }
}

fn show(bar: &ProgressBar, progress: &Progress) {
    let Progress { course, courses, seed, epoch, epochs, loss, validation_loss, best_epoch } = progress;
    bar.set_length(u64::from(*epochs) * *courses as u64);
    bar.set_position(u64::from(*epochs) * *course as u64 + u64::from(*epoch));
    bar.set_message(format!(
        "seed {seed}, loss {loss:.4}, validation {validation_loss:.4}, best {best_epoch}"
    ));
}
