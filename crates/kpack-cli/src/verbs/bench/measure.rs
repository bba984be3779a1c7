use std::time::{Duration, Instant};

use kpack::{BoundKernel, BoundTensor, CallError, Kernel};

use super::made_up::MadeUp;
use super::sizes::Sizes;
use crate::failure::Failure;

/// How long a kernel warms up, and then is measured.
const WARM_UP: Duration = Duration::from_millis(50);
const MEASURED: Duration = Duration::from_millis(300);

/// A sample is at least this long, so that reading the clock does not count.
const SAMPLE: Duration = Duration::from_micros(200);

const MIN_SAMPLES: usize = 3;

/// What a kernel took.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Measurement {
    /// The median over samples of the nanoseconds of one call.
    pub(crate) median_ns: f64,
    pub(crate) bytes_in: u64,
    pub(crate) bytes_out: u64,
    /// Calls that were measured.
    pub(crate) calls: u64,
}

impl Measurement {
    /// 10^9 bytes of inputs and outputs per second.
    #[expect(
        clippy::cast_precision_loss,
        reason = "more than 2^53 bytes do not fit a kernel's memory"
    )]
    pub(crate) fn gb_per_s(&self) -> f64 {
        (self.bytes_in + self.bytes_out) as f64 / self.median_ns
    }
}

/// Measures a bound kernel whose inputs stay where they are, as on a host's hot path.
pub(crate) fn measure(kernel: &Kernel, sizes: &Sizes) -> Result<Measurement, Failure> {
    let mut bound = kernel.bind(&sizes.dims(), &sizes.params())?;
    fill(&mut bound)?;
    let calls_per_sample = warm_up(&mut bound)?;

    let mut samples = Vec::new();
    let mut calls = 0;
    let started = Instant::now();
    while samples.len() < MIN_SAMPLES || started.elapsed() < MEASURED {
        samples.push(sample(&mut bound, calls_per_sample)?);
        calls += u64::from(calls_per_sample);
    }
    samples.sort_unstable_by(f64::total_cmp);
    let bytes = |tensors: &[BoundTensor]| tensors.iter().map(|tensor| tensor.byte_len).sum();
    Ok(Measurement {
        median_ns: samples[samples.len() / 2],
        bytes_in: bytes(bound.inputs()),
        bytes_out: bytes(bound.outputs()),
        calls,
    })
}

fn fill(bound: &mut BoundKernel) -> Result<(), CallError> {
    let mut made_up = MadeUp::new();
    for tensor in bound.inputs().to_vec() {
        made_up.fill(tensor.dtype, bound.input_bytes_mut(&tensor.name)?);
    }
    Ok(())
}

/// Runs for a while and says how many calls make a sample.
fn warm_up(bound: &mut BoundKernel) -> Result<u32, CallError> {
    let started = Instant::now();
    let mut calls: u32 = 0;
    while calls == 0 || started.elapsed() < WARM_UP {
        bound.run()?;
        calls = calls.saturating_add(1);
    }
    let per_call = started.elapsed() / calls;
    let needed = SAMPLE.as_nanos() / per_call.as_nanos().max(1);
    Ok(u32::try_from(needed).unwrap_or(u32::MAX).max(1))
}

/// The nanoseconds of one call, over this many calls.
fn sample(bound: &mut BoundKernel, calls: u32) -> Result<f64, CallError> {
    let started = Instant::now();
    for _ in 0..calls {
        bound.run()?;
    }
    Ok(started.elapsed().as_secs_f64() * 1e9 / f64::from(calls))
}
