//! What is fuzzed, as plain functions from bytes.

mod archive;
mod manifest;
mod memory_plan;
mod module;
mod signature_file;
mod trust_file;

/// Something that reads bytes of a stranger's. It panics when a promise does not hold: about what it
/// accepts, about what it says of what it refuses, and that it comes back at all.
#[derive(Clone, Copy)]
pub struct Target {
    /// The name of the target, of its folder of seeds and of its dictionary.
    pub name: &'static str,
    /// What the bytes are written in.
    pub form: Form,
    /// Reads the bytes and holds the reader to its promises.
    pub run: fn(&[u8]) -> Verdict,
}

/// What the bytes of a target are written in, and so what mutants of them look like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// JSON: mutants change bytes, or values of the tree.
    Json,
    /// Anything else: mutants change bytes.
    Bytes,
}

/// What became of the bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// They were refused, with a reason.
    Refused,
    /// They were taken, and what came of them kept its promises.
    Accepted,
}

impl Target {
    /// Every target. A new one is one line here, one folder of seeds and one file in `fuzz/`.
    pub const ALL: &'static [Self] = &[
        target("manifest", Form::Json, manifest::read),
        target("signature-file", Form::Json, signature_file::read),
        target("trust-file", Form::Json, trust_file::read),
        target("archive", Form::Bytes, archive::read),
        target("module", Form::Bytes, module::run),
        target("memory-plan", Form::Bytes, memory_plan::plan),
    ];

    /// The target of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|target| target.name == name)
    }
}

const fn target(name: &'static str, form: Form, run: fn(&[u8]) -> Verdict) -> Target {
    Target { name, form, run }
}

/// What is said of refused bytes is short enough to be shown, and one line.
pub(crate) fn expect_showable(error: &dyn std::error::Error) {
    let mut error = Some(error);
    while let Some(shown) = error {
        let text = shown.to_string();
        assert!(!text.is_empty() && text.len() < 4096, "{text:?}");
        assert!(!text.contains(char::is_control), "{text:?}");
        error = shown.source();
    }
}
