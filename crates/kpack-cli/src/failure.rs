//! Everything that can go wrong, with its kind, exit code and advice, in one place. The kinds and
//! their exit codes are listed in `docs/command-line.md`.

mod advice;
pub(crate) mod causes;
mod fault;
pub(crate) mod fields;
pub(crate) mod libraries;
mod trust;

use std::error::Error;
use std::io;
use std::path::Path;

use kpack::BindError;
use serde_json::{Map, Value, json};

use self::fault::Fault;
use crate::report::Report;

/// The exit codes other than 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// 1: something is missing, unreadable or does not fit, and it is not the pack.
    Failed,
    /// 2: the command line itself is wrong.
    Usage,
    /// 3: the pack was refused.
    Refused,
    /// 4: a limit stopped the kernel.
    Limit,
    /// 5: the kernel failed.
    Kernel,
}

impl Exit {
    pub(crate) const fn code(self) -> u8 {
        match self {
            Self::Failed => 1,
            Self::Usage => 2,
            Self::Refused => 3,
            Self::Limit => 4,
            Self::Kernel => 5,
        }
    }
}

/// Why a verb did not do its work.
#[derive(Debug)]
pub(crate) struct Failure {
    kind: &'static str,
    exit: Exit,
    what: String,
    causes: Vec<String>,
    help: Option<Box<str>>,
    details: Map<String, Value>,
    /// For people: what was asked for and can be said in spite of the failure.
    answer: Option<Box<Report>>,
}

impl Failure {
    /// A failure with a message that names the thing.
    pub(crate) fn new(kind: &'static str, exit: Exit, what: impl Into<String>) -> Self {
        Self {
            kind,
            exit,
            what: what.into(),
            causes: Vec::new(),
            help: None,
            details: Map::new(),
            answer: None,
        }
    }

    /// A failure of a library: its message, and below it its causes.
    pub(crate) fn of(kind: &'static str, exit: Exit, error: &dyn Error) -> Self {
        let failure = Self::new(kind, exit, error.to_string());
        match error.source() {
            Some(source) => failure.because(source),
            None => failure,
        }
    }

    /// Adds an error and its causes as the reason.
    pub(crate) fn because(mut self, error: &dyn Error) -> Self {
        let mut next = Some(error);
        while let Some(error) = next {
            let text = error.to_string();
            if self.causes.last().unwrap_or(&self.what) != &text {
                self.causes.push(text);
            }
            next = error.source();
        }
        self
    }

    /// Adds a reason of the command line's own.
    fn reason(mut self, reason: impl Into<String>) -> Self {
        self.causes.push(reason.into());
        self
    }

    /// Adds what the reader can do about it.
    pub(crate) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into().into_boxed_str());
        self
    }

    /// Adds a field for programs.
    pub(crate) fn detail(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.details.insert(name.to_owned(), value.into());
        self
    }

    /// Adds what the verb has to say all the same; of the fields, those that the failure has stay.
    pub(crate) fn beside(mut self, report: Report) -> Self {
        for (name, value) in report.json.as_object().into_iter().flatten() {
            let field = self.details.entry(name.as_str());
            field.or_insert_with(|| value.clone());
        }
        self.answer = Some(Box::new(report));
        self
    }

    /// For people: what the verb has to say all the same.
    pub(crate) fn answer(&self) -> Option<&str> {
        self.answer.as_deref().map(|report| report.text.as_str())
    }

    /// A field for programs.
    pub(crate) fn field(&self, name: &str) -> Option<&Value> {
        self.details.get(name)
    }

    pub(crate) const fn exit(&self) -> Exit {
        self.exit
    }

    /// For people: what, and under a label why or what to do.
    pub(crate) fn lines(&self) -> (String, Option<(&'static str, String)>) {
        let fault = self.fault().map(|fault| fault.words().to_owned());
        let causes = (!self.causes.is_empty()).then(|| self.causes.join(": "));
        let why: Vec<String> = causes.into_iter().chain(fault).collect();
        let why = why.join("; ");
        let second = match (&self.help, why.is_empty()) {
            (None, true) => None,
            (None, false) => Some(("why", why)),
            (Some(help), true) => Some(("help", help.to_string())),
            (Some(help), false) => Some(("why", format!("{why}; {help}"))),
        };
        (self.what.clone(), second)
    }

    /// Whose fault it is, where it is a pack that was refused.
    fn fault(&self) -> Option<Fault> {
        match self.exit {
            Exit::Refused => Fault::of_refusal(self.kind),
            _ => None,
        }
    }

    /// What, and every cause.
    pub(crate) fn message(&self) -> String {
        let mut message = vec![self.what.as_str()];
        message.extend(self.causes.iter().map(String::as_str));
        message.join(": ")
    }

    /// For programs.
    pub(crate) fn to_json(&self) -> Value {
        let mut error = Map::new();
        error.insert("kind".into(), self.kind.into());
        error.insert("message".into(), self.message().into());
        error.insert("exit_code".into(), self.exit.code().into());
        if let Some(fault) = self.fault() {
            error.insert("fault".into(), fault.name().into());
        }
        if let Some(help) = &self.help {
            error.insert("help".into(), help.as_ref().into());
        }
        for (name, value) in &self.details {
            error.insert(name.clone(), value.clone());
        }
        json!({ "error": error })
    }
}

