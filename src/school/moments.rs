//! What a brain sensed, as moments for predicates to learn from: the very features that the brainstem made.

use market::features::Feature;
use synapse::{DecisionRecord, Digest, SampleKind};
use training::predicates::{Moment, Moments};

use crate::brain::Observer;

/// A fold over the decisions on one instrument: one moment a regular sample with both sides of a book.
#[derive(Debug, Default)]
pub struct Sensations {
    /// The moments so far, oldest first.
    pub moments: Moments,
}

impl Observer for Sensations {
    fn decided(&mut self, record: &DecisionRecord, _bytes: &[u8], _digest: Digest) {
        if record.kind != SampleKind::Regular {
            return;
        }
        if let Some(top) = record.top {
            let mut features = record.features;
            // what we hold is the rules' doing: what is learned of the market must not depend on it
            features[Feature::Inventory] = None;
            self.moments.moments.push(Moment {
                time_ns: record.time.ns(),
                mid2: top.mid2(),
                spread: top.spread().units(),
                features,
            });
        }
    }
}
