//! The pages, as Markdown.

use std::collections::BTreeMap;

use kpack_schema::{
    KernelCategory, KernelInfo, KernelManifest, KernelParam, ResourceLimits, ShapeDim, TensorSpec,
};
use serde_json::Value;

use super::prose::Prose;
use super::speed::Measurements;
use crate::bench_report::time;

/// The list of all kernels.
pub(super) fn index(manifest: &KernelManifest) -> String {
    let mut page = format!(
        "# Kernels\n\n{GENERATED}\n\n\
         The kernels of the pack `{}` {}. All tensors are row-major and contiguous; `rows` is the product \
         of the leading dimensions.\n\n\
         | kernel | what | category | inputs | outputs |\n| --- | --- | --- | --- | --- |\n",
        manifest.name, manifest.version
    );
    for kernel in &manifest.kernels {
        let names = |tensors: &[TensorSpec]| -> String {
            let names: Vec<String> = tensors.iter().map(|t| format!("`{}`", t.name)).collect();
            names.join(", ")
        };
        page += &format!(
            "| [`{id}`]({id}.md) | {} | {} | {} | {} |\n",
            kernel.name,
            category(kernel.category),
            names(&kernel.inputs),
            names(&kernel.outputs),
            id = kernel.id,
        );
    }
    page
}

/// The page of one kernel.
pub(super) fn of_kernel(kernel: &KernelInfo, prose: &Prose, measured: &Measurements) -> String {
    let sections = [
        ("Formula", prose.formula.clone()),
        ("Tensors", tensors(kernel)),
        ("Parameters", params(&kernel.params)),
        ("Limits", limits(kernel, &prose.limits)),
        ("Numerics", prose.numerics.clone()),
        ("Determinism", determinism(kernel, &prose.determinism)),
        ("Speed", speed(&kernel.id, measured)),
    ];
    let mut page = format!(
        "# {}: `{}`\n\n{GENERATED}\n\nCategory {}, entry point `{}`.\n",
        kernel.name,
        kernel.id,
        category(kernel.category),
        kernel.entry_point
    );
    for (heading, text) in sections {
        page += &format!("\n## {heading}\n\n{}\n", text.trim_end());
    }
    page
}

const GENERATED: &str = "<!-- Written by `cargo xtask kernel-docs`. -->";

fn tensors(kernel: &KernelInfo) -> String {
    let mut table = "| | name | type | shape |\n| --- | --- | --- | --- |\n".to_owned();
    let inputs = kernel.inputs.iter().map(|tensor| ("input", tensor));
    let outputs = kernel.outputs.iter().map(|tensor| ("output", tensor));
    for (role, tensor) in inputs.chain(outputs) {
        let TensorSpec { name, dtype, shape } = tensor;
        table += &format!("| {role} | `{name}` | {dtype} | {} |\n", dims(shape));
    }
    if let Some(scratch) = &kernel.scratch {
        let (dtype, shape) = (scratch.dtype, dims(&scratch.shape));
        table += &format!("| scratch | | {dtype} | {shape} |\n");
    }
    table
}

fn dims(shape: &[ShapeDim]) -> String {
    let dims: Vec<String> = shape
        .iter()
        .map(|dim| match dim {
            ShapeDim::Symbolic(symbol) => symbol.clone(),
            ShapeDim::Fixed(size) => size.to_string(),
        })
        .collect();
    format!("[{}]", dims.join(", "))
}

fn params(params: &BTreeMap<String, KernelParam>) -> String {
    if params.is_empty() {
        return "None.".into();
    }
    let mut table =
        "| name | type | default | bounds | |\n| --- | --- | --- | --- | --- |\n".to_owned();
    for (name, param) in params {
        let default = match &param.default {
            Value::Null => "must be given".to_owned(),
            value => format!("`{value}`"),
        };
        let bounds = match (&param.min, &param.max) {
            (None, None) => String::new(),
            (Some(min), None) => format!("from {min}"),
            (None, Some(max)) => format!("up to {max}"),
            (Some(min), Some(max)) => format!("{min} to {max}"),
        };
        table += &format!(
            "| `{name}` | {} | {default} | {bounds} | {} |\n",
            param.param_type.name(),
            param.description.as_deref().unwrap_or_default(),
        );
    }
    table
}

fn limits(kernel: &KernelInfo, prose: &str) -> String {
    let ResourceLimits {
        max_memory_pages,
        max_epoch_ticks,
        ..
    } = kernel.resource_limits;
    let cut = match &*kernel.parallel_dims {
        [] => "The host does not cut a call: no dimension is parallel.".to_owned(),
        dims => format!("A host may cut a call along `{}`.", dims.join("` and `")),
    };
    format!(
        "{prose}\n\nAll tensors of a call, or of one part of it, must fit {} MiB of memory, and a call must end \
         within {} s. {cut}",
        max_memory_pages / 16,
        max_epoch_ticks / 100
    )
}

fn determinism(kernel: &KernelInfo, prose: &str) -> String {
    let features = kernel
        .variants
        .iter()
        .map(|variant| variant.features.join(", "));
    let variants: Vec<String> = features.map(|features| format!("`{features}`")).collect();
    let modules = match &*variants {
        [] => "There is one module, which any engine runs.".to_owned(),
        variants => format!(
            "Modules: {}, and one without SIMD that any engine runs.",
            variants.join(", ")
        ),
    };
    format!("{prose}\n\n{modules}")
}

fn speed(kernel: &str, measured: &Measurements) -> String {
    let calls = measured.of(kernel);
    if calls.is_empty() {
        return "No figures in the [latest report](../benchmarks/report.md).".into();
    }
    let columns: Vec<&(&str, &str)> = COLUMNS
        .iter()
        .filter(|(series, _)| calls.iter().any(|(_, call)| call.median(series).is_some()))
        .collect();
    let titles: Vec<&str> = columns.iter().map(|(_, title)| *title).collect();
    let mut table = format!(
        "| size | {} |\n| --- |{}\n",
        titles.join(" | "),
        " ---: |".repeat(columns.len())
    );
    for (size, call) in calls {
        let times = columns
            .iter()
            .map(|(series, _)| call.median(series).map_or_else(String::new, time));
        table += &format!("| {size} | {} |\n", times.collect::<Vec<_>>().join(" | "));
    }
    format!(
        "{table}\nMedians of the bound call, one thread, on {}; [all figures, and how they were \
         measured](../benchmarks/report.md).",
        measured.cpu
    )
}

/// The series of the report that a page shows, each with its title there.
const COLUMNS: [(&str, &str); 5] = [
    ("wasmtime", "wasmtime"),
    ("wasmer", "wasmer"),
    ("native", "plain native loop"),
    ("ceiling", "by hand"),
    ("candle", "candle"),
];

fn category(category: KernelCategory) -> String {
    let name = serde_json::to_value(category).expect("a category is a text");
    name.as_str().unwrap_or_default().replace('_', " ")
}
