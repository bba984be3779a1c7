//! What calls notice of packs that are swapped meanwhile.

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use kpack::{
    PackBytes, Runtime, Slot, SlotKernel, Tensor, Timestamp, Trust, Wasmtime, reference_pack,
};
use kpack_verify::{PackParts, SigningKey, sign_pack};
use serde::Serialize;
use serde_json::{Value, json};

use crate::latency::nearest_rank;
use crate::turns::rounded;

/// The time of calls with swaps going on all the time, and of calls without, both by turns.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SwapLatency {
    /// The kernel and its size.
    pub what: &'static str,
    /// Swaps that were made meanwhile.
    pub swaps: u64,
    /// While packs were swapped, one after the other.
    pub with: CallTimes,
    /// While none was.
    pub without: CallTimes,
    /// By how many milliseconds the 99.9th percentile is higher with swaps.
    pub difference_ms: f64,
}

/// How long calls took.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CallTimes {
    /// The number of calls.
    pub calls: usize,
    /// Half of them took no longer, in microseconds.
    pub median_us: f64,
    /// 999 of 1,000 took no longer, in microseconds.
    pub p999_us: f64,
    /// None took longer, in microseconds.
    pub max_us: f64,
}

/// How long to measure.
#[derive(Debug, Clone, Copy)]
pub struct Effort {
    /// Pairs of a time with swaps and a time without.
    pub pairs: u32,
    /// The length of each of the two.
    pub time: Duration,
}

const KERNEL: &str = "rmsnorm_f32";

const HIDDEN: usize = 4096;

/// What is called: small enough that a swap, which takes its next call an instance, would show.
const WHAT: &str = "rmsnorm_f32, 1 x 4096";

/// Calls RMSNorm from one thread, while another swaps two releases of the reference pack from time to time.
///
/// # Errors
///
/// When the engine cannot be set up, or a call or a swap fails.
pub fn measure(effort: Effort) -> Result<SwapLatency> {
    let releases = Releases::new()?;
    let runtime = Runtime::builder(Wasmtime::new()?)
        .references(reference_pack::references())
        .build();
    let slot = releases.start(runtime)?;
    let mut norm = bind(&slot)?;
    let gate = Gate::default();
    let (mut with, mut without) = (Vec::new(), Vec::new());
    let swaps = thread::scope(|scope| {
        let swapper = scope.spawn(|| releases.swap(&slot, &gate));
        let mut measure = || -> Result<()> {
            for pair in 0..effort.pairs {
                // Neither is always the first.
                let swapping = [pair % 2 == 0, pair % 2 != 0];
                for swaps in swapping {
                    gate.set(swaps);
                    let times = if swaps { &mut with } else { &mut without };
                    time_calls(&mut norm, effort.time, times)?;
                }
            }
            Ok(())
        };
        let measured = measure();
        gate.close();
        let swaps = swapper.join().expect("a panic ends the bench");
        measured.and(swaps)
    })?;
    let (with, without) = (CallTimes::of(with)?, CallTimes::of(without)?);
    Ok(SwapLatency {
        what: WHAT,
        swaps,
        difference_ms: rounded((with.p999_us - without.p999_us) / 1e3, 4),
        with,
        without,
    })
}

fn bind(slot: &Slot) -> Result<SlotKernel> {
    let mut norm = slot.bind(KERNEL, &[("rows", 1), ("hidden", HIDDEN)], &[])?;
    norm.keep("x", &Tensor::new(&[1, HIDDEN], vec![0.5_f32; HIDDEN])?)?;
    norm.keep("weight", &Tensor::new(&[HIDDEN], vec![1.0_f32; HIDDEN])?)?;
    Ok(norm)
}

fn time_calls(norm: &mut SlotKernel, time: Duration, times: &mut Vec<Duration>) -> Result<()> {
    let start = Instant::now();
    let mut before = start;
    while before - start < time {
        norm.run(|_| Ok(()))?;
        let after = Instant::now();
        times.push(after - before);
        before = after;
    }
    Ok(())
}

/// Whether packs are swapped just now.
#[derive(Debug, Default)]
struct Gate {
    open: AtomicBool,
    closed_for_good: AtomicBool,
    /// Odd while a pack is staged.
    stages: AtomicU64,
}

