//! A file of tensors names each once. The safetensors reader takes the last of several.

use std::collections::HashSet;
use std::fmt;

use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};

/// The bytes before the header, which hold its length.
const LENGTH_BYTES: usize = 8;

/// The first name that the header of a safetensors file holds for the second time. `None` too where
/// the file is none.
pub(super) fn repeated_name(file: &[u8]) -> Option<String> {
    let (length, rest) = file.split_first_chunk::<LENGTH_BYTES>()?;
    let length = usize::try_from(u64::from_le_bytes(*length)).ok()?;
    let mut header = serde_json::Deserializer::from_slice(rest.get(..length)?);
    header.deserialize_map(Names).ok()?
}

struct Names;

impl<'de> Visitor<'de> for Names {
    type Value = Option<String>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Self::Value, A::Error> {
        let mut seen = HashSet::new();
        let mut repeated = None;
        while let Some((name, IgnoredAny)) = entries.next_entry::<String, _>()? {
            if repeated.is_none() && seen.contains(&name) {
                repeated = Some(name);
            } else {
                seen.insert(name);
            }
        }
        Ok(repeated)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(header: &str) -> Vec<u8> {
        let length = u64::try_from(header.len()).unwrap().to_le_bytes();
        [length.as_slice(), header.as_bytes(), b"data"].concat()
    }

    #[test]
    fn names_are_compared_as_what_they_mean() {
        for (header, repeated) in [
            ("{}", None),
            (r#"{"a":1,"b":{"a":1,"a":2}}"#, None),
            (r#"{"a":1,"b":2,"a":{}}"#, Some("a")),
            (r#"{"a":1,"\u0061":2}"#, Some("a")),
            (
                r#"{"__metadata__":{},"__metadata__":{}}"#,
                Some("__metadata__"),
            ),
            (r#"{"a":1,"a":2"#, None),
            ("[]", None),
        ] {
            assert_eq!(
                repeated_name(&file(header)).as_deref(),
                repeated,
                "{header}"
            );
        }
    }

    #[test]
    fn what_is_no_such_file_names_nothing() {
        let long = [&u64::MAX.to_le_bytes()[..], b"{}"].concat();
        for bytes in [b"".as_slice(), b"1234567", &long] {
            assert_eq!(repeated_name(bytes), None);
        }
    }
}
