//! Reading and writing what an operator reads and writes, and nothing else.

use std::hint::black_box;

use super::lanes::{Lanes, Op};

/// `y` becomes the sum of the inputs that are as long as it; the others are read.
pub(super) struct Traffic<'a> {
    pub(super) inputs: [&'a [f32]; 2],
    pub(super) y: &'a mut [f32],
}

impl Op for Traffic<'_> {
    #[inline(always)]
    fn run<const N: usize, L: Lanes<N>>(self, lanes: L) {
        let [first, second] = self.inputs;
        if second.len() == self.y.len() {
            add(lanes, first, second, self.y);
        } else {
            self.y.copy_from_slice(first);
            black_box(read(lanes, second));
        }
    }
}

#[inline(always)]
fn add<const N: usize, L: Lanes<N>>(lanes: L, first: &[f32], second: &[f32], y: &mut [f32]) {
    let (first, first_tail) = first.as_chunks::<N>();
    let (second, second_tail) = second.as_chunks::<N>();
    let (y, y_tail) = y.as_chunks_mut::<N>();
    for ((a, b), y) in first.iter().zip(second).zip(y) {
        lanes.store(lanes.add(lanes.load(a), lanes.load(b)), y);
    }
    let tail = lanes.add(lanes.load_tail(first_tail), lanes.load_tail(second_tail));
    lanes.store_tail(tail, y_tail);
}

#[inline(always)]
fn read<const N: usize, L: Lanes<N>>(lanes: L, from: &[f32]) -> f32 {
    let mut sums = [lanes.splat(0.0); 4];
    let (registers, tail) = from.as_chunks::<N>();
    let (blocks, rest) = registers.as_chunks::<4>();
    for block in blocks {
        for (sum, from) in sums.iter_mut().zip(block) {
            *sum = lanes.add(*sum, lanes.load(from));
        }
    }
    for (sum, from) in sums.iter_mut().zip(rest) {
        *sum = lanes.add(*sum, lanes.load(from));
    }
    let [a, b, c, d] = sums;
    let sum = lanes.add(lanes.add(a, b), lanes.add(c, d));
    lanes.sum(lanes.add(sum, lanes.load_tail(tail)))
}
