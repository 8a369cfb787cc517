//! What is measured, each declared once, and how it stands with the loop that decides.
//!
//! The loop publishes; whoever is asked over HTTP reads what was published, and never asks the loop.

mod declared;

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, text};
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::Registry;
use synapse::{DecisionRecord, Phase, Signal};

use crate::brain::Gauges;
use crate::control::FeedStatus;
use crate::notify::Told;

pub use declared::{METRICS, Metric};

/// The first part of every name.
pub const PREFIX: &str = "janus";
/// No two snapshots of the loop are nearer than that.
const EVERY_MS: u64 = 100;
/// Of so many inputs the moment of their admission is kept.
const REMEMBERED: usize = 1 << 16;
/// A loop that has not turned for so long is not alive.
const ALIVE_WITHIN_MS: u64 = 10_000;

/// How it stands with the loop.
#[derive(Debug, Clone, Default)]
pub struct Snapshot {
    /// Inputs admitted.
    pub inputs: u64,
    /// The last input that is durable with its decisions.
    pub durable: u64,
    /// Decisions.
    pub decisions: u64,
    /// Orders placed.
    pub orders: u64,
    /// Fills.
    pub fills: u64,
    /// Orders refused, by limit.
    pub refusals: BTreeMap<String, u64>,
    /// Times the amygdala tripped.
    pub trips: u64,
    /// Whether the latch is set.
    pub is_latched: bool,
    /// Why the gate is closed, the latch among it; none where it is open.
    pub closed: Option<String>,
    /// The feeds.
    pub feeds: Vec<FeedStatus>,
    /// What the journal takes.
    pub disk_used_bytes: u64,
    /// What it may take; `u64::MAX` where there is no bound.
    pub disk_budget_bytes: u64,
    /// Faults of regions.
    pub faults: u64,
    /// Inputs folded as absent.
    pub quarantined: u64,
    /// How often the command of `daemon.notify` ran.
    pub told: Told,
}

/// What the loop publishes.
pub struct Standing {
    began: Instant,
    /// When the loop last turned, and when it last published; 0 where it never did.
    turned_ms: AtomicU64,
    published_ms: AtomicU64,
    snapshot: Mutex<Option<Snapshot>>,
    gauges: Arc<Gauges>,
    /// The last decision's distance, its limit and its satisfaction, as the bits of a float.
    distance: AtomicU64,
    tau: AtomicU64,
    satisfaction: AtomicU64,
    decided: Histogram,
    released: Histogram,
}

impl fmt::Debug for Standing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Standing").field("snapshot", &self.snapshot).finish_non_exhaustive()
    }
}

impl Standing {
    /// Of a loop that is about to turn, over the gauges of its regions.
    pub fn new(gauges: Arc<Gauges>) -> Self {
        let nothing = || AtomicU64::new(f64::NAN.to_bits());
        // 10 µs to 10 s, four a decade
        let latency = || Histogram::new(exponential_buckets(1e-5, 10_f64.powf(0.25), 25));
        Self {
            began: Instant::now(),
            turned_ms: AtomicU64::new(0),
            published_ms: AtomicU64::new(0),
            snapshot: Mutex::new(None),
            gauges,
            distance: nothing(),
            tau: nothing(),
            satisfaction: nothing(),
            decided: latency(),
            released: latency(),
        }
    }

    /// The loop turned; whether it is time to publish.
    pub fn turn(&self) -> bool {
        let now_ms = self.now_ms();
        self.turned_ms.store(now_ms, Ordering::Relaxed);
        let published_ms = self.published_ms.load(Ordering::Relaxed);
        published_ms == 0 || now_ms >= published_ms + EVERY_MS
    }

    /// Publishes how the loop stands.
    pub fn publish(&self, snapshot: Snapshot) {
        self.published_ms.store(self.now_ms(), Ordering::Relaxed);
        *self.lock() = Some(snapshot);
    }

