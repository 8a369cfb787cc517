use journal::{Decision, Record, Released};
use market::book::BookState;
use market::event::EventKind;
use market::features::{Feature, FeatureVector};
use market::order::{ClientId, Fill, Liquidity, NewOrder, OrderKind, Report, ReportKind, Request};
use market::{
    Instrument, InstrumentId, Instruments, MarketEvent, Money, Price, Quantity, Session, Side, SourceId,
    Timestamp,
};
use neocortex::kmeans::Search;
use neocortex::learn::{Coded, SchemaBook, consolidate};
use synapse::{
    Account, Action, Code, Context, DecisionRecord, ExecutionForecast, FusedState, Input, InputKind,
    LatchCause, Limit, Modality, NoticeKind, Outcome, Phase, Proposal, Reason, Recall, RuleTruth, SampleKind,
    SchemaMatch, Signal, SignalReading, Startle, Style, StyleForecast, Threat, ThreatLevel, Tick, Verdict,
};

use super::*;

const ONE: i64 = 1_000_000_000;

fn quantity(text: &str) -> Quantity {
    text.parse().expect("a quantity")
}

fn price(text: &str) -> Price {
    text.parse().expect("a price")
}

fn world() -> World {
    let instrument = Instrument {
        name: "BTCUSD".into(),
        tick: price("0.01"),
        lot: quantity("0.001"),
        multiplier: quantity("1"),
        currency: "USD".into(),
        maker_fee_bp: quantity("-0.5"),
        taker_fee_bp: quantity("3"),
        session: Session::Always,
        reference_notional: "1000".parse().expect("money"),
    };
    World::of(&Instruments::new(vec![instrument]), 2)
}

fn signals() -> [SignalReading; 5] {
    Signal::ALL.map(|signal| SignalReading {
        signal,
        value: Some(0.25),
        limit: Some(0.75),
        exceeded: signal == Signal::Spread,
        count: u32::from(signal == Signal::Spread),
    })
}

/// One schema, of twelve experiences that are all alike.
fn learned() -> SchemaBook {
    let features = FeatureVector::default();
    let all = [(); 12].map(|()| Coded { sequence: 1, code: [1.0, 0.5].into(), reward_bp: -0.5, features });
    let search = Search { k: 1, restarts: 1, iterations_max: 1 };
    consolidate(&all, &search, 1).expect("a schema")
}

/// A decision with something to say in every region.
fn record(outcome: Outcome) -> DecisionRecord {
    let mut features = FeatureVector::default();
    for (feature, value) in [
        (Feature::Spread, 2.0),
        (Feature::SpreadBp, 200.0),
        (Feature::Imbalance1, 0.8),
        (Feature::ReturnMid, 6.0),
    ] {
        features[feature] = Some(value);
    }
    features[Feature::RealisedVol] = Some(2.0);
    let style = StyleForecast {
        style: Style::AtTouch,
        price: price("99"),
        slippage_bp: -100.0,
        impact_bp: 1.5,
        correction_bp: 0.25,
        fee_bp: -0.5,
    };
    DecisionRecord {
        sequence: 7,
        instrument: InstrumentId(0),
        time: Timestamp::from_ns(7 * ONE),
        kind: SampleKind::Regular,
        mark2: Some(200 * ONE),
        account: Account { position: quantity("2"), mark_valid: true, ..Account::default() },
        features,
        context: Context { volatility_bp: Some(2.0), ..Context::default() },
        threat: Threat {
            level: ThreatLevel::Wary,
            phase: Phase::Armed,
            signals: signals(),
            tripped_by: None,
            trip_begins: false,
        },
        recall: Default::default(),
        percept: [0xab; 32],
        state: FusedState { h: Box::new([3.0, 4.0]), gate: Box::default(), absent: vec![Modality::Text] },
        proposal: Proposal {
            go: [0.5, 0.25, 0.125],
            no_go: [0.0; 3],
            values: None,
            policy: [0.625, 0.25, 0.125],
            action: Action::Buy,
            probability: 1.0,
            margin: 0.375,
            margin_needed: 0.0625,
            target: quantity("3"),
            urgency: 0.4375,
        },
        execution: ExecutionForecast {
            styles: vec![style],
            chosen: Some(0),
            edge_bp: Some(4.5),
            drift_bp: Some(0.5),
            ..ExecutionForecast::default()
        },
        verdict: Verdict {
            rules: Limit::ALL.iter().map(|limit| rule(*limit)).collect(),
            satisfaction: 0.875,
            ..Verdict::untested(outcome)
        },
        book: BookState::Ok,
        top: Some(scenes::top(99 * ONE, 101 * ONE)),
    }
}

