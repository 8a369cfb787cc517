//! What is looked at: the features whose windows become pictures.

use market::features::{Feature, FeatureVector};

/// A feature that is looked at.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Seen {
    /// Which.
    pub feature: Feature,
    /// How it is compressed before it is normalised.
    pub scale: Scale,
    /// A change just worth seeing, on that scale: the unit of its [`Normaliser`].
    ///
    /// [`Normaliser`]: crate::normalisation::Normaliser
    pub unit: f64,
}

/// How a feature is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scale {
    /// It is taken as it is.
    Linear,
    /// sign(x) · ln(1 + |x|), for heavy tails.
    SignedLog,
}

/// How many features are looked at.
pub const SEEN_COUNT: usize = 6;

/// What is looked at, in the order of a frame. All need an order book: without one nothing is seen.
pub const SEEN: [Seen; SEEN_COUNT] = [
    Seen { feature: Feature::ReturnMid, scale: Scale::Linear, unit: 0.1 },
    Seen { feature: Feature::ReturnMicro, scale: Scale::Linear, unit: 0.1 },
    Seen { feature: Feature::Imbalance1, scale: Scale::Linear, unit: 0.01 },
    Seen { feature: Feature::Imbalance5, scale: Scale::Linear, unit: 0.01 },
    Seen { feature: Feature::OrderFlowImbalance, scale: Scale::SignedLog, unit: 0.01 },
    Seen { feature: Feature::SpreadBp, scale: Scale::Linear, unit: 0.01 },
];

impl Seen {
    /// Its name: the feature's, and how that is compressed where it is.
    #[must_use]
    pub fn name(&self) -> String {
        let name = self.feature.spec().name;
        match self.scale {
            Scale::Linear => name.to_owned(),
            Scale::SignedLog => format!("signed_log({name})"),
        }
    }
}

/// The names of [`SEEN`], in its order.
#[must_use]
pub fn seen_names() -> Vec<String> {
    SEEN.iter().map(Seen::name).collect()
}

/// The hash of [`SEEN`], names and units in its order: eyes trained on other features have another.
#[must_use]
pub fn seen_hash() -> blake3::Hash {
    let mut hasher = blake3::Hasher::new();
    hasher.update(b"janus seen 1");
    for seen in &SEEN {
        hasher.update(seen.name().as_bytes()).update(&[0]).update(&seen.unit.to_bits().to_le_bytes());
    }
    hasher.finalize()
}

/// The values of [`SEEN`]; `None` where one is absent or not finite.
#[must_use]
pub fn look(features: &FeatureVector) -> Option<[f32; SEEN_COUNT]> {
    let mut values = [0.0; SEEN_COUNT];
    for (value, seen) in values.iter_mut().zip(&SEEN) {
        let x = features[seen.feature].filter(|x| x.is_finite())?;
        *value = match seen.scale {
            Scale::Linear => x,
            Scale::SignedLog => libm::log1pf(x.abs()).copysign(x),
        };
    }
    Some(values)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn no_feature_is_seen_twice() {
        for (at, seen) in SEEN.iter().enumerate() {
            assert!(seen.unit > 0.0);
            assert!(SEEN[..at].iter().all(|other| other.feature != seen.feature));
        }
    }

    #[test]
    fn what_is_seen_is_told_by_name() {
        let names = seen_names();
        assert_eq!(names[0], "return_mid");
        assert_eq!(names[4], "signed_log(order_flow_imbalance)");
        for (seen, name) in SEEN.iter().zip(&names) {
            let raw = name.strip_prefix("signed_log(").and_then(|rest| rest.strip_suffix(')'));
            assert_eq!(Feature::find(raw.unwrap_or(name)), Some(seen.feature));
        }
        let other = blake3::hash(names.join("\0").as_bytes());
        assert_ne!(seen_hash(), other, "the units are part of it");
    }

    #[test]
    fn heavy_tails_are_compressed_with_their_sign() {
        let mut features = FeatureVector([Some(0.5); 14]);
        features[Feature::OrderFlowImbalance] = Some(1.0 - std::f32::consts::E);
        let place = SEEN.iter().position(|s| s.scale == Scale::SignedLog).expect("a compressed feature");
        let values = look(&features).expect("all present");
        assert!((values[place] + 1.0).abs() < 1e-6);
        assert_eq!(values[0], 0.5);
    }

    proptest! {
        #[test]
        fn all_or_nothing_is_seen(
            features in prop::collection::vec(prop::option::weighted(0.95, any::<f32>()), 14),
        ) {
            let mut vector = FeatureVector::default();
            vector.0.copy_from_slice(&features);
            let usable = |seen: &Seen| vector[seen.feature].is_some_and(f32::is_finite);
            let values = look(&vector);
            prop_assert_eq!(values.is_some(), SEEN.iter().all(usable));
            prop_assert!(values.is_none_or(|values| values.iter().all(|x| x.is_finite())));
        }
    }
}
