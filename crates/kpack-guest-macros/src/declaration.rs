//! What a kernel declares of itself.

use std::collections::BTreeSet;

use kpack_abi::ParamCursor;
use proc_macro::Span;

use crate::tokens::{Error, Result};

/// A name of the declaration, and where it stands.
#[derive(Clone)]
pub(crate) struct Name {
    pub(crate) text: String,
    pub(crate) span: Span,
}

pub(crate) struct Declaration {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) category: String,
    pub(crate) inputs: Vec<Tensor>,
    pub(crate) outputs: Vec<Tensor>,
    pub(crate) scratch: Option<Scratch>,
    /// In the order of their names, which is the order of the parameter block.
    pub(crate) params: Vec<Param>,
    pub(crate) limits: Limits,
    pub(crate) parallel_dims: Vec<Name>,
}

pub(crate) struct Tensor {
    pub(crate) name: Name,
    pub(crate) dtype: DataType,
    pub(crate) shape: Vec<Dim>,
}

pub(crate) struct Scratch {
    pub(crate) dtype: DataType,
    pub(crate) shape: Vec<Dim>,
}

pub(crate) enum Dim {
    Fixed(String),
    Symbol(Name),
    Divided(Name, String),
    Multiplied(Name, String),
}

impl Dim {
    pub(crate) fn symbol(&self) -> Option<&Name> {
        match self {
            Self::Fixed(_) => None,
            Self::Symbol(name) | Self::Divided(name, _) | Self::Multiplied(name, _) => Some(name),
        }
    }
}

#[derive(Clone, Copy)]
pub(crate) struct DataType {
    /// In the manifest.
    pub(crate) name: &'static str,
    /// The element's type in `kpack_guest`, or of Rust itself.
    pub(crate) rust: &'static str,
    /// The function of `kpack_guest` that counts a tensor's elements, or its blocks.
    pub(crate) count: &'static str,
}

impl DataType {
    pub(crate) fn of(name: &str) -> Option<Self> {
        const TYPES: [(&str, &str); 8] = [
            ("f32", "f32"),
            ("f16", "::kpack_guest::F16"),
            ("bf16", "::kpack_guest::Bf16"),
            ("i8", "i8"),
            ("u8", "u8"),
            ("i32", "i32"),
            ("q8", "::kpack_guest::Q8Block"),
            ("q4", "::kpack_guest::Q4Block"),
        ];
        let (name, rust) = TYPES.into_iter().find(|(known, _)| *known == name)?;
        let count = if name.starts_with('q') {
            "blocks"
        } else {
            "elements"
        };
        Some(Self { name, rust, count })
    }
}

pub(crate) struct Param {
    pub(crate) name: Name,
    pub(crate) kind: ParamKind,
    /// As JSON; `None` if the caller must give the value.
    pub(crate) default: Option<String>,
    pub(crate) min: Option<String>,
    pub(crate) max: Option<String>,
    pub(crate) description: String,
}

/// A parameter's type: the same name in the manifest, in Rust, and as method of `Params`.
#[derive(Clone, Copy)]
pub(crate) struct ParamKind {
    pub(crate) name: &'static str,
    pub(crate) size: u32,
}

impl ParamKind {
    pub(crate) fn of(name: &str) -> Option<Self> {
        const KINDS: [(&str, u32); 7] = [
            ("f32", 4),
            ("f64", 8),
            ("i32", 4),
            ("i64", 8),
            ("u32", 4),
            ("u64", 8),
            ("bool", 4),
        ];
        let (name, size) = KINDS.into_iter().find(|(known, _)| *known == name)?;
        Some(Self { name, size })
    }

    pub(crate) fn is_float(self) -> bool {
        self.name.starts_with('f')
    }

    pub(crate) fn is_integer(self) -> bool {
        self.name.starts_with(['i', 'u'])
    }
}

