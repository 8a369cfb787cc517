//! What a brain sees, as rows to learn from: the very numbers that the daemon's own regions make of the same
//! samples, so that what is learned is what will be seen.

use market::Instrument;
use market::features::FeatureVector;
use synapse::Sensed;
use thalamus::price;
use training::Row;
use visual_cortex::VisualCortexParams;
use visual_cortex::normalisation::Normaliser;
use visual_cortex::seen::{SEEN, look};

/// A fold over the regular samples of one instrument.
#[derive(Debug)]
pub struct Rows {
    instrument: Instrument,
    normalisers: Vec<Normaliser>,
    price_numbers: usize,
    rows: Vec<Row>,
    features: Vec<FeatureVector>,
    blind: u64,
}

impl Rows {
    /// None yet; a row has the first `price_numbers` of the price stream.
    pub fn new(params: &VisualCortexParams, instrument: Instrument, price_numbers: usize) -> Self {
        let normalisers = SEEN.iter().map(|seen| Normaliser::new(params.gain, seen.unit)).collect();
        Self { instrument, normalisers, price_numbers, rows: Vec::new(), features: Vec::new(), blind: 0 }
    }

    /// The rows in order of time, one a regular sample that has a mark, with the features of each; and how many samples
    /// lack a feature, so that nothing is seen there.
    pub fn into_rows(self) -> (Vec<Row>, Vec<FeatureVector>, u64) {
        (self.rows, self.features, self.blind)
    }

    /// Adds the row of a regular sample, and gives it, where there is a mark; nothing is recalled or read in it.
    pub fn note(&mut self, sensed: &Sensed) -> Option<&mut Row> {
        let row = self.row(sensed)?;
        self.rows.push(row);
        self.features.push(sensed.features);
        self.rows.last_mut()
    }

    fn row(&mut self, sensed: &Sensed) -> Option<Row> {
        // normalised before the mark is asked for: the visual cortex does not know of it
        let z: Vec<f32> = look(&sensed.features).map_or_else(Vec::new, |values| {
            self.normalisers.iter_mut().zip(values).map(|(n, value)| n.normalise(value)).collect()
        });
        self.blind += u64::from(z.is_empty());
        let mut price = vec![0.0; price::PRICE.len()];
        price::write(sensed, &self.instrument, &mut price);
        price.truncate(self.price_numbers);
        Some(Row { time_ns: sensed.time.ns(), mid2: sensed.mark2?, z, price, ..Row::default() })
    }
}
