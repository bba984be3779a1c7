//! The walk over positions and heads.

use kpack_guest::Status;
use kpack_guest::simd::{
    LANES, f32x4_add, f32x4_mul, f32x4_neg, f32x4_sub, i32x4_shuffle, load, v128,
};
use numeric::{Access, Careful, Number, Usual};

/// Which two elements of a head are turned together.
#[derive(Clone, Copy)]
pub(crate) enum Layout {
    /// Elements i and i + half.
    Half,
    /// Elements 2i and 2i + 1.
    Interleaved,
}

impl Layout {
    pub(crate) fn from_parameter(interleaved: bool) -> Self {
        if interleaved {
            Self::Interleaved
        } else {
            Self::Half
        }
    }
}

/// One call. `x` and `y` are whole heads of `dim` elements, `heads` for each position; `freqs` has
/// `half` cosines and `half` sines for each position of a sequence.
pub(crate) struct Job<'a, T> {
    pub(crate) heads: usize,
    pub(crate) dim: usize,
    pub(crate) half: usize,
    pub(crate) layout: Layout,
    pub(crate) x: &'a [T],
    pub(crate) freqs: &'a [f32],
    pub(crate) y: &'a mut [T],
}

/// # Errors
///
/// [`Status::InvalidInput`] if the tables are longer than a head.
#[inline(always)]
pub(crate) fn rotate<T: Number>(job: &mut Job<'_, T>) -> Result<(), Status> {
    let Job {
        heads, dim, half, ..
    } = *job;
    if half > dim / 2 {
        return Err(Status::InvalidInput);
    }
    let position = heads * dim;
    let positions = job
        .x
        .chunks_exact(position)
        .zip(job.y.chunks_exact_mut(position));
    // The tables serve every sequence of the batch.
    let tables = job.freqs.chunks_exact(2 * half).cycle();
    for ((x, y), table) in positions.zip(tables) {
        let (cos, sin) = table.split_at(half);
        for (x, y) in x.chunks_exact(dim).zip(y.chunks_exact_mut(dim)) {
            let mut usual = Usual::new();
            turn_head(job.layout, x, cos, sin, y, &mut usual);
            if !usual.was_right() {
                turn_head_carefully(job.layout, x, cos, sin, y);
            }
            for (y, &x) in y[2 * half..].iter_mut().zip(&x[2 * half..]) {
                *y = x;
            }
        }
    }
    Ok(())
}

#[cold]
#[inline(never)]
fn turn_head_carefully<T: Number>(layout: Layout, x: &[T], cos: &[f32], sin: &[f32], y: &mut [T]) {
    turn_head(layout, x, cos, sin, y, &mut Careful);
}

#[inline(always)]
fn turn_head<T: Number>(
    layout: Layout,
    x: &[T],
    cos: &[f32],
    sin: &[f32],
    y: &mut [T],
    access: &mut impl Access<T>,
) {
    match layout {
        Layout::Half => turn_halves(x, cos, sin, y, access),
        Layout::Interleaved => turn_neighbours(x, cos, sin, y, access),
    }
}

/// Pairs that one turn of the loop works on: so many that the engine's check for an interruption, once a
/// turn, does not count.
const BLOCK: usize = 4 * STEP;
/// Pairs that are turned at a time: what the loads of halves work on.
const STEP: usize = 2 * LANES;

#[inline(always)]
fn turn_halves<T: Number>(
    x: &[T],
    cos: &[f32],
    sin: &[f32],
    y: &mut [T],
    access: &mut impl Access<T>,
) {
    let half = cos.len();
    let (from, to) = (x.as_ptr(), y.as_mut_ptr());
    let mut i = 0;
    // SAFETY: a step at i uses up to i + 8 <= half elements of each half, of the cosines and the sines;
    // x and y hold at least two halves.
    unsafe {
        let tables = |i: usize| [cos, sin].map(|table| table.as_ptr().add(i));
        let halves = |i: usize| [0, half].map(|start| (from.add(start + i), to.add(start + i)));
        while i + BLOCK <= half {
            // By name, for the compiler leaves a loop over so much a loop.
            turn_step(halves(i), tables(i), access);
            turn_step(halves(i + STEP), tables(i + STEP), access);
            turn_step(halves(i + 2 * STEP), tables(i + 2 * STEP), access);
            turn_step(halves(i + 3 * STEP), tables(i + 3 * STEP), access);
            i += BLOCK;
        }
        while i + STEP <= half {
            turn_step(halves(i), tables(i), access);
            i += STEP;
        }
    }
    while i < half {
        let [a, b] = turn_one([x[i], x[half + i]], cos[i], sin[i]);
        (y[i], y[half + i]) = (a, b);
        i += 1;
    }
}

