use std::collections::BTreeSet;

use super::params;
use super::problem::{Pointer, ProblemKind, Reporter};
use super::symbols::{Resolver, parallel_dims};
use crate::{
    BLOCK_ELEMENTS, DataType, Dim, Identifier, KernelInfo, ShapeDim, Signature, TensorDecl,
    TensorSpec,
};

/// The highest rank of a tensor.
const MAX_RANK: usize = 8;

/// Resolves what a kernel takes and gives: each symbol gets the one thing that binds it.
pub(super) fn check(info: &KernelInfo, at: &Pointer, reporter: &mut Reporter) -> Option<Signature> {
    let params = params::check(info, at, reporter);
    let mut names = BTreeSet::new();
    let inputs = tensors(&info.inputs, &at.key("inputs"), &mut names, reporter);
    let outputs = tensors(&info.outputs, &at.key("outputs"), &mut names, reporter);
    let scratch = scratch(info, at, reporter);
    let signature = Signature {
        inputs: inputs?,
        outputs: outputs?,
        scratch: scratch?,
        params: params?,
        symbols: Vec::new(),
        scratch_symbols: Vec::new(),
        parallel_dims: Vec::new(),
    };
    Some(resolved(signature, &info.parallel_dims, at, reporter))
}

/// The signature with its symbols.
fn resolved(
    signature: Signature,
    parallel: &[String],
    at: &Pointer,
    reporter: &mut Reporter,
) -> Signature {
    let (inputs, outputs) = (&signature.inputs, &signature.outputs);
    let scratch = &signature.scratch;
    let mut resolver = Resolver::new(inputs, &signature.params);
    resolver.add_all(inputs, &at.key("inputs"), reporter);
    resolver.add_all(outputs, &at.key("outputs"), reporter);
    let symbols = resolver.take();
    if let Some(scratch) = scratch {
        resolver.add(scratch, &at.key("scratch"), reporter);
    }
    let scratch_symbols = resolver.take();

    let tensors = inputs.iter().chain(outputs).chain(scratch);
    let at = at.key("parallel_dims");
    let parallel_dims = parallel_dims(parallel, inputs, tensors, &at, reporter);
    Signature {
        symbols,
        scratch_symbols,
        parallel_dims,
        ..signature
    }
}

/// `None` where a problem was reported.
fn scratch(info: &KernelInfo, at: &Pointer, reporter: &mut Reporter) -> Option<Option<TensorDecl>> {
    let Some(spec) = &info.scratch else {
        return Some(None);
    };
    let at = at.key("scratch").key("shape");
    let dims = dims(&spec.shape, spec.dtype, &at, reporter)?;
    Some(Some(TensorDecl {
        name: "scratch".to_owned(),
        dtype: spec.dtype,
        dims,
    }))
}

fn tensors<'a>(
    specs: &'a [TensorSpec],
    at: &Pointer,
    names: &mut BTreeSet<&'a str>,
    reporter: &mut Reporter,
) -> Option<Vec<TensorDecl>> {
    let mut tensors = Vec::with_capacity(specs.len());
    for (index, spec) in specs.iter().enumerate() {
        let at = at.index(index);
        let name_at = at.key("name");
        let name: Option<Identifier> =
            reporter.parse(&name_at, ProblemKind::Name, &spec.name, Identifier::GRAMMAR);
        if !names.insert(&spec.name) {
            let allowed = "unique among inputs and outputs";
            reporter.report(&name_at, ProblemKind::Duplicate, &spec.name, allowed);
        }
        let dims = dims(&spec.shape, spec.dtype, &at.key("shape"), reporter);
        tensors.push(name.and(dims).map(|dims| TensorDecl {
            name: spec.name.clone(),
            dtype: spec.dtype,
            dims,
        }));
    }
    tensors.into_iter().collect()
}

fn dims(
    shape: &[ShapeDim],
    dtype: DataType,
    at: &Pointer,
    reporter: &mut Reporter,
) -> Option<Vec<Dim>> {
    if shape.len() > MAX_RANK {
        let allowed = format!("at most {MAX_RANK} dimensions");
        reporter.report(at, ProblemKind::Shape, shape.len(), allowed);
        return None;
    }
    let mut dims = Vec::with_capacity(shape.len());
    for (axis, dim) in shape.iter().enumerate() {
        dims.push(parsed(dim, &at.index(axis), reporter));
    }
    let dims: Vec<Dim> = dims.into_iter().collect::<Option<_>>()?;
    if dtype.block_bytes().is_some() && !fills_blocks(dims.last()) {
        let found = dims
            .last()
            .map_or("no dimension".to_owned(), ToString::to_string);
        let allowed = format!("a {dtype} shape whose last dimension is a multiple of 32");
        reporter.report(at, ProblemKind::Shape, found, allowed);
        return None;
    }
    Some(dims)
}

fn parsed(dim: &ShapeDim, at: &Pointer, reporter: &mut Reporter) -> Option<Dim> {
    let parsed = Dim::try_from(dim).ok();
    if parsed.is_none() {
        let found = match dim {
            ShapeDim::Symbolic(text) => text.clone(),
            ShapeDim::Fixed(size) => size.to_string(),
        };
        let allowed = "a number from 1 to 2^31, or a symbol with at most one *int or /int";
        reporter.report(at, ProblemKind::Shape, found, allowed);
    }
    parsed
}

/// Whether the last dimension of a block type is, or may become, a multiple of the block.
fn fills_blocks(last: Option<&Dim>) -> bool {
    match last {
        None => false,
        Some(Dim::Fixed(size)) => {
            usize::try_from(*size).is_ok_and(|size| size.is_multiple_of(BLOCK_ELEMENTS))
        }
        Some(_) => true,
    }
}
