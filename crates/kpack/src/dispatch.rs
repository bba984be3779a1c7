//! Which of a kernel's chain runs: the kernel, its fallbacks, a native kernel of the host.

mod attempt;
mod bound;
mod breaker;
mod call;
mod chain;
pub(crate) mod clock;
mod error;
mod explanation;
mod inputs;
mod latency;
#[cfg(feature = "metrics")]
mod metrics;
mod native;
mod policy;
mod report;
mod stats;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use kpack_exec::CallError;
use kpack_schema::{BindError, FallbackTarget, KernelId, ParamValue, Signature};

use crate::pack::{KernelError, Pack};

use self::chain::{Chain, Link};
use self::clock::Stopwatch;

pub(crate) use self::chain::targets;

pub use self::bound::{BoundDispatch, DispatchInputs};
pub use self::call::{DispatchCall, DispatchOutputs};
pub use self::clock::MonotonicClock;
pub use self::error::{DispatchError, LinkError, LinkFailure};
pub use self::explanation::{ExplainedLink, Explanation, Verdict};
pub use self::latency::Latency;
#[cfg(feature = "metrics")]
pub use self::metrics::MetricsExporter;
pub use self::policy::{FallbackMode, FallbackPolicy, OnFailure, SetAside};
pub use self::report::{DispatchReport, ServedBy};
pub use self::stats::{LinkStats, Stats};

/// Calls the kernels of a pack, and their fallbacks where a kernel fails. Shared between threads, cheap
/// to clone; immutable but for what it counts and which kernels it has set aside.
///
/// The chain of a kernel is what the manifest's `fallbacks` name, followed to its end, which may be one
/// of the runtime's [native kernels](crate::References). Only a kernel's own [`Fault`](crate::Fault)
/// leads to the next link: a caller's error never does, a host's only where the
/// [policy](FallbackPolicy) says so. A kernel that does not run on this engine is passed over. Whatever
/// was passed over, and why, is part of the [result](DispatchReport).
///
/// ```no_run
/// # #[cfg(feature = "wasmtime")]
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use kpack::{Dispatcher, Runtime, Tensor, Wasmtime, reference_pack};
///
/// let runtime = Runtime::builder(Wasmtime::new()?).references(reference_pack::references()).build();
/// let dispatcher = Dispatcher::new(&reference_pack::load(&runtime)?);
/// let norm = dispatcher.kernel("rmsnorm_f32")?;
///
/// // Once, into tensors of its own:
/// let x = Tensor::new(&[1, 4096], vec![0.5_f32; 4096])?;
/// let w = Tensor::new(&[4096], vec![1.0_f32; 4096])?;
/// let outputs = norm.call().input("x", &x)?.input("weight", &w)?.param("eps", 1e-5)?.run()?;
/// println!("{} in {:?}", outputs.report().served_by(), outputs.report().time());
///
/// // Many times, in slices of the memory of whatever runs:
/// let mut norm = norm.bind(&[("rows", 1), ("hidden", 4096)], &[("eps", 1e-5.into())])?;
/// norm.keep("weight", &w)?;
/// norm.run(|inputs| {
///     inputs.slice_mut::<f32>("x")?.copy_from_slice(x.as_slice().expect("it is of f32"));
///     Ok(())
/// })?;
/// let y: &[f32] = norm.output("y")?;
/// # Ok(())
/// # }
/// # #[cfg(not(feature = "wasmtime"))]
/// # fn main() {}
/// ```
#[derive(Clone)]
pub struct Dispatcher {
    shared: Arc<Shared>,
}

struct Shared {
    pack: Pack,
    policy: FallbackPolicy,
    clock: Arc<dyn MonotonicClock>,
    stopwatch: Stopwatch,
    chains: BTreeMap<KernelId, Arc<Chain>>,
}

/// A [`Dispatcher`] in the making.
#[derive(Clone)]
#[must_use = "a builder does nothing until `build` is called"]
pub struct DispatcherBuilder {
    pack: Pack,
    policy: FallbackPolicy,
    clock: Arc<dyn MonotonicClock>,
}

/// One kernel of a [`Dispatcher`], with its fallbacks. Cheap to clone.
#[derive(Clone)]
pub struct Dispatch {
    shared: Arc<Shared>,
    chain: Arc<Chain>,
}

impl Dispatcher {
    /// A dispatcher under the default policy.
    #[must_use]
    pub fn new(pack: &Pack) -> Self {
        Self::builder(pack).build()
    }

    /// Starts a dispatcher with a policy of its own.
    pub fn builder(pack: &Pack) -> DispatcherBuilder {
        DispatcherBuilder {
            pack: pack.clone(),
            policy: FallbackPolicy::default(),
            clock: clock::since_now(),
        }
    }

    /// The kernel with this id, whether this engine runs it or only its fallbacks.
    ///
    /// # Errors
    ///
    /// [`KernelError::Unknown`] when the pack has no such kernel, and [`KernelError::Unavailable`] when
    /// nothing in its chain can run here.
    pub fn kernel(&self, id: &str) -> Result<Dispatch, KernelError> {
        let chain = self.chain(id)?;
        chain.expect_usable()?;
        Ok(Dispatch {
            shared: Arc::clone(&self.shared),
            chain: Arc::clone(chain),
        })
    }

