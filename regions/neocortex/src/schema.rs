//! Schemas: what many experiences have in common (30, 34, 35).

use serde::{Deserialize, Serialize};

/// Below this length the mean of unit codes points nowhere: they cancel, or all but.
const SHORTEST_MEAN: f64 = 1e-12;

/// A schema S_k (34): a direction among the codes and what experiences of that kind brought.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Schema {
    /// Its number, unique in a set.
    pub id: u32,
    /// z_k `[d]`, of length 1 (35).
    pub direction: Vec<f64>,
    /// ‖mean of the codes‖: near 1 where they agree, near 0 where they scatter.
    pub concentration: f64,
    /// What its experiences brought.
    pub rewards: Rewards,
}

/// Rewards of a cluster of experiences, in the unit of the rewards (34).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Rewards {
    /// n_k, how many experiences there are.
    pub count: u64,
    /// r̄_k, their mean reward.
    pub mean: f64,
    /// σ_k, its standard deviation over n (not n − 1).
    pub deviation: f64,
}

/// A cluster of experiences before it is, or is not, worth a schema.
#[derive(Clone, Debug, PartialEq)]
pub struct Cluster {
    /// The mean of the codes `[d]` (30).
    pub centroid: Vec<f64>,
    /// What the experiences brought.
    pub rewards: Rewards,
}

impl Cluster {
    /// Mean code and rewards of experiences, given as code `[d]` (of length 1) and reward. `None`
    /// without any.
    ///
    /// # Panics
    /// If the codes differ in dimension.
    #[must_use]
    pub fn of(experiences: &[(&[f64], f64)]) -> Option<Self> {
        let (first, _) = experiences.first()?;
        let count = experiences.len() as f64;
        let mut centroid = vec![0.0; first.len()];
        for (code, _) in experiences {
            assert_eq!(code.len(), centroid.len(), "codes of different dimension");
            centroid.iter_mut().zip(*code).for_each(|(sum, x)| *sum += x);
        }
        centroid.iter_mut().for_each(|sum| *sum /= count);
        let mean = experiences.iter().map(|(_, reward)| reward).sum::<f64>() / count;
        let square = |reward: &f64| (reward - mean) * (reward - mean);
        let variance = experiences.iter().map(|(_, reward)| square(reward)).sum::<f64>() / count;
        let rewards = Rewards { count: experiences.len() as u64, mean, deviation: variance.sqrt() };
        Some(Self { centroid, rewards })
    }

    /// The schema of this cluster; `None` where its codes cancel and their mean has no direction.
    #[must_use]
    pub fn schema(&self, id: u32) -> Option<Schema> {
        let concentration = length(&self.centroid);
        if concentration < SHORTEST_MEAN {
            return None;
        }
        let direction = unit(&self.centroid)?;
        Some(Schema { id, direction, concentration, rewards: self.rewards })
    }
}

/// x/‖x‖ (35); `None` for the zero vector, or where an element is not finite.
#[must_use]
pub fn unit(x: &[f64]) -> Option<Vec<f64>> {
    let largest = largest(x);
    if largest == 0.0 || !x.iter().all(|x| x.is_finite()) {
        return None;
    }
    // Scaled first: the square of 1e200 is infinite, and that of 1e-200 is 0.
    let scaled: Vec<f64> = x.iter().map(|x| x / largest).collect();
    let length = squares(&scaled).sqrt();
    Some(scaled.iter().map(|x| x / length).collect())
}

fn length(x: &[f64]) -> f64 {
    let largest = largest(x);
    if largest == 0.0 {
        return 0.0;
    }
    let scaled: Vec<f64> = x.iter().map(|x| x / largest).collect();
    largest * squares(&scaled).sqrt()
}

fn largest(x: &[f64]) -> f64 {
    x.iter().fold(0.0, |largest, x| f64::max(largest, x.abs()))
}

