use core::ptr::with_exposed_provenance_mut;

use kpack_abi::{DESCRIPTOR_SIZE, KernelDescriptor, PAGE_SIZE, REGION_ALIGN, Status};

use crate::Params;

/// One call of a kernel: the regions that the host laid out for it.
///
/// Every accessor compares a region with what the kernel expects and gives a pointer only when it
/// has exactly that size, is aligned and lies in memory. The host has checked all of this too; a
/// kernel that does it again turns a host's mistake into a status instead of wrong numbers.
///
/// The pointers may alias: nothing keeps a host from laying an output over an input.
pub struct Call {
    descriptor: KernelDescriptor,
    memory_bytes: u64,
}

/// Runs `kernel` on the call whose descriptor stands at `descriptor`, and returns the status code.
#[inline(always)]
pub fn run(descriptor: u32, kernel: impl FnOnce(&Call) -> Result<(), Status>) -> i32 {
    let result = Call::open(descriptor).and_then(|call| kernel(&call));
    match result {
        Ok(()) => Status::Ok.code(),
        Err(status) => status.code(),
    }
}

/// The number of elements of a tensor with these dimensions, or `None` if a product on the way
/// exceeds 32 bits: no memory holds such a tensor.
#[must_use]
#[inline(always)]
pub fn elements(dims: &[u32]) -> Option<u32> {
    dims.iter().try_fold(1_u32, |count, &dim| {
        u32::try_from(u64::from(count) * u64::from(dim)).ok()
    })
}

impl Call {
    /// The parameter block.
    ///
    /// # Errors
    ///
    /// [`Status::InvalidParams`] if it is not exactly `SIZE` bytes of this memory.
    #[inline(always)]
    pub fn params<const SIZE: usize>(&self) -> Result<Params<SIZE>, Status> {
        let block = self
            .region::<[u8; SIZE]>(
                self.descriptor.params_offset,
                self.descriptor.params_size,
                Some(1),
            )
            .ok_or(Status::InvalidParams)?;
        // SAFETY: `region` found SIZE bytes of this module's memory there, and any bytes are valid.
        Ok(Params::new(unsafe { block.cast_const().read() }))
    }

    /// The first input, `elements` values of `T`.
    ///
    /// # Errors
    ///
    /// [`Status::InvalidInput`] if the region does not have exactly that size, or `elements` is
    /// `None`.
    #[inline(always)]
    pub fn input_a<T>(&self, elements: Option<u32>) -> Result<*const T, Status> {
        self.region(
            self.descriptor.input_a_offset,
            self.descriptor.input_a_size,
            elements,
        )
        .map(<*mut T>::cast_const)
        .ok_or(Status::InvalidInput)
    }

    /// The second input of a kernel that has two, `elements` values of `T`.
    ///
    /// # Errors
    ///
    /// As [`input_a`](Self::input_a).
    #[inline(always)]
    pub fn input_b<T>(&self, elements: Option<u32>) -> Result<*const T, Status> {
        self.region(
            self.descriptor.input_b_offset,
            self.descriptor.input_b_size,
            elements,
        )
        .map(<*mut T>::cast_const)
        .ok_or(Status::InvalidInput)
    }

    /// The only output, `elements` values of `T`.
    ///
    /// # Errors
    ///
    /// [`Status::InvalidOutput`] if the region does not have exactly that size, or `elements` is
    /// `None`.
    #[inline(always)]
    pub fn output<T>(&self, elements: Option<u32>) -> Result<*mut T, Status> {
        self.region(
            self.descriptor.output_offset,
            self.descriptor.output_size,
            elements,
        )
        .ok_or(Status::InvalidOutput)
    }

    #[inline(always)]
    fn open(offset: u32) -> Result<Self, Status> {
        let memory_bytes = memory_bytes();
        let end = u64::from(offset) + DESCRIPTOR_SIZE as u64;
        if !offset.is_multiple_of(REGION_ALIGN) || end > memory_bytes {
            return Err(Status::InvalidParams);
        }
        let at = with_exposed_provenance_mut::<[u8; DESCRIPTOR_SIZE]>(offset as usize);
        // SAFETY: the 40 bytes end inside this module's memory, and any bytes are valid.
        let bytes = unsafe { at.cast_const().read() };
        Ok(Self {
            descriptor: KernelDescriptor::from_bytes(&bytes),
            memory_bytes,
        })
    }

    /// `elements` values of `T` at `offset`, if that is what the region holds.
    #[inline(always)]
    fn region<T>(&self, offset: u32, size: u32, elements: Option<u32>) -> Option<*mut T> {
        let expected = u64::from(elements?) * size_of::<T>() as u64;
        let fits = u64::from(offset) + u64::from(size) <= self.memory_bytes;
        let sound = u64::from(size) == expected && offset.is_multiple_of(REGION_ALIGN) && fits;
        sound.then(|| with_exposed_provenance_mut(offset as usize))
    }
}

fn memory_bytes() -> u64 {
    core::arch::wasm32::memory_size::<0>() as u64 * u64::from(PAGE_SIZE)
}
