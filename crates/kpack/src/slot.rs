//! The pack that serves, and how another takes its place while calls go on.

mod back_off;
mod builder;
mod error;
mod history;
mod interface;
mod kernel;
mod priority;
mod serving;
mod stage;
mod swap;

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use kpack_schema::{Digest, ParamValue, Timestamp};
use kpack_verify::{PackBytes, Trust};

pub use self::back_off::{BackOff, Refusal};
pub use self::builder::SlotBuilder;
pub use self::error::{
    InterfaceError, RollbackError, SlotCallError, StageError, StageStep, StagingPanic,
};
pub use self::history::{SlotCounts, SwapOutcome, SwapRecord};
pub use self::kernel::SlotKernel;
pub use self::priority::StagingPriority;
pub use self::serving::{Generation, Serving, Staged};
use self::stage::{Source, Stager};
use self::swap::Swapper;
use crate::clock;
use crate::runtime::Runtime;

/// Where one pack serves, and the next takes its place while calls go on. Shared between threads, cheap
/// to clone.
///
/// A pack is staged: read, verified, compiled, tried on its vectors and by the host's canary, and only
/// then swapped in, by one store that cannot fail. Whatever goes wrong before that leaves what serves as
/// it is. A call ends on the pack that it began with. The pack that served before stays in memory until
/// the next swap, for [`rollback`](Self::rollback).
///
/// ```no_run
/// # #[cfg(feature = "wasmtime")]
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use kpack::{Runtime, Slot, Tensor, Trust, Wasmtime};
///
/// let trust = Trust::from_json(&std::fs::read_to_string("trust.json")?)?;
/// let runtime = Runtime::new(Wasmtime::new()?);
/// let slot = Slot::builder(runtime).require(["rmsnorm_f32".parse()?]).start("packs/llama-core", &trust)?;
///
/// // What calls: follows the slot from pack to pack, between calls.
/// let w = Tensor::new(&[4096], vec![1.0_f32; 4096])?;
/// let mut norm = slot.bind("rmsnorm_f32", &[("rows", 1), ("hidden", 4096)], &[])?;
/// norm.keep("weight", &w)?;
/// norm.run(|inputs| {
///     inputs.slice_mut::<f32>("x")?.fill(0.5);
///     Ok(())
/// })?;
/// let y: &[f32] = norm.output("y")?;
///
/// // What operates: on any thread, at any time.
/// if let Err(error) = slot.stage("packs/llama-core.new", &trust) {
///     eprintln!("{error}; the old pack serves on");
/// }
/// slot.rollback()?;
/// # Ok(())
/// # }
/// # #[cfg(not(feature = "wasmtime"))]
/// # fn main() {}
/// ```
#[derive(Clone)]
pub struct Slot {
    shared: Arc<Shared>,
}

struct Shared {
    stager: Stager,
    swapper: Swapper,
}

impl Slot {
    /// Starts a slot whose packs are loaded by this runtime.
    pub fn builder(runtime: Runtime) -> SlotBuilder {
        SlotBuilder::new(runtime)
    }

    /// Stages the pack in a folder or an archive, as of now, and swaps it in.
    ///
    /// Stages wait for each other; calls never do. How the work is spared the calls is said by the
    /// [`StagingPriority`].
    ///
    /// # Errors
    ///
    /// When the pack does not serve, with the step that it did not pass; what served before serves on.
    /// Unless it was the host's fault, the same pack is from now on refused at once, for as long as the
    /// [`BackOff`] says.
    pub fn stage(&self, path: impl AsRef<Path>, trust: &Trust) -> Result<Staged, StageError> {
        let now = clock::now().map_err(|error| StageError::Load(error.into()))?;
        self.stage_at(path, trust, now)
    }

    /// Stages the pack in a folder or an archive, as of the given time, and swaps it in.
    ///
    /// # Errors
    ///
    /// As [`stage`](Self::stage).
    pub fn stage_at(
        &self,
        path: impl AsRef<Path>,
        trust: &Trust,
        now: Timestamp,
    ) -> Result<Staged, StageError> {
        let path = path.as_ref();
        self.stage_source(Source::Path(path), trust, now)
    }

