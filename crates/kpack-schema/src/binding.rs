use std::collections::BTreeMap;

use kpack_abi::ParamCursor;

use crate::bind_error::BindError;
use crate::signature::{Symbol, SymbolSource};
use crate::{DataType, Dim, ParamDecl, ParamValue, Signature, TensorDecl, tensor_byte_len};

/// A [`Signature`] with every symbol and parameter given a value: all shapes and lengths are known.
#[derive(Debug, Clone, PartialEq)]
pub struct Binding {
    inputs: Vec<BoundTensor>,
    outputs: Vec<BoundTensor>,
    scratch: Option<BoundTensor>,
    symbols: Vec<(String, u32)>,
    params: Vec<ParamValue>,
    params_block: Vec<u8>,
}

/// A tensor of a [`Binding`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BoundTensor {
    /// The name.
    pub name: String,
    /// The element type.
    pub dtype: DataType,
    /// The number of elements along each dimension, outermost first.
    pub shape: Vec<usize>,
    /// The exact length in bytes.
    pub byte_len: u64,
}

impl Binding {
    /// The inputs, in the order of the manifest.
    #[must_use]
    pub fn inputs(&self) -> &[BoundTensor] {
        &self.inputs
    }

    /// The outputs, in the order of the manifest.
    #[must_use]
    pub fn outputs(&self) -> &[BoundTensor] {
        &self.outputs
    }

    /// The memory that the kernel needs beside its tensors.
    #[must_use]
    pub fn scratch(&self) -> Option<&BoundTensor> {
        self.scratch.as_ref()
    }

    /// The parameters' values, sorted by name, each of its declared type.
    #[must_use]
    pub fn params(&self) -> &[ParamValue] {
        &self.params
    }

    /// The value of a symbol.
    #[must_use]
    pub fn symbol(&self, name: &str) -> Option<u32> {
        self.symbols
            .iter()
            .find(|(symbol, _)| symbol == name)
            .map(|&(_, value)| value)
    }

    /// The bytes of the parameter block: every symbol as `u32` in order of first appearance, then
    /// every parameter, sorted by name, little-endian, each at the next multiple of its own size.
    #[must_use]
    pub fn params_block(&self) -> &[u8] {
        &self.params_block
    }
}

