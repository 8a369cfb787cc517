//! The rules that orders are held to, as artefacts (R2): the text of one rule file or of several that are read as
//! one, and each learned predicate that grounds it.
//!
//! A predicate is an artefact of its own. That of a rule set is its text, and a line behind it for each learned
//! predicate, which to a reader of rules is a comment: `# learned calm HASH`. So the one name on a tape binds all.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use journal::{Hash, artefacts};
use networks::predicate::Predicate;
use networks::{NetworkError, files};
use prefrontal::{Grounding, Law};
use rules::{Diagnostic, RuleSet};
use synapse::Sensed;

use crate::config::Config;
use crate::failure::Failure;

/// The kind of an artefact that is a rule set.
pub const RULES: &str = "rules";
/// The kind of an artefact that is a learned predicate.
pub const PREDICATE: &str = "predicate";
/// The rules that ship and hold every limit; the value of `prefrontal.rules`.
pub const COMPLIANCE: &str = "compliance";

/// The files that ship, by the names that stand for them.
const SHIPPED: [(&str, &str); 2] =
    [(COMPLIANCE, include_str!("../config/compliance.ltn")), ("luld", include_str!("../config/luld.ltn"))];
/// What begins the line of a learned predicate behind the text of a rule set.
const BINDS: &str = "# learned ";
/// The folder beside a rule file that has a folder for each learned predicate of the user's own.
const FOLDER: &str = "predicates";

/// The text of the rule file of that name that ships.
fn shipped_text(name: &str) -> Option<&'static str> {
    SHIPPED.iter().find(|(shipped, _)| *shipped == name).map(|(_, text)| *text)
}

/// The text of rule files: their names with commas between them, those that ship by their own names. Several are
/// read as one, in order.
///
/// # Errors
/// [`Failure::Input`] where a file cannot be read.
pub fn read(names: &str) -> Result<String, Failure> {
    let file = |name: &str| match shipped_text(name) {
        Some(text) => Ok((format!("{name}.ltn"), text.to_owned())),
        None => std::fs::read_to_string(name).map(|text| (name.to_owned(), text)).map_err(|e| {
            let known = SHIPPED.map(|(name, _)| format!("`{name}`")).join(" or ");
            Failure::Input(format!("{name}: {e}; name a rule file, or {known}"))
        }),
    };
    let files = names.split(',').map(|name| file(name.trim()));
    Ok(rules::joined(&files.collect::<Result<Vec<_>, _>>()?))
}

/// What messages call rule files of these names.
pub fn called(names: &str) -> String {
    if names == COMPLIANCE { format!("{COMPLIANCE}.ltn") } else { names.to_owned() }
}

/// A rule set that holds every limit, with its artefacts.
#[derive(Clone)]
pub struct Rules {
    set: Arc<RuleSet>,
    /// What grounds each learned predicate of the set, in their order.
    learned: Vec<Arc<OfFeatures>>,
    artefact: String,
}

impl PartialEq for Rules {
    fn eq(&self, other: &Self) -> bool {
        self.artefact == other.artefact
    }
}

impl fmt::Debug for Rules {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Rules({})", self.hash())
    }
}

impl Rules {
    /// The rules of a text; `name` is where it stands, for messages, and `ground` finds a learned predicate by its
    /// name.
    ///
    /// # Errors
    /// [`Failure::Input`] with everything that is wrong, each with its place; so it is where a limit is not
    /// enforced, or an example comes out otherwise than it says. As `ground`.
    fn new(
        name: &str,
        text: &str,
        ground: impl Fn(&str) -> Result<Predicate, Failure>,
    ) -> Result<Self, Failure> {
        let set = RuleSet::compile(name, text).map_err(|e| Failure::Input(e.to_string()))?;
        let report = set.check();
        if report.diagnostics.iter().any(Diagnostic::is_error) {
            return Err(Failure::Input(report.render()));
        }
        if let Some(example) = set.run_examples().iter().find(|example| !example.is_kept()) {
            return Err(Failure::Input(format!("{example}; `janus rules test` tells more")));
        }
        let (mut learned, mut artefact) = (Vec::new(), text.to_owned());
        for word in set.learned() {
            let predicate = ground(&word.name)?;
            if predicate.card.name != word.name {
                let (word, is) = (&word.name, &predicate.card.name);
                return Err(Failure::Input(format!(
                    "{name}: `{word}` is grounded by a predicate named `{is}`"
                )));
            }
            let gap = if artefact.ends_with('\n') { "" } else { "\n" };
            artefact += &format!("{gap}{BINDS}{} {}\n", word.name, Hash(predicate.hash()));
            learned.push(Arc::new(OfFeatures(predicate)));
        }
        Ok(Self { set: Arc::new(set), learned, artefact })
    }

