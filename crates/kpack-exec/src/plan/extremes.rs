//! Sizes at which a careless plan would put one thing onto another, each for one attack. A module
//! has no say in the plan, and the host never reads it back, so that sizes are all there is to
//! attack with.

use std::ops::Range;

use kpack_schema::{PAGE_SIZE, REGION_ALIGN};

use super::{MemoryPlan, Sizes};
use crate::fault::Fault;

const PAGE: u64 = PAGE_SIZE as u64;
const ALL_PAGES: u32 = 65_536;

fn plan(sizes: &Sizes, max_pages: u32) -> Result<MemoryPlan, Fault> {
    MemoryPlan::new(sizes, 1, max_pages)
}

fn sizes(inputs: &[u64], output: u64) -> Sizes {
    Sizes {
        inputs: inputs.to_vec(),
        outputs: vec![output],
        ..Sizes::default()
    }
}

/// The descriptor and its five regions as the kernel is told of them, by name, unused ones left out.
fn regions(plan: &MemoryPlan) -> Vec<(&'static str, Range<u64>)> {
    let descriptor = plan.descriptor;
    let region = |offset: u32, size: u32| u64::from(offset)..u64::from(offset) + u64::from(size);
    let mut all = vec![
        ("descriptor", region(plan.argument, 40)),
        (
            "params",
            region(descriptor.params_offset, descriptor.params_size),
        ),
        (
            "input a",
            region(descriptor.input_a_offset, descriptor.input_a_size),
        ),
        (
            "input b",
            region(descriptor.input_b_offset, descriptor.input_b_size),
        ),
        (
            "output",
            region(descriptor.output_offset, descriptor.output_size),
        ),
        (
            "scratch",
            region(descriptor.scratch_offset, descriptor.scratch_size),
        ),
    ];
    all.retain(|(_, range)| !range.is_empty());
    all
}

/// Every length of every region with every length of every other, with room and with hardly any.
#[test]
fn no_two_regions_overlap_and_each_is_aligned() {
    const LENGTHS: [u64; 6] = [0, 1, 63, 64, 65, 4096];
    let pick = |code: usize, place: u32| LENGTHS[code / LENGTHS.len().pow(place) % LENGTHS.len()];
    let mut planned = 0;
    for code in 0..LENGTHS.len().pow(5) {
        let sizes = Sizes {
            inputs: vec![pick(code, 0), pick(code, 1), pick(code, 2)],
            outputs: vec![pick(code, 3)],
            scratch: pick(code, 4),
            params: pick(code / 7, 0),
        };
        for max_pages in [2, 3] {
            let Ok(plan) = plan(&sizes, max_pages) else {
                continue;
            };
            planned += 1;
            let regions = regions(&plan);
            for (index, (name, region)) in regions.iter().enumerate() {
                assert_eq!(
                    region.start % u64::from(REGION_ALIGN),
                    0,
                    "{name} of {sizes:?}"
                );
                assert!(
                    region.start >= PAGE,
                    "{name} of {sizes:?}: the module's own page"
                );
                assert!(
                    region.end <= u64::from(max_pages) * PAGE,
                    "{name} of {sizes:?}"
                );
                for (other, with) in &regions[..index] {
                    let apart = region.end <= with.start || with.end <= region.start;
                    assert!(
                        apart,
                        "{name} and {other} of {sizes:?}: {region:?}, {with:?}"
                    );
                }
            }
        }
    }
    assert!(planned > 15_000, "only {planned} plans were made");
}

#[test]
fn lengths_whose_sum_wraps_at_32_bits_are_over_the_limit() {
    let wrap = 1_u64 << 32;
    for (first, second) in [
        (wrap - 64, 128),
        (wrap - PAGE, PAGE),
        (wrap + 64, 64),
        (wrap, wrap),
        (64, wrap - 1),
    ] {
        for sizes in [
            sizes(&[first], second),
            sizes(&[first, second], 64),
            sizes(&[64, first, second], 64),
        ] {
            let error = plan(&sizes, ALL_PAGES).unwrap_err();
            let Fault::MemoryLimit { needed_pages, .. } = error else {
                panic!("{error:?}")
            };
            assert!(needed_pages > u64::from(ALL_PAGES), "{sizes:?}");
        }
    }
}

#[test]
fn lengths_whose_sum_wraps_at_64_bits_are_over_the_limit() {
    for (first, second) in [
        (u64::MAX, 0),
        (u64::MAX, u64::MAX),
        (u64::MAX - 63, 128),
        (1 << 63, 1 << 63),
    ] {
        for sizes in [
            sizes(&[first], second),
            sizes(&[64, first, second], 64),
            Sizes {
                scratch: first,
                params: second,
                ..sizes(&[64], 64)
            },
        ] {
            let error = plan(&sizes, ALL_PAGES).unwrap_err();
            assert_eq!(error.kind(), "memory_limit", "{sizes:?}");
        }
    }
}

/// A module's page, the descriptor, and an input up to the last byte of the last page.
#[test]
fn an_end_at_the_limit_is_right_and_one_more_is_not() {
    for max_pages in [2, 16, 16_384] {
        let room = u64::from(max_pages - 1) * PAGE - 64;
        let whole = plan(&sizes(&[room], 0), max_pages).unwrap();
        let end = u64::from(max_pages) * PAGE;
        assert_eq!(whole.descriptor.total_memory_required(), end);
        let error = plan(&sizes(&[room + 1], 0), max_pages).unwrap_err();
        let needed = Fault::MemoryLimit {
            needed_pages: u64::from(max_pages) + 1,
            max_pages,
        };
        assert_eq!(error, needed);
    }
}

#[test]
fn an_absent_input_has_no_offset() {
    let plan = plan(&sizes(&[], 64), 16).unwrap();
    let descriptor = plan.descriptor;
    assert_eq!((descriptor.input_a_offset, descriptor.input_a_size), (0, 0));
    assert_eq!((descriptor.input_b_offset, descriptor.input_b_size), (0, 0));
    assert_eq!((descriptor.scratch_offset, descriptor.scratch_size), (0, 0));
    assert!(plan.inputs.is_empty());
}
