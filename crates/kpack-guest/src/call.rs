use core::marker::PhantomData;
use core::ptr::{self, NonNull};
use core::slice;

use kpack_abi::{DESCRIPTOR_SIZE, KernelDescriptor, REGION_ALIGN, Status, align_up};

use crate::{Element, Params};

/// One call of a kernel: the descriptor that the host wrote for it.
///
/// The code that the [`kernel`](crate::kernel) attribute makes is the usual reader of it.
#[derive(Debug)]
pub struct Call<'a> {
    descriptor: KernelDescriptor,
    memory: Memory<'a>,
}

/// Runs `kernel` on the call whose descriptor stands at `descriptor`, and returns the status code.
#[cfg(target_arch = "wasm32")]
#[inline(always)]
pub fn run(descriptor: u32, kernel: impl FnOnce(Call<'_>) -> Result<(), Status>) -> i32 {
    // SAFETY: an entry point is called by the host, and only by it: it has finished writing, and
    // nothing in the module knows the pages above the module's own.
    let memory = unsafe { Memory::of_this_module() };
    match Call::open(memory, descriptor).and_then(kernel) {
        Ok(()) => Status::Ok.code(),
        Err(status) => status.code(),
    }
}

/// The memory in which the host lays out a call.
#[derive(Debug, Clone, Copy)]
pub struct Memory<'a> {
    /// The address of offset 0.
    start: usize,
    /// The lowest offset that a region may have: below is the module's own.
    lowest: u64,
    end: u64,
    borrowed: PhantomData<&'a mut [u8]>,
}

impl<'a> Memory<'a> {
    /// Memory that stands in for a module's, so that a kernel's call can be tested outside of one.
    ///
    /// # Panics
    ///
    /// If the bytes do not begin at a multiple of 64.
    #[must_use]
    pub fn of_bytes(bytes: &'a mut [u8]) -> Self {
        let end = bytes.len() as u64;
        let start = bytes.as_mut_ptr().expose_provenance();
        assert!(start.is_multiple_of(REGION_ALIGN as usize));
        Self {
            start,
            lowest: 0,
            end,
            borrowed: PhantomData,
        }
    }

    /// # Safety
    ///
    /// While `'a` lasts, nothing else uses the memory above the module's own data and stack.
    #[cfg(target_arch = "wasm32")]
    #[inline(always)]
    unsafe fn of_this_module() -> Self {
        unsafe extern "C" {
            /// The linker's: where data and stack end.
            static __heap_base: u8;
        }
        let pages = core::arch::wasm32::memory_size::<0>() as u64;
        Self {
            start: 0,
            lowest: (&raw const __heap_base).addr() as u64,
            end: pages * u64::from(kpack_abi::PAGE_SIZE),
            borrowed: PhantomData,
        }
    }

    /// Where `size` bytes from `offset` on stand, if that is a region a host may use.
    #[inline(always)]
    fn region(&self, offset: u32, size: u32) -> Option<NonNull<u8>> {
        if size == 0 {
            return Some(NonNull::<Aligned>::dangling().cast());
        }
        let from = u64::from(offset);
        let inside = from >= self.lowest && from + u64::from(size) <= self.end;
        if !inside || !offset.is_multiple_of(REGION_ALIGN) {
            return None;
        }
        // The address of a byte of the memory: the sum does not wrap, also where `start` is 0.
        let at = ptr::with_exposed_provenance_mut(self.start + offset as usize);
        // SAFETY: outside of a module the memory is a slice, which is not at 0. Inside, the offset is
        // not below `lowest`, and the linker puts at least a stack below that.
        Some(unsafe { NonNull::new_unchecked(at) })
    }
}

/// As aligned as a region.
#[repr(align(64))]
struct Aligned;

/// The number of elements of a tensor with these dimensions, or `None` if a dimension or a product on
/// the way exceeds 32 bits: no memory holds such a tensor.
#[must_use]
#[inline(always)]
pub fn elements<const RANK: usize>(dims: [Option<u32>; RANK]) -> Option<u32> {
    dims.into_iter().try_fold(1_u32, |count, dim| {
        u32::try_from(u64::from(count) * u64::from(dim?)).ok()
    })
}

/// The number of blocks of 32 elements along the last dimension, or `None` where
/// [`elements`] has none, or the last dimension is not a multiple of 32.
#[must_use]
#[inline(always)]
pub fn blocks<const RANK: usize>(mut dims: [Option<u32>; RANK]) -> Option<u32> {
    let last = dims.last_mut()?;
    *last = divided((*last)?, 32);
    elements(dims)
}

