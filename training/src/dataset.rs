//! What is learnt from: rows of one instrument in time order, their labels by exact time, and how they are
//! parted so that nothing of the test is known to what is trained.

use std::ops::Range;

use networks::Shape;
use serde::{Deserialize, Serialize};

use crate::error::TrainError;

/// Classes of a label and of a forecast, in the order of the actions buy, sell, hold.
pub const UP: usize = 0;
/// The mid is lower after the horizon.
pub const DOWN: usize = 1;
/// The mid is the same.
pub const FLAT: usize = 2;
/// The fewest samples of a part that say anything.
const LEAST_SAMPLES: usize = 30;

/// What is known at one regular sample.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// Its time, in nanoseconds of the epoch.
    pub time_ns: i64,
    /// Twice the mid (best bid + best ask), exact in the instrument's smallest unit.
    pub mid2: i64,
    /// The F features, causally normalised, before scale and shift; empty where one of them is absent, and
    /// then the sample is in no video.
    pub z: Vec<f32>,
    /// The K numbers of the price stream.
    pub price: Vec<f32>,
    /// What was recalled of each action, action by action; empty where nothing was.
    pub recall: Vec<f32>,
    /// The newest headline, of those of the data set; none where there is none that is fresh.
    pub headline: Option<u32>,
}

/// The rows of one instrument, oldest first.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Dataset {
    /// The rows.
    pub rows: Vec<Row>,
    /// The embeddings of the headlines that rows name.
    pub headlines: Vec<Vec<f32>>,
}

/// How labels are made and rows parted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Protocol {
    /// How far ahead a label looks.
    pub horizon_ns: i64,
    /// Rows at the beginning that are never samples.
    pub skip_rows: usize,
    /// The first so many percent of the samples train, the others test.
    pub train_percent: usize,
    /// The last so many percent of the training part decide when to stop.
    pub validation_percent: usize,
}

impl Default for Protocol {
    fn default() -> Self {
        Self { horizon_ns: 1_000_000_000, skip_rows: 120, train_percent: 60, validation_percent: 25 }
    }
}

/// A row with a label.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sample {
    /// The row.
    pub row: usize,
    /// [`UP`], [`DOWN`] or [`FLAT`]: the sign of the mid's move, compared exactly.
    pub class: usize,
    /// The move, in basis points of the mid.
    pub move_bp: f32,
    /// Whether it is shown with buyers and sellers in each other's place.
    pub mirrored: bool,
}

impl Sample {
    /// The same sample of the world in which buyers and sellers have changed places.
    #[must_use]
    pub fn mirror(self) -> Self {
        let class = [DOWN, UP, FLAT][self.class];
        Self { class, move_bp: -self.move_bp, mirrored: !self.mirrored, ..self }
    }
}

/// The parts of the samples, in time order.
#[derive(Clone, Debug, PartialEq)]
pub struct Split<S = Sample> {
    /// All samples of the training part: of each the label is known before the first test sample.
    pub train: Vec<S>,
    /// Of them those that gradients come from: their labels are known before the first of `validation`.
    pub fit: Range<usize>,
    /// Of them those that decide when to stop.
    pub validation: Range<usize>,
    /// What is judged on.
    pub test: Vec<S>,
    /// The time from which on the test is; no label of this time or later trains.
    pub cut_ns: i64,
}

impl Dataset {
    /// Tests that every row can be learnt from.
    ///
    /// # Errors
    /// The first row that is out of order, of the wrong size, without a mid or not finite.
    pub fn check(&self, shape: &Shape) -> Result<(), TrainError> {
        for (at, row) in self.rows.iter().enumerate() {
            let wrong = |why: String| Err(TrainError::Row { row: at, why });
            if at > 0 && row.time_ns <= self.rows[at - 1].time_ns {
                let before = self.rows[at - 1].time_ns;
                return wrong(format!("time {} is not after {before}, that of the row before", row.time_ns));
            }
            if row.mid2 <= 0 {
                return wrong(format!("twice the mid is {}, but must be above 0", row.mid2));
            }
            let (z, price) = (row.z.len(), row.price.len());
            if (z != 0 && z != shape.features) || price != shape.price_numbers {
                let (f, k) = (shape.features, shape.price_numbers);
                return wrong(format!(
                    "{z} features and {price} price numbers, but the shape has {f} and {k}"
                ));
            }
            let (recall, memory) = (row.recall.len(), shape.memory);
            if recall != 0 && recall != memory {
                return wrong(format!("{recall} numbers of recall, but the shape has {memory}"));
            }
            let headline = row.headline.map(|at| self.headlines.get(at as usize).map_or(0, Vec::len));
            if let Some(text) = headline.filter(|text| *text != shape.text) {
                return wrong(format!("a headline of {text} numbers, but the shape has {}", shape.text));
            }
            let numbers = row.z.iter().chain(&row.price).chain(&row.recall);
            let text = row.headline.map(|at| &self.headlines[at as usize]);
            if let Some(value) = numbers.chain(text.into_iter().flatten()).find(|value| !value.is_finite()) {
                return wrong(format!("{value} is not finite"));
            }
        }
        Ok(())
    }

