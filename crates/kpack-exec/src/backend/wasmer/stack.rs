//! The size of the stack that a call runs on.
//!
//! The engine keeps one stack for each thread and hands it out again whenever it is *at least* as
//! large as what is asked for, and what a thread leaves behind when it ends goes to a pool for all.
//! So that no kernel gets a larger stack than its limit, a thread gives its stack back before it
//! asks for another size, and before it ends: the pool stays empty.

use std::cell::Cell;
use std::panic;

use wasmer::sys::vm::drain_stack_pool;

use crate::backend::STACK_OF_ENTRY;

/// The size to ask the engine for.
pub(super) fn with_entry(stack_bytes: usize) -> usize {
    stack_bytes.saturating_add(STACK_OF_ENTRY)
}

thread_local! {
    /// The size of the stack that the engine keeps for this thread.
    static KEPT: Cell<usize> = const { Cell::new(0) };
    /// Values are dropped in the reverse order of their first use. See [`change`].
    static AT_END: AtEnd = const { AtEnd };
}

/// Makes sure that the next call on this thread gets a stack of exactly `bytes`.
pub(super) fn prepare(bytes: usize) {
    if KEPT.get() != bytes {
        change(bytes);
    }
}

#[cold]
fn change(bytes: usize) {
    // The engine's own thread-local value is used here first, so that ours ends before it.
    drain_stack_pool();
    AT_END.with(|_| ());
    KEPT.set(bytes);
}

struct AtEnd;

impl Drop for AtEnd {
    fn drop(&mut self) {
        // It panics if the engine's value is gone already; the stack is then in the pool, from
        // which every change of size clears it away.
        let _ = panic::catch_unwind(drain_stack_pool);
    }
}
