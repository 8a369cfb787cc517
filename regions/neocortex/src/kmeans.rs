//! Clusters among vectors (54): k-means++, Lloyd, the best of several starts.
//!
//! Every sum is in the order of its vectors and every draw a function of the seed, so the same vectors
//! and seed give the same bits on any machine. What bounds the work is a count of steps.

use synapse::random::{seed_for, uniform};

use crate::search::squared_distance;

/// How vectors are clustered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Search {
    /// How many clusters.
    pub k: usize,
    /// From how many starts; 0 is taken for 1.
    pub restarts: u32,
    /// Steps of Lloyd's from one start, at most.
    pub iterations_max: u32,
}

/// What was found.
#[derive(Debug, Clone, PartialEq)]
pub struct Clusters {
    /// The centres `[k][d]`.
    pub centres: Vec<Vec<f64>>,
    /// The cluster of each vector, by its index; none is empty.
    pub labels: Vec<usize>,
    /// The sum of squared distances to the centres.
    pub inertia: f64,
}

/// Why there are no clusters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unclusterable {
    /// More clusters than vectors, or none.
    #[error("{k} clusters of {vectors} vectors; ask for 1 to {vectors}")]
    Count {
        /// The clusters asked for.
        k: usize,
        /// The vectors.
        vectors: usize,
    },
    /// A vector has another dimension than the first, or a number that is not finite.
    #[error("vector {at} has {found} finite numbers, not {expected}")]
    Vector {
        /// Its index.
        at: usize,
        /// How many finite numbers it has.
        found: usize,
        /// How many it must have.
        expected: usize,
    },
}

/// The best of several starts by k-means++; of equal ones the first.
///
/// # Errors
/// [`Unclusterable`].
pub fn cluster<V: AsRef<[f64]>>(
    vectors: &[V],
    search: &Search,
    seed: u64,
) -> Result<Clusters, Unclusterable> {
    let vectors: Vec<&[f64]> = vectors.iter().map(AsRef::as_ref).collect();
    check(&vectors, search.k)?;
    let from = |restart: u32| {
        let seed = seed_for(seed.wrapping_add(u64::from(restart)), "k-means++");
        lloyd(&vectors, spread(&vectors, search.k, seed), search.iterations_max)
    };
    Ok((1..search.restarts).map(from).fold(
        from(0),
        |best, next| {
            if next.inertia < best.inertia { next } else { best }
        },
    ))
}

fn check(vectors: &[&[f64]], k: usize) -> Result<(), Unclusterable> {
    let first = vectors.first().filter(|_| (1..=vectors.len()).contains(&k));
    let expected = first.ok_or(Unclusterable::Count { k, vectors: vectors.len() })?.len();
    for (at, vector) in vectors.iter().enumerate() {
        let found = vector.iter().filter(|x| x.is_finite()).count();
        if found != expected || vector.len() != expected {
            return Err(Unclusterable::Vector { at, found, expected });
        }
    }
    Ok(())
}

/// The first centres by k-means++: each is drawn in proportion to the squared distance to those there
/// are, a few times over, and the draw that brings the vectors nearest is kept.
fn spread(vectors: &[&[f64]], k: usize, seed: u64) -> Vec<Vec<f64>> {
    let trials = 2 + libm::log(k as f64) as u64;
    let mut draws = (0..).map(|counter| uniform(seed, counter));
    let mut draw = || draws.next().unwrap_or(1.0);
    let first = ((draw() * vectors.len() as f64) as usize).min(vectors.len() - 1);
    let mut centres = vec![vectors[first].to_vec()];
    let mut distances: Vec<f64> = vectors.iter().map(|x| squared_distance(x, vectors[first])).collect();
    while centres.len() < k {
        let total: f64 = distances.iter().sum();
        let tried = (0..trials).map(|_| {
            let at = reached(&distances, draw() * total);
            let nearer = distances.iter().zip(vectors).map(|(d, x)| d.min(squared_distance(x, vectors[at])));
            let nearer: Vec<f64> = nearer.collect();
            (nearer.iter().sum::<f64>(), at, nearer)
        });
        let best = tried.reduce(|best, next| if next.0 < best.0 { next } else { best });
        let Some((_, at, nearer)) = best else { break };
        centres.push(vectors[at].to_vec());
        distances = nearer;
    }
    centres
}

/// Where the running sum of weights reaches `target`; the last weight above 0 if rounding keeps it below.
fn reached(weights: &[f64], target: f64) -> usize {
    let mut sum = 0.0;
    let reached = weights.iter().position(|weight| {
        sum += weight;
        *weight > 0.0 && sum >= target
    });
    reached.or_else(|| weights.iter().rposition(|weight| *weight > 0.0)).unwrap_or(0)
}

/// Lloyd's steps from given centres until no vector changes its cluster, or so many were made.
fn lloyd(vectors: &[&[f64]], mut centres: Vec<Vec<f64>>, iterations_max: u32) -> Clusters {
    let mut labels = Vec::new();
    for _ in 0..iterations_max.max(1) {
        let next = assigned(vectors, &centres);
        if next == labels {
            break;
        }
        labels = next;
        centres = means(vectors, &labels, centres.len());
    }
    let inertia = vectors.iter().zip(&labels).map(|(x, label)| squared_distance(x, &centres[*label])).sum();
    Clusters { centres, labels, inertia }
}

