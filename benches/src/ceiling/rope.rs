//! Rotary position embedding with given tables.

use kpack_reference::{PairLayout, RopeShape};

use super::lanes::{Lanes, Op};

pub(super) struct Rope<'a> {
    pub(super) shape: RopeShape,
    pub(super) layout: PairLayout,
    pub(super) x: &'a [f32],
    pub(super) freqs: &'a [f32],
    pub(super) y: &'a mut [f32],
}

impl Op for Rope<'_> {
    #[inline(always)]
    fn run<const N: usize, L: Lanes<N>>(self, lanes: L) {
        let RopeShape {
            seq,
            heads,
            dim,
            half,
            ..
        } = self.shape;
        let elements = (heads * dim).max(1);
        let positions = self.x.chunks_exact(elements);
        let positions = positions.zip(self.y.chunks_exact_mut(elements));
        for (index, (x, y)) in positions.enumerate() {
            let table = &self.freqs[index % seq * 2 * half..][..2 * half];
            let (cos, sin) = table.split_at(half);
            let mut position = Position {
                dim,
                cos,
                sin,
                x,
                y,
            };
            match self.layout {
                PairLayout::Half => position.turn_halves(lanes),
                PairLayout::Interleaved => position.turn_neighbours(lanes),
            }
            position.pass_the_rest();
        }
    }
}

/// All heads of a position, which turn by the same angles: a few columns at a time, whose cosines
/// and sines stay in registers.
struct Position<'a> {
    dim: usize,
    cos: &'a [f32],
    sin: &'a [f32],
    x: &'a [f32],
    y: &'a mut [f32],
}

/// Registers of pairs that are turned together in the half layout.
const HALVES: usize = 4;

/// Registers of neighbours that are turned together in the interleaved layout.
const NEIGHBOURS: usize = 8;

impl Position<'_> {
    #[inline(always)]
    fn turn_halves<const N: usize, L: Lanes<N>>(&mut self, lanes: L) {
        let half = self.cos.len();
        let mut at = 0;
        while at + HALVES * N <= half {
            self.turn_block_of_halves(lanes, at);
            at += HALVES * N;
        }
        while at < half {
            self.turn_some_halves(lanes, at, N.min(half - at));
            at += N;
        }
    }

    #[inline(always)]
    fn turn_block_of_halves<const N: usize, L: Lanes<N>>(&mut self, lanes: L, at: usize) {
        let half = self.cos.len();
        let cos = loaded(lanes, &self.cos[at..]);
        let sin = loaded(lanes, &self.sin[at..]);
        let heads = self.x.chunks_exact(self.dim);
        for (x, y) in heads.zip(self.y.chunks_exact_mut(self.dim)) {
            let (x_first, x_second) = x.split_at(half);
            let (y_first, y_second) = y.split_at_mut(half);
            let a = registers::<HALVES, N>(&x_first[at..]);
            let b = registers::<HALVES, N>(&x_second[at..]);
            let y_a = registers_mut::<HALVES, N>(&mut y_first[at..]);
            let y_b = registers_mut::<HALVES, N>(&mut y_second[at..]);
            for i in 0..HALVES {
                let turned = turned(lanes, lanes.load(&a[i]), lanes.load(&b[i]), cos[i], sin[i]);
                lanes.store(turned.0, &mut y_a[i]);
                lanes.store(turned.1, &mut y_b[i]);
            }
        }
    }

    /// At most a register of pairs.
    #[inline(always)]
    fn turn_some_halves<const N: usize, L: Lanes<N>>(&mut self, lanes: L, at: usize, count: usize) {
        let half = self.cos.len();
        let cos = load_some(lanes, &self.cos[at..][..count]);
        let sin = load_some(lanes, &self.sin[at..][..count]);
        let heads = self.x.chunks_exact(self.dim);
        for (x, y) in heads.zip(self.y.chunks_exact_mut(self.dim)) {
            let a = load_some(lanes, &x[at..][..count]);
            let b = load_some(lanes, &x[half + at..][..count]);
            let turned = turned(lanes, a, b, cos, sin);
            store_some(lanes, turned.0, &mut y[at..][..count]);
            store_some(lanes, turned.1, &mut y[half + at..][..count]);
        }
    }

    #[inline(always)]
    fn turn_neighbours<const N: usize, L: Lanes<N>>(&mut self, lanes: L) {
        let elements = 2 * self.cos.len();
        let mut at = 0;
        while at + NEIGHBOURS * N <= elements {
            self.turn_block_of_neighbours(lanes, at);
            at += NEIGHBOURS * N;
        }
        while at < elements {
            self.turn_some_neighbours(lanes, at, N.min(elements - at));
            at += N;
        }
    }

    #[inline(always)]
    fn turn_block_of_neighbours<const N: usize, L: Lanes<N>>(&mut self, lanes: L, at: usize) {
        let cos = doubled(lanes, &self.cos[at / 2..]);
        let mut sin = doubled(lanes, &self.sin[at / 2..]);
        for sin in &mut sin {
            *sin = lanes.negate_even(*sin);
        }
        let heads = self.x.chunks_exact(self.dim);
        for (x, y) in heads.zip(self.y.chunks_exact_mut(self.dim)) {
            let x = registers::<NEIGHBOURS, N>(&x[at..]);
            let y = registers_mut::<NEIGHBOURS, N>(&mut y[at..]);
            for i in 0..NEIGHBOURS {
                lanes.store(
                    turned_within(lanes, lanes.load(&x[i]), cos[i], sin[i]),
                    &mut y[i],
                );
            }
        }
    }

    /// At most a register.
    #[inline(always)]
    fn turn_some_neighbours<const N: usize, L: Lanes<N>>(
        &mut self,
        lanes: L,
        at: usize,
        count: usize,
    ) {
        let pairs = |table: &[f32]| {
            let once = lanes.load_tail(&table[at / 2..][..count / 2]);
            lanes.double(once)[0]
        };
        let (cos, sin) = (pairs(self.cos), lanes.negate_even(pairs(self.sin)));
        let heads = self.x.chunks_exact(self.dim);
        for (x, y) in heads.zip(self.y.chunks_exact_mut(self.dim)) {
            let x = load_some(lanes, &x[at..][..count]);
            store_some(
                lanes,
                turned_within(lanes, x, cos, sin),
                &mut y[at..][..count],
            );
        }
    }

    #[inline(always)]
    fn pass_the_rest(&mut self) {
        let turned = 2 * self.cos.len();
        if turned == self.dim {
            return;
        }
        let heads = self.x.chunks_exact(self.dim);
        for (x, y) in heads.zip(self.y.chunks_exact_mut(self.dim)) {
            y[turned..].copy_from_slice(&x[turned..]);
        }
    }
}

