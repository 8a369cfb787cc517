//! What a night teaches (30, 34, 35): experiences in, schemas out, each with words for people.

use market::Feature;
use market::features::FeatureVector;
use serde::{Deserialize, Serialize};
use synapse::ModelCard;
use synapse::bytes::{decode, encode};

use crate::kmeans::{self, Search, Unclusterable};
use crate::schema::{Cluster, Schema, unit};
use crate::search::{SchemaRefused, SchemaSet};

/// A schema is made of so many experiences on average, at least: fewer experiences make fewer schemas.
const EXPERIENCES_A_SCHEMA: usize = 8;
/// A schema is told in so many words at most.
const WORDS: usize = 3;
/// What a schema is told as where nothing stands out.
const ORDINARY: &str = "ordinary";

/// A feature that a schema may be told by.
#[derive(Debug, Clone, Copy)]
pub struct Word {
    /// The feature.
    pub feature: Feature,
    /// What it is called where the members have much of it.
    pub high: &'static str,
    /// What it is called where they have little.
    pub low: &'static str,
    /// How many standard deviations of all experiences make much or little.
    pub limit: f64,
}

/// The words, in the order in which they are told.
pub const VOCABULARY: [Word; 8] = [
    word(Feature::SpreadBp, "wide spread", "narrow spread"),
    word(Feature::RealisedVol, "volatile", "calm"),
    word(Feature::Volume, "busy", "quiet"),
    word(Feature::TradeFlow, "buying", "selling"),
    word(Feature::OrderFlowImbalance, "buying pressure", "selling pressure"),
    word(Feature::Imbalance1, "heavy bid", "heavy ask"),
    word(Feature::Imbalance10, "deep bid", "deep ask"),
    word(Feature::ReturnMid, "rising", "falling"),
];

const fn word(feature: Feature, high: &'static str, low: &'static str) -> Word {
    Word { feature, high, low, limit: 0.5 }
}

/// An experience as it is learned from: the code of its state, action and context, and what came of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Coded {
    /// The sequence number of the decision it began with.
    pub sequence: u64,
    /// h(s, a, c) of the action that was chosen.
    pub code: Box<[f32]>,
    /// What it brought, bp.
    pub reward_bp: f32,
    /// The features it began in, for the words.
    pub features: FeatureVector,
}

/// What was learned in one night, as an artefact.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SchemaBook {
    card: ModelCard,
    seed: u64,
    experiences: u64,
    first_sequence: u64,
    last_sequence: u64,
    schemas: SchemaSet,
    /// One a schema, in their order.
    labels: Vec<String>,
}

