use std::ops::Range;

use kpack_schema::{Binding, BoundTensor, KernelDescriptor, PAGE_SIZE};

use self::layout::{Lanes, Layout};
use crate::fault::Fault;

#[cfg(test)]
mod extremes;
mod layout;

/// The pages that 32-bit addresses reach.
const ADDRESSABLE_PAGES: u32 = 65_536;

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

impl Sizes {
    /// The lengths of a bound call.
    pub(crate) fn of(binding: &Binding) -> Self {
        let lengths =
            |tensors: &[BoundTensor]| tensors.iter().map(|tensor| tensor.byte_len).collect();
        Self {
            inputs: lengths(binding.inputs()),
            outputs: lengths(binding.outputs()),
            scratch: binding.scratch().map_or(0, |scratch| scratch.byte_len),
            params: u64::try_from(binding.params_block().len()).unwrap_or(u64::MAX),
        }
    }
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
    /// The gaps between packed inputs, which have to be zero before a call as the output region has.
    pub(crate) gaps: Vec<Range<usize>>,
    /// The pages that the host adds.
    pub(crate) new_pages: u32,
}

impl MemoryPlan {
    /// Lays a call out behind a module's own `module_pages`, within `max_pages` in all, of which no
    /// more than 65,536 can be addressed.
    ///
    /// # Errors
    ///
    /// [`Fault::MemoryLimit`] when it does not fit.
    pub(crate) fn new(sizes: &Sizes, module_pages: u32, max_pages: u32) -> Result<Self, Fault> {
        let page = u64::from(PAGE_SIZE);
        let max_pages = max_pages.min(ADDRESSABLE_PAGES);
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const PAGE: u64 = PAGE_SIZE as u64;

    fn plan(sizes: &Sizes, module_pages: u32, max_pages: u32) -> Result<MemoryPlan, Fault> {
        MemoryPlan::new(sizes, module_pages, max_pages)
    }

    fn small() -> Sizes {
        Sizes {
            inputs: vec![100, 3, 200],
            outputs: vec![64],
            scratch: 10,
            params: 24,
        }
    }

    #[test]
    fn a_one_tensor_region_is_its_exact_length_and_a_packed_one_ends_with_its_last_tensor() {
        let plan = plan(&small(), 1, 16).unwrap();
        let descriptor = plan.descriptor;
        assert_eq!(descriptor.input_a_size, 100);
        assert_eq!(descriptor.input_b_size, 64 + 200);
        assert_eq!(descriptor.output_size, 64);
        assert_eq!(descriptor.scratch_size, 10);
        assert_eq!(descriptor.params_size, 24);
        let b = usize::try_from(descriptor.input_b_offset).unwrap();
        assert_eq!(plan.inputs[1..], [b..b + 3, b + 64..b + 264]);
        assert_eq!(plan.gaps, vec![b + 3..b + 64]);
    }

    #[test]
    fn an_unused_region_is_offset_0_size_0() {
        let plan = plan(
            &Sizes {
                inputs: vec![4],
                outputs: vec![4],
                ..Sizes::default()
            },
            0,
            1,
        );
        let plan = plan.unwrap();
        assert_eq!(
            (plan.descriptor.input_b_offset, plan.descriptor.input_b_size),
            (0, 0)
        );
        assert_eq!(
            (plan.descriptor.scratch_offset, plan.descriptor.scratch_size),
            (0, 0)
        );
        assert_eq!(
            (plan.descriptor.params_offset, plan.descriptor.params_size),
            (0, 0)
        );
        assert_eq!((plan.argument, plan.new_pages), (0, 1));
    }

    #[test]
    fn the_pages_of_the_module_count() {
        assert_eq!(plan(&small(), 15, 16).unwrap().argument, 15 * PAGE_SIZE);
        assert_eq!(
            plan(&small(), 16, 16),
            Err(Fault::MemoryLimit {
                needed_pages: 17,
                max_pages: 16
            })
        );
    }

    #[test]
    fn streams_do_not_share_an_offset_modulo_4_kib_where_there_is_room() {
        let sizes = Sizes {
            inputs: vec![PAGE; 2],
            outputs: vec![PAGE],
            ..Sizes::default()
        };
        let mut starts: Vec<_> = {
            let plan = plan(&sizes, 1, 16).unwrap();
            plan.inputs
                .iter()
                .chain(&plan.outputs)
                .map(|range| range.start % 4096)
                .collect()
        };
        starts.sort_unstable();
        starts.dedup();
        assert_eq!(starts.len(), 3);
    }

    #[test]
    fn lanes_never_cost_a_page_that_the_limit_does_not_allow() {
        // Descriptor at 0, input behind it at 64, output right behind: exactly one page.
        let sizes = Sizes {
            inputs: vec![64],
            outputs: vec![PAGE - 128],
            ..Sizes::default()
        };
        let tight = plan(&sizes, 0, 1).unwrap();
        assert_eq!(tight.outputs[0], 128..65_536);
        assert_eq!(
            plan(&sizes, 0, 2).unwrap().new_pages,
            2,
            "with room the lanes are used"
        );
        let one_more = Sizes {
            outputs: vec![PAGE - 127],
            ..sizes
        };
        assert_eq!(
            plan(&one_more, 0, 1),
            Err(Fault::MemoryLimit {
                needed_pages: 2,
                max_pages: 1
            })
        );
    }

    #[test]
    fn the_whole_of_32_bits_can_be_used_and_no_more() {
        let all = PAGE * 65_536;
        let sizes = Sizes {
            inputs: vec![64],
            outputs: vec![all - 128],
            ..Sizes::default()
        };
        let whole = plan(&sizes, 0, 65_536).unwrap();
        assert_eq!(whole.descriptor.total_memory_required(), all);
        let one_more = Sizes {
            outputs: vec![all - 127],
            ..sizes
        };
        assert_eq!(
            plan(&one_more, 0, u32::MAX),
            Err(Fault::MemoryLimit {
                needed_pages: 65_537,
                max_pages: 65_536
            })
        );
    }

    #[test]
    fn sums_beyond_64_bits_are_over_the_limit() {
        for inputs in [
            vec![u64::MAX],
            vec![u64::MAX - 10_000; 3],
            vec![1 << 63, 1 << 63],
        ] {
            let sizes = Sizes { inputs, ..small() };
            let error = plan(&sizes, 1, 65_536).unwrap_err();
            assert_eq!(error.kind(), "memory_limit");
        }
    }

    fn any_sizes() -> impl Strategy<Value = Sizes> {
        sizes_of(|| prop_oneof![1..300_u64, 1..200_000_u64, Just(64), Just(4096)].boxed())
    }

    /// Lengths of every magnitude, most of them close to a power of two.
    fn extreme_sizes() -> impl Strategy<Value = Sizes> {
        let close = |powers: Range<u32>| {
            (powers, -130..130_i64)
                .prop_map(|(power, by)| (1_u64 << power).saturating_add_signed(by))
        };
        sizes_of(move || {
            prop_oneof![
                4 => close(0..33),
                1 => close(0..64),
                1 => Just(0),
                1 => any::<u64>(),
                1 => u64::MAX - 200..=u64::MAX,
            ]
            .boxed()
        })
    }

    fn sizes_of(length: impl Fn() -> BoxedStrategy<u64>) -> impl Strategy<Value = Sizes> {
        let tensors = || prop::collection::vec(length(), 1..6);
        let scratch = prop_oneof![Just(0), length()];
        (tensors(), tensors(), scratch, 0..200_u64).prop_map(
            |(inputs, outputs, scratch, params)| Sizes {
                inputs,
                outputs,
                scratch,
                params,
            },
        )
    }

    /// Where the tightest layout ends, each part at the next multiple of 64, in arithmetic that
    /// these lengths cannot exceed.
    fn tightest_end(sizes: &Sizes, module_pages: u32) -> u128 {
        let mut end = u128::from(module_pages) * u128::from(PAGE) + 40;
        let (first, others) = sizes.inputs.split_at(1);
        for region in [
            &[sizes.params][..],
            first,
            others,
            &sizes.outputs,
            &[sizes.scratch],
        ] {
            // A region without content is nowhere.
            for &length in region
                .iter()
                .filter(|_| region.iter().any(|&length| length > 0))
            {
                end = end.next_multiple_of(64) + u128::from(length);
            }
        }
        end
    }

    /// Every region and tensor of a plan with what it must be aligned to, 0-size ones left out.
    fn ranges(plan: &MemoryPlan) -> Vec<Range<usize>> {
        let scratch = usize::try_from(plan.descriptor.scratch_offset).unwrap();
        let scratch = scratch..scratch + usize::try_from(plan.descriptor.scratch_size).unwrap();
        let mut all = vec![plan.descriptor_range.clone(), plan.params.clone(), scratch];
        all.extend(plan.inputs.iter().chain(&plan.outputs).cloned());
        all.retain(|range| !range.is_empty());
        all.sort_by_key(|range| range.start);
        all
    }

    /// Everything is aligned, apart, inside the pages that the host adds, as long as it has to be, and
    /// where the kernel is told that it is.
    fn expect_rules(plan: &MemoryPlan, sizes: &Sizes, module_pages: u32) {
        let own = u64::from(module_pages) * PAGE;
        let memory = own + u64::from(plan.new_pages) * PAGE;
        let end = plan.descriptor.total_memory_required();
        assert!(end.max(own + 40) <= memory);
        assert!(memory - end.max(own + 40) < PAGE, "no page too many");

        let all = ranges(plan);
        for range in &all {
            assert_eq!(range.start % 64, 0, "{range:?}");
            assert!(u64::try_from(range.start).unwrap() >= own, "{range:?}");
            assert!(u64::try_from(range.end).unwrap() <= memory, "{range:?}");
        }
        for pair in all.windows(2) {
            assert!(pair[0].end <= pair[1].start, "they overlap: {pair:?}");
        }

        let lengths = |ranges: &[Range<usize>]| -> Vec<u64> {
            let lengths = ranges.iter().map(Range::len);
            lengths
                .map(|length| u64::try_from(length).unwrap())
                .collect()
        };
        assert_eq!(lengths(&plan.inputs), sizes.inputs);
        assert_eq!(lengths(&plan.outputs), sizes.outputs);

        let KernelDescriptor {
            input_a_offset,
            input_a_size,
            input_b_offset,
            input_b_size,
            output_offset,
            output_size,
            scratch_size,
            params_size,
            ..
        } = plan.descriptor;
        let (first, others) = plan.inputs.split_at(1);
        for (offset, size, tensors) in [
            (input_a_offset, input_a_size, first),
            (input_b_offset, input_b_size, others),
            (output_offset, output_size, &plan.outputs),
        ] {
            let start = tensors.first().map_or(0, |first| first.start);
            let end = tensors.last().map_or(0, |last| last.end);
            assert_eq!(
                [offset, size].map(u64::from),
                [start, end - start].map(|at| u64::try_from(at).unwrap())
            );
        }
        assert_eq!(
            [scratch_size, params_size].map(u64::from),
            [sizes.scratch, sizes.params]
        );

        // With its gaps a region of several inputs has no byte that nobody answers for.
        let mut covered = [others, &plan.gaps].concat();
        covered.retain(|range| !range.is_empty());
        covered.sort_by_key(|range| range.start);
        assert!(
            covered.windows(2).all(|pair| pair[0].end == pair[1].start),
            "{covered:?}"
        );
        assert_eq!(
            lengths(&covered).iter().sum::<u64>(),
            u64::from(input_b_size)
        );
    }

    proptest! {
        #[test]
        fn a_plan_keeps_the_rules(sizes in any_sizes(), module_pages in 0..20_u32, cap in 1..60_u32) {
            let max_pages = module_pages + cap;
            let total: u64 = sizes.inputs.iter().chain(&sizes.outputs).sum::<u64>()
                + sizes.scratch + sizes.params + 40;
            let plan = match plan(&sizes, module_pages, max_pages) {
                Ok(plan) => plan,
                Err(fault) => {
                    let Fault::MemoryLimit { needed_pages, .. } = fault else { panic!("{fault:?}") };
                    prop_assert!(needed_pages > u64::from(max_pages));
                    // At most 63 bytes of alignment for each of 14 ranges are lost.
                    prop_assert!(total + 14 * 63 > u64::from(cap) * PAGE);
                    return Ok(());
                }
            };
            prop_assert!(total <= u64::from(cap) * PAGE);
            prop_assert!(plan.new_pages <= cap);
            expect_rules(&plan, &sizes, module_pages);
        }

        #[test]
        fn a_plan_is_made_exactly_where_one_fits(
            sizes in extreme_sizes(),
            module_pages in 0..=65_536_u32,
            max_pages in prop_oneof![Just(65_536), Just(u32::MAX), 0..70_000_u32],
        ) {
            let end = tightest_end(&sizes, module_pages);
            let allowed = max_pages.min(65_536);
            let fits = end <= u128::from(allowed) * u128::from(PAGE);
            match plan(&sizes, module_pages, max_pages) {
                Ok(plan) => {
                    prop_assert!(fits);
                    prop_assert!(module_pages + plan.new_pages <= allowed);
                    expect_rules(&plan, &sizes, module_pages);
                }
                Err(fault) => {
                    prop_assert!(!fits, "{:?}", fault);
                    let needed = u64::try_from(end).map_or(u64::MAX / PAGE, |end| end.div_ceil(PAGE));
                    prop_assert_eq!(fault, Fault::MemoryLimit { needed_pages: needed, max_pages: allowed });
                }
            }
        }
    }
}
