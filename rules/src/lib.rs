//! The rule language of the prefrontal cortex (9–19, 46–50): rules that a person can read, enforced
//! crisply, learned from and audited in two soft logics.
//!
//! A file is read, typed, checked for units and for what can never be true, and compiled once to a flat
//! program ([`RuleSet::compile`]). A [`World`] holds the numbers of one moment; [`RuleSet::judge`]
//! evaluates every rule in force with nothing allocated. What is absent is unknown, and a hard rule that
//! does not definitely hold is violated. The grammar, the vocabulary and the refusal codes stand in
//! `docs/rules.md`.

mod check;
mod diagnostic;
mod exact;
mod examples;
mod explain;
pub mod facts;
mod files;
mod gradient;
mod interval;
mod judge;
mod kleene;
pub mod logic;
mod machine;
mod number;
mod program;
mod rule_set;
mod suppose;
mod syntax;
mod table;
mod typing;
mod unit;
pub mod vocabulary;
mod world;

pub use diagnostic::{Diagnostic, LONGEST_FILE, Report, RulesError, Severity};
pub use examples::ExampleOutcome;
pub use explain::{Numbers, Tree};
pub use facts::{
    AccountFacts, CalendarFacts, InstrumentFacts, MarketFacts, OrderFacts, PerceptFacts, WindowFact,
};
pub use files::joined;
pub use gradient::Gradient;
pub use judge::{Judgement, RuleVerdict, SHARPNESS, Truths};
pub use kleene::Kleene;
pub use number::{
    Bp, Count, Date, Duration, FactValue, InstrumentRow, Number, Rate, Ratio, Symbol, Threat, Weekday,
    time_of_day,
};
pub use program::{Atom, Relation};
pub use rule_set::{Force, Learned, Rule, RuleId, RuleSet, Window};
pub use suppose::Supposed;
pub use unit::{CURRENCIES, Dimension, LiteralUnit, UNITS, Unit};
pub use vocabulary::{Domain, Kind, Sort};
pub use world::World;
