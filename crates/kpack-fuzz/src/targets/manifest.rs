use kpack_schema::{CheckedManifest, HostPolicy, KernelManifest, MAX_MANIFEST_BYTES, SymbolSource};

use super::{Verdict, expect_showable};

/// A `kernels.json`.
pub(super) fn read(bytes: &[u8]) -> Verdict {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return Verdict::Refused;
    };
    let manifest = match KernelManifest::from_json(text) {
        Ok(manifest) => manifest,
        Err(error) => {
            expect_showable(&error);
            assert!(error.pointer().is_empty() || error.pointer().starts_with('/'));
            return Verdict::Refused;
        }
    };
    expect_same_when_written(&manifest);
    match manifest.check(&HostPolicy::default()) {
        Ok(checked) => {
            expect_bindable(&checked);
            Verdict::Accepted
        }
        Err(problems) => {
            assert!(!problems.problems().is_empty());
            for problem in problems.problems() {
                assert!(problem.pointer.is_empty() || problem.pointer.starts_with('/'));
                assert!(problem.found.len() < 4096 && problem.allowed.len() < 4096);
            }
            Verdict::Refused
        }
    }
}

fn expect_same_when_written(manifest: &KernelManifest) {
    let text = manifest.to_json().expect("what was read can be written");
    // Indented it may be longer than what may be read.
    if text.len() <= MAX_MANIFEST_BYTES {
        let again = KernelManifest::from_json(&text).expect("what was written can be read");
        assert_eq!(&again, manifest);
    }
}

/// A kernel that was checked takes dimensions of any size, or says why it does not.
fn expect_bindable(checked: &CheckedManifest) {
    for kernel in checked.kernels() {
        let signature = kernel.signature();
        for size in [1, 32, 1 << 31] {
            let by_input = signature.symbols().iter();
            let by_input = by_input.filter(|s| matches!(s.source, SymbolSource::Input { .. }));
            let dims: Vec<(&str, usize)> = by_input.map(|s| (s.name.as_str(), size)).collect();
            match signature.bind_dims(&dims, &[]) {
                Ok(binding) => {
                    assert_eq!(binding.inputs().len(), signature.inputs().len());
                    assert_eq!(binding.outputs().len(), signature.outputs().len());
                }
                Err(error) => expect_showable(&error),
            }
        }
    }
}
