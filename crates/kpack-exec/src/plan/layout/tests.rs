use super::*;
use crate::fault::Fault;

fn plan(sizes: &Sizes) -> Result<MemoryPlan, Fault> {
    MemoryPlan::new(sizes, 1, 16)
}

#[test]
fn the_descriptor_has_40_bytes_at_the_argument() {
    let sizes = Sizes {
        inputs: vec![4],
        outputs: vec![4],
        ..Sizes::default()
    };
    let plan = plan(&sizes).expect("it fits");
    let page = usize::try_from(PAGE_SIZE).expect("a page is small");
    assert_eq!(plan.argument, PAGE_SIZE);
    assert_eq!(plan.descriptor_range, page..page + 40);
    assert_eq!(plan.descriptor_range.len(), DESCRIPTOR_SIZE);
}

#[test]
fn a_tensor_of_no_bytes_has_a_range_as_any_other() {
    let sizes = Sizes {
        inputs: vec![0, 0, 0],
        outputs: vec![0, 0],
        ..Sizes::default()
    };
    let plan = plan(&sizes).expect("it fits");
    assert_eq!(plan.inputs, vec![0..0; 3]);
    assert_eq!(plan.outputs, vec![0..0; 2]);
    assert!(plan.gaps.is_empty(), "there is nothing to clear");
}
