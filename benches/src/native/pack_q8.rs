//! Rows as blocks of Q8_0, without the call of a library that rounding is below SSE4.1.

use half::f16;

/// Elements of a block.
const BLOCK: usize = 32;
/// Bytes of one: the scale, and a byte an element.
const Q8: usize = 34;

/// Packs finite elements, as [`kpack_reference::native::kv_pack_q8`] does.
///
/// # Panics
///
/// If `x` is not a whole number of blocks, or `blocks` is not as many.
pub(super) fn kv_pack_q8(x: &[f32], blocks: &mut [u8]) {
    let ((x, rest), (blocks, _)) = (x.as_chunks::<BLOCK>(), blocks.as_chunks_mut::<Q8>());
    assert!(
        rest.is_empty() && x.len() == blocks.len(),
        "blocks must be whole"
    );
    for (x, block) in x.iter().zip(blocks) {
        let largest = largest_magnitude(x);
        let scale = largest / 127.0;
        let inverse = if scale == 0.0 { 0.0 } else { 1.0 / scale };
        let (head, codes) = block.split_at_mut(2);
        head.copy_from_slice(&f16::from_f32(scale).to_le_bytes());
        for (code, x) in codes.iter_mut().zip(x) {
            *code = rounded(x * inverse).cast_unsigned();
        }
    }
}

/// Four side by side, so that the compiler may use vectors.
fn largest_magnitude(x: &[f32; BLOCK]) -> f32 {
    let mut largest = [0.0_f32; 4];
    for x in x.as_chunks::<4>().0 {
        for (largest, x) in largest.iter_mut().zip(x) {
            let magnitude = x.abs();
            *largest = if *largest < magnitude {
                magnitude
            } else {
                *largest
            };
        }
    }
    largest.into_iter().fold(0.0, f32::max)
}

/// Half away from zero. Truncating after adding the number below one half does so: a half itself then
/// becomes one by rounding.
#[expect(clippy::cast_possible_truncation, reason = "truncating is meant")]
fn rounded(value: f32) -> i8 {
    (value + 0.499_999_97_f32.copysign(value)) as i32 as i8
}
