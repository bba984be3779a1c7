//! The fields of each error beside its kind and message. For programs: `docs/command-line.md` lists
//! them.

use kpack::{
    ArchiveError, BindError, CallError, Fault, PackBytesError, PlatformError, PolicyError,
    ReadPackError, VectorError, VerifyError,
};
use kpack_exec::PolicyErrorKind;
use kpack_schema::{ByteLenError, DimValueError, MAX_DIMENSION, ParamValueError};
use kpack_verify::{FilesError, UnarchivableError};
use serde_json::{Value, json};

/// Names and values.
pub(crate) type Fields = Vec<(&'static str, Value)>;

const DIMENSION: &str = "1 to 2147483648";

pub(crate) fn of_call(error: &CallError) -> Fields {
    match error {
        CallError::Bind(error) => of_bind(error),
        CallError::DataType {
            tensor,
            expected,
            found,
        } => vec![
            ("tensor", tensor.as_str().into()),
            ("expected", expected.name().into()),
            ("found", found.name().into()),
        ],
        CallError::UnknownOutput { name, known } => {
            vec![("tensor", name.as_str().into()), ("known", json!(known))]
        }
        CallError::NoResult { output } => vec![("tensor", output.as_str().into())],
        CallError::Rejected { status } => vec![("status", status.code().into())],
        CallError::Fault(fault) => of_fault(fault),
        _ => Vec::new(),
    }
}

pub(crate) fn of_vector(error: &VectorError) -> Fields {
    match error {
        VectorError::Extra { name } => vec![("tensor", name.as_str().into())],
        VectorError::OutputShape {
            tensor,
            expected,
            found,
        } => vec![
            ("tensor", tensor.as_str().into()),
            ("expected", json!(expected)),
            ("found", json!(found)),
        ],
        VectorError::Call(error) => of_call(error),
        VectorError::Differs { tensor, source } => vec![
            ("tensor", tensor.as_str().into()),
            ("index", source.index.into()),
            ("expected", of_element(source.expected)),
            ("found", of_element(source.found)),
            ("limit", source.allowed.into()),
        ],
        _ => Vec::new(),
    }
}

/// JSON has no NaN and no infinity: they are text.
fn of_element(value: f64) -> Value {
    if value.is_finite() {
        value.into()
    } else {
        value.to_string().into()
    }
}

fn of_fault(fault: &Fault) -> Fields {
    match fault {
        Fault::Deadline { ticks } => vec![("limit", (*ticks).into())],
        Fault::MemoryLimit {
            needed_pages,
            max_pages,
        } => vec![
            ("limit", (*max_pages).into()),
            ("needed", (*needed_pages).into()),
        ],
        Fault::Status { code } => vec![("status", (*code).into())],
        _ => Vec::new(),
    }
}

pub(crate) fn of_bind(error: &BindError) -> Fields {
    match error {
        BindError::MissingInput { .. }
        | BindError::UnknownInput { .. }
        | BindError::RepeatedInput { .. }
        | BindError::Shape { .. }
        | BindError::Dimension { .. }
        | BindError::Length { .. } => of_tensor(error),
        BindError::MissingDimension { .. }
        | BindError::UnknownDimension { .. }
        | BindError::RepeatedDimension { .. }
        | BindError::DimensionOutOfRange { .. } => of_dimension(error),
        _ => of_parameter(error),
    }
}

fn of_tensor(error: &BindError) -> Fields {
    let tensor = |name: &str| ("tensor", name.into());
    match error {
        BindError::MissingInput { name } | BindError::RepeatedInput { name } => vec![tensor(name)],
        BindError::UnknownInput { name, known } => vec![tensor(name), ("known", json!(known))],
        BindError::Shape {
            tensor: name,
            declared,
            expected,
            found,
        } => {
            let expected = match expected.is_empty() {
                true => json!(declared),
                false => json!(expected),
            };
            vec![
                tensor(name),
                ("expected", expected),
                ("found", json!(found)),
            ]
        }
        BindError::Dimension {
            tensor: name,
            source,
        } => [vec![tensor(name)], of_size(source)].concat(),
        BindError::Length {
            tensor: name,
            source,
        } => [vec![tensor(name)], of_length(source)].concat(),
        _ => Vec::new(),
    }
}

fn of_size(error: &DimValueError) -> Fields {
    let fields = |dim: &str, expected: &str, value: u64| {
        vec![
            ("dimension", dim.into()),
            ("expected", expected.into()),
            ("found", value.into()),
        ]
    };
    match error {
        DimValueError::Inexact { dim, value } => fields(dim, "a multiple of the divisor", *value),
        DimValueError::OutOfRange { dim, value } => fields(dim, DIMENSION, *value),
        _ => Vec::new(),
    }
}

fn of_length(error: &ByteLenError) -> Fields {
    let fields = |expected: &str, shape: &[usize]| {
        vec![("expected", expected.into()), ("found", json!(shape))]
    };
    match error {
        ByteLenError::ZeroDimension { shape } => fields("dimensions of 1 or more", shape),
        ByteLenError::PartialBlock { shape, .. } => {
            fields("a last dimension that is a multiple of 32", shape)
        }
        ByteLenError::Overflow { shape } => fields("a length in bytes of 64 bits", shape),
        _ => Vec::new(),
    }
}

fn of_dimension(error: &BindError) -> Fields {
    let dimension = |name: &str| ("dimension", name.into());
    match error {
        BindError::MissingDimension { name } | BindError::RepeatedDimension { name } => {
            vec![dimension(name)]
        }
        BindError::UnknownDimension { name, known } => {
            vec![dimension(name), ("known", json!(known))]
        }
        BindError::DimensionOutOfRange { name, size } => vec![
            dimension(name),
            ("expected", DIMENSION.into()),
            ("found", json!(size)),
            ("min", 1.into()),
            ("max", MAX_DIMENSION.into()),
        ],
        _ => Vec::new(),
    }
}

fn of_parameter(error: &BindError) -> Fields {
    let parameter = |name: &str| ("parameter", name.into());
    match error {
        BindError::MissingParam { name } | BindError::RepeatedParam { name } => {
            vec![parameter(name)]
        }
        BindError::UnknownParam { name, known } => vec![parameter(name), ("known", json!(known))],
        BindError::ParamNotADimension { name, value } => vec![
            parameter(name),
            ("dimension", name.as_str().into()),
            ("expected", DIMENSION.into()),
            ("found", number_or_text(value)),
            ("min", 1.into()),
            ("max", MAX_DIMENSION.into()),
        ],
        BindError::ParamValue {
            name,
            source:
                ParamValueError::Type { expected, found } | ParamValueError::Range { expected, found },
        } => vec![
            parameter(name),
            ("expected", expected.name().into()),
            ("found", number_or_text(found)),
        ],
        BindError::ParamOutOfBounds {
            name,
            value,
            min,
            max,
        } => {
            let mut fields = vec![parameter(name), ("found", number_or_text(value))];
            let (from, to) = (min.as_deref(), max.as_deref());
            let expected = format!("{} to {}", from.unwrap_or(""), to.unwrap_or(""));
            fields.push(("expected", expected.trim().into()));
            fields.extend(from.map(|min| ("min", number_or_text(min))));
            fields.extend(to.map(|max| ("max", number_or_text(max))));
            fields
        }
        _ => Vec::new(),
    }
}

/// A number where JSON has one for it.
fn number_or_text(text: &str) -> Value {
    let number = serde_json::from_str(text).ok();
    number
        .filter(Value::is_number)
        .unwrap_or_else(|| text.into())
}

pub(crate) fn of_read(error: &ReadPackError) -> Fields {
    match error {
        ReadPackError::NotFound { path }
        | ReadPackError::Unreadable { path, .. }
        | ReadPackError::Symlink { path }
        | ReadPackError::NotARegularFile { path }
        | ReadPackError::UnsafePath { path, .. }
        | ReadPackError::Changed { path } => vec![("file", path.as_str().into())],
        ReadPackError::TooDeep { path, limit } => {
            vec![("file", path.as_str().into()), ("limit", (*limit).into())]
        }
        ReadPackError::Limits(error) => of_pack_bytes(error),
        ReadPackError::Archive(error) => of_archive(error),
        _ => Vec::new(),
    }
}

fn of_archive(error: &ArchiveError) -> Fields {
    match error {
        ArchiveError::TooLarge { found, limit } => {
            vec![("found", (*found).into()), ("limit", (*limit).into())]
        }
        ArchiveError::Order { path }
        | ArchiveError::Duplicate { path }
        | ArchiveError::Padding { path } => vec![("file", path.as_str().into())],
        ArchiveError::Truncated { offset }
        | ArchiveError::Header { offset, .. }
        | ArchiveError::EntryType { offset, .. }
        | ArchiveError::UnsafePath { offset, .. }
        | ArchiveError::TrailingData { offset } => vec![("offset", (*offset).into())],
        _ => Vec::new(),
    }
}

pub(crate) fn of_unarchivable(error: &UnarchivableError) -> Fields {
    match error {
        UnarchivableError::Path { path } => vec![("file", path.as_str().into())],
        UnarchivableError::Size { path, found, limit } => vec![
            ("file", path.as_str().into()),
            ("found", (*found).into()),
            ("limit", (*limit).into()),
        ],
        _ => Vec::new(),
    }
}

fn of_pack_bytes(error: &PackBytesError) -> Fields {
    match error {
        PackBytesError::FileTooLarge { file, found, limit } => vec![
            ("file", file.as_str().into()),
            ("found", (*found).into()),
            ("limit", (*limit).into()),
        ],
        PackBytesError::PackTooLarge { file, limit } => {
            vec![("file", file.as_str().into()), ("limit", (*limit).into())]
        }
        PackBytesError::TooManyFiles { found, limit } => {
            vec![("found", (*found).into()), ("limit", (*limit).into())]
        }
        PackBytesError::Collision { file } | PackBytesError::Reserved { file } => {
            vec![("file", file.as_str().into())]
        }
        _ => Vec::new(),
    }
}

pub(crate) fn of_verify(error: &VerifyError) -> Fields {
    match error {
        VerifyError::ManifestRevoked { digest } => vec![("found", digest.to_string().into())],
        VerifyError::UntrustedKey { key_id }
        | VerifyError::BadSignature { key_id }
        | VerifyError::KeyRevoked { key_id }
        | VerifyError::KeyNotYetValid { key_id }
        | VerifyError::KeyExpired { key_id } => vec![("key_id", key_id.to_string().into())],
        VerifyError::ThresholdNotMet { found, needed }
        | VerifyError::OutOfScope { found, needed, .. } => {
            vec![("found", (*found).into()), ("needed", (*needed).into())]
        }
        VerifyError::Expired { expires } | VerifyError::TrustExpired { expires } => {
            vec![("expires", expires.to_string().into())]
        }
        VerifyError::PackNotAllowed { pack } => vec![("pack", pack.as_str().into())],
        VerifyError::KernelNotAllowed { kernel } => vec![("kernel", kernel.as_str().into())],
        VerifyError::DigestNotAllowed {
            kernel,
            path,
            digest,
        } => vec![
            ("kernel", kernel.as_str().into()),
            ("file", path.as_str().into()),
            ("found", digest.to_string().into()),
        ],
        VerifyError::Files(error) => of_files(error),
        _ => Vec::new(),
    }
}

pub(crate) fn of_files(error: &FilesError) -> Fields {
    match error {
        FilesError::Missing { path, kernel } => vec![
            ("file", path.as_str().into()),
            ("kernel", kernel.as_str().into()),
        ],
        FilesError::DigestMismatch {
            path,
            kernel,
            declared,
            found,
        } => vec![
            ("file", path.as_str().into()),
            ("kernel", kernel.as_str().into()),
            ("expected", declared.to_string().into()),
            ("found", found.to_string().into()),
        ],
        FilesError::Undeclared { path } => vec![("file", path.as_str().into())],
        _ => Vec::new(),
    }
}

pub(crate) fn of_policy(error: &PolicyError) -> Fields {
    let mut fields = vec![("file", error.path().as_str().into())];
    let mut limit = |allowed: u64, found: u64| {
        fields.extend([("limit", allowed.into()), ("found", found.into())]);
    };
    match error.reason() {
        PolicyErrorKind::MemoryMinimum { found, allowed }
        | PolicyErrorKind::TableMinimum { found, allowed } => limit((*allowed).into(), *found),
        PolicyErrorKind::Globals { found, allowed } => limit((*allowed).into(), (*found).into()),
        PolicyErrorKind::Cap { found, allowed, .. } => limit(*allowed, *found),
        PolicyErrorKind::UndeclaredFeature { feature, .. } => {
            fields.push(("feature", feature.name().into()));
        }
        PolicyErrorKind::ForbiddenProposal { proposal, .. } => {
            fields.push(("feature", proposal.as_str().into()));
        }
        _ => {}
    }
    fields
}

pub(crate) fn of_platform(error: &PlatformError) -> Fields {
    match error {
        PlatformError::EngineNotListed { engine, listed } => {
            let listed: Vec<&str> = listed.split(", ").collect();
            vec![("engine", engine.as_str().into()), ("known", json!(listed))]
        }
        PlatformError::EngineVersion {
            engine,
            found,
            required,
        } => vec![
            ("engine", engine.as_str().into()),
            ("expected", required.to_string().into()),
            ("found", found.to_string().into()),
        ],
        PlatformError::MissingFeature { engine, feature } => vec![
            ("engine", engine.as_str().into()),
            ("feature", feature.name().into()),
        ],
        _ => Vec::new(),
    }
}
