use std::fs;
use std::path::{Path, PathBuf};

use kpack_schema::{Tolerance, ToleranceMode};
use safetensors::{Dtype, SafeTensors};
use serde::Deserialize;
use serde_json::Value;

use crate::case::{Case, Op};
use crate::{rmsnorm, rope, swiglu};

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
    /// For RoPE: what holds where the kernel is given the framework's own tables.
    tables: Option<Box<Self>>,
}

impl GoldenTolerance {
    pub(crate) fn plain(&self) -> Tolerance {
        Tolerance {
            mode: self.mode,
            rtol: self.rtol,
            atol: self.atol,
        }
    }

    pub(crate) fn with_tables(&self) -> Tolerance {
        self.tables.as_deref().unwrap_or(self).plain()
    }
}

/// All f32 cases of `RMSNorm`, `RoPE` and `SwiGLU`.
///
/// # Errors
///
/// A file of the set that cannot be read or does not hold what its case needs.
pub fn f32_cases() -> Result<Vec<Case>, GoldenError> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("golden");
    let index: Index =
        serde_json::from_slice(&read(&folder.join("index.json"))?).map_err(|error| {
            GoldenError::Malformed {
                case: "index".into(),
                reason: error.to_string(),
            }
        })?;
    let mut cases = Vec::new();
    for entry in index
        .cases
        .iter()
        .filter(|entry| entry.params["dtype"] == "f32")
    {
        let build: fn(&Entry, &File<'_>) -> Result<Op, GoldenError> = match entry.op.as_str() {
            "rmsnorm" => |entry, file| rmsnorm::RmsNormCase::read(entry, file).map(Op::RmsNorm),
            "rope" => |entry, file| rope::RopeCase::read(entry, file).map(Op::Rope),
            "swiglu" => |entry, file| swiglu::SwiGluCase::read(entry, file).map(Op::SwiGlu),
            _ => continue,
        };
        let bytes = read(&folder.join(&entry.file))?;
        let tensors = SafeTensors::deserialize(&bytes).map_err(|error| entry.malformed(error))?;
        let op = build(entry, &File { entry, tensors })?;
        cases.push(Case {
            name: entry.name.clone(),
            op,
        });
    }
    Ok(cases)
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

    pub(crate) fn has_param(&self, param: &str) -> bool {
        !self.params[param].is_null()
    }
}

/// The tensors of one case.
pub(crate) struct File<'a> {
    entry: &'a Entry,
    tensors: SafeTensors<'a>,
}

impl File<'_> {
    pub(crate) fn f32(&self, name: &str) -> Result<(Vec<usize>, Vec<f32>), GoldenError> {
        self.read(name, Dtype::F32, f32::from_le_bytes)
    }

    pub(crate) fn i64(&self, name: &str) -> Result<(Vec<usize>, Vec<i64>), GoldenError> {
        self.read(name, Dtype::I64, i64::from_le_bytes)
    }

    fn read<const N: usize, T>(
        &self,
        name: &str,
        dtype: Dtype,
        decode: fn([u8; N]) -> T,
    ) -> Result<(Vec<usize>, Vec<T>), GoldenError> {
        let tensor = self
            .tensors
            .tensor(name)
            .map_err(|error| self.entry.malformed(error))?;
        if tensor.dtype() != dtype {
            return Err(self
                .entry
                .malformed(format!("{name} is {:?}", tensor.dtype())));
        }
        let (elements, _) = tensor.data().as_chunks::<N>();
        Ok((
            tensor.shape().to_vec(),
            elements.iter().map(|&bytes| decode(bytes)).collect(),
        ))
    }
}
