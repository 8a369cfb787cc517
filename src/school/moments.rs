//! What a brain senses, as moments for predicates to learn from: the very features that the brainstem makes.

use market::features::Feature;
use synapse::Sensed;
use training::predicates::Moment;

/// The moment of a regular sample with both sides of a book.
pub fn moment(sensed: &Sensed) -> Option<Moment> {
    let (top, mut features) = (sensed.top?, sensed.features);
    // what we hold is the rules' doing: what is learned of the market must not depend on it
    features[Feature::Inventory] = None;
    let (mid2, spread) = (top.mid2(), top.spread().units());
    Some(Moment { time_ns: sensed.time.ns(), mid2, spread, features })
}
