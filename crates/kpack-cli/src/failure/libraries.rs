//! Each library error's kind, exit code and advice.

use kpack::{
    BackendError, BindError, Blame, CallError, CompileError, Fault, KernelError, LoadError,
    PolicyError, ReadPackError, TrustError, VerifyError,
};
use kpack_schema::json::JsonError;
use kpack_schema::{ManifestProblems, Problem};
use kpack_verify::{ManifestError, SignError, SigningKeyError};
use serde_json::{Value, json};

use super::{Exit, Failure};

impl From<LoadError> for Failure {
    fn from(error: LoadError) -> Self {
        match &error {
            LoadError::Read { source, .. } => {
                Self::of(error.kind(), exit_of_read(source), &error).advised(error.kind())
            }
            LoadError::Verify { source, .. } => {
                Self::of(error.kind(), exit_of_verify(source), &error)
                    .advised(error.kind())
                    .problems_of(source)
            }
            LoadError::Kernel(kernel) => kernel.into(),
            _ => {
                let exit = exit_of_blame(error.blame());
                Self::of(error.kind(), exit, &error).advised(error.kind())
            }
        }
    }
}

impl From<ReadPackError> for Failure {
    fn from(error: ReadPackError) -> Self {
        Self::of(error.kind(), exit_of_read(&error), &error).advised(error.kind())
    }
}

impl From<VerifyError> for Failure {
    fn from(error: VerifyError) -> Self {
        Self::of(error.kind(), exit_of_verify(&error), &error)
            .advised(error.kind())
            .problems_of(&error)
    }
}

impl From<PolicyError> for Failure {
    fn from(error: PolicyError) -> Self {
        Self::of(error.kind(), Exit::Refused, &error)
    }
}

impl From<CompileError> for Failure {
    fn from(error: CompileError) -> Self {
        Self::of(error.kind(), exit_of_blame(error.blame()), &error)
    }
}

impl From<BackendError> for Failure {
    fn from(error: BackendError) -> Self {
        Self::of(error.kind(), Exit::Failed, &error)
    }
}

impl From<KernelError> for Failure {
    fn from(error: KernelError) -> Self {
        Self::from(&error)
    }
}

impl From<&KernelError> for Failure {
    fn from(error: &KernelError) -> Self {
        let failure = Self::of(error.kind(), exit_of_blame(error.blame()), error);
        match error {
            KernelError::Unknown { known, .. } => {
                let known: Vec<&str> = known.iter().map(AsRef::as_ref).collect();
                failure
                    .help(format!("known are {}", known.join(", ")))
                    .detail("known", json!(known))
            }
            _ => failure,
        }
    }
}

impl From<TrustError> for Failure {
    fn from(error: TrustError) -> Self {
        Self::of(error.kind(), Exit::Failed, &error).detail("pointer", error.pointer())
    }
}

impl From<SigningKeyError> for Failure {
    fn from(error: SigningKeyError) -> Self {
        let kind = match error {
            SigningKeyError::Randomness => "no_randomness",
            _ => "malformed_key",
        };
        Self::of(kind, Exit::Failed, &error)
    }
}

impl From<SignError> for Failure {
    fn from(error: SignError) -> Self {
        let exit = match &error {
            SignError::SigningKeyMismatch { .. } => Exit::Failed,
            _ if error.missing_file().is_some() => Exit::Failed,
            _ => Exit::Refused,
        };
        let failure = Self::of(error.kind(), exit, &error);
        match &error {
            SignError::SigningKeyMismatch { .. } => failure.help(
                "put this key's public text into author.signing_key, or have that key sign first",
            ),
            SignError::Manifest(manifest) => failure.problems(problems_of_manifest(manifest)),
            SignError::Files(_) => failure.help("run kpack hash when the files are as they should"),
            _ => failure,
        }
    }
}

impl From<JsonError> for Failure {
    /// A manifest that is not one; other documents have errors of their own.
    fn from(error: JsonError) -> Self {
        Self::new(
            "malformed_manifest",
            Exit::Refused,
            "the manifest is malformed",
        )
        .because(&error)
        .problems(vec![problem_of_json(&error)])
    }
}

