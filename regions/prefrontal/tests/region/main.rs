//! The judge as a region: from the gap to requests, and never past a limit.

mod flatten;
mod floor;
mod luld;
mod parents;
mod rules;
mod witness;

use std::sync::Arc;

use ::rules::RuleSet;
use market::order::{ClientId, Fill, Liquidity, OrderKind, Report, ReportKind, Request};
use market::tax::TaxParams;
use market::{Instrument, InstrumentId, Instruments, Money, Price, Quantity, Side, Timestamp};
use prefrontal::{Law, Limits, Prefrontal, PrefrontalParams};
use synapse::{
    Account, Action, Code, Command, CommandKind, ExecutionForecast, Forecast, LatchCause, Notice, NoticeKind,
    Outcome, Proposal, Reason, Region, SampleKind, Sensed, Signal, SignalReading, Startle, Style,
    StyleForecast, Threat, ThreatLevel, Verdict,
};

fn q(whole: i64) -> Quantity {
    Quantity::from_whole(whole).expect("small")
}

fn p(whole: i64) -> Price {
    Price::from_whole(whole).expect("small")
}

/// A judge, its venue's answers, and what is asked of it.
struct Desk {
    judge: Prefrontal,
    sequence: u64,
    position: Quantity,
    ask: Ask,
}

/// One question.
#[derive(Clone)]
struct Ask {
    action: Action,
    target: Quantity,
    bid: i64,
    style: Style,
    kind: SampleKind,
    level: ThreatLevel,
    trip: bool,
}

impl Desk {
    fn new() -> Self {
        Self::within(limits())
    }

    fn within(limits: Limits) -> Self {
        let session = "00:00-12:00".parse().expect("a session");
        let instrument = Instrument { tick: p(1), lot: q(1), session, ..scenes::instrument() };
        let ask = Ask {
            action: Action::Buy,
            target: q(5),
            bid: 100,
            style: Style::AtTouch,
            kind: SampleKind::Regular,
            level: ThreatLevel::Calm,
            trip: false,
        };
        let params = PrefrontalParams::default();
        let judge = Prefrontal::new(params, Instruments::new(vec![instrument]), vec![limits], law());
        Self { judge, sequence: 0, position: Quantity::ZERO, ask }
    }

    fn judge(&mut self) -> Verdict {
        self.judge_changed(|_| {})
    }

    /// Asks, something being otherwise.
    fn judge_changed(&mut self, change: impl Fn(&mut Forecast)) -> Verdict {
        self.sequence += 1;
        let mut forecast = forecast(self.sequence, self.position, &self.ask);
        change(&mut forecast);
        let asked = self.judge.peek(forecast.clone()).expect("no fault");
        let judged = self.judge.step(forecast).expect("no fault");
        assert_eq!(asked, judged, "peek answers as step does");
        judged.verdict
    }

    fn requests(&mut self) -> Vec<Request> {
        self.judge().requests().to_vec()
    }

    fn reason(&mut self) -> Reason {
        match self.judge().outcome {
            Outcome::Rest(reason) => reason,
            Outcome::Act(requests) => panic!("it acts: {requests:?}"),
        }
    }

    fn notice(&mut self, kind: NoticeKind) {
        self.sequence += 1;
        let notice = Notice { sequence: self.sequence, time: Timestamp::from_ns(1), kind };
        self.judge.notice(&notice).expect("no fault");
    }

    fn report(&mut self, id: ClientId, kind: ReportKind) {
        self.notice(NoticeKind::Report(Report { id, time: Timestamp::from_ns(1), kind }));
    }

    fn fill(&mut self, id: ClientId, side: Side, quantity: Quantity, remaining: Quantity) {
        let fill = Fill {
            execution: self.sequence,
            side,
            price: p(100),
            quantity,
            fee: Money::ZERO,
            liquidity: Liquidity::Maker,
            remaining,
        };
        self.position = self.position.checked_add(side.signed(quantity)).expect("small");
        self.report(id, ReportKind::Filled(fill));
    }

    fn command(&mut self, kind: CommandKind) {
        self.notice(NoticeKind::Command(Command { kind, by: "ada".into(), reason: "test".into() }));
    }
}

/// The rules that ship; nothing grounds what is learned.
fn law() -> Law {
    let text = include_str!("../../../../config/compliance.ltn");
    let rules = Arc::new(RuleSet::compile("compliance.ltn", text).expect("sound"));
    let learned = vec![None; rules.learned().len()];
    Law {
        rules,
        learned,
        account: "main".to_owned(),
        start_equity: "100000".parse().expect("money"),
        wash: TaxParams::default().terms().expect("sound"),
        utc_offset_min: 0,
    }
}

