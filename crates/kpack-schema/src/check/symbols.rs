use std::collections::{BTreeMap, BTreeSet};

use super::problem::{Pointer, ProblemKind, Reporter};
use crate::{Dim, Identifier, ParamDecl, Symbol, SymbolSource, TensorDecl};

/// Gives each symbol the one thing that binds it. A manifest may hold as many symbols as fit into
/// it, so each is looked up and none searched for.
pub(super) struct Resolver<'a> {
    /// What could bind a symbol: the first input that has it as a bare dimension, else the integer
    /// parameter of its name.
    sources: BTreeMap<&'a str, SymbolSource>,
    known: BTreeSet<&'a str>,
    symbols: Vec<Symbol>,
}

impl<'a> Resolver<'a> {
    pub(super) fn new(inputs: &'a [TensorDecl], params: &'a [ParamDecl]) -> Self {
        let mut sources = BTreeMap::new();
        for (input, tensor) in inputs.iter().enumerate() {
            for (axis, dim) in tensor.dims.iter().enumerate() {
                if let Some(name) = dim.bare_symbol() {
                    let source = SymbolSource::Input { input, axis };
                    sources.entry(name.as_str()).or_insert(source);
                }
            }
        }
        for (param, declared) in params.iter().enumerate() {
            if declared.param_type.is_integer() {
                let source = SymbolSource::Param { param };
                sources.entry(declared.name.as_str()).or_insert(source);
            }
        }
        Self {
            sources,
            known: BTreeSet::new(),
            symbols: Vec::new(),
        }
    }

    pub(super) fn add_all(
        &mut self,
        tensors: &'a [TensorDecl],
        at: &Pointer,
        reporter: &mut Reporter,
    ) {
        for (index, tensor) in tensors.iter().enumerate() {
            self.add(tensor, &at.index(index), reporter);
        }
    }

    /// Adds the symbols of a tensor that no tensor before had.
    pub(super) fn add(&mut self, tensor: &'a TensorDecl, at: &Pointer, reporter: &mut Reporter) {
        for (axis, dim) in tensor.dims.iter().enumerate() {
            let Some(name) = dim.symbol() else { continue };
            let Some(&source) = self.sources.get(name.as_str()) else {
                let allowed = "a symbol that an input has as a bare dimension, \
                               or that is the name of an integer parameter";
                let at = at.key("shape").index(axis);
                reporter.report(&at, ProblemKind::UnboundSymbol, dim, allowed);
                continue;
            };
            if self.known.insert(name.as_str()) {
                let name = name.clone();
                self.symbols.push(Symbol { name, source });
            }
        }
    }

    /// The symbols so far, in order of first appearance; those that are added later come anew.
    pub(super) fn take(&mut self) -> Vec<Symbol> {
        std::mem::take(&mut self.symbols)
    }
}

/// Checks the symbols along which rows are said to be independent: each is bound by an input and
/// stands in no expression.
pub(super) fn parallel_dims<'a>(
    names: &[String],
    inputs: &[TensorDecl],
    tensors: impl Iterator<Item = &'a TensorDecl>,
    at: &Pointer,
    reporter: &mut Reporter,
) -> Vec<Identifier> {
    let dims = inputs.iter().flat_map(|tensor| &tensor.dims);
    let bound: BTreeSet<&str> = dims
        .filter_map(Dim::bare_symbol)
        .map(Identifier::as_str)
        .collect();
    let expressions = tensors
        .flat_map(|tensor| &tensor.dims)
        .filter(|dim| dim.bare_symbol().is_none());
    let in_expression: BTreeSet<&str> = expressions
        .filter_map(Dim::symbol)
        .map(Identifier::as_str)
        .collect();

    let mut listed = BTreeSet::new();
    let mut parallel = Vec::with_capacity(names.len());
    for (index, name) in names.iter().enumerate() {
        let at = at.index(index);
        let may_be = bound.contains(name.as_str()) && !in_expression.contains(name.as_str());
        if !listed.insert(name) {
            reporter.report(&at, ProblemKind::Duplicate, name, "listed once");
            continue;
        }
        match name.parse() {
            Ok(name) if may_be => parallel.push(name),
            _ => {
                let allowed =
                    "a symbol that an input has as a bare dimension and no expression uses";
                reporter.report(&at, ProblemKind::Shape, name, allowed);
            }
        }
    }
    parallel
}
