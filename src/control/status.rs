//! How things stand with a daemon.

use std::collections::BTreeMap;
use std::fmt::{self, Display};

use journal::{Hash, Regime};
use market::Timestamp;
use serde::{Deserialize, Serialize};

use crate::brain::RegionGauge;
use crate::latency::LatencyStatus;

/// How things stand. Prices, quantities and money are text, which is exact in every language.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Status {
    /// The run's name.
    pub run: String,
    /// How time is treated.
    pub regime: Regime,
    /// The process.
    pub pid: u32,
    /// How long it has run, seconds.
    pub uptime_s: u64,
    /// How many processes wrote this journal before.
    pub epoch: u32,
    /// The last input's number.
    pub sequence: u64,
    /// The last input that is durable together with its decisions.
    pub durable: u64,
    /// The head of the tape.
    pub head: HeadStatus,
    /// The event time of the last input.
    pub time: String,
    /// How fast files are read: a multiple of real time, or `max`.
    pub speed: String,
    /// Decisions so far.
    pub decisions: u64,
    /// The chain over all decisions.
    pub digest: String,
    /// Why the latch is set; none where it is not.
    pub latch: Option<String>,
    /// `open`, or `closed: ` and why.
    pub gate: String,
    /// What the account is worth.
    pub equity: String,
    /// Its cash.
    pub cash: String,
    /// Profit and loss before fees.
    pub pnl_gross: String,
    /// Fees paid.
    pub fees: String,
    /// Profit and loss after fees.
    pub pnl_net: String,
    /// The quantity held of each instrument.
    pub positions: BTreeMap<String, String>,
    /// The orders that may still fill.
    pub working: Vec<Order>,
    /// Orders released so far.
    pub orders: u64,
    /// How long events took that said when they were sent; none where none did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latency: Option<LatencyStatus>,
    /// The feeds, in rank order.
    pub feeds: Vec<FeedStatus>,
    /// None where the exchange is in the program.
    pub venue: Option<VenueStatus>,
    /// Inputs refused at the door.
    pub refused: u64,
    /// Faults of regions.
    pub faults: u64,
    /// The inputs that are folded as absent.
    pub quarantined: Vec<u64>,
    /// The regions' actors, in the order of the line.
    pub regions: Vec<RegionStatus>,
    /// The newest snapshot.
    pub snapshots: SnapshotStatus,
    /// The room that the journal takes.
    pub disk: Disk,
    /// The active policy.
    pub policy: Hash,
    /// The active configuration.
    pub config: Hash,
}

/// The head of the tape.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeadStatus {
    /// The number of the last durable block.
    pub block: u64,
    /// Its hash.
    pub hash: Hash,
    /// The block that the anchor file knows of.
    pub anchored_block: u64,
    /// The last input in it.
    pub anchored_sequence: u64,
}

/// A working order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    /// Its client id.
    pub id: String,
    /// Of which instrument.
    pub instrument: String,
    /// `buy` or `sell`.
    pub side: String,
    /// Its limit, or `market`.
    pub price: String,
    /// What is not filled.
    pub remaining: String,
    /// How far it has come.
    pub state: String,
}

/// A feed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FeedStatus {
    /// As it was named.
    pub name: String,
    /// `connecting`, `open`, `lost` or `ended`.
    pub state: String,
    /// Events that it gave.
    pub events: u64,
    /// Rows with a fault.
    pub refused: u64,
    /// How long the event taken last had waited since it was read.
    pub lag_ms: u64,
    /// How long nothing has come; since the start where nothing ever did.
    pub silent_ms: u64,
}

/// A region's actor.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RegionStatus {
    /// Which region.
    pub region: String,
    /// Messages that wait for it.
    pub mailbox: u32,
    /// The input it worked on last.
    pub sequence: u64,
    /// Samples it worked on.
    pub samples: u64,
    /// Half of its samples took no longer.
    pub p50_us: f64,
    /// 99 % took no longer.
    pub p99_us: f64,
    /// How long all of them took.
    pub total_us: f64,
    /// How often its actor was started anew.
    pub restarts: u32,
}

impl From<&RegionGauge> for RegionStatus {
    fn from(gauge: &RegionGauge) -> Self {
        let quantile = |at| gauge.quantile_ns(at).unwrap_or(0) as f64 / 1000.0;
        Self {
            region: gauge.name.to_owned(),
            mailbox: gauge.mailbox(),
            sequence: gauge.sequence(),
            samples: gauge.handled(),
            p50_us: quantile(0.5),
            p99_us: quantile(0.99),
            total_us: gauge.sum_ns() as f64 / 1000.0,
            restarts: gauge.restarts(),
        }
    }
}

