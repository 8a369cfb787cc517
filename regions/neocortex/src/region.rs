//! The region: what is remembered of each candidate action (36).

use serde::{Deserialize, Serialize};
use synapse::{Action, Encoded, Fault, Recall, Recalled, Region, SchemaMatch};

use crate::NAME;
use crate::search::{Match, SchemaSet};

market::params! {
    /// How much is recalled.
    pub struct NeocortexParams in "neocortex" {
        /// Schemas that are recalled for each action.
        top_k: u32 = 3, "", 1.0, 64.0;
    }
}

/// What the neocortex remembers on the line: nothing. The schemas are learned asleep and handed to it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {}

/// The neocortex: recall.
#[derive(Debug, Clone)]
pub struct Neocortex {
    params: NeocortexParams,
    schemas: SchemaSet,
    state: State,
}

impl Neocortex {
    /// A neocortex that has learned nothing.
    pub fn new(params: NeocortexParams) -> Self {
        Self { params, schemas: SchemaSet::default(), state: State {} }
    }

    /// The same with the schemas it has to recall from.
    #[must_use]
    pub fn with_schemas(self, schemas: SchemaSet) -> Self {
        Self { schemas, ..self }
    }

    /// What it recalls from, from here on.
    pub fn set_schemas(&mut self, schemas: SchemaSet) {
        self.schemas = schemas;
    }

    /// What is remembered of one action; nothing where it has no code.
    fn recall(&self, code: &[f32]) -> Result<Recall, Fault> {
        let schemas = &self.schemas;
        let Some(dimension) = schemas.dimension().filter(|_| !code.is_empty()) else {
            return Ok(Recall::default());
        };
        if code.len() != dimension {
            let found = code.len();
            return Err(Fault::new(
                NAME,
                format!("a code has {found} numbers, the schemas have {dimension}"),
            ));
        }
        let code: Vec<f64> = code.iter().map(|&x| f64::from(x)).collect();
        let Some(matches) = schemas.nearest(&code, self.params.top_k as usize) else {
            return Ok(Recall::default());
        };
        let recall = blend(&matches);
        let numbers = [recall.reward_bp, recall.reward_std_bp, Some(recall.confidence)];
        if numbers.into_iter().flatten().any(|x| !x.is_finite()) {
            return Err(Fault::new(NAME, format!("no finite recall: {recall:?}")));
        }
        Ok(recall)
    }
}

/// What schemas say together: each weighs as much as it is similar, and not at all where its cosine
/// is not above 0. The spread of the reward is that between the schemas and that within them.
fn blend(matches: &[Match<'_>]) -> Recall {
    let weighted = || matches.iter().map(|m| (m.cosine.max(0.0), m.schema.rewards));
    let weight: f64 = weighted().map(|(w, _)| w).sum();
    let nearest = matches.iter().map(|m| SchemaMatch { schema: m.schema.id, cosine: m.cosine as f32 });
    let confidence = matches.first().map_or(0.0, |m| m.cosine.max(0.0)) as f32;
    let mut recall = Recall { nearest: nearest.collect(), confidence, ..Recall::default() };
    if weight > 0.0 {
        let mean = weighted().map(|(w, r)| w * r.mean).sum::<f64>() / weight;
        let square = |(w, r): (f64, crate::schema::Rewards)| {
            w * (r.deviation * r.deviation + (r.mean - mean) * (r.mean - mean))
        };
        let variance = weighted().map(square).sum::<f64>() / weight;
        recall.reward_bp = Some(mean as f32);
        recall.reward_std_bp = Some(variance.sqrt() as f32);
    }
    recall
}

impl Region for Neocortex {
    type In = Encoded;
    type Out = Recalled;
    type State = State;
    const NAME: &'static str = NAME;

    fn step(&mut self, encoded: Encoded) -> Result<Recalled, Fault> {
        self.peek(encoded)
    }

    fn peek(&self, encoded: Encoded) -> Result<Recalled, Fault> {
        let mut recall: [Recall; Action::COUNT] = Default::default();
        for (recall, code) in recall.iter_mut().zip(&encoded.codes) {
            *recall = self.recall(code)?;
        }
        let schemas = self.schemas.schemas().len() as u32;
        Ok(Recalled { encoded, recall, schemas })
    }

    fn state(&self) -> &State {
        &self.state
    }

    fn set_state(&mut self, state: State) {
        self.state = state;
    }
}
