use std::fmt;

/// Everything that is wrong with a manifest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ManifestProblems {
    problems: Vec<Problem>,
}

/// One thing that is wrong with a manifest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Where it stands, as a JSON pointer (RFC 6901).
    pub pointer: String,
    /// What kind of problem it is.
    pub kind: ProblemKind,
    /// What was found, escaped and shortened for display.
    pub found: String,
    /// What is allowed there.
    pub allowed: String,
}

/// What kind of problem it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum ProblemKind {
    /// More kernels, or a longer text, than a manifest may hold.
    TooLarge,
    /// A name that breaks its grammar.
    Name,
    /// A name, id or path that stands twice.
    Duplicate,
    /// Not a semantic version without build metadata, or a range that is empty.
    Version,
    /// This runtime lies outside the pack's version window.
    RuntimeVersion,
    /// Not an RFC 3339 time in UTC, or an expiry before the creation.
    Time,
    /// Not a digest, or one file with two digests.
    Hash,
    /// Not an Ed25519 public key.
    Key,
    /// A path that is not safe.
    Path,
    /// Not an entry point that a module can export.
    EntryPoint,
    /// A dimension, rank or symbol that makes no sense.
    Shape,
    /// A symbol that no input and no integer parameter binds.
    UnboundSymbol,
    /// A parameter's default or bounds.
    Param,
    /// A limit of zero, or above the host's.
    Limit,
    /// A feature that may not be named.
    Feature,
    /// A fallback that does not exist, leads in a circle or does another thing.
    Fallback,
    /// A version of the binary interface that this runtime does not speak.
    Abi,
    /// A tolerance that is not a finite number of 0 or more.
    Tolerance,
}

impl ProblemKind {
    /// A stable name in snake case, for machines.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::TooLarge => "too_large",
            Self::Name => "name",
            Self::Duplicate => "duplicate",
            Self::Version => "version",
            Self::RuntimeVersion => "runtime_version",
            Self::Time => "time",
            Self::Hash => "hash",
            Self::Key => "key",
            Self::Path => "path",
            Self::EntryPoint => "entry_point",
            Self::Shape => "shape",
            Self::UnboundSymbol => "unbound_symbol",
            Self::Param => "param",
            Self::Limit => "limit",
            Self::Feature => "feature",
            Self::Fallback => "fallback",
            Self::Abi => "abi",
            Self::Tolerance => "tolerance",
        }
    }
}

impl ManifestProblems {
    /// Every problem, in the order of the manifest; never empty.
    #[must_use]
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            pointer,
            found,
            allowed,
            ..
        } = self;
        write!(
            f,
            "{} must be {allowed}: `{found}`",
            crate::text::shown(pointer)
        )
    }
}

/// The first problems, separated by semicolons.
impl fmt::Display for ManifestProblems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const SHOWN: usize = 8;
        for (index, problem) in self.problems.iter().take(SHOWN).enumerate() {
            let separator = if index == 0 { "" } else { "; " };
            write!(f, "{separator}{problem}")?;
        }
        match self.problems.len().saturating_sub(SHOWN) {
            0 => Ok(()),
            more => write!(f, "; and {more} more"),
        }
    }
}

impl std::error::Error for ManifestProblems {}

/// Collects problems on the way through a manifest.
#[derive(Debug, Default)]
pub(super) struct Reporter {
    problems: Vec<Problem>,
}

impl Reporter {
    pub(super) fn report(
        &mut self,
        at: &Pointer,
        kind: ProblemKind,
        found: impl fmt::Display,
        allowed: impl fmt::Display,
    ) {
        self.problems.push(Problem {
            pointer: at.0.clone(),
            kind,
            found: crate::text::shown(&found.to_string()),
            allowed: allowed.to_string(),
        });
    }

    /// The value of a text that parses; otherwise a problem is reported.
    pub(super) fn parse<T: std::str::FromStr>(
        &mut self,
        at: &Pointer,
        kind: ProblemKind,
        text: &str,
        allowed: &str,
    ) -> Option<T> {
        let parsed = text.parse().ok();
        if parsed.is_none() {
            self.report(at, kind, text, allowed);
        }
        parsed
    }

    /// Reports a text that is longer than `max_bytes`.
    pub(super) fn check_length(&mut self, at: &Pointer, text: &str, max_bytes: usize) {
        if text.len() > max_bytes {
            self.report(
                at,
                ProblemKind::TooLarge,
                text,
                format_args!("at most {max_bytes} bytes"),
            );
        }
    }

    /// `value` where nothing was reported.
    pub(super) fn finish<T>(self, value: Option<T>) -> Result<T, ManifestProblems> {
        match value {
            Some(value) if self.problems.is_empty() => Ok(value),
            _ => {
                assert!(
                    !self.problems.is_empty(),
                    "a value is missing only where a problem was reported"
                );
                Err(ManifestProblems {
                    problems: self.problems,
                })
            }
        }
    }
}

/// A JSON pointer under construction.
#[derive(Debug, Clone)]
pub(super) struct Pointer(String);

impl Pointer {
    pub(super) fn root() -> Self {
        Self(String::new())
    }

    pub(super) fn key(&self, key: &str) -> Self {
        let mut pointer = self.0.clone();
        crate::json::push_segment(&mut pointer, key);
        Self(pointer)
    }

    pub(super) fn index(&self, index: usize) -> Self {
        Self(format!("{}/{index}", self.0))
    }
}
