//! `janus see`: the frames that the brain saw at a decision, as a picture.

use std::fs::File;
use std::io::BufWriter;
use std::path::{Path, PathBuf};

use clap::Args;
use journal::Record;
use market::{InstrumentId, Timestamp};
use networks::NetworkError;
use serde_json::{Value, json};
use synapse::{DecisionRecord, Modality, SampleKind};
use visual_cortex::seen::{SEEN_COUNT, look};
use visual_cortex::video::FIELDS;
use visual_cortex::{SeenFrame, seen_names};

use super::backtest::parse_time;
use super::journal::{LookArgs, Tape};
use super::terminal::{bar, report};
use super::why::{Found, by_id, newest};
use crate::failure::Failure;
use crate::policy::Policy;
use crate::rebuild::{From, Obstacle, Rebuilt, Terms, rebuild};
use crate::see::{Attention, Canvas, Frame, View, draw};

/// Pictures of a frame.
const PICTURES: usize = FIELDS * SEEN_COUNT;

/// Arguments of `janus see`.
#[derive(Debug, Args)]
pub struct See {
    /// A decision, `SEQUENCE` or `SEQUENCE:INSTRUMENT`; or a time, for the newest decision up to there.
    #[arg(long, value_name = "ID|TIME")]
    at: String,
    /// The PNG file to write.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// The instrument, by its name or number, where the tape has several.
    #[arg(long, value_name = "NAME")]
    instrument: Option<String>,
    #[command(flatten)]
    look: LookArgs,
}

impl See {
    /// Thinks the tape again up to the decision, and draws what is seen then.
    ///
    /// # Errors
    /// [`Failure::Input`] where there is no such decision or nothing was seen yet,
    /// [`Failure::Environment`] where the file cannot be written.
    pub fn run(self) -> Result<(), Failure> {
        let tape = self.look.journal.open()?;
        let found = self.find(&tape)?;
        let record = &found.decision.record;
        let rebuilt = think_up_to(&tape, record.sequence)?;
        let cortex = &rebuilt.rethink.mind().line().visual_cortex;
        let name = tape.world.name(record.instrument);
        let seen = cortex.frames(record.instrument).ok_or_else(|| nothing_yet(&rebuilt, record, &name))?;
        let whole = cortex.see_whole(record.instrument);
        let numbers = whole.map_err(|fault| Failure::Check(fault.to_string()))?.len();
        let percept = percept(&rebuilt, record, numbers);
        let view = View {
            title: format!("What the visual cortex saw of {name} at decision {}", id(record)),
            notes: vec![when(&rebuilt, record, seen.len() / PICTURES), percept.clone()],
            features: seen_names(),
            window: rebuilt.blueprint.config.visual_cortex.window,
            attention: attention(&rebuilt.blueprint.policy, &seen)?,
            frames: frames(&tape, &found, seen)?,
        };
        let canvas = draw(&view);
        write(&canvas, &self.out)?;
        let drawn = Drawn { view, id: id(record), name, percept, canvas, out: self.out };
        let differs = rebuilt.rethink.first_difference().map(ToString::to_string);
        report(self.look.json, &drawn.text(record.time, differs.as_deref()), &drawn.json(record, differs))
    }

    /// The decision that is asked for.
    fn find(&self, tape: &Tape) -> Result<Found, Failure> {
        let wanted = self.instrument.as_deref().map(|name| instrument(tape, name)).transpose()?;
        let is_id = self.at.split(':').next().is_some_and(|first| first.parse::<u64>().is_ok());
        if !is_id {
            let time = parse_time(&self.at).map_err(|why| {
                Failure::Input(format!("{why}, or the number of a decision, such as 4711 or 4711:0"))
            })?;
            return by_time(tape, time, wanted);
        }
        let id = match &self.instrument {
            Some(name) if !self.at.contains(':') => format!("{}:{name}", self.at),
            _ => self.at.clone(),
        };
        let found = by_id(tape, &id)?;
        match wanted {
            Some(wanted) if wanted != found.decision.record.instrument => Err(Failure::Input(format!(
                "decision {id} is not of {}; leave one of --at and --instrument as it is",
                tape.world.name(wanted)
            ))),
            _ => Ok(found),
        }
    }
}

fn id(record: &DecisionRecord) -> String {
    format!("{}:{}", record.sequence, record.instrument.0)
}

fn instrument(tape: &Tape, name: &str) -> Result<InstrumentId, Failure> {
    tape.world.find(name).ok_or_else(|| {
        let known = tape.world.names.join(", ");
        Failure::Input(format!("instrument {name} is not on this tape, which has {known}"))
    })
}

