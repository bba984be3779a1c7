//! Every golden case through the command line, with tensors in safetensors files.
#![allow(clippy::unwrap_used, reason = "a failed test may panic")]

use std::collections::HashMap;
use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::Command;

use kpack::{DataType, Tensor};
use kpack_conformance::{Call, Harness, Results, cases};
use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};

/// Runs `kpack run` on the committed reference pack.
struct CommandLine {
    folder: tempfile::TempDir,
}

impl Harness for CommandLine {
    fn call(&mut self, call: &Call) -> Result<Results, Box<dyn Error + Send + Sync>> {
        let inputs = self.folder.path().join("in.safetensors");
        let output = self.folder.path().join("out.safetensors");
        std::fs::write(&inputs, serialize(&call.inputs)?)?;
        let mut command = Command::new(env!("CARGO_BIN_EXE_kpack"));
        command
            .arg("run")
            .arg(reference("llama-core"))
            .arg(call.kernel);
        command.arg("--trust").arg(reference("trust.json"));
        command
            .arg("--inputs")
            .arg(&inputs)
            .arg("--output")
            .arg(&output);
        for (name, value) in &call.params {
            command.arg("--param").arg(format!("{name}={value}"));
        }
        let result = command.output()?;
        if !result.status.success() {
            return Err(String::from_utf8_lossy(&result.stderr).into());
        }
        let bytes = std::fs::read(&output)?;
        let outputs = SafeTensors::deserialize(&bytes)?;
        let tensors = outputs.tensors().into_iter();
        tensors.map(|(name, tensor)| read(name, &tensor)).collect()
    }
}

/// Blocks come back as bytes; those of the reference kernels go by one name in either format.
fn read(
    name: String,
    tensor: &TensorView<'_>,
) -> Result<(String, Tensor), Box<dyn Error + Send + Sync>> {
    let dtype = match tensor.dtype() {
        Dtype::F32 => DataType::F32,
        Dtype::F16 => DataType::F16,
        Dtype::BF16 => DataType::Bf16,
        Dtype::I8 => DataType::I8,
        Dtype::U8 => DataType::U8,
        other => return Err(format!("no kernel gives elements of: `{other:?}`").into()),
    };
    let tensor = Tensor::from_bytes(dtype, tensor.shape(), tensor.data())?;
    Ok((name, tensor))
}

fn serialize(tensors: &[(&str, Tensor)]) -> Result<Vec<u8>, Box<dyn Error + Send + Sync>> {
    let view = |tensor: &'_ Tensor| {
        let mut shape = tensor.shape().to_vec();
        let (dtype, bytes_of_a_block) = match tensor.dtype() {
            DataType::F32 => (Dtype::F32, None),
            DataType::F16 => (Dtype::F16, None),
            DataType::Bf16 => (Dtype::BF16, None),
            DataType::I32 => (Dtype::I32, None),
            DataType::I8 => (Dtype::I8, None),
            DataType::U8 => (Dtype::U8, None),
            DataType::Q8 => (Dtype::U8, Some(34)),
            DataType::Q4 => (Dtype::U8, Some(18)),
        };
        if let (Some(bytes), Some(last)) = (bytes_of_a_block, shape.last_mut()) {
            *last = *last / 32 * bytes;
        }
        (dtype, shape)
    };
    let views: Vec<(&str, TensorView<'_>)> = tensors
        .iter()
        .map(|(name, tensor)| {
            let (dtype, shape) = view(tensor);
            (
                *name,
                TensorView::new(dtype, shape, tensor.bytes()).unwrap(),
            )
        })
        .collect();
    Ok(safetensors::serialize(
        views,
        None::<HashMap<String, String>>,
    )?)
}

fn reference(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../kpack/reference-pack")
        .join(file)
}

#[test]
fn the_command_line_passes_every_case() {
    let mut harness = CommandLine {
        folder: tempfile::tempdir().unwrap(),
    };
    let mut failures = Vec::new();
    let manifest = std::fs::read_to_string(reference("llama-core/kernels.json")).unwrap();
    for case in cases().unwrap() {
        let in_pack = |kernel: &str| manifest.contains(&format!("\"id\": \"{kernel}\""));
        if !case.kernels().into_iter().all(in_pack) {
            continue;
        }
        if let Err(failure) = case.run(&mut harness) {
            let cause = failure
                .source()
                .map(ToString::to_string)
                .unwrap_or_default();
            failures.push(format!("{}: {failure}: {cause}", case.name));
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}
