//! How a bound call runs: all at once, or in passes over some rows each.
//!
//! The interface promises a kernel that its output region is zero. To zero the whole of a large one
//! first means to move it through the cache twice; zeroed a few rows at a time, it is still in the
//! nearest cache when the kernel writes it.

use std::ops::Range;

use kpack_schema::{
    Binding, BoundTensor, Dim, KernelDescriptor, REGION_ALIGN, Signature, TensorDecl,
};

use crate::plan::MemoryPlan;
use crate::tiles::parallel_axes;

/// Bytes of output that a pass writes, where one row has no more: a part of the smallest first cache
/// in use (32 KiB) that leaves room for what the kernel reads.
const OUTPUT_OF_A_PASS: u32 = 16 << 10;

/// Bytes that every pass may read whole: with more, reading them again for each pass costs more than
/// zeroing far ahead does.
const SHARED_BY_PASSES: u64 = 64 << 10;

/// The passes of a call, which all use the same memory. Each has its own descriptor and parameter
/// block; together they are the call, since rows along `parallel_dims` are independent.
#[derive(Debug)]
pub(crate) struct Passes {
    params: Vec<u8>,
    /// Those that are cut, outer ones first; none where the call is one pass.
    axes: Vec<Axis>,
    whole: KernelDescriptor,
    input_a: Region,
    input_b: Region,
    output: Region,
    scratch: Region,
    /// Whether the present call has been given its last pass.
    ended: bool,
}

/// What a call finds in the output region and in the gaps between inputs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Leftovers {
    /// Zeros: nothing has run since the memory was made.
    None,
    /// Whatever an earlier call left there.
    Some,
}

/// A dimension that is cut.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Axis {
    symbol: String,
    size: u32,
    /// The rows of every pass but the last along this axis, which may have fewer.
    rows: u32,
    /// Where the symbol's value stands in the parameter block.
    in_params: Range<usize>,
    /// The first row of the present pass.
    first: u32,
}

/// A region of the whole call, with what the axes make of it.
#[derive(Debug)]
struct Region {
    offset: u32,
    /// Bytes of one row along all the axes that cut the region; all its bytes where none does.
    row: u32,
    /// For each axis, how far its rows are apart; 0 where it does not cut the region.
    steps: Vec<u32>,
}

impl Passes {
    /// Cuts a call that writes much, where that leaves the rows of a pass in place: in one piece, and
    /// at an address that the interface allows.
    pub(crate) fn new(signature: &Signature, binding: &Binding, plan: &MemoryPlan) -> Self {
        let whole = plan.descriptor;
        let inputs = tensors(signature.inputs(), binding.inputs());
        let outputs = tensors(signature.outputs(), binding.outputs());
        let scratch = tensors(signature.scratch(), binding.scratch());
        let (first, others) = inputs.split_at(inputs.len().min(1));
        let mut axes = axes(signature, binding, &inputs, &outputs);
        let mut regions = [first, others, &outputs].into_iter();
        let in_place = regions.all(|of_region| stay_in_place(of_region, &axes));
        let shared = inputs
            .iter()
            .chain(&scratch)
            .filter(|tensor| !is_cut(tensor, &axes));
        let shared = shared.fold(0, |bytes: u64, (_, bound)| {
            bytes.saturating_add(bound.byte_len)
        });
        if !in_place || shared > SHARED_BY_PASSES {
            axes.clear();
        }
        Self {
            params: binding.params_block().to_vec(),
            whole,
            input_a: Region::new(whole.input_a_offset, whole.input_a_size, first, &axes),
            input_b: Region::new(whole.input_b_offset, whole.input_b_size, others, &axes),
            output: Region::new(whole.output_offset, whole.output_size, &outputs, &axes),
            scratch: Region::new(whole.scratch_offset, whole.scratch_size, &scratch, &axes),
            axes,
            ended: false,
        }
    }

