//! How the configuration speaks of taxes, and what a wash is worth beforehand.

use std::fmt;
use std::str::FromStr;

use crate::num::{Money, SCALE};
use crate::tax::date::TaxYear;
use crate::tax::error::TaxError;
use crate::tax::rules::{EarlierPurchases, Identical, Securities};

crate::params! {
    /// Taxes: wash sales (eq. 16; 26 U.S.C. § 1091) and tax lots.
    pub struct TaxParams in "tax" {
        /// What a wash sale is to an order that would make one: `forbid`, `warn`, or `price` the deferral of its loss.
        policy: String = "warn".to_owned(), "", 0.0, 0.0;
        /// Whether shares bought before the acquisition of the shares sold can replace them, which is contested: `replace` or `exempt`.
        contested: String = "replace".to_owned(), "", 0.0, 0.0;
        /// The instruments that are securities: `auto` (all but coins and pairs of them), `all`, `none`, names with commas between them, or `all but` such names.
        securities: String = "auto".to_owned(), "", 0.0, 0.0;
        /// Substantially identical securities: groups like VOO=SPY,IVV with `;` between them.
        identical: String = String::new(), "", 0.0, 0.0;
        /// How far the clock of the trade dates is ahead of UTC; New York is -300 in winter.
        utc_offset_min: i64 = 0, "min", -1440.0, 1440.0;
        /// The last day of the tax year, month and day.
        year_end: String = "12-31".to_owned(), "", 0.0, 0.0;
        /// The tax on a gain, for the price of a deferral.
        tax_rate: f64 = 0.35, "1", 0.0, 1.0;
        /// The cost of capital a year, for the price of a deferral.
        cost_of_capital: f64 = 0.05, "1", 0.0, 1.0;
        /// How long a loss is expected to be deferred.
        deferral_years: f64 = 1.0, "years", 0.0, 100.0;
    }
}

/// What a wash sale is to an order that would make one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WashPolicy {
    /// The order is refused.
    Forbid,
    /// It passes, and that is told.
    Warn,
    /// It passes if it is worth the price of the deferral.
    Price,
}

impl FromStr for WashPolicy {
    type Err = TaxError;
    fn from_str(text: &str) -> Result<Self, TaxError> {
        match text {
            "forbid" => Ok(Self::Forbid),
            "warn" => Ok(Self::Warn),
            "price" => Ok(Self::Price),
            _ => Err(TaxError::Word {
                key: "tax.policy",
                value: text.to_owned(),
                expected: "forbid, warn or price",
            }),
        }
    }
}

impl fmt::Display for WashPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Forbid => "forbid",
            Self::Warn => "warn",
            Self::Price => "price",
        })
    }
}

/// The parameters, read.
#[derive(Debug, Clone, PartialEq)]
pub struct WashTerms {
    /// What a wash sale is to an order.
    pub policy: WashPolicy,
    /// The answer to the open question.
    pub earlier: EarlierPurchases,
    /// What the rule applies to.
    pub securities: Securities,
    /// What counts as one security.
    pub identical: Identical,
    /// The price of a deferral, in units of 1e-9 of the loss.
    price: i128,
}

impl TaxParams {
    /// Whether the texts are what their keys take.
    ///
    /// # Errors
    /// [`TaxError`] naming the key.
    pub fn terms(&self) -> Result<WashTerms, TaxError> {
        let mut identical = Identical::default();
        identical.add(&self.identical, "tax.identical")?;
        let end = || TaxError::Word {
            key: "tax.year_end",
            value: self.year_end.clone(),
            expected: "a month and a day of every year, like 12-31",
        };
        for year in [2023, 2024] {
            TaxYear::ending(year, &self.year_end).map_err(|_| end())?;
        }
        let price = self.tax_rate * self.cost_of_capital * self.deferral_years;
        Ok(WashTerms {
            policy: self.policy.parse()?,
            earlier: self.contested.parse()?,
            securities: self.securities.parse()?,
            identical,
            price: (price * SCALE as f64).round() as i128,
        })
    }
}

impl WashTerms {
    /// What it costs that a loss is deferred: loss × tax rate × cost of capital a year × years.
    pub fn deferral_cost(&self, disallowed: Money) -> Money {
        disallowed.fraction(self.price, i128::from(SCALE))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn money(text: &str) -> Money {
        text.parse().expect("money")
    }

    #[test]
    fn a_policy_is_read_and_a_deferral_has_its_price() {
        let with = |policy: &str| TaxParams { policy: policy.to_owned(), ..TaxParams::default() };
        for (policy, read) in
            [("forbid", WashPolicy::Forbid), ("warn", WashPolicy::Warn), ("price", WashPolicy::Price)]
        {
            assert_eq!(with(policy).terms().expect("a policy").policy, read);
        }
        // 1000 × 0.35 × 0.05 × 1
        let terms = with("price").terms().expect("a policy");
        assert_eq!(terms.deferral_cost(money("1000")), money("17.5"));
        let error = with("ignore").terms().expect_err("no policy");
        assert_eq!(error.to_string(), "tax.policy is `ignore`, and must be forbid, warn or price");
    }

    #[test]
    fn keys_that_cannot_be_are_named() {
        let plain = TaxParams::default();
        for (params, start) in [
            (TaxParams { contested: "maybe".into(), ..plain.clone() }, "tax.contested is `maybe`"),
            (TaxParams { year_end: "02-29".into(), ..plain.clone() }, "tax.year_end is `02-29`"),
            (TaxParams { securities: "A,".into(), ..plain.clone() }, "tax.securities is `A,`"),
            (TaxParams { identical: "A".into(), ..plain.clone() }, "tax.identical: `A` names no two"),
        ] {
            let error = params.terms().expect_err("wrong").to_string();
            assert!(error.starts_with(start), "{error}");
        }
        assert!(plain.terms().is_ok());
    }
}