    /// Takes note of a decision.
    pub fn judged(&self, record: &DecisionRecord) {
        let anomaly = record.threat.reading(Signal::Anomaly);
        if record.threat.phase == Phase::Armed
            && let (Some(distance), Some(tau)) = (anomaly.value, anomaly.limit)
        {
            self.distance.store(distance.to_bits(), Ordering::Relaxed);
            self.tau.store(tau.to_bits(), Ordering::Relaxed);
        }
        if !record.verdict.rules.is_empty() {
            self.satisfaction.store(record.verdict.satisfaction.to_bits(), Ordering::Relaxed);
        }
    }

    /// The loop ends: nothing new is sent.
    pub fn stop(&self) {
        if let Some(snapshot) = self.lock().as_mut() {
            snapshot.closed = Some("it stops".to_owned());
        }
    }

    /// How long it took from an input's admission to its decision.
    pub fn decided_in(&self, latency: Duration) {
        self.decided.observe(latency.as_secs_f64());
    }

    /// How long it took from an input's admission to the release of what was decided.
    pub fn released_in(&self, latency: Duration) {
        self.released.observe(latency.as_secs_f64());
    }

    /// Whether the loop turned of late.
    pub fn is_alive(&self) -> bool {
        self.was_alive(self.now_ms())
    }

    fn was_alive(&self, now_ms: u64) -> bool {
        let turned_ms = self.turned_ms.load(Ordering::Relaxed);
        turned_ms > 0 && now_ms.saturating_sub(turned_ms) <= ALIVE_WITHIN_MS
    }

    /// Why nothing new could be sent; none where the gate is open.
    pub fn closed(&self) -> Option<String> {
        match self.lock().as_ref() {
            None => Some("it starts".to_owned()),
            Some(snapshot) => snapshot.closed.clone(),
        }
    }

    /// Everything that is measured, as OpenMetrics text.
    ///
    /// # Errors
    /// What the encoder says.
    pub fn render(self: &Arc<Self>) -> Result<String, fmt::Error> {
        let mut registry = Registry::with_prefix(PREFIX);
        registry.register_collector(Box::new(Arc::clone(self)));
        let mut rendered = String::new();
        text::encode(&mut rendered, &registry)?;
        Ok(rendered)
    }

    /// Milliseconds since the beginning, never 0.
    fn now_ms(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX).saturating_add(1)
    }

    fn lock(&self) -> MutexGuard<'_, Option<Snapshot>> {
        self.snapshot.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// When the inputs of late were admitted.
#[derive(Debug, Default)]
pub struct Stopwatch {
    /// By sequence.
    admitted: VecDeque<(u64, Instant)>,
}

impl Stopwatch {
    /// An input is admitted now.
    pub fn begin(&mut self, sequence: u64) {
        if self.admitted.len() == REMEMBERED {
            self.admitted.pop_front();
        }
        self.admitted.push_back((sequence, Instant::now()));
    }

    /// How long ago an input was admitted; none where that was too many inputs ago, or before a restart.
    pub fn since(&self, sequence: u64) -> Option<Duration> {
        let at = self.admitted.binary_search_by_key(&sequence, |(admitted, _)| *admitted).ok()?;
        self.admitted.get(at).map(|(_, at)| at.elapsed())
    }
}

impl Collector for Standing {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let snapshot = self.lock().clone().unwrap_or_default();
        METRICS.iter().try_for_each(|metric| metric.encode(self, &snapshot, &mut encoder))
    }
}

