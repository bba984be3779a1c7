//! Threads that call RMSNorm as a model would: row after row, with a rest in between.

use std::error::Error;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use kpack::{Slot, SlotKernel, Tensor};

use crate::author::{KERNEL, UNLUCKY, rmsnorm};
use crate::tally::Tally;

const HIDDEN: usize = 4096;

const EPS: f32 = 1e-5;

/// Calls between two rests.
const BATCH: u32 = 50;

const REST: Duration = Duration::from_millis(2);

/// One row in so many begins with [`UNLUCKY`].
const UNLUCKY_ONE_IN: u64 = 500;

/// A row and what it must become.
struct Row {
    x: Vec<f32>,
    y: Vec<f32>,
}

/// Calls whatever serves until it is told to stop.
pub(crate) fn serve(slot: &Slot, tally: &Tally, stop: &AtomicBool) -> Result<(), Box<dyn Error>> {
    let weight: Vec<f32> = (0..HIDDEN).map(|at| 0.5 + wave(at, 7)).collect();
    let (plain, unlucky) = (Row::new(&weight, wave(0, 3)), Row::new(&weight, UNLUCKY));
    let mut norm = slot.bind(
        KERNEL,
        &[("rows", 1), ("hidden", HIDDEN)],
        &[("eps", EPS.into())],
    )?;
    norm.keep("weight", &Tensor::new(&[HIDDEN], weight)?)?;
    let mut calls = 0_u64;
    while !stop.load(Ordering::Relaxed) {
        for _ in 0..BATCH {
            calls += 1;
            let row = match calls % UNLUCKY_ONE_IN {
                0 => &unlucky,
                _ => &plain,
            };
            call(&mut norm, row, tally);
        }
        std::thread::sleep(REST);
    }
    Ok(())
}

fn call(norm: &mut SlotKernel, row: &Row, tally: &Tally) {
    let start = Instant::now();
    let ran = norm.run(|inputs| {
        inputs.slice_mut::<f32>("x")?.copy_from_slice(&row.x);
        Ok(())
    });
    let fell_back = match ran {
        Ok(report) => report.is_fallback(),
        Err(_) => return tally.failed(),
    };
    tally.served(norm.generation(), start.elapsed());
    if fell_back {
        tally.fell_back();
    }
    match norm.output::<f32>("y") {
        Ok(y) if row.is_right(y) => {}
        Ok(_) => tally.wrong(),
        Err(_) => tally.failed(),
    }
}

impl Row {
    fn new(weight: &[f32], first: f32) -> Self {
        let mut x: Vec<f32> = (0..HIDDEN).map(|at| wave(at, 3)).collect();
        x[0] = first;
        Self {
            y: rmsnorm(&x, weight, EPS),
            x,
        }
    }

    fn is_right(&self, y: &[f32]) -> bool {
        let near = |(a, b): (&f32, &f32)| (a - b).abs() <= 1e-6 + 1e-4 * b.abs();
        y.len() == self.y.len() && y.iter().zip(&self.y).all(near)
    }
}

/// Values between -1 and 1 that repeat late.
fn wave(at: usize, step: u16) -> f32 {
    let at = u16::try_from(at % 4096).unwrap_or(0);
    (f32::from(at) * 0.1 * f32::from(step)).sin()
}