/// A venue process.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VenueStatus {
    /// Whether it is connected and reconciled.
    pub state: String,
    /// Requests without an answer.
    pub pending: u64,
    /// When both sides last agreed, event time.
    pub last_reconciled: Option<String>,
}

/// The newest snapshot.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct SnapshotStatus {
    /// The last input in it; none where there is no snapshot.
    pub last_sequence: Option<u64>,
    /// Its name.
    pub last_hash: Option<Hash>,
}

/// The room that the journal takes and may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Disk {
    /// How much it takes.
    pub used_bytes: u64,
    /// How much it may take.
    pub budget_bytes: u64,
}

/// How much of a list a screen has room for.
const SHOWN: usize = 8;
const MIB: u64 = 1 << 20;

impl Display for Status {
    /// One screen: a name and what is to be said of it, line by line.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let regime = format!("{:?}", self.regime).to_lowercase();
        let Self { run, pid, epoch, uptime_s, speed, gate, policy, config, digest, .. } = self;
        writeln!(f, "run        {run}, {regime}, speed {speed}, pid {pid}, start {epoch}, up {uptime_s} s")?;
        writeln!(f, "time       {}", told(&self.time))?;
        writeln!(f, "gate       {gate}")?;
        writeln!(f, "latch      {}", self.latch.as_deref().unwrap_or("not set"))?;
        let Self { sequence, durable, decisions, refused, faults, .. } = self;
        writeln!(f, "inputs     {sequence}, durable {durable}, refused {refused}; {decisions} decisions")?;
        let quarantined = short(self.quarantined.iter().map(u64::to_string), "none");
        writeln!(f, "faults     {faults}, quarantined {quarantined}")?;
        writeln!(f, "digest     {digest}")?;
        let HeadStatus { block, hash, anchored_block, anchored_sequence } = &self.head;
        writeln!(f, "head       block {block} {hash}")?;
        writeln!(f, "anchored   block {anchored_block}, input {anchored_sequence}")?;
        if let (Some(sequence), Some(hash)) = (self.snapshots.last_sequence, self.snapshots.last_hash) {
            writeln!(f, "snapshot   input {sequence} {hash}")?;
        }
        let (used, budget) = (self.disk.used_bytes / MIB, self.disk.budget_bytes / MIB);
        match self.disk.budget_bytes {
            u64::MAX => writeln!(f, "disk       {used} MiB, no budget")?,
            _ => writeln!(f, "disk       {used} of {budget} MiB")?,
        }
        writeln!(f, "policy     {policy}\nconfig     {config}")?;
        let Self { equity, cash, pnl_gross, fees, pnl_net, .. } = self;
        writeln!(f, "equity     {equity}, cash {cash}")?;
        writeln!(f, "P&L        {pnl_net} net = {pnl_gross} gross - {fees} fees")?;
        let positions = self.positions.iter().map(|(name, quantity)| format!("{name} {quantity}"));
        writeln!(f, "positions  {}", short(positions, "none"))?;
        if let Some(VenueStatus { state, pending, last_reconciled }) = &self.venue {
            let last = last_reconciled.as_deref().map_or("never", told);
            writeln!(f, "venue      {state}; {pending} pending, last agreed {last}")?;
        }
        self.lists(f)
    }
}

impl Status {
    fn lists(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for feed in self.feeds.iter().take(SHOWN) {
            let FeedStatus { name, state, events, refused, lag_ms, silent_ms } = feed;
            writeln!(
                f,
                "feed       {name}\n           {state}, {events} events, {refused} refused, lag {lag_ms} ms, silent {silent_ms} ms"
            )?;
        }
        more(f, self.feeds.len(), "feeds")?;
        writeln!(f, "region           mailbox     input   samples    p50 us    p99 us  restarts")?;
        for at in &self.regions {
            let RegionStatus { region, mailbox, sequence, samples, p50_us, p99_us, restarts, .. } = at;
            writeln!(
                f,
                "  {region:<14} {mailbox:>7} {sequence:>9} {samples:>9} {p50_us:>9.1} {p99_us:>9.1} {restarts:>9}"
            )?;
        }
        for order in self.working.iter().take(SHOWN) {
            let Order { id, instrument, side, price, remaining, state } = order;
            writeln!(f, "order      {id} {instrument} {side} {remaining} at {price}, {state}")?;
        }
        more(f, self.working.len(), "orders")
    }
}