/// The failures that are the command line's own.
impl Failure {
    pub(crate) fn usage(what: &str, help: &str) -> Self {
        Self::new("usage", Exit::Usage, what).help(help)
    }

    pub(crate) fn unknown_backend(name: &str, known: &[&str], compiled_in: &[&str]) -> Self {
        let what = if known.contains(&name) {
            format!("the backend is not compiled in: `{name}`")
        } else {
            format!("unknown backend: `{name}`")
        };
        let compiled = if compiled_in.is_empty() {
            "none".to_owned()
        } else {
            compiled_in.join(", ")
        };
        let help = format!("known are {}; compiled in: {compiled}", known.join(", "));
        Self::new("unknown_backend", Exit::Usage, what)
            .help(help)
            .detail("known", json!(known))
            .detail("compiled_in", json!(compiled_in))
    }

    pub(crate) fn no_engine() -> Self {
        Self::new("unknown_backend", Exit::Usage, "no engine is compiled in")
            .help("build kpack-cli with a feature such as wasmtime")
            .detail("known", json!([]))
    }

    pub(crate) fn no_cache_folder() -> Self {
        let what = "no folder for the compile cache: this user has no home";
        Self::new("cache_io", Exit::Failed, what).help("set KPACK_CACHE_DIR")
    }

    pub(crate) fn malformed_argument(option: &str, found: &str, form: &str) -> Self {
        let what = format!("malformed {option}: `{found}`");
        Self::new("malformed_argument", Exit::Usage, what)
            .help(format!("it must be {form}"))
            .detail("expected", form)
            .detail("found", found)
    }

    pub(crate) fn repeated_argument(option: &str, name: &str) -> Self {
        let what = format!("{option} was given twice for: `{name}`");
        Self::new("repeated_argument", Exit::Usage, what).help("give each name once")
    }

    /// A `--param` or `--dim` of a name that the kernel does not have.
    pub(crate) fn unknown_name(kind: &'static str, what: &str, name: &str, known: &[&str]) -> Self {
        let help = if known.is_empty() {
            "the kernel has none".to_owned()
        } else {
            format!("known are {}", known.join(", "))
        };
        Self::new(kind, Exit::Usage, format!("unknown {what}: `{name}`"))
            .help(help)
            .detail(what, name)
            .detail("known", json!(known))
    }

    pub(crate) fn missing_dimensions(kernel: &str, missing: &[&str]) -> Self {
        let example: Vec<String> = missing
            .iter()
            .map(|name| format!("--dim {name}=N"))
            .collect();
        let what = format!("no size for {} of kernel: `{kernel}`", missing.join(", "));
        Self::new("missing_dimension", Exit::Usage, what)
            .help(format!("give {}", example.join(" ")))
            .detail("missing", json!(missing))
    }

    /// A file that the user named and that cannot be used.
    pub(crate) fn file(action: &str, path: &Path, error: &io::Error) -> Self {
        let kind = match error.kind() {
            io::ErrorKind::NotFound => "not_found",
            io::ErrorKind::AlreadyExists => "already_exists",
            _ if action == "read" => "unreadable",
            _ => "unwritable",
        };
        let what = format!("cannot {action}: `{}`", path.display());
        let failure =
            Self::new(kind, Exit::Failed, what).detail("file", path.display().to_string());
        match error.kind() {
            io::ErrorKind::AlreadyExists => failure.reason(standing_at(path)),
            _ => failure.because(error),
        }
    }

    /// A pack with one more file in it would be refused.
    pub(crate) fn archive_in_pack(path: &Path) -> Self {
        let what = format!("the archive would lie in the pack: `{}`", path.display());
        Self::new("unwritable", Exit::Failed, what)
            .help("choose a path outside of the pack's folder")
            .detail("file", path.display().to_string())
    }

