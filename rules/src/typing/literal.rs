//! Numbers with units, read exactly.

use super::{Checker, Term, TermKind};
use crate::diagnostic::Diagnostic;
use crate::exact;
use crate::exact::ABSENT;
use crate::syntax::Name;
use crate::typing::names::nearest;
use crate::unit::{CURRENCIES, Dimension, LiteralUnit, UNITS, Unit, find_unit};
use crate::vocabulary::Type;

/// The most digits of a number.
const DIGITS: usize = 30;

impl Checker<'_> {
    pub(super) fn number(
        &mut self,
        digits: &str,
        unit: Option<&Name>,
        per: Option<&Name>,
        span: &std::ops::Range<usize>,
    ) -> Option<Term> {
        let bare = LiteralUnit { name: "", unit: Unit::default(), units: Dimension::RATIO.scale() };
        let of = match unit {
            Some(name) => self.unit(name)?,
            None => bare,
        };
        let each = match per {
            Some(name) => self.unit(name)?,
            None => bare,
        };
        let dimension = of.unit.dimension.over(each.unit.dimension)?;
        // what one of the unit is, in fixed point of the dimension
        let factor = exact::multiply(of.units, dimension.scale(), of.unit.dimension.scale());
        let one = exact::divide(factor, each.units, each.unit.dimension.scale());
        let value = self.digits(digits, one, span)?;
        let unit = if per.is_none() { of.unit } else { Unit::of(dimension) };
        Some(Term {
            kind: TermKind::Constant(value),
            ty: Type::Number(unit),
            bare: of.name.is_empty(),
            span: span.clone(),
        })
    }

    /// Decimal digits times what one is, exactly.
    fn digits(&mut self, digits: &str, one: i128, span: &std::ops::Range<usize>) -> Option<i128> {
        let plain = digits.replace('_', "");
        let (whole, fraction) = plain.split_once('.').unwrap_or((&plain, ""));
        let fraction = fraction.trim_end_matches('0');
        if whole.len() + fraction.len() > DIGITS {
            let error = Diagnostic::error(span, format!("{plain} has too many digits"), "too long");
            self.error(error.help(format!("a number has at most {DIGITS}")));
            return None;
        }
        let mantissa: i128 = format!("{whole}{fraction}").parse().unwrap_or(0);
        let Some(scaled) = mantissa.checked_mul(one) else {
            let error = Diagnostic::error(span, format!("{plain} is too large"), "beyond fixed point");
            self.error(error.help("numbers are exact, in units of 1e-9"));
            return None;
        };
        let tens = 10_i128.pow(fraction.len() as u32);
        if scaled % tens != 0 {
            let error = Diagnostic::error(span, format!("{plain} is too fine"), "finer than fixed point");
            self.error(error.help("numbers are exact, in units of 1e-9: leave decimals out"));
            return None;
        }
        Some(scaled / tens)
    }

    fn unit(&mut self, name: &Name) -> Option<LiteralUnit> {
        let Some(unit) = find_unit(&name.text) else {
            let known = UNITS.iter().map(|u| u.name).chain(CURRENCIES);
            let near = nearest(&name.text, known).map(|near| format!("did you mean `{near}`?"));
            self.error(
                Diagnostic::error(&name.span, format!("there is no unit `{}`", name.text), "unknown unit")
                    .help("units are bp, %, ns, us, ms, s, min, h, days, units, orders, fills, and currencies such as USD")
                    .maybe_help(near),
            );
            return None;
        };
        if unit.unit.dimension == Dimension::MONEY {
            self.currency(name)?;
        }
        Some(unit)
    }

    /// Money of one currency is not compared with that of another.
    fn currency(&mut self, name: &Name) -> Option<()> {
        match &self.currency {
            Some(first) if first.text != name.text => {
                let message =
                    format!("the file counts money in {}, and {} is another currency", first.text, name.text);
                let error = Diagnostic::error(&name.span, message, "another currency")
                    .other(&first.span.clone(), "the first currency")
                    .help("use one currency in a file");
                self.error(error);
                None
            }
            _ => {
                self.currency.get_or_insert_with(|| name.clone());
                Some(())
            }
        }
    }

    /// A constant of another one's value, if both sides can be told to be the same thing: a bare number
    /// counts where counts are asked for.
    pub(super) fn as_count(term: &Term) -> Option<Term> {
        let value = term.constant().filter(|_| term.bare)?;
        let finer = Dimension::RATIO.scale() / Dimension::COUNT.scale();
        let counted = (value % finer == 0 && value != ABSENT).then_some(value / finer)?;
        let (kind, ty) = (TermKind::Constant(counted), Type::number(Dimension::COUNT));
        Some(Term { kind, ty, ..term.clone() })
    }
}
