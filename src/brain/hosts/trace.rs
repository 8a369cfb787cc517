//! The way of a sample through the line, told to the log: a span for the sample, a child for each
//! region, and one line for each region and for the verdict, so that one `grep` of a sequence number
//! follows a tick through the whole brain.

use std::sync::Arc;
use std::time::{Duration, Instant};

use market::InstrumentId;
use market::order::Request;
use synapse::{Judged, Outcome};
use tracing::span::EnteredSpan;
use tracing::{Level, Span};

/// The target of all that is told here: `janus::trace=debug` in a log's filter traces every sample.
pub const TRACE_TARGET: &str = "janus::trace";

/// Decides which samples are traced.
#[derive(Debug, Clone, Copy)]
pub struct Tracer {
    every: u64,
}

/// A sample on its way; nothing where it is not traced. It travels with the sample.
#[derive(Debug, Clone, Default)]
pub struct Traced(Option<Arc<Sample>>);

#[derive(Debug)]
struct Sample {
    span: Span,
    level: Level,
    sequence: u64,
    instrument: u16,
    began: Instant,
}

/// A region at work on a sample, until it is dropped.
#[derive(Debug)]
#[must_use = "the region's work lasts until this is dropped"]
pub struct Step<'a> {
    /// Nothing where the sample is not traced.
    work: Option<Work<'a>>,
}

#[derive(Debug)]
struct Work<'a> {
    sample: &'a Sample,
    region: &'static str,
    inside: EnteredSpan,
    began: Instant,
}

/// Tells something of a sample at its level, which a macro wants to be constant.
macro_rules! tell {
    ($sample:expr, $($field:tt)*) => {{
        let (sequence, instrument) = ($sample.sequence, $sample.instrument);
        if $sample.level == Level::INFO {
            tracing::info!(target: TRACE_TARGET, sequence, instrument, $($field)*);
        } else {
            tracing::debug!(target: TRACE_TARGET, sequence, instrument, $($field)*);
        }
    }};
}

impl Tracer {
    /// Traces the samples of every so-many-th sequence at `info`, of none if 0, and all others at `debug`.
    pub const fn new(every: u64) -> Self {
        Self { every }
    }

    /// A sample sets out.
    pub fn sample(&self, sequence: u64, instrument: InstrumentId) -> Traced {
        let instrument = instrument.0;
        let (level, span) = if self.every > 0 && sequence.is_multiple_of(self.every) {
            (Level::INFO, tracing::info_span!(target: TRACE_TARGET, "sample", sequence, instrument))
        } else {
            (Level::DEBUG, tracing::debug_span!(target: TRACE_TARGET, "sample", sequence, instrument))
        };
        if span.is_disabled() {
            return Traced::default();
        }
        Traced(Some(Arc::new(Sample { span, level, sequence, instrument, began: Instant::now() })))
    }
}

impl Traced {
    /// Whether it is traced.
    pub const fn is_traced(&self) -> bool {
        self.0.is_some()
    }

    /// A region begins to work on it: what is logged until the step is dropped stands in the region's
    /// span. Drop it before the sample is passed on, so that the log keeps the order of the line.
    pub fn region(&self, region: &'static str) -> Step<'_> {
        let work = self.0.as_deref().map(|sample| {
            let (sequence, instrument) = (sample.sequence, sample.instrument);
            let span = tracing::info_span!(target: TRACE_TARGET, parent: &sample.span, "region", sequence, instrument, region);
            Work { sample, region, inside: span.entered(), began: Instant::now() }
        });
        Step { work }
    }

    /// A region has worked on it for so long; for one whose work made the sample.
    pub fn took(&self, region: &'static str, elapsed: Duration) {
        if let Some(sample) = self.0.as_deref() {
            sample.took(region, elapsed);
        }
    }

    /// It was judged: the end of its way.
    pub fn verdict(&self, judged: &Judged) {
        let Some(sample) = self.0.as_deref() else { return };
        let elapsed_ns = nanoseconds(sample.began.elapsed());
        let (time, kind) = (judged.sensed().time, judged.sensed().kind);
        let tripped = judged.verdict.tripped;
        match &judged.verdict.outcome {
            Outcome::Act(requests) => {
                let requests = requests.iter().map(words).collect::<Vec<_>>().join(", ");
                tell!(sample, verdict = "act", requests, tripped, elapsed_ns, %time, ?kind);
            }
            Outcome::Rest(reason) => {
                let name = reason.name();
                tell!(sample, verdict = "rest", reason = name, why = %reason, tripped, elapsed_ns, %time, ?kind);
            }
        }
    }
}

impl Sample {
    fn took(&self, region: &'static str, elapsed: Duration) {
        tell!(self, region, elapsed_ns = nanoseconds(elapsed));
    }
}

impl Drop for Step<'_> {
    fn drop(&mut self) {
        let Some(Work { sample, region, inside, began }) = self.work.take() else { return };
        let elapsed = began.elapsed();
        // the line names sample and region itself
        drop(inside);
        sample.took(region, elapsed);
    }
}

fn nanoseconds(elapsed: Duration) -> u64 {
    u64::try_from(elapsed.as_nanos()).unwrap_or(u64::MAX)
}

fn words(request: &Request) -> String {
    let what = match request {
        Request::Place(_) => "place",
        Request::Cancel(_) => "cancel",
        Request::Replace { .. } => "replace",
    };
    format!("{what} {}", request.id())
}

#[cfg(test)]
mod tests {
    use market::{MarketEvent, Timestamp};
    use serde_json::Value;
    use tracing_subscriber::EnvFilter;
    use tracing_subscriber::layer::SubscriberExt;

