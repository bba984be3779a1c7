//! The pack for people: what is empty is left out, and nothing that the pack says begins a line.

use kpack_schema::{
    DEFAULT_MAX_GLOBALS, DEFAULT_STACK_BYTES, FeatureSet, KernelInfo, KernelManifest, KernelParam,
    ResourceLimits, ShapeDim, TensorSpec,
};

use super::engines::Verdict;
use super::{Inspected, NOTHING_WAS_VERIFIED};
use crate::escape;

/// The width of the names before the values.
const WIDTH: usize = 12;

pub(super) fn text(pack: &Inspected) -> String {
    let mut lines = Lines(format!("{NOTHING_WAS_VERIFIED}\n\n"));
    lines.manifest(pack);
    for kernel in &pack.manifest.kernels {
        lines.kernel(&pack.manifest, kernel);
        for verdict in pack.verdicts.get(&kernel.id).into_iter().flatten() {
            lines.verdict(verdict);
        }
    }
    if pack.manifest.kernels.is_empty() {
        lines.blank();
        lines.line("", "kernels", "none: kernels.json declares no kernel");
    }
    lines.problems(pack);
    lines.0
}

struct Lines(String);

impl Lines {
    fn blank(&mut self) {
        self.0.push('\n');
    }

    /// A name and a value; nothing where the value is empty.
    fn line(&mut self, indent: &str, name: &str, value: &str) {
        if !value.is_empty() {
            let value = escape::on_one_line(value);
            self.0
                .push_str(&format!("{indent}{name:<WIDTH$} {value}\n"));
        }
    }

    fn manifest(&mut self, pack: &Inspected) {
        let manifest = &pack.manifest;
        let author = format!("{} <{}>", manifest.author.name, manifest.author.email);
        let signers = match &pack.contents.claimed_signers[..] {
            [] => "none".to_owned(),
            claimed => format!("claimed by {}", claimed.join(", ")),
        };
        let (min, max) = (&manifest.min_runtime_version, &manifest.max_runtime_version);
        let expires = manifest.expires.as_deref().unwrap_or("never");
        for (name, value) in [
            ("pack", format!("{} {}", manifest.name, manifest.version)),
            ("description", manifest.description.clone()),
            ("author", author),
            ("signing key", manifest.author.signing_key.clone()),
            ("signatures", signers),
            ("created", manifest.created_at.clone()),
            ("expires", expires.to_owned()),
            ("sequence", manifest.sequence.to_string()),
            ("runtime", format!("{min} to {max}")),
            ("manifest", pack.digest.clone()),
        ] {
            self.line("", name, &value);
        }
    }

    fn kernel(&mut self, manifest: &KernelManifest, kernel: &KernelInfo) {
        self.blank();
        self.line("", "kernel", &format!("{} ({})", kernel.id, kernel.name));
        let fallback = manifest.get_fallback(&kernel.id).unwrap_or_default();
        let module = format!("{}, entry point {}", kernel.path, kernel.entry_point);
        for (name, value) in [
            ("module", module),
            ("inputs", tensors(&kernel.inputs)),
            ("outputs", tensors(&kernel.outputs)),
            ("params", joined(&kernel.params, param)),
            ("scratch", scratch(kernel)),
            ("parallel", kernel.parallel_dims.join(", ")),
            ("limits", limits(&kernel.resource_limits)),
            ("platforms", platforms(kernel)),
            ("variants", variants(kernel)),
            ("vectors", vectors(kernel)),
            ("fallback", fallback.to_owned()),
            ("author says", claims(kernel)),
        ] {
            self.line("  ", name, &value);
        }
    }

    fn verdict(&mut self, verdict: &Verdict) {
        let value = match &verdict.outcome {
            Ok(chosen) if chosen.features == FeatureSet::EMPTY => format!("runs {}", chosen.module),
            Ok(chosen) => format!("runs {} with {}", chosen.module, chosen.features),
            Err(reason) => format!("does not run: {reason}"),
        };
        let value = format!("{}: {value}", verdict.version);
        self.line("  ", &verdict.engine, &value);
    }

