use crate::{DataType, Dim, Identifier, ParamType, ParamValue};

/// What a kernel takes and gives, after its manifest was checked: every symbol is bound by exactly
/// one input dimension or parameter.
#[derive(Debug, Clone, PartialEq)]
pub struct Signature {
    pub(crate) inputs: Vec<TensorDecl>,
    pub(crate) outputs: Vec<TensorDecl>,
    pub(crate) scratch: Option<TensorDecl>,
    pub(crate) params: Vec<ParamDecl>,
    pub(crate) symbols: Vec<Symbol>,
    pub(crate) scratch_symbols: Vec<Symbol>,
    pub(crate) parallel_dims: Vec<Identifier>,
}

/// A tensor of a [`Signature`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TensorDecl {
    /// The name; `scratch` for the scratch memory.
    pub name: String,
    /// The element type.
    pub dtype: DataType,
    /// The dimensions, outermost first.
    pub dims: Vec<Dim>,
}

/// A parameter of a [`Signature`]; its default and bounds are of its type.
#[derive(Debug, Clone, PartialEq)]
pub struct ParamDecl {
    /// The name.
    pub name: String,
    /// The type.
    pub param_type: ParamType,
    /// The value where the caller gives none; `None` where he must give one.
    pub default: Option<ParamValue>,
    /// The smallest value.
    pub min: Option<ParamValue>,
    /// The largest value.
    pub max: Option<ParamValue>,
}

/// A named dimension of a [`Signature`] and what binds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Symbol {
    /// The name.
    pub name: Identifier,
    /// What gives it its value.
    pub source: SymbolSource,
}

/// What gives a symbol its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SymbolSource {
    /// The first input that has the symbol as a bare dimension.
    Input {
        /// The input's position.
        input: usize,
        /// The position in that input's shape.
        axis: usize,
    },
    /// The integer parameter of the same name.
    Param {
        /// The position among the parameters.
        param: usize,
    },
}

impl Signature {
    /// The inputs, in the order of the manifest.
    #[must_use]
    pub fn inputs(&self) -> &[TensorDecl] {
        &self.inputs
    }

    /// The outputs, in the order of the manifest.
    #[must_use]
    pub fn outputs(&self) -> &[TensorDecl] {
        &self.outputs
    }

    /// The memory that the kernel needs beside its tensors.
    #[must_use]
    pub fn scratch(&self) -> Option<&TensorDecl> {
        self.scratch.as_ref()
    }

    /// The parameters, sorted by name bytewise.
    #[must_use]
    pub fn params(&self) -> &[ParamDecl] {
        &self.params
    }

    /// The symbols in the order in which their values stand in the parameter block: of first
    /// appearance in inputs, then outputs, dimensions left to right.
    #[must_use]
    pub fn symbols(&self) -> &[Symbol] {
        &self.symbols
    }

    /// The symbols along which rows are independent.
    #[must_use]
    pub fn parallel_dims(&self) -> &[Identifier] {
        &self.parallel_dims
    }

    /// Whether this kernel can stand in for `other`: the same inputs and outputs by name, element
    /// type and shape, and every parameter of `other` with the same type.
    #[must_use]
    pub fn can_replace(&self, other: &Self) -> bool {
        let has_param = |wanted: &ParamDecl| {
            self.params
                .iter()
                .any(|param| param.name == wanted.name && param.param_type == wanted.param_type)
        };
        self.inputs == other.inputs
            && self.outputs == other.outputs
            && other.params.iter().all(has_param)
    }
}

impl TensorDecl {
    /// The shape as it stands in messages, such as `[rows, dim/2]`.
    #[must_use]
    pub fn shape_text(&self) -> String {
        let dims: Vec<String> = self.dims.iter().map(ToString::to_string).collect();
        format!("[{}]", dims.join(", "))
    }
}