    /// Stages a pack whose bytes are in memory, as of the given time, and swaps it in.
    ///
    /// # Errors
    ///
    /// As [`stage`](Self::stage).
    pub fn stage_bytes(
        &self,
        bytes: PackBytes,
        trust: &Trust,
        now: Timestamp,
    ) -> Result<Staged, StageError> {
        self.stage_source(Source::Bytes(bytes), trust, now)
    }

    /// Lets the pack that served before the last swap serve again, at once: it is still in memory.
    ///
    /// The pack that is turned down is refused from now on, until it is [forgiven](Self::forgive). A
    /// floor stays where it is: after a restart the older pack is refused where floors are kept, and
    /// the author has to release it anew.
    ///
    /// # Errors
    ///
    /// [`RollbackError::NothingBefore`] when no pack has been swapped out since the slot was started or
    /// last rolled back.
    pub fn rollback(&self) -> Result<Generation, RollbackError> {
        let Shared { stager, swapper } = self.shared.as_ref();
        let rolled_back = swapper.rollback(|from| stager.turn_down(from))?;
        stager.remember_rollback(&rolled_back);
        Ok(rolled_back.now.generation())
    }

    /// The pack that serves now. Whoever holds it may go on calling it after a swap.
    #[must_use]
    pub fn current(&self) -> Arc<Serving> {
        self.shared.swapper.current()
    }

    /// The pack that a rollback would let serve.
    #[must_use]
    pub fn previous(&self) -> Option<Arc<Serving>> {
        self.shared.swapper.previous()
    }

    /// Binds a kernel to dimensions and parameters, for many calls that follow the slot from pack to
    /// pack. As long as it lives, no pack is swapped in in which it could not be bound alike.
    ///
    /// # Errors
    ///
    /// As [`Dispatcher::kernel`](crate::Dispatcher::kernel) and [`Dispatch::bind`](crate::Dispatch::bind)
    /// for the pack that serves now.
    pub fn bind(
        &self,
        kernel: &str,
        dims: &[(&str, usize)],
        params: &[(&str, ParamValue)],
    ) -> Result<SlotKernel, SlotCallError> {
        SlotKernel::bind(self, kernel, |dispatch| dispatch.bind(dims, params), params)
    }

    /// Binds a kernel to the shape of every input, by name, and parameters, as [`bind`](Self::bind).
    ///
    /// # Errors
    ///
    /// As [`bind`](Self::bind).
    pub fn bind_shapes(
        &self,
        kernel: &str,
        shapes: &[(&str, &[usize])],
        params: &[(&str, ParamValue)],
    ) -> Result<SlotKernel, SlotCallError> {
        let bind = |dispatch: &crate::Dispatch| dispatch.bind_shapes(shapes, params);
        SlotKernel::bind(self, kernel, bind, params)
    }

    /// What is refused at once, and for how long.
    #[must_use]
    pub fn refusals(&self) -> Vec<Refusal> {
        self.shared.stager.refusals()
    }

    /// Forgets that a pack was refused: it is judged anew when it is staged the next time. Whether it
    /// had been refused.
    pub fn forgive(&self, pack: Digest) -> Forgiven {
        self.shared.stager.forgive(pack)
    }

    /// Forgets every refusal.
    pub fn forgive_all(&self) {
        self.shared.stager.forgive_all();
    }

    /// What became of the last packs that were staged, and the rollbacks, the oldest first.
    #[must_use]
    pub fn history(&self) -> Vec<SwapRecord> {
        self.shared.stager.history()
    }

    /// How often what happened since the slot was started.
    #[must_use]
    pub fn counts(&self) -> SlotCounts {
        self.shared.stager.counts()
    }

    fn stage_source(
        &self,
        source: Source<'_>,
        trust: &Trust,
        now: Timestamp,
    ) -> Result<Staged, StageError> {
        let Shared { stager, swapper } = self.shared.as_ref();
        stager.stage(source, trust, now, swapper)
    }
}

/// Whether there was something to forgive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Forgiven {
    /// The pack was refused at once until now.
    Refused,
    /// Nothing was known of the pack.
    Unknown,
}

impl fmt::Debug for Slot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Slot")
            .field("current", &self.current())
            .field("previous", &self.previous())
            .finish_non_exhaustive()
    }
}