/// The nearest centre of each vector, ties to the lower index. A centre that is nearest to none gets the
/// vector that is farthest from its own, of a cluster that can spare one.
fn assigned(vectors: &[&[f64]], centres: &[Vec<f64>]) -> Vec<usize> {
    let nearest = |x: &&[f64]| {
        let distances = centres.iter().map(|centre| squared_distance(x, centre)).enumerate();
        distances.fold((0, f64::INFINITY), |best, next| if next.1 < best.1 { next } else { best })
    };
    let (mut labels, mut distances): (Vec<usize>, Vec<f64>) = vectors.iter().map(nearest).unzip();
    let mut counts = vec![0_usize; centres.len()];
    labels.iter().for_each(|label| counts[*label] += 1);
    for empty in 0..centres.len() {
        if counts[empty] > 0 {
            continue;
        }
        let spare = (0..labels.len()).filter(|at| counts[labels[*at]] > 1);
        let farthest = spare.reduce(|best, at| if distances[at] > distances[best] { at } else { best });
        let Some(at) = farthest else { break };
        counts[labels[at]] -= 1;
        counts[empty] = 1;
        (labels[at], distances[at]) = (empty, 0.0);
    }
    labels
}

fn means(vectors: &[&[f64]], labels: &[usize], k: usize) -> Vec<Vec<f64>> {
    let mut sums = vec![vec![0.0; vectors[0].len()]; k];
    let mut counts = vec![0.0; k];
    for (x, label) in vectors.iter().zip(labels) {
        counts[*label] += 1.0;
        sums[*label].iter_mut().zip(*x).for_each(|(sum, x)| *sum += x);
    }
    for (sum, count) in sums.iter_mut().zip(counts) {
        sum.iter_mut().for_each(|x| *x /= count);
    }
    sums
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use support::golden::{self, Case};

    fn search(k: usize, restarts: u32) -> Search {
        Search { k, restarts, iterations_max: 300 }
    }

    /// The vectors of a case, which may be those of another one: "as in NAME".
    fn vectors(cases: &[Case], case: &Case) -> Vec<Vec<f64>> {
        let Some(text) = case.inputs["X"].as_str() else { return case.rows("X") };
        let name = text.strip_prefix("as in ").expect("the name of a case");
        vectors(cases, cases.iter().find(|other| other.name == name).expect("a case of that name"))
    }

    #[test]
    fn golden_inertia_of_the_best_of_several_starts() {
        let cases = golden::cases("12_");
        let of_starts = |case: &&Case| case.expected.get("inertia_best_of_10").is_some();
        for case in cases.iter().filter(of_starts) {
            let restarts = case.inputs["n_init"].as_u64().expect("a number") as u32;
            let found = cluster(&vectors(&cases, case), &search(case.number("k") as usize, restarts), 54);
            let inertia = found.expect("clusters").inertia;
            let best = case.expected["inertia_best_of_10"].as_f64().expect("a number");
            // better than the peer is no error
            case.check("inertia_best_of_10", &[inertia.max(best)]);
            let total = case.expected["total_ss"].as_f64().expect("a number");
            assert!(inertia < total, "{}: {inertia}", case.name);
        }
    }

    #[test]
    fn golden_steps_from_given_centres() {
        for case in golden::cases("12_").iter().filter(|case| case.inputs.get("init_centres").is_some()) {
            let rows = case.rows("X");
            let vectors: Vec<&[f64]> = rows.iter().map(Vec::as_slice).collect();
            let found = lloyd(&vectors, case.rows("init_centres"), 300);
            assert!(found.inertia.is_finite() && found.centres.iter().flatten().all(|x| x.is_finite()));
            assert!((0..found.centres.len()).all(|k| found.labels.contains(&k)), "{}", case.name);
            if case.expected.get("labels").is_some() {
                let labels: Vec<f64> = found.labels.iter().map(|label| *label as f64).collect();
                case.check("labels", &labels);
                case.check("centres", &found.centres.concat());
                case.check("inertia", &[found.inertia]);
            } else {
                assert!(found.inertia <= 1.0, "{}: {}", case.name, found.inertia);
            }
        }
    }

    #[test]
    fn what_cannot_be_clustered_is_refused() {
        let two = [vec![0.0, 1.0], vec![1.0, 0.0]];
        for k in [0, 3] {
            assert_eq!(cluster(&two, &search(k, 1), 1), Err(Unclusterable::Count { k, vectors: 2 }));
        }
        let none: [Vec<f64>; 0] = [];
        assert_eq!(cluster(&none, &search(1, 1), 1), Err(Unclusterable::Count { k: 1, vectors: 0 }));
        for bad in [vec![0.0, f64::NAN], vec![0.0]] {
            let found = cluster(&[vec![0.0, 1.0], bad], &search(1, 1), 1);
            assert_eq!(found, Err(Unclusterable::Vector { at: 1, found: 1, expected: 2 }));
        }
    }

    #[test]
    fn fewer_distinct_vectors_than_clusters_leave_none_empty() {
        let found = cluster(&[[1.0], [1.0], [1.0], [2.0]], &search(3, 2), 9).expect("clusters");
        assert!((0..3).all(|k| found.labels.contains(&k)), "{found:?}");
        assert_eq!(found.inertia, 0.0);
    }

    proptest! {
        #[test]
        fn every_vector_is_with_its_nearest_centre_and_the_seed_names_the_bits(
            vectors in prop::collection::vec(prop::collection::vec(-1.0..1.0f64, 3), 6..40),
            k in 1_usize..6,
            seed: u64,
        ) {
            let found = cluster(&vectors, &search(k, 3), seed).expect("clusters");
            prop_assert_eq!(&found, &cluster(&vectors, &search(k, 3), seed).expect("clusters"));
            for (x, label) in vectors.iter().zip(&found.labels) {
                let own = squared_distance(x, &found.centres[*label]);
                prop_assert!(found.centres.iter().all(|centre| own <= squared_distance(x, centre)));
            }
            let one = cluster(&vectors, &search(k, 1), seed).expect("clusters");
            prop_assert!(found.inertia <= one.inertia);
        }
    }
}
