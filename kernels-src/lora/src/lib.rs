//! `lora_apply_f32` and `lora_apply_f16`: `y = base + scale * (x lora_a^T) lora_b^T`, computed in `f32` and
//! rounded once.
//!
//! Hu et al., "LoRA: Low-Rank Adaptation of Large Language Models", 2021, equation 3. The relaxed SIMD
//! variant fuses multiplications and additions where the machine can, so that its last bits may differ from
//! machine to machine.

#![cfg_attr(target_arch = "wasm32", no_std)]

mod narrow;
mod widen;

use kpack_guest::{F16, kernel};
use numeric::Number;

/// Whether two rows at a time share each load of the matrices. Without vectors, a machine has no registers
/// for the sums of two.
const PAIRS: bool = cfg!(target_feature = "simd128");

/// The kernel `lora_apply_f32`.
#[kernel(
    id = "lora_apply_f32",
    name = "Low-rank adapter applied to a product",
    category = adapter,
    inputs(base: f32[rows, out], x: f32[rows, in], lora_a: f32[rank, in], lora_b: f32[out, rank]),
    outputs(y: f32[rows, out]),
    scratch(f32[rank*2]),
    params(
        /// What the adapter's product is multiplied with.
        scale: f32 = 1.0,
    ),
    parallel_dims(rows),
)]
fn lora_apply_f32_forward(
    rows: usize,
    rank: usize,
    base: &[f32],
    x: &[f32],
    lora_a: &[f32],
    lora_b: &[f32],
    y: &mut [f32],
    scratch: &mut [f32],
    scale: f32,
) {
    let adapter = Adapter {
        inputs: x.len() / rows,
        rank,
        lora_a,
        lora_b,
        scale,
    };
    let outputs = y.len() / rows;
    let mut rows = Rows::new(x, base, y, adapter.inputs, outputs);
    while PAIRS && let Some((x, base, y)) = rows.next::<2>() {
        adapter.apply([&x[0], &x[1]], base, y, scratch);
    }
    while let Some((x, base, y)) = rows.next::<1>() {
        adapter.apply([&x[0]], base, y, scratch);
    }
}

/// The kernel `lora_apply_f16`.
#[kernel(
    id = "lora_apply_f16",
    name = "Low-rank adapter applied to a product, of f16",
    category = adapter,
    inputs(base: f16[rows, out], x: f16[rows, in], lora_a: f16[rank, in], lora_b: f16[out, rank]),
    outputs(y: f16[rows, out]),
    scratch(f32[rank, in*5]),
    params(
        /// What the adapter's product is multiplied with.
        scale: f32 = 1.0,
    ),
    parallel_dims(rows),
)]
fn lora_apply_f16_forward(
    rows: usize,
    rank: usize,
    base: &[F16],
    x: &[F16],
    lora_a: &[F16],
    lora_b: &[F16],
    y: &mut [F16],
    scratch: &mut [f32],
    scale: f32,
) {
    // Of scratch, a fifth holds lora_a as f32; two rows of x, and two narrow ones, need at most two more.
    let (wide_a, scratch) = scratch.split_at_mut(lora_a.len());
    let inputs = x.len() / rows;
    let (wide_x, narrow) = scratch.split_at_mut(2 * inputs);
    let (first, second) = wide_x.split_at_mut(inputs);
    to_f32(lora_a, wide_a);
    let adapter = Adapter {
        inputs,
        rank,
        lora_a: wide_a,
        lora_b,
        scale,
    };
    let outputs = y.len() / rows;
    let mut rows = Rows::new(x, base, y, inputs, outputs);
    while PAIRS && let Some((x, base, y)) = rows.next::<2>() {
        to_f32(x[0], first);
        to_f32(x[1], second);
        adapter.apply([first, second], base, y, narrow);
    }
    while let Some((x, base, y)) = rows.next::<1>() {
        to_f32(x[0], first);
        adapter.apply([first], base, y, narrow);
    }
}

fn to_f32(from: &[F16], to: &mut [f32]) {
    // SAFETY: as many elements are written as are read.
    unsafe {
        numeric::widen(
            from.as_ptr(),
            to[..from.len()].as_mut_ptr(),
            from.len(),
            |x| x,
        )
    };
}

/// The adapter's matrices: `lora_a` [rank, inputs], `lora_b` [outputs, rank].
struct Adapter<'a, T> {
    inputs: usize,
    rank: usize,
    lora_a: &'a [f32],
    lora_b: &'a [T],
    scale: f32,
}

impl<T: Number> Adapter<'_, T> {
    /// Applies the adapter to some rows at once, which share each load of the matrices. `narrow` has room
    /// for `rank` elements a row.
    #[inline(always)]
    fn apply<const ROWS: usize>(
        &self,
        x: [&[f32]; ROWS],
        base: [&[T]; ROWS],
        y: [&mut [T]; ROWS],
        narrow: &mut [f32],
    ) {
        let narrow = &mut narrow[..ROWS * self.rank];
        narrow::multiply(x, self.lora_a, self.scale, narrow);
        widen::multiply_and_add(narrow, self.lora_b, base, y);
    }
}

/// The rows of a call that are not done.
struct Rows<'a, T> {
    x: &'a [T],
    base: &'a [T],
    y: &'a mut [T],
    inputs: usize,
    outputs: usize,
}

/// Some rows of `x`, of `base` and of `y`.
type Taken<'a, T, const ROWS: usize> = ([&'a [T]; ROWS], [&'a [T]; ROWS], [&'a mut [T]; ROWS]);

impl<'a, T> Rows<'a, T> {
    fn new(x: &'a [T], base: &'a [T], y: &'a mut [T], inputs: usize, outputs: usize) -> Self {
        Self {
            x,
            base,
            y,
            inputs,
            outputs,
        }
    }

    /// The next rows, if there are as many.
    #[inline(always)]
    fn next<const ROWS: usize>(&mut self) -> Option<Taken<'a, T, ROWS>> {
        if self.x.len() < ROWS * self.inputs {
            return None;
        }
        Some((
            core::array::from_fn(|_| split(&mut self.x, self.inputs)),
            core::array::from_fn(|_| split(&mut self.base, self.outputs)),
            core::array::from_fn(|_| {
                let (row, rest) = core::mem::take(&mut self.y).split_at_mut(self.outputs);
                self.y = rest;
                row
            }),
        ))
    }
}

fn split<'a, T>(from: &mut &'a [T], length: usize) -> &'a [T] {
    let (row, rest) = from.split_at(length);
    *from = rest;
    row
}