    use super::*;
    use crate::assemble::{self, Orders};
    use crate::brain::REGIONS;
    use crate::commands::DEMO_CONFIG;
    use crate::config::Loader;
    use crate::logging;

    const OTHER: u64 = 1201;

    /// What logs with these filters hold after some work.
    fn logs<const N: usize>(filters: [&str; N], work: impl FnOnce()) -> [Vec<Value>; N] {
        let folder = tempfile::tempdir().expect("a folder");
        let path = |at: usize| folder.path().join(at.to_string());
        let layers: Vec<_> = filters
            .iter()
            .enumerate()
            .map(|(at, filter)| {
                logging::json(std::fs::File::create(path(at)).expect("a file"), EnvFilter::new(filter))
            })
            .collect();
        tracing::subscriber::with_default(tracing_subscriber::registry().with(layers), work);
        std::array::from_fn(|at| {
            let text = std::fs::read_to_string(path(at)).expect("text");
            text.lines().map(|line| serde_json::from_str(line).expect("an object")).collect()
        })
    }

    /// A judgement of the demo's brain that has seen nothing.
    fn judged() -> Judged {
        let config = Loader::new().text(DEMO_CONFIG, "demo").and_then(Loader::finish).expect("the demo");
        let stream = Vec::<MarketEvent>::new().into_iter().peekable();
        let (engine, _) = assemble::engine(&config, stream, Orders::default()).expect("a brain");
        let judged = engine.line().peek(1200, Timestamp::from_ns(0), InstrumentId(0)).expect("no fault");
        judged.expect("a sample")
    }

    fn pass(tracer: Tracer, sequence: u64, judged: &Judged) {
        let traced = tracer.sample(sequence, InstrumentId(0));
        traced.took(REGIONS[0], Duration::from_nanos(17));
        REGIONS[1..].iter().for_each(|name| drop(traced.region(name)));
        traced.verdict(judged);
    }

    fn sequences(lines: &[Value]) -> Vec<u64> {
        let mut all: Vec<u64> = lines.iter().map(|line| line["sequence"].as_u64().expect("one")).collect();
        all.dedup();
        all
    }

    #[test]
    fn each_region_and_the_verdict_are_a_line() {
        let judged = judged();
        let [lines] = logs(["info"], || pass(Tracer::new(100), 1200, &judged));
        let regions: Vec<_> = lines.iter().filter_map(|line| line["region"].as_str()).collect();
        assert_eq!(regions, REGIONS);
        assert_eq!(lines[0]["elapsed_ns"], 17);
        for line in &lines {
            assert_eq!((&line["target"], &line["instrument"]), (&TRACE_TARGET.into(), &0.into()), "{line}");
            assert!(line["elapsed_ns"].is_u64() && line.get("span").is_none(), "{line}");
            assert!(line.to_string().contains("\"sequence\":1200,"), "{line}");
        }
        let Outcome::Rest(reason) = &judged.verdict.outcome else { panic!("it acts: {judged:?}") };
        let verdict = lines.last().expect("a verdict");
        assert_eq!((&verdict["verdict"], &verdict["reason"]), (&"rest".into(), &reason.name().into()));
        assert_eq!((&verdict["tripped"], &verdict["kind"]), (&false.into(), &"Regular".into()));
        assert_eq!((lines.len(), &verdict["why"]), (REGIONS.len() + 1, &reason.to_string().into()));
    }

    #[test]
    fn what_is_asked_of_the_venue_is_named() {
        let mut judged = judged();
        let id = market::order::ClientId { sequence: 1200, instrument: InstrumentId(0), k: 1 };
        judged.verdict.outcome = Outcome::Act(smallvec::smallvec![Request::Cancel(id)]);
        judged.verdict.tripped = true;
        let [lines] = logs(["info"], || pass(Tracer::new(1), 1200, &judged));
        let verdict = lines.last().expect("a verdict");
        assert_eq!((&verdict["verdict"], &verdict["tripped"]), (&"act".into(), &true.into()));
        assert_eq!(verdict["requests"], format!("cancel {id}"));
    }

    #[test]
    fn each_log_has_the_samples_that_its_filter_lets_through() {
        let judged = judged();
        let filters = ["info", "info,janus::trace=debug", "warn", "warn,janus::trace=info"];
        let logs = logs(filters, || {
            (1199..=OTHER).for_each(|sequence| pass(Tracer::new(100), sequence, &judged));
            pass(Tracer::new(0), 0, &judged);
        });
        let wanted: [&[u64]; 4] = [&[1200], &[1199, 1200, OTHER, 0], &[], &[1200]];
        for ((lines, wanted), filter) in logs.iter().zip(wanted).zip(filters) {
            assert_eq!(sequences(lines), wanted, "{filter}");
            assert_eq!(lines.len(), wanted.len() * (REGIONS.len() + 1), "{filter}");
        }
    }

    #[test]
    fn what_a_region_says_carries_its_sample() {
        let [lines] = logs(["info"], || {
            let traced = Tracer::new(1).sample(OTHER, InstrumentId(3));
            let step = traced.region("amygdala");
            tracing::warn!("from inside");
            drop(step);
            tracing::warn!("from outside");
            assert!(traced.is_traced() && !Tracer::new(2).sample(OTHER, InstrumentId(3)).is_traced());
        });
        let [inside, line, outside] = lines.as_slice() else { panic!("{lines:?}") };
        let span = &inside["span"];
        assert_eq!((&span["sequence"], &span["instrument"]), (&OTHER.into(), &3.into()));
        assert_eq!((&span["region"], &line["region"]), (&"amygdala".into(), &"amygdala".into()));
        assert!(outside.get("span").is_none(), "{outside}");
    }
}
