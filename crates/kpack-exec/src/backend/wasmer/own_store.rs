#![expect(
    unsafe_code,
    reason = "the engine shows a memory as a slice, and lets a store change threads, in no safe way"
)]

use std::slice;
use std::sync::Arc;

use wasmer::sys::NativeEngineExt;
use wasmer::{Engine, Instance, InstantiationError, Memory, Module, Store};

use super::clock::{Clock, Shown};
use super::tunables::HostLimits;

/// One instance that imports nothing, with a store of its own: the engine frees an instance only
/// with its store.
pub(super) struct OwnStore {
    /// Ends before the store does: fields are dropped in this order.
    _shown: Shown,
    store: Store,
}

// SAFETY: what keeps the engine's store from being `Send` are the host functions, host objects and
// call-back it may hold, and raw pointers into the instances that it owns. No host function, object
// or call-back is ever put into this one, its instance moves with it, and nothing of it is bound to
// a thread between calls; a call borrows it mutably from beginning to end.
unsafe impl Send for OwnStore {}

impl OwnStore {
    /// Makes an instance of `module` within `limits`, in which `clock` is shown.
    pub(super) fn instantiate(
        mut engine: Engine,
        module: &Module,
        limits: HostLimits,
        clock: &Arc<Clock>,
    ) -> Result<(Self, Instance), Box<InstantiationError>> {
        let place = limits.clock_place();
        engine.set_tunables(limits);
        let mut store = Store::new(engine);
        let instance = Instance::new(&mut store, module, &wasmer::imports! {})?;
        let place = place
            .get()
            .expect("an instance has the global of the clock");
        // SAFETY: the place is in the instance, which lives in the store, which is dropped after
        // `_shown`. It is as large and aligned as a value of 128 bits. The guards, who alone know
        // the global, only read it.
        let shown = unsafe { clock.show(place) };
        let own = Self {
            _shown: shown,
            store,
        };
        Ok((own, instance))
    }

    pub(super) fn get(&self) -> &Store {
        &self.store
    }

    /// To call the instance and to grow its memory; never to add anything of the host's.
    pub(super) fn get_mut(&mut self) -> &mut Store {
        &mut self.store
    }

    /// The bytes of the instance's memory.
    pub(super) fn bytes(&self, memory: &Memory) -> &[u8] {
        let view = memory.view(&self.store);
        // SAFETY: the engine keeps these bytes mapped while the store lives and the memory does not
        // grow. Growing it and running code that writes to it borrow the store mutably, which the
        // borrow of `self` rules out.
        unsafe { slice::from_raw_parts(view.data_ptr(), byte_len(&view)) }
    }

    /// The bytes of the instance's memory, to be written.
    pub(super) fn bytes_mut(&mut self, memory: &Memory) -> &mut [u8] {
        let view = memory.view(&self.store);
        // SAFETY: as above, and the mutable borrow of `self` rules out every other slice: nothing
        // outside the store shares the memory of its instance.
        unsafe { slice::from_raw_parts_mut(view.data_ptr(), byte_len(&view)) }
    }
}

fn byte_len(view: &wasmer::MemoryView<'_>) -> usize {
    usize::try_from(view.data_size()).expect("a memory is not larger than the address space")
}
