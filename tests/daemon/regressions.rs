//! Named after what has gone wrong with controls elsewhere.

use std::io::Write;
use std::process::ChildStdin;

use journal::snapshots::list_snapshots;
use market::Timestamp;
use serde_json::Value;
use synapse::{LatchCause, NoticeKind, Signal};

use crate::common::{Process, status, tell, until, until_status};
use crate::controls::{eager, only_reduces, simulated};
use crate::http::{address, metrics, value};
use crate::made::{BID, EVEN, Feed, STEP_MS, brain};
use crate::place::Place;
use crate::tape::{count, decisions, notices, placed, proved};

/// A daemon that is fed by hand, whose instruments are never stale.
struct Fed {
    place: Place,
    daemon: Process,
    input: ChildStdin,
    feed: Feed,
}

/// How far apart in time what is fed by hand is: further than it takes.
const APART_MS: i64 = 300_000;

impl Fed {
    fn new(sets: &[&str]) -> Self {
        let fresh = ["door.stale_after_ms=86400000", "brainstem.book_stale_after_ms=86400000"];
        Self::with(&[&fresh, sets].concat(), &[])
    }

    fn with(sets: &[&str], args: &[&str]) -> Self {
        let place = Place::of(&brain(), "");
        let mut all = args.to_vec();
        sets.iter().for_each(|set| all.extend(["--set", set]));
        let (daemon, input) = place.daemon_fed(&place.journal(), &all);
        Self { place, daemon, input, feed: Feed::default() }
    }

    /// Feeds some books, and waits until they are decided on.
    fn books(&mut self, books: &[(usize, [f64; 4])]) -> Value {
        let feed = std::mem::take(&mut self.feed);
        let feed = books.iter().fold(feed, |feed, (times, best)| feed.book(*times, *best));
        self.input.write_all(feed.text().as_bytes()).expect("it reads");
        // without the Z such texts stand in the order of their times
        let end = Timestamp::from_ns(feed.end_ns()).to_string();
        self.feed = feed.emptied().wait(APART_MS);
        self.until("the end of these books", |status| {
            status["time"]
                .as_str()
                .is_some_and(|time| time.trim_end_matches('Z') >= end.trim_end_matches('Z'))
        })
    }

    fn until(&self, what: &str, is_so: impl Fn(&Value) -> bool) -> Value {
        until_status(&self.place.journal(), what, is_so)
    }

    /// What `janus halt`, or another word of that form, says; its input.
    fn says(&self, word: &str) -> String {
        let told = tell(&[word, "--by", "ann", "--reason", "a test"], &self.place.journal());
        assert_eq!(told.code, Some(0), "{told:?}");
        told.stdout
    }
}

fn orders(status: &Value) -> u64 {
    status["orders"].as_u64().expect("a number")
}

fn works(status: &Value) -> bool {
    status["working"].as_array().is_some_and(|working| !working.is_empty())
}

fn rests(status: &Value) -> bool {
    status["working"][0]["state"] == "working"
}

/// Orders wait at a price.
const RESTING: [&str; 2] = ["cerebellum.market_urgency=1", "cerebellum.inside_urgency=1"];
const WIDE: [f64; 4] = [90.0, 50.0, 111.0, 50.0];

#[test]
fn regression_a_kill_switch_that_will_not_stop_and_one_that_will_not_let_go_after_arm() {
    let mut fed = Fed::new(&RESTING);
    fed.books(&[(5, EVEN), (3, BID)]);
    fed.until("a working order", rests);
    fed.says("halt");
    let before = fed.until("no order", |status| !works(status) && status["latch"] == "operator");
    let halted = fed.books(&[(5, EVEN), (20, BID)]);
    assert!(halted["decisions"].as_u64() > before["decisions"].as_u64().map(|n| n + 20), "{halted}");
    assert_eq!((orders(&halted), works(&halted)), (orders(&before), false), "it stops");
    fed.says("arm");
    let armed = fed.books(&[(5, EVEN), (20, BID)]);
    assert_eq!(armed["latch"], Value::Null);
    assert!(orders(&armed) > orders(&halted), "it lets go: {armed}");
    fed.daemon.stop().json();
    let records = proved(&fed.place.journal());
    let said: Vec<u64> = notices(&records)
        .filter(|(_, notice)| matches!(notice, NoticeKind::Command(_)))
        .map(|(at, _)| at)
        .collect();
    let [halt, arm] = said[..] else { panic!("{said:?}") };
    let between = decisions(&records).filter(|it| (halt..arm).contains(&it.sequence));
    assert_eq!(between.flat_map(placed).count(), 0);
}

