use std::collections::{BTreeMap, BTreeSet};

use kpack::{Kernel, ParamValue, Signature};
use kpack_schema::{ParamDecl, ParamType, Symbol, SymbolSource};
use kpack_verify::VerifiedVector;

use super::benchmark_key::benchmark_sizes;
use crate::failure::Failure;
use crate::param::assignments;
use crate::tensors::Inputs;

/// A size for every symbol of a kernel, and a value for every parameter that has no default.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Sizes {
    dims: Vec<(String, usize)>,
    params: Vec<(String, ParamValue)>,
    /// The symbols that parameters bind; they stand among the parameters too.
    bound_by_params: Vec<(String, usize)>,
}

/// The sizes of `--dim`.
pub(crate) type Given = BTreeMap<String, usize>;

/// Reads every `--dim NAME=N`.
pub(crate) fn given_dims(given: &[String]) -> Result<Given, Failure> {
    let mut dims = Given::new();
    for dim in assignments("--dim", given)? {
        let digits = dim.value.bytes().all(|b| b.is_ascii_digit());
        if !digits {
            let found = format!("{}={}", dim.name, dim.value);
            let form = "NAME=N, where N is a decimal integer";
            return Err(Failure::malformed_argument("--dim", &found, form));
        }
        // What is too large for a number is too large for a dimension, which binding will say.
        let size = dim.value.parse().unwrap_or(usize::MAX);
        dims.insert(dim.name.to_owned(), size);
    }
    Ok(dims)
}

/// Refuses a `--dim` that none of the kernels knows.
pub(crate) fn refuse_unknown(given: &Given, kernels: &[Kernel]) -> Result<(), Failure> {
    let mut known: Vec<&str> = kernels
        .iter()
        .flat_map(|kernel| kernel.signature().symbols())
        .map(|symbol| symbol.name.as_str())
        .collect();
    known.sort_unstable();
    known.dedup();
    match given.keys().find(|name| !known.contains(&name.as_str())) {
        Some(name) => Err(Failure::unknown_name(
            "unknown_dimension",
            "dimension",
            name,
            &known,
        )),
        None => Ok(()),
    }
}

impl Sizes {
    /// The sizes from `--dim`; what is left from the first benchmark key; what is left then from the
    /// first vector.
    pub(crate) fn of(kernel: &Kernel, given: &Given) -> Result<Self, Failure> {
        let signature = kernel.signature();
        let symbols: Vec<&str> = signature
            .symbols()
            .iter()
            .map(|symbol| symbol.name.as_str())
            .collect();
        let missing = |sizes: &Given| -> Vec<&str> {
            let symbols = symbols.iter().copied();
            symbols.filter(|&name| !sizes.contains_key(name)).collect()
        };
        let mut sizes = given.clone();
        let mut sources = Sources::of(kernel, &symbols);
        while !missing(&sizes).is_empty() {
            let Some(source) = sources.next() else {
                let id = kernel.id().as_str();
                return Err(Failure::missing_dimensions(id, &missing(&sizes)));
            };
            for (name, size) in source? {
                sizes.entry(name).or_insert(size);
            }
        }
        Ok(Self::assemble(kernel, &sizes))
    }

    fn assemble(kernel: &Kernel, sizes: &Given) -> Self {
        let signature = kernel.signature();
        let size_of = |symbol: &Symbol| {
            let name = symbol.name.as_str();
            (
                name.to_owned(),
                sizes.get(name).copied().unwrap_or_default(),
            )
        };
        let (dims, bound_by_params): (Vec<_>, Vec<_>) = signature
            .symbols()
            .iter()
            .partition(|symbol| matches!(symbol.source, SymbolSource::Input { .. }));
        let bound_by_params: Vec<(String, usize)> =
            bound_by_params.into_iter().map(size_of).collect();
        let of_vector = kernel.vectors().first().map(|v| &v.declared().params);
        let value_of = |param: &ParamDecl| {
            let bound = bound_by_params.iter().find(|(name, _)| *name == param.name);
            if let Some(&(_, size)) = bound {
                let size = u64::try_from(size).unwrap_or(u64::MAX);
                return Some((param.name.clone(), ParamValue::U64(size)));
            }
            if param.default.is_some() {
                return None;
            }
            let stated = of_vector
                .and_then(|params| params.get(&param.name))
                .copied();
            Some((
                param.name.clone(),
                stated.unwrap_or_else(|| some_value(param)),
            ))
        };
        Self {
            dims: dims.into_iter().map(size_of).collect(),
            params: signature.params().iter().filter_map(value_of).collect(),
            bound_by_params,
        }
    }