    /// The BLAKE3 hash of all rows, in hexadecimal digits.
    #[must_use]
    pub fn hash(&self) -> String {
        let mut hasher = blake3::Hasher::new();
        let mut add = |numbers: &[f32]| {
            hasher.update(&(numbers.len() as u64).to_le_bytes());
            numbers.iter().for_each(|x| _ = hasher.update(&x.to_le_bytes()));
        };
        self.headlines.iter().for_each(|text| add(text));
        for row in &self.rows {
            [&row.z, &row.price, &row.recall].into_iter().for_each(|numbers| add(numbers));
        }
        for row in &self.rows {
            let headline = row.headline.map_or(-1, i64::from);
            [row.time_ns, row.mid2, headline].iter().for_each(|x| _ = hasher.update(&x.to_le_bytes()));
        }
        hasher.finalize().to_hex().to_string()
    }

    /// The row of exactly that time.
    pub(crate) fn row_at(&self, time_ns: i64) -> Option<usize> {
        self.rows.binary_search_by_key(&time_ns, |row| row.time_ns).ok()
    }

    /// Every row whose video is full and whose label exists, but for the first ones.
    fn samples(&self, protocol: &Protocol, shape: &Shape) -> Vec<Sample> {
        let video = shape.window + (shape.frames - 1) * shape.stride;
        let mut drawn = 0;
        let mut samples = Vec::new();
        for (at, row) in self.rows.iter().enumerate() {
            drawn += usize::from(!row.z.is_empty());
            let later = self.row_at(row.time_ns.saturating_add(protocol.horizon_ns));
            let (Some(later), true) = (later, at >= protocol.skip_rows) else { continue };
            if drawn < video || row.z.is_empty() {
                continue;
            }
            let step = self.rows[later].mid2 - row.mid2;
            let class = if step > 0 {
                UP
            } else if step < 0 {
                DOWN
            } else {
                FLAT
            };
            samples.push(Sample {
                row: at,
                class,
                move_bp: (1e4 * step as f64 / row.mid2 as f64) as f32,
                mirrored: false,
            });
        }
        samples
    }

    /// How many of these samples, oldest first, have a label that is known before `time_ns`.
    fn known_before(&self, samples: &[Sample], protocol: &Protocol, time_ns: i64) -> usize {
        samples.partition_point(|s| self.rows[s.row].time_ns.saturating_add(protocol.horizon_ns) < time_ns)
    }

    /// Labels and parts the rows.
    ///
    /// # Errors
    /// All that [`Dataset::check`] refuses; percentages that leave nothing; a part with too few samples.
    pub fn split(&self, protocol: &Protocol, shape: &Shape) -> Result<Split, TrainError> {
        self.check(shape)?;
        if protocol.horizon_ns <= 0 || protocol.train_percent >= 100 || protocol.validation_percent >= 100 {
            return Err(TrainError::Plan(format!("{protocol:?}: a horizon above 0 and shares below 100 %")));
        }
        let samples = self.samples(protocol, shape);
        let from = samples.len() * protocol.train_percent / 100;
        let (train, test) = samples.split_at(from);
        enough("test", test.len())?;
        let cut_ns = self.rows[test[0].row].time_ns;
        let train = train[..self.known_before(train, protocol, cut_ns)].to_vec();
        let from = train.len() * (100 - protocol.validation_percent) / 100;
        enough("validation", train.len() - from)?;
        let fit = self.known_before(&train, protocol, self.rows[train[from].row].time_ns);
        enough("training", fit)?;
        Ok(Split { fit: 0..fit, validation: from..train.len(), train, test: test.to_vec(), cut_ns })
    }
}

