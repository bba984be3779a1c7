use half::f16;

/// Elements of a block of either format.
const BLOCK: usize = 32;
/// Bytes of a block of Q8_0: the scale, and a byte an element.
const Q8: usize = 34;
/// Bytes of a block of Q4_0: the scale, and a byte for two elements.
const Q4: usize = 18;

/// Packs into blocks of Q8_0, as [`oracle::q8_block`](crate::oracle::q8_block) has them.
///
/// # Panics
///
/// If `x` is not a whole number of blocks, or `blocks` is not as many.
pub fn kv_pack_q8(x: &[f32], blocks: &mut [u8]) {
    let (x, rest) = x.as_chunks::<BLOCK>();
    let (blocks, rest_of_blocks) = blocks.as_chunks_mut::<Q8>();
    assert_whole(rest, rest_of_blocks, x.len(), blocks.len());
    for (x, block) in x.iter().zip(blocks) {
        let largest = f32::from_bits(largest_magnitude(x));
        let scale = largest / 127.0;
        let inverse = if scale == 0.0 { 0.0 } else { 1.0 / scale };
        let (head, codes) = block.split_at_mut(2);
        head.copy_from_slice(&stored(scale));
        if !largest.is_finite() {
            codes.fill(0);
            continue;
        }
        for (code, x) in codes.iter_mut().zip(x) {
            *code = saturate((x * inverse).round()).cast_unsigned();
        }
    }
}

/// Unpacks blocks of Q8_0.
///
/// # Panics
///
/// If `blocks` is not a whole number of blocks, or `y` is not as many.
pub fn kv_unpack_q8(blocks: &[u8], y: &mut [f32]) {
    let (blocks, rest_of_blocks) = blocks.as_chunks::<Q8>();
    let (y, rest) = y.as_chunks_mut::<BLOCK>();
    assert_whole(rest, rest_of_blocks, y.len(), blocks.len());
    for (block, y) in blocks.iter().zip(y) {
        let scale = f16::from_le_bytes([block[0], block[1]]).to_f32();
        for (y, code) in y.iter_mut().zip(&block[2..]) {
            *y = scale * f32::from(code.cast_signed());
        }
    }
}

/// Packs into blocks of Q4_0, as [`oracle::q4_block`](crate::oracle::q4_block) has them.
///
/// # Panics
///
/// If `x` is not a whole number of blocks, or `blocks` is not as many.
pub fn kv_pack_q4(x: &[f32], blocks: &mut [u8]) {
    let (x, rest) = x.as_chunks::<BLOCK>();
    let (blocks, rest_of_blocks) = blocks.as_chunks_mut::<Q4>();
    assert_whole(rest, rest_of_blocks, x.len(), blocks.len());
    for (x, block) in x.iter().zip(blocks) {
        let largest = largest_magnitude(x);
        let is_largest = |x: &&f32| x.to_bits() & MAGNITUDE == largest;
        let signed = x.iter().find(is_largest).copied().unwrap_or(0.0);
        let scale = if largest == 0 { -0.0 } else { signed / -8.0 };
        let is_usable = scale != 0.0 && scale.is_finite();
        let inverse = if is_usable { 1.0 / scale } else { 0.0 };
        let (head, codes) = block.split_at_mut(2);
        head.copy_from_slice(&stored(scale));
        if !scale.is_finite() {
            codes.fill(0x88);
            continue;
        }
        let (low, high) = x.split_at(BLOCK / 2);
        for ((code, low), high) in codes.iter_mut().zip(low).zip(high) {
            *code = nibble(low * inverse + 8.5) | nibble(high * inverse + 8.5) << 4;
        }
    }
}

/// Unpacks blocks of Q4_0.
///
/// # Panics
///
/// If `blocks` is not a whole number of blocks, or `y` is not as many.
pub fn kv_unpack_q4(blocks: &[u8], y: &mut [f32]) {
    let (blocks, rest_of_blocks) = blocks.as_chunks::<Q4>();
    let (y, rest) = y.as_chunks_mut::<BLOCK>();
    assert_whole(rest, rest_of_blocks, y.len(), blocks.len());
    for (block, y) in blocks.iter().zip(y) {
        let scale = f16::from_le_bytes([block[0], block[1]]).to_f32();
        let (low, high) = y.split_at_mut(BLOCK / 2);
        for ((low, high), code) in low.iter_mut().zip(high).zip(&block[2..]) {
            *low = scale * (f32::from(code & 15) - 8.0);
            *high = scale * (f32::from(code >> 4) - 8.0);
        }
    }
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

fn assert_whole<A, B>(rest: &[A], rest_of_blocks: &[B], found: usize, blocks: usize) {
    assert!(
        rest.is_empty() && rest_of_blocks.is_empty() && found == blocks,
        "there must be as many whole blocks as 32 elements"
    );
}

const MAGNITUDE: u32 = 0x7fff_ffff;

/// The bits of the largest magnitude. They are in the numbers' own order, with NaN above all.
pub(super) fn largest_magnitude(x: &[f32]) -> u32 {
    let magnitudes = x.iter().map(|x| x.to_bits() & MAGNITUDE);
    magnitudes.fold(0, u32::max)
}

#[expect(clippy::cast_possible_truncation, reason = "saturating is meant")]
pub(super) const fn saturate(value: f32) -> i8 {
    value as i8
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "truncating and saturating are meant"
)]
fn nibble(value: f32) -> u8 {
    (value as u8).min(15)
}