/// Why nothing was learned.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Unlearnable {
    /// The codes do not go together.
    #[error("the codes of experiences cannot be clustered: {0}")]
    Clusters(#[from] Unclusterable),
    /// A schema that cannot be stored.
    #[error(transparent)]
    Schema(#[from] SchemaRefused),
}

/// Makes schemas of experiences: `search.k` of them at most, fewer where experiences are few or cancel.
/// They are numbered from 0, those of many experiences first.
///
/// # Errors
/// [`Unlearnable`].
pub fn consolidate(experiences: &[Coded], search: &Search, seed: u64) -> Result<SchemaBook, Unlearnable> {
    // a code without a direction teaches nothing
    let directed = experiences.iter().filter_map(|experience| {
        let code: Vec<f64> = experience.code.iter().map(|&x| f64::from(x)).collect();
        Some((unit(&code)?, experience))
    });
    let (codes, experiences): (Vec<Vec<f64>>, Vec<&Coded>) = directed.unzip();
    let k = search.k.min(codes.len() / EXPERIENCES_A_SCHEMA).max(1);
    let clusters = kmeans::cluster(&codes, &Search { k, ..*search }, seed)?;
    let mut members = vec![Vec::new(); k];
    clusters.labels.iter().enumerate().for_each(|(at, label)| members[*label].push(at));
    // stable, so clusters of one size keep their order
    members.sort_by_key(|members| std::cmp::Reverse(members.len()));
    let scales = VOCABULARY.map(|word| Scale::of(word.feature, &experiences));
    let (mut schemas, mut labels) = (SchemaSet::default(), Vec::new());
    for members in members {
        let rewarded: Vec<(&[f64], f64)> =
            members.iter().map(|at| (codes[*at].as_slice(), f64::from(experiences[*at].reward_bp))).collect();
        let id = labels.len() as u32;
        let Some(schema) = Cluster::of(&rewarded).and_then(|cluster| cluster.schema(id)) else { continue };
        schemas.upsert(schema)?;
        let members: Vec<&Coded> = members.iter().map(|at| experiences[*at]).collect();
        labels.push(label(&members, &scales));
    }
    let about = format!("{} schemas of {} experiences", labels.len(), experiences.len());
    let sequences = || experiences.iter().map(|experience| experience.sequence);
    Ok(SchemaBook {
        card: ModelCard { name: "schemas by k-means".into(), trained: true, about },
        seed,
        experiences: experiences.len() as u64,
        first_sequence: sequences().min().unwrap_or(0),
        last_sequence: sequences().max().unwrap_or(0),
        schemas,
        labels,
    })
}

/// Mean and standard deviation of a feature among all experiences that have it.
#[derive(Debug, Clone, Copy)]
struct Scale {
    mean: f64,
    deviation: f64,
}

impl Scale {
    fn of(feature: Feature, experiences: &[&Coded]) -> Option<Self> {
        let mean = mean(experiences.iter().filter_map(|it| value(it, feature)))?;
        let square = |x: f64| (x - mean) * (x - mean);
        let variance = self::mean(experiences.iter().filter_map(|it| value(it, feature)).map(square))?;
        let deviation = variance.sqrt();
        (deviation > 0.0).then_some(Self { mean, deviation })
    }
}

fn value(experience: &Coded, feature: Feature) -> Option<f64> {
    experience.features[feature].map(f64::from).filter(|value| value.is_finite())
}

fn mean(values: impl Iterator<Item = f64>) -> Option<f64> {
    let (sum, count) = values.fold((0.0, 0.0), |(sum, count), value| (sum + value, count + 1.0));
    (count > 0.0).then(|| sum / count)
}

/// The words for what stands out in some experiences against all: the mean of their z-scores.
fn label(members: &[&Coded], scales: &[Option<Scale>; VOCABULARY.len()]) -> String {
    let z = |(word, scale): (&Word, &Option<Scale>)| {
        let mean = mean(members.iter().filter_map(|it| value(it, word.feature)))?;
        scale.map(|scale| (mean - scale.mean) / scale.deviation)
    };
    let scores = VOCABULARY.iter().zip(scales).map(|pair| z(pair).unwrap_or(0.0));
    let mut told: Vec<(usize, f64)> =
        scores.enumerate().filter(|(at, z)| z.abs() >= VOCABULARY[*at].limit).collect();
    told.sort_by(|a, b| b.1.abs().total_cmp(&a.1.abs()));
    told.truncate(WORDS);
    told.sort_by_key(|(at, _)| *at);
    let words: Vec<&str> = told
        .into_iter()
        .map(|(at, z)| if z > 0.0 { VOCABULARY[at].high } else { VOCABULARY[at].low })
        .collect();
    if words.is_empty() { ORDINARY.to_owned() } else { words.join(", ") }
}

impl SchemaBook {
    /// A book of nothing, from which nothing is recalled.
    pub fn empty() -> Self {
        Self {
            card: ModelCard {
                name: "no schemas".into(),
                trained: false,
                about: "nothing was learned".into(),
            },
            seed: 0,
            experiences: 0,
            first_sequence: 0,
            last_sequence: 0,
            schemas: SchemaSet::default(),
            labels: Vec::new(),
        }
    }

    /// Its canonical bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        encode(self)
    }

    /// Reads what [`SchemaBook::to_bytes`] wrote.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, String> {
        let mut book: Self = decode(bytes).map_err(|error| format!("it does not decode: {error}"))?;
        let (schemas, labels) = (book.schemas.schemas().len(), book.labels.len());
        if schemas != labels {
            return Err(format!("it has {schemas} schemas and {labels} labels"));
        }
        let mut sound = SchemaSet::default();
        for schema in book.schemas.schemas() {
            sound.upsert(schema.clone()).map_err(|refused| refused.to_string())?;
        }
        book.schemas = sound;
        Ok(book)
    }

    /// What it is.
    pub const fn card(&self) -> &ModelCard {
        &self.card
    }

    /// The seed its clusters were found with.
    pub const fn seed(&self) -> u64 {
        self.seed
    }

    /// How many experiences it was made of.
    pub const fn experiences(&self) -> u64 {
        self.experiences
    }

    /// The sequence numbers of the decisions that the first and the last of them began with.
    pub const fn span(&self) -> (u64, u64) {
        (self.first_sequence, self.last_sequence)
    }

    /// The schemas.
    pub const fn schemas(&self) -> &SchemaSet {
        &self.schemas
    }

    /// The schemas with their labels, by rising number.
    pub fn labelled(&self) -> impl Iterator<Item = (&Schema, &str)> {
        self.schemas.schemas().iter().zip(self.labels.iter().map(String::as_str))
    }

    /// A schema in words: its label, how many experiences made it, and what they brought on average.
    pub fn words(&self, schema: u32) -> Option<String> {
        let (schema, label) = self.labelled().find(|(known, _)| known.id == schema)?;
        let (count, mean) = (schema.rewards.count, schema.rewards.mean);
        Some(format!("schema {}, {label}, {count} experiences, mean {mean:+.2} bp", schema.id))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SEARCH: Search = Search { k: 16, restarts: 3, iterations_max: 50 };

    /// An experience of one of three kinds, which are far apart.
    fn experience(sequence: u64, kind: usize) -> Coded {
        let mut code = [0.01 * (sequence % 7) as f32; 6];
        code[kind] = 1.0;
        let mut features = FeatureVector::default();
        let wide = kind == 0;
        features[Feature::SpreadBp] = Some(if wide { 5.0 } else { 1.0 });
        features[Feature::OrderFlowImbalance] = Some(if wide { -3.0 } else { 1.0 });
        features[Feature::ReturnMid] = Some([-2.0, 0.0, 2.0][kind]);
        let reward_bp = [-0.5, 0.0, 1.5][kind];
        Coded { sequence, code: code.into(), reward_bp, features }
    }

    fn experiences(counts: [usize; 3]) -> Vec<Coded> {
        let kinds = (0..3).flat_map(|kind| std::iter::repeat_n(kind, counts[kind]));
        (10..).zip(kinds).map(|(sequence, kind)| experience(sequence, kind)).collect()
    }

    #[test]
    fn experiences_of_three_kinds_make_three_schemas_with_words_and_rewards() {
        let book = consolidate(&experiences([20, 30, 25]), &Search { k: 3, ..SEARCH }, 7).expect("a book");
        let told: Vec<String> = (0..4).filter_map(|id| book.words(id)).collect();
        assert_eq!(
            told,
            [
                "schema 0, narrow spread, buying pressure, 30 experiences, mean +0.00 bp",
                "schema 1, narrow spread, buying pressure, rising, 25 experiences, mean +1.50 bp",
                "schema 2, wide spread, selling pressure, falling, 20 experiences, mean -0.50 bp",
            ]
        );
        assert_eq!((book.experiences(), book.span(), book.seed()), (75, (10, 84), 7));
        assert!(book.card().trained);
    }

    #[test]
    fn where_nothing_differs_a_schema_is_ordinary() {
        let book = consolidate(&experiences([0, 9, 0]), &SEARCH, 7).expect("a book");
        assert_eq!(book.words(0).expect("one"), "schema 0, ordinary, 9 experiences, mean +0.00 bp");
    }

    #[test]
    fn few_experiences_make_few_schemas_and_none_is_refused() {
        for (count, schemas) in [(1, 1), (8, 1), (23, 2), (1000, 16)] {
            let all: Vec<Coded> = (0..count).map(|at| experience(at, at as usize % 3)).collect();
            let book = consolidate(&all, &SEARCH, 7).expect("a book");
            assert_eq!(book.schemas().schemas().len(), schemas, "{count}");
        }
        let blank = Coded { code: [0.0; 6].into(), ..experience(1, 0) };
        assert!(matches!(consolidate(&[blank], &SEARCH, 7), Err(Unlearnable::Clusters(_))));
    }

    #[test]
    fn a_book_comes_back_and_one_that_is_not_whole_is_refused() {
        let book = consolidate(&experiences([9, 9, 9]), &SEARCH, 7).expect("a book");
        assert_eq!(SchemaBook::from_bytes(&book.to_bytes()), Ok(book.clone()));
        let empty = SchemaBook::empty();
        assert_eq!(SchemaBook::from_bytes(&empty.to_bytes()), Ok(empty.clone()));
        assert_eq!((empty.schemas().dimension(), empty.words(0)), (None, None));
        let unlabelled = SchemaBook { labels: Vec::new(), ..book.clone() };
        assert!(SchemaBook::from_bytes(&unlabelled.to_bytes()).is_err());
        assert!(SchemaBook::from_bytes(&book.to_bytes()[1..]).is_err());
    }

    proptest! {
        #[test]
        fn every_experience_is_in_one_schema_and_the_seed_names_the_bytes(
            kinds in prop::collection::vec(0_usize..3, 1..80),
            seed: u64,
        ) {
            let all: Vec<Coded> = (0..).zip(&kinds).map(|(at, kind)| experience(at, *kind)).collect();
            let book = consolidate(&all, &SEARCH, seed).expect("a book");
            prop_assert_eq!(book.to_bytes(), consolidate(&all, &SEARCH, seed).expect("a book").to_bytes());
            let counts: Vec<u64> = book.labelled().map(|(schema, _)| schema.rewards.count).collect();
            prop_assert_eq!(counts.iter().sum::<u64>(), kinds.len() as u64);
            prop_assert!(counts.is_sorted_by(|a, b| a >= b));
        }
    }
}
