//! The list of everything that is measured: name, unit, meaning, and where its value is read.

use std::fmt;

use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric, MetricEncoder};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Unit;

use super::{PREFIX, Snapshot, Standing, resident_bytes};
use crate::brain::RegionGauge;
use crate::control::FeedStatus;

/// The quantiles of a region's latency that are told.
const QUANTILES: [f64; 3] = [0.5, 0.99, 0.999];

/// Something that is measured.
#[derive(Debug)]
pub struct Metric {
    /// Its name, without prefix and unit.
    pub name: &'static str,
    /// `seconds`, `bytes`, or nothing for a count.
    pub unit: &'static str,
    /// What it means.
    pub help: &'static str,
    read: Read,
}

/// Where a value is read.
#[derive(Debug)]
enum Read {
    /// It only grows.
    Count(fn(&Snapshot) -> u64),
    /// The same, by a label.
    Counts(&'static str, fn(&Snapshot) -> Vec<(&str, u64)>),
    /// It goes up and down; nothing is told where nothing is known.
    Level(fn(&Snapshot) -> Option<f64>),
    /// The same, of the last decision.
    LastLevel(fn(&Standing) -> f64),
    /// The same, by feed.
    Feeds(fn(&FeedStatus) -> f64),
    /// The same, by region.
    Regions(fn(&RegionGauge) -> f64),
    /// It only grows, by region.
    RegionCounts(fn(&RegionGauge) -> f64),
    /// The quantiles of a region's latency.
    RegionQuantiles,
    /// Latencies by bucket.
    Latencies(fn(&Standing) -> &Histogram),
}

const fn metric(name: &'static str, unit: &'static str, help: &'static str, read: Read) -> Metric {
    Metric { name, unit, help, read }
}

/// Milliseconds as seconds.
fn seconds(ms: u64) -> f64 {
    ms as f64 / 1e3
}

fn told(snapshot: &Snapshot) -> Vec<(&str, u64)> {
    let told = snapshot.told;
    vec![("ok", told.runs), ("failed", told.failures), ("dropped", told.dropped)]
}

fn refusals(snapshot: &Snapshot) -> Vec<(&str, u64)> {
    snapshot.refusals.iter().map(|(limit, count)| (limit.as_str(), *count)).collect()
}

fn budget(snapshot: &Snapshot) -> Option<f64> {
    Some(snapshot.disk_budget_bytes).filter(|bytes| *bytes != u64::MAX).map(|bytes| bytes as f64)
}

/// The value of an atomic that holds a float's bits.
fn float(bits: &std::sync::atomic::AtomicU64) -> f64 {
    f64::from_bits(bits.load(std::sync::atomic::Ordering::Relaxed))
}

/// Everything that is measured.
pub const METRICS: [Metric; 28] = [
    metric("inputs", "", "Inputs admitted", Read::Count(|s| s.inputs)),
    metric("decisions", "", "Decisions taken", Read::Count(|s| s.decisions)),
    metric("orders", "", "Orders placed", Read::Count(|s| s.orders)),
    metric("fills", "", "Fills", Read::Count(|s| s.fills)),
    metric("refusals", "", "Orders refused by a hard limit", Read::Counts("limit", refusals)),
    metric("trips", "", "Times the amygdala tripped", Read::Count(|s| s.trips)),
    metric("latch", "", "1 while the latch is set", Read::Level(|s| Some(f64::from(u8::from(s.is_latched))))),
    metric(
        "gate_open",
        "",
        "1 while new orders may be sent",
        Read::Level(|s| Some(f64::from(u8::from(s.closed.is_none())))),
    ),
    metric(
        "journal_lag",
        "",
        "Inputs admitted and not durable yet",
        Read::Level(|s| Some(s.inputs.saturating_sub(s.durable) as f64)),
    ),
    metric(
        "disk_used",
        "bytes",
        "What the journal's tape takes",
        Read::Level(|s| Some(s.disk_used_bytes as f64)),
    ),
    metric("disk_budget", "bytes", "What it may take; absent where there is no bound", Read::Level(budget)),
    metric(
        "feed_lag",
        "seconds",
        "How long the event taken last had waited since it was read",
        Read::Feeds(|feed| seconds(feed.lag_ms)),
    ),
    metric(
        "feed_silent",
        "seconds",
        "How long nothing has come from a feed",
        Read::Feeds(|feed| seconds(feed.silent_ms)),
    ),
    metric(
        "decided",
        "seconds",
        "From an input's admission to its decision",
        Read::Latencies(|standing| &standing.decided),
    ),
    metric(
        "released",
        "seconds",
        "From an input's admission to the release of what was decided",
        Read::Latencies(|standing| &standing.released),
    ),
    metric(
        "region_mailbox",
        "",
        "Messages that wait for a region",
        Read::Regions(|region| f64::from(region.mailbox())),
    ),
    metric(
        "region_sequence",
        "",
        "The last input that a region has handled",
        Read::Regions(|region| region.sequence() as f64),
    ),
    metric(
        "region_handled",
        "",
        "Inputs that a region has handled",
        Read::RegionCounts(|region| region.handled() as f64),
    ),
    metric(
        "region_busy",
        "seconds",
        "How long a region has worked",
        Read::RegionCounts(|region| region.sum_ns() as f64 / 1e9),
    ),
    metric(
        "region_latency",
        "seconds",
        "How long a region takes for an input, by quantile",
        Read::RegionQuantiles,
    ),
    metric(
        "region_restarts",
        "",
        "How often a region was started again",
        Read::RegionCounts(|region| f64::from(region.restarts())),
    ),
    metric(
        "anomaly_distance",
        "",
        "The Mahalanobis distance D_M of the last armed sample",
        Read::LastLevel(|standing| float(&standing.distance)),
    ),
    metric(
        "anomaly_limit",
        "",
        "The limit τ of that distance",
        Read::LastLevel(|standing| float(&standing.tau)),
    ),
    metric(
        "rules_satisfied",
        "",
        "The satisfaction SAT of the soft rules in the last decision that tested any, from 0 to 1",
        Read::LastLevel(|standing| float(&standing.satisfaction)),
    ),
    metric("faults", "", "Faults of regions", Read::Count(|s| s.faults)),
    metric("quarantined", "", "Inputs folded as absent", Read::Level(|s| Some(s.quarantined as f64))),
    metric("notify", "", "Runs of the command daemon.notify", Read::Counts("outcome", told)),
    metric(
        "resident_memory",
        "bytes",
        "Memory that the process has in use",
        Read::Level(|_| resident_bytes().map(|bytes| bytes as f64)),
    ),
];

impl Metric {
    /// The name that a scrape shows; one that only grows has `_total` behind it there.
    pub fn full_name(&self) -> String {
        match self.unit {
            "" => format!("{PREFIX}_{}", self.name),
            unit => format!("{PREFIX}_{}_{unit}", self.name),
        }
    }

