//! From a row of `x` to one of `rank` elements.

use core::array::from_fn;

use kpack_guest::simd::{LANES, f32x4_splat, horizontal_sum, load, multiply_add, v128};

/// Rows of `lora_a` that share each load of one row of `x`, or of two: eight sums either way. Without
/// vectors, a machine has no registers for so many.
const TOGETHER: [usize; 2] = if cfg!(target_feature = "simd128") {
    [8, 4]
} else {
    [1, 1]
};
/// Steps of one turn of the loop: so many that neither the engine's check for an interruption, once a
/// turn, nor the sums, which it then keeps in memory, count.
const STEPS: usize = 8;

/// Writes `scale * (x lora_a^T)` to `narrow`, row after row.
#[inline(always)]
pub(crate) fn multiply<const ROWS: usize>(
    x: [&[f32]; ROWS],
    lora_a: &[f32],
    scale: f32,
    narrow: &mut [f32],
) {
    let (inputs, rank) = (x[0].len(), narrow.len() / ROWS);
    let x = x.map(<[f32]>::as_ptr);
    let mut r = 0;
    while r < rank {
        let a = lora_a[r * inputs..].as_ptr();
        let narrow = &mut narrow[r..];
        let together = TOGETHER[ROWS.min(2) - 1];
        // SAFETY: `lora_a` has as many rows of `inputs` elements from here on, as each row of x has.
        r += unsafe {
            if r + together > rank {
                put(products::<ROWS, 1>(x, a, inputs), scale, rank, narrow)
            } else if ROWS == 1 {
                put(
                    products::<ROWS, { TOGETHER[0] }>(x, a, inputs),
                    scale,
                    rank,
                    narrow,
                )
            } else {
                put(
                    products::<ROWS, { TOGETHER[1] }>(x, a, inputs),
                    scale,
                    rank,
                    narrow,
                )
            }
        };
    }
}

/// Writes products and gives how many there are in a row.
#[inline(always)]
fn put<const ROWS: usize, const RANKS: usize>(
    products: [[f32; RANKS]; ROWS],
    scale: f32,
    rank: usize,
    narrow: &mut [f32],
) -> usize {
    for (row, products) in products.into_iter().enumerate() {
        for (r, product) in products.into_iter().enumerate() {
            narrow[row * rank + r] = product * scale;
        }
    }
    RANKS
}

/// The products of rows of `x` with `RANKS` rows of `lora_a`. A product's sums are the same however many
/// are formed together: a call gives the same bits however it is cut.
///
/// # Safety
///
/// `x` are valid for reading `inputs` elements each, `a` for `RANKS` times as many.
#[inline(always)]
unsafe fn products<const ROWS: usize, const RANKS: usize>(
    x: [*const f32; ROWS],
    a: *const f32,
    inputs: usize,
) -> [[f32; RANKS]; ROWS] {
    let mut sums = [[f32x4_splat(0.0); RANKS]; ROWS];
    let mut at = 0;
    // SAFETY: each step at `at` reads four elements, which end at or before `inputs`.
    unsafe {
        while at + STEPS * LANES <= inputs {
            for i in 0..STEPS {
                sums = add_products(x, a, inputs, at + i * LANES, sums);
            }
            at += STEPS * LANES;
        }
        while at + LANES <= inputs {
            sums = add_products(x, a, inputs, at, sums);
            at += LANES;
        }
        let mut products = sums.map(|sums| sums.map(|sum| horizontal_sum(sum)));
        // A loop of its own, so that the ones above are unrolled and the sums stay in registers.
        while at < inputs {
            for (products, x) in products.iter_mut().zip(x) {
                for (r, product) in products.iter_mut().enumerate() {
                    *product += *x.add(at) * *a.add(r * inputs + at);
                }
            }
            at += 1;
        }
        products
    }
}

/// # Safety
///
/// Each row of `x` and of `a` has four elements from `at` on.
#[inline(always)]
unsafe fn add_products<const ROWS: usize, const RANKS: usize>(
    x: [*const f32; ROWS],
    a: *const f32,
    inputs: usize,
    at: usize,
    mut sums: [[v128; RANKS]; ROWS],
) -> [[v128; RANKS]; ROWS] {
    // SAFETY: passed on to the caller.
    unsafe {
        let x: [v128; ROWS] = from_fn(|row| load(x[row].add(at)));
        for r in 0..RANKS {
            let a = load(a.add(r * inputs + at));
            for row in 0..ROWS {
                sums[row][r] = multiply_add(a, x[row], sums[row][r]);
            }
        }
    }
    sums
}