#[test]
fn a_second_halt_changes_nothing() {
    let mut fed = Fed::new(&RESTING);
    fed.books(&[(5, EVEN), (3, BID)]);
    fed.until("a working order", rests);
    fed.says("halt");
    let first = fed.until("no order", |status| !works(status));
    fed.says("halt");
    let second = fed.books(&[(5, EVEN), (5, BID)]);
    for key in ["latch", "gate", "working", "positions", "orders", "cash", "equity", "faults"] {
        assert_eq!(second[key], first[key], "{key}");
    }
    fed.daemon.stop().json();
    let records = proved(&fed.place.journal());
    let (commands, cancels): (Vec<_>, Vec<_>) = notices(&records)
        .filter(|(_, it)| matches!(it, NoticeKind::Command(_) | NoticeKind::CancelSent(_)))
        .partition(|(_, it)| matches!(it, NoticeKind::Command(_)));
    let [(first, _), (second, _)] = commands[..] else { panic!("{commands:?}") };
    assert!(cancels.len() == 1 && cancels[0].0 > first && cancels[0].0 < second, "{cancels:?}");
}

#[test]
fn regression_a_reset_that_does_nothing() {
    let mut fed = Fed::new(&[]);
    let tripped = fed.books(&[(5, EVEN), (9, WIDE), (20, EVEN), (20, BID)]);
    let cause = LatchCause::Amygdala(Signal::Spread).to_string();
    assert_eq!((&tripped["latch"], orders(&tripped)), (&cause.into(), 0));
    fed.says("arm");
    let armed = fed.books(&[(20, EVEN), (20, BID)]);
    assert!(armed["latch"].is_null() && orders(&armed) > 0, "{armed}");
    fed.daemon.stop().json();
    proved(&fed.place.journal());
}

/// Buys, and then loses nearly a third of it.
fn falling(feed: Feed) -> Feed {
    (70..100).rev().fold(feed, |feed, bid| feed.book(1, [f64::from(bid), 95.0, f64::from(bid + 1), 5.0]))
}

const DRAWDOWN_MAX: &str = "amygdala.drawdown_max=0.0003";

#[test]
fn regression_a_drawdown_limit_never_wired() {
    let (place, end) = simulated(&[DRAWDOWN_MAX], &falling(eager()));
    let cause = LatchCause::Amygdala(Signal::Drawdown);
    assert_eq!(end["latch"], cause.to_string(), "{end}");
    let records = proved(&place.journal());
    let tripped = decisions(&records).find(|it| it.verdict.tripped).expect("a trip");
    assert!(!tripped.account.position.is_zero(), "something was held, and lost");
    assert!(decisions(&records).filter(|it| it.sequence >= tripped.sequence).all(only_reduces));
    let (_, end) = simulated(&["amygdala.drawdown_max=0.5"], &falling(eager()));
    assert_eq!(end["latch"], Value::Null, "it is that limit: {end}");
}