    /// `counter`, `gauge` or `histogram`.
    pub const fn kind(&self) -> &'static str {
        match self.metric_type() {
            MetricType::Counter => "counter",
            MetricType::Histogram => "histogram",
            _ => "gauge",
        }
    }

    const fn metric_type(&self) -> MetricType {
        match self.read {
            Read::Count(_) | Read::Counts(..) | Read::RegionCounts(_) => MetricType::Counter,
            Read::Latencies(_) => MetricType::Histogram,
            _ => MetricType::Gauge,
        }
    }

    pub(super) fn encode(
        &self,
        standing: &Standing,
        snapshot: &Snapshot,
        encoder: &mut DescriptorEncoder<'_>,
    ) -> fmt::Result {
        let unit = (!self.unit.is_empty()).then(|| Unit::Other(self.unit.to_owned()));
        let mut into = encoder.encode_descriptor(self.name, self.help, unit.as_ref(), self.metric_type())?;
        let regions = standing.gauges.regions();
        let gauge = |into: MetricEncoder<'_>, value: f64| ConstGauge::new(value).encode(into);
        match self.read {
            Read::Count(read) => ConstCounter::new(read(snapshot)).encode(into),
            Read::Counts(label, read) => read(snapshot).into_iter().try_for_each(|(name, count)| {
                ConstCounter::new(count).encode(into.encode_family(&[(label, name)])?)
            }),
            Read::Level(read) => read(snapshot).map_or(Ok(()), |value| gauge(into, value)),
            Read::LastLevel(read) => Some(read(standing))
                .filter(|value| !value.is_nan())
                .map_or(Ok(()), |value| gauge(into, value)),
            Read::Feeds(read) => snapshot
                .feeds
                .iter()
                .try_for_each(|feed| gauge(into.encode_family(&[("feed", feed.name.as_str())])?, read(feed))),
            Read::Regions(read) => regions
                .iter()
                .try_for_each(|region| gauge(into.encode_family(&[("region", region.name)])?, read(region))),
            Read::RegionCounts(read) => regions.iter().try_for_each(|region| {
                ConstCounter::new(read(region)).encode(into.encode_family(&[("region", region.name)])?)
            }),
            Read::RegionQuantiles => quantiles(regions, into),
            Read::Latencies(read) => read(standing).encode(into),
        }
    }
}

fn quantiles(regions: &[RegionGauge], mut into: MetricEncoder<'_>) -> fmt::Result {
    for region in regions {
        for quantile in QUANTILES {
            let (Some(ns), quantile) = (region.quantile_ns(quantile), quantile.to_string()) else { continue };
            let labels = [("region", region.name), ("quantile", quantile.as_str())];
            ConstGauge::new(ns as f64 / 1e9).encode(into.encode_family(&labels)?)?;
        }
    }
    Ok(())
}
