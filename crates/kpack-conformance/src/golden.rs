use std::fs;
use std::path::{Path, PathBuf};

use kpack::{DataType, Tensor};
use kpack_schema::{Tolerance, ToleranceMode};
use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};
use serde::Deserialize;
use serde_json::Value;

use crate::calls::Step;
use crate::case::{Case, Op};
use crate::compare::widened;
use crate::{attention, blocks, gelu, layernorm, lora, rmsnorm, rope, softmax, swiglu};

/// Why the golden cases cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum GoldenError {
    /// A file cannot be read.
    #[error("golden file cannot be read: `{}`", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A file does not hold what its case needs.
    #[error("golden case {case} is malformed: `{reason}`")]
    Malformed {
        /// The case's name, or `index`.
        case: String,
        /// What is missing or wrong.
        reason: String,
    },
}

#[derive(Debug, Deserialize)]
struct Index {
    cases: Vec<Entry>,
}

/// One case of the index.
#[derive(Debug, Deserialize)]
pub(crate) struct Entry {
    pub(crate) name: String,
    op: String,
    file: String,
    params: Value,
    #[serde(default)]
    flags: Vec<String>,
    tolerance: GoldenTolerance,
}

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct GoldenTolerance {
    mode: ToleranceMode,
    #[serde(default)]
    rtol: f64,
    #[serde(default)]
    atol: f64,
    /// For halves: what a kernel meets that computes in `f32` and rounds once.
    rtol_if_f32_internally: Option<f64>,
    /// For RoPE: what holds where the kernel is given the framework's own tables.
    tables: Option<Box<Self>>,
}

impl GoldenTolerance {
    pub(crate) fn plain(&self) -> Tolerance {
        Tolerance {
            mode: self.mode,
            rtol: self.rtol_if_f32_internally.unwrap_or(self.rtol),
            atol: self.atol,
        }
    }

    pub(crate) fn with_tables(&self) -> Tolerance {
        self.tables.as_deref().unwrap_or(self).plain()
    }
}

/// All cases.
///
/// # Errors
///
/// A file of the set that cannot be read or does not hold what its case needs.
pub fn cases() -> Result<Vec<Case>, GoldenError> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("golden");
    let mut cases = cases_of(&folder)?;
    cases.append(&mut cases_of(&folder.join("attention"))?);
    Ok(cases)
}

/// The cases that a folder's `index.json` lists.
fn cases_of(folder: &Path) -> Result<Vec<Case>, GoldenError> {
    let index: Index =
        serde_json::from_slice(&read(&folder.join("index.json"))?).map_err(|error| {
            GoldenError::Malformed {
                case: "index".into(),
                reason: error.to_string(),
            }
        })?;
    let case = |entry: &Entry| {
        let bytes = read(&folder.join(&entry.file))?;
        let tensors = SafeTensors::deserialize(&bytes).map_err(|error| entry.malformed(error))?;
        Ok(Case {
            name: entry.name.clone(),
            op: read_op(entry, &File { entry, tensors })?,
        })
    };
    index.cases.iter().map(case).collect()
}

fn read_op(entry: &Entry, file: &File<'_>) -> Result<Op, GoldenError> {
    let read: fn(&Entry, &File<'_>) -> Result<Vec<Step>, GoldenError> = match entry.op.as_str() {
        "rope" => return rope::RopeCase::read(entry, file).map(Op::Rope),
        "attention" => attention::read,
        "gelu" => gelu::read,
        "layernorm" => layernorm::read,
        "lora_apply" => lora::read,
        "q4_0" => blocks::read_q4,
        "q8_0" => blocks::read_q8,
        "rmsnorm" => rmsnorm::read,
        "softmax" => softmax::read,
        "swiglu" => swiglu::read,
        other => return Err(entry.malformed(format!("unknown operator {other}"))),
    };
    read(entry, file).map(Op::Calls)
}

fn read(path: &Path) -> Result<Vec<u8>, GoldenError> {
    fs::read(path).map_err(|source| GoldenError::Read {
        path: path.to_owned(),
        source,
    })
}