fn rule(limit: Limit) -> RuleTruth {
    RuleTruth {
        rule: code(limit),
        is_hard: true,
        value: 11.5.into(),
        bound: 12.25.into(),
        unit: Code::default(),
        passed: true,
        product: 0.8125,
        lukasiewicz: 0.6875,
    }
}

fn code(limit: Limit) -> Code {
    Code::new(limit.name()).expect("it is short")
}

/// Each reason there is, with every limit, signal and cause.
fn reasons() -> Vec<Reason> {
    let mut all = vec![
        Reason::NotFinite {},
        Reason::Startled { startle: Startle::LostBook },
        Reason::StaleBook { book: BookState::OneSided },
        Reason::Halted {},
        Reason::OutsideSession {},
        Reason::WarmingUp { left: 41 },
        Reason::AwaitingVenue { unanswered: 3 },
        Reason::HoldByMargin { margin: 0.03, needed: 0.05 },
        Reason::Hold { position: quantity("-2.5") },
        Reason::AtTarget { target: quantity("3") },
        Reason::AlreadyWorking { remaining: quantity("0.75") },
        Reason::NoEdge { edge_bp: 1.25, cost_bp: 3.5 },
        Reason::BelowMinimumSize { size: quantity("0.0004"), lot: quantity("0.001") },
        Reason::Pacing { due: quantity("2.75"), total: quantity("8.5") },
    ];
    let causes = [LatchCause::Amygdala(Signal::Spread), LatchCause::Operator, LatchCause::Reconciliation];
    all.extend(causes.map(|cause| Reason::Latched { cause }));
    all.extend(Signal::ALL.map(|signal| Reason::Frightened { signal, value: 8.125, limit: 5.5 }));
    all.extend(Limit::ALL.iter().map(|limit| Reason::Refused {
        rule: code(*limit),
        value: 31.5.into(),
        bound: 29.75.into(),
    }));
    all
}

/// The numbers of a reason, written out here a second time.
fn numbers(reason: &Reason) -> [&'static str; 2] {
    match reason {
        Reason::Frightened { .. } => ["8.125", "5.5"],
        Reason::HoldByMargin { .. } => ["0.03", "0.05"],
        Reason::NoEdge { .. } => ["1.25", "3.5"],
        Reason::BelowMinimumSize { .. } => ["0.0004", "0.001"],
        Reason::Refused { .. } => ["31.5", "29.75"],
        Reason::Pacing { .. } => ["2.75", "8.5"],
        Reason::WarmingUp { .. } => ["41", ""],
        Reason::Hold { .. } => ["-2.5", ""],
        _ => ["", ""],
    }
}

#[test]
fn every_reason_is_told_in_its_own_words_and_numbers() {
    let mut covered: Vec<&str> = Vec::new();
    for reason in reasons() {
        let text = decision(&record(Outcome::Rest(reason)), &Origin::default(), &world());
        assert!(text.contains(reason.name()) && text.contains(&reason.to_string()), "{reason}: {text}");
        for number in numbers(&reason) {
            assert!(text.contains(number), "{reason}: {number} is missing: {text}");
        }
        covered.push(reason.name());
    }
    for spec in Reason::ALL {
        assert!(covered.contains(&spec.name), "no decision with the reason {} was explained", spec.name);
    }
}

#[test]
fn a_small_number_has_three_digits() {
    let told = [1e-4, -8.336e-4, 1.234e-6, 1e-7, 0.99999, 12.345_67].map(words::number);
    assert_eq!(told, ["0.0001", "-0.000834", "0.00000123", "0", "1", "12.3457"]);
}

