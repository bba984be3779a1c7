//! Strict JSON, for files that are signed or that decide about trust.
//!
//! serde_json takes the last of a repeated map key, ignores unknown fields unless told otherwise,
//! and reads an array where a struct is expected. A signed document must have one meaning for every
//! reader, so [`from_str`] refuses all of these, and says where by a JSON pointer.

mod decode;
mod error;
mod tree;

use serde::de::DeserializeOwned;

pub(crate) use error::push_segment;
pub use error::{JsonError, JsonErrorKind};

/// How large a document may be before it is read, and how deeply it may nest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The largest accepted length in bytes.
    pub max_bytes: usize,
    /// The largest accepted nesting depth; the outermost object counts as 1. At most 100 takes
    /// effect, as the parser's own limit lies above that.
    pub max_depth: usize,
}

/// Reads one JSON document into `T`.
///
/// Unknown fields are refused where `T` says `#[serde(deny_unknown_fields)]`.
///
/// # Errors
///
/// A [`JsonError`] that names the first problem and where it stands: larger or deeper than the
/// limits, not JSON, a repeated key, an unknown field, an array for a struct, a value of the wrong
/// type, a missing field, or anything behind the document.
pub fn from_str<T: DeserializeOwned>(text: &str, limits: Limits) -> Result<T, JsonError> {
    let tree = tree::parse(text, limits)?;
    T::deserialize(tree).map_err(decode::DecodeError::into_json_error)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde::Deserialize;

    use super::*;

    const LIMITS: Limits = Limits {
        max_bytes: 1_000,
        max_depth: 4,
    };

    #[derive(Debug, Deserialize, PartialEq)]
    #[serde(deny_unknown_fields)]
    struct Outer {
        inner: Vec<Inner>,
        #[serde(default)]
        map: BTreeMap<String, serde_json::Value>,
    }

    #[derive(Debug, Deserialize, PartialEq)]
    #[serde(deny_unknown_fields)]
    struct Inner {
        number: u32,
        #[serde(default)]
        option: Option<f64>,
        #[serde(default)]
        choice: Option<Choice>,
    }

    #[derive(Debug, Deserialize, PartialEq)]
    #[serde(rename_all = "snake_case")]
    enum Choice {
        FirstOne,
    }

    fn fails(text: &str) -> (String, &'static str) {
        let error = from_str::<Outer>(text, LIMITS).unwrap_err();
        (error.pointer().to_owned(), error.kind().name())
    }

    #[test]
    fn a_good_document_is_read() {
        let outer: Outer = from_str(
            r#" {"inner":[{"number":1,"option":2,"choice":"first_one"},{"number":2,"option":null}],"map":{"a":[1,null]}} "#,
            LIMITS,
        )
        .unwrap();
        assert_eq!(
            outer.inner[0],
            Inner {
                number: 1,
                option: Some(2.0),
                choice: Some(Choice::FirstOne)
            }
        );
        assert_eq!(outer.inner[1].option, None);
        assert_eq!(outer.map["a"], serde_json::json!([1, null]));
    }

    #[test]
    fn every_refusal_names_its_place() {
        let cases = [
            (r#"{"inner":[],"inner":[]}"#, "/inner", "duplicate_key"),
            (r#"{"inner":[],"\u0069nner":[]}"#, "/inner", "duplicate_key"),
            (
                r#"{"inner":[],"map":{"a":1,"a":2}}"#,
                "/map/a",
                "duplicate_key",
            ),
            (
                r#"{"inner":[],"map":{"a":{"b~/c":1,"b~/c":2}}}"#,
                "/map/a/b~0~1c",
                "duplicate_key",
            ),
            (r#"{"inner":[],"other":1}"#, "/other", "unknown_field"),
            (
                r#"{"inner":[{"number":1},{"number":1,"x/y":0}]}"#,
                "/inner/1/x~1y",
                "unknown_field",
            ),
            (r#"{"inner":[[1]]}"#, "/inner/0", "wrong_type"),
            (r#"[[]]"#, "", "wrong_type"),
            (
                r#"{"inner":[{"number":-1}]}"#,
                "/inner/0/number",
                "wrong_type",
            ),
            (
                r#"{"inner":[{"number":1.0}]}"#,
                "/inner/0/number",
                "wrong_type",
            ),
            (
                r#"{"inner":[{"number":1,"choice":"second"}]}"#,
                "/inner/0/choice",
                "wrong_type",
            ),
            (
                r#"{"inner":[{"number":1,"choice":{"first_one":null}}]}"#,
                "/inner/0/choice",
                "wrong_type",
            ),
            (r#"{"inner":[{}]}"#, "/inner/0", "missing_field"),
            (
                r#"{"inner":[],"map":{"a":[[[]]]}}"#,
                "/map/a/0/0",
                "too_deep",
            ),
            (r#"{"inner":[]}x"#, "", "trailing_data"),
            ("{\"inner\":[]}\0", "", "trailing_data"),
            ("\u{feff}{\"inner\":[]}", "", "syntax"),
            (r#"{"inner":[{"number":1e999}]}"#, "", "syntax"),
            (r#"{"inner":[],"map":{"a":"\ud800"}}"#, "", "syntax"),
            (r#"{"inner":[],}"#, "", "syntax"),
            ("", "", "syntax"),
        ];
        for (text, pointer, kind) in cases {
            assert_eq!(fails(text), (pointer.to_owned(), kind), "{text}");
        }
    }

    #[test]
    fn the_size_limit_is_inclusive() {
        let document = r#"{"inner":[]}"#;
        let fill = |len: usize| format!("{document}{}", " ".repeat(len - document.len()));
        assert!(from_str::<Outer>(&fill(1_000), LIMITS).is_ok());
        assert_eq!(fails(&fill(1_001)).1, "too_large");
    }

    #[test]
    fn deep_nesting_ends_in_an_error_and_not_in_a_stack_overflow() {
        let limits = Limits {
            max_bytes: 1 << 20,
            max_depth: 16,
        };
        for open in ["[", "{\"a\":"] {
            let error = from_str::<serde_json::Value>(&open.repeat(100_000), limits).unwrap_err();
            assert_eq!(error.kind().name(), "too_deep");
        }
    }
}
