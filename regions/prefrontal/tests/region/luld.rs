//! The rules of the US equity market beside those that ship, through the region: bands, pauses, and the breakers of
//! the whole market with the numbers of `spec/rules.md` §3.

use super::floor::{Floor, law_of, placed, refused_by};
use super::*;

const SECOND_MS: i64 = 1_000;

fn both() -> String {
    ::rules::joined(&[
        ("compliance.ltn", include_str!("../../../../config/compliance.ltn")),
        ("luld.ltn", include_str!("../../../../config/luld.ltn")),
    ])
}

fn judge(index: &str) -> Prefrontal {
    let law = Law { utc_offset_min: -300, ..law_of(&both(), "warn") };
    let params =
        PrefrontalParams { index: index.to_owned(), index_close: p(6_000), ..PrefrontalParams::default() };
    Floor::judge_with(params, law, NAMES)
}

const NAMES: [&str; 3] = ["AAPL", "MSFT", "SPX"];

/// Two shares in New York, and an index that closed at 6,000 the day before.
fn new_york() -> Floor {
    Floor { judge: judge("SPX"), names: NAMES, time: Timestamp::from_ns(0), ..Floor::new() }
}

impl Floor {
    /// The clock of New York shows so much on that day of March; a share has had a price for five minutes.
    fn clock(&mut self, day: u32, clock: &str) {
        let local = Timestamp::parse_civil(&format!("2026-03-{day:02} {clock}")).expect("a time");
        let now = local.plus(5 * 3_600 * SECOND_MS * 1_000_000);
        if now.since(self.time) > 300 * SECOND_MS * 1_000_000 {
            self.time = now;
            self.wait_ms(-300 * SECOND_MS);
            self.wants("AAPL", 0, "100");
        }
        self.time = now;
    }

    /// The index stands so at that time, and a share is wanted.
    fn wants_at(&mut self, day: u32, clock: &str, index: &str) -> Verdict {
        self.clock(day, clock);
        self.wants("SPX", 0, index);
        self.wants("AAPL", 1, "100")
    }

    fn passes_at(&mut self, day: u32, clock: &str, index: &str) {
        let verdict = self.wants_at(day, clock, index);
        self.report(placed(&verdict), ReportKind::Cancelled { filled: Quantity::ZERO });
    }

    fn is_refused_at(&mut self, day: u32, clock: &str, index: &str, rule: &str) {
        assert_eq!(refused_by(&self.wants_at(day, clock, index)).0, rule, "{clock} at {index}");
    }
}

#[test]
fn the_first_level_is_crossed_at_5_580_and_before_15_25() {
    let mut floor = new_york();
    floor.passes_at(2, "15:24:58", "5581");
    floor.is_refused_at(2, "15:24:59", "5580", "market_level_1");
    floor.is_refused_at(2, "15:39:58", "5700", "market_level_1");
    floor.passes_at(2, "15:39:59", "5700");
    let mut floor = new_york();
    floor.passes_at(2, "15:24:59", "5581");
    floor.passes_at(2, "15:25:00", "5580");
    floor.passes_at(2, "15:25:01", "5221");
}

#[test]
fn a_level_halts_once_a_day_and_each_in_its_turn() {
    let mut floor = new_york();
    floor.is_refused_at(2, "10:00:00", "5580", "market_level_1");
    floor.is_refused_at(2, "10:14:59", "5580", "market_level_1");
    floor.passes_at(2, "10:15:00", "5580");
    floor.passes_at(2, "11:00:00", "5700");
    floor.passes_at(2, "11:00:01", "5570");
    floor.is_refused_at(2, "12:00:00", "5220", "market_level_2");
    floor.passes_at(2, "12:15:00", "5219");
    floor.is_refused_at(2, "12:30:00", "4800", "market_level_3");
    floor.is_refused_at(2, "15:59:59", "5900", "market_level_3");
    // on the next day the fall is told from the last price of this one
    floor.passes_at(3, "10:00:00", "5900");
    floor.is_refused_at(3, "10:30:00", "5487", "market_level_1");
    floor.is_refused_at(3, "10:30:01", "5800", "market_level_1");
}