#[test]
fn every_region_has_its_part_on_one_screen() {
    let mut record = record(Outcome::Rest(Reason::Halted {}));
    record.recall[0] = Recall {
        nearest: vec![SchemaMatch { schema: 0, cosine: 0.9375 }],
        reward_bp: Some(1.75),
        reward_std_bp: Some(0.5),
        confidence: 0.5625,
    };
    let event = MarketEvent {
        instrument: InstrumentId(0),
        time: Timestamp::from_ns(7 * ONE - 12_000_000),
        source: SourceId(0),
        position: 3,
        kind: EventKind::Trade {
            price: price("99.5"),
            quantity: quantity("0.2"),
            aggressor: Some(Side::Sell),
            maker: None,
        },
    };
    let input = Input { sequence: 7, time: record.time, kind: InputKind::Tick(Tick::default()) };
    let origin = Origin {
        input: Some(input),
        market: Some((6, event)),
        late: true,
        schemas: Some(learned()),
        wash: None,
    };
    let text = decision(&record, &origin, &world());
    assert!(
        text.lines().count() <= 36,
        "{} lines leave no room for the sequel: {text}",
        text.lines().count()
    );
    for line in text.lines() {
        assert!(line.chars().count() <= 110, "{line}");
    }
    for said in [
        "nothing of it was sent",
        "made by the tick of 1970-01-01T00:00:07Z",
        "12 ms earlier: trade, 0.2 at 99.5, taken by a sell order",
        "mid 100 USD, spread 2 USD (200 bp)",
        "best bid 3 at 99, best ask 1 at 101",
        "90 % of what rests at the best prices is on the bid; the mid moved 3 times its deviation",
        "wary, armed; distance D_M 0.25 against τ 0.75",
        "spread 2500 of 7500 bp (beyond, 1 lately)",
        "drawdown 25 of 75 %",
        "buy  reward 1.75 ± 0.5 bp, confidence 0.5625, nearest schema 0 (cosine 0.9375)",
        "buy is like schema 0, ordinary, 12 experiences, mean -0.50 bp",
        "percept abababababababab",
        "state of 2 numbers, norm 5; absent: text",
        "go 0.5       no-go 0         probability 0.625     <- chosen",
        "margin 0.375 against 0.0625 needed; target 3 (held 2), urgency 0.4375",
        "at touch at 99: slippage -100 + impact 1.5 + learned 0.25 + fee -0.5 = -98.75 bp  <- chosen",
        "edge 4.5 bp against cost -98.75 bp",
        "not held by the cost filter; next mid 0.5 bp",
        "collar                   11.5 against 12.25",
        "duplicate                11.5 against 12.25",
        "soft rules satisfied 0.875; latch open",
        "imbalance 0.8 at the best, - over 5 levels",
        "return_mid 6 bp, realised_vol 2 bp",
    ] {
        assert!(text.contains(said), "`{said}` is not in:\n{text}");
    }
}

#[test]
fn what_trained_networks_gave_is_told() {
    let mut record = record(Outcome::Rest(Reason::Halted {}));
    record.state.gate = Box::new([0.125, 0.5, 0.25, 0.625]);
    record.proposal.values = Some([1.5, -2.25, 0.0]);
    let text = decision(&record, &Origin::default(), &world());
    for said in [
        "percept abababababababab, of the trained network",
        "gate 0.375 on average, 0.125 to 0.625",
        "go 0.5       no-go 0         value 1.5       probability 0.625     <- chosen",
        "value -2.25 ",
    ] {
        assert!(text.contains(said), "`{said}` is not in:\n{text}");
    }
    assert!(text.lines().all(|line| line.chars().count() <= 110), "{text}");
}

#[test]
fn a_headline_is_told() {
    let news = NoticeKind::News {
        instruments: vec![InstrumentId(0)],
        embedding: Box::new([0.5, 0.25]),
        model: [0xcd; 32],
    };
    let told = super::line::notice(&news);
    assert!(
        told.starts_with("a headline for 1 of the instruments, 2 numbers by text model cdcdcd"),
        "{told}"
    );
}

#[test]
fn what_an_order_would_wash_is_told() {
    let words = "this purchase would wash past losses of 250: 100 sold 2026-03-03";
    let origin = Origin { wash: Some(words.to_owned()), ..Origin::default() };
    assert!(decision(&buying(), &origin, &world()).contains(words));
}

fn id() -> ClientId {
    ClientId { sequence: 7, instrument: InstrumentId(0), k: 0 }
}

fn buying() -> DecisionRecord {
    let order = NewOrder {
        id: id(),
        side: Side::Buy,
        kind: OrderKind::Limit,
        price: price("101"),
        quantity: quantity("1"),
    };
    record(Outcome::Act([Request::Place(order)].into_iter().collect()))
}

fn reported(sequence: u64, kind: ReportKind) -> Record {
    let time = Timestamp::from_ns(sequence as i64 * ONE);
    let kind = InputKind::Notice(NoticeKind::Report(Report { id: id(), time, kind }));
    Record::Input(Input { sequence, time, kind })
}

fn fill(at: &str, quantity_: &str, remaining: &str) -> ReportKind {
    ReportKind::Filled(Fill {
        execution: 1,
        side: Side::Buy,
        price: price(at),
        quantity: quantity(quantity_),
        fee: "0.03".parse().expect("money"),
        liquidity: Liquidity::Taker,
        remaining: quantity(remaining),
    })
}

