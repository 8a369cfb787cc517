//! How a daemon comes to its brain: a new one with a new journal, or the one that was.

use indicatif::ProgressBar;
use journal::{Journal, Manifest, Marker, Opening, Reader, Regime};
use market::Timestamp;
use market::feed::Format;

use super::Options;
use super::core::Core;
use super::heal::{Bad, Healed, Known, rebuilt};
use crate::assemble::Parts;
use crate::blueprint::{self, Blueprint, Run};
use crate::brain::{Late, Rethink, Stream};
use crate::config::Config;
use crate::failure::Failure;
use crate::news::News;
use crate::recorder::Recorder;

/// A brain that is ready, without its feeds.
pub(super) struct Ready {
    blueprint: Blueprint,
    journal: Journal,
    opening: Option<Opening>,
    rethink: Rethink,
    bad: Vec<Bad>,
    from: Option<Marker>,
}

impl Ready {
    /// A new run, or the one whose journal stands in the folder.
    pub fn new(
        options: &Options,
        formats: impl FnOnce(&Config) -> Result<Vec<Format>, Failure>,
    ) -> Result<Self, Failure> {
        if journal::exists(&options.dir)? { Self::again(options) } else { Self::first(options, formats) }
    }

    fn first(
        options: &Options,
        formats: impl FnOnce(&Config) -> Result<Vec<Format>, Failure>,
    ) -> Result<Self, Failure> {
        let Some(config) = options.config.clone() else {
            return Err(Failure::Input(format!(
                "{}: there is no journal here to go on with, so a new run needs a configuration: give --config FILE",
                options.dir.display()
            )));
        };
        let run = Run {
            regime: regime(options),
            feeds: options.sources(),
            formats: formats(&config)?,
            from: None,
            venue: options.venue.as_ref().map(|venue| venue.display().to_string()),
        };
        let blueprint = Blueprint::new(config, run, options.backend.clone())?;
        let journal = blueprint.begin(&options.dir)?;
        let Parts { door, mind, broker, .. } = blueprint.parts(Vec::new())?;
        let rethink = Rethink::new(door, mind, broker, Default::default());
        Ok(Self { blueprint, journal, opening: None, rethink, bad: Vec::new(), from: None })
    }

    /// Opens the journal, and rebuilds the brain from it.
    fn again(options: &Options) -> Result<Self, Failure> {
        // what does not fit is told before anything is written
        let begun = Reader::open(&options.dir)?;
        check_run(options, begun.manifest())?;
        let begun = Blueprint::of(&options.dir, begun.manifest(), options.backend.clone())?;
        let (journal, opening) = Journal::open(&options.dir, &blueprint::options(&begun.config.journal))?;
        let bar = ProgressBar::new(0);
        let mut progress = |done: usize, of: usize| {
            bar.set_length(of as u64);
            bar.set_position(done as u64);
        };
        let healed = rebuilt(&options.dir, &options.backend, Known::default(), &[], &mut progress)?;
        let Healed { rebuilt, bad, .. } = healed;
        bar.finish_and_clear();
        if let Err(failure) = check_config(options, &rebuilt.blueprint) {
            journal.close()?;
            return Err(failure);
        }
        let rethink = rebuilt.rethink;
        let (sequence, from) = (rethink.sequence(), rebuilt.from.map(|marker| marker.sequence));
        if opening.closed {
            tracing::info!(sequence, from, "rebuilt from the tape, its digest proved");
        } else {
            tracing::warn!(
                sequence,
                from,
                "the process before died: rebuilt from the tape, its digest proved"
            );
        }
        Ok(Self {
            blueprint: rebuilt.blueprint,
            journal,
            opening: Some(opening),
            rethink,
            bad,
            from: rebuilt.from,
        })
    }

    /// What the brain is put together from.
    pub const fn blueprint(&self) -> &Blueprint {
        &self.blueprint
    }

    /// Whether it was here before.
    pub const fn is_again(&self) -> bool {
        self.opening.is_some()
    }

    /// The time of the last input.
    pub const fn now(&self) -> Timestamp {
        self.rethink.now()
    }

    /// How many events of each feed were admitted, by rank.
    pub fn taken(&self) -> Vec<u64> {
        let taken = self.rethink.taken();
        let ranks = taken.keys().next_back().map_or(0, |last| usize::from(last.0) + 1);
        let mut counts = vec![0; ranks];
        taken.iter().for_each(|(source, count)| counts[usize::from(source.0)] = *count);
        counts
    }

    /// How many headlines were admitted.
    pub const fn headlines(&self) -> u64 {
        self.rethink.news()
    }

    /// The headlines beside the feeds.
    ///
    /// # Errors
    /// As [`News::open`].
    pub fn news(&self, options: &Options) -> Result<Option<News>, Failure> {
        let Blueprint { config, policy, .. } = &self.blueprint;
        let (instruments, _) = config.traded(&config.instrument_names())?;
        News::open(options.news.as_deref(), config, &instruments, policy)
    }

    /// Sets it to work over a stream.
    pub fn over<S: Stream>(self, stream: S, options: &Options) -> Result<Core<S>, Failure> {
        let Self { blueprint, journal, opening, rethink, bad, from } = self;
        tracing::warn!(policy = %blueprint.policy.card(), untrained_too = blueprint.policy.untrained(), "begins");
        let head = rethink.head();
        let (engine, late) = rethink.go_on(stream);
        let mut recorder = Recorder::new(journal, head);
        append_late(&mut recorder, &late, engine.gate().is_patient());
        let mut core = Core::new(options, blueprint, (opening, from), engine, recorder)?;
        core.quarantine(&bad)?;
        Ok(core)
    }
}

/// Appends what a crash had cut off from its input.
fn append_late(recorder: &mut Recorder, late: &[Late], is_real: bool) {
    for late in late {
        recorder.late(&late.record, &late.bytes, is_real);
    }
    recorder.complete();
}

const fn regime_name(regime: Regime) -> &'static str {
    match regime {
        Regime::Simulated => "simulated",
        Regime::Real => "real",
    }
}

fn regime(options: &Options) -> Regime {
    if options.is_real() { Regime::Real } else { Regime::Simulated }
}

/// A run goes on as what it was begun.
fn check_run(options: &Options, manifest: &Manifest) -> Result<(), Failure> {
    let dir = options.dir.display();
    let other = |what: &str, was: String, is: String| {
        Err(Failure::Input(format!(
            "{dir}: this journal's {what} is {was}, not {is}; go on with the same, or begin a new one with another --journal"
        )))
    };
    if manifest.regime != regime(options) {
        return other(
            "regime of time",
            regime_name(manifest.regime).into(),
            regime_name(regime(options)).into(),
        );
    }
    if manifest.feeds != options.sources() {
        return other("list of feeds", manifest.feeds.join(" "), options.sources().join(" "));
    }
    let venue = options.venue.as_ref().map(|venue| venue.display().to_string());
    if manifest.venue != venue {
        let name = |venue: &Option<String>| venue.clone().unwrap_or_else(|| "in the program".into());
        return other("venue", name(&manifest.venue), name(&venue));
    }
    Ok(())
}

/// With the configuration that is active.
fn check_config(options: &Options, blueprint: &Blueprint) -> Result<(), Failure> {
    let (dir, given) = (options.dir.display(), options.config.as_ref().map(Config::canonical));
    if given.is_some_and(|given| given != blueprint.config.canonical()) {
        return Err(Failure::Input(format!(
            "{dir}: the configuration given is not the one that is active; leave --config out to go on with that one, and change it with `janus config apply FILE`"
        )));
    }
    Ok(())
}
