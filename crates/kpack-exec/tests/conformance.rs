//! What every engine owes a kernel: each `conformance/*.toml` is a kernel with calls and what they
//! end in. A new engine is one line in `support::backends`.

#![allow(clippy::unwrap_used, reason = "a test that cannot be set up fails")]

mod support;

use std::collections::{BTreeMap, VecDeque};
use std::fs;
use std::path::Path;

use kpack_exec::{Backend, BoundKernel, CallError, CompiledKernel, Outputs, TensorView};
use kpack_schema::{BoundTensor, ParamValue};
use serde::Deserialize;
use serde_json::{Value, json};

use support::outcome::failure;
use support::{backends, compile, module, verified};

#[test]
fn every_case_ends_as_it_says_on_every_engine() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/conformance");
    let mut paths: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    paths.sort();
    assert!(!paths.is_empty());
    for path in paths {
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        let case: Case = toml::from_str(&fs::read_to_string(&path).unwrap())
            .unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(!case.calls.is_empty(), "{name}");
        for backend in backends() {
            case.run(backend.as_ref(), &name);
        }
    }
}

/// A kernel and its calls.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    /// The body of the entry point, with `support::PRELUDE` in reach.
    run: Option<String>,
    /// The whole module instead.
    wat: Option<String>,
    #[serde(default)]
    features: Vec<String>,
    /// How the kernel differs from `support::base`.
    #[serde(default)]
    kernel: BTreeMap<String, Value>,
    calls: Vec<CallCase>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CallCase {
    #[serde(default)]
    on: Owner,
    #[serde(default)]
    dims: BTreeMap<String, usize>,
    #[serde(default)]
    params: BTreeMap<String, Param>,
    /// What is not named is zero where the kernel is bound anew, and stays as it is otherwise.
    #[serde(default)]
    inputs: BTreeMap<String, Elements>,
    #[serde(default = "ok")]
    expect: String,
    /// The error's message.
    message: Option<String>,
    /// What is not named is not looked at; behind the elements that are, all is zero.
    #[serde(default)]
    outputs: BTreeMap<String, Elements>,
    #[serde(default = "once")]
    repeat: usize,
    /// Whether the bound kernels live as long as the next call.
    #[serde(default)]
    keep: bool,
}

fn ok() -> String {
    "ok".into()
}

const fn once() -> usize {
    1
}

/// Whose instance a call is on.
#[derive(Deserialize, Default, Clone, Copy, PartialEq)]
#[serde(rename_all = "kebab-case")]
enum Owner {
    /// A kernel that is bound anew; and the same once more by the one-shot call.
    #[default]
    New,
    /// The kernel that the last call was on.
    Same,
}

#[derive(Deserialize, Clone, Copy)]
#[serde(untagged)]
enum Param {
    Bool(bool),
    Integer(i64),
    Float(f64),
}

/// The elements of a tensor from its start.
#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Elements {
    F32(Vec<f32>),
    /// As words of 32 bits, signed or not.
    I32(Vec<i64>),
    I8(Vec<i8>),
    U8(Vec<u8>),
    /// Bytes in the order of memory.
    Hex(String),
}

impl Case {
    fn run(&self, backend: &dyn Backend, name: &str) {
        let kernel = self.compile(backend);
        let mut kept = VecDeque::new();
        let mut bound = None;
        for (index, call) in self.calls.iter().enumerate() {
            let place = format!("{name}, call {index} on {}", backend.name());
            for _ in 0..call.repeat {
                if call.on == Owner::New {
                    call.check_one_shot(&kernel, &place);
                    kept.extend(bound.take());
                    bound = call.bind(&kernel, &place);
                }
                if let Some(bound) = &mut bound {
                    call.check_bound(bound, &place);
                }
            }
            if !call.keep {
                kept.clear();
            }
        }
    }

    fn compile(&self, backend: &dyn Backend) -> CompiledKernel {
        let wat = match (&self.wat, &self.run) {
            (Some(wat), None) => wat.clone(),
            (None, Some(run)) => module(run),
            _ => panic!("a case has either `wat` or `run`"),
        };
        let mut kernel = json!(self.kernel);
        let params = kernel.get_mut("params").and_then(Value::as_object_mut);
        for (_, param) in params.into_iter().flatten() {
            // TOML has no null.
            let param = param.as_object_mut().unwrap();
            param.entry("default").or_insert(Value::Null);
        }
        if !self.features.is_empty() {
            let platform = json!({"min_version": "0.0.1", "features": self.features});
            kernel["platforms"] = json!({backend.name(): platform});
        }
        compile(backend, &verified(&wat, kernel))
    }
}

