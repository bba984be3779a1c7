use std::collections::{BTreeMap, BTreeSet};

use super::document::{MAX_NAME_BYTES, MAX_TEXT_BYTES, version};
use super::files::{Files, NamedFile};
use super::params;
use super::problem::{Pointer, ProblemKind, Reporter};
use super::signature;
use crate::{
    CheckedKernel, Feature, FeatureSet, HostPolicy, KernelId, KernelInfo, KernelVector,
    LimitPolicy, Limits, Platform, Signature, Tolerance, Variant, Vector,
};

pub(super) fn check(
    info: &KernelInfo,
    policy: &HostPolicy,
    at: &Pointer,
    files: &mut Files,
    reporter: &mut Reporter,
) -> Option<CheckedKernel> {
    let id: Option<KernelId> = reporter.parse(
        &at.key("id"),
        ProblemKind::Name,
        &info.id,
        KernelId::GRAMMAR,
    );
    reporter.check_length(&at.key("name"), &info.name, MAX_NAME_BYTES);
    check_entry_point(info, at, reporter);
    check_abi(info, at, reporter);
    let files = files.add_all(info, at, reporter);
    let limits = check_limits(info, policy, at, reporter);
    let platforms = platforms(info, at, reporter);
    check_benchmarks(info, at, reporter);
    let signature = signature::check(info, at, reporter);
    let variants = variants(info, files.variants, at, reporter);
    let vectors = vectors(info, signature.as_ref(), files.vectors, at, reporter);
    let (path, digest) = files.module?;
    Some(CheckedKernel {
        id: id?,
        path,
        digest,
        limits,
        signature: signature?,
        platforms,
        variants: variants.into_iter().collect::<Option<_>>()?,
        vectors: vectors.into_iter().collect::<Option<_>>()?,
        info: info.clone(),
    })
}

fn check_entry_point(info: &KernelInfo, at: &Pointer, reporter: &mut Reporter) {
    let entry = &info.entry_point;
    let printable = entry.bytes().all(|b| (0x20..=0x7e).contains(&b));
    if !(1..=256).contains(&entry.len()) || !printable {
        let allowed = "1 to 256 printable ASCII characters";
        reporter.report(
            &at.key("entry_point"),
            ProblemKind::EntryPoint,
            entry,
            allowed,
        );
    }
}

fn check_abi(info: &KernelInfo, at: &Pointer, reporter: &mut Reporter) {
    if info.abi != crate::ABI_VERSION {
        reporter.report(
            &at.key("abi"),
            ProblemKind::Abi,
            info.abi,
            crate::ABI_VERSION,
        );
    }
}

fn check_limits(
    info: &KernelInfo,
    policy: &HostPolicy,
    at: &Pointer,
    reporter: &mut Reporter,
) -> Limits {
    let at = at.key("resource_limits");
    let limits = info.resource_limits.resolve();
    for (field, min, found, max) in rows(&limits, &policy.limits) {
        if !(min..=max).contains(&found) {
            let allowed = format!("{min} to the host's {max}");
            reporter.report(&at.key(field), ProblemKind::Limit, found, allowed);
        }
    }
    limits
}