/// `(a cos - b sin, b cos + a sin)`.
#[inline(always)]
fn turned<const N: usize, L: Lanes<N>>(
    lanes: L,
    a: L::Register,
    b: L::Register,
    cos: L::Register,
    sin: L::Register,
) -> (L::Register, L::Register) {
    (
        lanes.subtract_product(lanes.multiply(a, cos), b, sin),
        lanes.multiply_add(a, sin, lanes.multiply(b, cos)),
    )
}

/// The same for pairs of neighbouring lanes; the sine is negative in the even ones.
#[inline(always)]
fn turned_within<const N: usize, L: Lanes<N>>(
    lanes: L,
    x: L::Register,
    cos: L::Register,
    sin: L::Register,
) -> L::Register {
    let other = lanes.swap_neighbours(x);
    lanes.multiply_add(x, cos, lanes.multiply(other, sin))
}

/// The first elements of a table.
#[inline(always)]
fn loaded<const N: usize, L: Lanes<N>>(lanes: L, table: &[f32]) -> [L::Register; HALVES] {
    let mut loaded = [lanes.splat(0.0); HALVES];
    for (register, from) in loaded.iter_mut().zip(registers::<HALVES, N>(table)) {
        *register = lanes.load(from);
    }
    loaded
}

/// The first elements of a table, each in two neighbouring lanes.
#[inline(always)]
fn doubled<const N: usize, L: Lanes<N>>(lanes: L, table: &[f32]) -> [L::Register; NEIGHBOURS] {
    let mut doubled = [lanes.splat(0.0); NEIGHBOURS];
    let once = registers::<{ NEIGHBOURS / 2 }, N>(table);
    for (i, once) in once.iter().enumerate() {
        [doubled[2 * i], doubled[2 * i + 1]] = lanes.double(lanes.load(once));
    }
    doubled
}

/// The first `COUNT` registers of a slice that has as many.
#[inline(always)]
fn registers<const COUNT: usize, const N: usize>(from: &[f32]) -> &[[f32; N]; COUNT] {
    let (registers, _) = from.as_chunks::<N>();
    registers.first_chunk().expect("the block fits the row")
}

#[inline(always)]
fn registers_mut<const COUNT: usize, const N: usize>(from: &mut [f32]) -> &mut [[f32; N]; COUNT] {
    let (registers, _) = from.as_chunks_mut::<N>();
    registers.first_chunk_mut().expect("the block fits the row")
}

#[inline(always)]
fn load_some<const N: usize, L: Lanes<N>>(lanes: L, from: &[f32]) -> L::Register {
    match from.as_array() {
        Some(whole) => lanes.load(whole),
        None => lanes.load_tail(from),
    }
}

#[inline(always)]
fn store_some<const N: usize, L: Lanes<N>>(lanes: L, value: L::Register, to: &mut [f32]) {
    match to.as_mut_array() {
        Some(whole) => lanes.store(value, whole),
        None => lanes.store_tail(value, to),
    }
}