/// `dim / by`, if that is exact.
#[must_use]
#[inline(always)]
pub fn divided(dim: u32, by: u32) -> Option<u32> {
    dim.is_multiple_of(by).then(|| dim / by)
}

impl<'a> Call<'a> {
    /// The call whose descriptor stands at `offset`.
    ///
    /// # Errors
    ///
    /// [`Status::InvalidParams`] if no descriptor can stand there.
    #[inline(always)]
    pub fn open(memory: Memory<'a>, offset: u32) -> Result<Self, Status> {
        #[expect(clippy::cast_possible_truncation, reason = "40 bytes")]
        const SIZE: u32 = DESCRIPTOR_SIZE as u32;
        let at = memory.region(offset, SIZE).ok_or(Status::InvalidParams)?;
        // SAFETY: the 40 bytes lie inside the memory, and any bytes are valid.
        let bytes = unsafe { at.cast::<[u8; DESCRIPTOR_SIZE]>().read() };
        Ok(Self {
            descriptor: KernelDescriptor::from_bytes(&bytes),
            memory,
        })
    }

    /// The parameter block, to be read before the tensors are taken.
    ///
    /// # Errors
    ///
    /// [`Status::InvalidParams`] if it is not exactly `SIZE` bytes of this memory.
    #[inline(always)]
    pub fn params<const SIZE: usize>(&self) -> Result<Params<'_, SIZE>, Status> {
        let size = self.descriptor.params_size;
        let block = self.memory.region(self.descriptor.params_offset, size);
        match block {
            Some(block) if size as usize == SIZE => {
                // SAFETY: SIZE bytes of the memory stand there, and any bytes are valid. What could
                // write to them are tensors, which exist only after this call has been given up.
                Ok(Params::new(unsafe { block.cast::<[u8; SIZE]>().as_ref() }))
            }
            _ => Err(Status::InvalidParams),
        }
    }

    /// The regions of the tensors.
    ///
    /// # Errors
    ///
    /// [`Status::InvalidInput`], [`Status::InvalidOutput`] or [`Status::OutOfMemory`] if the region of
    /// inputs, outputs or scratch is not aligned, lies outside the memory or within the module's own
    /// part of it; the latter two also if what is to be written overlaps anything else.
    #[inline(always)]
    pub fn regions(self) -> Result<Regions<'a>, Status> {
        let KernelDescriptor {
            input_a_offset,
            input_a_size,
            input_b_offset,
            input_b_size,
            output_offset,
            output_size,
            scratch_offset,
            scratch_size,
            ..
        } = self.descriptor;
        let input_a = Region::<Inputs>::new(self.memory, input_a_offset, input_a_size)?;
        let input_b = Region::<Inputs>::new(self.memory, input_b_offset, input_b_size)?;
        let output = Region::<Output>::new(self.memory, output_offset, output_size)?;
        let scratch = Region::<Scratch>::new(self.memory, scratch_offset, scratch_size)?;
        if output.overlaps(&input_a) || output.overlaps(&input_b) {
            return Err(Status::InvalidOutput);
        }
        let others = scratch.overlaps(&input_a) || scratch.overlaps(&input_b);
        if others || scratch.overlaps(&output) {
            return Err(Status::OutOfMemory);
        }
        Ok(Regions {
            input_a,
            input_b,
            output,
            scratch,
        })
    }
}

/// The regions of one call's tensors. Each gives its tensors one after another, in the order of the
/// manifest.
#[derive(Debug)]
pub struct Regions<'a> {
    /// The first input.
    pub input_a: Region<'a, Inputs>,
    /// All further inputs.
    pub input_b: Region<'a, Inputs>,
    /// All outputs.
    pub output: Region<'a, Output>,
    /// Scratch.
    pub scratch: Region<'a, Scratch>,
}

impl Regions<'_> {
    /// Every region was read to its end.
    ///
    /// # Errors
    ///
    /// [`Status::InvalidInput`], [`Status::InvalidOutput`] or [`Status::OutOfMemory`] if a region of
    /// inputs, outputs or scratch holds more than was taken from it.
    #[inline(always)]
    pub fn finish(self) -> Result<(), Status> {
        self.input_a.finish()?;
        self.input_b.finish()?;
        self.output.finish()?;
        self.scratch.finish()
    }
}

/// A region whose tensors are taken one by one; no two of them overlap.
#[derive(Debug)]
pub struct Region<'a, R: Role> {
    start: NonNull<u8>,
    /// In the memory.
    offset: u32,
    size: u32,
    /// The end of the last tensor that was taken, from the region's start.
    taken: u64,
    borrowed: PhantomData<(&'a mut [u8], R)>,
}