impl From<BindError> for Failure {
    fn from(error: BindError) -> Self {
        Self::of(error.kind(), Exit::Failed, &error)
    }
}

impl From<CallError> for Failure {
    fn from(error: CallError) -> Self {
        let failure = |exit| Self::of(error.kind(), exit, &error);
        match &error {
            CallError::Rejected { status } => failure(Exit::Kernel)
                .detail("status", status.code())
                .help("the kernel does not take these tensors or parameters"),
            CallError::Fault(fault) if fault.is_limit() => {
                failure(Exit::Limit).help(advice_of_limit(fault))
            }
            CallError::Fault(Fault::Status { code }) => {
                failure(Exit::Kernel).detail("status", *code)
            }
            CallError::Fault(_) => {
                failure(Exit::Kernel).help("this is a fault of the kernel: tell its author")
            }
            _ => failure(Exit::Failed),
        }
    }
}

impl Failure {
    fn problems_of(self, error: &VerifyError) -> Self {
        match error {
            VerifyError::Manifest(manifest) => self.problems(problems_of_manifest(manifest)),
            _ => self,
        }
    }

    fn problems(self, problems: Vec<Value>) -> Self {
        if problems.is_empty() {
            return self;
        }
        self.detail("problems", problems)
    }

    /// What an operator can do about a pack that was not loaded.
    fn advised(self, kind: &str) -> Self {
        match advice(kind) {
            Some(help) => self.help(help),
            None => self,
        }
    }
}

fn advice(kind: &str) -> Option<&'static str> {
    Some(match kind {
        "missing_signature" => "sign it with kpack sign, or get it whole from where it came from",
        "untrusted_key" => "if you know whose key it is, add it to trust.json",
        "bad_signature" | "digest_mismatch" => {
            "it was changed after it was signed: get it again, or hash and sign it anew"
        }
        "key_revoked" | "key_expired" | "key_not_yet_valid" | "manifest_revoked" | "expired" => {
            "ask its author for a new release"
        }
        "threshold_not_met" | "out_of_scope" => {
            "ask for the missing signature, or change trust.json"
        }
        "pack_not_allowed" | "kernel_not_allowed" | "digest_not_allowed" => {
            "if it should run here, add it to allow in trust.json"
        }
        "undeclared_file" | "unsafe_path" | "symlink" | "not_a_regular_file" => {
            "a pack holds what its manifest declares and nothing else: remove it"
        }
        "missing_file" => "the pack is incomplete: get it again",
        _ => return None,
    })
}

const fn advice_of_limit(fault: &Fault) -> &'static str {
    match fault {
        Fault::MemoryLimit { .. } => "use smaller tensors, or a pack with higher max_memory_pages",
        Fault::StackOverflow => "the kernel needs a higher max_stack_size",
        _ => "use smaller tensors, or a pack with higher max_epoch_ticks",
    }
}

const fn exit_of_read(error: &ReadPackError) -> Exit {
    exit_of_blame(error.blame())
}

const fn exit_of_verify(error: &VerifyError) -> Exit {
    if error.missing_file().is_some() {
        Exit::Failed
    } else {
        Exit::Refused
    }
}

const fn exit_of_blame(blame: Blame) -> Exit {
    match blame {
        Blame::Pack => Exit::Refused,
        Blame::Caller | Blame::Kernel | Blame::Host => Exit::Failed,
    }
}

fn problems_of_manifest(error: &ManifestError) -> Vec<Value> {
    match error {
        ManifestError::Malformed(json) => vec![problem_of_json(json)],
        ManifestError::Invalid(problems) => problems_of_check(problems),
        _ => Vec::new(),
    }
}

/// Every problem of a manifest, for programs.
pub(crate) fn problems_of_check(problems: &ManifestProblems) -> Vec<Value> {
    problems.problems().iter().map(problem).collect()
}

fn problem(problem: &Problem) -> Value {
    json!({
        "pointer": problem.pointer,
        "kind": problem.kind.name(),
        "found": problem.found,
        "allowed": problem.allowed,
        "message": problem.to_string(),
    })
}

fn problem_of_json(error: &JsonError) -> Value {
    json!({
        "pointer": error.pointer(),
        "kind": error.kind().name(),
        "message": error.to_string(),
    })
}
