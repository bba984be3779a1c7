use std::ops::Range;
use std::sync::Arc;

use kpack_exec::{
    Backend, BackendError, BoundKernel, Instance, NextPass, Program, RunError, VettedModule,
};
use kpack_schema::{Binding, BoundTensor, FeatureSet, PAGE_SIZE};
use semver::Version;

const DESCRIPTOR: usize = 40;
const ALIGN: usize = 64;

/// An engine that runs nothing and looks at the memory of every call. Its memory starts anywhere:
/// tensors are written and read as bytes.
pub(super) struct Probe {
    expected: Arc<Expected>,
}

/// What the interface promises a kernel for one binding, worked out apart from the host's own plan.
#[derive(Debug)]
pub(super) struct Expected {
    inputs: Vec<(String, usize)>,
    outputs: Vec<(String, usize)>,
    scratch: usize,
    params: Vec<u8>,
    module_pages: u32,
    max_pages: u32,
}

struct Instrument {
    memory: Vec<u8>,
    expected: Arc<Expected>,
    calls: u8,
}

impl Probe {
    pub(super) fn new(expected: Arc<Expected>) -> Self {
        Self { expected }
    }
}

impl Expected {
    pub(super) fn new(binding: &Binding, module_pages: u32, max_pages: u32) -> Arc<Self> {
        let length = |tensor: &BoundTensor| usize::try_from(tensor.byte_len).unwrap_or(usize::MAX);
        let named = |tensors: &[BoundTensor]| {
            let tensors = tensors.iter();
            tensors
                .map(|tensor| (tensor.name.clone(), length(tensor)))
                .collect()
        };
        Arc::new(Self {
            inputs: named(binding.inputs()),
            outputs: named(binding.outputs()),
            scratch: binding.scratch().map_or(0, length),
            params: binding.params_block().to_vec(),
            module_pages,
            max_pages,
        })
    }

    /// Writes the inputs, lets the probe look at them, and reads what it wrote.
    pub(super) fn call(&self, bound: &mut BoundKernel, turn: u8) {
        for (index, (name, length)) in self.inputs.iter().enumerate() {
            let input = bound
                .input_bytes_mut(name)
                .expect("a bound kernel has its inputs");
            assert_eq!(input.len(), *length);
            input.fill(mark(0x10, index, turn));
        }
        bound.run().expect("the probe ends well");
        for (index, (name, length)) in self.outputs.iter().enumerate() {
            let output = bound.output_bytes(name).expect("the call ended well");
            let mark = mark(0x80, index, turn);
            assert!(output.len() == *length && output.iter().all(|&byte| byte == mark));
        }
    }
}

/// A byte that tells tensors and calls apart and is not zero.
fn mark(kind: u8, index: usize, turn: u8) -> u8 {
    kind + u8::try_from(index).expect("a few tensors") * 2 + turn
}

impl Backend for Probe {
    fn name(&self) -> &str {
        "probe"
    }

    fn version(&self) -> Version {
        Version::new(1, 0, 0)
    }

    fn offers(&self) -> FeatureSet {
        FeatureSet::EMPTY
    }

    fn compile(&self, _: &VettedModule) -> Result<Arc<dyn Program>, BackendError> {
        Ok(Arc::new(Self::new(Arc::clone(&self.expected))))
    }
}

impl Program for Probe {
    fn instantiate(&self, module: &VettedModule) -> Result<Box<dyn Instance>, RunError> {
        assert_eq!(module.memory().minimum, self.expected.module_pages);
        Ok(Box::new(Instrument {
            memory: vec![0xee; bytes(module.memory().minimum)],
            expected: Arc::clone(&self.expected),
            calls: 0,
        }))
    }
}

impl Instance for Instrument {
    fn memory(&self) -> &[u8] {
        &self.memory
    }

    fn memory_mut(&mut self) -> &mut [u8] {
        &mut self.memory
    }

    fn grow(&mut self, pages: u32) -> Result<(), RunError> {
        assert!(self.expected.module_pages + pages <= self.expected.max_pages);
        self.memory.resize(self.memory.len() + bytes(pages), 0);
        Ok(())
    }

    fn call(&mut self, _: u64, next: &mut NextPass<'_>) -> Result<i32, RunError> {
        while let Some(argument) = next(&mut self.memory) {
            self.look(argument);
        }
        Ok(0)
    }
}

