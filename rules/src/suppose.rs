//! An order that is made up: facts as a row of an example table has them.

use crate::diagnostic::{Diagnostic, Report, RulesError};
use crate::rule_set::RuleSet;
use crate::world::World;

/// A moment that is made up, and the rules that know its names.
#[derive(Clone, Debug)]
pub struct Supposed {
    /// The rules.
    pub rules: RuleSet,
    /// The moment.
    pub world: World,
}

impl RuleSet {
    /// The moment that a row of an example table makes of these facts, `side = sell, quantity = 3 units`;
    /// what they do not name is as in [`RuleSet::example_world`]. Without facts it is that.
    ///
    /// # Errors
    /// [`RulesError::Invalid`] with what is wrong about the facts; `name` is what they are called then.
    pub fn suppose(&self, name: &str, facts: &str) -> Result<Supposed, RulesError> {
        let calm = self.example_world();
        let Some(first) = self.rules.first().filter(|_| !facts.trim().is_empty()) else {
            return Ok(Supposed { rules: self.clone(), world: calm });
        };
        let table = format!("{}\nexamples for {}:\npass: ", self.text, first.name);
        let compiled = Self::compile(name, &format!("{table}{facts}\n"));
        let here = |of| RulesError::Invalid(only_of(&of, name, table.len(), facts));
        let rules = compiled.map_err(|RulesError::Invalid(of)| here(of))?;
        let world = rules.examples.last().map(|example| rules.world_of(example, &calm));
        Ok(Supposed { world: world.unwrap_or(calm), rules })
    }
}

/// What a report says of the text from a place on, which is all that is shown.
fn only_of(report: &Report, name: &str, from: usize, text: &str) -> Report {
    let moved = |span: &std::ops::Range<usize>| {
        let within = |at: usize| at.saturating_sub(from).min(text.len());
        within(span.start)..within(span.end)
    };
    let here = |found: &&Diagnostic| found.is_error();
    let diagnostics = report.diagnostics.iter().filter(here).map(|found| Diagnostic {
        span: moved(&found.span),
        other: found.other.as_ref().map(|(span, label)| (moved(span), label.clone())),
        ..found.clone()
    });
    Report::new(name, text, diagnostics.collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::judge::Judgement;

    fn rules() -> RuleSet {
        let text = "hard rule small: forall o in orders: quantity(o) <= 3 units and o.instrument != GME\n";
        RuleSet::compile("r.ltn", text).expect("sound")
    }

    fn is_allowed(facts: &str) -> bool {
        let Supposed { rules, world } = rules().suppose("--order", facts).expect("sound");
        let mut judgement = Judgement::default();
        rules.judge(&world, &mut judgement);
        judgement.is_allowed(&rules)
    }

    #[test]
    fn what_is_not_named_is_calm() {
        assert!(is_allowed("") && is_allowed("side = sell, quantity = 3 units"));
        assert!(!is_allowed("quantity = 4 units"));
        assert!(!is_allowed("instrument = GME"), "names are those of the file");
        assert!(!is_allowed("quantity = absent"));
    }

    #[test]
    fn what_is_wrong_has_its_place_in_the_facts() {
        for (facts, place) in
            [("quantty = 4 units", "--order:1:1"), ("side = buy, quantity = 4 s", "--order:1:24")]
        {
            let error = rules().suppose("--order", facts).expect_err("wrong").to_string();
            assert!(error.starts_with(place), "{error}");
        }
    }
}