    /// What `bind` wants for the symbols that inputs bind.
    pub(crate) fn dims(&self) -> Vec<(&str, usize)> {
        self.dims
            .iter()
            .map(|(name, size)| (name.as_str(), *size))
            .collect()
    }

    /// What `bind` wants for the parameters.
    pub(crate) fn params(&self) -> Vec<(&str, ParamValue)> {
        self.params
            .iter()
            .map(|(name, value)| (name.as_str(), *value))
            .collect()
    }

    /// Every symbol with its size.
    pub(crate) fn all(&self) -> impl Iterator<Item = (&str, usize)> {
        let all = self.dims.iter().chain(&self.bound_by_params);
        all.map(|(name, size)| (name.as_str(), *size))
    }
}

/// A value for a parameter that has no default and of which nothing says more: its smallest, its
/// largest, or one.
fn some_value(param: &ParamDecl) -> ParamValue {
    let one = match param.param_type {
        ParamType::Bool => ParamValue::Bool(true),
        _ => ParamValue::U32(1),
    };
    param.min.or(param.max).unwrap_or(one)
}

/// The places of a pack that name sizes, in the order in which they count.
struct Sources<'a> {
    signature: &'a Signature,
    benchmark: Option<Given>,
    vector: Option<&'a VerifiedVector>,
}

impl<'a> Sources<'a> {
    fn of(kernel: &'a Kernel, symbols: &[&str]) -> Self {
        let symbols: BTreeSet<&str> = symbols.iter().copied().collect();
        let mut keys = kernel.info().benchmarks.keys();
        Self {
            signature: kernel.signature(),
            benchmark: keys.find_map(|key| benchmark_sizes(key, &symbols)),
            vector: kernel.vectors().first(),
        }
    }
}

impl Iterator for Sources<'_> {
    type Item = Result<Given, Failure>;

    fn next(&mut self) -> Option<Self::Item> {
        if let Some(sizes) = self.benchmark.take() {
            return Some(Ok(sizes));
        }
        let vector = self.vector.take()?;
        Some(vector_sizes(self.signature, vector))
    }
}

/// The sizes that a vector's tensors and parameters have.
fn vector_sizes(signature: &Signature, vector: &VerifiedVector) -> Result<Given, Failure> {
    let declared = vector.declared();
    let inputs = Inputs::read(signature, vector.bytes(), declared.path.as_str())?;
    let params: Vec<(&str, ParamValue)> = declared
        .params
        .iter()
        .map(|(name, value)| (name.as_str(), *value))
        .collect();
    let binding = signature.bind_shapes(&inputs.shapes(), &params)?;
    let size_of = |symbol: &Symbol| {
        let size = usize::try_from(binding.symbol(symbol.name.as_str())?).ok()?;
        Some((symbol.name.to_string(), size))
    };
    Ok(signature.symbols().iter().filter_map(size_of).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dims_are_decimal_integers() {
        let given =
            |text: &str| given_dims(&[text.to_owned()]).map_err(|failure| failure.exit().code());
        assert_eq!(given("n=12").unwrap()["n"], 12);
        for text in ["n", "n=", "n=-1", "n=+1", "n=1.0", "n=x", "=1"] {
            assert_eq!(given(text).unwrap_err(), 2, "{text}");
        }
    }
}