/// The newest decision up to a time.
fn by_time(tape: &Tape, time: Timestamp, wanted: Option<InstrumentId>) -> Result<Found, Failure> {
    if wanted.is_none() && tape.world.names.len() > 1 {
        let known = tape.world.names.join(", ");
        return Err(Failure::Input(format!(
            "the tape has several instruments; add --instrument, one of {known}"
        )));
    }
    let is_it = |record: &DecisionRecord| {
        record.time <= time && wanted.is_none_or(|wanted| wanted == record.instrument)
    };
    newest(tape, is_it)?.ok_or_else(|| {
        Failure::Input(format!(
            "no decision was made up to {time}; `janus journal show --kind decision` lists decisions"
        ))
    })
}

/// The brain as it was behind an input. What comes out differently now than it did then is let pass.
fn think_up_to(tape: &Tape, sequence: u64) -> Result<Rebuilt, Failure> {
    let terms = Terms { until: Some(sequence), lenient: true, ..Terms::default() };
    let bar = bar(Some(tape.reader.headers().len() as u64), "blocks");
    let progress = &mut |done, _| bar.set_position(done as u64);
    let rebuilt = rebuild(&tape.dir, &tape.reader, From::Snapshot(sequence), &terms, progress);
    bar.finish_and_clear();
    rebuilt.map_err(|obstacle| match obstacle {
        Obstacle::Failure(failure) => failure,
        Obstacle::Stray(stray) => Failure::Check(format!("the tape cannot be thought again: {stray}")),
    })
}

/// Samples of a whole video.
fn samples_of_video(rebuilt: &Rebuilt) -> usize {
    let params = &rebuilt.blueprint.config.visual_cortex;
    params.window + (params.frames - 1) * params.stride
}

fn nothing_yet(rebuilt: &Rebuilt, record: &DecisionRecord, name: &str) -> Failure {
    Failure::Input(format!(
        "at decision {} there is no frame of {name} yet: the first takes {} regular samples with an order book \
         since the start, and a whole video {}; choose a later decision",
        id(record),
        rebuilt.blueprint.config.visual_cortex.window,
        samples_of_video(rebuilt)
    ))
}

/// When it was, and how much of the video was there.
fn when(rebuilt: &Rebuilt, record: &DecisionRecord, frames: usize) -> String {
    let params = &rebuilt.blueprint.config.visual_cortex;
    let kind = match record.kind {
        SampleKind::Regular => "a regular sample",
        SampleKind::Startle(_) => "a shock, which adds nothing to the video",
    };
    format!(
        "{}, {kind}; {frames} of {} frames, {} samples each, one every {} samples",
        record.time, params.frames, params.window, params.stride
    )
}

/// What was made of the frames.
fn percept(rebuilt: &Rebuilt, record: &DecisionRecord, numbers: usize) -> String {
    if look(&record.features).is_none() {
        return "percept: none, since a feature is absent from this sample".to_owned();
    }
    let (policy, whole) = (&rebuilt.blueprint.policy, samples_of_video(rebuilt));
    let card = policy.card();
    let trained = if card.trained { "trained" } else { "untrained" };
    match policy {
        Policy::Network(_) if numbers == 0 => {
            format!(
                "percept: none before the video is whole, {whole} samples (network {}, {trained})",
                card.name
            )
        }
        Policy::Network(network) => {
            let is_used = network.network.card.modalities.iter().any(|name| name == Modality::Vision.name());
            let use_of_it = if is_used { "" } else { "; it was trained without sight, and looks away" };
            format!("percept: {numbers} numbers of the network {}, {trained}{use_of_it}", card.name)
        }
        Policy::Rule(_) => format!("percept: {numbers} statistics of these fields, untrained"),
    }
}

/// What the network that was active attended to in the newest frame.
fn attention(policy: &Policy, seen: &[SeenFrame]) -> Result<Attention, Failure> {
    let nothing = |why: &str| Ok(Attention::Nothing(why.to_owned()));
    let Policy::Network(trained) = policy else {
        return nothing("No network is active: a rule decides, and looks at statistics of the fields.");
    };
    let newest = &seen[seen.len().saturating_sub(PICTURES)..];
    let image: Vec<f32> = newest.iter().flat_map(|picture| picture.pixels.iter().copied()).collect();
    match networks::attention(&trained.network, &image) {
        Ok(heads) if heads.is_empty() => nothing("The frame network has no attention over patches."),
        Ok(heads) => Ok(Attention::of_matrices(&heads, trained.network.card.shape.patches())),
        Err(NetworkError::NoWeights(_)) => {
            nothing("The network is of its own graphs, which do not tell what they attend to.")
        }
        Err(error) => Err(Failure::Input(error.to_string())),
    }
}

