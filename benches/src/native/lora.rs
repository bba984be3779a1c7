//! A low-rank adapter: a row of `x` to one of `rank` elements, and that to a row of the result.

use kpack_reference::LoraShape;

use super::four::{Four, add, multiply_add, splat, sum, sums};

/// Rows of `lora_a` that share each load of `x`.
const RANKS: usize = 2;
/// Registers of each sum.
const SUMS: usize = 4;

/// A low-rank adapter with a scale of 1, as [`kpack_reference::native::lora_apply`] has it.
///
/// # Panics
///
/// If a tensor does not have the elements that `shape` says, the inputs are no multiple of 16, the outputs
/// none of 4, or the rank none of 4.
pub(super) fn lora_apply(
    shape: LoraShape,
    base: &[f32],
    x: &[f32],
    lora_a: &[f32],
    lora_b: &[f32],
    y: &mut [f32],
) {
    let LoraShape {
        rows,
        inputs,
        outputs,
        rank,
    } = shape;
    assert!(
        inputs.is_multiple_of(4 * SUMS) && outputs.is_multiple_of(4) && rank.is_multiple_of(4),
        "not a shape of the benches"
    );
    let mut narrow = vec![0.0; rank];
    for row in 0..rows {
        let x = &x[row * inputs..][..inputs];
        let pairs = lora_a.chunks_exact(RANKS * inputs);
        for (narrow, a) in narrow.chunks_exact_mut(RANKS).zip(pairs) {
            narrow.copy_from_slice(&products(x, a));
        }
        let base = &base[row * outputs..][..outputs];
        let y = &mut y[row * outputs..][..outputs];
        widen(&narrow, lora_b, base, y);
    }
}

#[inline(always)]
fn products(x: &[f32], a: &[f32]) -> [f32; RANKS] {
    let (first, second) = a.split_at(x.len());
    let (x, first, second) = (registers(x), registers(first), registers(second));
    let mut totals = [[splat(0.0); SUMS]; RANKS];
    for ((x, first), second) in x.iter().zip(first).zip(second) {
        for i in 0..SUMS {
            totals[0][i] = multiply_add(first[i], x[i], totals[0][i]);
            totals[1][i] = multiply_add(second[i], x[i], totals[1][i]);
        }
    }
    totals.map(|[a, b, c, d]| sum(add(add(a, c), add(b, d))))
}

fn registers(row: &[f32]) -> &[[Four; SUMS]] {
    row.as_chunks::<4>().0.as_chunks::<SUMS>().0
}

#[inline(always)]
fn widen(narrow: &[f32], lora_b: &[f32], base: &[f32], y: &mut [f32]) {
    let rank = narrow.len();
    let narrow = narrow.as_chunks::<4>().0;
    let places = base.as_chunks::<4>().0.iter().zip(y.as_chunks_mut::<4>().0);
    for (b, (base, y)) in lora_b.chunks_exact(4 * rank).zip(places) {
        let mut totals = [splat(0.0); 4];
        for (total, b) in totals.iter_mut().zip(b.chunks_exact(rank)) {
            for (b, &narrow) in b.as_chunks::<4>().0.iter().zip(narrow) {
                *total = multiply_add(*b, narrow, *total);
            }
        }
        *y = add(*base, sums(totals));
    }
}
