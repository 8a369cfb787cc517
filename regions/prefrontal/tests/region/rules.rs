//! The rules that ship, through the region: what the market access rule asks for (MA-1 to MA-6 of `spec/rules.md`
//! §1, with its numbers), the throttle that latches, and what a wash sale is to an order.

use market::num::SCALE;

use super::floor::{Floor, law_of, law_with, placed, refused_by, shipped, truth};
use super::*;

#[test]
fn ma_1_the_capital_threshold_counts_what_is_held_and_what_is_open() {
    let mut floor = Floor::new();
    floor.trades("AAPL", 4_000, "100");
    floor.wait_ms(20_000);
    floor.trades("AAPL", 3_000, "100");
    placed(&floor.wants("MSFT", 2_500, "100"));
    floor.wait_ms(20_000);
    // the third share is on the list that ships
    let text = shipped().replace("{GME, AMC}", "{AMC}");
    let state = floor.judge.state().clone();
    floor.judge = Floor::judge(law_of(&text, "warn"), floor.names);
    floor.judge.set_state(state);
    let beyond = floor.wants("GME", 600, "100");
    assert_eq!(refused_by(&beyond), ("capital", Some(1_010_000.0), Some(1_000_000.0)));
    placed(&floor.wants("GME", 500, "100"));
}

#[test]
fn ma_2_an_erroneous_price_is_refused() {
    for (shares, at, passes) in
        [(10, "105.00", true), (10, "105.01", false), (-10, "95.00", true), (-10, "94.99", false)]
    {
        let mut floor = Floor { last: Some("100"), ..Floor::new() };
        let verdict = floor.wants("AAPL", shares, at);
        if passes {
            placed(&verdict);
        } else {
            assert_eq!(refused_by(&verdict).0, "collar", "{at}");
            assert_eq!(refused_by(&verdict).1, Some(501.0));
        }
    }
}

#[test]
fn ma_2_without_a_sound_reference_nothing_passes() {
    let absent = Floor::new().wants_when("AAPL", 10, "100", |sensed| sensed.mark2 = None);
    assert!(matches!(absent.outcome, Outcome::Rest(Reason::StaleBook { .. })), "{:?}", absent.outcome);
    for mark2 in [0, -1, -200 * SCALE, i64::MIN] {
        let verdict = Floor::new().wants_when("AAPL", 10, "100", |sensed| sensed.mark2 = Some(mark2));
        assert_eq!(refused_by(&verdict).0, "capital", "{mark2}");
        assert!(!truth(&verdict, "collar").passed && !truth(&verdict, "stale_reference").passed);
    }
    let stale = 5 * SCALE;
    for age_ns in [stale + 1, i64::MAX, -1] {
        let verdict = Floor::new().wants_when("AAPL", 10, "100", |sensed| sensed.mark_age_ns = age_ns);
        assert_eq!(refused_by(&verdict).0, "stale_reference", "{age_ns}");
    }
    placed(&Floor::new().wants_when("AAPL", 10, "100", |sensed| sensed.mark_age_ns = stale));
}

#[test]
fn ma_2_what_is_not_a_number_is_refused() {
    for (margin, needed) in [(f32::NAN, 0.1), (0.5, f32::NAN), (f32::INFINITY, 0.1)] {
        let mut desk = Desk::new();
        let verdict = desk.judge.step({
            let mut forecast = forecast(1, Quantity::ZERO, &desk.ask);
            (forecast.proposed.proposal.margin, forecast.proposed.proposal.margin_needed) = (margin, needed);
            forecast
        });
        let outcome = verdict.expect("no fault").verdict.outcome;
        assert!(matches!(outcome, Outcome::Rest(Reason::NotFinite {})), "{margin} {needed}: {outcome:?}");
    }
}

#[test]
fn ma_3_an_erroneous_size_is_refused() {
    let large = Floor::new().wants("AAPL", 10_001, "1");
    assert_eq!(refused_by(&large), ("order_size", Some(10_001.0), Some(10_000.0)));
    placed(&Floor::new().wants("AAPL", 10_000, "1"));
    let dear = Floor::new().wants("AAPL", 6_000, "100");
    assert_eq!(refused_by(&dear), ("notional", Some(600_000.0), Some(500_000.0)));
    placed(&Floor::new().wants("AAPL", 5_000, "100"));
}

#[test]
fn ma_4_the_fifty_first_order_of_any_second_is_refused() {
    let mut floor = Floor::new();
    for shares in 1..=50 {
        floor.tries("AAPL", shares, "1");
        floor.wait_ms(10);
    }
    let verdict = floor.wants("AAPL", 51, "1");
    assert_eq!(refused_by(&verdict), ("rate", Some(51.0), Some(50.0)));
    // another instrument has a rate of its own
    floor.tries("MSFT", 51, "1");
    // the first of the fifty is a second old, and then the second one
    floor.wait_ms(500);
    floor.tries("AAPL", 51, "1");
    assert_eq!(refused_by(&floor.wants("AAPL", 52, "1")).0, "rate");
    floor.wait_ms(10);
    floor.tries("AAPL", 52, "1");
}

