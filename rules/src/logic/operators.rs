//! The connectives (10–15, 48, 49), each with its gradient.

use serde::{Deserialize, Serialize};

use super::{STABLE_EPSILON, from_one, from_zero};

/// A truth and its derivatives by the truths it was made of.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Graded<const N: usize> {
    /// The truth, in [0, 1] for operands in [0, 1].
    pub value: f64,
    /// Its derivative by each operand.
    pub gradient: [f64; N],
}

/// Which truth a connective has between true and false.
///
/// The two agree on 0 and 1 only: u ⇒ u has the truth 1 − u + u² in the product logic and 1 in
/// Łukasiewicz', so a rule's truth in training and its truth in an audit are two numbers.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub enum Logic {
    /// Product logic, for training: its gradients vanish almost nowhere.
    Product {
        /// How far operands are pushed away from where a gradient vanishes; 0 for the plain form.
        epsilon: f64,
    },
    /// Łukasiewicz logic, for inference. At a kink the gradient is that of the flat side.
    Lukasiewicz,
}

impl Logic {
    /// The plain product logic.
    pub const PRODUCT: Self = Self::Product { epsilon: 0.0 };

    /// The product logic that training uses; its values are never for enforcement.
    pub const STABLE_PRODUCT: Self = Self::Product { epsilon: STABLE_EPSILON };

    /// u ∧ v: u·v (10), or max(0, u + v − 1) (11, 48).
    #[must_use]
    pub fn and(self, u: f64, v: f64) -> Graded<2> {
        match self {
            Self::Product { epsilon } => {
                let (u, v) = (from_zero(u, epsilon), from_zero(v, epsilon));
                scaled(u * v, [v, u], epsilon)
            }
            Self::Lukasiewicz => {
                let sum = u + v - 1.0;
                if sum <= 0.0 { flat(0.0) } else { Graded { value: sum, gradient: [1.0, 1.0] } }
            }
        }
    }

    /// u ∨ v: u + v − u·v, the dual of (10), or min(1, u + v) (12).
    #[must_use]
    pub fn or(self, u: f64, v: f64) -> Graded<2> {
        match self {
            Self::Product { epsilon } => {
                let (u, v) = (from_one(u, epsilon), from_one(v, epsilon));
                scaled(u + v - u * v, [1.0 - v, 1.0 - u], epsilon)
            }
            Self::Lukasiewicz => {
                let sum = u + v;
                if sum >= 1.0 { flat(1.0) } else { Graded { value: sum, gradient: [1.0, 1.0] } }
            }
        }
    }

    /// u ⇒ v: 1 − u + u·v (14, Reichenbach's), or min(1, 1 − u + v) (15, 49).
    #[must_use]
    pub fn implies(self, u: f64, v: f64) -> Graded<2> {
        match self {
            Self::Product { epsilon } => {
                let (u, v) = (from_zero(u, epsilon), from_one(v, epsilon));
                scaled(1.0 - u + u * v, [v - 1.0, u], epsilon)
            }
            Self::Lukasiewicz => {
                let sum = 1.0 - u + v;
                if sum >= 1.0 { flat(1.0) } else { Graded { value: sum, gradient: [-1.0, 1.0] } }
            }
        }
    }
}

/// ¬u = 1 − u (13), the same in both logics.
#[must_use]
pub fn not(u: f64) -> Graded<1> {
    Graded { value: 1.0 - u, gradient: [-1.0] }
}

fn flat(value: f64) -> Graded<2> {
    Graded { value, gradient: [0.0, 0.0] }
}

