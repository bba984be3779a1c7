use std::borrow::Borrow;
use std::fmt;
use std::str::FromStr;

/// A text that does not follow the grammar of the name it was meant to be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what} must match {grammar}: `{found}`")]
pub struct NameError {
    what: &'static str,
    grammar: &'static str,
    found: String,
}

const ID_GRAMMAR: &str = "[a-z0-9][a-z0-9._-]{0,127}";
const IDENTIFIER_GRAMMAR: &str = "[a-z][a-z0-9_]{0,31}";

macro_rules! name_type {
    ($(#[$doc:meta])* $name:ident, $what:literal, $grammar:expr, $valid:path) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(String);

        impl $name {
            /// The grammar that every value follows, as a regular expression.
            pub const GRAMMAR: &'static str = $grammar;

            /// The name as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = NameError;

            fn from_str(text: &str) -> Result<Self, NameError> {
                if $valid(text) {
                    Ok(Self(text.to_owned()))
                } else {
                    Err(NameError { what: $what, grammar: $grammar, found: crate::text::shown(text) })
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }
    };
}

name_type! {
    /// The name of a pack, such as `llama-core`.
    PackName, "a pack name", ID_GRAMMAR, is_id
}

name_type! {
    /// The id of a kernel within its pack, such as `rope_f32`.
    KernelId, "a kernel id", ID_GRAMMAR, is_id
}

name_type! {
    /// The name of a tensor, a parameter or a dimension symbol, such as `rows`.
    Identifier, "a tensor, parameter or symbol name", IDENTIFIER_GRAMMAR, is_identifier
}

fn is_id(text: &str) -> bool {
    let bytes = text.as_bytes();
    (1..=128).contains(&bytes.len())
        && matches!(bytes[0], b'a'..=b'z' | b'0'..=b'9')
        && bytes
            .iter()
            .all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'.' | b'_' | b'-'))
}

fn is_identifier(text: &str) -> bool {
    let bytes = text.as_bytes();
    (1..=32).contains(&bytes.len())
        && bytes[0].is_ascii_lowercase()
        && bytes
            .iter()
            .all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'_'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_follow_their_grammar() {
        let longest = "a".repeat(128);
        for good in ["a", "0", "rope_f32", "llama-core", "a.b", longest.as_str()] {
            assert!(good.parse::<KernelId>().is_ok(), "{good}");
        }
        let too_long = "a".repeat(129);
        for bad in [
            "",
            "-a",
            ".a",
            "_a",
            "Rope",
            "r\u{43e}pe",
            "a b",
            "a\0",
            "a/b",
            too_long.as_str(),
        ] {
            assert!(bad.parse::<KernelId>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn identifiers_follow_their_grammar() {
        let longest = "a".repeat(32);
        for good in ["x", "weight_offset", "k2", longest.as_str()] {
            assert!(good.parse::<Identifier>().is_ok(), "{good}");
        }
        let too_long = "a".repeat(33);
        for bad in ["", "2k", "_x", "X", "a-b", "a.b", "64", too_long.as_str()] {
            assert!(bad.parse::<Identifier>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn the_error_names_what_was_found() {
        let error = "Rope".parse::<KernelId>().unwrap_err();
        assert_eq!(
            error.to_string(),
            format!("a kernel id must match {ID_GRAMMAR}: `Rope`")
        );
    }
}