#[test]
fn regression_a_nan_price_that_disables_the_loss_limit() {
    let bad = ["NaN", "\"NaN\"", "\"nan\"", "\"inf\"", "\"-inf\"", "1e999", "null", "\"\""];
    let feed = bad.iter().fold(eager(), |feed, price| {
        let book = format!(r#","bids":[[{price},"95"]],"asks":[["101","5"]]"#);
        let trade = format!(r#","price":{price},"quantity":"1""#);
        feed.push("X", "snapshot", &book).push("X", "trade", &trade).wait(STEP_MS)
    });
    let (place, end) = simulated(&[DRAWDOWN_MAX, "run.max_refused=0.5"], &falling(feed));
    assert_eq!(end["latch"], LatchCause::Amygdala(Signal::Drawdown).to_string(), "{end}");
    let (_, clean) = simulated(&[DRAWDOWN_MAX], &falling(eager().wait(bad.len() as i64 * STEP_MS)));
    assert_eq!(clean["digest"], end["digest"], "the bad rows leave no trace");
    proved(&place.journal());
}

#[test]
fn regression_a_feed_silently_stale_for_hours() {
    let hours_ms = 3 * 3_600_000;
    let latches = "prefrontal.stale_feed_latches=true";
    let (place, end) = simulated(&[latches], &eager().wait(hours_ms).book(5, BID));
    assert_eq!(end["latch"], LatchCause::StaleFeed.to_string());
    let records = proved(&place.journal());
    let latched = decisions(&records).find(|it| it.verdict.latch.is_some()).expect("latched");
    let last = eager().end_ns();
    let after_ms = latched.time.ns().saturating_sub(last) / 1_000_000;
    assert!((0..2_000).contains(&after_ms), "it is known after {after_ms} ms, not after hours");
    assert!(decisions(&records).filter(|it| it.sequence >= latched.sequence).all(only_reduces));
}

#[test]
fn regression_a_silent_feed_that_nobody_is_told_of() {
    let sets = ["door.stale_after_ms=300", "prefrontal.stale_feed_latches=true"];
    let mut fed = Fed::with(&sets, &["--http", "127.0.0.1:0"]);
    fed.books(&[(5, EVEN), (5, BID)]);
    let latched = fed.until("a latch", |status| status["latch"] == LatchCause::StaleFeed.to_string());
    assert!(!latched["positions"].as_object().expect("a map").is_empty(), "{latched}");
    let silent_ms = |status: &Value| status["feeds"][0]["silent_ms"].as_u64().expect("a number");
    let first = silent_ms(&latched);
    assert!(first >= 300, "{latched}");
    fed.until("a longer silence", |status| silent_ms(status) > first + 500);
    let address = address(&fed.daemon);
    until("the silence among the metrics", || {
        let told = metrics(&address);
        let told_s = told.lines().find(|line| line.starts_with("janus_feed_silent_seconds{"))?;
        let told_s: f64 = told_s.rsplit_once(' ')?.1.parse().ok()?;
        (told_s * 1e3 > first as f64 && value(&told, "janus_latched") != Some(0.0)).then_some(())
    });
    fed.daemon.stop().json();
    assert!(status(&fed.place.journal()).is_none());
}

/// The bytes of the state after so many orders that were placed and cancelled.
fn state_after(cycles: usize) -> u64 {
    let feed = (0..cycles).fold(Feed::default().book(40, EVEN), |feed, _| feed.book(1, BID).book(1, EVEN));
    let (place, _) = simulated(&RESTING, &feed);
    let records = proved(&place.journal());
    let cancelled = count(
        &records,
        |it| matches!(it, NoticeKind::Report(it) if matches!(it.kind, market::order::ReportKind::Cancelled { .. })),
    );
    assert!(cancelled + 1 >= cycles, "{cancelled} orders were cancelled in {cycles} cycles");
    let snapshots = list_snapshots(&place.journal()).expect("a folder");
    snapshots.iter().max_by_key(|it| it.sequence).expect("one at the end").bytes
}

#[test]
fn regression_memory_that_grows_with_every_cancelled_order() {
    let cycles = [500, 5_000];
    let [early, late] = cycles.map(state_after);
    eprintln!("a state of {early} bytes after 500 orders, of {late} after 5000");
    // the exchange in the program knows every id that came: a sequence, an instrument and a k
    let ids = 12 * (cycles[1] - cycles[0]) as u64;
    assert!(late <= early + ids + early / 50, "{early} bytes after 500 orders, {late} after 5000");
}
