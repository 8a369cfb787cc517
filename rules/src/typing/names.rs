//! Names: what each stands for, and what was probably meant by one that stands for nothing.

use std::ops::Range;

use super::{Checker, ConstantValue};
use crate::diagnostic::Diagnostic;
use crate::facts;
use crate::syntax::{Expr, ExprKind, Name};
use crate::vocabulary::{Domain, Kind};

/// Functions of the language that are no facts.
pub(super) const FUNCTIONS: [&str; 4] = ["abs", "min", "max", "known"];

/// The longest name of a rule, in bytes: refusal codes are kept in a fixed space.
pub(super) const LONGEST_NAME: usize = 31;

impl Checker<'_> {
    pub(super) fn constant(&mut self, name: &Name, value: &Expr) {
        if !self.is_free(name) {
            return;
        }
        let value = match &value.kind {
            ExprKind::Set(members) => self.set(members, &value.span).map(ConstantValue::Set),
            _ => self.closed(value, "a constant").map(ConstantValue::Term),
        };
        let value = value.unwrap_or(ConstantValue::Wrong);
        self.constants.push(super::Constant { name: name.clone(), value });
    }

    /// A term without facts.
    pub(super) fn closed(&mut self, expr: &Expr, what: &str) -> Option<super::Term> {
        let term = self.term(expr)?;
        if term.constant().is_some() {
            return Some(term);
        }
        let message = format!("{what} cannot depend on a fact");
        self.error(
            Diagnostic::error(&term.span, message, "not constant")
                .help("use numbers with units, dates and earlier constants only"),
        );
        None
    }

    pub(super) fn set(&mut self, members: &[Name], span: &Range<usize>) -> Option<Vec<Name>> {
        if members.is_empty() {
            let error = Diagnostic::error(span, "the set is empty", "no member");
            self.error(error.help("a test against it says nothing: name a member, or leave the rule out"));
            return None;
        }
        for (at, member) in members.iter().enumerate() {
            if let Some(first) = members[..at].iter().find(|other| other.text == member.text) {
                let message = format!("`{}` is in the set twice", member.text);
                let warning = Diagnostic::warning(&member.span, message, "the second");
                self.error(warning.other(&first.span, "the first"));
            }
        }
        Some(members.to_vec())
    }

    /// Whether a name can be given to something; if not, that is told.
    pub(super) fn is_free(&mut self, name: &Name) -> bool {
        let text = name.text.as_str();
        let earlier = self.constants.iter().find(|c| c.name.text == text).map(|c| c.name.span.clone());
        let earlier = earlier
            .or_else(|| self.learned.iter().find(|(n, _)| n.text == text).map(|(n, _)| n.span.clone()));
        let taken = if let Some(span) = earlier {
            let message = format!("`{text}` is declared twice");
            Some(Diagnostic::error(&name.span, message, "the second").other(&span, "the first"))
        } else if facts::find(text).is_some() || FUNCTIONS.contains(&text) {
            let message = format!("`{text}` is a name of the language");
            Some(Diagnostic::error(&name.span, message, "taken"))
        } else {
            None
        };
        let free = taken.is_none();
        self.diagnostics.extend(taken.map(|error| error.help("choose another name")));
        free
    }

    /// The place of a name among those that the file mentions.
    pub(super) fn intern(&mut self, name: &str) -> u32 {
        let at = self.names.iter().position(|known| known == name).unwrap_or_else(|| {
            self.names.push(name.to_owned());
            self.names.len() - 1
        });
        at as u32
    }

    /// The cell of a symbol of a kind.
    pub(super) fn symbol(&mut self, kind: Kind, name: &Name) -> Option<i128> {
        let Some(symbols) = kind.symbols() else {
            return Some(i128::from(self.intern(&name.text)));
        };
        let found = symbols.iter().position(|symbol| *symbol == name.text);
        if found.is_none() {
            let message = format!("`{}` is not {}", name.text, kind.name());
            let help = nearest(&name.text, symbols.iter().copied()).map_or_else(
                || format!("it is one of {}", symbols.join(", ")),
                |n| format!("did you mean `{n}`?"),
            );
            self.error(Diagnostic::error(&name.span, message, "no such symbol").help(help));
        }
        found.map(|at| at as i128)
    }

    /// A name that stands for nothing.
    pub(super) fn unknown(&mut self, name: &Name) {
        let mut known: Vec<&str> = facts::names().chain(FUNCTIONS).collect();
        known.extend(self.constants.iter().map(|c| c.name.text.as_str()));
        known.extend(self.learned.iter().map(|(name, _)| name.text.as_str()));
        known.extend(self.variables.iter().map(|v| v.name.as_str()));
        let help = nearest(&name.text, known.into_iter()).map(|near| format!("did you mean `{near}`?"));
        let message = format!("there is no `{}`", name.text);
        self.error(
            Diagnostic::error(&name.span, message, "unknown name")
                .help("docs/rules.md lists all facts; constants stand before their use")
                .maybe_help(help),
        );
    }

    pub(super) fn domain(&mut self, name: &Name) -> Option<Domain> {
        let found = Domain::ALL.into_iter().find(|domain| domain.name() == name.text);
        if found.is_none() {
            let help = nearest(&name.text, Domain::ALL.iter().map(|domain| domain.name()));
            let message = format!("there is no domain `{}`", name.text);
            self.error(
                Diagnostic::error(&name.span, message, "unknown domain")
                    .help("it is one of orders, instruments, working")
                    .maybe_help(help.map(|near| format!("did you mean `{near}`?"))),
            );
        }
        found
    }
}

/// The known name that is most like another, if any is like it at all.
pub(super) fn nearest<'n>(name: &str, known: impl Iterator<Item = &'n str>) -> Option<String> {
    let most = (name.chars().count() / 3).max(1);
    // names of a file are short; a monster is like nothing
    if name.len() > 64 {
        return None;
    }
    known
        .map(|candidate| (strsim::damerau_levenshtein(name, candidate), candidate))
        .filter(|(distance, _)| *distance <= most)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate.to_owned())
}
