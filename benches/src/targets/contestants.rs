//! Everything that the targets compare, set up.

use std::num::NonZeroU32;
#[cfg(feature = "candle")]
use std::panic::resume_unwind;
use std::path::Path;
#[cfg(feature = "candle")]
use std::thread;
use std::time::SystemTime;

use anyhow::{Context, Result};
use kpack::{BoundKernel, Runtime, Slot, host_time, reference_pack};
use kpack_conformance::runtimes;

use super::table::Comparison;
use crate::ceiling::Ceiling;
use crate::lone_kernel::{self, EMPTY, ENTRY_POINT};
#[cfg(feature = "candle")]
use crate::series::Candle;
use crate::series::{ByCaller, ByDispatch, ByHand, BySlot, Engine, Native, OneShot, Ready, Series};
use crate::turns::{Effort, Ratio, by_turns};
use crate::workload::{self, Workload};
use crate::{cached, raw};

/// The engines, their rivals, and the calls they all make.
#[derive(Debug)]
pub struct Contestants {
    wasmtime: Engine,
    wasmer: Engine,
    /// wasmtime without deadlines.
    unchecked: Engine,
    ceiling: Option<Ceiling>,
    runtime: Runtime,
    /// The same pack on wasmtime, where another may take its place.
    slot: Slot,
    /// The same with a compile cache, which is filled.
    cached: Runtime,
    workloads: Vec<Workload>,
}

impl Contestants {
    /// Sets everything up; the compile cache lies in the folder.
    ///
    /// # Errors
    ///
    /// When an engine cannot be set up on this machine, or the folder is not fit for a cache.
    pub fn new(cache: &Path) -> Result<Self> {
        let (runtimes, unchecked) = (runtimes()?, raw::runtimes_without_deadlines()?);
        let cached = cached::runtime("wasmtime", cache)?;
        reference_pack::load(&cached)?;
        Ok(Self {
            wasmtime: Engine::new("wasmtime", of(&runtimes, "wasmtime")?)?,
            wasmer: Engine::new("wasmer", of(&runtimes, "wasmer")?)?,
            unchecked: Engine::new("wasmtime, unchecked", of(&unchecked, "wasmtime")?)?,
            ceiling: Ceiling::detect(),
            runtime: of(&runtimes, "wasmtime")?.clone(),
            slot: serving(of(&runtimes, "wasmtime")?)?,
            cached,
            workloads: workload::all()
                .into_iter()
                .chain(workload::halves())
                .collect(),
        })
    }

    /// Measures in turns; `None` where there is nothing to compare with: no vectors, or no candle.
    ///
    /// # Errors
    ///
    /// When a call cannot be set up, or nothing is called `what`.
    pub(super) fn compare(
        &self,
        comparison: Comparison,
        what: &str,
        effort: Effort,
    ) -> Result<Option<Ratio>> {
        let [one, two] = [1, 2].map(|threads| {
            let threads = NonZeroU32::new(threads).expect("at least one");
            ByCaller::new(&self.wasmtime, threads)
        });
        let (one, other): (&dyn Series, &dyn Series) = match comparison {
            Comparison::Ceiling => match self.ceiling {
                Some(ceiling) => (&self.wasmtime, &ByHand(ceiling)),
                None => return Ok(None),
            },
            Comparison::Native => (&self.wasmtime, &Native),
            Comparison::Half => return self.halves(what, effort).map(Some),
            #[cfg(feature = "candle")]
            Comparison::Candle => return self.beside_candle(what, effort).map(Some),
            #[cfg(not(feature = "candle"))]
            Comparison::Candle => return Ok(None),
            Comparison::Wasmer => (&self.wasmer, &self.wasmtime),
            Comparison::Caller => (&one, &self.wasmtime),
            Comparison::OneShot => (&OneShot(&self.wasmtime), &self.wasmtime),
            Comparison::Slot => (&BySlot(&self.slot), &self.wasmtime),
            Comparison::Dispatch => (&ByDispatch(&self.wasmtime), &self.wasmtime),
            Comparison::Threads => (&two, &one),
            Comparison::Deadline => (&self.wasmtime, &self.unchecked),
            Comparison::Chain => return self.chains(what, effort).map(Some),
            Comparison::EmptyCall => return self.empty_calls(effort).map(Some),
            Comparison::CachedLoad => return self.loads(effort).map(Some),
        };
        let workload = self.workload(what)?;
        let (mut one, mut other) = (|| one.ready(workload), || other.ready(workload));
        by_turns(&mut one, &mut other, effort).map(Some)
    }