impl Instrument {
    /// Holds the memory to what the interface promises, and then behaves as badly as a kernel can.
    fn look(&mut self, argument: u32) {
        let regions = Regions::read(&self.memory, argument);
        regions.expect_apart_and_inside(bytes(self.expected.module_pages)..self.memory.len());
        let turn = self.calls;
        let Expected {
            inputs,
            outputs,
            scratch,
            params,
            ..
        } = &*self.expected;
        let (first, others) = inputs.split_at(1);
        for (region, tensors, skipped) in
            [(regions.input_a, first, 0), (regions.input_b, others, 1)]
        {
            let [places, gaps] = packed(region, tensors);
            for (index, place) in places.into_iter().enumerate() {
                let mark = mark(0x10, skipped + index, turn);
                assert!(
                    self.memory[place].iter().all(|&byte| byte == mark),
                    "the input's bytes"
                );
            }
            for gap in gaps {
                assert!(
                    self.memory[gap].iter().all(|&byte| byte == 0),
                    "gaps are zero"
                );
            }
        }
        let [places, _] = packed(regions.output, outputs);
        let output = regions.output.range();
        assert!(
            self.memory[output].iter().all(|&byte| byte == 0),
            "outputs start as zero"
        );
        assert_eq!(regions.scratch.size, *scratch);
        assert_eq!(&self.memory[regions.params.range()], params);

        // What a kernel may do to its own memory must not matter to the next call.
        self.memory.fill(0xee);
        for (index, place) in places.into_iter().enumerate() {
            self.memory[place].fill(mark(0x80, index, turn));
        }
        self.calls += 1;
    }
}

/// The tensors' places in a region, one after another at multiples of 64 from its start, and the
/// gaps between them.
fn packed(region: Region, tensors: &[(String, usize)]) -> [Vec<Range<usize>>; 2] {
    let (mut places, mut gaps) = (Vec::new(), Vec::new());
    let mut end = region.offset;
    for (_, length) in tensors {
        let start = end.next_multiple_of(ALIGN);
        gaps.push(end..start);
        end = start + length;
        places.push(start..end);
    }
    assert_eq!(
        region.size,
        end - region.offset,
        "a region ends with its last tensor"
    );
    [places, gaps]
}

#[derive(Debug, Clone, Copy)]
struct Region {
    offset: usize,
    size: usize,
}

impl Region {
    /// No overflow: both have 32 bits.
    fn range(self) -> Range<usize> {
        self.offset..self.offset + self.size
    }
}

struct Regions {
    descriptor: Region,
    input_a: Region,
    input_b: Region,
    output: Region,
    scratch: Region,
    params: Region,
}

impl Regions {
    /// What a kernel reads: ten numbers of 32 bits, by the published order.
    fn read(memory: &[u8], argument: u32) -> Self {
        let at = usize::try_from(argument).expect("an address");
        let descriptor = &memory[at..at + DESCRIPTOR];
        let mut numbers = descriptor.chunks_exact(4).map(|number| {
            let number = u32::from_le_bytes(*number.first_chunk().expect("4 bytes"));
            usize::try_from(number).expect("an address")
        });
        let mut next = || numbers.next().expect("ten numbers");
        let mut region = || Region {
            offset: next(),
            size: next(),
        };
        Self {
            descriptor: Region {
                offset: at,
                size: DESCRIPTOR,
            },
            input_a: region(),
            input_b: region(),
            output: region(),
            scratch: region(),
            params: region(),
        }
    }

    fn expect_apart_and_inside(&self, arena: Range<usize>) {
        let Self {
            descriptor,
            input_a,
            input_b,
            output,
            scratch,
            params,
        } = *self;
        let mut used = Vec::new();
        for region in [descriptor, input_a, input_b, output, scratch, params] {
            if region.size == 0 {
                assert_eq!(region.offset, 0, "an unused region is all zero");
                continue;
            }
            assert_eq!(region.offset % ALIGN, 0, "misaligned: {region:?}");
            let range = region.range();
            assert!(
                arena.start <= range.start && range.end <= arena.end,
                "outside: {region:?}"
            );
            used.push(range);
        }
        used.sort_by_key(|range| range.start);
        for pair in used.windows(2) {
            assert!(pair[0].end <= pair[1].start, "they overlap: {pair:?}");
        }
    }
}

fn bytes(pages: u32) -> usize {
    usize::try_from(u64::from(pages) * u64::from(PAGE_SIZE)).expect("a few pages")
}