impl Gate {
    /// Returns when no pack is staged any more, if none is to be.
    fn set(&self, open: bool) {
        self.open.store(open, Ordering::SeqCst);
        while !open && self.stages.load(Ordering::SeqCst) % 2 == 1 {
            thread::sleep(Duration::from_micros(100));
        }
    }

    fn close(&self) {
        self.closed_for_good.store(true, Ordering::SeqCst);
    }
}

/// Two releases that take each other's place.
struct Releases {
    packs: [PackBytes; 2],
    trust: Trust,
    now: Timestamp,
}

impl Releases {
    fn new() -> Result<Self> {
        let key = SigningKey::generate().context("the system has no randomness")?;
        let trust = json!({"kpack_trust": 1, "keys": [{"key": key.public_key().to_string()}]});
        Ok(Self {
            packs: [release(&key, "one")?, release(&key, "the other")?],
            trust: Trust::from_json(&trust.to_string())?,
            now: Timestamp::try_from(std::time::SystemTime::now())?,
        })
    }

    fn start(&self, runtime: Runtime) -> Result<Slot> {
        Ok(Slot::builder(runtime).start_bytes(self.packs[0].clone(), &self.trust, self.now)?)
    }

    /// Swaps while the gate is open, and says how often.
    fn swap(&self, slot: &Slot, gate: &Gate) -> Result<u64> {
        let mut swaps = 0;
        let mut next = self.packs.iter().cycle().skip(1);
        while !gate.closed_for_good.load(Ordering::SeqCst) {
            gate.stages.fetch_add(1, Ordering::SeqCst);
            if gate.open.load(Ordering::SeqCst) {
                let pack = next.next().expect("a cycle has no end").clone();
                slot.stage_bytes(pack, &self.trust, self.now)?;
                swaps += 1;
            }
            gate.stages.fetch_add(1, Ordering::SeqCst);
            thread::sleep(Duration::from_millis(1));
        }
        Ok(swaps)
    }
}

/// The reference pack as another author's.
fn release(key: &SigningKey, description: &str) -> Result<PackBytes> {
    let reference = reference_pack::bytes();
    let mut manifest: Value = serde_json::from_slice(reference.manifest())?;
    manifest["author"]["signing_key"] = json!(key.public_key().to_string());
    manifest["description"] = json!(description);
    let files = reference.files();
    let mut parts = PackParts {
        manifest: manifest.to_string().into_bytes(),
        signature: None,
        files: files
            .map(|(path, bytes)| (path.clone(), bytes.to_vec()))
            .collect(),
    };
    let unsigned = PackBytes::new(parts.clone())?;
    let signature = sign_pack(&unsigned, &reference_pack::host_policy(), key)?;
    parts.signature = Some(signature.to_json().into_bytes());
    Ok(PackBytes::new(parts)?)
}

impl CallTimes {
    fn of(mut times: Vec<Duration>) -> Result<Self> {
        anyhow::ensure!(!times.is_empty(), "there were no calls");
        times.sort_unstable();
        let us = |per_mille| {
            let time = nearest_rank(&times, per_mille, 1000);
            rounded(time.as_secs_f64() * 1e6, 2)
        };
        Ok(Self {
            calls: times.len(),
            median_us: us(500),
            p999_us: us(999),
            max_us: us(1000),
        })
    }
}

impl fmt::Display for SwapLatency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{} from a slot, {} swaps meanwhile:",
            self.what, self.swaps
        )?;
        for (name, times) in [("with swaps", &self.with), ("without", &self.without)] {
            let CallTimes {
                calls,
                median_us,
                p999_us,
                max_us,
            } = times;
            writeln!(
                f,
                "{name:10}  {calls:9} calls: median {median_us} µs, 99.9% {p999_us} µs, max {max_us} µs"
            )?;
        }
        write!(f, "99.9%: {:+.4} ms by swaps", self.difference_ms)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_call_in_a_thousand_may_take_longer() {
        let mut times = vec![Duration::from_micros(1); 1998];
        times.extend([Duration::from_millis(1); 2]);
        let times = CallTimes::of(times).unwrap();
        assert_eq!(
            (times.median_us, times.p999_us, times.max_us),
            (1.0, 1.0, 1000.0)
        );
        assert!(CallTimes::of(Vec::new()).is_err());
    }
}
