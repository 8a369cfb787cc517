//! The fold of a tape into figures, the picture of them, and a comparison on a made-up market.

use journal::{Decision, Record};
use market::exchange::ExchangeParams;
use market::order::{
    ClientId, Fill, Liquidity, NewOrder, OrderKind, RejectReason, Report as Word, ReportKind, Request,
};
use market::{EventKind, InstrumentId, MarketEvent, Money, Price, Quantity, Side, SourceId, Timestamp};
use scenes::{ONE, top};
use synapse::{
    Action, DecisionRecord, ExecutionForecast, Forecast, Input, InputKind, Judged, NoticeKind, Outcome,
    Parent, Sensed, Style, StyleForecast, Verdict,
};

use super::*;

fn price(bp_above_100: f64) -> Price {
    Price::from_units(100 * ONE + (bp_above_100 * 1e7) as i64)
}

fn quantity(tenths: i64) -> Quantity {
    Quantity::from_units(tenths * ONE / 10)
}

fn id(sequence: u64) -> ClientId {
    ClientId { sequence, instrument: InstrumentId(0), k: 0 }
}

/// A decision at a mid of 100 (so many bp above it) to buy 1, in a style that is told to cost 4 bp, of which
/// 2 are law, and 1 less by what was learned.
fn decided(sequence: u64, style: Style, mid_bp: f64, requests: &[Request]) -> DecisionRecord {
    let (mid, half) = (price(mid_bp).units(), ONE / 50);
    let top = top(mid - half, mid + half);
    let mut sensed = Sensed { sequence, top: Some(top), mark2: Some(top.mid2()), ..scenes::sensed() };
    sensed.account.position = Quantity::ZERO;
    let told = StyleForecast {
        style,
        price: price(mid_bp),
        slippage_bp: 2.0,
        impact_bp: 2.0,
        correction_bp: -1.0,
        fee_bp: 0.0,
    };
    let execution = ExecutionForecast {
        styles: vec![told],
        chosen: Some(0),
        edge_bp: None,
        filtered: false,
        drift_bp: Some(0.5),
        plan: None,
    };
    let proposed = scenes::proposed(sensed, scenes::proposal(Action::Buy, quantity(10)));
    let verdict = Verdict {
        outcome: Outcome::Act(requests.iter().copied().collect()),
        parent: None,
        rules: Default::default(),
        satisfaction: 1.0,
        latch: None,
        tripped: false,
    };
    DecisionRecord::of(&Judged { forecast: Forecast { proposed, execution }, verdict })
}

fn decision(record: DecisionRecord) -> Record {
    Record::Decision(Box::new(Decision { late: false, record }))
}

fn place(sequence: u64, kind: OrderKind, tenths: i64) -> Request {
    let (id, price) = (id(sequence), price(0.0));
    Request::Place(NewOrder { id, side: Side::Buy, kind, price, quantity: quantity(tenths) })
}

fn said(kind: NoticeKind) -> Record {
    Record::Input(Input { sequence: 0, time: Timestamp::from_ns(0), kind: InputKind::Notice(kind) })
}

fn reported(sequence: u64, kind: ReportKind) -> Record {
    said(NoticeKind::Report(Word { id: id(sequence), time: Timestamp::from_ns(0), kind }))
}

fn filled(sequence: u64, bp: f64, tenths: i64, remaining: i64) -> Record {
    let fill = Fill {
        execution: 1,
        side: Side::Buy,
        price: price(bp),
        quantity: quantity(tenths),
        fee: Money::ZERO,
        liquidity: Liquidity::Taker,
        remaining: quantity(remaining),
    };
    reported(sequence, ReportKind::Filled(fill))
}

fn folded(records: &[Record]) -> Execution {
    let mut execution = Execution::default();
    records.iter().for_each(|record| execution.fold(record));
    execution.end();
    execution
}

fn near(a: f64, b: f64) -> bool {
    (a - b).abs() < 1e-6
}

#[test]
fn an_order_that_took_is_held_against_its_forecast() {
    let taken = decided(1, Style::Market, 0.0, &[place(1, OrderKind::ImmediateOrCancel, 10)]);
    let execution = folded(&[decision(taken), filled(1, 2.0, 5, 5), filled(1, 6.0, 5, 0)]);
    let [attempt] = execution.attempts[..] else { panic!("{:?}", execution.attempts) };
    assert!(near(attempt.law_bp, 4.0) && near(attempt.correction_bp, -1.0));
    assert!(near(attempt.realised_bp, 4.0), "{attempt:?}");
    assert_eq!((attempt.style, attempt.size), (Style::Market, Size::Best), "1 stood at the ask");
    assert!(matches!(execution.wholes()[..], [Whole { children: 1, is_moved: false, .. }]));
}

