//! What decides, as an artefact (R2): a rule that a person can read, or a trained network.

use std::fmt;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use basal_ganglia::GoNoGo;
use journal::{Hash, artefacts};
use neocortex::learn::SchemaBook;
use networks::{Card, Isa, Models, Network, Shape, files};
use synapse::bytes::{decode, encode};
use synapse::{Action, Modality, Model, ModelCard};
use thalamus::Fuser;
use thalamus::price::{self, PRICE};
use visual_cortex::normalisation::INITIAL_SCALE;
use visual_cortex::seen::seen_names;
use visual_cortex::{Eyes, VisualCortexParams};

use crate::brain::Hook;
use crate::config::Config;
use crate::failure::Failure;
use crate::inference::{Kind, Loaded};
use crate::sleep;

/// The kind of an artefact that is a rule.
pub const RULE: &str = "policy";
/// The kind of an artefact that is a network.
pub const NETWORK: &str = "network";

/// The network that ships, where it fits; the value of `inference.network`.
const AUTO: &str = "auto";
/// No network: the rule decides.
pub const NONE: &str = "none";

/// The file beside a network that has the schemas it was trained with.
pub const BOOK: &str = "schemas.book";

/// What decides.
#[derive(Debug, Clone, PartialEq)]
pub enum Policy {
    /// Go and No-Go weights on a seeded projection, written by hand.
    Rule(GoNoGo),
    /// Sight, fusion and action, trained together.
    Network(Arc<Trained>),
}

/// A network and its artefact.
#[derive(Debug, PartialEq)]
pub struct Trained {
    /// The network.
    pub network: Network,
    bytes: Vec<u8>,
    hash: Hash,
}

impl Trained {
    /// A network with its artefact.
    pub fn new(network: Network) -> Self {
        let bytes = network.to_bytes();
        let hash = Hash::of(&bytes);
        Self { network, bytes, hash }
    }

    /// The name of the artefact.
    pub const fn hash(&self) -> Hash {
        self.hash
    }
}

impl Policy {
    /// What it is, in words for people (R3).
    pub fn card(&self) -> ModelCard {
        match self {
            Self::Rule(rule) => rule.card().clone(),
            Self::Network(trained) => {
                let card = &trained.network.card;
                ModelCard { name: card.name.clone(), trained: card.trained, about: card.about.clone() }
            }
        }
    }

    /// What is not learned, whatever it is called (R3).
    pub fn untrained(&self) -> String {
        match self {
            Self::Rule(_) => "sight is statistics of its fields, fusion a fixed projection".to_owned(),
            Self::Network(trained) => {
                let has = &trained.network.card.modalities;
                let masked = Modality::ALL.map(Modality::name).into_iter();
                let masked: Vec<&str> = masked.filter(|name| has.iter().all(|has| has != name)).collect();
                if masked.is_empty() {
                    "nothing".to_owned()
                } else {
                    format!("{}: masked", masked.join(", "))
                }
            }
        }
    }

    /// How many numbers of a text it reads; none where it was not trained with text.
    pub fn text_numbers(&self) -> Option<usize> {
        let Self::Network(trained) = self else { return None };
        let card = &trained.network.card;
        card.modalities.iter().any(|name| name == Modality::Text.name()).then_some(card.shape.text)
    }

    /// Its name as an artefact.
    pub fn hash(&self) -> Hash {
        match self {
            Self::Rule(rule) => Hash::of(&encode(rule)),
            Self::Network(trained) => trained.hash,
        }
    }

    /// Keeps it in a journal's folder.
    ///
    /// # Errors
    /// Where the disk fails.
    pub fn store(&self, dir: &Path) -> Result<Hash, Failure> {
        Ok(match self {
            Self::Rule(rule) => artefacts::put(dir, RULE, &encode(rule))?,
            Self::Network(trained) => artefacts::put(dir, NETWORK, &trained.bytes)?,
        })
    }

    /// Reads one from a journal's folder, by its kind and name.
    ///
    /// # Errors
    /// [`Failure::Input`] where it is missing, damaged, or gives numbers that are not finite.
    pub fn read(dir: &Path, kind: &str, hash: &Hash) -> Result<Self, Failure> {
        let bytes = artefacts::get(dir, kind, hash)?;
        if kind == NETWORK {
            let network =
                Network::from_bytes(&bytes).map_err(|e| Failure::Input(format!("network {hash}: {e}")))?;
            return Ok(Self::Network(Arc::new(Trained { network, bytes, hash: *hash })));
        }
        let rule: GoNoGo = decode(&bytes)
            .map_err(|e| Failure::Input(format!("policy {hash}: {e}; it is of another build")))?;
        // what is not finite would fault on every sample
        let mut signals = vec![0.0; rule.outputs()];
        let inferred = rule.infer(&vec![1.0; rule.inputs()], &mut signals);
        if inferred.is_err() || !signals.iter().all(|signal| signal.is_finite()) {
            return Err(Failure::Input(format!(
                "policy {hash}: its signals are not finite numbers; train it anew"
            )));
        }
        Ok(Self::Rule(rule))
    }
}