#[test]
fn ma_4_two_millions_in_ten_seconds_are_the_most() {
    let mut floor = Floor::new();
    for (shares, seconds) in [(4_000, 1), (4_001, 1), (4_002, 1), (4_003, 1), (3_994, 5)] {
        floor.tries("AAPL", shares, "100");
        floor.wait_ms(1_000 * seconds);
    }
    let verdict = floor.wants("AAPL", 1, "100");
    assert_eq!(refused_by(&verdict), ("value_rate_limit", Some(2_000_100.0), Some(2_000_000.0)));
    floor.wait_ms(1_000);
    floor.tries("AAPL", 4_000, "100");
}

#[test]
fn ma_5_the_same_order_within_half_a_second_is_a_duplicate() {
    let mut floor = Floor::new();
    floor.tries("AAPL", 10, "100");
    floor.wait_ms(499);
    let verdict = floor.wants("AAPL", 10, "100");
    assert_eq!(refused_by(&verdict), ("duplicate", Some(0.499), Some(0.5)));
    // another quantity, price, side or instrument is another order
    for (name, shares, at) in
        [("AAPL", 11, "100"), ("AAPL", 10, "99.99"), ("AAPL", -10, "100"), ("MSFT", 10, "100")]
    {
        floor.tries(name, shares, at);
    }
    floor.wait_ms(1);
    floor.tries("AAPL", 10, "100");
}

#[test]
fn ma_6_what_is_on_the_list_is_refused_and_an_edit_is_of_the_next_order() {
    let mut floor = Floor::new();
    assert_eq!(refused_by(&floor.wants("GME", 10, "100")).0, "restricted_list");
    floor.tries("MSFT", 10, "100");
    let before = floor.judge.digest();
    let edited = law_of(&shipped().replace("{GME, AMC}", "{MSFT, AMC}"), "warn");
    let state = floor.judge.state().clone();
    floor.judge = Floor::judge(edited, floor.names);
    floor.judge.set_state(state);
    assert_eq!(floor.judge.digest(), before, "a rule set is no part of what is remembered");
    assert_eq!(refused_by(&floor.wants("MSFT", 11, "100")).0, "restricted_list");
    placed(&floor.wants("GME", 10, "100"));
}

/// A share that filled so often in this minute, one at a time.
fn filled_often(floor: &mut Floor, fills: i64) {
    let id = placed(&floor.wants("AAPL", 5_000, "1"));
    for left in (0..fills).rev() {
        floor.fill(id, 1, "1", left + 5_000 - fills);
    }
    floor.report(id, ReportKind::Cancelled { filled: q(fills) });
}

#[test]
fn repeated_execution_latches_until_a_human_arms() {
    let mut floor = Floor::new();
    filled_often(&mut floor, 2_999);
    floor.wait_ms(20_000);
    floor.trades("AAPL", 1, "1");
    let verdict = floor.wants("AAPL", 2, "1");
    assert_eq!(refused_by(&verdict), ("repeated_execution", Some(3_000.0), Some(3_000.0)));
    let cause = LatchCause::Rule(Code::new("repeated_execution").expect("short"));
    assert_eq!(verdict.latch, Some(cause));
    // neither time nor a restart opens it, and it holds every instrument
    floor.wait_ms(3_600_000);
    let bytes = floor.judge.snapshot();
    floor.judge = Floor::judge(law_of(&shipped(), "warn"), floor.names);
    floor.judge.restore(&bytes).expect("a snapshot");
    floor.notice(NoticeKind::Restarted);
    let verdict = floor.wants("MSFT", 2, "1");
    assert!(matches!(verdict.outcome, Outcome::Rest(Reason::Latched { cause: at }) if at == cause));
    placed(&floor.wants("AAPL", -3_000, "1"));
    floor.arm();
    placed(&floor.wants("MSFT", 2, "1"));
}

#[test]
fn armed_within_the_minute_it_latches_again() {
    let mut floor = Floor::new();
    filled_often(&mut floor, 3_000);
    for _ in 0..2 {
        assert_eq!(refused_by(&floor.wants("AAPL", 1, "1")).0, "repeated_execution");
        assert!(matches!(floor.wants("MSFT", 1, "1").outcome, Outcome::Rest(Reason::Latched { .. })));
        floor.arm();
        floor.wait_ms(20_000);
    }
    floor.wait_ms(20_000);
    placed(&floor.wants("AAPL", 1, "1"));
}

/// 100 bought for 1,000, and again; a sale of 100 for 750 would be washed by those that are left.
fn washed_sale(floor: &mut Floor) -> Verdict {
    floor.trades("AAPL", 100, "10");
    floor.wait_days(1);
    floor.trades("AAPL", 100, "10");
    floor.wait_days(1);
    floor.wants("AAPL", -100, "7.5")
}