impl Signature {
    /// Binds every symbol by its value and every parameter.
    ///
    /// `dims` names each symbol that an input binds exactly once; a symbol that a parameter binds
    /// takes its value from there. Parameters that are left out take their defaults.
    ///
    /// # Errors
    ///
    /// Always the caller's: an unknown, repeated or missing symbol or parameter, a value out of
    /// bounds, or a dimension that cannot be.
    pub fn bind_dims(
        &self,
        dims: &[(&str, usize)],
        params: &[(&str, ParamValue)],
    ) -> Result<Binding, BindError> {
        let params = self.bind_params(params)?;
        let mut given = Named::new(dims, |name| BindError::RepeatedDimension { name })?;
        let value_of = |symbol: &Symbol, given: &mut Named<'_, usize>| match symbol.source {
            SymbolSource::Param { param } => self.param_dimension(&params, param),
            SymbolSource::Input { .. } => {
                let size = given.take(symbol.name.as_str()).ok_or_else(|| {
                    BindError::MissingDimension {
                        name: symbol.name.to_string(),
                    }
                })?;
                dimension(symbol, size)
            }
        };
        let mut values = Vec::with_capacity(self.symbols.len());
        for symbol in &self.symbols {
            values.push((symbol.name.to_string(), value_of(symbol, &mut given)?));
        }
        if let Some(name) = given.first_left() {
            let known = self
                .symbols
                .iter()
                .filter(|symbol| symbol.is_bound_by_input());
            let known = known.map(|symbol| symbol.name.to_string()).collect();
            return Err(BindError::UnknownDimension { name, known });
        }
        self.finish(values, params)
    }

    /// Binds every symbol by the shapes of the inputs, and every parameter.
    ///
    /// `shapes` names each input exactly once. Ranks match exactly.
    ///
    /// # Errors
    ///
    /// Always the caller's: an unknown, repeated or missing input or parameter, a wrong rank, a
    /// symbol with two values, a value out of bounds, or a dimension that cannot be.
    pub fn bind_shapes(
        &self,
        shapes: &[(&str, &[usize])],
        params: &[(&str, ParamValue)],
    ) -> Result<Binding, BindError> {
        let params = self.bind_params(params)?;
        let mut given = Named::new(shapes, |name| BindError::RepeatedInput { name })?;
        let mut found = Vec::with_capacity(self.inputs.len());
        for input in &self.inputs {
            let shape = given
                .take(&input.name)
                .ok_or_else(|| BindError::MissingInput {
                    name: input.name.clone(),
                })?;
            if shape.len() != input.dims.len() {
                return Err(input.shape_error(shape, &[]));
            }
            found.push(shape);
        }
        if let Some(name) = given.first_left() {
            let known = self.inputs.iter().map(|input| input.name.clone()).collect();
            return Err(BindError::UnknownInput { name, known });
        }
        let mut values = Vec::with_capacity(self.symbols.len());
        for symbol in &self.symbols {
            let value = match symbol.source {
                SymbolSource::Param { param } => self.param_dimension(&params, param)?,
                SymbolSource::Input { input, axis } => dimension(symbol, found[input][axis])?,
            };
            values.push((symbol.name.to_string(), value));
        }
        let binding = self.finish(values, params)?;
        for ((input, bound), shape) in self.inputs.iter().zip(&binding.inputs).zip(found) {
            if bound.shape != shape {
                return Err(input.shape_error(shape, &bound.shape));
            }
        }
        Ok(binding)
    }

    fn bind_params(&self, params: &[(&str, ParamValue)]) -> Result<Vec<ParamValue>, BindError> {
        let mut given = Named::new(params, |name| BindError::RepeatedParam { name })?;
        let mut values = Vec::with_capacity(self.params.len());
        for param in &self.params {
            let value = match given.take(&param.name) {
                Some(value) => param.accept(value)?,
                None => param.default.ok_or_else(|| BindError::MissingParam {
                    name: param.name.clone(),
                })?,
            };
            values.push(value);
        }
        if let Some(name) = given.first_left() {
            let known = self.params.iter().map(|param| param.name.clone()).collect();
            return Err(BindError::UnknownParam { name, known });
        }
        Ok(values)
    }

    fn param_dimension(&self, params: &[ParamValue], param: usize) -> Result<u32, BindError> {
        let value = params[param];
        value
            .as_dimension()
            .filter(|size| (1..=crate::MAX_DIMENSION).contains(size))
            .and_then(|size| u32::try_from(size).ok())
            .ok_or_else(|| BindError::ParamNotADimension {
                name: self.params[param].name.clone(),
                value: value.to_string(),
            })
    }

    fn finish(
        &self,
        mut symbols: Vec<(String, u32)>,
        params: Vec<ParamValue>,
    ) -> Result<Binding, BindError> {
        let params_block = self.params_block(&symbols, &params);
        for symbol in &self.scratch_symbols {
            if let SymbolSource::Param { param } = symbol.source {
                symbols.push((
                    symbol.name.to_string(),
                    self.param_dimension(&params, param)?,
                ));
            }
        }
        let values: SymbolValues<'_> = symbols
            .iter()
            .map(|(name, value)| (name.as_str(), *value))
            .collect();
        let bind_all = |tensors: &[TensorDecl]| -> Result<Vec<BoundTensor>, BindError> {
            tensors.iter().map(|tensor| tensor.bind(&values)).collect()
        };
        Ok(Binding {
            inputs: bind_all(&self.inputs)?,
            outputs: bind_all(&self.outputs)?,
            scratch: self
                .scratch
                .as_ref()
                .map(|scratch| scratch.bind(&values))
                .transpose()?,
            symbols,
            params,
            params_block,
        })
    }

    fn params_block(&self, symbols: &[(String, u32)], params: &[ParamValue]) -> Vec<u8> {
        let mut block = Vec::new();
        for (_, value) in symbols {
            block.extend(value.to_le_bytes());
        }
        let count = u32::try_from(symbols.len()).expect("a manifest of 1 MiB holds few symbols");
        let mut cursor = ParamCursor::after_symbols(count);
        for (param, value) in self.params.iter().zip(params) {
            let (at, next) = cursor.place(param.param_type.block_bytes());
            block.resize(usize::try_from(at).expect("a block offset fits usize"), 0);
            value.write_le(&mut block);
            cursor = next;
        }
        block
    }
}