/// What a region is for, and whose mistake a wrong size is.
pub trait Role {
    #[doc(hidden)]
    const MISMATCH: Status;
}

/// A region that is read.
#[derive(Debug)]
pub enum Inputs {}
/// The region of what the call is for.
#[derive(Debug)]
pub enum Output {}
/// The region that is the kernel's to use while it runs; it holds anything at first.
#[derive(Debug)]
pub enum Scratch {}

impl Role for Inputs {
    const MISMATCH: Status = Status::InvalidInput;
}
impl Role for Output {
    const MISMATCH: Status = Status::InvalidOutput;
}
impl Role for Scratch {
    const MISMATCH: Status = Status::OutOfMemory;
}

impl<'a, R: Role> Region<'a, R> {
    #[inline(always)]
    fn new(memory: Memory<'a>, offset: u32, size: u32) -> Result<Self, Status> {
        let start = memory.region(offset, size).ok_or(R::MISMATCH)?;
        Ok(Self {
            start,
            offset,
            size,
            taken: 0,
            borrowed: PhantomData,
        })
    }

    #[inline(always)]
    fn overlaps<S: Role>(&self, other: &Region<'_, S>) -> bool {
        let end = |offset: u32, size: u32| u64::from(offset) + u64::from(size);
        self.size != 0
            && other.size != 0
            && u64::from(self.offset) < end(other.offset, other.size)
            && u64::from(other.offset) < end(self.offset, self.size)
    }

    /// The place of the next `count` elements, at the next multiple of 64.
    #[inline(always)]
    fn place<T: Element>(&mut self, count: Option<u32>) -> Result<(NonNull<T>, usize), Status> {
        let count = count.ok_or(R::MISMATCH)?;
        let from = align_up(self.taken, u64::from(REGION_ALIGN)).ok_or(R::MISMATCH)?;
        let end = from + u64::from(count) * size_of::<T>() as u64;
        if end > u64::from(self.size) {
            return Err(R::MISMATCH);
        }
        self.taken = end;
        if count == 0 {
            return Ok((NonNull::dangling(), 0));
        }
        #[expect(
            clippy::cast_possible_truncation,
            reason = "less than `size`, which has 32 bits"
        )]
        let from = from as usize;
        // SAFETY: from < end <= size: the place is inside the region.
        let at = unsafe { self.start.add(from) };
        Ok((at.cast(), count as usize))
    }

    #[inline(always)]
    fn finish(self) -> Result<(), Status> {
        if self.taken == u64::from(self.size) {
            Ok(())
        } else {
            Err(R::MISMATCH)
        }
    }
}

impl<'a> Region<'a, Inputs> {
    /// The next input, `count` elements.
    ///
    /// # Errors
    ///
    /// [`Status::InvalidInput`] if the region does not hold that many more, or `count` is `None`.
    #[inline(always)]
    pub fn next<T: Element>(&mut self, count: Option<u32>) -> Result<&'a [T], Status> {
        let (at, count) = self.place::<T>(count)?;
        // SAFETY: the place holds `count` elements of any bits, aligned to 64; for as long as 'a,
        // nothing writes to a region of inputs.
        Ok(unsafe { slice::from_raw_parts(at.as_ptr(), count) })
    }
}

impl<'a> Region<'a, Output> {
    /// The next output, `count` elements, all zero.
    ///
    /// # Errors
    ///
    /// [`Status::InvalidOutput`] if the region does not hold that many more, or `count` is `None`.
    #[inline(always)]
    pub fn next<T: Element>(&mut self, count: Option<u32>) -> Result<&'a mut [T], Status> {
        let (at, count) = self.place::<T>(count)?;
        // SAFETY: the place holds `count` elements of any bits, aligned to 64; it overlaps no other
        // region and is given out once.
        Ok(unsafe { slice::from_raw_parts_mut(at.as_ptr(), count) })
    }
}

impl<'a> Region<'a, Scratch> {
    /// The next `count` elements of scratch, with anything in them.
    ///
    /// # Errors
    ///
    /// [`Status::OutOfMemory`] if the region does not hold that many more, or `count` is `None`.
    #[inline(always)]
    pub fn next<T: Element>(&mut self, count: Option<u32>) -> Result<&'a mut [T], Status> {
        let (at, count) = self.place::<T>(count)?;
        // SAFETY: as for outputs.
        Ok(unsafe { slice::from_raw_parts_mut(at.as_ptr(), count) })
    }
}
