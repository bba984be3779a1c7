use std::ops::Range;

use kpack_schema::{DESCRIPTOR_SIZE, KernelDescriptor, PAGE_SIZE, REGION_ALIGN, align_up};

use crate::fault::Fault;

/// The byte lengths of everything that one call places in a kernel's memory.
#[derive(Debug, Clone, Default)]
pub(crate) struct Sizes {
    /// Each input, in the order of the manifest.
    pub(crate) inputs: Vec<u64>,
    /// Each output, in the order of the manifest.
    pub(crate) outputs: Vec<u64>,
    /// The scratch tensor, 0 without one.
    pub(crate) scratch: u64,
    /// The params block.
    pub(crate) params: u64,
}

/// Where a call's descriptor, parameters and tensors lie in the kernel's memory.
///
/// Everything lies in pages that the host adds behind the module's own. All ranges are in bytes
/// from the start of the memory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct MemoryPlan {
    /// What the kernel is told.
    pub(crate) descriptor: KernelDescriptor,
    /// Where the descriptor itself lies: the argument of the entry point.
    pub(crate) argument: u32,
    /// The descriptor's bytes.
    pub(crate) descriptor_range: Range<usize>,
    /// The params block.
    pub(crate) params: Range<usize>,
    /// Each input.
    pub(crate) inputs: Vec<Range<usize>>,
    /// Each output.
    pub(crate) outputs: Vec<Range<usize>>,
    /// What has to be zero before a call: the gaps between packed inputs and the output region.
    pub(crate) zeroed: Vec<Range<usize>>,
    /// The pages that the host adds.
    pub(crate) new_pages: u32,
}

impl MemoryPlan {
    /// Lays a call out behind a module's own `module_pages`, within `max_pages` in all.
    ///
    /// # Errors
    ///
    /// [`Fault::MemoryLimit`] when it does not fit.
    pub(crate) fn new(sizes: &Sizes, module_pages: u32, max_pages: u32) -> Result<Self, Fault> {
        let page = u64::from(PAGE_SIZE);
        let base = u64::from(module_pages) * page;
        let fits = |layout: &Layout| layout.end.div_ceil(page) <= u64::from(max_pages);
        let tight = || Layout::new(sizes, base, Lanes::Shared);
        let layout = Layout::new(sizes, base, Lanes::Separate)
            .filter(fits)
            .or_else(tight)
            .filter(fits);
        layout
            .and_then(|layout| layout.into_plan(base))
            .ok_or_else(|| Fault::MemoryLimit {
                needed_pages: tight().map_or(u64::MAX / page, |layout| layout.end.div_ceil(page)),
                max_pages,
            })
    }
}

/// Whether regions start in different quarters of a 4 KiB block.
///
/// A processor confuses a load with an earlier store at the same offset modulo 4 KiB. Streams that
/// start 1 KiB apart, and so advance 1 KiB apart, do not meet.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Lanes {
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

struct Layout {
    descriptor: u64,
    params: Region,
    input_a: Region,
    input_b: Region,
    output: Region,
    scratch: Region,
    end: u64,
}

impl Layout {
    /// `None` when a sum exceeds 64 bits.
    fn new(sizes: &Sizes, base: u64, lanes: Lanes) -> Option<Self> {
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
        let output = place(&sizes.outputs, Some(3072))?;
        let scratch = place(&[sizes.scratch], Some(0))?;
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
    fn into_plan(self, base: u64) -> Option<MemoryPlan> {
        let page = u64::from(PAGE_SIZE);
        let descriptor = KernelDescriptor {
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
        };
        let output = self.output.start..self.output.start + self.output.size;
        let zeroed = self
            .input_b
            .gaps
            .iter()
            .cloned()
            .chain(Some(output).filter(|r| !r.is_empty()));
        let inputs = self.input_a.tensors.iter().chain(&self.input_b.tensors);
        let argument = u32::try_from(self.descriptor).ok()?;
        let descriptor_end = self
            .descriptor
            .checked_add(u64::try_from(DESCRIPTOR_SIZE).ok()?)?;
        Some(MemoryPlan {
            descriptor,
            argument,
            descriptor_range: in_memory(&(self.descriptor..descriptor_end))?,
            params: in_memory(&(self.params.start..self.params.start + self.params.size))?,
            inputs: inputs.map(in_memory).collect::<Option<_>>()?,
            outputs: self
                .output
                .tensors
                .iter()
                .map(in_memory)
                .collect::<Option<_>>()?,
            zeroed: zeroed
                .map(|range| in_memory(&range))
                .collect::<Option<_>>()?,
            new_pages: u32::try_from((self.end - base).div_ceil(page)).ok()?,
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
}

fn in_memory(range: &Range<u64>) -> Option<Range<usize>> {
    Some(usize::try_from(range.start).ok()?..usize::try_from(range.end).ok()?)
}
