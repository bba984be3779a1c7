//! Each library error as a failure: its kind and exit code.

use kpack::{
    BackendError, BindError, Blame, CacheError, CallError, DispatchError, KernelError, LinkError,
    LoadError, ReadPackError, Step, VectorError, VerifyError,
};
use kpack_schema::json::JsonError;
use kpack_schema::{ManifestProblems, Problem};
use kpack_verify::{ManifestError, SignError, SigningKeyError, UnarchivableError};
use serde_json::{Value, json};

use super::fields::Fields;
use super::{Exit, Failure, advice, causes, fields};

impl From<LoadError> for Failure {
    fn from(error: LoadError) -> Self {
        let failure = |exit| Self::of(error.kind(), exit, &error);
        match &error {
            LoadError::Read { source, .. } => failure(exit_of_read(source))
                .advised(advice::of_read(source))
                .fields(fields::of_read(source)),
            LoadError::Verify { source, .. } => failure(exit_of_verify(source))
                .advised(advice::of_kind(error.kind()))
                .fields(fields::of_verify(source))
                .problems_of(source),
            LoadError::Kernel(kernel) => kernel.into(),
            LoadError::Floor { source } => Self::of_floor(source),
            LoadError::State(source) => Self::of_state(source),
            LoadError::Clock(source) => Self::clock(source),
            LoadError::Policy { kernel, source } => failure(Exit::Refused)
                .detail("kernel", kernel.as_str())
                .fields(fields::of_policy(source)),
            LoadError::NoKernelFits { source, .. } => failure(Exit::Refused)
                .advised(advice::of_kind(error.kind()))
                .fields(fields::of_platform(source)),
            _ => failure(exit_of_blame(error.blame())).advised(advice::of_kind(error.kind())),
        }
    }
}

impl From<ReadPackError> for Failure {
    fn from(error: ReadPackError) -> Self {
        Self::of(error.kind(), exit_of_read(&error), &error)
            .advised(advice::of_read(&error))
            .fields(fields::of_read(&error))
    }
}

impl From<UnarchivableError> for Failure {
    fn from(error: UnarchivableError) -> Self {
        Self::of(error.kind(), Exit::Refused, &error)
            .advised(advice::of_kind(error.kind()))
            .fields(fields::of_unarchivable(&error))
    }
}

impl From<VerifyError> for Failure {
    fn from(error: VerifyError) -> Self {
        Self::of(error.kind(), exit_of_verify(&error), &error)
            .advised(advice::of_kind(error.kind()))
            .fields(fields::of_verify(&error))
            .problems_of(&error)
    }
}

impl From<CacheError> for Failure {
    fn from(error: CacheError) -> Self {
        Self::of(error.kind(), Exit::Failed, &error).advised(advice::of_kind(error.kind()))
    }
}

impl From<BackendError> for Failure {
    fn from(error: BackendError) -> Self {
        Self::of(error.kind(), Exit::Failed, &error).advised(advice::of_kind(error.kind()))
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
            KernelError::Unknown { kernel, known, .. } => {
                let known: Vec<&str> = known.iter().map(AsRef::as_ref).collect();
                let help = match known.is_empty() {
                    true => "its manifest declares no kernel".to_owned(),
                    false => format!("known are {}", known.join(", ")),
                };
                failure
                    .help(help)
                    .detail("kernel", kernel.as_str())
                    .detail("known", json!(known))
            }
            KernelError::Unavailable { kernel, source } => failure
                .advised(advice::of_kind(error.kind()))
                .detail("kernel", kernel.as_str())
                .fields(fields::of_platform(source)),
            _ => failure,
        }
    }
}

impl From<SigningKeyError> for Failure {
    fn from(error: SigningKeyError) -> Self {
        let kind = match error {
            SigningKeyError::Randomness => "no_randomness",
            _ => "malformed_key",
        };
        Self::of(kind, Exit::Failed, &error).advised(advice::of_kind(kind))
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
            SignError::SigningKeyMismatch { author } => failure
                .help(
                    "put this key's public text into author.signing_key, or have that key sign \
                     first",
                )
                .detail("key_id", author.to_string()),
            SignError::Manifest(manifest) => failure.problems(problems_of_manifest(manifest)),
            SignError::Files(files) => failure
                .help(advice::of_files(files))
                .fields(fields::of_files(files)),
            SignError::SignatureFile(_) => {
                failure.help("remove kernels.json.sig, and have every key sign again")
            }
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
            .help(advice::of_bind(&error))
            .fields(fields::of_bind(&error))
    }
}

impl From<CallError> for Failure {
    fn from(error: CallError) -> Self {
        Self::from(&error)
    }
}

impl From<&CallError> for Failure {
    fn from(error: &CallError) -> Self {
        Self::of(error.kind(), exit_of_call(error), error)
            .advised(advice::of_call(error))
            .fields(fields::of_call(error))
    }
}

/// As the kernel that was asked for failed; where fallbacks failed too, with what each ended in.
impl From<DispatchError> for Failure {
    fn from(error: DispatchError) -> Self {
        let failure = match error.first() {
            LinkError::Call(CallError::Bind(bind)) => bind.clone().into(),
            LinkError::Call(call) => call.into(),
            LinkError::Unavailable(reason) => {
                Self::of(error.kind(), exit_of_blame(error.blame()), reason)
                    .advised(advice::of_kind(error.kind()))
                    .detail("kernel", error.kernel().as_str())
                    .fields(fields::of_platform(reason))
            }
            other => Self::of(error.kind(), exit_of_blame(error.blame()), other),
        };
        match error.causes() {
            [_] => failure,
            causes => failure.detail("causes", causes::of_links(causes)),
        }
    }
}

impl Failure {
    /// A vector that a kernel did not pass: the pack is refused for one that is none, and else the
    /// kernel failed.
    pub(crate) fn of_vector(kernel: &str, vector: &str, error: &VectorError) -> Self {
        let exit = match error {
            VectorError::Differs { .. } => Exit::Kernel,
            _ if error.blame() == Blame::Pack => Exit::Refused,
            VectorError::Call(call) => exit_of_call(call),
            _ => Exit::Failed,
        };
        let what = format!("kernel {kernel} failed its vector: `{vector}`");
        Self::new(error.kind(), exit, what)
            .because(error)
            .fields(fields::of_vector(error))
            .detail("kernel", kernel)
            .detail("file", vector)
    }

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

    pub(super) fn advised(self, help: Option<&'static str>) -> Self {
        match help {
            Some(help) => self.help(help),
            None => self,
        }
    }

    pub(super) fn fields(mut self, fields: Fields) -> Self {
        for (name, value) in fields {
            self.details.insert(name.to_owned(), value);
        }
        self
    }
}

const fn exit_of_call(error: &CallError) -> Exit {
    match error {
        CallError::Rejected { .. } => Exit::Kernel,
        CallError::Fault(fault) if fault.is_limit() => Exit::Limit,
        CallError::Fault(_) => Exit::Kernel,
        _ => Exit::Failed,
    }
}

const fn exit_of_read(error: &ReadPackError) -> Exit {
    exit_of_blame(error.blame())
}

const fn exit_of_verify(error: &VerifyError) -> Exit {
    if error.missing_file().is_some() || matches!(error.step(), Step::Trust) {
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
