//! A made-up run, drawn from a seed, and what it should be indexed as by a plain scan.

use std::collections::BTreeMap;
use std::fmt::Debug;

use hippocampus::{Experience, ExperienceEncoder};
use journal::index::{DecisionAt, Index, OrderStep};
use journal::{Decision, Hash, Marker, Note, Record};
use market::order::{
    ClientId, Fill, Liquidity, NewOrder, OrderKind, RejectReason, Report, ReportKind, Request,
};
use market::{FeatureVector, InstrumentId, Instruments, Money, Price, Quantity, Side, Timestamp};
use synapse::random::normal;
use synapse::{
    Account, Action, Context, DecisionRecord, ExecutionForecast, FusedState, Input, InputKind, Notice,
    NoticeKind, Outcome, Reason, SampleKind, Tick, Verdict,
};

pub const INSTRUMENTS: u16 = 3;
const HORIZON: u32 = 12;

pub fn encoder() -> ExperienceEncoder {
    let instruments: Instruments = scenes::instruments(usize::from(INSTRUMENTS), &scenes::instrument());
    ExperienceEncoder::new(HORIZON, &instruments)
}

/// Whole numbers drawn from a seed.
pub struct Dice {
    seed: u64,
    thrown: u64,
}

impl Dice {
    pub fn new(seed: u64) -> Self {
        Self { seed, thrown: 0 }
    }

    pub fn below(&mut self, limit: usize) -> usize {
        self.thrown += 1;
        let bits = Hash::of(&[self.seed.to_le_bytes(), self.thrown.to_le_bytes()].concat());
        let word = bits.0.first_chunk().map_or(0, |word| u64::from_le_bytes(*word));
        (word % limit as u64) as usize
    }
}

fn time(sequence: u64) -> Timestamp {
    // two inputs share a time, and the first are from before 1970
    Timestamp::from_ns((sequence / 2) as i64 - 100)
}

fn input(sequence: u64, kind: InputKind) -> Record {
    Record::Input(Input { sequence, time: time(sequence), kind })
}

fn decision(sequence: u64, instrument: u16, requests: Vec<Request>, late: bool, dice: &mut Dice) -> Record {
    let mark2 = (dice.below(9) > 0).then(|| 200_000_000_000 + (1e8 * normal(dice.seed, sequence)) as i64);
    let outcome = match dice.below(3) {
        _ if !requests.is_empty() => Outcome::Act(requests.into()),
        0 => Outcome::Rest(Reason::Halted {}),
        1 => Outcome::Rest(Reason::Hold { position: Quantity::ZERO }),
        _ => Outcome::Rest(Reason::WarmingUp { left: 3 }),
    };
    let earned = Money::from_units(i128::from(sequence) * 1_000_000);
    let record = DecisionRecord {
        sequence,
        instrument: InstrumentId(instrument),
        time: time(sequence),
        kind: SampleKind::Regular,
        mark2,
        account: Account { earned, mark_valid: mark2.is_some(), ..Account::default() },
        features: FeatureVector::default(),
        context: Context::default(),
        threat: scenes::threat(),
        recall: Default::default(),
        percept: [0; 32],
        state: FusedState {
            h: (0..32).map(|at| normal(sequence, at) as f32).collect(),
            gate: Box::default(),
            absent: Vec::new(),
        },
        proposal: scenes::proposal(Action::Buy, Quantity::ZERO),
        execution: ExecutionForecast::default(),
        verdict: Verdict::untested(outcome),
        book: Default::default(),
        top: None,
    };
    Record::Decision(Box::new(Decision { late, record }))
}

fn requests(sequence: u64, instrument: u16, known: &mut Vec<ClientId>, dice: &mut Dice) -> Vec<Request> {
    let id = ClientId { sequence, instrument: InstrumentId(instrument), k: 0 };
    let (side, kind) = (Side::Buy, OrderKind::Limit);
    let (price, quantity) = (Price::from_units(1), Quantity::from_units(1));
    let own = known.iter().rev().find(|known| known.instrument == id.instrument).copied();
    match (dice.below(6), own) {
        (0, Some(id)) => vec![Request::Cancel(id)],
        (1, Some(id)) => vec![Request::Replace { id, price, total: quantity }],
        (2, _) => {
            known.push(id);
            vec![Request::Place(NewOrder { id, side, kind, price, quantity })]
        }
        _ => Vec::new(),
    }
}

