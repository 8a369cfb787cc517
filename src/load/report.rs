//! What a load came to.

use serde_json::{Map, Value, json};

use crate::failure::Failure;
use crate::latency::{LatencyStatus, SpanStatus};

/// The least share of decisions that must release an order.
const RELEASED_AT_LEAST: f64 = 0.05;
/// So many snapshots must be taken meanwhile.
const SNAPSHOTS_AT_LEAST: usize = 2;

/// What was measured.
#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    /// Rows a second that were sent.
    pub rate: u64,
    /// For how long.
    pub seconds: u64,
    /// Of so many instruments.
    pub instruments: usize,
    /// Rows that were sent and measured.
    pub sent: u64,
    /// What the daemon tells of them.
    pub latency: LatencyStatus,
    /// Orders that were released meanwhile.
    pub orders: u64,
    /// The most memory the daemon had.
    pub peak_rss_bytes: u64,
    /// The daemon's processor time meanwhile.
    pub cpu_s: f64,
    /// The processor time of the generator meanwhile.
    pub generator_cpu_s: f64,
    /// From the first row to the last that was written.
    pub elapsed_s: f64,
    /// How late the generator itself was on average.
    pub late_mean_ms: f64,
    /// And at the most.
    pub late_max_ms: f64,
    /// What waited at the most because the daemon did not read.
    pub waiting_max_bytes: usize,
    /// What the daemon tells of its regions; null where it tells nothing.
    pub regions: Value,
    /// Why the daemon's latch was set at the end, if it was.
    pub latch: Option<String>,
    /// What came of the night, where one was slept meanwhile.
    pub night: Option<Value>,
}

impl Report {
    /// How many of the decisions released an order.
    fn released_share(&self) -> f64 {
        self.orders as f64 / self.latency.decided.count.max(1) as f64
    }

    fn cpu_us_per_decision(&self) -> f64 {
        self.cpu_s * 1e6 / self.latency.decided.count.max(1) as f64
    }

    /// As one object.
    pub fn to_json(&self) -> Value {
        let mut object = Map::new();
        let mut put = |name: &str, value: Value| _ = object.insert(name.to_owned(), value);
        put("rate", self.rate.into());
        put("seconds", self.seconds.into());
        put("instruments", self.instruments.into());
        put("sent", self.sent.into());
        put("decisions", self.latency.decided.count.into());
        put("released", self.latency.released.count.into());
        put("orders", self.orders.into());
        put("released_share", self.released_share().into());
        for (to, span) in [("decided", &self.latency.decided), ("released", &self.latency.released)] {
            for (name, value) in quantiles(span) {
                put(&format!("{name}_{to}_ms"), value.into());
            }
        }
        let near = self.latency.snapshots.iter().map(|near| {
            json!({
                "decisions": near.decided.count,
                "p99_decided_ms": near.decided.p99_ms,
                "p99_released_ms": near.released.p99_ms,
            })
        });
        put("snapshots", near.collect());
        if let Some([awake, asleep]) = &self.latency.awake_asleep {
            for (when, ends) in [("awake", awake), ("asleep", asleep)] {
                put(&format!("decisions_{when}"), ends.decided.count.into());
                put(&format!("p99_decided_{when}_ms"), ends.decided.p99_ms.into());
                put(&format!("p99_released_{when}_ms"), ends.released.p99_ms.into());
            }
        }
        if let Some(night) = &self.night {
            put("night", night.clone());
        }
        put("peak_rss_bytes", self.peak_rss_bytes.into());
        put("cpu_s", self.cpu_s.into());
        put("cpu_us_per_decision", self.cpu_us_per_decision().into());
        put("generator_cpu_s", self.generator_cpu_s.into());
        put("elapsed_s", self.elapsed_s.into());
        put("generator_late_mean_ms", self.late_mean_ms.into());
        put("generator_late_max_ms", self.late_max_ms.into());
        put("waiting_max_bytes", self.waiting_max_bytes.into());
        put("regions", self.regions.clone());
        put("latch", serde_json::to_value(&self.latch).unwrap_or_default());
        Value::Object(object)
    }

    /// A line a figure.
    pub fn to_text(&self) -> String {
        let Value::Object(object) = self.to_json() else { return String::new() };
        let line = |(name, value): (&String, &Value)| match value.as_f64().filter(|_| value.is_f64()) {
            Some(number) => format!("{name:<24}{number:.3}\n"),
            None => format!("{name:<24}{value}\n"),
        };
        object.iter().map(line).collect()
    }

    /// Whether it was a load that tells anything.
    ///
    /// # Errors
    /// [`Failure::Check`] where too few decisions released an order, not all were decided, or too few
    /// snapshots were taken.
    pub fn check(&self) -> Result<(), Failure> {
        let (decided, sent, share) = (self.latency.decided.count, self.sent, self.released_share());
        let snapshots = self.latency.snapshots.len();
        let fault = if decided < sent {
            format!("{decided} of {sent} rows came to a decision; look at what the daemon refused")
        } else if share < RELEASED_AT_LEAST {
            let latch = self.latch.as_deref().unwrap_or("not set");
            format!(
                "{share:.4} of the decisions released an order, at least {RELEASED_AT_LEAST} must; the latch is: {latch}"
            )
        } else if snapshots < SNAPSHOTS_AT_LEAST {
            format!(
                "{snapshots} snapshots were taken meanwhile, at least {SNAPSHOTS_AT_LEAST} must be; give more --seconds"
            )
        } else if self.night.is_some() && self.latency.awake_asleep.is_none() {
            "nothing came while it slept; give more --seconds, or a longer night with --set sleep.restarts"
                .to_owned()
        } else {
            return Ok(());
        };
        Err(Failure::Check(fault))
    }
}

fn quantiles(span: &SpanStatus) -> [(&'static str, f64); 4] {
    [("p50", span.p50_ms), ("p99", span.p99_ms), ("p99_9", span.p99_9_ms), ("max", span.max_ms)]
}
