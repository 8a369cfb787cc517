//! Finding the nearest schemas (36), exactly.

use serde::{Deserialize, Serialize};

use crate::schema::{Rewards, Schema, unit};

/// Sums that go on side by side in a product of vectors.
const LANES: usize = 8;

/// How far a direction's squared length may be from 1.
const LENGTH_TOLERANCE: f64 = 1e-9;

/// The schemas that are known; empty until something was learned.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SchemaSet {
    /// By rising id, all of one dimension.
    schemas: Vec<Schema>,
}

/// A schema found by a search.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Match<'a> {
    /// The schema.
    pub schema: &'a Schema,
    /// cos(h, z_k), in [−1, 1].
    pub cosine: f64,
}

/// Why a schema cannot be stored.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
pub enum SchemaRefused {
    /// Its direction has another dimension than those of the set.
    #[error("schema {id} has {found} dimensions, the set has {expected}")]
    Dimension {
        /// The schema.
        id: u32,
        /// Its dimension.
        found: usize,
        /// The dimension of the set.
        expected: usize,
    },
    /// Its direction is not of length 1, or not finite.
    #[error("the direction of schema {id} has squared length {square}, not 1")]
    Length {
        /// The schema.
        id: u32,
        /// The square of the length.
        square: f64,
    },
    /// Its rewards are not finite, or their deviation is below 0.
    #[error("schema {id} has mean reward {mean} with deviation {deviation}")]
    Rewards {
        /// The schema.
        id: u32,
        /// Their mean.
        mean: f64,
        /// Their deviation.
        deviation: f64,
    },
}

impl SchemaSet {
    /// All schemas, by rising id.
    #[must_use]
    pub fn schemas(&self) -> &[Schema] {
        &self.schemas
    }

    /// The numbers in a direction; `None` while nothing is known.
    #[must_use]
    pub fn dimension(&self) -> Option<usize> {
        self.schemas.first().map(|schema| schema.direction.len())
    }

    /// Stores a schema in place of the one with its id, if there is any.
    ///
    /// # Errors
    /// If its dimension is not that of the others, its direction not of length 1, or its rewards no
    /// numbers; nothing is stored then.
    pub fn upsert(&mut self, schema: Schema) -> Result<(), SchemaRefused> {
        let (id, found) = (schema.id, schema.direction.len());
        if let Some(other) = self.schemas.iter().find(|s| s.id != id && s.direction.len() != found) {
            return Err(SchemaRefused::Dimension { id, found, expected: other.direction.len() });
        }
        let square = dot(&schema.direction, &schema.direction);
        let is_unit = (square - 1.0).abs() <= LENGTH_TOLERANCE;
        if !is_unit {
            return Err(SchemaRefused::Length { id, square });
        }
        let Rewards { mean, deviation, .. } = schema.rewards;
        if !(mean.is_finite() && deviation.is_finite() && deviation >= 0.0) {
            return Err(SchemaRefused::Rewards { id, mean, deviation });
        }
        match self.schemas.binary_search_by_key(&id, |s| s.id) {
            Ok(index) => self.schemas[index] = schema,
            Err(index) => self.schemas.insert(index, schema),
        }
        Ok(())
    }

    /// The `top_k` schemas nearest to `code` `[d]` by cosine (36), nearest first, ties to the lower id.
    /// Fewer where fewer are known; `None` where the code has no direction.
    ///
    /// # Panics
    /// If `code` has another dimension than the schemas.
    #[must_use]
    pub fn nearest(&self, code: &[f64], top_k: usize) -> Option<Vec<Match<'_>>> {
        let direction = unit(code)?;
        let mut matches: Vec<Match<'_>> = self
            .schemas
            .iter()
            .map(|schema| {
                // With + 0.0, −0 ties with 0 in a total order.
                let cosine = dot(&direction, &schema.direction).clamp(-1.0, 1.0) + 0.0;
                Match { schema, cosine }
            })
            .collect();
        // Stable, so equal cosines stay in the order of their ids.
        matches.sort_by(|a, b| b.cosine.total_cmp(&a.cosine));
        matches.truncate(top_k);
        Some(matches)
    }
}

/// a·b.
fn dot(a: &[f64], b: &[f64]) -> f64 {
    in_lanes(a, b, |a, b| a * b)
}

/// ‖a − b‖².
pub(crate) fn squared_distance(a: &[f64], b: &[f64]) -> f64 {
    in_lanes(a, b, |a, b| (a - b) * (a - b))
}

