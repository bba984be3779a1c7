use std::borrow::Borrow;
use std::fmt;
use std::str::FromStr;

/// The longest path, in bytes, that a manifest may name.
pub const MAX_PATH_BYTES: usize = 256;

/// Files of a pack that are no files of the manifest's.
const RESERVED: [&str; 2] = ["kernels.json", "kernels.json.sig"];

/// A file of a pack, relative to the pack's root, that is safe to open on every platform.
///
/// Segments match `[A-Za-z0-9_-][A-Za-z0-9._-]*` and are separated by `/`. No segment is a name
/// that Windows reserves or ends in a dot, so neither `..` nor a device nor a drive can be written.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PackPath(String);

/// Why a text is not a [`PackPath`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PathError {
    /// Longer than [`MAX_PATH_BYTES`], or empty.
    #[error("a path has 1 to {MAX_PATH_BYTES} bytes, found: {found}")]
    Length {
        /// The length in bytes.
        found: usize,
    },
    /// A segment that breaks the grammar: empty, `.`, `..`, a backslash, a colon, a control or
    /// non-ASCII character.
    #[error("a path segment must match [A-Za-z0-9_-][A-Za-z0-9._-]*: `{segment}`")]
    Segment {
        /// The offending segment, escaped for display.
        segment: String,
    },
    /// A segment that Windows treats as a device, or strips of its last dot.
    #[error("a path segment must not be reserved on Windows or end in a dot: `{segment}`")]
    Reserved {
        /// The offending segment.
        segment: String,
    },
}

impl PackPath {
    /// The path as it stands in the manifest.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The path's segments, outermost first.
    pub fn segments(&self) -> impl Iterator<Item = &str> {
        self.0.split('/')
    }

    /// Whether this is the path of the manifest or of its signature, or one below them, in letters of
    /// whichever case: no file that a manifest declares may stand there.
    #[must_use]
    pub fn is_reserved(&self) -> bool {
        let folded = self.folded();
        let root = folded.split('/').next().unwrap_or(&folded);
        RESERVED.contains(&root)
    }

    /// The form under which two paths collide on a file system that ignores case.
    #[must_use]
    pub fn folded(&self) -> String {
        self.0.to_ascii_lowercase()
    }
}

impl FromStr for PackPath {
    type Err = PathError;

    fn from_str(text: &str) -> Result<Self, PathError> {
        if !(1..=MAX_PATH_BYTES).contains(&text.len()) {
            return Err(PathError::Length { found: text.len() });
        }
        for segment in text.split('/') {
            check_segment(segment)?;
        }
        Ok(Self(text.to_owned()))
    }
}

fn check_segment(segment: &str) -> Result<(), PathError> {
    let bytes = segment.as_bytes();
    let inner = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-');
    if bytes.first().is_none_or(|&b| b == b'.') || !bytes.iter().all(inner) {
        return Err(PathError::Segment {
            segment: crate::text::shown(segment),
        });
    }
    if segment.ends_with('.') || is_reserved_on_windows(segment) {
        return Err(PathError::Reserved {
            segment: segment.to_owned(),
        });
    }
    Ok(())
}

/// Device names count with any extension: `con.wasm` opens the console.
fn is_reserved_on_windows(segment: &str) -> bool {
    let stem = segment
        .split('.')
        .next()
        .unwrap_or(segment)
        .to_ascii_lowercase();
    match stem.as_str() {
        "con" | "prn" | "aux" | "nul" => true,
        _ => {
            stem.len() == 4
                && (stem.starts_with("com") || stem.starts_with("lpt"))
                && stem.ends_with(|last: char| last.is_ascii_digit())
        }
    }
}

impl fmt::Display for PackPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl AsRef<str> for PackPath {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl Borrow<str> for PackPath {
    fn borrow(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn safe_paths_are_taken_as_they_are() {
        for good in [
            "a",
            "rope/rope_f32.wasm",
            "A-b/_c.d/e",
            "com10",
            "console.wasm",
            "-x",
        ] {
            assert_eq!(good.parse::<PackPath>().unwrap().as_str(), good);
        }
        assert_eq!(
            "a/b/c"
                .parse::<PackPath>()
                .unwrap()
                .segments()
                .collect::<Vec<_>>(),
            ["a", "b", "c"]
        );
    }

    #[test]
    fn the_manifest_and_its_signature_are_reserved() {
        let is_reserved = |text: &str| text.parse::<PackPath>().unwrap().is_reserved();
        for reserved in ["kernels.json", "KERNELS.json.sig", "Kernels.json/a"] {
            assert!(is_reserved(reserved), "{reserved}");
        }
        for free in ["kernels.json.wasm", "a/kernels.json", "kernels"] {
            assert!(!is_reserved(free), "{free}");
        }
    }

    #[test]
    fn hostile_paths_are_refused() {
        let too_long = "a".repeat(257);
        let hostile = [
            "",
            "/",
            "/etc/passwd",
            "../x",
            "a/../b",
            ".",
            "..",
            "a/.",
            "./a",
            "a//b",
            "a/",
            "C:",
            "C:/x",
            "\\\\?\\C:",
            "a\\b",
            "a\0b",
            "a b",
            "\u{e9}.wasm",
            ".hidden",
            "con.wasm",
            "a/NUL",
            "com1.x",
            "LPT9",
            "trailing.",
            "a./b",
            "a:stream",
            "%2e%2e",
            too_long.as_str(),
        ];
        for bad in hostile {
            assert!(bad.parse::<PackPath>().is_err(), "{bad:?}");
        }
    }
}
