//! What the rule is applied to, and how its open question is answered.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::tax::error::TaxError;

/// Whether shares bought *before* the acquisition of the shares sold can be their replacement.
///
/// The words of § 1091(a) take any acquisition within the window. Silver (washsales.org) and Thomas
/// (fairmark.com) argue from the statute's "re-acquire" and from Rev. Rul. 56-602 that what was held already
/// replaces nothing. Brokers differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EarlierPurchases {
    /// They can, by the words of the statute: the careful reading, and the default.
    #[default]
    Replace,
    /// They cannot.
    Exempt,
}

impl EarlierPurchases {
    /// What a report says of it.
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::Replace => {
                "contested: shares bought before the acquisition of the shares sold, and within the window, do replace them (§ 1091(a) by its words)"
            }
            Self::Exempt => {
                "contested: shares bought on a day before the acquisition of the shares sold do not replace them (extends Rev. Rul. 56-602)"
            }
        }
    }
}

impl fmt::Display for EarlierPurchases {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Replace => "replace",
            Self::Exempt => "exempt",
        })
    }
}

impl FromStr for EarlierPurchases {
    type Err = TaxError;
    fn from_str(text: &str) -> Result<Self, TaxError> {
        match text {
            "replace" => Ok(Self::Replace),
            "exempt" => Ok(Self::Exempt),
            _ => Err(TaxError::Word {
                key: "tax.contested",
                value: text.to_owned(),
                expected: "replace or exempt",
            }),
        }
    }
}

/// The rule as the books apply it, by number of symbol and of account.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct WashRules {
    /// The answer to the open question.
    pub earlier: EarlierPurchases,
    /// By symbol: the group of substantially identical securities it is in.
    groups: Vec<u16>,
    /// By symbol: whether it is a security at all.
    securities: Vec<bool>,
    /// By account: whether it is an IRA.
    iras: Vec<bool>,
}

impl WashRules {
    /// For no symbol and no account yet.
    pub fn new(earlier: EarlierPurchases) -> Self {
        Self { earlier, ..Self::default() }
    }

    /// Adds a symbol, whose number is the next; `group` is the number of the first symbol it is
    /// substantially identical to, or its own.
    pub fn add_symbol(&mut self, group: u16, is_security: bool) {
        self.groups.push(group);
        self.securities.push(is_security);
    }

    /// Adds an account, whose number is the next.
    pub fn add_account(&mut self, is_ira: bool) {
        self.iras.push(is_ira);
    }

    /// The group of a symbol.
    pub fn group(&self, symbol: u16) -> u16 {
        self.groups.get(usize::from(symbol)).copied().unwrap_or(symbol)
    }

    /// Whether the rule applies to a symbol; it does not to one that is not known.
    pub fn is_security(&self, symbol: u16) -> bool {
        self.securities.get(usize::from(symbol)).copied().unwrap_or(false)
    }

    /// Whether an account is an IRA: what is bought there takes a loss away for ever.
    pub fn is_ira(&self, account: u16) -> bool {
        self.iras.get(usize::from(account)).copied().unwrap_or(false)
    }

    /// How many symbols there are.
    pub fn symbols(&self) -> u16 {
        self.groups.len().min(usize::from(u16::MAX)) as u16
    }
}

/// The table of substantially identical securities: which symbols count as one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Identical {
    /// The name of the group by symbol.
    groups: BTreeMap<String, String>,
}

impl Identical {
    /// Adds what a text says: groups like `VOO=SPY,IVV`, one a line or `;` between them; after `#` a line is
    /// for people. `name` is what messages call it.
    ///
    /// # Errors
    /// [`TaxError::Identical`] for a group without members or a symbol in two of them.
    pub fn add(&mut self, text: &str, name: &str) -> Result<(), TaxError> {
        for (at, line) in text.lines().enumerate() {
            let line = line.split('#').next().unwrap_or_default();
            for group in line.split(';').map(str::trim).filter(|group| !group.is_empty()) {
                let place = if text.contains('\n') { format!("{name}:{}", at + 1) } else { name.to_owned() };
                self.add_group(group).map_err(|problem| TaxError::Identical {
                    place,
                    text: group.to_owned(),
                    problem,
                })?;
            }
        }
        Ok(())
    }

    fn add_group(&mut self, text: &str) -> Result<(), String> {
        let members: Vec<&str> = text.split(['=', ',']).map(str::trim).collect();
        let [first, others @ ..] = members.as_slice() else { return Ok(()) };
        if others.is_empty() || members.iter().any(|symbol| symbol.is_empty()) {
            return Err("names no two securities".to_owned());
        }
        for symbol in &members {
            if let Some(group) = self.groups.get(*symbol) {
                return Err(format!("puts {symbol} in a second group, beside that of {group}"));
            }
            self.groups.insert((*symbol).to_owned(), (*first).to_owned());
        }
        Ok(())
    }

    /// The name of the group of a symbol: its own where it is in none.
    pub fn group<'a>(&'a self, symbol: &'a str) -> &'a str {
        self.groups.get(symbol).map_or(symbol, String::as_str)
    }