/// The gradient by pushed operands, carried through the push to the operands themselves.
fn scaled(value: f64, by_pushed: [f64; 2], epsilon: f64) -> Graded<2> {
    Graded { value, gradient: by_pushed.map(|slope| slope * (1.0 - epsilon)) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use support::golden::{self, Case};

    type Connective = fn(Logic, f64, f64) -> Graded<2>;

    /// The connective that a case is named after.
    fn connective(case: &Case) -> (Logic, Connective) {
        let logic = match case.name.as_str() {
            name if name.contains("lukasiewicz") => Logic::Lukasiewicz,
            name if name.contains("stable") => Logic::Product { epsilon: case.number("eps") },
            _ => Logic::PRODUCT,
        };
        let connective: Connective = match case.name.split('_').next() {
            Some("and") => Logic::and,
            Some("or") => Logic::or,
            Some("implies") => Logic::implies,
            _ => panic!("{}: no such connective", case.name),
        };
        (logic, connective)
    }

    fn golden_binary(case: &Case) {
        let (logic, connective) = connective(case);
        let graded: Vec<Graded<2>> =
            case.rows("uv").iter().map(|uv| connective(logic, uv[0], uv[1])).collect();
        case.check("value", &graded.iter().map(|g| g.value).collect::<Vec<_>>());
        let kinks = golden::floats(&case.expected["grad_is_convention_at_kink"]);
        for ((graded, kink), want) in
            graded.iter().zip(kinks).zip(case.expected["grad_uv"].as_array().into_iter().flatten())
        {
            if kink == 0.0 {
                case.check_value("grad_uv", &graded.gradient, want);
            } else {
                assert!(graded.gradient.iter().all(|g| (-1.0..=1.0).contains(g)), "{}", case.name);
            }
        }
    }

    #[test]
    fn golden_connectives() {
        let mut run = 0;
        for case in golden::cases("06_") {
            if !case.inputs["uv"].is_null() {
                golden_binary(&case);
                run += 1;
            } else if !case.inputs["u"].is_null() {
                let graded: Vec<Graded<1>> = case.input("u").into_iter().map(not).collect();
                case.check("value", &graded.iter().map(|g| g.value).collect::<Vec<_>>());
                case.check("grad", &graded.iter().map(|g| g.gradient[0]).collect::<Vec<_>>());
                run += 1;
            }
        }
        assert!(run > 1, "no case of a connective");
    }

    #[test]
    fn what_is_not_a_number_is_no_truth() {
        for logic in [Logic::PRODUCT, Logic::STABLE_PRODUCT, Logic::Lukasiewicz] {
            for connective in [Logic::and, Logic::or, Logic::implies] {
                assert!(connective(logic, f64::NAN, 1.0).value.is_nan());
                assert!(connective(logic, 0.5, f64::NAN).value.is_nan());
            }
        }
    }

    proptest! {
        #[test]
        fn both_logics_are_boolean_at_the_corners(u: bool, v: bool) {
            let (x, y) = (f64::from(u8::from(u)), f64::from(u8::from(v)));
            for logic in [Logic::PRODUCT, Logic::Lukasiewicz] {
                prop_assert_eq!(logic.and(x, y).value == 1.0, u && v);
                prop_assert_eq!(logic.or(x, y).value == 1.0, u || v);
                prop_assert_eq!(logic.implies(x, y).value == 1.0, !u || v);
            }
        }

        #[test]
        fn and_and_or_are_duals(u in 0.0f64..=1.0, v in 0.0f64..=1.0) {
            for logic in [Logic::PRODUCT, Logic::STABLE_PRODUCT, Logic::Lukasiewicz] {
                let dual = 1.0 - logic.and(1.0 - u, 1.0 - v).value;
                prop_assert!((logic.or(u, v).value - dual).abs() < 1e-12);
            }
        }

        #[test]
        fn the_stable_form_stays_near_and_never_loses_its_gradient(
            u in 0.0f64..=1.0,
            v in 0.0f64..=1.0,
        ) {
            for connective in [Logic::and, Logic::or, Logic::implies] {
                let plain = connective(Logic::PRODUCT, u, v);
                let stable = connective(Logic::STABLE_PRODUCT, u, v);
                prop_assert!((stable.value - plain.value).abs() <= 3.0 * STABLE_EPSILON);
                prop_assert!(stable.gradient.iter().all(|slope| *slope != 0.0));
            }
        }

        #[test]
        fn gradients_are_slopes(u in 0.01f64..0.99, v in 0.01f64..0.99) {
            let step = 1e-6;
            for logic in [Logic::PRODUCT, Logic::STABLE_PRODUCT, Logic::Lukasiewicz] {
                let kink = (u + v - 1.0).abs() < 1e-5 || (u - v).abs() < 1e-5;
                prop_assume!(!kink || logic != Logic::Lukasiewicz);
                for connective in [Logic::and, Logic::or, Logic::implies] {
                    let value = |u, v| connective(logic, u, v).value;
                    let slopes = [
                        (value(u + step, v) - value(u - step, v)) / (2.0 * step),
                        (value(u, v + step) - value(u, v - step)) / (2.0 * step),
                    ];
                    for (slope, g) in slopes.iter().zip(connective(logic, u, v).gradient) {
                        prop_assert!((slope - g).abs() < 1e-6);
                    }
                }
            }
        }
    }
}