fn squares(x: &[f64]) -> f64 {
    x.iter().map(|x| x * x).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use support::golden;

    #[test]
    fn golden_statistics_of_clusters() {
        for case in golden::cases("13_").iter().filter(|c| c.inputs.get("labels").is_some()) {
            let (codes, labels) = (case.rows("h"), case.input("labels"));
            let rewards = case.input("reward");
            let expected = case.expected["schemas"].as_array().expect("a list of schemas");
            assert_eq!(expected.len(), case.number("K") as usize, "{}: K", case.name);
            for (k, want) in expected.iter().enumerate() {
                let members: Vec<(&[f64], f64)> = (0..codes.len())
                    .filter(|&i| labels[i] as usize == k)
                    .map(|i| (codes[i].as_slice(), rewards[i]))
                    .collect();
                let cluster = Cluster::of(&members).expect("a cluster with members");
                let schema = cluster.schema(k as u32).expect("a mean with a direction");
                case.check_value("centroid", &cluster.centroid, &want["centroid"]);
                case.check_value("centroid_l2", &schema.direction, &want["centroid_l2"]);
                assert_eq!(want["n"].as_u64(), Some(schema.rewards.count), "{}: n", case.name);
                case.check_value("mean_reward", &[schema.rewards.mean], &want["mean_reward"]);
                let deviation = &want["sigma_population"];
                case.check_value("sigma_population", &[schema.rewards.deviation], deviation);
            }
        }
    }

    #[test]
    fn golden_unit_vectors() {
        for case in golden::cases("13_").iter().filter(|c| c.inputs.get("vectors").is_some()) {
            let expected = case.expected["unit"].as_array().expect("a list of vectors");
            let vectors = case.rows("vectors");
            assert_eq!(vectors.len(), expected.len(), "{}: one each", case.name);
            for (vector, want) in vectors.iter().zip(expected) {
                let got = unit(vector);
                assert_eq!(got.is_none(), want.is_null(), "{}: {vector:?}", case.name);
                if let Some(got) = got {
                    case.check_value("unit", &got, want);
                }
            }
        }
    }

    #[test]
    fn golden_codes_that_cancel_make_no_schema() {
        for case in golden::cases("13_").iter().filter(|c| c.expected.get("l2").is_some()) {
            let codes = case.rows("h");
            let members: Vec<(&[f64], f64)> = codes.iter().map(|h| (h.as_slice(), 1.0)).collect();
            let cluster = Cluster::of(&members).expect("a cluster with members");
            case.check("centroid", &cluster.centroid);
            assert_eq!(cluster.rewards.count, codes.len() as u64, "{}: kept", case.name);
            assert_eq!(cluster.schema(0), None, "{}: not stored", case.name);
        }
    }

    #[test]
    fn what_is_empty_or_not_finite_has_no_direction() {
        assert_eq!(Cluster::of(&[]), None);
        assert_eq!(unit(&[]), None);
        assert_eq!(unit(&[1.0, f64::NAN]), None);
        assert_eq!(unit(&[1.0, f64::INFINITY]), None);
        let broken = Cluster::of(&[(&[f64::NAN, 1.0], 0.0)]).expect("a cluster with members");
        assert_eq!(broken.schema(0), None);
    }

    #[test]
    fn concentration_tells_agreement() {
        let concentration = |b: &[f64]| {
            let cluster = Cluster::of(&[(&[1.0, 0.0], 0.0), (b, 0.0)]).expect("two members");
            cluster.schema(0).expect("a mean with a direction").concentration
        };
        assert_eq!(concentration(&[1.0, 0.0]), 1.0);
        assert!((concentration(&[0.0, 1.0]) - 0.5f64.sqrt()).abs() < 1e-15);
    }

    proptest! {
        #[test]
        fn a_unit_vector_has_length_one_and_the_same_direction(
            x in prop::collection::vec(-1.0..1.0f64, 1..40),
            exponent in -300..300i32,
        ) {
            let scaled: Vec<f64> = x.iter().map(|x| x * 10f64.powi(exponent)).collect();
            prop_assume!(largest(&scaled) > f64::MIN_POSITIVE);
            let (got, length) = (unit(&scaled).expect("a direction"), squares(&x).sqrt());
            prop_assert!((squares(&got) - 1.0).abs() < 1e-12);
            for (got, x) in got.iter().zip(&x) {
                prop_assert!((got - x / length).abs() < 1e-9);
            }
        }
    }
}