    fn problems(&mut self, pack: &Inspected) {
        for (index, message) in pack.problems.messages().enumerate() {
            if index == 0 {
                self.blank();
            }
            let message = escape::on_one_line(message);
            self.0.push_str(&format!("problem: {message}\n"));
        }
    }
}

fn joined<T>(entries: impl IntoIterator<Item = T>, shown: impl Fn(T) -> String) -> String {
    let entries: Vec<String> = entries.into_iter().map(shown).collect();
    entries.join("; ")
}

fn tensors(specs: &[TensorSpec]) -> String {
    let one = |spec: &TensorSpec| format!("{} {}{}", spec.name, spec.dtype, shape(&spec.shape));
    specs.iter().map(one).collect::<Vec<_>>().join(", ")
}

fn shape(dims: &[ShapeDim]) -> String {
    let dims = dims.iter().map(|dim| match dim {
        ShapeDim::Symbolic(symbol) => symbol.clone(),
        ShapeDim::Fixed(size) => size.to_string(),
    });
    format!("[{}]", dims.collect::<Vec<_>>().join(","))
}

fn scratch(kernel: &KernelInfo) -> String {
    let spec = kernel.scratch.as_ref();
    spec.map_or_else(String::new, |spec| {
        format!("{}{}", spec.dtype, shape(&spec.shape))
    })
}

fn param((name, param): (&String, &KernelParam)) -> String {
    let mut text = format!("{name} {}", param.param_type);
    match &param.default {
        value if value.is_null() => text.push_str(", to be given"),
        value => text.push_str(&format!(" = {value}")),
    }
    if let Some(min) = &param.min {
        text.push_str(&format!(", from {min}"));
    }
    if let Some(max) = &param.max {
        text.push_str(&format!(", up to {max}"));
    }
    text
}

fn limits(limits: &ResourceLimits) -> String {
    let pages = limits.max_memory_pages;
    let ticks = limits.max_epoch_ticks;
    format!(
        "{pages} pages ({} MiB), {ticks} ticks ({}.{:02} s), {} table elements, {} bytes of stack, \
         {} globals",
        f64::from(pages) / 16.0,
        ticks / 100,
        ticks % 100,
        limits.max_table_elements,
        limits.max_stack_size.unwrap_or(DEFAULT_STACK_BYTES),
        limits.max_globals.unwrap_or(DEFAULT_MAX_GLOBALS),
    )
}

fn platforms(kernel: &KernelInfo) -> String {
    joined(&kernel.platforms, |(engine, platform)| {
        let text = format!("{engine} {} or later", platform.min_version);
        with_features(text, &platform.features)
    })
}

fn variants(kernel: &KernelInfo) -> String {
    joined(&kernel.variants, |variant| {
        with_features(variant.path.clone(), &variant.features)
    })
}

fn with_features(text: String, features: &[String]) -> String {
    match features {
        [] => text,
        features => format!("{text} with {}", features.join(", ")),
    }
}

fn vectors(kernel: &KernelInfo) -> String {
    joined(&kernel.vectors, |vector| vector.path.clone())
}

/// What the author says of the kernel and nothing acts on.
fn claims(kernel: &KernelInfo) -> String {
    let measured = kernel.benchmarks.iter().map(|(key, result)| {
        let (us, gflops) = (result.latency_us, result.throughput_gflops);
        format!("{key}: {us} us, {gflops} GFLOP/s")
    });
    let platforms = kernel.platforms.iter();
    let compiled = platforms.filter(|(_, platform)| platform.aot_available);
    let compiled = compiled.map(|(engine, _)| format!("compiled ahead of time for {engine}"));
    measured.chain(compiled).collect::<Vec<_>>().join("; ")
}