/// 100 bought for 1,000 and sold for 750: a purchase of 100 for 800 within thirty days would wash that loss.
fn washing_purchase(floor: &mut Floor) -> Verdict {
    floor.trades("AAPL", 100, "10");
    floor.wait_days(1);
    floor.trades("AAPL", -100, "7.5");
    floor.wait_days(30);
    floor.wants("AAPL", 100, "8")
}

#[test]
fn a_policy_that_forbids_refuses_what_would_be_washed() {
    for (scene, rule) in
        [(washed_sale as fn(&mut Floor) -> Verdict, "wash_sale"), (washing_purchase, "wash_purchase")]
    {
        let mut floor = Floor::under(law_of(&shipped(), "forbid"));
        assert_eq!(refused_by(&scene(&mut floor)), (rule, Some(250.0), Some(0.0)));
        let mut floor = Floor::under(law_of(&shipped(), "warn"));
        let warned = scene(&mut floor);
        placed(&warned);
        assert_eq!(
            (truth(&warned, rule).value, truth(&warned, rule).passed),
            (250.0.into(), true),
            "it is told"
        );
    }
    let mut floor = Floor::under(law_of(&shipped(), "forbid"));
    washing_purchase(&mut floor);
    floor.wait_days(1);
    placed(&floor.wants("AAPL", 100, "8"));
}

#[test]
fn a_policy_that_prices_asks_for_an_edge_that_pays_the_deferral() {
    // 250 x 35 % x 5 % a year for a year are 4.375, and the sale is worth 750
    let deferral_bp = 4.375 / 750.0 * 1e4;
    for (edge_bp, passes) in [(2.0, false), (59.0, false), (59.5, true), (f64::NAN, false)] {
        let mut floor = Floor { edge_bp, ..Floor::under(law_of(&shipped(), "price")) };
        let verdict = washed_sale(&mut floor);
        if passes {
            placed(&verdict);
            continue;
        }
        let Outcome::Rest(Reason::NoEdge { cost_bp, .. }) = verdict.outcome else {
            panic!("{:?}", verdict.outcome);
        };
        assert!((cost_bp - deferral_bp - 1.0).abs() < 1e-9, "{cost_bp} with a fee of 1 bp");
    }
}

/// A scene that ends with an order which one rule alone refuses.
type Scene = fn(&mut Floor) -> Verdict;

const SCENES: [(&str, Scene); 13] = [
    ("order_size", |floor| {
        floor.trades("AAPL", -1, "1");
        floor.wants("AAPL", 10_001, "1")
    }),
    ("position", |floor| {
        floor.trades("AAPL", 6_000, "1");
        floor.wants("AAPL", 4_001, "1")
    }),
    ("notional", |floor| floor.wants("AAPL", 6_000, "100")),
    ("capital", |floor| {
        floor.trades("AAPL", 5_000, "100");
        floor.trades("MSFT", 5_000, "100");
        floor.wait_ms(20_000);
        floor.wants("AAPL", 1, "100")
    }),
    ("collar", |floor| {
        floor.last = Some("100");
        floor.wants("AAPL", 1, "106")
    }),
    ("rate", |floor| {
        (1..=50).for_each(|shares| floor.tries("AAPL", shares, "1"));
        floor.wants("AAPL", 51, "1")
    }),
    ("duplicate", |floor| {
        floor.tries("AAPL", 1, "1");
        floor.wants("AAPL", 1, "1")
    }),
    ("stale_reference", |floor| floor.wants_when("AAPL", 1, "1", |sensed| sensed.mark_age_ns = 6 * SCALE)),
    ("value_rate_limit", |floor| {
        (1..=4).for_each(|more| floor.tries("AAPL", 4_995 + more, "100"));
        floor.wants("AAPL", 100, "100")
    }),
    ("restricted_list", |floor| floor.wants("GME", 1, "1")),
    ("repeated_execution", |floor| {
        filled_often(floor, 3_000);
        floor.wants("AAPL", 1, "1")
    }),
    ("wash_sale", washed_sale),
    ("wash_purchase", washing_purchase),
];

#[test]
fn each_hard_rule_refuses_what_passes_without_it() {
    let rules = RuleSet::compile("compliance.ltn", &shipped()).expect("sound");
    for rule in rules.rules().iter().filter(|rule| rule.is_hard()) {
        let scene = SCENES.iter().find(|(name, _)| *name == rule.name);
        // the region makes no child that is more than its parent has left: the rule's examples show it
        let Some((name, scene)) = scene else {
            assert_eq!(rule.name, "child_of_parent", "a rule without a scene");
            continue;
        };
        let verdict = scene(&mut Floor::under(law_of(&shipped(), "forbid")));
        assert_eq!(refused_by(&verdict).0, *name);
        let broken = verdict.rules.iter().filter(|truth| truth.is_hard && !truth.passed).count();
        assert_eq!(broken, 1, "{name}: {:?}", verdict.rules);
        let without = Arc::new(rules.without(name).expect("it is there"));
        placed(&scene(&mut Floor::under(law_with(without, "forbid"))));
    }
}