    /// Starts a call anew.
    pub(crate) fn start(&mut self) {
        self.ended = false;
        for axis in &mut self.axes {
            axis.first = 0;
        }
    }

    /// Writes what the next pass needs beside its inputs and gives the argument of the entry point;
    /// `None` behind the last pass. An earlier pass may have changed any of it.
    pub(crate) fn prepare_next(
        &mut self,
        plan: &MemoryPlan,
        leftovers: Leftovers,
        memory: &mut [u8],
    ) -> Option<u32> {
        if self.ended {
            return None;
        }
        let descriptor = self.descriptor();
        memory[plan.descriptor_range.clone()].copy_from_slice(&descriptor.to_bytes());
        for axis in &self.axes {
            let rows = axis.rows_of_pass().to_le_bytes();
            self.params[axis.in_params.clone()].copy_from_slice(&rows);
        }
        memory[plan.params.clone()].copy_from_slice(&self.params);
        if leftovers == Leftovers::Some {
            let output = address(descriptor.output_offset);
            memory[output..output + address(descriptor.output_size)].fill(0);
            for gap in &plan.gaps {
                memory[gap.clone()].fill(0);
            }
        }
        self.advance();
        Some(plan.argument)
    }

    fn descriptor(&self) -> KernelDescriptor {
        let mut descriptor = self.whole;
        let of_pass = |region: &Region| region.of_pass(&self.axes);
        (descriptor.input_a_offset, descriptor.input_a_size) = of_pass(&self.input_a);
        (descriptor.input_b_offset, descriptor.input_b_size) = of_pass(&self.input_b);
        (descriptor.output_offset, descriptor.output_size) = of_pass(&self.output);
        // Every pass works in the same scratch memory.
        (_, descriptor.scratch_size) = of_pass(&self.scratch);
        descriptor
    }

    /// Whether the present call was given all its passes.
    pub(crate) const fn have_ended(&self) -> bool {
        self.ended
    }

    fn advance(&mut self) {
        for axis in self.axes.iter_mut().rev() {
            axis.first += axis.rows_of_pass();
            if axis.first < axis.size {
                return;
            }
            axis.first = 0;
        }
        self.ended = true;
    }
}

impl Axis {
    fn rows_of_pass(&self) -> u32 {
        self.rows.min(self.size - self.first)
    }
}

impl Region {
    fn new(offset: u32, size: u32, tensors: &[Pair<'_>], axes: &[Axis]) -> Self {
        let step = |axis: &Axis| {
            let steps = tensors.iter().find_map(|tensor| step(tensor, &axis.symbol));
            steps.unwrap_or(0)
        };
        let steps: Vec<u32> = axes.iter().map(step).collect();
        let cutting = axes.iter().zip(&steps).filter(|&(_, &step)| step > 0);
        let row = cutting.fold(size, |size, (axis, _)| size / axis.size);
        Self { offset, row, steps }
    }

    /// Offset and size in the present pass. Both are part of the whole region's.
    fn of_pass(&self, axes: &[Axis]) -> (u32, u32) {
        let (mut offset, mut size) = (self.offset, self.row);
        for (axis, &step) in axes.iter().zip(&self.steps).filter(|&(_, &step)| step > 0) {
            offset += axis.first * step;
            size *= axis.rows_of_pass();
        }
        (offset, size)
    }
}

/// A tensor as declared and as bound.
type Pair<'a> = (&'a TensorDecl, &'a BoundTensor);

fn tensors<'a>(
    declared: impl IntoIterator<Item = &'a TensorDecl>,
    bound: impl IntoIterator<Item = &'a BoundTensor>,
) -> Vec<Pair<'a>> {
    declared.into_iter().zip(bound).collect()
}