    /// What a call of a kernel would run now, and why not the others of its chain. Nothing is called.
    ///
    /// # Errors
    ///
    /// [`KernelError::Unknown`] when the pack has no such kernel.
    pub fn explain(&self, id: &str) -> Result<Explanation, KernelError> {
        let chain = self.chain(id)?;
        let now = self.shared.clock.now();
        Ok(Explanation::new(chain, self.pack().engine(), now))
    }

    /// What was counted since the dispatcher was made. Calls that end meanwhile may be in it or not.
    #[must_use]
    pub fn stats(&self) -> Stats {
        Stats {
            kernels: self.stats_of(|link| link.counters().snapshot(link.id().clone())),
        }
    }

    /// The pack whose kernels are called.
    #[must_use]
    pub fn pack(&self) -> &Pack {
        &self.shared.pack
    }

    /// When a fallback runs, and when a kernel is set aside.
    #[must_use]
    pub fn policy(&self) -> &FallbackPolicy {
        &self.shared.policy
    }

    /// For each kernel what is made of the links of its chain.
    fn stats_of(&self, make: impl Fn(&Link) -> LinkStats) -> BTreeMap<KernelId, Vec<LinkStats>> {
        let chains = self.shared.chains.iter();
        let of_chain = |chain: &Chain| chain.links().iter().map(&make).collect();
        chains
            .map(|(id, chain)| (id.clone(), of_chain(chain)))
            .collect()
    }

    fn chain(&self, id: &str) -> Result<&Arc<Chain>, KernelError> {
        let chain = self.shared.chains.get(id);
        chain.ok_or_else(|| KernelError::unknown(id, self.shared.pack.manifest()))
    }
}

impl DispatcherBuilder {
    /// When a fallback runs, and when a kernel is set aside.
    pub fn policy(mut self, policy: FallbackPolicy) -> Self {
        self.policy = policy;
        self
    }

    /// The clock by which kernels are set aside; without one, the system's.
    pub fn clock(mut self, clock: impl MonotonicClock + 'static) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// The dispatcher.
    #[must_use]
    pub fn build(self) -> Dispatcher {
        Dispatcher {
            shared: Arc::new(Shared {
                chains: chain::of_pack(&self.pack, self.policy.mode()),
                pack: self.pack,
                policy: self.policy,
                clock: self.clock,
                stopwatch: Stopwatch::new(),
            }),
        }
    }
}

impl Dispatch {
    /// Starts a one-shot call, on instances of its own.
    #[must_use]
    pub fn call(&self) -> DispatchCall<'_> {
        DispatchCall::new(self)
    }

    /// Binds every dimension that an input names and every parameter, for many calls. Parameters that
    /// are left out take their defaults.
    ///
    /// The kernel is bound at once, its fallbacks when they are needed.
    ///
    /// # Errors
    ///
    /// When dimensions or parameters do not fit the kernel.
    pub fn bind(
        &self,
        dims: &[(&str, usize)],
        params: &[(&str, ParamValue)],
    ) -> Result<BoundDispatch, DispatchError> {
        BoundDispatch::new(self, self.signature().bind_dims(dims, params))
    }

    /// Binds the shape of every input, by name, and every parameter, for many calls.
    ///
    /// # Errors
    ///
    /// As [`bind`](Self::bind).
    pub fn bind_shapes(
        &self,
        shapes: &[(&str, &[usize])],
        params: &[(&str, ParamValue)],
    ) -> Result<BoundDispatch, DispatchError> {
        BoundDispatch::new(self, self.signature().bind_shapes(shapes, params))
    }

    /// The id of the kernel that is asked for.
    #[must_use]
    pub fn id(&self) -> &KernelId {
        self.chain.asked().id()
    }

    /// What the kernel takes and gives, and its fallbacks with it.
    #[must_use]
    pub fn signature(&self) -> &Signature {
        self.chain.asked().signature()
    }

    /// The caller asked for what the kernel does not take.
    fn refused(&self, error: BindError) -> DispatchError {
        self.failed_at_first(CallError::from(error).into())
    }

    /// The first link gave no result, and none of the others may be tried.
    fn failed_at_first(&self, error: LinkError) -> DispatchError {
        let link = FallbackTarget::Kernel(self.id().clone());
        DispatchError::new(self.id().clone(), vec![LinkFailure { link, error }])
    }

    /// The kernel and its fallbacks, in the order in which they are tried.
    pub fn links(&self) -> impl ExactSizeIterator<Item = &FallbackTarget> {
        self.chain.links().iter().map(|link| link.id())
    }
}

impl fmt::Debug for Dispatcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dispatcher")
            .field("pack", &self.shared.pack)
            .field("policy", &self.shared.policy)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for DispatcherBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DispatcherBuilder")
            .field("pack", &self.pack)
            .field("policy", &self.policy)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Dispatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dispatch")
            .field("pack", self.shared.pack.name())
            .field("links", &self.links().collect::<Vec<_>>())
            .finish_non_exhaustive()
    }
}
