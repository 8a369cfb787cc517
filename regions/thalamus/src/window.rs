//! The window over the price stream: the rows of the newest regular samples of an instrument.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

/// The rows before the present one, oldest first; the present one is seldom known twice, so it is not
/// among them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Window {
    /// Numbers in a row, K.
    numbers: usize,
    /// `[rows][K]`.
    rows: VecDeque<f32>,
}

impl Window {
    /// A window that will look at `rows` rows of `numbers` numbers, the present one among them.
    pub(crate) fn new(numbers: usize, rows: usize) -> Self {
        Self { numbers, rows: VecDeque::with_capacity(rows * numbers) }
    }

    /// Whether its rows are of so many numbers and no more than a window of `rows` remembers.
    pub(crate) fn fits(&self, numbers: usize, rows: usize) -> bool {
        self.numbers == numbers
            && self.rows.len() <= (rows - 1) * numbers
            && self.rows.len().is_multiple_of(numbers)
    }

    /// Remembers the present row, as one of a window of `rows`.
    pub(crate) fn push(&mut self, present: &[f32], rows: usize) {
        self.rows.extend(present);
        let beyond = self.rows.len().saturating_sub((rows - 1) * self.numbers);
        self.rows.drain(..beyond);
    }

    /// Writes the window `[T][K]` that ends with the present row; the rows that are not there yet are
    /// the oldest one again.
    pub(crate) fn write(&self, present: &[f32], t: &mut [f32]) {
        let missing = t.len() - present.len() - self.rows.len();
        let (gap, there) = t.split_at_mut(missing);
        for (number, known) in there.iter_mut().zip(self.rows.iter().chain(present)) {
            *number = *known;
        }
        for row in gap.chunks_exact_mut(self.numbers) {
            row.copy_from_slice(&there[..self.numbers]);
        }
    }

    /// Forgets every row.
    pub(crate) fn clear(&mut self) {
        self.rows.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn it_is_the_newest_rows_and_the_oldest_again(
            history in prop::collection::vec(prop::array::uniform3(any::<i8>()), 1..20),
            rows in 1usize..7,
        ) {
            let history: Vec<[f32; 3]> = history.into_iter().map(|row| row.map(f32::from)).collect();
            let mut window = Window::new(3, rows);
            for (at, present) in history.iter().enumerate() {
                let mut t = vec![f32::NAN; rows * 3];
                window.write(present, &mut t);
                let first = (at + 1).saturating_sub(rows);
                let known = &history[first..=at];
                let mut want = vec![known[0]; rows - known.len()];
                want.extend(known);
                prop_assert_eq!(&t, &want.concat());
                window.push(present, rows);
                prop_assert!(window.fits(3, rows));
            }
            let before = window.rows.capacity();
            window.clear();
            prop_assert_eq!((window.rows.len(), window.rows.capacity()), (0, before));
        }
    }
}
