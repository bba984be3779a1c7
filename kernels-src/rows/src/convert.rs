//! From 8-bit integers to `f32`.

use kpack_guest::simd::{LANES, store, v128};

/// Elements that are loaded at once.
const PART: usize = 4 * LANES;

/// Writes `value` of each element; `load` reads 16 of them from where it is told to.
#[inline(always)]
pub(crate) fn row<T: Copy + Default>(
    q: &[T],
    y: &mut [f32],
    load: impl Fn(*const T) -> [v128; 4],
    value: impl Fn(v128) -> v128,
) {
    let (parts, rest) = q.as_chunks::<PART>();
    let (y_parts, y_rest) = y.as_chunks_mut::<PART>();
    for (part, y) in parts.iter().zip(y_parts) {
        convert(part, y, &load, &value);
    }
    if !rest.is_empty() {
        let (mut padded, mut results) = ([T::default(); PART], [0.0; PART]);
        for (padded, &q) in padded.iter_mut().zip(rest) {
            *padded = q;
        }
        convert(&padded, &mut results, &load, &value);
        for (y, &result) in y_rest.iter_mut().zip(&results) {
            *y = result;
        }
    }
}

#[inline(always)]
fn convert<T>(
    part: &[T; PART],
    y: &mut [f32; PART],
    load: &impl Fn(*const T) -> [v128; 4],
    value: &impl Fn(v128) -> v128,
) {
    for (i, q) in load(part.as_ptr()).into_iter().enumerate() {
        // SAFETY: a part has four vectors.
        unsafe { store(y.as_mut_ptr().add(i * LANES), value(q)) };
    }
}