/// Each limit: its name, the lowest that makes sense, what it is, the highest that the host allows.
fn rows(limits: &Limits, host: &LimitPolicy) -> [(&'static str, u64, u64, u64); 5] {
    let stack = |bytes: usize| u64::try_from(bytes).unwrap_or(u64::MAX);
    let (pages, max_pages) = (limits.memory_pages, host.max_memory_pages);
    let (ticks, max_ticks) = (limits.epoch_ticks, host.max_epoch_ticks);
    let (elements, max_elements) = (limits.table_elements, host.max_table_elements);
    let (stack, max_stack) = (stack(limits.stack_bytes), stack(host.max_stack_size));
    let (globals, max_globals) = (limits.globals, host.max_globals);
    [
        ("max_memory_pages", 1, pages.into(), max_pages.into()),
        ("max_epoch_ticks", 1, ticks, max_ticks),
        (
            "max_table_elements",
            0,
            elements.into(),
            max_elements.into(),
        ),
        ("max_stack_size", 1, stack, max_stack),
        ("max_globals", 0, globals.into(), max_globals.into()),
    ]
}

fn platforms(
    info: &KernelInfo,
    at: &Pointer,
    reporter: &mut Reporter,
) -> BTreeMap<String, Platform> {
    let at = at.key("platforms");
    let mut platforms = BTreeMap::new();
    for (engine, config) in &info.platforms {
        let at = at.key(engine);
        if !is_engine_name(engine) {
            let allowed = "an engine name of [a-z0-9][a-z0-9._-]{0,127}";
            reporter.report(&at, ProblemKind::Name, engine, allowed);
            // The pointer to each problem below would repeat a name of any length.
            continue;
        }
        let min_version = version(reporter, &at.key("min_version"), &config.min_version);
        let features = features(&config.features, &at.key("features"), reporter);
        if let Some(min_version) = min_version {
            platforms.insert(
                engine.clone(),
                Platform {
                    min_version,
                    features,
                },
            );
        }
    }
    platforms
}

/// The claims themselves are shown and not judged.
fn check_benchmarks(info: &KernelInfo, at: &Pointer, reporter: &mut Reporter) {
    let at = at.key("benchmarks");
    for key in info.benchmarks.keys() {
        reporter.check_length(&at.key(key), key, MAX_TEXT_BYTES);
    }
}

/// Engines are named by the same grammar as kernels.
fn is_engine_name(engine: &str) -> bool {
    engine.parse::<KernelId>().is_ok()
}

fn features(names: &[String], at: &Pointer, reporter: &mut Reporter) -> FeatureSet {
    let allowed = Feature::ALL.map(Feature::name).join(", ");
    let allowed = format!("one of {allowed}");
    let mut found = Vec::with_capacity(names.len());
    for (index, name) in names.iter().enumerate() {
        found.extend(reporter.parse::<Feature>(
            &at.index(index),
            ProblemKind::Feature,
            name,
            &allowed,
        ));
    }
    found.into_iter().collect()
}

fn variants(
    info: &KernelInfo,
    files: Vec<NamedFile>,
    at: &Pointer,
    reporter: &mut Reporter,
) -> Vec<Option<Variant>> {
    let at = at.key("variants");
    let mut variants = Vec::with_capacity(files.len());
    // A second variant of the same features could never be chosen.
    let mut seen = BTreeSet::new();
    for (index, (variant, file)) in info.variants.iter().zip(files).enumerate() {
        let at = at.index(index).key("features");
        let features = features(&variant.features, &at, reporter);
        if !seen.insert(features) {
            let allowed = "a set of features that no variant before it needs";
            reporter.report(&at, ProblemKind::Duplicate, features.to_string(), allowed);
        }
        variants.push(file.map(|(path, digest)| Variant {
            path,
            digest,
            features,
        }));
    }
    variants
}

fn vectors(
    info: &KernelInfo,
    signature: Option<&Signature>,
    files: Vec<NamedFile>,
    at: &Pointer,
    reporter: &mut Reporter,
) -> Vec<Option<Vector>> {
    let at = at.key("vectors");
    let check = |(index, (vector, file)): (usize, (&KernelVector, NamedFile))| {
        let at = at.index(index);
        check_tolerance(&vector.tolerance, &at.key("tolerance"), reporter);
        let params = params::vector_params(&vector.params, signature?, &at.key("params"), reporter);
        let (path, digest) = file?;
        Some(Vector {
            path,
            digest,
            params: params?,
            tolerance: vector.tolerance.clone(),
        })
    };
    let named = info.vectors.iter().zip(files);
    named.enumerate().map(check).collect()
}

fn check_tolerance(tolerance: &Tolerance, at: &Pointer, reporter: &mut Reporter) {
    let Tolerance { rtol, atol, .. } = *tolerance;
    if !(0.0..=1.0).contains(&rtol) {
        // What may be off by more than it is may be anything.
        let allowed = "a number from 0 to 1";
        reporter.report(&at.key("rtol"), ProblemKind::Tolerance, rtol, allowed);
    }
    if !(atol.is_finite() && atol >= 0.0) {
        let allowed = "a finite number of 0 or more";
        reporter.report(&at.key("atol"), ProblemKind::Tolerance, atol, allowed);
    }
}

/// Reports what is wrong with a description of a parameter.
pub(super) fn check_description(text: Option<&str>, at: &Pointer, reporter: &mut Reporter) {
    if let Some(text) = text {
        reporter.check_length(&at.key("description"), text, MAX_TEXT_BYTES);
    }
}