/// What turns weights into functions that the line calls; the manifest names it (D2).
#[derive(Clone)]
pub struct Backend {
    /// What runs networks; none: as the configuration says.
    pub kind: Option<Kind>,
    /// The instructions that our own kernels use; the bits are the same on all.
    pub isa: Isa,
    /// The function of a rule.
    pub rule: fn(GoNoGo) -> Box<dyn Model>,
    /// What a test puts in the way of the regions.
    pub hook: Option<Hook>,
    /// What was loaded.
    pub shelf: Shelf,
}

/// Networks that were loaded and proved, the newest last, so that a line that is rebuilt does not load its network
/// again. Clones are the same shelf.
#[derive(Clone, Default)]
pub struct Shelf(Arc<Mutex<Vec<Shelved>>>);

type Shelved = (Hash, Kind, Arc<Loaded>);

/// How many networks are kept loaded: one that is active, and those that it may go back to.
const SHELVED: usize = 4;

impl fmt::Debug for Backend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.kind.fmt(f)
    }
}

impl Default for Backend {
    fn default() -> Self {
        Self {
            kind: None,
            isa: Isa::detect(),
            rule: |rule| Box::new(rule),
            hook: None,
            shelf: Shelf::default(),
        }
    }
}

impl Backend {
    /// What runs a policy.
    ///
    /// # Errors
    /// [`Failure::Input`] where the configuration names what is not there.
    pub fn kind_for(&self, policy: &Policy, config: &Config) -> Result<Kind, Failure> {
        match (policy, &self.kind) {
            (Policy::Rule(_), _) => Ok(Kind::Native),
            (Policy::Network(_), Some(kind)) => Ok(kind.clone()),
            (Policy::Network(trained), None) => Ok(config.inference.kind(&trained.network)?),
        }
    }

    /// A network on what runs it; where it was not loaded before, its golden windows are run (D5).
    ///
    /// # Errors
    /// [`Failure::Input`] where it cannot be run, back ends do not agree, or a number is not finite;
    /// [`Failure::Environment`] where there is no such back end.
    pub fn load(&self, trained: &Trained, kind: &Kind, config: &Config) -> Result<Arc<Loaded>, Failure> {
        let mut shelf = self.shelf.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((.., loaded)) = shelf.iter().find(|(hash, on, _)| (hash, on) == (&trained.hash, kind)) {
            return Ok(Arc::clone(loaded));
        }
        let loaded = Arc::new(Loaded::open(&trained.network, kind, &config.inference)?);
        tracing::info!(network = %trained.hash, "{}", loaded.told());
        if shelf.len() == SHELVED {
            shelf.remove(0);
        }
        shelf.push((trained.hash, kind.clone(), Arc::clone(&loaded)));
        Ok(loaded)
    }
}

/// The models of the regions (R2).
pub struct Minds {
    /// The eyes of the visual cortex; without them it gives statistics of its fields.
    pub eyes: Option<Eyes>,
    /// What fuses the modalities; without it the thalamus projects them.
    pub fuser: Option<Fuser>,
    /// What gives Go and No-Go.
    pub policy: Box<dyn Model>,
    /// The shares of up, down and flat where the policy was trained.
    pub priors: Option<[f32; Action::COUNT]>,
}

impl fmt::Debug for Minds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.policy.card().to_string())
    }
}

impl Minds {
    /// Those of a rule.
    pub fn of_rule(policy: Box<dyn Model>) -> Self {
        Self { eyes: None, fuser: None, policy, priors: None }
    }

    /// Those of a policy, run by a back end.
    ///
    /// # Errors
    /// [`Failure::Input`] where a network does not fit the configuration; as [`Backend::load`].
    pub fn open(policy: &Policy, backend: &Backend, config: &Config) -> Result<Self, Failure> {
        let trained = match policy {
            Policy::Rule(rule) => return Ok(Self::of_rule((backend.rule)(rule.clone()))),
            Policy::Network(trained) => trained,
        };
        let card = &trained.network.card;
        fit(card, config).map_err(|why| Failure::Input(format!("network {}: {why}", card.name)))?;
        let loaded = backend.load(trained, &backend.kind_for(policy, config)?, config)?;
        let Models { frame, temporal, fusion, heads } = loaded.models(&trained.network, backend.isa)?;
        let (scale, shift) = scale_and_shift(&trained.network);
        let shape = &card.shape;
        let without = config.inference.without.as_str();
        if !without.is_empty() && Modality::ALL.iter().all(|modality| modality.name() != without) {
            return Err(Failure::Input(format!(
                "inference.without is `{without}`, and must be vision, price, text or memory, or empty"
            )));
        }
        let has = |modality: &str| modality != without && card.modalities.iter().any(|name| name == modality);
        Ok(Self {
            eyes: Some(Eyes { frame, temporal, scale, shift, id: trained.hash.0 }),
            fuser: Some(Fuser {
                model: fusion,
                price_numbers: shape.price_numbers,
                price_window: shape.price_window,
                width: shape.width,
                vision: shape.width,
                text: shape.text,
                trained: Modality::ALL.into_iter().filter(|modality| has(modality.name())).collect(),
            }),
            policy: heads,
            priors: Some(card.priors.map(|share| share as f32)),
        })
    }
}

