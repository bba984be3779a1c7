//! Every golden case through the command line, with tensors in safetensors files.
#![allow(clippy::unwrap_used, reason = "a failed test may panic")]

use std::collections::HashMap;
use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::Command;

use kpack::{DataType, Tensor};
use kpack_conformance::{Call, Harness, f32_cases};
use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};

/// Runs `kpack run` on the committed reference pack.
struct CommandLine {
    folder: tempfile::TempDir,
}

impl Harness for CommandLine {
    fn call(&mut self, call: &Call) -> Result<Tensor, Box<dyn Error + Send + Sync>> {
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
        let [(_, tensor)] = &outputs.tensors()[..] else {
            return Err("the file does not hold one output".into());
        };
        Ok(Tensor::from_bytes(
            DataType::F32,
            tensor.shape(),
            tensor.data(),
        )?)
    }
}

fn serialize(tensors: &[(&str, Tensor)]) -> Result<Vec<u8>, Box<dyn Error + Send + Sync>> {
    let views: Vec<(&str, TensorView<'_>)> = tensors
        .iter()
        .map(|(name, tensor)| {
            let dtype = if tensor.dtype() == DataType::I32 {
                Dtype::I32
            } else {
                Dtype::F32
            };
            (
                *name,
                TensorView::new(dtype, tensor.shape().to_vec(), tensor.bytes()).unwrap(),
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
    for case in f32_cases().unwrap() {
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