/// The axes to cut for passes that write little: outer ones to single rows, the last one to as many
/// rows as may be. None where the outputs are small.
fn axes(
    signature: &Signature,
    binding: &Binding,
    inputs: &[Pair<'_>],
    outputs: &[Pair<'_>],
) -> Vec<Axis> {
    let lengths = outputs.iter().map(|(_, output)| output.byte_len);
    let mut bytes = lengths.fold(0, u64::saturating_add);
    let mut axes = Vec::new();
    for axis in parallel_axes(signature, binding).filter(|axis| axis.size > 1) {
        if bytes <= u64::from(OUTPUT_OF_A_PASS) {
            break;
        }
        let row = (bytes / u64::from(axis.size)).max(1);
        let wanted = u32::try_from(u64::from(OUTPUT_OF_A_PASS) / row).unwrap_or(u32::MAX);
        let steps = inputs.iter().chain(outputs);
        let steps = steps.filter_map(|tensor| step(tensor, axis.symbol));
        let rows = wanted.max(1).next_multiple_of(rows_of_alignment(steps));
        if rows >= axis.size {
            break;
        }
        axes.push(Axis {
            symbol: axis.symbol.to_owned(),
            size: axis.size,
            rows,
            in_params: axis.in_params,
            first: 0,
        });
        if rows > 1 {
            break;
        }
        bytes = row;
    }
    axes
}

/// The smallest number of rows after which each of these steps has come to a multiple of 64.
fn rows_of_alignment(steps: impl Iterator<Item = u32>) -> u32 {
    let missing = steps.map(|step| REGION_ALIGN >> step.trailing_zeros().min(REGION_ALIGN.ilog2()));
    missing.max().unwrap_or(1)
}

/// Whether the tensors of a region can be handed out pass by pass where they are.
///
/// Of several tensors in one region none may be cut: they would have to move together.
fn stay_in_place(tensors: &[Pair<'_>], axes: &[Axis]) -> bool {
    match tensors {
        [tensor] => is_in_one_piece(tensor, axes),
        several => !several.iter().any(|tensor| is_cut(tensor, axes)),
    }
}

fn is_cut((declared, _): &Pair<'_>, axes: &[Axis]) -> bool {
    let mut dims = declared.dims.iter();
    dims.any(|dim| axis_of(axes, dim).is_some())
}

/// Whether the rows of each pass lie one behind another, at a multiple of 64.
fn is_in_one_piece(tensor: &Pair<'_>, axes: &[Axis]) -> bool {
    let (declared, bound) = tensor;
    let cut: Vec<Option<&Axis>> = declared.dims.iter().map(|dim| axis_of(axes, dim)).collect();
    let Some(last) = cut.iter().rposition(Option::is_some) else {
        return true;
    };
    let is_one_row = |(axis, &size): (&Option<&Axis>, &usize)| match axis {
        Some(axis) => axis.rows == 1,
        None => size == 1,
    };
    let aligned = |axis: &&Axis| {
        let step = step(tensor, &axis.symbol).unwrap_or(0);
        u64::from(step) * u64::from(axis.rows) % u64::from(REGION_ALIGN) == 0
    };
    cut.iter().zip(&bound.shape).take(last).all(is_one_row) && cut.iter().flatten().all(aligned)
}

fn axis_of<'a>(axes: &'a [Axis], dim: &Dim) -> Option<&'a Axis> {
    let symbol = dim.bare_symbol()?;
    axes.iter().find(|axis| axis.symbol == symbol.as_str())
}

/// How many bytes apart the rows of a tensor along an axis are; `None` where it has no such axis.
fn step((declared, bound): &Pair<'_>, symbol: &str) -> Option<u32> {
    let is_axis = |dim: &Dim| {
        dim.bare_symbol()
            .is_some_and(|name| name.as_str() == symbol)
    };
    let axis = declared.dims.iter().position(is_axis)?;
    let rows: usize = bound.shape[..=axis].iter().product();
    let rows = u64::try_from(rows).unwrap_or(u64::MAX);
    u32::try_from(bound.byte_len / rows.max(1)).ok()
}

fn address(at: u32) -> usize {
    usize::try_from(at).expect("a memory that the host holds fits its addresses")
}

#[cfg(test)]
mod any_call;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::plan::Sizes;
    use crate::sample_signatures::{norm, rope, signature, signature_with};

    /// A call's plan and its passes.
    pub(super) struct Planned {
        pub(super) binding: Binding,
        pub(super) plan: MemoryPlan,
        passes: Passes,
    }

    pub(super) fn planned(signature: &Signature, dims: &[(&str, usize)]) -> Planned {
        let binding = signature.bind_dims(dims, &[]).unwrap();
        let plan = MemoryPlan::new(&Sizes::of(&binding), 1, 65_536).unwrap();
        let passes = Passes::new(signature, &binding, &plan);
        Planned {
            binding,
            plan,
            passes,
        }
    }

    /// What each pass finds in memory: its descriptor, its parameter block and its output region.
    pub(super) fn all(planned: &mut Planned) -> Vec<(KernelDescriptor, Vec<u8>, Vec<u8>)> {
        let Planned { plan, passes, .. } = planned;
        let pages = usize::try_from(1 + plan.new_pages).unwrap();
        let mut memory = vec![0xAA_u8; pages << 16];
        let mut all = Vec::new();
        let mut written = 0;
        passes.start();
        while let Some(argument) = passes.prepare_next(plan, Leftovers::Some, &mut memory) {
            let at = address(argument);
            let bytes: [u8; 40] = memory[at..at + 40].try_into().unwrap();
            let descriptor = KernelDescriptor::from_bytes(&bytes);
            let output = address(descriptor.output_offset);
            let output = output..output + address(descriptor.output_size);
            // So that passes come to an end.
            assert!(output.start >= written && !output.is_empty(), "{output:?}");
            written = output.end;
            for gap in &plan.gaps {
                assert!(memory[gap.clone()].iter().all(|&byte| byte == 0));
                memory[gap.clone()].fill(0x55);
            }
            all.push((
                descriptor,
                memory[plan.params.clone()].to_vec(),
                memory[output.clone()].to_vec(),
            ));
            // What a kernel writes is not zeroed again.
            memory[output].fill(0x55);
        }
        let outputs = plan
            .outputs
            .iter()
            .flat_map(|output| &memory[output.clone()]);
        assert!(outputs.copied().all(|byte| byte == 0x55));
        all
    }

    /// The rows of each pass, by the sizes of their outputs.
    fn rows(signature: &Signature, dims: &[(&str, usize)], row_bytes: u32) -> Vec<u32> {
        let all = all(&mut planned(signature, dims));
        all.iter()
            .map(|(descriptor, ..)| descriptor.output_size / row_bytes)
            .collect()
    }

    #[test]
    fn a_call_that_writes_little_is_one_pass() {
        assert_eq!(rows(&norm(), &[("rows", 4), ("hidden", 1024)], 4096), [4]);
    }

    #[test]
    fn a_pass_writes_no_more_than_the_goal_but_one_row() {
        assert_eq!(
            rows(&norm(), &[("rows", 9), ("hidden", 1024)], 4096),
            [4, 4, 1]
        );
        assert_eq!(
            rows(&norm(), &[("rows", 3), ("hidden", 8192)], 32_768),
            [1; 3]
        );
    }

    #[test]
    fn rows_of_odd_length_go_together_until_they_are_aligned() {
        // 508 bytes a row: after 16 rows an address is a multiple of 64 again.
        assert_eq!(
            rows(&norm(), &[("rows", 70), ("hidden", 127)], 508),
            [32, 32, 6]
        );
        // 260 bytes a row: 63 would be within the goal, and the 64th is needed.
        assert_eq!(
            rows(&norm(), &[("rows", 130), ("hidden", 65)], 260),
            [64, 64, 2]
        );
        // 17 rows of 16 KiB and 4 bytes: not aligned before the last of them.
        assert_eq!(
            rows(&norm(), &[("rows", 16), ("hidden", 4097)], 16_388),
            [16]
        );
    }

    #[test]
    fn an_axis_inside_rows_that_go_together_stays_whole() {
        // 16,388 bytes a row of `outer`, which go together by 16; 964 a row of `inner`.
        let cube = signature(
            r#"[{"name": "x", "dtype": "f32", "shape": ["outer", "inner", 241]}]"#,
            r#"[{"name": "y", "dtype": "f32", "shape": ["outer", "inner", 241]}]"#,
            r#"["outer", "inner"]"#,
        );
        assert_eq!(
            rows(&cube, &[("outer", 40), ("inner", 17)], 16_388),
            [16, 16, 8]
        );
    }

    #[test]
    fn outer_axes_are_cut_to_single_rows() {
        // Each batch element starts at the first table.
        for (batch, expected) in [(1, vec![0, 1, 2]), (2, vec![0, 1, 2, 0, 1, 2])] {
            let dims = [
                ("batch", batch),
                ("seq", 3),
                ("heads", 32),
                ("dim", 128),
                ("half", 64),
            ];
            let mut planned = planned(&rope(), &dims);
            let freqs = planned.plan.descriptor.input_b_offset;
            let all = all(&mut planned);
            let tables: Vec<u32> = all
                .iter()
                .map(|(pass, ..)| (pass.input_b_offset - freqs) / 512)
                .collect();
            assert_eq!(tables, expected, "batch of {batch}");
            let symbols = [1_u32, 1, 32, 128, 64].map(u32::to_le_bytes).concat();
            assert!(all.iter().all(|(_, params, _)| *params == symbols));
        }
    }

    #[test]
    fn what_would_have_to_move_is_one_pass() {
        let two_outputs = signature(
            r#"[{"name": "x", "dtype": "f32", "shape": ["rows", "hidden"]}]"#,
            r#"[{"name": "y", "dtype": "f32", "shape": ["rows", "hidden"]},
                {"name": "scale", "dtype": "f32", "shape": ["rows"]}]"#,
            r#"["rows"]"#,
        );
        let dims = [("rows", 64), ("hidden", 1024)];
        assert_eq!(all(&mut planned(&two_outputs, &dims)).len(), 1);
        let inner_rows = signature(
            r#"[{"name": "x", "dtype": "f32", "shape": ["heads", "rows", 16]}]"#,
            r#"[{"name": "y", "dtype": "f32", "shape": ["heads", "rows", 16]}]"#,
            r#"["rows"]"#,
        );
        assert_eq!(
            all(&mut planned(&inner_rows, &[("heads", 2), ("rows", 1024)])).len(),
            1
        );
        assert_eq!(
            rows(&inner_rows, &[("heads", 1), ("rows", 1024)], 64),
            [256; 4]
        );
    }

    #[test]
    fn what_every_pass_would_read_whole_keeps_a_large_call_in_one() {
        let product = signature(
            r#"[{"name": "x", "dtype": "f32", "shape": ["rows", "k"]},
                {"name": "w", "dtype": "f32", "shape": ["n", "k"]}]"#,
            r#"[{"name": "y", "dtype": "f32", "shape": ["rows", "n"]}]"#,
            r#"["rows"]"#,
        );
        let passes = |n| rows(&product, &[("rows", 64), ("k", 16), ("n", n)], 4 * 1024);
        assert_eq!(passes(1024), [4; 16], "64 KiB of weights");
        let more = [("rows", 64), ("k", 17), ("n", 1024)];
        assert_eq!(rows(&product, &more, 4 * 1024), [64]);
    }

    #[test]
    fn scratch_shrinks_with_its_rows_and_stays_where_it_is() {
        let with_scratch = signature_with(
            r#"[{"name": "x", "dtype": "f32", "shape": ["rows", 1024]}]"#,
            r#"[{"name": "y", "dtype": "f32", "shape": ["rows", 1024]}]"#,
            r#"["rows"]"#,
            r#""scratch": {"dtype": "f32", "shape": ["rows", 3]},"#,
        );
        let mut planned = planned(&with_scratch, &[("rows", 6)]);
        let scratch = planned.plan.descriptor.scratch_offset;
        let all = all(&mut planned);
        let of_passes: Vec<(u32, u32)> = all
            .iter()
            .map(|(pass, ..)| (pass.scratch_offset, pass.scratch_size))
            .collect();
        assert_eq!(of_passes, [(scratch, 4 * 12), (scratch, 2 * 12)]);
    }

    #[test]
    fn a_call_that_ended_early_does_not_shorten_the_next() {
        let Planned {
            plan, mut passes, ..
        } = planned(&norm(), &[("rows", 9), ("hidden", 1024)]);
        let mut memory = vec![0_u8; usize::try_from(1 + plan.new_pages).unwrap() << 16];
        // Ended after one pass, then after all three.
        for given in [1, 3, 3] {
            passes.start();
            for _ in 0..given {
                assert!(!passes.have_ended());
                let next = passes.prepare_next(&plan, Leftovers::Some, &mut memory);
                assert_eq!(next, Some(plan.argument));
            }
            assert_eq!(passes.have_ended(), given == 3);
        }
        assert_eq!(
            passes.prepare_next(&plan, Leftovers::Some, &mut memory),
            None
        );
    }

    #[test]
    fn the_first_pass_on_a_new_memory_trusts_its_zeros() {
        let Planned {
            plan, mut passes, ..
        } = planned(&norm(), &[("rows", 1), ("hidden", 16)]);
        let mut memory = vec![0xAA_u8; 2 << 16];
        passes.start();
        passes
            .prepare_next(&plan, Leftovers::None, &mut memory)
            .unwrap();
        assert_eq!(memory[plan.outputs[0].start], 0xAA);
        assert_eq!(
            passes.prepare_next(&plan, Leftovers::Some, &mut memory),
            None
        );
    }

    proptest! {
        #[test]
        fn passes_cover_the_call_and_are_calls_themselves(
            batch in 1_usize..4, seq in 1_usize..40, heads in 1_usize..9, half in 1_usize..70, rest in 0_usize..3,
        ) {
            let dim = 2 * half + rest;
            let dims = [("batch", batch), ("seq", seq), ("heads", heads), ("dim", dim), ("half", half)];
            let signature = rope();
            let mut planned = planned(&signature, &dims);
            let (x, y) = (planned.plan.inputs[0].clone(), planned.plan.outputs[0].clone());
            let mut written = y.start;
            for (pass, params, output) in all(&mut planned) {
                prop_assert!(output.iter().all(|&byte| byte == 0));
                // In order, without a gap, and the inputs that belong to these rows.
                prop_assert_eq!(address(pass.output_offset), written);
                prop_assert_eq!(pass.input_a_offset % 64 + pass.input_b_offset % 64 + pass.output_offset % 64, 0);
                prop_assert_eq!(address(pass.input_a_offset) - x.start, written - y.start);
                written += address(pass.output_size);
                // The kernel is told the same as if the host had bound these rows alone.
                let symbol = |at: usize| u32::from_le_bytes(params[4 * at..4 * at + 4].try_into().unwrap());
                let own = [("batch", symbol(0)), ("seq", symbol(1))].map(|(name, rows)| (name, address(rows)));
                let own = signature.bind_dims(&[&own, &dims[2..]].concat(), &[]).unwrap();
                prop_assert_eq!(own.params_block(), &params[..]);
                let sizes = [&own.inputs()[0], &own.inputs()[1], &own.outputs()[0]].map(|tensor| tensor.byte_len);
                prop_assert_eq!(sizes, [pass.input_a_size, pass.input_b_size, pass.output_size].map(u64::from));
            }
            prop_assert_eq!(written, y.end);
            prop_assert_eq!(planned.binding.outputs()[0].byte_len, y.len() as u64);
        }
    }
}