impl Symbol {
    fn is_bound_by_input(&self) -> bool {
        matches!(self.source, SymbolSource::Input { .. })
    }
}

/// Looked up rather than searched for, as a manifest may hold very many.
type SymbolValues<'a> = BTreeMap<&'a str, u32>;

impl TensorDecl {
    fn bind(&self, values: &SymbolValues<'_>) -> Result<BoundTensor, BindError> {
        let size = |dim: &Dim| {
            let value = dim.symbol().map_or(0, |symbol| {
                *values
                    .get(symbol.as_str())
                    .expect("the manifest's check found what binds every symbol")
            });
            let size = dim.size(value).map_err(|source| BindError::Dimension {
                tensor: self.name.clone(),
                source,
            })?;
            Ok(usize::try_from(size).expect("hosts have at least 32-bit addresses"))
        };
        let shape = self
            .dims
            .iter()
            .map(size)
            .collect::<Result<Vec<usize>, BindError>>()?;
        let byte_len = tensor_byte_len(self.dtype, &shape).map_err(|source| BindError::Length {
            tensor: self.name.clone(),
            source,
        })?;
        Ok(BoundTensor {
            name: self.name.clone(),
            dtype: self.dtype,
            shape,
            byte_len,
        })
    }

    fn shape_error(&self, found: &[usize], expected: &[usize]) -> BindError {
        BindError::Shape {
            tensor: self.name.clone(),
            declared: self.shape_text(),
            expected: expected.to_vec(),
            found: found.to_vec(),
        }
    }
}

impl ParamDecl {
    /// The value as the declared type, within the bounds.
    ///
    /// # Errors
    ///
    /// A value of another kind, or one outside the type's range or the parameter's bounds.
    pub fn accept(&self, value: ParamValue) -> Result<ParamValue, BindError> {
        let converted = value
            .convert(self.param_type)
            .map_err(|source| BindError::ParamValue {
                name: self.name.clone(),
                source,
            })?;
        let above_min = self.min.is_none_or(|min| min.at_most(converted));
        let below_max = self.max.is_none_or(|max| converted.at_most(max));
        if above_min && below_max {
            return Ok(converted);
        }
        Err(BindError::ParamOutOfBounds {
            name: self.name.clone(),
            value: converted.to_string(),
            min: self.min.map(|min| min.to_string()),
            max: self.max.map(|max| max.to_string()),
        })
    }
}

fn dimension(symbol: &Symbol, size: usize) -> Result<u32, BindError> {
    u32::try_from(size)
        .ok()
        .filter(|&size| (1..=crate::MAX_DIMENSION).contains(&u64::from(size)))
        .ok_or_else(|| BindError::DimensionOutOfRange {
            name: symbol.name.to_string(),
            size,
        })
}

/// Named values, each of which is taken once.
struct Named<'a, T> {
    left: Vec<(&'a str, T)>,
}

impl<'a, T: Copy> Named<'a, T> {
    fn new(
        values: &[(&'a str, T)],
        repeated: impl FnOnce(String) -> BindError,
    ) -> Result<Self, BindError> {
        let mut left: Vec<(&str, T)> = Vec::with_capacity(values.len());
        for &(name, value) in values {
            if left.iter().any(|&(other, _)| other == name) {
                return Err(repeated(name.to_owned()));
            }
            left.push((name, value));
        }
        Ok(Self { left })
    }

    fn take(&mut self, name: &str) -> Option<T> {
        let at = self.left.iter().position(|&(other, _)| other == name)?;
        Some(self.left.swap_remove(at).1)
    }

    fn first_left(&self) -> Option<String> {
        self.left.first().map(|(name, _)| (*name).to_owned())
    }
}