/// Fields as in the manifest; what is left out there is `None`.
pub(crate) struct Limits {
    pub(crate) max_memory_pages: String,
    pub(crate) max_epoch_ticks: String,
    pub(crate) max_table_elements: String,
    pub(crate) max_stack_size: Option<String>,
    pub(crate) max_globals: Option<String>,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_memory_pages: "1024".to_owned(),
            max_epoch_ticks: "1000".to_owned(),
            max_table_elements: "0".to_owned(),
            max_stack_size: None,
            max_globals: None,
        }
    }
}

impl Declaration {
    /// The symbols in the order of the parameter block: of first appearance in inputs, then outputs.
    pub(crate) fn symbols(&self) -> Vec<&Name> {
        let tensors = self.inputs.iter().chain(&self.outputs);
        let mut seen = BTreeSet::new();
        tensors
            .flat_map(|tensor| tensor.shape.iter().filter_map(Dim::symbol))
            .filter(|name| seen.insert(&name.text))
            .collect()
    }

    /// Each parameter with its offset in the parameter block, and the block's size.
    pub(crate) fn params_block(&self) -> (Vec<(&Param, u32)>, u32) {
        let symbols = u32::try_from(self.symbols().len()).unwrap_or(u32::MAX);
        let mut cursor = ParamCursor::after_symbols(symbols);
        let mut placed = Vec::new();
        for param in &self.params {
            let (offset, behind) = cursor.place(param.kind.size);
            placed.push((param, offset));
            cursor = behind;
        }
        (placed, cursor.end())
    }

    pub(crate) fn has_symbol(&self, name: &str) -> bool {
        self.symbols().iter().any(|symbol| symbol.text == name)
    }

    /// What the manifest's own check would refuse and the code could not be made for.
    pub(crate) fn check(self) -> Result<Self> {
        self.check_names()?;
        self.check_symbols()?;
        Ok(self)
    }

    /// One name means one thing, also to the function that takes it.
    fn check_names(&self) -> Result<()> {
        let mut seen: BTreeSet<&str> = self
            .symbols()
            .iter()
            .map(|name| name.text.as_str())
            .collect();
        let tensors = self.inputs.iter().chain(&self.outputs);
        let params = self.params.iter().filter(|param| {
            // A parameter that binds a symbol has the symbol's name.
            !(param.kind.is_integer() && self.has_symbol(&param.name.text))
        });
        let names = tensors
            .map(|tensor| &tensor.name)
            .chain(params.map(|param| &param.name));
        for name in names {
            if name.text == SCRATCH && self.scratch.is_some() || !seen.insert(&name.text) {
                return Err(Error::at(
                    name.span,
                    format!("the name stands for two things: `{}`", name.text),
                ));
            }
        }
        let mut params = BTreeSet::new();
        for param in &self.params {
            if !params.insert(&param.name.text) {
                return Err(Error::at(
                    param.name.span,
                    format!("the parameter is declared twice: `{}`", param.name.text),
                ));
            }
        }
        Ok(())
    }

    fn check_symbols(&self) -> Result<()> {
        let bare = |tensor: &Tensor, wanted: &str| {
            tensor
                .shape
                .iter()
                .any(|dim| matches!(dim, Dim::Symbol(name) if name.text == wanted))
        };
        for symbol in self.symbols() {
            let by_input = self.inputs.iter().any(|input| bare(input, &symbol.text));
            let by_param = self
                .params
                .iter()
                .any(|param| param.kind.is_integer() && param.name.text == symbol.text);
            if !by_input && !by_param {
                return Err(Error::at(
                    symbol.span,
                    format!(
                        "no input has this dimension by itself, and no integer parameter its name: \
                         `{}`",
                        symbol.text
                    ),
                ));
            }
        }
        let scratch = self.scratch.iter().flat_map(|scratch| &scratch.shape);
        let of_scratch = scratch.filter_map(Dim::symbol);
        for name in of_scratch.chain(&self.parallel_dims) {
            if !self.has_symbol(&name.text) {
                return Err(Error::at(
                    name.span,
                    format!("no tensor has this dimension: `{}`", name.text),
                ));
            }
        }
        Ok(())
    }
}

/// The name by which a function takes its scratch region.
pub(crate) const SCRATCH: &str = "scratch";
