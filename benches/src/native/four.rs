//! Four lanes of `f32` as an array, which the compiler keeps in one register of 128 bits.

use std::array::from_fn;

/// A register's worth.
pub(super) type Four = [f32; 4];

#[inline(always)]
pub(super) fn splat(value: f32) -> Four {
    [value; 4]
}

#[inline(always)]
pub(super) fn add(a: Four, b: Four) -> Four {
    from_fn(|i| a[i] + b[i])
}

#[inline(always)]
pub(super) fn multiply(a: Four, b: Four) -> Four {
    from_fn(|i| a[i] * b[i])
}

/// `a * b + c`, rounded twice: the architecture's baseline has no other way.
#[inline(always)]
pub(super) fn multiply_add(a: Four, b: Four, c: Four) -> Four {
    from_fn(|i| a[i] * b[i] + c[i])
}

#[inline(always)]
pub(super) fn sum([a, b, c, d]: Four) -> f32 {
    (a + c) + (b + d)
}

/// In each lane the sum of the lanes of one register.
#[inline(always)]
pub(super) fn sums([a, b, c, d]: [Four; 4]) -> Four {
    let pairs = |a: Four, b: Four| add([a[0], a[1], b[0], b[1]], [a[2], a[3], b[2], b[3]]);
    let (low, high) = (pairs(a, b), pairs(c, d));
    add(
        [low[0], low[2], high[0], high[2]],
        [low[1], low[3], high[1], high[3]],
    )
}

/// `exp(x)` for x up to 0, to about 2e-7 of itself; below -87 it is that of -87.
///
/// Rounding to a power of two by adding a number whose last bit is 1, then a polynomial of degree 6.
#[inline(always)]
pub(super) fn exp_of_at_most_zero(x: Four) -> Four {
    from_fn(|i| {
        let x = if x[i] > LOWEST { x[i] } else { LOWEST };
        let rounded = x * std::f32::consts::LOG2_E + ROUND;
        let n = rounded - ROUND;
        let rest = (x - n * LN2_HIGH) - n * LN2_LOW;
        let power = COEFFICIENTS
            .iter()
            .fold(0.0, |power, coefficient| power * rest + coefficient);
        f32::from_bits(power.to_bits().wrapping_add(rounded.to_bits() << 23))
    })
}

const LOWEST: f32 = -87.0;
/// 1.5 * 2^23.
const ROUND: f32 = 12_582_912.0;
/// ln 2 with so few digits that its product with a whole number up to 126 is exact.
const LN2_HIGH: f32 = 0.693_359_4;
/// What `LN2_HIGH` has too much.
const LN2_LOW: f32 = -2.121_944_4e-4;
/// Taylor's, from the highest on: |rest| is at most ln 2 / 2, where the next term is 1.2e-7.
const COEFFICIENTS: [f32; 7] = [
    1.0 / 720.0,
    1.0 / 120.0,
    1.0 / 24.0,
    1.0 / 6.0,
    0.5,
    1.0,
    1.0,
];