    fn workload(&self, name: &str) -> Result<&Workload> {
        let mut workloads = self.workloads.iter();
        let found = workloads.find(|workload| workload.name() == name);
        found.with_context(|| format!("no such workload: `{name}`"))
    }

    /// As many elements in half precision as in `f32`.
    fn halves(&self, what: &str, effort: Effort) -> Result<Ratio> {
        let in_f32 = what.replace("_bf16", "_f32").replace("_f16", "_f32");
        let (half, whole) = (self.workload(what)?, self.workload(&in_f32)?);
        by_turns(
            &mut || self.wasmtime.ready(half),
            &mut || self.wasmtime.ready(whole),
            effort,
        )
    }

    /// On a thread of its own, because candle makes the thread that calls it a worker of rayon's for good:
    /// the host's threads that the other comparisons call from are none.
    #[cfg(feature = "candle")]
    fn beside_candle(&self, what: &str, effort: Effort) -> Result<Ratio> {
        let (workload, wasmtime) = (self.workload(what)?, &self.wasmtime);
        let measure = || {
            let mut one = || wasmtime.ready(workload);
            by_turns(&mut one, &mut || Candle.ready(workload), effort)
        };
        let measured = thread::scope(|scope| scope.spawn(measure).join());
        measured.unwrap_or_else(|panic| resume_unwind(panic))
    }

    /// RMSNorm on as many rows as RoPE has positions, then RoPE.
    fn chains(&self, rope: &str, effort: Effort) -> Result<Ratio> {
        let rope = self.workload(rope)?;
        let [_, seq, ..] = rope.inputs[0].1.shape() else {
            anyhow::bail!("RoPE's input has a position: `{}`", rope.name());
        };
        let norm = self.workload(&format!("rmsnorm_f32, {seq} x 4096"))?;
        let pack = reference_pack::load(&self.runtime)?;
        let (norm_kernel, rope_kernel) = (pack.kernel(norm.kernel)?, pack.kernel(rope.kernel)?);
        let bind = || -> Result<[BoundKernel; 2]> {
            Ok([norm.bind(&norm_kernel)?, rope.bind(&rope_kernel)?])
        };
        let mut copying = || -> Result<Ready<'_>> {
            let [mut norm, mut rope] = bind()?;
            Ok(Box::new(move || {
                norm.run().expect("the kernel runs");
                let (from, to) = (norm.output::<f32>("y"), rope.input_mut::<f32>("x"));
                let (from, to) = (from.expect("there is a result"), to.expect("an input"));
                to.copy_from_slice(from);
                rope.run().expect("the kernel runs");
            }))
        };
        let mut apart = || -> Result<Ready<'_>> {
            let [mut norm, mut rope] = bind()?;
            Ok(Box::new(move || {
                norm.run().expect("the kernel runs");
                rope.run().expect("the kernel runs");
            }))
        };
        by_turns(&mut copying, &mut apart, effort)
    }

    fn empty_calls(&self, effort: Effort) -> Result<Ratio> {
        let kernel = lone_kernel::load(&self.runtime, EMPTY, 1000)?;
        let module = lone_kernel::wasm(EMPTY)?;
        let mut bound = || -> Result<Ready<'_>> {
            let mut bound = lone_kernel::bind(&kernel)?;
            Ok(Box::new(move || bound.run().expect("the kernel runs")))
        };
        let mut typed = || -> Result<Ready<'_>> {
            let calls = raw::typed_calls(&module, ENTRY_POINT)?.into_iter();
            let mut own = calls.filter(|(engine, _)| *engine == "wasmtime");
            let (_, mut call) = own.next().context("the engine has a call of its own")?;
            Ok(Box::new(move || {
                call();
            }))
        };
        by_turns(&mut bound, &mut typed, effort)
    }

    fn loads(&self, effort: Effort) -> Result<Ratio> {
        fn loading(runtime: &Runtime) -> Result<Ready<'_>> {
            Ok(Box::new(move || {
                reference_pack::load(runtime).expect("the reference pack loads");
            }))
        }
        by_turns(
            &mut || loading(&self.cached),
            &mut || loading(&self.runtime),
            effort,
        )
    }
}

fn serving(runtime: &Runtime) -> Result<Slot> {
    let (pack, trust) = (reference_pack::bytes(), reference_pack::trust());
    let now = host_time(SystemTime::now())?;
    Ok(Slot::builder(runtime.clone()).start_bytes(pack, &trust, now)?)
}

fn of<'a>(runtimes: &'a [Runtime], engine: &str) -> Result<&'a Runtime> {
    let mut runtimes = runtimes.iter();
    let found = runtimes.find(|runtime| runtime.backend().name() == engine);
    found.with_context(|| format!("the engine is not compiled in: `{engine}`"))
}
