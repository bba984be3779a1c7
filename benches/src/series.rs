//! What runs the workloads, side by side.

use anyhow::{Context, Result};
use kpack_conformance::runtimes;

use crate::ceiling::Ceiling;
use crate::workload::Workload;

#[cfg(feature = "candle")]
pub use self::beside::Candle;
pub use self::beside::{ByHand, MemoryLimit, Native};
pub use self::engine::{ByCaller, ByDispatch, BySlot, Engine, OneShot};

mod beside;
mod engine;

/// A call with everything in place, to be repeated.
pub type Ready<'a> = Box<dyn FnMut() + 'a>;

/// One column of the comparison. A further one is one more in [`all`].
pub trait Series {
    /// The name in the results.
    fn name(&self) -> &str;

    /// Sets a call of the workload up and makes it once; `None` where there is no such kernel.
    ///
    /// # Errors
    ///
    /// When the call cannot be set up or fails.
    fn prepare<'a>(&self, workload: &'a Workload) -> Result<Option<Ready<'a>>>;

    /// As [`prepare`](Self::prepare), of a kernel that must be there.
    ///
    /// # Errors
    ///
    /// When there is no such kernel, too.
    fn ready<'a>(&self, workload: &'a Workload) -> Result<Ready<'a>> {
        let call = self.prepare(workload)?;
        call.with_context(|| format!("`{}` has no kernel: `{}`", self.name(), workload.kernel))
    }
}

/// Every engine that is compiled in; beside them the plain native loops, what is written by hand for
/// this processor, a peer, and what the memory allows.
///
/// # Errors
///
/// When an engine cannot be set up on this machine.
pub fn all() -> Result<Vec<Box<dyn Series>>> {
    let mut all: Vec<Box<dyn Series>> = Vec::new();
    for runtime in runtimes()? {
        all.push(Box::new(Engine::new(runtime.backend().name(), &runtime)?));
    }
    all.push(Box::new(Native));
    #[cfg(feature = "candle")]
    all.push(Box::new(Candle));
    if let Some(ceiling) = Ceiling::detect() {
        all.push(Box::new(ByHand(ceiling)));
        all.push(Box::new(MemoryLimit(ceiling)));
    }
    Ok(all)
}
