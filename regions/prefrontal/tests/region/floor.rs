//! A desk of three shares under the limits of the specification, for the tests of rules.

use market::book::BookState;
use synapse::RuleTruth;

use super::*;

const MS_NS: i64 = 1_000_000;

/// A desk of three shares under the limits of the specification; what is wanted comes with its time and price.
pub struct Floor {
    pub judge: Prefrontal,
    pub names: [&'static str; 3],
    pub sequence: u64,
    pub time: Timestamp,
    pub positions: [Quantity; 3],
    /// The last price, where it is not that of the order.
    pub last: Option<&'static str>,
    pub edge_bp: f64,
}

fn money(text: &str) -> Money {
    text.parse().expect("money")
}

fn price(text: &str) -> Price {
    text.parse().expect("a price")
}

/// 10,000 shares and 500,000 an order, 1,000,000 of capital, a collar of 5 %, 50 orders a second, nothing twice
/// within 500 ms.
fn limits_of_the_specification() -> Limits {
    Limits {
        order_size: q(10_000),
        position: q(10_000),
        notional: money("500000"),
        capital: money("1000000"),
        collar: 500.0,
        rate: 50,
        duplicate: 500,
    }
}

/// The law of a rule text and a wash policy; the three shares are securities.
pub fn law_of(text: &str, policy: &str) -> Law {
    let rules = Arc::new(RuleSet::compile("test.ltn", text).expect("sound"));
    law_with(rules, policy)
}

pub fn law_with(rules: Arc<RuleSet>, policy: &str) -> Law {
    let params = TaxParams { policy: policy.to_owned(), ..TaxParams::default() };
    let learned = vec![None; rules.learned().len()];
    Law { rules, learned, wash: params.terms().expect("sound"), ..law() }
}

/// The rules that ship, with the numbers of MA-4: twice the capital in ten seconds.
pub fn shipped() -> String {
    let text = include_str!("../../../../config/compliance.ltn");
    let tight = text.replace("const value_rate = 10", "const value_rate = 2");
    assert_ne!(text, tight, "the rules that ship have changed");
    tight
}

impl Floor {
    pub fn new() -> Self {
        Self::under(law_of(&shipped(), "warn"))
    }

    pub fn under(law: Law) -> Self {
        let names = ["AAPL", "MSFT", "GME"];
        Self {
            judge: Self::judge(law, names),
            names,
            sequence: 0,
            time: Timestamp::parse_civil("2026-03-02 15:00").expect("a time"),
            positions: [Quantity::ZERO; 3],
            last: None,
            edge_bp: 2.0,
        }
    }

    pub fn judge(law: Law, names: [&str; 3]) -> Prefrontal {
        Self::judge_with(PrefrontalParams::default(), law, names)
    }

    pub fn judge_with(params: PrefrontalParams, law: Law, names: [&str; 3]) -> Prefrontal {
        let share = |name: &str| Instrument { name: name.to_owned(), lot: q(1), ..scenes::instrument() };
        let instruments = Instruments::new(names.map(share).to_vec());
        let limits = vec![limits_of_the_specification(); names.len()];
        Prefrontal::new(params, instruments, limits, law)
    }

    pub fn at(&self, name: &str) -> usize {
        self.names.iter().position(|it| *it == name).expect("it is one of the three")
    }

    pub fn wait_ms(&mut self, ms: i64) {
        self.time = self.time.plus(ms * MS_NS);
    }

    pub fn wait_days(&mut self, days: i64) {
        self.wait_ms(days * 86_400_000);
    }

    /// Asks for so many shares more, or less, at that price.
    pub fn wants(&mut self, name: &str, shares: i64, at: &str) -> Verdict {
        self.wants_when(name, shares, at, |_| {})
    }

    /// The same, something being otherwise in what is sensed.
    pub fn wants_when(&mut self, name: &str, shares: i64, at: &str, change: impl Fn(&mut Sensed)) -> Verdict {
        self.sequence += 1;
        let instrument = self.at(name);
        let position = self.positions[instrument];
        let last = price(self.last.unwrap_or(at));
        let mut sensed = Sensed {
            sequence: self.sequence,
            instrument: InstrumentId(instrument as u16),
            time: self.time,
            // there is no book, only a last price
            book: BookState::Synthetic,
            top: None,
            mark2: Some(2 * last.units()),
            account: Account { position, mark_valid: true, ..Account::default() },
            ..scenes::sensed()
        };
        change(&mut sensed);
        let action = if shares > 0 { Action::Buy } else { Action::Sell };
        let target = position.checked_add(q(shares)).expect("small");
        let proposed = scenes::proposed(sensed, scenes::proposal(action, target));
        let style = StyleForecast {
            style: Style::AtTouch,
            price: price(at),
            slippage_bp: 0.0,
            impact_bp: 0.0,
            correction_bp: 0.0,
            fee_bp: 1.0,
        };
        let edge_bp = Some(self.edge_bp);
        let execution = ExecutionForecast {
            styles: vec![style],
            chosen: Some(0),
            edge_bp,
            ..ExecutionForecast::default()
        };
        self.judge.step(Forecast { proposed, execution }).expect("no fault").verdict
    }

    pub fn notice(&mut self, kind: NoticeKind) {
        self.sequence += 1;
        let notice = Notice { sequence: self.sequence, time: self.time, kind };
        self.judge.notice(&notice).expect("no fault");
    }

    pub fn report(&mut self, id: ClientId, kind: ReportKind) {
        self.notice(NoticeKind::Report(Report { id, time: self.time, kind }));
    }

    pub fn arm(&mut self) {
        let (kind, by, reason) = (CommandKind::Arm, "ada".into(), "test".into());
        self.notice(NoticeKind::Command(Command { kind, by, reason }));
    }

    /// Part of an order fills.
    pub fn fill(&mut self, id: ClientId, shares: i64, at: &str, remaining: i64) {
        let side = if shares > 0 { Side::Buy } else { Side::Sell };
        let fill = Fill {
            execution: self.sequence,
            side,
            price: price(at),
            quantity: q(shares.abs()),
            fee: Money::ZERO,
            liquidity: Liquidity::Maker,
            remaining: q(remaining),
        };
        let position = &mut self.positions[id.instrument.index()];
        *position = position.checked_add(q(shares)).expect("small");
        self.report(id, ReportKind::Filled(fill));
    }

    /// Buys or sells so many shares, and all of them fill.
    pub fn trades(&mut self, name: &str, shares: i64, at: &str) {
        let id = placed(&self.wants(name, shares, at));
        self.fill(id, shares, at, 0);
    }

    /// Places an order, and the venue cancels it at once.
    pub fn tries(&mut self, name: &str, shares: i64, at: &str) {
        let id = placed(&self.wants(name, shares, at));
        self.report(id, ReportKind::Cancelled { filled: Quantity::ZERO });
    }
}

/// The name of the order that was placed.
pub fn placed(verdict: &Verdict) -> ClientId {
    match verdict.requests() {
        [Request::Place(order)] => order.id,
        other => panic!("{other:?}, {:?}", verdict.outcome),
    }
}

/// Which rule refused, and the two numbers.
pub fn refused_by(verdict: &Verdict) -> (&str, Option<f64>, Option<f64>) {
    match &verdict.outcome {
        Outcome::Rest(Reason::Refused { rule, value, bound }) => (rule.as_str(), value.0, bound.0),
        other => panic!("it was not refused: {other:?}"),
    }
}

pub fn truth<'a>(verdict: &'a Verdict, rule: &str) -> &'a RuleTruth {
    verdict.rules.iter().find(|truth| truth.rule.as_str() == rule).expect("it is in force")
}