/// The memory that this process has in use; none where the system does not tell.
pub fn resident_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let kib = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    kib.trim().strip_suffix(" kB")?.parse::<u64>().ok().map(|kib| kib << 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn standing() -> Arc<Standing> {
        Arc::new(Standing::new(Arc::default()))
    }

    fn snapshot() -> Snapshot {
        Snapshot {
            inputs: 42,
            durable: 40,
            decisions: 17,
            orders: 5,
            fills: 4,
            refusals: [("collar".to_owned(), 2)].into(),
            trips: 1,
            is_latched: true,
            closed: Some("latched, operator".to_owned()),
            feeds: vec![FeedStatus {
                name: "unix:a \"b\"".to_owned(),
                state: "open".to_owned(),
                events: 41,
                refused: 0,
                lag_ms: 1_500,
                silent_ms: 20,
            }],
            disk_used_bytes: 1 << 20,
            disk_budget_bytes: u64::MAX,
            faults: 6,
            quarantined: 7,
            told: Told { runs: 8, failures: 9, dropped: 10 },
        }
    }

    #[test]
    fn what_is_declared_is_rendered_once_and_nothing_else() {
        let standing = standing();
        standing.publish(snapshot());
        standing.decided_in(Duration::from_millis(3));
        let text = standing.render().expect("rendered");
        assert!(text.ends_with("# EOF\n"), "{text}");
        for metric in &METRICS {
            let kind = format!("# TYPE {} {}\n", metric.full_name(), metric.kind());
            assert_eq!(text.matches(&kind).count(), 1, "{kind} in {text}");
            let help = format!("# HELP {} {}", metric.full_name(), metric.help);
            assert!(text.contains(&help), "{help} in {text}");
        }
        assert_eq!(text.matches("# TYPE").count(), METRICS.len(), "{text}");
    }

    #[test]
    fn the_values_are_those_published() {
        let standing = standing();
        standing.publish(snapshot());
        standing.decided_in(Duration::from_millis(3));
        let text = standing.render().expect("rendered");
        for line in [
            "janus_inputs_total 42",
            "janus_decisions_total 17",
            "janus_orders_total 5",
            "janus_fills_total 4",
            "janus_refusals_total{limit=\"collar\"} 2",
            "janus_latch 1.0",
            "janus_gate_open 0.0",
            "janus_journal_lag 2.0",
            "janus_region_mailbox{region=\"amygdala\"} 0.0",
            "janus_region_restarts_total{region=\"prefrontal\"} 0.0",
            "janus_decided_seconds_count 1",
            "janus_released_seconds_count 0",
            "janus_feed_lag_seconds{feed=\"unix:a \\\"b\\\"\"} 1.5",
            "janus_disk_used_bytes 1048576.0",
            "janus_faults_total 6",
            "janus_quarantined 7.0",
            "janus_notify_total{outcome=\"failed\"} 9",
        ] {
            assert!(text.contains(&format!("{line}\n")), "{line} is not in {text}");
        }
        for absent in ["quantile=", "\njanus_disk_budget_bytes ", "\njanus_anomaly_distance "] {
            assert!(!text.contains(absent), "{absent}: nothing is known of it, in {text}");
        }
        let resident = text.lines().find_map(|line| line.strip_prefix("janus_resident_memory_bytes "));
        assert!(resident.is_none_or(|bytes| bytes.parse::<f64>().is_ok_and(|bytes| bytes > 1e6)), "{text}");
    }

    #[test]
    fn a_stopwatch_knows_the_inputs_of_late() {
        let mut watch = Stopwatch::default();
        assert_eq!(watch.since(1), None);
        (1..=REMEMBERED as u64 + 1).for_each(|sequence| watch.begin(sequence));
        assert_eq!(watch.since(1), None, "forgotten");
        for known in [2, 3, REMEMBERED as u64 + 1] {
            assert!(watch.since(known).is_some(), "{known}");
        }
    }

    #[test]
    fn it_is_alive_while_the_loop_turns_and_ready_while_the_gate_is_open() {
        let standing = standing();
        assert!(!standing.is_alive(), "no turn yet");
        assert_eq!(standing.closed().as_deref(), Some("it starts"));
        assert!(standing.turn(), "nothing is published yet");
        standing.publish(snapshot());
        let turned_ms = standing.turned_ms.load(Ordering::Relaxed);
        assert!(standing.was_alive(turned_ms + ALIVE_WITHIN_MS));
        assert!(!standing.was_alive(turned_ms + ALIVE_WITHIN_MS + 1));
        assert_eq!(standing.closed().as_deref(), Some("latched, operator"));
        standing.publish(Snapshot { closed: None, ..snapshot() });
        assert_eq!(standing.closed(), None);
        standing.stop();
        assert_eq!(standing.closed().as_deref(), Some("it stops"));
    }
}
