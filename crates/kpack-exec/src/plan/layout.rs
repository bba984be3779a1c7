use std::ops::Range;

use kpack_schema::{DESCRIPTOR_SIZE, KernelDescriptor, PAGE_SIZE, REGION_ALIGN, align_up};

use super::{MemoryPlan, Sizes};

/// Whether regions start in different quarters of a 4 KiB block.
///
/// A processor confuses a load with an earlier store at the same offset modulo 4 KiB. It loads some
/// KiB ahead of what it stores, so inputs stand a little above outputs: their loads then come to the
/// offset of a store only when they are nearly 4 KiB ahead.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Lanes {
    Separate,
    /// Where room is too short for that.
    Shared,
}

const LANE_BLOCK: u64 = 4096;

/// A region and its tensors, in 64 bits, before anything is known to fit.
#[derive(Default)]
struct Region {
    start: u64,
    size: u64,
    tensors: Vec<Range<u64>>,
    gaps: Vec<Range<u64>>,
}

pub(super) struct Layout {
    descriptor: u64,
    params: Region,
    input_a: Region,
    input_b: Region,
    output: Region,
    scratch: Region,
    pub(super) end: u64,
}

impl Layout {
    /// `None` when a sum exceeds 64 bits.
    pub(super) fn new(sizes: &Sizes, base: u64, lanes: Lanes) -> Option<Self> {
        let mut end = base.checked_add(u64::try_from(DESCRIPTOR_SIZE).ok()?)?;
        let mut place = |tensors: &[u64], lane: Option<u64>| {
            let lane = lane.filter(|_| lanes == Lanes::Separate);
            let region = Region::behind(end, tensors, lane)?;
            end = end.max(region.start.checked_add(region.size)?);
            Some(region)
        };
        let (first, others) = sizes.inputs.split_at(sizes.inputs.len().min(1));
        // The params block stands beside the descriptor: both are read at the start of every call.
        let params = place(&[sizes.params], None)?;
        let input_a = place(first, Some(1024))?;
        let input_b = place(others, Some(2048))?;
        let output = place(&sizes.outputs, Some(0))?;
        let scratch = place(&[sizes.scratch], Some(3072))?;
        Some(Self {
            descriptor: base,
            params,
            input_a,
            input_b,
            output,
            scratch,
            end,
        })
    }

    /// `None` when an offset exceeds 32 bits.
    pub(super) fn into_plan(self, base: u64) -> Option<MemoryPlan> {
        let of_tensors = |ranges: &[Range<u64>]| ranges.iter().map(in_memory).collect();
        let mut inputs: Vec<Range<usize>> = of_tensors(&self.input_a.tensors)?;
        let others: Option<Vec<Range<usize>>> = of_tensors(&self.input_b.tensors);
        inputs.append(&mut others?);
        let own_pages = (self.end - base).div_ceil(u64::from(PAGE_SIZE));
        Some(MemoryPlan {
            descriptor: self.kernel_descriptor()?,
            argument: u32::try_from(self.descriptor).ok()?,
            descriptor_range: in_memory(&(self.descriptor..self.descriptor_end()?))?,
            params: in_memory(&self.params.range())?,
            inputs,
            outputs: of_tensors(&self.output.tensors)?,
            gaps: of_tensors(&self.input_b.gaps)?,
            new_pages: u32::try_from(own_pages).ok()?,
        })
    }

    fn descriptor_end(&self) -> Option<u64> {
        let size = u64::try_from(DESCRIPTOR_SIZE).ok()?;
        self.descriptor.checked_add(size)
    }

    fn kernel_descriptor(&self) -> Option<KernelDescriptor> {
        Some(KernelDescriptor {
            input_a_offset: u32::try_from(self.input_a.start).ok()?,
            input_a_size: u32::try_from(self.input_a.size).ok()?,
            input_b_offset: u32::try_from(self.input_b.start).ok()?,
            input_b_size: u32::try_from(self.input_b.size).ok()?,
            output_offset: u32::try_from(self.output.start).ok()?,
            output_size: u32::try_from(self.output.size).ok()?,
            scratch_offset: u32::try_from(self.scratch.start).ok()?,
            scratch_size: u32::try_from(self.scratch.size).ok()?,
            params_offset: u32::try_from(self.params.start).ok()?,
            params_size: u32::try_from(self.params.size).ok()?,
        })
    }
}

impl Region {
    /// The tensors one after another, each at the next multiple of 64 from the region's start.
    ///
    /// A region without content is unused: offset 0, size 0.
    fn behind(end: u64, tensors: &[u64], lane: Option<u64>) -> Option<Self> {
        let align = u64::from(REGION_ALIGN);
        if tensors.iter().all(|&size| size == 0) {
            return Some(Self {
                tensors: vec![0..0; tensors.len()],
                ..Self::default()
            });
        }
        let start = match lane {
            Some(lane) => align_up(end.saturating_sub(lane), LANE_BLOCK)?.checked_add(lane)?,
            None => align_up(end, align)?,
        };
        let mut region = Self {
            start,
            ..Self::default()
        };
        let mut cursor = start;
        for &size in tensors {
            let at = align_up(cursor, align)?;
            if at > cursor {
                region.gaps.push(cursor..at);
            }
            cursor = at.checked_add(size)?;
            region.tensors.push(at..cursor);
        }
        region.size = cursor - start;
        Some(region)
    }

    /// No overflow: `behind` has formed the end already.
    fn range(&self) -> Range<u64> {
        self.start..self.start + self.size
    }
}

fn in_memory(range: &Range<u64>) -> Option<Range<usize>> {
    Some(usize::try_from(range.start).ok()?..usize::try_from(range.end).ok()?)
}

#[cfg(test)]
mod tests;
