//! The report of a year: its disposals, its sums, and its head of policy and assumptions.

use std::collections::BTreeMap;

use crate::num::Money;
use crate::tax::date::{TaxYear, TradeDate, WINDOW_DAYS};
use crate::tax::disposal::Disposal;
use crate::tax::params::WashTerms;
use crate::tax::returns::Returns;

/// What is told of a year.
#[derive(Debug, Clone)]
pub struct Report {
    /// Which.
    pub year: TaxYear,
    /// Under which terms.
    pub terms: WashTerms,
    /// All that the trades came to, other years too.
    pub returns: Returns,
    /// What a reader should know of where the trades are from.
    pub notes: Vec<String>,
}

/// The sums of disposals.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Totals {
    /// How many.
    pub disposals: usize,
    /// Σ proceeds.
    pub proceeds: Money,
    /// Σ basis.
    pub basis: Money,
    /// Σ of the losses.
    pub loss: Money,
    /// Σ of what of them counts.
    pub allowed: Money,
    /// Σ of what of them is disallowed.
    pub disallowed: Money,
    /// Σ of what is disallowed and in no basis.
    pub lost: Money,
    /// The gain that counts, or the loss where negative.
    pub reported: Money,
}

/// Not to be bought before a day, as that would disallow a loss.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DoNotBuy {
    /// The security, by the name of its group of substantially identical ones.
    pub symbol: String,
    /// The first day on which a purchase disallows nothing.
    pub until: TradeDate,
    /// The loss that purchases before it would disallow.
    pub loss: Money,
}

impl Report {
    /// What not to buy until when, as of the last trade: the losses of the window that nothing has replaced.
    pub fn do_not_buy(&self) -> Vec<DoNotBuy> {
        let Some(last) = self.returns.last else { return Vec::new() };
        let mut bans: BTreeMap<&str, (TradeDate, Money)> = BTreeMap::new();
        let is_open =
            |it: &&Disposal| it.is_judged && it.allowed().units() > 0 && last.since(it.sold) <= WINDOW_DAYS;
        for disposal in self.returns.disposals.iter().filter(is_open) {
            let until = disposal.sold.plus(WINDOW_DAYS + 1);
            let ban =
                bans.entry(self.terms.identical.group(&disposal.symbol)).or_insert((until, Money::ZERO));
            *ban = (ban.0.max(until), ban.1 + disposal.allowed());
        }
        let ban = |(symbol, (until, loss)): (&str, _)| DoNotBuy { symbol: symbol.to_owned(), until, loss };
        bans.into_iter().map(ban).collect()
    }

    /// The disposals of the year, in their order.
    pub fn disposals(&self) -> impl Iterator<Item = &Disposal> {
        self.returns.disposals.iter().filter(|it| self.year.holds(it.sold))
    }

    /// The sums of the year: short-term, long-term, or both.
    pub fn totals(&self, long_term: Option<bool>) -> Totals {
        let of_term = self.disposals().filter(|it| long_term.is_none_or(|term| it.is_long_term() == term));
        of_term.fold(Totals::default(), |sum, it| Totals {
            disposals: sum.disposals + 1,
            proceeds: sum.proceeds + it.proceeds,
            basis: sum.basis + it.basis,
            loss: sum.loss + it.loss(),
            allowed: sum.allowed + it.allowed(),
            disallowed: sum.disallowed + it.disallowed(),
            lost: sum.lost + it.lost(),
            reported: sum.reported + it.reported(),
        })
    }

    /// The head: policy and assumptions, a sentence each.
    pub fn assumptions(&self) -> Vec<String> {
        let mut lines = vec![
            "wash sales by 26 U.S.C. § 1091: 30 calendar days before and after, by trade date; losses and replacements earliest first, each share once".to_owned(),
            self.terms.earlier.meaning().to_owned(),
            "a purchase is no replacement of itself; executions of one order are one purchase (Rev. Rul. 56-602)".to_owned(),
            "shares bought before a sale replace only while they are held when the whole sale is done".to_owned(),
            "sales take the earliest lots of their account first, unless they name others".to_owned(),
            "fees are in the basis of purchases and out of the proceeds of sales".to_owned(),
            "amounts are divided in proportion to quantity, towards zero to 1e-9, the last part takes the rest".to_owned(),
            "long-term is more than a year from the day after acquisition; the holding period of what was sold is added, days in both once".to_owned(),
        ];
        for (group, members) in self.terms.identical.groups() {
            let others: Vec<&str> = members.into_iter().filter(|it| *it != group).collect();
            lines.push(format!("substantially identical: {group} = {}", others.join(", ")));
        }
        let listed = |names: &[String]| names.join(", ");
        if !self.returns.exempt.is_empty() {
            lines.push(format!(
                "no securities, so that no loss is disallowed: {}",
                listed(&self.returns.exempt)
            ));
        }
        if !self.returns.iras.is_empty() {
            lines.push(format!(
                "IRAs, whose purchases take a loss away for ever and whose sales are not reported: {}",
                listed(&self.returns.iras)
            ));
        }
        if self.returns.disposals.iter().any(|it| it.short_since.is_some()) {
            let (count, loss) = self.returns.short_losses();
            lines.push(format!(
                "short sales are reported when they are closed, as short-term, and are not judged: § 1091(e) is not applied to {count} closings with a loss of {loss}"
            ));
        }
        lines.extend(self.open_windows());
        lines.extend(self.notes.iter().cloned());
        lines.push("this is no tax advice".to_owned());
        lines
    }

    /// Losses of the year that later purchases, beyond the last trade there is, may still disallow.
    fn open_windows(&self) -> Option<String> {
        let last = self.returns.last?;
        let open = self.disposals().filter_map(|it| it.open_until().filter(|until| *until > last));
        let (count, until) = open.fold((0, last), |(count, latest), until| (count + 1, latest.max(until)));
        (count > 0).then(|| {
            format!(
                "trades are known up to {last}: purchases until {until} may yet disallow losses that are open: {count}"
            )
        })
    }
}
