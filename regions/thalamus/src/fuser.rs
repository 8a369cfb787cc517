//! Fusion by a trained network (20, 21): what goes in, in which order.

use std::fmt;
use std::ops::Range;

use synapse::{Action, Modality, Model, Recall};

use crate::layout::{MEMORY, MEMORY_NUMBERS};
use crate::price::PRICE;
use crate::window::Window;

/// A set of modalities.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Modalities([bool; Modality::ALL.len()]);

impl Modalities {
    /// Whether a modality is in it.
    #[must_use]
    pub const fn contains(self, modality: Modality) -> bool {
        self.0[modality as usize]
    }
}

impl FromIterator<Modality> for Modalities {
    fn from_iter<T: IntoIterator<Item = Modality>>(modalities: T) -> Self {
        let mut set = Self::default();
        modalities.into_iter().for_each(|modality| set.0[modality as usize] = true);
        set
    }
}

/// A trained fusion.
pub struct Fuser {
    /// The network: [v | price window, oldest row first | s | m | mask of v, t, s, m] goes in, [h | g]
    /// comes out. Where the mask is 0 the modality is absent and its numbers are 0.
    pub model: Box<dyn Model>,
    /// Numbers in a price row, K: the first of [`PRICE`].
    pub price_numbers: usize,
    /// Rows of the price window, T, the present one among them.
    pub price_window: usize,
    /// Numbers in the state h, and in the gate g.
    pub width: usize,
    /// Numbers in a percept v.
    pub vision: usize,
    /// Numbers in an embedding s.
    pub text: usize,
    /// What it was trained with; every other modality is always masked. The price can never be masked:
    /// without it, to see what it is worth, its numbers are 0.
    pub trained: Modalities,
}

impl fmt::Debug for Fuser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fuser")
            .field("model", self.model.card())
            .field("trained", &self.trained)
            .finish_non_exhaustive()
    }
}

/// What there is to fuse; what is absent is none.
pub(crate) struct Given<'a> {
    pub(crate) v: Option<&'a [f32]>,
    pub(crate) past: &'a Window,
    /// The present price row, `[K]`.
    pub(crate) row: &'a [f32],
    pub(crate) s: Option<&'a [f32]>,
    pub(crate) m: Option<&'a [Recall; Action::COUNT]>,
}

impl Fuser {
    /// How many numbers go in.
    #[must_use]
    pub const fn inputs(&self) -> usize {
        self.range(Modality::Memory).end + Modality::ALL.len()
    }

    /// The places of a modality among what goes in.
    #[must_use]
    pub const fn range(&self, modality: Modality) -> Range<usize> {
        let price = self.vision;
        let text = price + self.price_window * self.price_numbers;
        let memory = text + self.text;
        match modality {
            Modality::Vision => 0..price,
            Modality::Price => price..text,
            Modality::Text => text..memory,
            Modality::Memory => memory..memory + MEMORY_NUMBERS,
        }
    }

    /// Panics where its sizes contradict each other.
    pub(crate) fn check(&self) {
        let Self { price_numbers, price_window, width, .. } = *self;
        assert!((1..=PRICE.len()).contains(&price_numbers), "{price_numbers} numbers of a price row");
        assert!(price_window > 0, "a price window has the present row");
        assert_eq!(self.model.inputs(), self.inputs(), "a fusion of other inputs");
        assert_eq!(self.model.outputs(), 2 * width, "a fusion of other outputs");
    }

    /// Writes what goes in, and tells what is absent.
    pub(crate) fn write(&self, given: &Given<'_>, x: &mut [f32]) -> Vec<Modality> {
        x.fill(0.0);
        if self.trained.contains(Modality::Price) {
            given.past.write(given.row, &mut x[self.range(Modality::Price)]);
        }
        for (modality, numbers) in [(Modality::Vision, given.v), (Modality::Text, given.s)] {
            if let Some(numbers) = numbers {
                x[self.range(modality)].copy_from_slice(numbers);
            }
        }
        if let Some(recall) = given.m {
            write_memory(recall, &mut x[self.range(Modality::Memory)]);
        }
        let present = [given.v.is_some(), true, given.s.is_some(), given.m.is_some()];
        let mask = self.range(Modality::Memory).end;
        for (place, present) in x[mask..].iter_mut().zip(present) {
            *place = f32::from(u8::from(present));
        }
        Modality::ALL
            .into_iter()
            .zip(present)
            .filter(|(_, there)| !there)
            .map(|(modality, _)| modality)
            .collect()
    }
}

/// Writes [`MEMORY`] of each action, [`MEMORY_NUMBERS`] in all; what is unknown is 0.
pub fn write_memory(recall: &[Recall; Action::COUNT], m: &mut [f32]) {
    for (recall, m) in recall.iter().zip(m.chunks_exact_mut(MEMORY.len())) {
        let known = [recall.reward_bp, recall.reward_std_bp, Some(recall.confidence)];
        m.copy_from_slice(&known.map(|number| number.unwrap_or(0.0)));
    }
}
