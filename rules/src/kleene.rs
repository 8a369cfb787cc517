//! Three values: true, false, and unknown where a fact is absent. Only these decide.

use serde::{Deserialize, Serialize};

/// A truth of Kleene's strong logic, ordered from false to true.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Kleene {
    /// It does not hold.
    False,
    /// A fact that it needs is absent.
    #[default]
    Unknown,
    /// It holds.
    True,
}

impl Kleene {
    /// Whether it definitely holds; what is unknown does not.
    #[must_use]
    pub const fn holds(self) -> bool {
        matches!(self, Self::True)
    }

    /// Where it lies between false and true: what is unknown halfway, so that a formula whose value it
    /// cannot change keeps that value in every logic.
    #[must_use]
    pub const fn degree(self) -> f64 {
        match self {
            Self::False => 0.0,
            Self::Unknown => 0.5,
            Self::True => 1.0,
        }
    }

    /// Both.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        self.min(other)
    }

    /// Either.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        self.max(other)
    }

    /// The second, if the first.
    #[must_use]
    pub fn implies(self, other: Self) -> Self {
        (!self).or(other)
    }
}

impl std::ops::Not for Kleene {
    type Output = Self;
    fn not(self) -> Self {
        match self {
            Self::False => Self::True,
            Self::Unknown => Self::Unknown,
            Self::True => Self::False,
        }
    }
}

impl From<bool> for Kleene {
    fn from(holds: bool) -> Self {
        if holds { Self::True } else { Self::False }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Kleene; 3] = [Kleene::False, Kleene::Unknown, Kleene::True];

    #[test]
    fn what_is_unknown_decides_nothing_and_hides_nothing() {
        assert_eq!(Kleene::False.and(Kleene::Unknown), Kleene::False);
        assert_eq!(Kleene::True.and(Kleene::Unknown), Kleene::Unknown);
        assert_eq!(Kleene::True.or(Kleene::Unknown), Kleene::True);
        assert_eq!(Kleene::False.or(Kleene::Unknown), Kleene::Unknown);
        assert_eq!(Kleene::Unknown.implies(Kleene::True), Kleene::True);
        assert_eq!(Kleene::False.implies(Kleene::Unknown), Kleene::True);
        assert_eq!(!Kleene::Unknown, Kleene::Unknown);
        assert!(!Kleene::Unknown.holds());
    }

    #[test]
    fn de_morgan_holds_in_three_values() {
        for a in ALL {
            for b in ALL {
                assert_eq!(!a.and(b), (!a).or(!b));
                assert_eq!(!a.or(b), (!a).and(!b));
                assert_eq!(!a.implies(b), a.and(!b));
            }
        }
    }
}
