use std::collections::BTreeMap;
use std::sync::Arc;

use super::problem::{Pointer, ProblemKind, Reporter};
use crate::{CheckedKernel, FallbackTarget, HostPolicy, KernelId, KernelManifest};

const BUILTIN: &str = "builtin:";

/// Checks that every fallback exists, does the same thing and leads to an end.
pub(super) fn check(
    manifest: &KernelManifest,
    kernels: &[Option<Arc<CheckedKernel>>],
    policy: &HostPolicy,
    root: &Pointer,
    reporter: &mut Reporter,
) -> BTreeMap<KernelId, FallbackTarget> {
    let at = root.key("fallbacks");
    let mut fallbacks = BTreeMap::new();
    for (id, target) in &manifest.fallbacks {
        let at = at.key(id);
        if manifest.get_kernel(id).is_none() {
            reporter.report(&at, ProblemKind::Fallback, id, "for a kernel of the pack");
        } else if leads_in_a_circle(manifest, id) {
            let allowed = "a chain that ends, and not in the kernel itself";
            reporter.report(&at, ProblemKind::Fallback, target, allowed);
        } else if let Some(known) = resolve(manifest, policy, target, &at, reporter) {
            check_signature(kernels, id, &known, &at, reporter);
            fallbacks.extend(id.parse().map(|id: KernelId| (id, known)).ok());
        }
    }
    fallbacks
}

/// Follows the chain from `id` for as many steps as there are fallbacks; a longer one has a circle.
fn leads_in_a_circle(manifest: &KernelManifest, id: &str) -> bool {
    let mut current = id;
    for _ in 0..=manifest.fallbacks.len() {
        match manifest.get_fallback(current) {
            Some(next) => current = next,
            None => return false,
        }
    }
    true
}

fn resolve(
    manifest: &KernelManifest,
    policy: &HostPolicy,
    target: &str,
    at: &Pointer,
    reporter: &mut Reporter,
) -> Option<FallbackTarget> {
    let builtin = target.strip_prefix(BUILTIN);
    let id: Option<KernelId> = builtin.unwrap_or(target).parse().ok();
    let known = match id {
        Some(id) if builtin.is_some() => Some(FallbackTarget::Builtin(id)),
        Some(id) if manifest.get_kernel(target).is_some() => Some(FallbackTarget::Kernel(id)),
        Some(id) if policy.named_fallbacks.contains(&id) => Some(FallbackTarget::Host(id)),
        _ => None,
    };
    if known.is_none() {
        let named: Vec<&str> = policy
            .named_fallbacks
            .iter()
            .map(KernelId::as_str)
            .collect();
        let named = if named.is_empty() {
            "none".to_owned()
        } else {
            named.join(", ")
        };
        let allowed =
            format!("a kernel of the pack, builtin:<id>, or an id that this host names ({named})");
        reporter.report(at, ProblemKind::Fallback, target, allowed);
    }
    known
}

fn check_signature(
    kernels: &[Option<Arc<CheckedKernel>>],
    id: &str,
    target: &FallbackTarget,
    at: &Pointer,
    reporter: &mut Reporter,
) {
    let FallbackTarget::Kernel(target) = target else {
        return;
    };
    let find = |wanted: &str| {
        kernels
            .iter()
            .flatten()
            .find(|kernel| kernel.id.as_str() == wanted)
    };
    if let (Some(kernel), Some(fallback)) = (find(id), find(target.as_str()))
        && !fallback.signature.can_replace(&kernel.signature)
    {
        let allowed = "a kernel with the same inputs and outputs and at least the same parameters";
        reporter.report(at, ProblemKind::Fallback, target, allowed);
    }
}
