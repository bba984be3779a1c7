//! Passes of calls of any shape, held to what the rows of each are worked out to be apart from them.

use std::ops::Range;

use kpack_schema::{Binding, BoundTensor, KernelDescriptor, Signature, TensorDecl};
use proptest::prelude::*;

use super::tests::{all, planned};
use crate::plan::{MemoryPlan, Sizes};
use crate::sample_signatures::signature_with;

/// Tensors with their dimensions; `p` and `q` are parallel.
#[derive(Debug, Clone)]
struct Shapes {
    inputs: Vec<Shape>,
    outputs: Vec<Shape>,
    scratch: Option<Shape>,
    sizes: [usize; 3],
}

#[derive(Debug, Clone)]
struct Shape {
    dtype: &'static str,
    dims: Vec<&'static str>,
}

impl Shape {
    fn json(&self) -> String {
        let dims: Vec<String> = self
            .dims
            .iter()
            .map(|dim| match dim.parse::<u32>() {
                Ok(size) => size.to_string(),
                Err(_) => format!("{dim:?}"),
            })
            .collect();
        format!(
            r#""dtype": "{}", "shape": [{}]"#,
            self.dtype,
            dims.join(",")
        )
    }
}

impl Shapes {
    fn signature(&self) -> Signature {
        let named = |kind: &str, shapes: &[Shape]| {
            let tensors = shapes.iter().enumerate();
            let tensors: Vec<String> = tensors
                .map(|(index, shape)| format!(r#"{{"name": "{kind}{index}", {}}}"#, shape.json()))
                .collect();
            format!("[{}]", tensors.join(","))
        };
        let scratch = self.scratch.as_ref();
        let scratch = scratch.map(|shape| format!(r#""scratch": {{{}}},"#, shape.json()));
        signature_with(
            &named("in", &self.inputs),
            &named("out", &self.outputs),
            r#"["p", "q"]"#,
            &scratch.unwrap_or_default(),
        )
    }

    fn dims(&self) -> [(&'static str, usize); 3] {
        let [p, q, h] = self.sizes;
        [("p", p), ("q", q), ("h", h)]
    }
}

fn any_shapes() -> impl Strategy<Value = Shapes> {
    let dtype = || prop::sample::select(vec!["f32", "f16", "u8"]);
    let any = move || {
        let dims = prop::collection::vec(prop::sample::select(vec!["p", "q", "h", "4"]), 1..4);
        (dtype(), dims).prop_map(|(dtype, dims)| Shape { dtype, dims })
    };
    // What can be cut has all the dimensions, and the parallel ones outside.
    let rows = move || {
        let dims = prop_oneof![
            4 => Just(vec!["p", "q", "h"]),
            1 => Just(vec!["q", "p", "h"]),
            1 => Just(vec!["p", "h", "q"]),
        ];
        (dtype(), dims).prop_map(|(dtype, dims)| Shape { dtype, dims })
    };
    let inputs = (rows(), prop::collection::vec(any(), 0..3));
    let outputs = (
        rows(),
        prop_oneof![4 => Just(None), 1 => any().prop_map(Some)],
    );
    let scratch = prop_oneof![Just(None), any().prop_map(Some)];
    let sizes = (1..12_usize, 1..40_usize, 1..100_usize);
    (inputs, outputs, scratch, sizes).prop_map(|((first, others), output, scratch, sizes)| Shapes {
        inputs: [vec![first], others].concat(),
        outputs: std::iter::once(output.0).chain(output.1).collect(),
        scratch,
        sizes: sizes.into(),
    })
}

/// The rows of a pass along each symbol of the parameter block; all of one that is not cut.
struct Rows {
    spans: Vec<(String, Range<usize>)>,
}

impl Rows {
    /// The rows that a pass begins with, and as many as its parameter block says.
    fn at(signature: &Signature, starts: &[usize], params: &[u8]) -> Self {
        let symbols = signature.symbols().iter().zip(starts).enumerate();
        let spans = symbols.map(|(index, (symbol, &start))| {
            let count = params[4 * index..].first_chunk().copied().unwrap();
            let count = usize::try_from(u32::from_le_bytes(count)).unwrap();
            (symbol.name.to_string(), start..start + count)
        });
        Self {
            spans: spans.collect(),
        }
    }

    fn dims(&self) -> Vec<(&str, usize)> {
        let spans = self.spans.iter();
        spans
            .map(|(name, span)| (name.as_str(), span.len()))
            .collect()
    }

    /// Where the next pass begins, with the last symbol changing first.
    fn next_starts(&self, whole: &[usize]) -> Vec<usize> {
        let mut starts: Vec<usize> = self.spans.iter().map(|(_, span)| span.start).collect();
        for (index, (_, span)) in self.spans.iter().enumerate().rev() {
            if span.end < whole[index] {
                starts[index] = span.end;
                return starts;
            }
            starts[index] = 0;
        }
        starts
    }

    /// The bytes of a tensor that belong to these rows, which have to lie in one piece.
    fn bytes(&self, declared: &TensorDecl, shape: &[usize], element: usize) -> Range<usize> {
        let (mut first, mut last, mut count) = (0, 0, 1);
        for (dim, &size) in declared.dims.iter().zip(shape) {
            let span = dim.bare_symbol().and_then(|symbol| {
                let mut spans = self.spans.iter();
                spans.find(|(name, _)| name == symbol.as_str())
            });
            let span = span.map_or(0..size, |(_, span)| span.clone());
            first = first * size + span.start;
            last = last * size + span.end - 1;
            count *= span.len();
        }
        assert_eq!(last + 1 - first, count, "in one piece");
        first * element..(last + 1) * element
    }
}

/// Offset and size of input a, input b and output, by the whole call's plan and a pass's rows.
fn regions(
    signature: &Signature,
    binding: &Binding,
    whole: KernelDescriptor,
    rows: &Rows,
) -> [(u32, u32); 3] {
    let (first, others) = signature.inputs().split_at(1);
    let (first_bound, others_bound) = binding.inputs().split_at(1);
    let of = |offset: u32, size: u32, declared: &[TensorDecl], bound: &[BoundTensor]| {
        let ([tensor], [bound]) = (declared, bound) else {
            return (offset, size);
        };
        let elements: usize = bound.shape.iter().product();
        let element = usize::try_from(bound.byte_len).unwrap() / elements;
        let bytes = rows.bytes(tensor, &bound.shape, element);
        let number = |bytes: usize| u32::try_from(bytes).unwrap();
        (offset + number(bytes.start), number(bytes.len()))
    };
    [
        of(whole.input_a_offset, whole.input_a_size, first, first_bound),
        of(
            whole.input_b_offset,
            whole.input_b_size,
            others,
            others_bound,
        ),
        of(
            whole.output_offset,
            whole.output_size,
            signature.outputs(),
            binding.outputs(),
        ),
    ]
}

proptest! {
    #[test]
    fn each_pass_is_the_call_of_its_rows(shapes in any_shapes()) {
        let signature = shapes.signature();
        let mut planned = planned(&signature, &shapes.dims());
        let whole = planned.plan.descriptor;
        let symbols = signature.symbols().iter();
        let sizes: Vec<usize> = symbols
            .map(|symbol| shapes.dims().iter().find(|(name, _)| *name == symbol.name.as_str()).unwrap().1)
            .collect();
        let mut starts = vec![0; sizes.len()];
        for (pass, params, output) in all(&mut planned) {
            prop_assert!(output.iter().all(|&byte| byte == 0));
            let rows = Rows::at(&signature, &starts, &params);
            starts = rows.next_starts(&sizes);

            // The kernel is told what it would be if these rows were the whole call ...
            let own = signature.bind_dims(&rows.dims(), &[]).unwrap();
            prop_assert_eq!(own.params_block(), &params[..]);
            let alone = MemoryPlan::new(&Sizes::of(&own), 1, 65_536).unwrap().descriptor;
            prop_assert_eq!(pass.input_a_size, alone.input_a_size);
            prop_assert_eq!(pass.input_b_size, alone.input_b_size);
            prop_assert_eq!(pass.output_size, alone.output_size);
            prop_assert_eq!(pass.scratch_size, alone.scratch_size);

            // ... and finds them where they lie in the whole call's memory.
            let told = [
                (pass.input_a_offset, pass.input_a_size),
                (pass.input_b_offset, pass.input_b_size),
                (pass.output_offset, pass.output_size),
            ];
            prop_assert_eq!(told, regions(&signature, &planned.binding, whole, &rows));
            prop_assert!(told.iter().all(|(offset, _)| offset % 64 == 0), "{:?}", told);
            prop_assert_eq!((pass.scratch_offset, pass.params_offset), (whole.scratch_offset, whole.params_offset));
            prop_assert!(pass.scratch_size <= whole.scratch_size);
        }
        prop_assert!(starts.iter().all(|&start| start == 0), "the last pass ends with the last row");
    }
}