#[test]
fn what_was_crossed_is_remembered_by_a_snapshot() {
    let mut floor = new_york();
    floor.is_refused_at(2, "10:00:00", "5580", "market_level_1");
    let bytes = floor.judge.snapshot();
    floor.judge = judge("SPX");
    floor.judge.restore(&bytes).expect("a snapshot");
    floor.is_refused_at(2, "10:00:01", "6000", "market_level_1");
    // another index has not fallen
    let state = floor.judge.state().clone();
    floor.judge = judge("MSFT");
    floor.judge.set_state(state);
    floor.wants("MSFT", 0, "6000");
    floor.tries("AAPL", 1, "100");
}

#[test]
fn a_market_that_nobody_tells_of_refuses() {
    let mut floor = new_york();
    floor.clock(2, "10:00:00");
    assert_eq!(refused_by(&floor.wants("AAPL", 1, "100")).0, "index_known", "no price today");
    floor.passes_at(2, "10:00:01", "6000");
    floor.wait_ms(60 * SECOND_MS);
    floor.tries("AAPL", 1, "100");
    floor.wait_ms(1);
    assert_eq!(refused_by(&floor.wants("AAPL", 2, "100")).0, "index_known", "it is too old");
    // what is no price is none
    floor.wants_when("SPX", 0, "1", |sensed| sensed.mark2 = Some(0));
    assert_eq!(refused_by(&floor.wants("AAPL", 2, "100")).0, "index_known");
    let mut floor = Floor { judge: judge(""), ..new_york() };
    floor.is_refused_at(2, "10:00:00", "6000", "index_known");
}

/// A share that stood at 100 for five minutes, and then at another price for so many seconds.
fn stands_at(floor: &mut Floor, at: &'static str, seconds: i64) {
    floor.passes_at(2, "10:00:00", "6000");
    floor.last = Some(at);
    for _ in 0..seconds {
        floor.wait_ms(SECOND_MS);
        floor.wants("AAPL", 0, at);
    }
}

#[test]
fn an_order_outside_the_band_is_refused_and_near_the_close_the_band_is_wider() {
    for (clock, at, passes) in [
        ("10:00:00", "105.00", true),
        ("10:00:00", "105.01", false),
        ("10:00:00", "95.00", true),
        ("10:00:00", "94.99", false),
        ("15:35:00", "105.01", true),
    ] {
        let mut floor = new_york();
        floor.clock(2, clock);
        floor.wants("SPX", 0, "6000");
        // the mean is of the seconds up to this one, of which this is the last
        let verdict = floor.wants_when("AAPL", 1, at, |sensed| sensed.mark2 = Some(2 * p(100).units()));
        match refused(&verdict) {
            None => assert!(passes, "{clock} at {at}"),
            Some(rule) => assert_eq!((rule, passes), ("band_tier_1", false), "{clock} at {at}"),
        }
    }
}

/// The rules of the equity market that refused, and no others: the collar of the house is 5 % too.
fn refused(verdict: &Verdict) -> Option<&str> {
    let broken = verdict.rules.iter().filter(|it| it.is_hard && !it.passed && it.rule.as_str() != "collar");
    broken.map(|it| it.rule.as_str()).next()
}

#[test]
fn fifteen_seconds_at_a_band_are_a_pause_and_a_pause_takes_five_minutes() {
    for at in ["106", "94"] {
        let mut floor = new_york();
        stands_at(&mut floor, at, 14);
        floor.tries("AAPL", 1, if at == "106" { "105" } else { "95" });
        floor.wait_ms(SECOND_MS);
        assert_eq!(
            refused_by(&floor.wants("AAPL", 1, if at == "106" { "105" } else { "95" })).0,
            "limit_state_tier_1"
        );
    }
    let mut floor = new_york();
    floor.clock(2, "10:00:00");
    let halted = floor.wants_when("AAPL", 1, "100", |sensed| sensed.halted = true);
    assert!(matches!(halted.outcome, Outcome::Rest(Reason::Halted {})), "{:?}", halted.outcome);
    // the feed says that it goes on, and is too early
    floor.is_refused_at(2, "10:00:30", "6000", "trading_pause");
    floor.is_refused_at(2, "10:04:59", "6000", "trading_pause");
    floor.passes_at(2, "10:05:00", "6000");
}
