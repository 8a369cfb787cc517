//! The rules that orders are held to, as an artefact (R2): the text of one rule file or of several that are read as
//! one, and what grounds its learned predicates.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use journal::{Hash, artefacts};
use networks::predicate::Predicate;
use prefrontal::{Grounding, Law};
use rules::{Diagnostic, RuleSet};
use synapse::Sensed;

use crate::config::Config;
use crate::failure::Failure;

/// The kind of an artefact that is a rule set.
pub const RULES: &str = "rules";
/// The rules that ship and hold every limit; the value of `prefrontal.rules`.
pub const COMPLIANCE: &str = "compliance";

/// The files that ship, by the names that stand for them.
const SHIPPED: [(&str, &str); 2] =
    [(COMPLIANCE, include_str!("../config/compliance.ltn")), ("luld", include_str!("../config/luld.ltn"))];

/// The text of rule files: their names with commas between them, those that ship by their own names. Several are
/// read as one, in order.
///
/// # Errors
/// [`Failure::Input`] where a file cannot be read.
pub fn read(names: &str) -> Result<String, Failure> {
    let file = |name: &str| match SHIPPED.iter().find(|(shipped, _)| *shipped == name) {
        Some((name, text)) => Ok((format!("{name}.ltn"), (*text).to_owned())),
        None => match std::fs::read_to_string(name) {
            Ok(text) => Ok((name.to_owned(), text)),
            Err(e) => {
                let known = SHIPPED.map(|(name, _)| format!("`{name}`")).join(" or ");
                Err(Failure::Input(format!("{name}: {e}; name a rule file, or {known}")))
            }
        },
    };
    let files = names.split(',').map(|name| file(name.trim()));
    Ok(rules::joined(&files.collect::<Result<Vec<_>, _>>()?))
}

/// What messages call rule files of these names.
pub fn called(names: &str) -> String {
    if names == COMPLIANCE { format!("{COMPLIANCE}.ltn") } else { names.to_owned() }
}

/// A rule set that holds every limit, with its artefact.
#[derive(Clone)]
pub struct Rules {
    set: Arc<RuleSet>,
    hash: Hash,
}

impl PartialEq for Rules {
    fn eq(&self, other: &Self) -> bool {
        self.hash == other.hash
    }
}

impl fmt::Debug for Rules {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Rules({})", self.hash)
    }
}

impl Rules {
    /// The rules of a text; `name` is where it stands, for messages.
    ///
    /// # Errors
    /// [`Failure::Input`] with everything that is wrong, each with its place; so it is where a limit is not
    /// enforced, or an example comes out otherwise than it says.
    pub fn new(name: &str, text: &str) -> Result<Self, Failure> {
        let set = RuleSet::compile(name, text).map_err(|e| Failure::Input(e.to_string()))?;
        let report = set.check();
        if report.diagnostics.iter().any(Diagnostic::is_error) {
            return Err(Failure::Input(report.render()));
        }
        if let Some(example) = set.run_examples().iter().find(|example| !example.is_kept()) {
            return Err(Failure::Input(format!("{example}; `janus rules test` tells more")));
        }
        Ok(Self { set: Arc::new(set), hash: Hash::of(text.as_bytes()) })
    }

    /// The rules that ship.
    ///
    /// # Errors
    /// As [`Rules::new`].
    pub fn shipped() -> Result<Self, Failure> {
        Self::named(COMPLIANCE)
    }

    /// Those that a configuration names.
    ///
    /// # Errors
    /// As [`Rules::named`].
    pub fn chosen(config: &Config) -> Result<Self, Failure> {
        Self::named(&config.prefrontal.rules)
    }

    /// Those of rule files, named as [`read`] takes them.
    ///
    /// # Errors
    /// As [`read`] and [`Rules::new`].
    pub fn named(names: &str) -> Result<Self, Failure> {
        Self::new(&called(names), &read(names)?)
    }

    /// Reads them from a journal's folder.
    ///
    /// # Errors
    /// [`Failure::Input`] where they are missing or damaged; as [`Rules::new`].
    pub fn read(dir: &Path, hash: &Hash) -> Result<Self, Failure> {
        let bytes = artefacts::get(dir, RULES, hash)?;
        let text = String::from_utf8(bytes).map_err(|e| Failure::Input(format!("rules {hash}: {e}")))?;
        Self::new(&format!("rules {hash}"), &text)
    }

    /// Keeps them in a journal's folder.
    ///
    /// # Errors
    /// Where the disk fails.
    pub fn store(&self, dir: &Path) -> Result<Hash, Failure> {
        Ok(artefacts::put(dir, RULES, self.set.text().as_bytes())?)
    }

    /// Their name as an artefact.
    pub const fn hash(&self) -> Hash {
        self.hash
    }

    /// The rule set.
    pub fn set(&self) -> &RuleSet {
        &self.set
    }

    /// What the court judges by.
    ///
    /// # Errors
    /// [`Failure::Input`] where a learned predicate is not known.
    pub fn law(&self, config: &Config) -> Result<Law, Failure> {
        let learned = self.set.learned().iter().map(|learned| grounding(&learned.name));
        Ok(Law {
            rules: self.set.clone(),
            learned: learned.collect::<Result<_, _>>()?,
            account: config.run.account.clone(),
            start_equity: config.run.cash,
            wash: config.tax.terms().map_err(|e| Failure::Input(e.to_string()))?,
            utc_offset_min: config.tax.utc_offset_min,
        })
    }
}

/// A learned predicate that the program carries in itself.
struct Shipped {
    name: &'static str,
    card: &'static [u8],
    weights: &'static [u8],
}

macro_rules! shipped {
    ($name:literal) => {
        Shipped {
            name: $name,
            card: include_bytes!(concat!("../models/predicates/", $name, "/card.json")),
            weights: include_bytes!(concat!("../models/predicates/", $name, "/weights.safetensors")),
        }
    };
}

/// The learned predicates there are; a rule set may name these and no others.
const PREDICATES: [Shipped; 2] = [shipped!("calm"), shipped!("informed_flow")];

/// A learned predicate over the features of a sample (9).
struct OfFeatures(Predicate);

impl Grounding for OfFeatures {
    fn truth(&self, sensed: &Sensed) -> Option<f64> {
        self.0.truth(&sensed.features).map(f64::from)
    }
}

impl Shipped {
    fn open(&self) -> Result<Predicate, Failure> {
        let wrong = |e| Failure::Internal(format!("the predicate {} that ships: {e}", self.name));
        Predicate::from_files(self.card, self.weights).map_err(wrong)
    }
}

/// The learned predicates that the program carries in itself.
///
/// # Errors
/// [`Failure::Internal`] for one that cannot be read.
pub fn predicates() -> Result<Vec<Predicate>, Failure> {
    PREDICATES.iter().map(Shipped::open).collect()
}

/// What grounds a learned predicate.
fn grounding(name: &str) -> Result<Option<Arc<dyn Grounding>>, Failure> {
    let Some(shipped) = PREDICATES.iter().find(|predicate| predicate.name == name) else {
        let known = PREDICATES.map(|predicate| predicate.name).join(", ");
        return Err(Failure::Input(format!(
            "the rules name the learned predicate `{name}`, and nothing grounds it; there are {known}"
        )));
    };
    Ok(Some(Arc::new(OfFeatures(shipped.open()?))))
}