fn notice(sequence: u64, known: &[ClientId], dice: &mut Dice) -> NoticeKind {
    let one = Quantity::from_units(1);
    let fill = |remaining: u8| Fill {
        execution: sequence,
        side: Side::Buy,
        price: Price::from_units(1),
        quantity: one,
        fee: Money::from_units(0),
        liquidity: Liquidity::Maker,
        remaining: Quantity::from_units(i64::from(remaining)),
    };
    let known = if dice.below(5) == 0 { &[] } else { known };
    let Some(&id) = known.get(dice.below(known.len().max(1))) else {
        return match dice.below(8) {
            0..3 => NoticeKind::Restarted,
            3 => NoticeKind::Quarantine { input: sequence - 1, instrument: None },
            _ => NoticeKind::Activate { hash: [sequence as u8; 32], by: "a".into(), reason: "b".into() },
        };
    };
    let kind = match dice.below(10) {
        0 => return NoticeKind::Lapsed(id),
        1 => return NoticeKind::CancelSent(id),
        2 => ReportKind::Rejected(RejectReason::Halted),
        3 => ReportKind::Filled(fill(1)),
        4 => ReportKind::Filled(fill(0)),
        5 => ReportKind::Cancelled { filled: one },
        6 => ReportKind::Replaced { price: Price::from_units(2), quantity: one },
        7 => ReportKind::CancelRejected(RejectReason::UnknownOrder),
        8 => ReportKind::Expired { filled: one },
        _ => ReportKind::Accepted,
    };
    NoticeKind::Report(Report { id, time: time(sequence), kind })
}

/// The records of a run of so many inputs. Now and then decisions stand behind a later input, as those
/// do that a crash left to be recomputed.
pub fn story(seed: u64, inputs: u64) -> Vec<Record> {
    let (mut dice, mut known, mut records) = (Dice::new(seed), Vec::new(), Vec::new());
    let mut late = Vec::new();
    for sequence in 1..=inputs {
        if dice.below(4) == 0 {
            let kind = notice(sequence, &known, &mut dice);
            records.push(input(sequence, InputKind::Notice(kind)));
            continue;
        }
        records.push(input(sequence, InputKind::Tick(Tick::default())));
        let is_late = dice.below(20) == 0 || !late.is_empty() && dice.below(3) > 0;
        if !is_late {
            records.append(&mut late);
        }
        for instrument in 0..INSTRUMENTS {
            let requests = requests(sequence, instrument, &mut known, &mut dice);
            let decision = decision(sequence, instrument, requests, is_late, &mut dice);
            if is_late { late.push(decision) } else { records.push(decision) }
        }
        if dice.below(40) == 0 && late.is_empty() {
            let state = Hash::of(&sequence.to_le_bytes());
            records.push(Record::Marker(Marker { sequence, time: time(sequence), state }));
            records.push(Record::Note(Note::Closed { wall_ns: 0 }));
        }
    }
    records.append(&mut late);
    records
}

/// All that an index can be asked.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Answers {
    pub decisions: Vec<DecisionAt>,
    pub endings: Vec<Vec<(u64, Option<String>)>>,
    pub orders: BTreeMap<ClientId, Vec<(u64, OrderStep)>>,
    pub experiences: Vec<Experience>,
    pub snapshots: Vec<(u64, Hash)>,
    pub activated: Vec<(u64, Hash)>,
}

impl Answers {
    /// # Panics
    /// Where two differ, with the name of what does and the first difference.
    pub fn assert_are(&self, want: &Self, what: &str) {
        fn same<T: PartialEq + Debug>(name: &str, got: &[T], want: &[T], what: &str) {
            let first = got.iter().zip(want).position(|(got, want)| got != want);
            let at = first.unwrap_or(got.len().min(want.len()));
            let sizes = (got.len(), want.len());
            assert!(got == want, "{what}: {name} {at} of {sizes:?}: {:?}, {:?}", got.get(at), want.get(at));
        }
        let lives = |answers: &Self| answers.orders.clone().into_iter().collect::<Vec<_>>();
        same("decision", &self.decisions, &want.decisions, what);
        same("ending", &self.endings.concat(), &want.endings.concat(), what);
        same("order", &lives(self), &lives(want), what);
        same("experience", &self.experiences, &want.experiences, what);
        same("snapshot", &self.snapshots, &want.snapshots, what);
        same("activated", &self.activated, &want.activated, what);
    }
}

