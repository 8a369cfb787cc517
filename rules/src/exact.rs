//! Arithmetic on cells: exact or rounded to the nearest unit, and absent where it cannot be.

/// What a cell of a [`crate::World`] holds where a fact is absent.
pub(crate) const ABSENT: i128 = i128::MIN;

/// A sum.
pub(crate) fn add(a: i128, b: i128) -> i128 {
    with(a, b, |a, b| a.checked_add(b))
}

/// A difference.
pub(crate) fn subtract(a: i128, b: i128) -> i128 {
    with(a, b, |a, b| a.checked_sub(b))
}

/// A product, divided by what its scale is too large by.
pub(crate) fn multiply(a: i128, b: i128, divisor: i128) -> i128 {
    with(a, b, |a, b| multiply_divide(a, b, divisor))
}

/// A quotient, its dividend multiplied first by what its scale is too small by; absent for a divisor of nothing.
pub(crate) fn divide(a: i128, b: i128, factor: i128) -> i128 {
    with(a, b, |a, b| match b {
        0 => None,
        b if b < 0 => multiply_divide(a.checked_neg()?, factor, b.checked_neg()?),
        b => multiply_divide(a, factor, b),
    })
}

/// The number below zero of the same size.
pub(crate) fn negate(a: i128) -> i128 {
    if a == ABSENT { ABSENT } else { -a }
}

/// Its size.
pub(crate) fn magnitude(a: i128) -> i128 {
    if a == ABSENT { ABSENT } else { a.abs() }
}

/// The smaller of two.
pub(crate) fn smaller(a: i128, b: i128) -> i128 {
    with(a, b, |a, b| Some(a.min(b)))
}

/// The larger of two.
pub(crate) fn larger(a: i128, b: i128) -> i128 {
    with(a, b, |a, b| Some(a.max(b)))
}

fn with(a: i128, b: i128, operation: impl FnOnce(i128, i128) -> Option<i128>) -> i128 {
    if a == ABSENT || b == ABSENT { ABSENT } else { operation(a, b).unwrap_or(ABSENT) }
}

/// a · b / d for d > 0, rounded half away from zero, also where a · b alone would not fit.
fn multiply_divide(a: i128, b: i128, d: i128) -> Option<i128> {
    let (whole, rest) = match a.checked_mul(b) {
        Some(product) => (product / d, product % d),
        None => by_parts(a, b, d)?,
    };
    let up = rest.unsigned_abs() >= d.unsigned_abs() - rest.unsigned_abs();
    whole.checked_add(if up { rest.signum() } else { 0 })
}

/// a · b / d and its rest, without the product of a and b. All parts have one sign.
fn by_parts(a: i128, b: i128, d: i128) -> Option<(i128, i128)> {
    let parts = (a / d).checked_mul(b % d)?.checked_add(a.checked_mul(b / d)?)?;
    let small = (a % d).checked_mul(b % d)?;
    Some((parts.checked_add(small / d)?, small % d))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SCALE: i128 = 1_000_000_000;

    #[test]
    fn products_round_half_away_from_zero() {
        assert_eq!(multiply(3 * SCALE / 2, 3, 3 * SCALE), 2, "1.5 is nearer to neither");
        assert_eq!(multiply(-3 * SCALE / 2, 3, 3 * SCALE), -2);
        assert_eq!(multiply(2 * SCALE, 5 * SCALE, SCALE), 10 * SCALE);
    }

    #[test]
    fn what_cannot_be_is_absent() {
        assert_eq!(divide(1, 0, SCALE), ABSENT);
        assert_eq!(add(i128::MAX, 1), ABSENT);
        assert_eq!(multiply(i128::MAX, i128::MAX, SCALE), ABSENT);
        assert_eq!(add(ABSENT, 1), ABSENT);
        assert_eq!(negate(ABSENT), ABSENT);
        assert_eq!(magnitude(ABSENT), ABSENT);
        assert_eq!(smaller(ABSENT, 1), ABSENT);
    }

    #[test]
    fn large_money_times_a_ratio_fits() {
        let ratio_scale = 10_000 * SCALE;
        let money = 1_000_000_000_000_000_000_000 * SCALE + 7;
        assert_eq!(multiply(money, 2 * ratio_scale, ratio_scale), 2 * money);
    }

    proptest! {
        #[test]
        fn a_quotient_undoes_a_product(a in -1_000_000_000_000_i128..1_000_000_000_000, b in 1_i128..1_000_000) {
            let product = multiply(a, b * SCALE, SCALE);
            prop_assert_eq!(product, a * b);
            prop_assert_eq!(divide(product, b * SCALE, SCALE), a);
            prop_assert_eq!(divide(product, -b * SCALE, SCALE), -a);
        }

        #[test]
        fn both_ways_to_multiply_agree(a in any::<i64>(), b in any::<i64>(), d in 1_i128..10_000_000_000_000) {
            let (a, b) = (i128::from(a), i128::from(b));
            prop_assert_eq!(by_parts(a, b, d), Some((a * b / d, a * b % d)));
        }
    }
}
