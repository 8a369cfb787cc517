//! Samples for the tests of this crate.

use market::InstrumentId;
use market::features::FeatureVector;
use synapse::{Recalled, SampleKind, Sensed};

/// A sample of an instrument with these features.
pub(crate) fn recalled(instrument: u16, kind: SampleKind, features: FeatureVector) -> Recalled {
    scenes::recalled(Sensed { instrument: InstrumentId(instrument), kind, features, ..scenes::sensed() })
}