/// The frames as they are drawn, with the times of their samples.
fn frames(tape: &Tape, found: &Found, seen: Vec<SeenFrame>) -> Result<Vec<Frame>, Failure> {
    let oldest = seen.first().map_or(0, |picture| picture.age_samples);
    let times = sample_times(tape, found, oldest + 1)?;
    let now = found.decision.record.time;
    let frame = |pictures: &[SeenFrame]| {
        let age_samples = pictures[0].age_samples;
        Frame {
            age_samples,
            age_s: times.get(age_samples).map(|time| now.since(*time) as f64 / 1e9),
            pictures: pictures
                .chunks_exact(FIELDS)
                .map(|fields| [fields[0].pixels.clone(), fields[1].pixels.clone()])
                .collect(),
        }
    };
    Ok(seen.chunks_exact(PICTURES).map(frame).collect())
}

/// When the newest samples were made that the video of an instrument holds, the newest first.
fn sample_times(tape: &Tape, found: &Found, count: usize) -> Result<Vec<Timestamp>, Failure> {
    let at = &found.decision.record;
    let is_held = |record: &DecisionRecord| {
        record.instrument == at.instrument
            && record.sequence <= at.sequence
            && record.kind == SampleKind::Regular
            && look(&record.features).is_some()
    };
    let mut times = Vec::new();
    for block in (0..=found.block).rev() {
        for record in tape.reader.block(block)?.into_iter().rev() {
            if let Record::Decision(decision) = record
                && is_held(&decision.record)
            {
                times.push(decision.record.time);
                if times.len() == count {
                    return Ok(times);
                }
            }
        }
    }
    Ok(times)
}

fn write(canvas: &Canvas, path: &Path) -> Result<(), Failure> {
    let file = File::create(path).map_err(|error| Failure::unwritable(path, &error))?;
    canvas.write_png(BufWriter::new(file)).map_err(|error| Failure::unwritable(path, &error))
}

/// What was drawn, to be told.
struct Drawn {
    view: View,
    id: String,
    name: String,
    percept: String,
    canvas: Canvas,
    out: PathBuf,
}

impl Drawn {
    fn text(&self, time: Timestamp, differs: Option<&str>) -> String {
        let Self { view, id, name, percept, canvas, out } = self;
        let [frames, features] = [view.frames.len(), view.features.len()];
        let mut text = format!(
            "{name} at decision {id}, {time}\n{frames} frames of {features} features, two fields each\n{percept}\n"
        );
        text += &match &view.attention {
            Attention::Nothing(why) => format!("attention: none. {why}\n"),
            Attention::Heads(heads) => {
                let mean = view.attention.mean().unwrap_or_default();
                let most = mean.iter().copied().fold(0.0, f32::max);
                let [even, most] = [1.0 / mean.len() as f32, most].map(|share| 100.0 * share);
                format!(
                    "attention: {} heads over {} patches of the newest frame, at most {most:.1} % to one ({even:.1} % would be even)\n",
                    heads.len(),
                    mean.len()
                )
            }
        };
        if let Some(differs) = differs {
            text +=
                &format!("what is drawn may differ from what was seen then: {differs}; see `janus replay`\n");
        }
        text + &format!("{}: {} x {} pixels\n", out.display(), canvas.width(), canvas.height())
    }

    fn json(&self, record: &DecisionRecord, differs: Option<String>) -> Value {
        let Self { view, id, name, percept, canvas, out } = self;
        let frame = |frame: &Frame| json!({ "age_samples": frame.age_samples, "age_s": frame.age_s });
        let attention = match &view.attention {
            Attention::Nothing(_) => Value::Null,
            Attention::Heads(heads) => json!({ "mean": view.attention.mean(), "heads": heads }),
        };
        json!({
            "id": id,
            "sequence": record.sequence,
            "time": record.time.to_string(),
            "instrument": name,
            "frames": view.frames.iter().map(frame).collect::<Vec<_>>(),
            "features": view.features,
            "window": view.window,
            "percept": percept,
            "attention": attention,
            "first_difference": differs,
            "out": out,
            "width": canvas.width(),
            "height": canvas.height(),
        })
    }
}
