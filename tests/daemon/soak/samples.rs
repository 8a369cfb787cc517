//! What is looked at once a second, and whether it stays as it is.

use std::fs;

/// How a process and its queues stood at one moment.
#[derive(Debug, Clone, Copy, Default)]
pub struct Sample {
    pub at_s: f64,
    pub rss_kib: f64,
    pub descriptors: f64,
    pub threads: f64,
    /// Of the region with the most messages.
    pub mailbox: f64,
    /// Inputs that are not durable.
    pub lag: f64,
    /// How long the feed's last event had waited.
    pub feed_lag_s: f64,
    pub disk_mib: f64,
    pub inputs: f64,
    /// Whether nothing was being done to the process.
    pub is_quiet: bool,
}

type Figure = (&'static str, fn(&Sample) -> f64);

pub const RSS: Figure = ("rss_kib", |s| s.rss_kib);
pub const DESCRIPTORS: Figure = ("descriptors", |s| s.descriptors);
pub const THREADS: Figure = ("threads", |s| s.threads);
pub const MAILBOX: Figure = ("mailbox", |s| s.mailbox);
pub const LAG: Figure = ("lag", |s| s.lag);
pub const DISK: Figure = ("disk_mib", |s| s.disk_mib);
const ALL: [Figure; 10] = [
    ("at_s", |s| s.at_s),
    RSS,
    DESCRIPTORS,
    THREADS,
    MAILBOX,
    LAG,
    ("feed_lag_s", |s| s.feed_lag_s),
    DISK,
    ("inputs", |s| s.inputs),
    ("is_quiet", |s| f64::from(u8::from(s.is_quiet))),
];

impl Sample {
    /// Of a process, with what its metrics tell.
    pub fn of(pid: u32, at_s: f64, metrics: &str) -> Self {
        let status = fs::read_to_string(format!("/proc/{pid}/status")).expect("it runs");
        let own = |name: &str| -> f64 {
            let line = status.lines().find_map(|line| line.strip_prefix(name)).expect("a line of it");
            line.trim().trim_end_matches(" kB").parse().expect("a number")
        };
        let told = |name: &str| -> f64 {
            let values = metrics.lines().filter(|line| line.starts_with(name));
            let values = values.filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok());
            values.fold(0.0, f64::max)
        };
        Self {
            at_s,
            rss_kib: own("VmRSS:"),
            descriptors: fs::read_dir(format!("/proc/{pid}/fd")).expect("it runs").count() as f64,
            threads: own("Threads:"),
            mailbox: told("janus_region_mailbox{"),
            lag: told("janus_journal_lag "),
            feed_lag_s: told("janus_feed_lag_seconds{"),
            disk_mib: told("janus_disk_used_bytes ") / f64::from(1 << 20),
            inputs: told("janus_inputs_total "),
            is_quiet: false,
        }
    }

    /// Its values as a row of text.
    pub fn to_row(self) -> String {
        ALL.map(|(_, of)| of(&self).to_string()).join(",")
    }
}

/// What the values of [`Sample::to_row`] are.
pub fn names() -> String {
    ALL.map(|(name, _)| name).join(",")
}

fn sorted(samples: &[Sample], figure: Figure) -> Vec<f64> {
    let mut values: Vec<f64> = samples.iter().map(figure.1).collect();
    values.sort_by(f64::total_cmp);
    values
}

/// The smallest, the middle one and the largest.
pub fn spread(samples: &[Sample], figure: Figure) -> [f64; 3] {
    let values = sorted(samples, figure);
    [values[0], values[values.len() / 2], values[values.len() - 1]]
}

/// The value it has most often: those who have just gone are not counted.
pub fn usual(samples: &[Sample], figure: Figure) -> f64 {
    let values = sorted(samples, figure);
    let times = |value: &f64| values.iter().filter(|other| *other == value).count();
    *values.iter().rev().max_by_key(|value| times(value)).expect("samples")
}

/// Each figure with its spread.
pub fn summary(samples: &[Sample]) -> String {
    let told = ALL.map(|figure| {
        let [least, middle, most] = spread(samples, figure);
        format!("{} {least:.0}/{middle:.0}/{most:.0}", figure.0)
    });
    told.join(", ")
}

/// The medians of so many stretches of equal length: what passes within one is not seen.
fn medians(samples: &[Sample], figure: Figure, stretches: usize) -> Vec<f64> {
    let of = |at: usize| &samples[at * samples.len() / stretches..(at + 1) * samples.len() / stretches];
    (0..stretches).map(|at| spread(of(at), figure)[1]).collect()
}

/// By which share of its median a figure's trend moves it from the first of some stretches to the last, and
/// by which share their medians differ.
pub fn drift(samples: &[Sample], figure: Figure, stretches: usize) -> (f64, f64) {
    let medians = medians(samples, figure, stretches);
    let (mean, mean_at) = (medians.iter().sum::<f64>() / stretches as f64, (stretches - 1) as f64 / 2.0);
    let with_at = || medians.iter().enumerate().map(|(at, value)| (at as f64 - mean_at, value - mean));
    let slope = with_at().map(|(x, y)| x * y).sum::<f64>() / with_at().map(|(x, _)| x * x).sum::<f64>();
    let (least, most) = medians
        .iter()
        .fold((f64::MAX, f64::MIN), |(least, most), value| (least.min(*value), most.max(*value)));
    (slope * (stretches - 1) as f64 / mean, (most - least) / mean)
}

#[test]
fn a_trend_and_a_range_are_told_and_a_peak_is_not() {
    let line = |rise: f64| -> Vec<Sample> {
        let of = |at: u32| Sample { rss_kib: 1000.0 + rise * f64::from(at), ..Sample::default() };
        (0..100).map(of).collect()
    };
    let (trend, range) = drift(&line(1.0), RSS, 10);
    assert!((trend - 90.0 / 1050.0).abs() < 1e-9 && (range - trend).abs() < 1e-9, "{trend} {range}");
    let mut flat = line(0.0);
    flat[37].rss_kib = 5000.0;
    assert_eq!(drift(&flat, RSS, 10), (0.0, 0.0));
    assert_eq!(spread(&flat, RSS), [1000.0, 1000.0, 5000.0]);
    assert_eq!((usual(&flat, RSS), usual(&line(1.0), RSS)), (1000.0, 1000.0));
    assert!(drift(&line(-1.0), RSS, 10).0 < -0.08);
}