impl CallCase {
    fn dims(&self) -> Vec<(&str, usize)> {
        let dims = self.dims.iter();
        dims.map(|(name, size)| (name.as_str(), *size)).collect()
    }

    fn params(&self) -> Vec<(&str, ParamValue)> {
        let value = |param: &Param| match *param {
            Param::Bool(value) => ParamValue::Bool(value),
            Param::Integer(value) => ParamValue::I64(value),
            Param::Float(value) => ParamValue::F64(value),
        };
        let params = self.params.iter();
        params
            .map(|(name, param)| (name.as_str(), value(param)))
            .collect()
    }

    /// `None` where the case says that binding fails, as it then did.
    fn bind(&self, kernel: &CompiledKernel, place: &str) -> Option<BoundKernel> {
        match kernel.bind(&self.dims(), &self.params()) {
            Ok(mut bound) => {
                for input in bound.inputs().to_vec() {
                    bound.input_bytes_mut(&input.name).unwrap().fill(0);
                }
                Some(bound)
            }
            Err(error) => {
                self.expect_error(&error, place);
                None
            }
        }
    }

    fn check_bound(&self, bound: &mut BoundKernel, place: &str) {
        for (name, elements) in &self.inputs {
            let bytes = elements.bytes();
            bound.input_bytes_mut(name).unwrap()[..bytes.len()].copy_from_slice(&bytes);
        }
        let ended = bound.run();
        for output in bound.outputs().to_vec() {
            let found = bound.output_bytes(&output.name);
            match &ended {
                Ok(()) => self.expect_output(&output.name, found.unwrap(), place),
                Err(_) => assert!(matches!(found, Err(CallError::NoResult { .. })), "{place}"),
            }
        }
        self.expect_end(ended.err().as_ref(), place);
    }

    fn check_one_shot(&self, kernel: &CompiledKernel, place: &str) {
        let place = format!("{place}, one-shot");
        match self.one_shot(kernel) {
            Ok(outputs) => {
                for (name, tensor) in outputs {
                    self.expect_output(&name, tensor.bytes(), &place);
                }
                self.expect_end(None, &place);
            }
            Err(error) => self.expect_end(Some(&error), &place),
        }
    }

    fn one_shot(&self, kernel: &CompiledKernel) -> Result<Outputs, CallError> {
        let binding = kernel.signature().bind_dims(&self.dims(), &self.params())?;
        let inputs: Vec<Vec<u8>> = binding.inputs().iter().map(|x| self.input(x)).collect();
        let mut call = kernel.call();
        for (declared, bytes) in binding.inputs().iter().zip(&inputs) {
            let view = TensorView::new(declared.dtype, &declared.shape, bytes).unwrap();
            call = call.input(&declared.name, view)?;
        }
        for (name, value) in self.params() {
            call = call.param(name, value)?;
        }
        call.run()
    }

    /// An input that stands in the case, followed by zeros.
    fn input(&self, declared: &BoundTensor) -> Vec<u8> {
        let given = self.inputs.get(&declared.name).map(Elements::bytes);
        let mut bytes = given.unwrap_or_default();
        bytes.resize(usize::try_from(declared.byte_len).unwrap(), 0);
        bytes
    }

    fn expect_output(&self, name: &str, found: &[u8], place: &str) {
        let Some(expected) = self.outputs.get(name) else {
            return;
        };
        let mut expected = expected.bytes();
        assert!(expected.len() <= found.len(), "{place}, {name}");
        expected.resize(found.len(), 0);
        assert_eq!(found, expected, "{place}, {name}");
    }

    fn expect_end(&self, error: Option<&CallError>, place: &str) {
        match error {
            Some(error) => self.expect_error(error, place),
            None => assert_eq!("ok", self.expect, "{place}"),
        }
    }

    fn expect_error(&self, error: &CallError, place: &str) {
        assert_eq!(failure(error), self.expect, "{place}: {error}");
        if let Some(message) = &self.message {
            assert_eq!(&error.to_string(), message, "{place}");
        }
    }
}

impl Elements {
    fn bytes(&self) -> Vec<u8> {
        let word = |word: &i64| u32::try_from(word & 0xffff_ffff).unwrap();
        match self {
            Self::F32(values) => values.iter().flat_map(|v| v.to_le_bytes()).collect(),
            Self::I32(values) => values.iter().flat_map(|v| word(v).to_le_bytes()).collect(),
            Self::I8(values) => values.iter().flat_map(|v| v.to_le_bytes()).collect(),
            Self::U8(values) => values.clone(),
            Self::Hex(text) => hex::decode(text.replace(' ', "")).unwrap(),
        }
    }
}