fn refused(rule: &str, value: f64, bound: f64) -> Reason {
    let rule = Code::new(rule).expect("it is short");
    Reason::Refused { rule, value: value.into(), bound: bound.into() }
}

/// The name of the rule that refused.
fn refusal(reason: &Reason) -> Option<&str> {
    match reason {
        Reason::Refused { rule, .. } => Some(rule.as_str()),
        _ => None,
    }
}

fn limits() -> Limits {
    Limits {
        order_size: q(20),
        position: q(10),
        notional: "100000".parse().expect("money"),
        capital: "100000".parse().expect("money"),
        collar: 500.0,
        rate: 100,
        duplicate: 1,
    }
}

fn forecast(sequence: u64, position: Quantity, ask: &Ask) -> Forecast {
    let top = scenes::top(p(ask.bid).units(), p(ask.bid + 1).units());
    let sensed = Sensed {
        sequence,
        time: Timestamp::from_ns(sequence as i64 * 250_000_000),
        kind: ask.kind,
        top: Some(top),
        mark2: Some(top.mid2()),
        account: Account { position, mark_valid: true, ..Account::default() },
        ..scenes::sensed()
    };
    let price = match ask.style {
        Style::Market => p(ask.bid + 1),
        Style::AtTouch | Style::Inside => p(ask.bid),
    };
    let style = StyleForecast {
        style: ask.style,
        price,
        slippage_bp: 1.0,
        impact_bp: 0.0,
        correction_bp: 0.0,
        fee_bp: 0.0,
    };
    let proposal = Proposal {
        margin: 0.5,
        margin_needed: 0.1,
        urgency: 0.5,
        ..scenes::proposal(ask.action, ask.target)
    };
    let mut proposed = scenes::proposed(sensed, proposal);
    let reading =
        |signal| SignalReading { signal, value: Some(2.0), limit: Some(1.0), exceeded: false, count: 0 };
    proposed.fused.perceived.recalled.encoded.appraised.threat = Threat {
        level: ask.level,
        signals: Signal::ALL.map(reading),
        tripped_by: ask.trip.then_some(Signal::Spread),
        trip_begins: ask.trip,
        ..scenes::threat()
    };
    let execution = ExecutionForecast {
        styles: vec![style],
        chosen: Some(0),
        edge_bp: Some(2.0),
        ..ExecutionForecast::default()
    };
    Forecast { proposed, execution }
}

#[test]
fn an_order_lives_from_gap_to_target() {
    let mut desk = Desk::new();
    let requests = desk.requests();
    let [Request::Place(order)] = requests[..] else { panic!("{requests:?}") };
    assert_eq!(
        (order.side, order.quantity, order.price, order.kind),
        (Side::Buy, q(5), p(100), OrderKind::PostOnly)
    );
    assert_eq!(desk.reason(), Reason::AwaitingVenue { unanswered: 1 });
    desk.report(order.id, ReportKind::Accepted);
    assert_eq!(desk.reason(), Reason::AlreadyWorking { remaining: q(5) });
    desk.ask.bid = 101;
    assert_eq!(desk.requests(), [Request::Replace { id: order.id, price: p(101), total: q(5) }]);
    assert_eq!(desk.reason(), Reason::AwaitingVenue { unanswered: 1 });
    desk.report(order.id, ReportKind::Replaced { price: p(101), quantity: q(5) });
    desk.fill(order.id, Side::Buy, q(2), q(3));
    assert_eq!(desk.reason(), Reason::AlreadyWorking { remaining: q(3) });
    desk.fill(order.id, Side::Buy, q(3), q(0));
    assert_eq!(desk.reason(), Reason::AtTarget { target: q(5) });
}

#[test]
fn the_other_side_is_cancelled_first() {
    let mut desk = Desk::new();
    let id = desk.requests()[0].id();
    desk.report(id, ReportKind::Accepted);
    desk.ask.action = Action::Sell;
    desk.ask.target = q(-5);
    assert_eq!(desk.requests(), [Request::Cancel(id)]);
    assert_eq!(desk.reason(), Reason::AwaitingVenue { unanswered: 1 });
    desk.report(id, ReportKind::Cancelled { filled: q(0) });
    let requests = desk.requests();
    assert!(matches!(requests[..], [Request::Place(order)] if order.side == Side::Sell), "{requests:?}");
}

#[test]
fn to_hold_cancels_what_rests_and_a_startle_does() {
    for change in [(|ask: &mut Ask| ask.action = Action::Hold) as fn(&mut Ask), |ask| {
        ask.kind = SampleKind::Startle(Startle::Halt)
    }] {
        let mut desk = Desk::new();
        let id = desk.requests()[0].id();
        desk.report(id, ReportKind::Accepted);
        change(&mut desk.ask);
        assert_eq!(desk.requests(), [Request::Cancel(id)]);
        let reason = desk.reason();
        assert!(matches!(reason, Reason::Hold { .. } | Reason::Startled { .. }), "{reason}");
    }
}