/// What the index says.
pub fn ask(index: &mut Index, orders: impl IntoIterator<Item = ClientId>) -> Answers {
    let (first, last) = (Timestamp::from_ns(i64::MIN), Timestamp::from_ns(i64::MAX));
    let mut lives = BTreeMap::new();
    for id in orders {
        lives.insert(id, index.order(&id).expect("an answer"));
    }
    let by_instrument = |at| index.decisions_of(InstrumentId(at), 0..=u64::MAX).expect("an answer");
    let endings = (0..INSTRUMENTS).map(by_instrument).collect();
    let mut experiences: Vec<Experience> = Vec::new();
    loop {
        let from = experiences.last().map_or((InstrumentId(0), 0), |e| (e.instrument, e.closed_sequence + 1));
        let page = index.experiences(from, 100).expect("an answer");
        if page.is_empty() {
            break;
        }
        experiences.extend(page);
    }
    Answers {
        decisions: index.decisions_between(first, last).expect("an answer"),
        endings,
        orders: lives,
        experiences,
        snapshots: index.snapshots().expect("an answer"),
        activated: index.activated().expect("an answer"),
    }
}

fn step_of(kind: &NoticeKind) -> Option<(ClientId, OrderStep)> {
    Some(match kind {
        NoticeKind::Lapsed(id) => (*id, OrderStep::Lapsed),
        NoticeKind::CancelSent(id) => (*id, OrderStep::CancelSent),
        NoticeKind::Report(report) => {
            let step = match report.kind {
                ReportKind::Rejected(_) => OrderStep::Rejected,
                ReportKind::Filled(fill) if fill.remaining.is_zero() => OrderStep::Filled,
                ReportKind::Filled(_) => OrderStep::PartlyFilled,
                ReportKind::Cancelled { .. } => OrderStep::Cancelled,
                ReportKind::Replaced { .. } => OrderStep::Replaced,
                ReportKind::CancelRejected(_) => OrderStep::CancelRejected,
                ReportKind::Expired { .. } => OrderStep::Expired,
                _ => OrderStep::Accepted,
            };
            (report.id, step)
        }
        _ => return None,
    })
}

/// What a plain scan says, without a key or a fold of the index.
pub fn scan(records: &[Record]) -> Answers {
    let mut answers = Answers { endings: vec![Vec::new(); usize::from(INSTRUMENTS)], ..Answers::default() };
    let mut stream: Vec<(u64, Result<&DecisionRecord, Notice>)> = Vec::new();
    for record in records {
        match record {
            Record::Decision(decision) => stream.push((decision.record.sequence, Ok(&decision.record))),
            Record::Input(Input { sequence, time, kind: InputKind::Notice(kind) }) => {
                let notice = Notice { sequence: *sequence, time: *time, kind: kind.clone() };
                stream.push((*sequence, Err(notice)));
            }
            Record::Marker(marker) => answers.snapshots.push((marker.sequence, marker.state)),
            _ => {}
        }
    }
    stream.sort_by_key(|(sequence, _)| *sequence);
    let mut encoder = encoder();
    for (sequence, event) in stream {
        match event {
            Ok(record) => {
                let (time, instrument) = (record.time, record.instrument);
                answers.decisions.push(DecisionAt { time, sequence, instrument });
                let ended = match &record.verdict.outcome {
                    Outcome::Act(_) => None,
                    Outcome::Rest(reason) => Some(reason.name().to_owned()),
                };
                answers.endings[instrument.index()].push((sequence, ended));
                for request in record.verdict.requests() {
                    let step = match request {
                        Request::Place(_) => OrderStep::Placed,
                        Request::Cancel(_) => OrderStep::CancelAsked,
                        Request::Replace { .. } => OrderStep::ReplaceAsked,
                    };
                    answers.orders.entry(request.id()).or_default().push((sequence, step));
                }
                answers.experiences.extend(encoder.decided(record));
            }
            Err(notice) => {
                encoder.noticed(&notice);
                if let Some((id, step)) = step_of(&notice.kind) {
                    answers.orders.entry(id).or_default().push((sequence, step));
                }
                if let NoticeKind::Activate { hash, .. } = notice.kind {
                    answers.activated.push((sequence, Hash(hash)));
                }
            }
        }
    }
    answers.experiences.sort_by_key(|experience| (experience.instrument, experience.closed_sequence));
    answers
}