/// The sum of `term` over two vectors, in a fixed number of lanes so that the bits do not depend on the
/// machine's.
fn in_lanes(a: &[f64], b: &[f64], term: impl Fn(f64, f64) -> f64) -> f64 {
    assert_eq!(a.len(), b.len(), "vectors of different dimension");
    let (a, b) = (a.chunks_exact(LANES), b.chunks_exact(LANES));
    let rest: f64 = a.remainder().iter().zip(b.remainder()).map(|(a, b)| term(*a, *b)).sum();
    let mut lanes = [0.0; LANES];
    for (a, b) in a.zip(b) {
        for ((lane, a), b) in lanes.iter_mut().zip(a).zip(b) {
            *lane += term(*a, *b);
        }
    }
    lanes.iter().sum::<f64>() + rest
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::Cluster;
    use proptest::prelude::*;
    use support::golden;

    fn schema(id: u32, code: &[f64]) -> Schema {
        let cluster = Cluster::of(&[(code, 0.0)]).expect("one member");
        cluster.schema(id).expect("a mean with a direction")
    }

    fn set(codes: &[Vec<f64>]) -> SchemaSet {
        let mut set = SchemaSet::default();
        for (id, code) in (0..).zip(codes) {
            set.upsert(schema(id, code)).expect("a sound schema");
        }
        set
    }

    fn ids(matches: &[Match<'_>]) -> Vec<f64> {
        matches.iter().map(|m| f64::from(m.schema.id)).collect()
    }

    #[test]
    fn golden_search_by_cosine() {
        for case in golden::cases("13_").iter().filter(|c| c.inputs.get("query").is_some()) {
            let codes = case.rows("z");
            let set = set(&codes);
            let query = case.input("query");
            let mut all = set.nearest(&query, codes.len()).expect("a query with a direction");
            all.sort_by_key(|m| m.schema.id);
            let cosines: Vec<f64> = all.iter().map(|m| m.cosine).collect();
            case.check("cosine", &cosines);
            let top_k = case.number("top_k") as usize;
            let nearest = set.nearest(&query, top_k).expect("a query with a direction");
            case.check("order", &ids(&nearest));
            case.check("top1", &ids(&nearest[..1]));
        }
    }

    #[test]
    fn nothing_learned_is_nothing_found_and_no_direction_no_answer() {
        let empty = SchemaSet::default();
        assert_eq!(empty.nearest(&[1.0, 0.0], 3), Some(vec![]));
        assert_eq!(empty.nearest(&[0.0, 0.0], 3), None);
        assert_eq!(empty.nearest(&[f64::NAN, 0.0], 3), None);
    }

    #[test]
    fn equal_cosines_stand_by_id_also_at_right_angles() {
        let set = set(&[vec![0.0, -1.0], vec![0.0, 1.0], vec![-2.0, 0.0], vec![-1.0, 0.0]]);
        let matches = set.nearest(&[-3.0, 0.0], 4).expect("a query with a direction");
        assert_eq!(ids(&matches), [2.0, 3.0, 0.0, 1.0]);
    }

    #[test]
    fn a_schema_replaces_the_one_with_its_id() {
        let mut set = set(&[vec![1.0, 0.0], vec![0.0, 1.0]]);
        set.upsert(schema(0, &[-1.0, 0.0])).expect("a sound schema");
        assert_eq!(set.schemas().len(), 2);
        assert_eq!(set.schemas()[0].direction, [-1.0, 0.0]);
    }

    #[test]
    fn an_unsound_schema_is_refused_and_nothing_stored() {
        let mut set = set(&[vec![1.0, 0.0]]);
        let before = set.clone();
        let longer = set.upsert(schema(7, &[1.0, 0.0, 0.0])).expect_err("another dimension");
        assert_eq!(longer.to_string(), "schema 7 has 3 dimensions, the set has 2");
        let rewards = Rewards { count: 1, mean: 0.0, deviation: 0.0 };
        for direction in [vec![2.0, 0.0], vec![f64::NAN, 0.0]] {
            let unsound = Schema { id: 7, direction, concentration: 1.0, rewards };
            let refused = set.upsert(unsound).expect_err("another length");
            assert!(matches!(refused, SchemaRefused::Length { id: 7, .. }), "{refused}");
        }
        for (mean, deviation) in [(f64::NAN, 0.0), (0.0, f64::INFINITY), (0.0, -1.0)] {
            let rewards = Rewards { count: 1, mean, deviation };
            let refused = set.upsert(Schema { rewards, ..schema(7, &[1.0, 0.0]) }).expect_err("no numbers");
            assert!(matches!(refused, SchemaRefused::Rewards { id: 7, .. }), "{refused}");
        }
        assert_eq!(set, before);
    }

    proptest! {
        #[test]
        fn finds_what_a_full_sort_finds(
            codes in prop::collection::vec(prop::collection::vec(-2..=2i8, 3), 1..30),
            query in prop::collection::vec(-2..=2i8, 3),
            top_k in 0usize..40,
        ) {
            let codes: Vec<Vec<f64>> = codes
                .iter()
                .filter(|code| code.iter().any(|&x| x != 0))
                .map(|code| code.iter().map(|&x| f64::from(x)).collect())
                .collect();
            let query: Vec<f64> = query.into_iter().map(f64::from).collect();
            prop_assume!(query.iter().any(|&x| x != 0.0));
            let set = set(&codes);
            let matches = set.nearest(&query, top_k).expect("a query with a direction");
            prop_assert_eq!(matches.len(), top_k.min(codes.len()));
            for pair in matches.windows(2) {
                let falls = pair[0].cosine > pair[1].cosine;
                let ties = pair[0].cosine == pair[1].cosine && pair[0].schema.id < pair[1].schema.id;
                prop_assert!(falls || ties);
            }
            if let Some(last) = matches.last() {
                let nearer = set.schemas().iter().filter(|schema| {
                    let found = matches.iter().any(|m| m.schema.id == schema.id);
                    !found && dot(&unit(&query).expect("a direction"), &schema.direction) > last.cosine + 1e-12
                });
                prop_assert_eq!(nearer.count(), 0);
            }
        }
    }
}