    pub(crate) fn too_large(path: &Path, limit: u64) -> Self {
        let what = format!("the file has more than {limit} bytes: `{}`", path.display());
        Self::new("input_too_large", Exit::Failed, what)
            .help("see that it is the right file")
            .detail("file", path.display().to_string())
            .detail("limit", limit)
    }

    pub(crate) fn not_utf8(path: &Path) -> Self {
        let what = format!("the file is not UTF-8: `{}`", path.display());
        Self::new("not_utf8", Exit::Failed, what)
            .help("see that it is the right file")
            .detail("file", path.display().to_string())
    }

    pub(crate) fn malformed_tensors(origin: &str, error: &dyn Error) -> Self {
        let what = format!("not a safetensors file: `{origin}`");
        Self::new("malformed_safetensors", Exit::Failed, what)
            .because(error)
            .detail("file", origin)
    }

    pub(crate) fn repeated_tensor(origin: &str, name: &str) -> Self {
        let what = format!("{origin} names a tensor for the second time: `{name}`");
        Self::new("malformed_safetensors", Exit::Failed, what)
            .help("readers differ in which of the two they take: write the file anew")
            .detail("file", origin)
            .detail("tensor", name)
    }

    /// An input that a file of tensors does not have.
    pub(crate) fn missing_tensor(name: &str, origin: &str, found: &[&str]) -> Self {
        const SHOWN: usize = 8;
        let help = match found {
            [] => format!("there is no tensor in `{origin}`"),
            found if found.len() <= SHOWN => format!("`{origin}` has {}", found.join(", ")),
            found => format!(
                "`{origin}` has {} and {} more",
                found[..SHOWN].join(", "),
                found.len() - SHOWN
            ),
        };
        let name = name.to_owned();
        Self::from(BindError::MissingInput { name }).help(help)
    }

    pub(crate) fn wrong_dtype(tensor: &str, expected: &str, found: &str) -> Self {
        let what = format!("data type of {tensor} must be {expected}: `{found}`");
        Self::new("wrong_dtype", Exit::Failed, what)
            .help("convert the tensor to the type that the kernel takes")
            .detail("tensor", tensor)
            .detail("expected", expected)
            .detail("found", found)
    }

    pub(crate) fn wrong_blocks(tensor: &str, dtype: &str, bytes: usize, found: &[usize]) -> Self {
        let what = format!(
            "shape of {tensor} must end in a multiple of {bytes}, the bytes of a {dtype} block: \
             `{found:?}`"
        );
        Self::new("wrong_shape", Exit::Failed, what)
            .help("blocks are stored whole, as their bytes")
            .detail("tensor", tensor)
            .detail(
                "expected",
                format!("a last dimension that is a multiple of {bytes}"),
            )
            .detail("found", json!(found))
    }

    pub(crate) fn clock(error: &dyn Error) -> Self {
        Self::new("clock", Exit::Failed, "the host's clock cannot be used")
            .because(error)
            .help("set the clock: what has expired cannot be told from what has not")
    }

    pub(crate) fn stdout(error: &io::Error) -> Self {
        Self::new("stdout", Exit::Failed, "cannot write to stdout")
            .because(error)
            .help("all else is done: files that were to be written are written, and stay")
    }

    /// A manifest with a number that JSON cannot write.
    pub(crate) fn not_json(error: &dyn Error) -> Self {
        Self::new(
            "malformed_manifest",
            Exit::Refused,
            "the manifest cannot be written",
        )
        .because(error)
    }

    pub(crate) fn unsafe_path(kernel: &str, path: &str, error: &dyn Error) -> Self {
        let what = format!("kernel {kernel} names an unsafe path: `{path}`");
        Self::new("unsafe_path", Exit::Refused, what).because(error)
    }

    pub(crate) fn reserved_path(kernel: &str, path: &str) -> Self {
        let what = format!("kernel {kernel} names a reserved path: `{path}`");
        Self::new("reserved_path", Exit::Refused, what)
            .help("the manifest and its signature are no files of a kernel")
    }

    pub(crate) fn manifest_not_utf8() -> Self {
        Self::new(
            "malformed_manifest",
            Exit::Refused,
            "the manifest is not UTF-8",
        )
        .help("kernels.json is JSON in UTF-8")
    }
}

/// What the operating system calls an entity.
fn standing_at(path: &Path) -> &'static str {
    if path.is_dir() {
        "a folder stands there"
    } else {
        "a file stands there"
    }
}