/// Tests that a part has samples enough to say anything.
pub(crate) fn enough(part: &'static str, got: usize) -> Result<(), TrainError> {
    let too_few = TrainError::TooFew { part, got, least: LEAST_SAMPLES };
    if got < LEAST_SAMPLES { Err(too_few) } else { Ok(()) }
}

/// How many samples are up, down and flat.
#[must_use]
pub fn counts(samples: &[Sample]) -> [usize; 3] {
    let mut counts = [0; 3];
    samples.iter().for_each(|sample| counts[sample.class] += 1);
    counts
}

/// The shares of the classes.
#[must_use]
pub fn priors(samples: &[Sample]) -> [f64; 3] {
    counts(samples).map(|count| count as f64 / samples.len().max(1) as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUARTER_NS: i64 = 250_000_000;

    fn shape() -> Shape {
        Shape { features: 1, price_numbers: 1, window: 8, ..Shape::default() }
    }

    /// As many rows as the bundled session has, a mid that moves every hundredth row.
    fn rows(count: usize) -> Dataset {
        let row = |i: usize| Row {
            time_ns: 1_777_689_380_750_000_000 + i as i64 * QUARTER_NS,
            mid2: 1_000_000 + 2 * (i as i64 / 100),
            z: vec![0.0],
            price: vec![i as f32],
            ..Row::default()
        };
        Dataset { rows: (0..count).map(row).collect(), ..Dataset::default() }
    }

    #[test]
    fn the_session_is_parted_as_its_protocol_says() {
        let dataset = rows(7199);
        let split = dataset.split(&Protocol::default(), &shape()).expect("parts");
        assert_eq!((split.test[0].row, split.cut_ns), (4365, 1_777_690_472_000_000_000));
        assert_eq!((split.test.len(), split.test.last().map(|s| s.row)), (2830, Some(7194)));
        assert_eq!(split.train.first().map(|s| s.row), Some(120));
        assert_eq!(split.train.last().map(|s| s.row), Some(4360), "four samples earlier");
        let (fit, validation) = (split.fit, split.validation);
        assert_eq!(validation.end, split.train.len());
        assert_eq!(validation.start - fit.end, 4, "the tail is purged too");
        for sample in split.train.iter().chain(&split.test) {
            let want = if sample.row / 100 < (sample.row + 4) / 100 { UP } else { FLAT };
            assert_eq!(sample.class, want, "row {}", sample.row);
        }
    }

    #[test]
    fn labels_are_by_time_and_videos_by_what_was_drawn() {
        let mut dataset = rows(2000);
        dataset.rows.remove(1000);
        dataset.rows[300].z.clear();
        let samples = dataset.samples(&Protocol { skip_rows: 0, ..Protocol::default() }, &shape());
        let has = |row: usize| samples.iter().any(|sample| sample.row == row);
        assert!(!has(996) && has(995) && has(997), "the row at its label's time is gone");
        assert!(!has(300) && has(301), "nothing is drawn where a feature is absent");
        assert!(!has(34) && has(35), "a video is 8 + 7 · 4 samples long");
    }

    #[test]
    fn bad_rows_are_refused_by_name() {
        let refused = |spoil: fn(&mut Row)| {
            let mut dataset = rows(200);
            spoil(&mut dataset.rows[7]);
            dataset.check(&shape()).expect_err("refused").to_string()
        };
        assert!(refused(|row| row.time_ns = 0).contains("row 7: time 0 is not after"));
        assert!(refused(|row| row.mid2 = 0).contains("twice the mid is 0"));
        assert!(refused(|row| row.price.clear()).contains("1 features and 0 price numbers"));
        assert!(refused(|row| row.z[0] = f32::NAN).contains("NaN is not finite"));
        assert!(refused(|row| row.recall = vec![0.0]).contains("1 numbers of recall"));
        assert!(refused(|row| row.headline = Some(0)).contains("a headline of 0 numbers"));
        let short = rows(160).split(&Protocol::default(), &shape()).expect_err("too short");
        assert!(short.to_string().contains("the test part has"), "{short}");
    }
}