#[test]
fn a_part_of_the_way_has_its_part_of_the_law() {
    let part = decided(1, Style::Market, 0.0, &[place(1, OrderKind::ImmediateOrCancel, 2)]);
    let rest = reported(1, ReportKind::Cancelled { filled: quantity(1) });
    let execution = folded(&[decision(part), filled(1, 3.0, 1, 1), rest]);
    let attempt = execution.attempts[0];
    assert!(near(attempt.law_bp, 2.0 + 2.0 * 0.2_f64.sqrt()), "{attempt:?}");
    assert_eq!(attempt.size, Size::Quarter);
}

#[test]
fn a_moved_order_is_an_attempt_anew_and_a_whole_from_its_first_decision() {
    let replace = Request::Replace { id: id(1), price: price(10.0), total: quantity(10) };
    let moved = reported(1, ReportKind::Replaced { price: price(10.0), quantity: quantity(8) });
    let records = [
        decision(decided(1, Style::AtTouch, 0.0, &[place(1, OrderKind::PostOnly, 10)])),
        filled(1, -2.0, 2, 8),
        decision(decided(2, Style::Inside, 10.0, &[replace])),
        filled(1, -2.0, 1, 7),
        moved.clone(),
        filled(1, 9.0, 7, 0),
    ];
    let execution = folded(&records);
    let [first, second] = execution.attempts[..] else { panic!("{:?}", execution.attempts) };
    assert!(near(first.realised_bp, -2.0) && first.style == Style::AtTouch, "with what filled on the way");
    assert!((second.realised_bp + 1.0).abs() < 0.01 && second.style == Style::Inside, "{second:?}");
    let [whole] = execution.wholes()[..] else { panic!("one order") };
    assert!(whole.is_moved && near(whole.realised_bp, 0.3 * -2.0 + 0.7 * 9.0), "{whole:?}");
    let refused = reported(1, ReportKind::ReplaceRejected(RejectReason::UnknownOrder));
    let mut stays = records.to_vec();
    stays[4] = refused;
    let stays = folded(&stays);
    assert!(matches!(stays.attempts[..], [Attempt { style: Style::AtTouch, .. }]), "it is as it was");
}

#[test]
fn children_are_measured_together_from_the_first() {
    let parent = Some(Parent { id: id(1), total: quantity(10) });
    let child = |sequence, mid_bp| {
        let mut record =
            decided(sequence, Style::Market, mid_bp, &[place(sequence, OrderKind::ImmediateOrCancel, 5)]);
        record.verdict.parent = parent;
        decision(record)
    };
    let execution = folded(&[child(1, 0.0), filled(1, 2.0, 5, 0), child(2, 10.0), filled(2, 12.0, 5, 0)]);
    assert_eq!(execution.attempts.len(), 2);
    let [whole] = execution.wholes()[..] else { panic!("one parent") };
    assert!(whole.children == 2 && near(whole.realised_bp, 7.0), "{whole:?}");
}

#[test]
fn what_was_not_foreseen_or_never_filled_is_not_judged() {
    // a flattening sells while the brain would buy
    let mut sells = decided(1, Style::Market, 0.0, &[]);
    let Request::Place(order) = place(1, OrderKind::ImmediateOrCancel, 5) else { panic!("an order") };
    let sold = NewOrder { side: Side::Sell, ..order };
    sells.verdict.outcome = Outcome::Act([Request::Place(sold)].into_iter().collect());
    let execution = folded(&[decision(sells), filled(1, 2.0, 5, 0)]);
    assert_eq!((execution.attempts.len(), execution.unforeseen), (0, 1));
    let lapses = decision(decided(1, Style::Market, 0.0, &[place(1, OrderKind::ImmediateOrCancel, 5)]));
    for end in [
        said(NoticeKind::Lapsed(id(1))),
        reported(1, ReportKind::Rejected(RejectReason::Halted)),
        reported(1, ReportKind::Cancelled { filled: Quantity::ZERO }),
    ] {
        let execution = folded(&[lapses.clone(), end]);
        assert_eq!((execution.attempts.len(), execution.unforeseen, execution.wholes().len()), (0, 0, 0));
    }
}

#[test]
fn the_next_mid_is_held_against_its_forecast_unless_a_restart_lies_between() {
    let at = |sequence, mid_bp| decision(decided(sequence, Style::Market, mid_bp, &[]));
    let execution = folded(&[at(1, 0.0), at(2, 1.0), said(NoticeKind::Restarted), at(3, 5.0)]);
    let [outcome] = execution.drift[..] else { panic!("{:?}", execution.drift) };
    assert!(near(outcome.forecast, 0.5) && near(outcome.realised, 1.0));
}