#[test]
fn a_limit_refuses_with_both_numbers_and_nothing_is_reserved() {
    let mut desk = Desk::new();
    desk.ask.target = q(11);
    let reason = desk.reason();
    assert_eq!(reason, refused("position", 11.0, 10.0));
    desk.ask.target = q(10);
    assert_eq!(desk.requests().len(), 1);
}

#[test]
fn a_position_that_is_not_the_ledgers_is_a_fault() {
    let mut desk = Desk::new();
    desk.position = q(1);
    let ask = desk.ask.clone();
    let error = desk.judge.step(forecast(9, desk.position, &ask)).expect_err("a fault");
    assert!(error.to_string().contains("the position by fills is 0, the ledger's 1"), "{error}");
}

#[test]
fn while_latched_only_reductions_pass() {
    let mut desk = Desk::new();
    let id = desk.requests()[0].id();
    desk.fill(id, Side::Buy, q(5), q(0));
    desk.command(CommandKind::Halt);
    desk.ask.target = q(9);
    assert_eq!(desk.reason(), Reason::Latched { cause: LatchCause::Operator });
    desk.ask.action = Action::Sell;
    desk.ask.target = q(-1);
    assert_eq!(desk.reason(), Reason::Latched { cause: LatchCause::Operator }, "it would cross zero");
    desk.ask.target = q(2);
    let requests = desk.requests();
    assert!(matches!(requests[..], [Request::Place(order)] if order.quantity == q(3)), "{requests:?}");
    desk.report(requests[0].id(), ReportKind::Accepted);
    desk.command(CommandKind::Arm);
    assert_eq!(desk.reason(), Reason::AlreadyWorking { remaining: q(3) });
}

#[test]
fn what_others_conclude_latches_until_an_operator_arms() {
    for (notice, cause) in [
        (NoticeKind::Latch(LatchCause::Reconciliation), LatchCause::Reconciliation),
        (NoticeKind::Quarantine { input: 1, instrument: None }, LatchCause::Faults),
        (NoticeKind::Quarantine { input: 1, instrument: Some(InstrumentId(0)) }, LatchCause::Quarantine),
    ] {
        let mut desk = Desk::new();
        desk.notice(notice.clone());
        assert_eq!(desk.reason(), Reason::Latched { cause }, "{notice:?}");
        desk.command(CommandKind::Arm);
        assert_eq!(desk.requests().len(), 1, "{notice:?}");
    }
}

#[test]
fn a_quarantine_latches_its_instrument_alone() {
    let mut desk = Desk::new();
    desk.notice(NoticeKind::Quarantine { input: 1, instrument: Some(InstrumentId(7)) });
    assert_eq!(desk.judge.latch(), None);
    assert_eq!(desk.requests().len(), 1);
}

#[test]
fn a_trip_latches_and_says_so_once() {
    let mut desk = Desk::new();
    desk.ask.level = ThreatLevel::Tripped;
    desk.ask.trip = true;
    let verdict = desk.judge();
    assert!(verdict.tripped && verdict.latch == Some(LatchCause::Amygdala(Signal::Spread)));
    desk.ask.trip = false;
    assert!(!desk.judge().tripped);
    desk.notice(NoticeKind::Restarted);
    desk.ask.level = ThreatLevel::Calm;
    assert!(matches!(desk.reason(), Reason::Latched { .. }), "nobody has armed it");
}

#[test]
fn a_cancel_of_the_gates_own_accord_is_known() {
    let mut desk = Desk::new();
    let id = desk.requests()[0].id();
    desk.report(id, ReportKind::Accepted);
    desk.notice(NoticeKind::CancelSent(id));
    assert_eq!(desk.reason(), Reason::AwaitingVenue { unanswered: 1 });
    desk.report(id, ReportKind::Cancelled { filled: q(0) });
    let id = desk.requests()[0].id();
    desk.notice(NoticeKind::Lapsed(id));
    assert_eq!(desk.requests().len(), 1, "nothing is outstanding after a lapse");
}

#[test]
fn a_snapshot_brings_all_back() {
    let mut desk = Desk::new();
    desk.requests();
    let bytes = desk.judge.snapshot();
    let mut copy = Desk::new();
    copy.judge.restore(&bytes).expect("a snapshot");
    assert_eq!(copy.judge.digest(), desk.judge.digest());
    assert_eq!(copy.reason(), Reason::AwaitingVenue { unanswered: 1 });
}