impl Entry {
    pub(crate) fn malformed(&self, reason: impl ToString) -> GoldenError {
        GoldenError::Malformed {
            case: self.name.clone(),
            reason: reason.to_string(),
        }
    }

    pub(crate) fn has_flag(&self, flag: &str) -> bool {
        self.flags.iter().any(|known| known == flag)
    }

    pub(crate) fn tolerance(&self) -> &GoldenTolerance {
        &self.tolerance
    }

    pub(crate) fn number(&self, param: &str) -> Result<f64, GoldenError> {
        self.params[param]
            .as_f64()
            .ok_or_else(|| self.malformed(format!("no number {param}")))
    }

    pub(crate) fn text(&self, param: &str) -> Result<&str, GoldenError> {
        self.params[param]
            .as_str()
            .ok_or_else(|| self.malformed(format!("no text {param}")))
    }

    pub(crate) fn bool(&self, param: &str) -> Result<bool, GoldenError> {
        self.params[param]
            .as_bool()
            .ok_or_else(|| self.malformed(format!("no boolean {param}")))
    }

    /// The kernel of the case's data type, among those that take `f32`, `f16` and `bf16`.
    pub(crate) fn kernel_of_dtype(
        &self,
        kernels: [Option<&'static str>; 3],
    ) -> Result<&'static str, GoldenError> {
        let [f32, f16, bf16] = kernels;
        let kernel = match self.text("dtype")? {
            "f32" => f32,
            "f16" => f16,
            "bf16" => bf16,
            _ => None,
        };
        kernel.ok_or_else(|| self.malformed("no kernel of this data type"))
    }
}

/// The tensors of one case.
pub(crate) struct File<'a> {
    entry: &'a Entry,
    tensors: SafeTensors<'a>,
}

impl File<'_> {
    /// The tensor of this name.
    pub(crate) fn tensor(&self, name: &str) -> Result<Tensor, GoldenError> {
        let tensor = self.raw(name)?;
        let dtype = match tensor.dtype() {
            Dtype::F32 => DataType::F32,
            Dtype::F16 => DataType::F16,
            Dtype::BF16 => DataType::Bf16,
            Dtype::U8 => DataType::U8,
            other => return Err(self.entry.malformed(format!("{name} is {other:?}"))),
        };
        Tensor::from_bytes(dtype, tensor.shape(), tensor.data())
            .map_err(|error| self.entry.malformed(error))
    }

    /// The tensor of this name with its leading dimensions flattened to one.
    pub(crate) fn rows(&self, name: &str) -> Result<Tensor, GoldenError> {
        let tensor = self.tensor(name)?;
        let (width, leading) = tensor
            .shape()
            .split_last()
            .ok_or_else(|| self.entry.malformed(format!("{name} is a scalar")))?;
        let shape = [leading.iter().product(), *width];
        Tensor::from_bytes(tensor.dtype(), &shape, tensor.bytes())
            .map_err(|error| self.entry.malformed(error))
    }

    /// The shape of the tensor of this name and its elements as `f32`.
    pub(crate) fn values(&self, name: &str) -> Result<(Vec<usize>, Vec<f32>), GoldenError> {
        let tensor = self.tensor(name)?;
        Ok((tensor.shape().to_vec(), widened(&tensor)))
    }

    pub(crate) fn i64(&self, name: &str) -> Result<(Vec<usize>, Vec<i64>), GoldenError> {
        let tensor = self.raw(name)?;
        if tensor.dtype() != Dtype::I64 {
            let found = tensor.dtype();
            return Err(self.entry.malformed(format!("{name} is {found:?}")));
        }
        let (elements, _) = tensor.data().as_chunks::<8>();
        Ok((
            tensor.shape().to_vec(),
            elements
                .iter()
                .map(|&bytes| i64::from_le_bytes(bytes))
                .collect(),
        ))
    }

    fn raw(&self, name: &str) -> Result<TensorView<'_>, GoldenError> {
        let tensor = self.tensors.tensor(name);
        tensor.map_err(|error| self.entry.malformed(error))
    }
}