    /// Each group with its members, in the order of their names.
    pub fn groups(&self) -> BTreeMap<&str, Vec<&str>> {
        let mut all: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for (symbol, group) in &self.groups {
            all.entry(group).or_default().push(symbol);
        }
        all
    }
}

/// Which instruments are securities, to which alone the rule applies.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Securities {
    /// All but what reads as a coin or as a pair of one with a currency.
    #[default]
    Auto,
    /// All.
    All,
    /// None.
    None,
    /// These.
    Only(Vec<String>),
    /// All but these.
    AllBut(Vec<String>),
}

/// Coins whose names are no ticker of a widely held security.
const COINS: [&str; 16] = [
    "BTC", "XBT", "ETH", "XRP", "SOL", "DOGE", "ADA", "LTC", "BCH", "BNB", "TRX", "XLM", "AVAX", "USDT",
    "USDC", "SHIB",
];
/// What coins are quoted in.
const QUOTES: [&str; 10] = ["USD", "USDT", "USDC", "EUR", "GBP", "JPY", "CHF", "BTC", "ETH", "PERP"];

impl Securities {
    /// Whether the rule applies to an instrument of that name.
    pub fn hold(&self, name: &str) -> bool {
        match self {
            Self::Auto => !is_coin(name),
            Self::All => true,
            Self::None => false,
            Self::Only(names) => names.iter().any(|it| it == name),
            Self::AllBut(names) => !names.iter().any(|it| it == name),
        }
    }
}

/// Whether a name is that of a coin, or of a pair of one: `BTC`, `BTCUSD`, `eth-usdt`, `BTC/EUR`.
fn is_coin(name: &str) -> bool {
    let plain: String =
        name.to_uppercase().chars().filter(|letter| !matches!(letter, '-' | '/' | '_' | ':')).collect();
    COINS
        .iter()
        .any(|coin| plain.strip_prefix(coin).is_some_and(|rest| rest.is_empty() || QUOTES.contains(&rest)))
}

impl FromStr for Securities {
    type Err = TaxError;
    fn from_str(text: &str) -> Result<Self, TaxError> {
        let names = |list: &str| list.split(',').map(|name| name.trim().to_owned()).collect::<Vec<_>>();
        let read = match text.trim() {
            "auto" => Self::Auto,
            "all" => Self::All,
            "none" => Self::None,
            list => match list.strip_prefix("all but ") {
                Some(list) => Self::AllBut(names(list)),
                None => Self::Only(names(list)),
            },
        };
        match &read {
            Self::Only(names) | Self::AllBut(names) if names.iter().any(String::is_empty) => {
                Err(TaxError::Word {
                    key: "tax.securities",
                    value: text.to_owned(),
                    expected: "auto, all, none, names with commas between them, or `all but` such names",
                })
            }
            _ => Ok(read),
        }
    }
}

impl fmt::Display for Securities {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => f.write_str("auto"),
            Self::All => f.write_str("all"),
            Self::None => f.write_str("none"),
            Self::Only(names) => f.write_str(&names.join(",")),
            Self::AllBut(names) => write!(f, "all but {}", names.join(",")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn coins_are_no_securities_unless_told() {
        for coin in ["BTC", "BTCUSD", "btc-usd", "ETH/USDT", "XBTUSD", "SOL_USDC", "BTC-PERP"] {
            assert!(!Securities::Auto.hold(coin), "{coin}");
            assert!(Securities::All.hold(coin), "{coin}");
        }
        for stock in ["XYZ", "AAPL", "SOLV", "BTCS", "ETHAN", "ADAP", "SPY", "BRK.B"] {
            assert!(Securities::Auto.hold(stock), "{stock}");
            assert!(!Securities::None.hold(stock), "{stock}");
        }
        let but: Securities = "all but BTCUSD, SPY".parse().expect("a list");
        assert!(!but.hold("SPY") && but.hold("AAPL"));
        let only: Securities = "SPY".parse().expect("a list");
        assert!(only.hold("SPY") && !only.hold("AAPL"));
        for text in ["auto", "all", "none", "A,B", "all but A,B"] {
            assert_eq!(text.parse::<Securities>().expect("a list").to_string(), text);
        }
        assert!("A,,B".parse::<Securities>().is_err());
    }

    #[test]
    fn identical_securities_are_one_group() {
        let mut table = Identical::default();
        table.add("# funds\nVOO=SPY,IVV\nGOOG = GOOGL # two classes\n", "table").expect("two groups");
        table.add("A=B; C=D", "--identical").expect("two more");
        for (symbol, group) in [("IVV", "VOO"), ("VOO", "VOO"), ("GOOGL", "GOOG"), ("D", "C"), ("X", "X")] {
            assert_eq!(table.group(symbol), group);
        }
        let error = table.add("X=Y\nQ=SPY", "table").expect_err("in two groups");
        assert_eq!(
            error.to_string(),
            "table:2: `Q=SPY` puts SPY in a second group, beside that of VOO; write one line a group, like VOO=SPY,IVV"
        );
        let error = table.add("LONE", "--identical").expect_err("no group");
        assert_eq!(
            error.to_string(),
            "--identical: `LONE` names no two securities; write one line a group, like VOO=SPY,IVV"
        );
        assert!(table.add("U=,V", "t").is_err());
    }
}