/// γ and β of (1); somebody's own graphs read pictures drawn with those that training begins with.
fn scale_and_shift(network: &Network) -> (Vec<f32>, Vec<f32>) {
    let features = network.card.shape.features;
    network.weights().map_or_else(
        || (vec![INITIAL_SCALE; features], vec![0.0; features]),
        |weights| (weights.get("sight.scale").to_vec(), weights.get("sight.shift").to_vec()),
    )
}

/// Whether a network reads what this configuration gives it; why not.
fn fit(card: &Card, config: &Config) -> Result<(), String> {
    let VisualCortexParams { window, stride, frames, gain, .. } = config.visual_cortex;
    let Shape { window: w, stride: s, frames: n, .. } = card.shape;
    let sizes = [("window", window, w), ("stride", stride, s), ("frames", frames, n)];
    if let Some((key, has, needs)) = sizes.into_iter().find(|(_, has, needs)| has != needs) {
        return Err(format!("visual_cortex.{key} is {has}, and it was trained with {needs}; set it so"));
    }
    if gain != card.gain {
        return Err(format!(
            "visual_cortex.gain is {gain}, and it was trained with {}; set it so",
            card.gain
        ));
    }
    if let Some(share) = card.priors.iter().find(|share| !(**share > 0.0 && **share <= 1.0)) {
        return Err(format!(
            "a class has the prior {share}, and must be above 0; train on data with all three"
        ));
    }
    let names = |known: Vec<String>, has: &[String], what: &str| {
        let differs = has.iter().enumerate().find(|(at, name)| known.get(*at) != Some(name));
        differs.map_or(Ok(()), |(at, name)| {
            let known = known.get(at).map_or("nothing", String::as_str);
            Err(format!("{what} {at} is {name}, and this build gives {known}; use a network trained on it"))
        })
    };
    names(seen_names(), &card.features, "feature")?;
    names(price::names(PRICE.len()), &card.price, "price number")
}

/// The network that a configuration names; none where a rule decides. `sampler` is what makes samples.
///
/// # Errors
/// [`Failure::Input`] where it cannot be read.
pub fn chosen(config: &Config, sampler: &str) -> Result<Option<Arc<Trained>>, Failure> {
    match config.inference.network.as_str() {
        NONE => Ok(None),
        AUTO => {
            let shipped = shipped()?;
            let card = &shipped.network.card;
            let is_fit = card.sampler == sampler && fit(card, config).is_ok();
            Ok(is_fit.then_some(shipped))
        }
        folder => {
            let network = files::read(Path::new(folder)).map_err(|e| Failure::Input(e.to_string()))?;
            Ok(Some(Arc::new(Trained::new(network))))
        }
    }
}

/// The schemas that a run of this policy begins with, those its network was trained beside, and their name. None where
/// there are none, and where codes are drawn otherwise than in training: there they would be of something else.
///
/// # Errors
/// [`Failure::Input`] where they are missing or damaged.
pub fn memory(policy: &Policy, config: &Config) -> Result<Option<(Hash, SchemaBook)>, Failure> {
    let Policy::Network(trained) = policy else { return Ok(None) };
    let Some(name) = &trained.network.card.schemas else { return Ok(None) };
    let bytes = match config.inference.network.as_str() {
        AUTO => include_bytes!("../models/next-move/schemas.book").to_vec(),
        folder => {
            let path = Path::new(folder).join(BOOK);
            std::fs::read(&path).map_err(|e| Failure::Input(format!("{}: {e}", path.display())))?
        }
    };
    let hash = Hash::of(&bytes);
    if hash.to_string() != *name {
        return Err(Failure::Input(format!(
            "the schemas beside the network are {hash}, and its card names {name}"
        )));
    }
    let book = sleep::decode_book(&hash, &bytes)?;
    let codes = config.hippocampus.codes as usize;
    let is_of_run = book.seed() == sleep::seed(config) && book.schemas().dimension() == Some(codes);
    if !is_of_run {
        tracing::warn!(
            "the schemas of the network are of another run.seed or hippocampus.codes: nothing is recalled before a night"
        );
    }
    Ok(is_of_run.then_some((hash, book)))
}

/// The network that the program carries in itself.
fn shipped() -> Result<Arc<Trained>, Failure> {
    const CARD: &[u8] = include_bytes!("../models/next-move/card.json");
    const WEIGHTS: &[u8] = include_bytes!("../models/next-move/weights.safetensors");
    let network = Network::from_files(CARD, WEIGHTS);
    network
        .map(|network| Arc::new(Trained::new(network)))
        .map_err(|e| Failure::Internal(format!("the network that ships: {e}")))
}
