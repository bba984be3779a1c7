use half::f16;

/// Elements of a block of either format.
const BLOCK: usize = 32;

/// One block of Q8_0: the scale `d = max |x| / 127` as `f16`, then 32 times `round(x / d)` as `i8`.
///
/// The bytes are what ggml's `quantize_row_q8_0_ref` writes. They depend on its arithmetic, which is
/// `f32`: the codes are made with the scale before it is rounded to `f16`, by a product with its
/// inverse, and rounded half away from zero. ggml leaves open what becomes of a block that holds NaN or
/// an infinity; here its scale is NaN or infinite, and its codes are 0.
#[must_use]
pub fn q8_block(x: &[f32; BLOCK]) -> [u8; 34] {
    let largest = largest_magnitude(x);
    let scale = largest / 127.0;
    let inverse = if scale == 0.0 { 0.0 } else { 1.0 / scale };
    let mut block = [0; 34];
    block[..2].copy_from_slice(&stored(scale));
    if largest.is_finite() {
        for (code, x) in block[2..].iter_mut().zip(x) {
            *code = saturate_i8((x * inverse).round()).to_le_bytes()[0];
        }
    }
    block
}

/// One block of Q4_0: the scale `d = m / -8` as `f16`, where m is the element of the largest magnitude,
/// the first of several; then 16 bytes with elements i in the low and i + 16 in the high half, each
/// `min(15, trunc(x / d + 8.5))`.
///
/// The bytes are what ggml's `quantize_row_q4_0_ref` writes; see [`q8_block`] for what that means. A
/// block of zeros has the scale -0. A block that holds NaN or an infinity has such a scale, and the
/// codes of zeros.
#[must_use]
pub fn q4_block(x: &[f32; BLOCK]) -> [u8; 18] {
    let largest = largest_magnitude(x);
    let signed = x.iter().copied().find(|x| x.abs() == largest);
    let scale = match signed {
        Some(0.0) => -0.0,
        Some(signed) => signed / -8.0,
        None => f32::NAN,
    };
    let inverse = if scale == 0.0 { 0.0 } else { 1.0 / scale };
    let code = |x: f32| {
        let shifted = if largest.is_finite() {
            x * inverse + 8.5
        } else {
            8.5
        };
        saturate_u4(shifted.trunc())
    };
    let mut block = [0; 18];
    block[..2].copy_from_slice(&stored(scale));
    for (i, byte) in block[2..].iter_mut().enumerate() {
        *byte = code(x[i]) | code(x[i + BLOCK / 2]) << 4;
    }
    block
}

/// The elements of a block of Q8_0, exact.
#[must_use]
pub fn q8_values(block: &[u8; 34]) -> [f64; BLOCK] {
    let scale = f16::from_le_bytes([block[0], block[1]]).to_f64();
    std::array::from_fn(|i| scale * f64::from(i8::from_le_bytes([block[2 + i]])))
}

/// The elements of a block of Q4_0, exact.
#[must_use]
pub fn q4_values(block: &[u8; 18]) -> [f64; BLOCK] {
    let scale = f16::from_le_bytes([block[0], block[1]]).to_f64();
    std::array::from_fn(|i| {
        let byte = block[2 + i % (BLOCK / 2)];
        let code = if i < BLOCK / 2 { byte & 15 } else { byte >> 4 };
        scale * (f64::from(code) - 8.0)
    })
}

/// A scale as `f16`; of all that are NaN, one.
fn stored(scale: f32) -> [u8; 2] {
    let scale = if scale.is_nan() {
        f16::NAN
    } else {
        f16::from_f32(scale)
    };
    scale.to_le_bytes()
}

/// NaN if there is one.
pub(super) fn largest_magnitude(x: &[f32]) -> f32 {
    x.iter().fold(0.0, |largest, x| {
        if largest.is_nan() || x.abs() <= largest {
            largest
        } else {
            x.abs()
        }
    })
}

#[expect(clippy::cast_possible_truncation, reason = "saturating is meant")]
const fn saturate_i8(value: f32) -> i8 {
    value as i8
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "saturating is meant"
)]
fn saturate_u4(value: f32) -> u8 {
    (value as u8).min(15)
}
