//! Where each modality stands in the concatenation [v; t; s; m].

use std::ops::Range;

use synapse::{Action, Modality};

use crate::price::PRICE;

/// What is remembered of each action, in the order of the concatenation.
pub const MEMORY: [&str; 3] = ["reward_bp", "reward_std_bp", "confidence"];
/// Numbers of the recall of all actions.
pub const MEMORY_NUMBERS: usize = Action::COUNT * MEMORY.len();

/// How many numbers each modality has in the concatenation, in its order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Layout {
    /// Of the percept v.
    pub vision: usize,
    /// Of the price stream t.
    pub price: usize,
    /// Of the text s.
    pub text: usize,
    /// Of the recall m: [`MEMORY`] for each action.
    pub memory: usize,
}

impl Layout {
    /// A percept of `vision` numbers beside the price stream and the recall; of text there is none
    /// until there is fusion.
    #[must_use]
    pub const fn new(vision: usize) -> Self {
        Self { vision, price: PRICE.len(), text: 0, memory: MEMORY_NUMBERS }
    }

    /// How many numbers there are.
    #[must_use]
    pub const fn width(&self) -> usize {
        self.vision + self.price + self.text + self.memory
    }

    /// The places of a modality.
    #[must_use]
    pub const fn range(&self, modality: Modality) -> Range<usize> {
        let (start, width) = match modality {
            Modality::Vision => (0, self.vision),
            Modality::Price => (self.vision, self.price),
            Modality::Text => (self.vision + self.price, self.text),
            Modality::Memory => (self.vision + self.price + self.text, self.memory),
        };
        start..start + width
    }

    /// The place of the price number of that name, see [`PRICE`].
    #[must_use]
    pub fn price_index(&self, name: &str) -> Option<usize> {
        let place = PRICE.iter().position(|number| number.name == name)?;
        Some(self.range(Modality::Price).start + place)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modalities_stand_end_to_end() {
        let layout = Layout::new(84);
        let mut end = 0;
        for modality in [Modality::Vision, Modality::Price, Modality::Text, Modality::Memory] {
            let range = layout.range(modality);
            assert_eq!(range.start, end);
            end = range.end;
        }
        assert_eq!(end, layout.width());
        assert!(layout.range(Modality::Text).is_empty());
    }

    #[test]
    fn a_price_number_is_found_by_name() {
        let layout = Layout::new(10);
        for (place, number) in PRICE.iter().enumerate() {
            assert_eq!(layout.price_index(number.name), Some(10 + place));
        }
        assert_eq!(layout.price_index("no_such_number"), None);
    }
}
