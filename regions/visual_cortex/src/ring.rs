//! What belongs to the newest samples, one row of numbers each, so that none is worked out twice.

use serde::{Deserialize, Serialize};

/// The newest rows, a fixed number of them, all of one length.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Ring {
    width: usize,
    rows: usize,
    // [rows][width]
    values: Vec<f32>,
    count: u64,
}

impl Ring {
    /// An empty ring of so many rows of `width` numbers.
    #[must_use]
    pub fn new(width: usize, rows: usize) -> Self {
        Self { width, rows, values: vec![0.0; rows * width], count: 0 }
    }

    /// Whether two rings have room for the same.
    #[must_use]
    pub fn fits(&self, other: &Self) -> bool {
        let room = |ring: &Self| (ring.width, ring.rows, ring.values.len());
        room(self) == room(other)
    }

    /// Rows that are held.
    #[must_use]
    pub fn len(&self) -> usize {
        self.count.min(self.rows as u64) as usize
    }

    /// Room `[width]` for the row of a new sample, which takes the place of the oldest.
    pub fn push(&mut self) -> &mut [f32] {
        self.count += 1;
        let slot = self.slot(0);
        &mut self.values[slot]
    }

    /// The row, `[width]`, that is so many rows older than the newest; none where it is not held.
    #[must_use]
    pub fn back(&self, age: usize) -> Option<&[f32]> {
        (age < self.len()).then(|| &self.values[self.slot(age)])
    }

    /// Forgets every row.
    pub fn clear(&mut self) {
        self.count = 0;
        self.values.fill(0.0);
    }

    /// Where the row stands that is so many older than the newest of at least one.
    fn slot(&self, age: usize) -> std::ops::Range<usize> {
        let at = ((self.count - 1 - age as u64) % self.rows as u64) as usize;
        at * self.width..(at + 1) * self.width
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_found_by_its_age_until_it_is_pushed_out() {
        for rows in 1..5 {
            let mut ring = Ring::new(2, rows);
            assert_eq!((ring.len(), ring.back(0)), (0, None));
            for sample in 0..12 {
                ring.push().copy_from_slice(&[sample as f32, -1.0]);
                assert_eq!(ring.len(), rows.min(sample + 1));
                for age in 0..rows + 2 {
                    let at = (age < ring.len()).then(|| [(sample - age) as f32, -1.0]);
                    assert_eq!(ring.back(age), at.as_ref().map(|row| &row[..]));
                }
            }
            ring.clear();
            assert_eq!(ring, Ring::new(2, rows));
            assert!(!ring.fits(&Ring::new(2, rows + 1)) && !ring.fits(&Ring::new(3, rows)));
        }
    }
}
