use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{KernelParam, ResourceLimits, ScratchSpec, TensorSpec};

/// A kernel of a pack: where its code is, what it takes and gives, and what it may use.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct KernelInfo {
    /// The id, unique in the pack.
    pub id: String,
    /// The name for people.
    pub name: String,
    /// What kind of kernel it is.
    pub category: KernelCategory,
    /// The wasm module, relative to the pack's root.
    pub path: String,
    /// The module's digest, `sha256:` and 64 hex characters.
    pub hash: String,
    /// The exported function to call.
    pub entry_point: String,
    /// The tensors it reads. The first is `input_a`, all further ones are packed into `input_b`.
    pub inputs: Vec<TensorSpec>,
    /// The tensors it writes.
    pub outputs: Vec<TensorSpec>,
    /// Its parameters by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub params: BTreeMap<String, KernelParam>,
    /// What it may use at most.
    pub resource_limits: ResourceLimits,
    /// What `path` needs, by engine name; empty for any engine and no feature.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub platforms: BTreeMap<String, PlatformConfig>,
    /// The author's own measurements: shown as claims, acted on by nothing.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub benchmarks: BTreeMap<String, BenchmarkResult>,
    /// The version of the binary interface.
    #[serde(default = "default_abi", skip_serializing_if = "is_default_abi")]
    pub abi: u32,
    /// Memory that the kernel needs beside its tensors.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scratch: Option<ScratchSpec>,
    /// Symbols along which rows are independent, so that the host may split the work there.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parallel_dims: Vec<String>,
    /// Other modules with the same signature; the first whose features the engine offers is used,
    /// else `path`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub variants: Vec<KernelVariant>,
    /// Inputs with the outputs that they must give.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub vectors: Vec<KernelVector>,
}

fn default_abi() -> u32 {
    kpack_abi::ABI_VERSION
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde passes the field by reference"
)]
fn is_default_abi(abi: &u32) -> bool {
    *abi == default_abi()
}

impl KernelInfo {
    pub(crate) fn has_non_finite_number(&self) -> bool {
        let claims = self
            .benchmarks
            .values()
            .map(|result| result.throughput_gflops);
        let tolerances = self
            .vectors
            .iter()
            .flat_map(|vector| [vector.tolerance.rtol, vector.tolerance.atol]);
        claims.chain(tolerances).any(|number| !number.is_finite())
    }
}

/// What kind of kernel it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum KernelCategory {
    /// RoPE and its kin.
    PositionalEncoding,
    /// RMSNorm, LayerNorm.
    Normalization,
    /// SwiGLU, GELU.
    Activation,
    /// Packing and unpacking of the key-value cache.
    KvCache,
    /// LoRA and its kin.
    Adapter,
    /// Attention.
    Attention,
    /// Anything else.
    #[default]
    Custom,
}

/// What a kernel's `path` needs of one engine.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct PlatformConfig {
    /// The lowest version of the engine, semver.
    pub min_version: String,
    /// The WebAssembly features that the module needs beyond those that are always on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub features: Vec<String>,
    /// The author's claim that the module was compiled ahead of time; native code is never taken
    /// from a pack.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub aot_available: bool,
}

/// A measurement that the author claims.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct BenchmarkResult {
    /// Microseconds per call.
    pub latency_us: u64,
    /// 10^9 floating point operations per second.
    pub throughput_gflops: f64,
}

/// Another module with the same signature, for engines that offer more.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct KernelVariant {
    /// The wasm module, relative to the pack's root.
    pub path: String,
    /// The module's digest, `sha256:` and 64 hex characters.
    pub hash: String,
    /// The whole set of features that the module needs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub features: Vec<String>,
}

/// Inputs with the outputs that a kernel must give for them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct KernelVector {
    /// A safetensors file with every input and output under its name, relative to the pack's root.
    pub path: String,
    /// The file's digest, `sha256:` and 64 hex characters.
    pub hash: String,
    /// Parameters that differ from their defaults.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub params: BTreeMap<String, Value>,
    /// How far the outputs may be off.
    pub tolerance: Tolerance,
}

/// How far an output may be from its expected value.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Tolerance {
    /// How the two numbers below are applied.
    pub mode: ToleranceMode,
    /// The relative part, from 0 to 1.
    #[serde(default)]
    pub rtol: f64,
    /// The absolute part, of 0 or more.
    #[serde(default)]
    pub atol: f64,
}

/// How a tolerance is applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum ToleranceMode {
    /// |difference| <= atol + rtol * |expected|, for each element.
    Elementwise,
    /// |difference| <= atol + rtol * (largest |expected| of the row along the last axis).
    Rowmax,
    /// The same bits.
    Exact,
}
