use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

use crate::targets::Target;

/// What mutants of a target's inputs are made from.
#[derive(Debug, Clone)]
pub struct Seeds {
    /// Whole inputs, sorted by the names of their files.
    pub inputs: Vec<Vec<u8>>,
    /// Words that its inputs are made of.
    pub words: Vec<Vec<u8>>,
}

impl Seeds {
    /// Reads the seeds and the dictionary of a target from the folder `fuzz` of the repository.
    ///
    /// # Errors
    ///
    /// When there are none, or the dictionary is not in libFuzzer's form.
    pub fn of(target: &Target) -> Result<Self> {
        let folder = folder().join("seeds").join(target.name);
        let entries = fs::read_dir(&folder)
            .with_context(|| format!("cannot read the seeds: `{}`", folder.display()))?;
        let mut paths: Vec<PathBuf> = entries
            .map(|entry| Ok(entry?.path()))
            .collect::<Result<_>>()?;
        paths.sort();
        ensure!(!paths.is_empty(), "no seeds in: `{}`", folder.display());
        let inputs = paths.iter().map(fs::read).collect::<Result<_, _>>()?;
        let dictionary = folder_of_dictionaries().join(format!("{}.dict", target.name));
        let dictionary = fs::read_to_string(&dictionary)
            .with_context(|| format!("cannot read: `{}`", dictionary.display()))?;
        let lines = dictionary.lines().map(str::trim);
        let entries = lines.filter(|line| !line.is_empty() && !line.starts_with('#'));
        Ok(Self {
            inputs,
            words: entries.map(word).collect::<Result<_>>()?,
        })
    }
}

/// `fuzz` in the root of the repository.
fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz")
}

fn folder_of_dictionaries() -> PathBuf {
    folder().join("dictionaries")
}

/// An entry of a dictionary as libFuzzer reads it: `"text"`, or `name="text"`, with `\"`, `\\` and
/// `\xAB`.
fn word(line: &str) -> Result<Vec<u8>> {
    let malformed = || format!("not an entry of a dictionary: `{line}`");
    let (_, quoted) = line.split_once('"').with_context(malformed)?;
    let mut rest = quoted.strip_suffix('"').with_context(malformed)?.as_bytes();
    let mut word = Vec::new();
    while let [first, after @ ..] = rest {
        let (byte, after) = match (first, after) {
            (b'\\', [b'x', high, low, after @ ..]) => {
                let byte = hex::decode([*high, *low]).with_context(malformed)?;
                (byte[0], after)
            }
            (b'\\', [escaped @ (b'\\' | b'"'), after @ ..]) => (*escaped, after),
            (b'\\', _) => anyhow::bail!(malformed()),
            _ => (*first, after),
        };
        word.push(byte);
        rest = after;
    }
    Ok(word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_read_as_libfuzzer_reads_them() {
        assert_eq!(word(r#""abc""#).unwrap(), b"abc");
        assert_eq!(word(r#"name="\x00\"\\a""#).unwrap(), b"\0\"\\a");
        for malformed in ["abc", r#""abc"#, r#""\y""#, r#""\x0""#, r#""\xgg""#] {
            assert!(word(malformed).is_err(), "{malformed}");
        }
    }
}