/// An event time; before the first event there is none.
fn told(time: &str) -> &str {
    if time == Timestamp::MIN.to_string() { "before the first event" } else { time }
}

fn more(f: &mut fmt::Formatter<'_>, count: usize, what: &str) -> fmt::Result {
    match count.checked_sub(SHOWN) {
        Some(rest @ 1..) => writeln!(f, "           and {rest} more {what}; --json shows all"),
        _ => Ok(()),
    }
}

/// The first of a list, and how many more there are.
fn short(items: impl ExactSizeIterator<Item = String>, none: &str) -> String {
    let rest = items.len().saturating_sub(SHOWN);
    let mut shown: Vec<String> = items.take(SHOWN).collect();
    if rest > 0 {
        shown.push(format!("and {rest} more"));
    }
    if shown.is_empty() { none.to_owned() } else { shown.join(", ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A daemon with so many orders at work.
    fn status(orders: usize) -> Status {
        let order = |k| Order {
            id: format!("{k}:BTCUSD:0"),
            instrument: "BTCUSD".into(),
            side: "buy".into(),
            price: "78318".into(),
            remaining: "0.5".into(),
            state: "accepted".into(),
        };
        let hash = Hash::of(b"x");
        Status {
            run: "run1".into(),
            regime: Regime::Real,
            pid: 7,
            uptime_s: 60,
            epoch: 2,
            sequence: 100,
            durable: 99,
            head: HeadStatus { block: 12, hash, anchored_block: 11, anchored_sequence: 90 },
            time: "2026-05-02T02:36:20Z".into(),
            speed: "1".into(),
            decisions: 40,
            digest: "d1".into(),
            latch: Some("operator".into()),
            gate: "closed: operator".into(),
            equity: "100001".into(),
            cash: "61000".into(),
            pnl_gross: "3".into(),
            fees: "2".into(),
            pnl_net: "1".into(),
            positions: [("BTCUSD".to_owned(), "0.5".to_owned())].into(),
            working: (0..orders).map(order).collect(),
            orders: 7,
            latency: None,
            feeds: vec![FeedStatus {
                name: "unix:/tmp/a".into(),
                state: "open".into(),
                events: 90,
                refused: 1,
                lag_ms: 2,
                silent_ms: 30,
            }],
            venue: None,
            refused: 3,
            faults: 0,
            quarantined: vec![17],
            regions: vec![RegionStatus {
                region: "amygdala".into(),
                mailbox: 2,
                sequence: 100,
                samples: 40,
                p50_us: 1.5,
                p99_us: 4.0,
                total_us: 80.0,
                restarts: 1,
            }],
            snapshots: SnapshotStatus::default(),
            disk: Disk { used_bytes: 5 << 20, budget_bytes: 10 << 30 },
            policy: hash,
            config: hash,
        }
    }

    #[test]
    fn a_screen_holds_it_whatever_works() {
        let text = status(1000).to_string();
        assert!(text.lines().count() <= 30, "{text}");
        for want in [
            "run        run1, real, speed 1, pid 7, start 2, up 60 s\n",
            "gate       closed: operator\n",
            "inputs     100, durable 99, refused 3; 40 decisions\n",
            "faults     0, quarantined 17\n",
            "disk       5 of 10240 MiB\n",
            "equity     100001, cash 61000\nP&L        1 net = 3 gross - 2 fees\n",
            "feed       unix:/tmp/a\n           open, 90 events, 1 refused, lag 2 ms, silent 30 ms\n",
            "  amygdala             2       100        40       1.5       4.0         1\n",
            "order      0:BTCUSD:0 BTCUSD buy 0.5 at 78318, accepted\n",
            "           and 992 more orders; --json shows all\n",
        ] {
            assert!(text.contains(want), "{want} is not in {text}");
        }
    }

    #[test]
    fn before_the_first_event_no_time_is_told() {
        let mut status = status(0);
        status.time = Timestamp::MIN.to_string();
        let last_reconciled = Some(Timestamp::MIN.to_string());
        status.venue = Some(VenueStatus { state: "reconciled".into(), pending: 0, last_reconciled });
        let text = status.to_string();
        assert!(text.contains("time       before the first event\n"), "{text}");
        assert!(text.contains("reconciled; 0 pending, last agreed before the first event\n"), "{text}");
    }

    #[test]
    fn machines_read_back_what_was_said() {
        let status = status(2);
        let text = serde_json::to_string(&status).expect("JSON");
        assert_eq!(serde_json::from_str::<Status>(&text).expect("read back"), status);
    }
}