/// Sixty orders that cost half a bp more than the law and what was learned, one way and the other.
fn many() -> Report {
    let records = (1..=60_u64).flat_map(|sequence| {
        let order = place(sequence, OrderKind::ImmediateOrCancel, 1 + (sequence % 9) as i64);
        let cost_bp = if sequence % 2 == 0 { 2.75 } else { 3.25 };
        let taken = decided(sequence, Style::Market, 0.0, &[order]);
        [decision(taken), filled(sequence, cost_bp, 1 + (sequence % 9) as i64, 0)]
    });
    Report::of(&folded(&records.collect::<Vec<_>>()))
}

#[test]
fn the_report_tells_what_learning_was_worth() {
    let report = many();
    let all = report.all.as_ref().expect("orders");
    assert_eq!((all.n, report.by_style.len()), (60, 1));
    assert!(near(all.realised_bp.value, 3.0), "{all:?}");
    let gain = all.mae_gain_bp;
    assert!(near(gain.value, all.mae_corrected_bp.value - all.mae_law_bp.value));
    assert!(gain.low <= Some(gain.value) && Some(gain.value) <= gain.high);
    assert_eq!(report.by_size.iter().map(|row| row.n).sum::<usize>(), 60);
    assert_eq!(report.drift.error_ratio, None, "nothing moved");
    let text = report.text();
    for part in ["market", "up to a quarter of the best", "one order, never moved", "nothing to judge by"] {
        assert!(text.contains(part), "{part} in {text}");
    }
    let object = serde_json::to_value(&report).expect("JSON");
    assert_eq!(object["all"]["n"], 60);
}

#[test]
fn a_tape_without_fills_says_so() {
    let report = Report::of(&Execution::default());
    assert!(report.text().starts_with("No order that was foretold has filled."));
    let empty = plot(&report);
    assert!(empty.width() > 0 && empty.height() > 0);
}

#[test]
fn the_picture_has_points_where_there_are_orders() {
    let png = |report: &Report| {
        let mut bytes = Vec::new();
        plot(report).write_png(&mut bytes).expect("memory");
        bytes
    };
    let (full, empty) = (png(&many()), png(&Report::of(&Execution::default())));
    assert!(full.starts_with(b"\x89PNG") && empty.starts_with(b"\x89PNG"));
    assert_ne!(full, empty);
}

/// A quiet market: a quote of 1 each second around 100, 4 wide in ticks, and a trade of 10 with each.
fn quiet(seconds: i64) -> Vec<MarketEvent> {
    let event = |at_ms: i64, kind| MarketEvent {
        instrument: InstrumentId(0),
        time: Timestamp::from_ns(at_ms * 1_000_000),
        source: SourceId(0),
        position: 1,
        kind,
    };
    let second = |at: i64| {
        // alternating, so that a level that was taken is told anew
        let more = quantity(10 + at % 2);
        let quote = EventKind::Quote { bid: (price(-2.0), more), ask: (price(2.0), more) };
        let trade =
            EventKind::Trade { price: price(2.0), quantity: quantity(100), aggressor: None, maker: None };
        [event(1_000 * at + 10, quote), event(1_000 * at + 20, trade)]
    };
    (0..seconds).flat_map(second).collect()
}

#[test]
fn in_a_market_that_stands_still_every_way_pays_half_the_spread() {
    let instruments = scenes::instruments(1, &scenes::instrument());
    let setting = Setting {
        cerebellum: cerebellum::CerebellumParams { horizon_s: 20, slices: 5, ..Default::default() },
        exchange: ExchangeParams::default(),
        hold_ns: 0,
        period_ns: 250_000_000,
        daily_volume: quantity(10_000_000),
        parents: 12,
        quantity: quantity(8),
        seed: 1,
    };
    let mut seen = 0;
    let compared = compare(&quiet(300), &instruments, &setting, |done| seen = done).expect("a comparison");
    assert_eq!((compared.parents, compared.unfinished, seen), (12, 0, 12));
    let names: Vec<&str> = compared.ways.iter().map(|way| way.name).collect();
    assert_eq!(names, ["market order", "at_once", "twap", "almgren_chriss", "pov"]);
    for way in &compared.ways {
        assert!(near(way.slippage_bp.value, 2.0), "{way:?}");
        assert!(near(way.against_market_bp.value, 0.0) && near(way.deviation_bp, 0.0), "{way:?}");
        assert_eq!(way.at_the_end, 0.0, "{way:?}");
    }
    let again = compare(&quiet(300), &instruments, &setting, |_| ()).expect("a comparison");
    assert_eq!(again, compared, "seeded");
    let none = compare(&quiet(30), &instruments, &setting, |_| ()).expect("a comparison");
    assert_eq!((none.parents, none.unfinished, none.ways.len()), (0, 0, 0), "no room to start in");
    assert!(compared.text().contains("12 parent orders of 0.8 over at most 20 s"), "{}", compared.text());
}