fn later(sequence: u64, earned: &str) -> Record {
    let mut record = record(Outcome::Rest(Reason::Halted {}));
    record.sequence = sequence;
    record.time = Timestamp::from_ns(sequence as i64 * ONE);
    record.account.earned = earned.parse::<Money>().expect("money");
    Record::Decision(Box::new(Decision { late: false, record }))
}

#[test]
fn a_sequel_tells_reports_slippage_and_reward() {
    let world = world();
    let mut sequel = Sequel::of(&buying(), &world);
    let time = Timestamp::from_ns(7 * ONE + 5_000_000);
    let steps = [
        Record::Released(Released { sequence: 7, instrument: InstrumentId(0), time, late: false }),
        reported(8, ReportKind::Accepted),
        reported(9, fill("100.5", "0.25", "0.75")),
        later(10, "0"),
        reported(11, fill("101", "0.75", "0")),
        later(12, "0.5"),
    ];
    for (at, step) in steps.iter().enumerate() {
        assert!(!sequel.is_over(), "after {at}");
        sequel.fold(step);
    }
    assert!(sequel.is_over());
    // after the end nothing is added
    let told = sequel.text(&world);
    sequel.fold(&reported(13, ReportKind::Accepted));
    sequel.fold(&later(14, "9"));
    assert_eq!(sequel.text(&world), told);
    for said in [
        "released       after 5 ms",
        "buy 1 at 101, limit (order 7:0:0)",
        "after 1 s: accepted",
        "after 2 s: filled 0.25 at 100.5 (taker, fee 0.03), 0.75 left",
        // 0.25 at 100.5 and 0.75 at 101 are 100.875 on average, 87.5 bp above the mark of 100
        "forecast -98.25 bp (impact included), realised 87.5 bp",
        "1 at 100.875 on average, 0.06 USD in fees",
        // 0.5 of a reference notional of 1000
        "buy was worth 5 bp of the reference notional; the mid moved 0 bp",
        "closed after 5 s by decision 12",
    ] {
        assert!(told.contains(said), "`{said}` is not in:\n{told}");
    }
    let json = sequel.json();
    let realised_bp = json["realised_slippage_bp"].as_f64().expect("a number");
    assert!((realised_bp - 87.5).abs() < 1e-9, "{realised_bp}");
    assert_eq!(json["orders"][0]["events"].as_array().map(Vec::len), Some(3));
    assert_eq!(json["experience"]["state"], "closed");
}

#[test]
fn a_sequel_that_is_cut_off_says_so() {
    let world = world();
    let mut sequel = Sequel::of(&buying(), &world);
    let text = sequel.text(&world);
    assert!(text.contains("it works still where the tape ends") && text.contains("open still"), "{text}");
    let time = Timestamp::from_ns(8 * ONE);
    for kind in [NoticeKind::Lapsed(id()), NoticeKind::Restarted] {
        sequel.fold(&Record::Input(Input { sequence: 8, time, kind: InputKind::Notice(kind) }));
    }
    let text = sequel.text(&world);
    assert!(text.contains("order 7:0:0 lapsed") && text.contains("experience     void"), "{text}");
    assert!(sequel.is_over());
    let bare = World { names: vec!["BTCUSD".into()], ..World::default() };
    assert!(Sequel::of(&buying(), &bare).text(&bare).contains("not at hand"));
}

#[test]
fn a_record_has_one_line_and_one_object() {
    let world = world();
    let all = [
        later(10, "0"),
        reported(8, ReportKind::Accepted),
        Record::Note(journal::Note::Closed { wall_ns: 0 }),
    ];
    for (record, kind) in all.iter().zip([Kind::Decision, Kind::Report, Kind::Note]) {
        assert!(kind.holds(record) && !Kind::Tick.holds(record));
        assert_eq!(Kind::Input.holds(record), kind == Kind::Report);
        let line = text(record, &world);
        assert!(!line.contains('\n') && line.contains(&kind.name()), "{line}");
        let object = json(record, &world).expect("JSON");
        assert_eq!(object["kind"], kind.name());
        let place = object["sequence"].as_u64().zip(object["time_ns"].as_i64().map(Timestamp::from_ns));
        assert_eq!(place, place_of(record));
    }
    let object = json(&all[0], &world).expect("JSON");
    assert_eq!(object["content"]["percept"], "ab".repeat(32));
    assert_eq!((&object["instrument"], &object["late"]), (&"BTCUSD".into(), &false.into()));
    assert_eq!((world.find("BTCUSD"), world.find("0")), (Some(InstrumentId(0)), Some(InstrumentId(0))));
    assert_eq!((world.find("1"), world.find("ETHUSD")), (None, None));
}
