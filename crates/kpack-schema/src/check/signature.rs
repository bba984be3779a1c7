use std::collections::BTreeSet;

use super::params;
use super::problem::{Pointer, ProblemKind, Reporter};
use crate::{
    BLOCK_ELEMENTS, DataType, Dim, Identifier, KernelInfo, ParamDecl, ShapeDim, Signature, Symbol,
    SymbolSource, TensorDecl, TensorSpec,
};

/// The highest rank of a tensor.
const MAX_RANK: usize = 8;

/// Resolves what a kernel takes and gives: each symbol gets the one thing that binds it.
pub(super) fn check(info: &KernelInfo, at: &Pointer, reporter: &mut Reporter) -> Option<Signature> {
    let params = params::check(info, at, reporter);
    let mut names = BTreeSet::new();
    let inputs = tensors(&info.inputs, &at.key("inputs"), &mut names, reporter);
    let outputs = tensors(&info.outputs, &at.key("outputs"), &mut names, reporter);
    let scratch_at = at.key("scratch");
    let scratch = match &info.scratch {
        None => Some(None),
        Some(spec) => {
            dims(&spec.shape, spec.dtype, &scratch_at.key("shape"), reporter).map(|dims| {
                Some(TensorDecl {
                    name: "scratch".to_owned(),
                    dtype: spec.dtype,
                    dims,
                })
            })
        }
    };
    let (params, inputs, outputs, scratch) = (params?, inputs?, outputs?, scratch?);

    let mut resolver = Resolver {
        inputs: &inputs,
        params: &params,
        symbols: Vec::new(),
    };
    resolver.add_all(&inputs, &at.key("inputs"), reporter);
    resolver.add_all(&outputs, &at.key("outputs"), reporter);
    let mut symbols = resolver.symbols;
    let in_block = symbols.len();
    let mut resolver = Resolver {
        inputs: &inputs,
        params: &params,
        symbols,
    };
    if let Some(scratch) = &scratch {
        resolver.add(scratch, &scratch_at, reporter);
    }
    symbols = resolver.symbols;
    let scratch_symbols = symbols.split_off(in_block);

    let tensors = || inputs.iter().chain(&outputs).chain(&scratch);
    let parallel_dims = parallel_dims(info, &inputs, tensors, &at.key("parallel_dims"), reporter);
    Some(Signature {
        inputs,
        outputs,
        scratch,
        params,
        symbols,
        scratch_symbols,
        parallel_dims,
    })
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
        let parsed = Dim::try_from(dim).ok();
        if parsed.is_none() {
            let found = match dim {
                ShapeDim::Symbolic(text) => text.clone(),
                ShapeDim::Fixed(size) => size.to_string(),
            };
            let allowed = "a number from 1 to 2^31, or a symbol with at most one *int or /int";
            reporter.report(&at.index(axis), ProblemKind::Shape, found, allowed);
        }
        dims.push(parsed);
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

struct Resolver<'a> {
    inputs: &'a [TensorDecl],
    params: &'a [ParamDecl],
    symbols: Vec<Symbol>,
}

impl Resolver<'_> {
    fn add_all(&mut self, tensors: &[TensorDecl], at: &Pointer, reporter: &mut Reporter) {
        for (index, tensor) in tensors.iter().enumerate() {
            self.add(tensor, &at.index(index), reporter);
        }
    }

    fn add(&mut self, tensor: &TensorDecl, at: &Pointer, reporter: &mut Reporter) {
        for (axis, dim) in tensor.dims.iter().enumerate() {
            let Some(name) = dim.symbol() else { continue };
            if self.symbols.iter().any(|symbol| symbol.name == *name) {
                continue;
            }
            match self.source(name) {
                Some(source) => self.symbols.push(Symbol {
                    name: name.clone(),
                    source,
                }),
                None => {
                    let allowed = "a symbol that an input has as a bare dimension, \
                                   or that is the name of an integer parameter";
                    let at = at.key("shape").index(axis);
                    reporter.report(&at, ProblemKind::UnboundSymbol, dim, allowed);
                }
            }
        }
    }

    fn source(&self, name: &Identifier) -> Option<SymbolSource> {
        let bare = |dim: &Dim| dim.bare_symbol() == Some(name);
        for (input, tensor) in self.inputs.iter().enumerate() {
            if let Some(axis) = tensor.dims.iter().position(bare) {
                return Some(SymbolSource::Input { input, axis });
            }
        }
        let integer =
            |param: &ParamDecl| param.name == name.as_str() && param.param_type.is_integer();
        self.params
            .iter()
            .position(integer)
            .map(|param| SymbolSource::Param { param })
    }
}

fn parallel_dims<'a, I: Iterator<Item = &'a TensorDecl>>(
    info: &KernelInfo,
    inputs: &[TensorDecl],
    tensors: impl Fn() -> I,
    at: &Pointer,
    reporter: &mut Reporter,
) -> Vec<Identifier> {
    let mut parallel: Vec<Identifier> = Vec::with_capacity(info.parallel_dims.len());
    for (index, name) in info.parallel_dims.iter().enumerate() {
        let at = at.index(index);
        if parallel.iter().any(|other| other.as_str() == name) {
            reporter.report(&at, ProblemKind::Duplicate, name, "listed once");
            continue;
        }
        let named = |dim: &Dim| dim.symbol().is_some_and(|symbol| symbol.as_str() == name);
        let bare = |dim: &Dim| {
            dim.bare_symbol()
                .is_some_and(|symbol| symbol.as_str() == name)
        };
        let bound = inputs.iter().flat_map(|tensor| &tensor.dims).any(bare);
        let in_expression = tensors()
            .flat_map(|tensor| &tensor.dims)
            .any(|dim| named(dim) && !bare(dim));
        match name.parse() {
            Ok(name) if bound && !in_expression => parallel.push(name),
            _ => {
                let allowed =
                    "a symbol that an input has as a bare dimension and no expression uses";
                reporter.report(&at, ProblemKind::Shape, name, allowed);
            }
        }
    }
    parallel
}