    /// The rules that ship.
    ///
    /// # Errors
    /// As [`Rules::named`].
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

    /// Those of rule files, named as [`read`] takes them. A learned predicate is that of `predicates/NAME` beside one
    /// of them, where there is such a folder, or else the one of that name that ships.
    ///
    /// # Errors
    /// [`Failure::Input`] with everything that is wrong, each with its place: a file that cannot be read, a limit
    /// that is not enforced, an example that comes out otherwise than it says, a predicate that nothing grounds.
    pub fn named(names: &str) -> Result<Self, Failure> {
        let text = read(names)?;
        Self::new(&called(names), unbound(&text).0, |word| {
            let files = names.split(',').map(str::trim).filter(|name| shipped_text(name).is_none());
            let mut own = files.map(|file| Path::new(file).with_file_name(FOLDER).join(word));
            match own.clone().find(|folder| folder.is_dir()) {
                Some(folder) => files::read_predicate(&folder).map_err(|e| Failure::Input(e.to_string())),
                None => shipped(word, own.next().as_deref()),
            }
        })
    }

    /// Reads them from a journal's folder.
    ///
    /// # Errors
    /// [`Failure::Input`] where they or one of their predicates are missing or damaged; as [`Rules::named`].
    pub fn read(dir: &Path, hash: &Hash) -> Result<Self, Failure> {
        let bytes = artefacts::get(dir, RULES, hash)?;
        let text = String::from_utf8(bytes).map_err(|e| Failure::Input(format!("rules {hash}: {e}")))?;
        let (text, bound) = unbound(&text);
        Self::new(&format!("rules {hash}"), text, |word| {
            // a tape of before predicates were kept was held to those that ship
            let Some((_, hash)) = bound.iter().find(|(name, _)| *name == word) else {
                return shipped(word, None);
            };
            let wrong = |e: NetworkError| Failure::Input(format!("predicate {hash}: {e}"));
            Predicate::from_bytes(&artefacts::get(dir, PREDICATE, hash)?).map_err(wrong)
        })
    }

    /// Keeps them, and their predicates, in a journal's folder.
    ///
    /// # Errors
    /// Where the disk fails.
    pub fn store(&self, dir: &Path) -> Result<Hash, Failure> {
        for learned in &self.learned {
            artefacts::put(dir, PREDICATE, &learned.0.to_bytes())?;
        }
        Ok(artefacts::put(dir, RULES, self.artefact.as_bytes())?)
    }

    /// Their name as an artefact.
    pub fn hash(&self) -> Hash {
        Hash::of(self.artefact.as_bytes())
    }

    /// The rule set.
    pub fn set(&self) -> &RuleSet {
        &self.set
    }

    /// What the court judges by.
    ///
    /// # Errors
    /// [`Failure::Input`] where the configuration's tax terms do not stand.
    pub fn law(&self, config: &Config) -> Result<Law, Failure> {
        let grounding = |learned: &Arc<OfFeatures>| Some(Arc::clone(learned) as Arc<dyn Grounding>);
        Ok(Law {
            rules: self.set.clone(),
            learned: self.learned.iter().map(grounding).collect(),
            account: config.run.account.clone(),
            start_equity: config.run.cash,
            wash: config.tax.terms().map_err(|e| Failure::Input(e.to_string()))?,
            utc_offset_min: config.tax.utc_offset_min,
        })
    }
}