/// Eight pairs, from the one place to the other in each half.
///
/// # Safety
///
/// Each place and each table is valid for eight elements.
#[inline(always)]
unsafe fn turn_step<T: Number>(
    halves: [(*const T, *mut T); 2],
    tables: [*const f32; 2],
    access: &mut impl Access<T>,
) {
    // SAFETY: passed on to the caller.
    unsafe {
        let [a, b] = halves.map(|(from, _)| access.load8(from));
        let [cos, sin] = tables.map(|table| f32::load8(table));
        let turned = [0, 1].map(|v| turn(a[v], b[v], cos[v], sin[v]));
        access.store8(halves[0].1, turned.map(|(a, _)| a));
        access.store8(halves[1].1, turned.map(|(_, b)| b));
    }
}

/// `(a cos - b sin, b cos + a sin)` in each lane.
#[inline(always)]
fn turn(a: v128, b: v128, cos: v128, sin: v128) -> (v128, v128) {
    (
        f32x4_sub(f32x4_mul(a, cos), f32x4_mul(b, sin)),
        f32x4_add(f32x4_mul(b, cos), f32x4_mul(a, sin)),
    )
}

#[inline(always)]
fn turn_neighbours<T: Number>(
    x: &[T],
    cos: &[f32],
    sin: &[f32],
    y: &mut [T],
    access: &mut impl Access<T>,
) {
    let half = cos.len();
    let mut i = 0;
    let (from, to) = (x.as_ptr(), y.as_mut_ptr());
    // SAFETY: four pairs from i on are eight elements of x and y, and i + 4 <= half.
    unsafe {
        let tables = |i: usize| [cos, sin].map(|table| table.as_ptr().add(i));
        let place = |i: usize| (from.add(2 * i), to.add(2 * i));
        while i + 2 * LANES <= half {
            turn_neighbours_step(place(i), tables(i), access);
            turn_neighbours_step(place(i + LANES), tables(i + LANES), access);
            i += 2 * LANES;
        }
        while i + LANES <= half {
            turn_neighbours_step(place(i), tables(i), access);
            i += LANES;
        }
    }
    while i < half {
        let turned = turn_one([x[2 * i], x[2 * i + 1]], cos[i], sin[i]);
        y[2 * i..2 * i + 2].copy_from_slice(&turned);
        i += 1;
    }
}

/// Four pairs, from the one place to the other.
///
/// # Safety
///
/// The places are valid for eight elements, each table for four.
#[inline(always)]
unsafe fn turn_neighbours_step<T: Number>(
    (from, to): (*const T, *mut T),
    tables: [*const f32; 2],
    access: &mut impl Access<T>,
) {
    // SAFETY: passed on to the caller.
    unsafe {
        let [low, high] = access.load8(from);
        let [cos, sin] = tables.map(|table| load(table));
        let minus = f32x4_neg(sin);
        let turned = [
            turn_pairs(
                low,
                i32x4_shuffle::<0, 0, 1, 1>(cos, cos),
                i32x4_shuffle::<0, 4, 1, 5>(minus, sin),
            ),
            turn_pairs(
                high,
                i32x4_shuffle::<2, 2, 3, 3>(cos, cos),
                i32x4_shuffle::<2, 6, 3, 7>(minus, sin),
            ),
        ];
        access.store8(to, turned);
    }
}

/// Two pairs: `cos` has each cosine twice, `sin` each sine with the sign of the element it adds to.
#[inline(always)]
fn turn_pairs(pairs: v128, cos: v128, sin: v128) -> v128 {
    let swapped = i32x4_shuffle::<1, 0, 3, 2>(pairs, pairs);
    f32x4_add(f32x4_mul(pairs, cos), f32x4_mul(swapped, sin))
}

/// One pair, as the first lanes of vectors: it is rounded as all others.
#[inline(always)]
fn turn_one<T: Number>([a, b]: [T; 2], cos: f32, sin: f32) -> [T; 2] {
    let (a, b) = (a.widen(), b.widen());
    let turned = [
        a * cos - b * sin,
        b * cos + a * sin,
        0.0,
        0.0,
        0.0,
        0.0,
        0.0,
        0.0,
    ];
    let mut narrow = [T::ZERO; STEP];
    // SAFETY: eight elements are read and written.
    unsafe { T::store8(narrow.as_mut_ptr(), f32::load8(turned.as_ptr())) };
    [narrow[0], narrow[1]]
}
