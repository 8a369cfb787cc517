//! Rules: their names, weights, scopes and dates, and what their formulas can never be.

use super::names::LONGEST_NAME;
use super::{Checker, Formula};
use crate::check::form::Form;
use crate::diagnostic::Diagnostic;
use crate::interval::{self, Possible};
use crate::number::Symbol;
use crate::rule_set::{Force, Rule};
use crate::syntax::{Name, RuleItem};

/// How many rules a file may have: all are compared with each other.
const MOST_RULES: usize = 1_000;

impl Checker<'_> {
    pub(super) fn rule(&mut self, item: &RuleItem) {
        self.variables.clear();
        let named = self.rule_name(&item.name);
        let weight = self.weight(item);
        self.dates(item);
        self.latching(item);
        self.no_learned = item.hard.then_some(
            "a hard rule decides by what is known for certain: learned predicates stand in soft rules only",
        );
        let formula = self.formula(&item.formula);
        let (Some(formula), Some(weight), true) = (formula, weight, named) else {
            return;
        };
        if self.rules.len() == MOST_RULES {
            let message = format!("the file has more than {MOST_RULES} rules");
            let error = Diagnostic::error(&item.name.span, message, "one too many");
            return self.error(error.help("split the rules into files that are loaded together"));
        }
        self.possible(item, &formula);
        let form = Form::of(&formula);
        self.contradicts_itself(item, &form);
        let begin = self.ops.len();
        self.lower(&formula, true);
        let rule = Rule {
            name: item.name.text.clone(),
            force: if item.hard { Force::Hard } else { Force::Soft },
            source: item.source.clone().unwrap_or_default(),
            reason: item.reason.clone().unwrap_or_default(),
            weight,
            instruments: item.instruments.iter().map(|name| Symbol(self.intern(&name.text))).collect(),
            account: item.account.as_ref().map(|name| Symbol(self.intern(&name.text))),
            from: item.from.as_ref().map(|(date, _)| *date),
            until: item.until.as_ref().map(|(date, _)| *date),
            latching: item.latching.is_some(),
            formula: item.formula.span.clone(),
            code: (begin, self.ops.len()),
        };
        self.rules.push((item.name.clone(), rule, form));
    }

    fn rule_name(&mut self, name: &Name) -> bool {
        if name.text.len() > LONGEST_NAME {
            let message = format!("the name `{}` is {} bytes long", name.text, name.text.len());
            let error = Diagnostic::error(&name.span, message, "too long");
            self.error(error.help(format!("it is the refusal code, and has at most {LONGEST_NAME}")));
            return false;
        }
        let earlier = self.rules.iter().find(|(other, ..)| other.text == name.text);
        if let Some((first, ..)) = earlier {
            let message = format!("two rules are named `{}`", name.text);
            let error = Diagnostic::error(&name.span, message, "the second").other(&first.span, "the first");
            self.error(error.help("a name is a refusal code: give each rule its own"));
            return false;
        }
        true
    }

    fn weight(&mut self, item: &RuleItem) -> Option<f64> {
        let Some(written) = &item.weight else {
            return Some(1.0);
        };
        if item.hard {
            let error =
                Diagnostic::error(&written.span, "a hard rule has no weight", "weight of a hard rule");
            self.error(
                error.help("it refuses whatever it weighs: leave the weight out, or write `soft rule`"),
            );
            return None;
        }
        let weight = written.text.replace('_', "").parse::<f64>().ok();
        let weight = weight.filter(|weight| *weight > 0.0 && *weight <= 1e9);
        if weight.is_none() {
            let message = format!("the weight is {}, and must be above 0 and at most 1e9", written.text);
            let error = Diagnostic::error(&written.span, message, "not a weight");
            self.error(error.help("leave a rule that weighs nothing out"));
        }
        weight
    }

    fn dates(&mut self, item: &RuleItem) {
        if let (Some((from, _)), Some((until, span))) = (&item.from, &item.until)
            && until < from
        {
            let message = format!("the rule ends on {until}, before it begins on {from}");
            let error = Diagnostic::error(span, message, "before the first day");
            self.error(error.help("both days belong to the rule: from FIRST until LAST"));
        }
    }

    fn latching(&mut self, item: &RuleItem) {
        if let (Some(span), false) = (&item.latching, item.hard) {
            let error = Diagnostic::error(span, "a soft rule latches nothing", "latching");
            self.error(error.help("write `hard rule`, or leave `latching` out"));
        }
    }

    /// What interval arithmetic says of a formula.
    fn possible(&mut self, item: &RuleItem, formula: &Formula) {
        let name = &item.name.text;
        let Possible { hold, fail } = interval::possible(formula);
        if !hold {
            let place = interval::culprit(formula).unwrap_or(formula);
            let message = format!("rule `{name}` can never be true");
            let error = Diagnostic::error(&place.span, message, "never true");
            self.error(error.maybe_help(interval::explain(place)));
        } else if !fail {
            let message = format!("rule `{name}` is always true, so it says nothing");
            let warning = Diagnostic::warning(&formula.span, message, "always true");
            self.error(warning.maybe_help(interval::explain(formula)));
        }
    }

    fn contradicts_itself(&mut self, item: &RuleItem, form: &Form) {
        if let Some((a, b)) = form.contradiction() {
            let message =
                format!("rule `{}` can never be true: two of its parts exclude each other", item.name.text);
            let error = Diagnostic::error(&b, message, "and this").other(&a, "this");
            self.error(error.help("no order keeps both"));
        }
    }
}