/// The learned predicates that a rule set of a journal binds; of a damaged one none are told.
pub fn bound_by(dir: &Path, rules: &Hash) -> Vec<Hash> {
    let text = artefacts::get(dir, RULES, rules).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    text.map_or_else(Vec::new, |text| unbound(&text).1.into_iter().map(|(_, hash)| hash).collect())
}

/// The text of a rule set, and the artefacts that the lines behind it bind, by name.
fn unbound(mut artefact: &str) -> (&str, Vec<(&str, Hash)>) {
    let mut bound = Vec::new();
    while let Some(lines) = artefact.strip_suffix('\n') {
        let start = lines.rfind('\n').map_or(0, |at| at + 1);
        let line = lines[start..].strip_prefix(BINDS).and_then(|line| line.split_once(' '));
        let Some((name, hash)) = line.and_then(|(name, hash)| Some((name, hash.parse().ok()?))) else {
            break;
        };
        bound.push((name, hash));
        artefact = &artefact[..start];
    }
    (artefact, bound)
}

/// A learned predicate that the program carries in itself.
struct Shipped {
    name: &'static str,
    card: &'static [u8],
    weights: &'static [u8],
}

macro_rules! ships {
    ($name:literal) => {
        Shipped {
            name: $name,
            card: include_bytes!(concat!("../models/predicates/", $name, "/card.json")),
            weights: include_bytes!(concat!("../models/predicates/", $name, "/weights.safetensors")),
        }
    };
}

/// The learned predicates that ship.
const PREDICATES: [Shipped; 2] = [ships!("calm"), ships!("informed_flow")];

/// A learned predicate over the features of a sample (9).
struct OfFeatures(Predicate);

impl Grounding for OfFeatures {
    fn truth(&self, sensed: &Sensed) -> Option<f64> {
        self.0.truth(&sensed.features).map(f64::from)
    }
}

/// The learned predicate of a name that ships; `own` is where the user's own would stand.
fn shipped(name: &str, own: Option<&Path>) -> Result<Predicate, Failure> {
    let Some(shipped) = PREDICATES.iter().find(|predicate| predicate.name == name) else {
        let known = PREDICATES.map(|predicate| predicate.name).join(", ");
        let own = own.map_or(String::new(), |own| format!("; put one of your own into {}", own.display()));
        return Err(Failure::Input(format!(
            "the rules name the learned predicate `{name}`, and nothing grounds it: those that ship are {known}{own}"
        )));
    };
    shipped.open()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_set_comes_back_from_its_artefact_and_so_does_one_of_before_predicates_were_kept() {
        let folder = tempfile::tempdir().expect("a folder");
        let (dir, shipped) = (folder.path(), Rules::shipped().expect("what ships"));
        let hash = shipped.store(dir).expect("kept");
        let again = Rules::read(dir, &hash).expect("there");
        assert!(again == shipped && again.hash() == hash && again.set().text() == SHIPPED[0].1);
        assert_eq!(bound_by(dir, &hash).len(), 2);
        let old = artefacts::put(dir, RULES, SHIPPED[0].1.as_bytes()).expect("kept");
        assert!(Rules::read(dir, &old).expect("there") == shipped && bound_by(dir, &old).is_empty());
    }

    #[test]
    fn a_comment_binds_nothing() {
        for text in ["# learned calm is a word\n", "# learned calm\n", "", "\n", "a\n# learned calm 00ff\n"] {
            assert_eq!(unbound(text), (text, Vec::new()));
        }
        let hash = Hash::of(b"calm");
        let text = format!("a\n# learned calm {hash}\n# learned bold {hash}\n");
        assert_eq!(unbound(&text), ("a\n", vec![("bold", hash), ("calm", hash)]));
    }
}
