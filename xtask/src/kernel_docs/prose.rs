//! What is written by hand about a kernel: Markdown under four headings.

use anyhow::{Context, Result, ensure};

/// The four parts, without their headings.
#[derive(Debug, PartialEq)]
pub(super) struct Prose {
    /// What is computed, and where the formula comes from.
    pub(super) formula: String,
    /// What a call must keep to beyond what the manifest says.
    pub(super) limits: String,
    /// How exact the result is, and what becomes of extreme values.
    pub(super) numerics: String,
    /// Where the same bits come out.
    pub(super) determinism: String,
}

const HEADINGS: [&str; 4] = ["Formula", "Limits", "Numerics", "Determinism"];

impl Prose {
    /// Splits a file at its headings.
    ///
    /// # Errors
    ///
    /// When a heading is missing, stands elsewhere or has nothing below it.
    pub(super) fn parse(text: &str) -> Result<Self> {
        let mut parts = text.split("## ");
        ensure!(
            parts.next() == Some(""),
            "something stands before the first heading"
        );
        let parts: Vec<&str> = parts.collect();
        ensure!(
            parts.len() == HEADINGS.len(),
            "the headings must be: {}",
            HEADINGS.join(", ")
        );
        let mut parts = parts.into_iter().zip(HEADINGS).map(|(part, heading)| {
            let rest = part
                .strip_prefix(heading)
                .and_then(|rest| rest.strip_prefix('\n'));
            let text = rest
                .map(str::trim)
                .with_context(|| format!("no heading: `{heading}`"))?;
            ensure!(!text.is_empty(), "nothing is said under: `{heading}`");
            Ok(text.to_owned())
        });
        let mut next = || parts.next().expect("there are as many parts as headings");
        Ok(Self {
            formula: next()?,
            limits: next()?,
            numerics: next()?,
            determinism: next()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_has_four_parts_in_order() {
        let text = "## Formula\n\ny = x\n\n## Limits\n\nNone.\n\n## Numerics\n\nExact.\n\n## Determinism\n\nYes.\n";
        let prose = Prose::parse(text).unwrap();
        assert_eq!((&*prose.formula, &*prose.determinism), ("y = x", "Yes."));
        for (from, to) in [
            ("## Formula", "## Formulas"),
            ("Exact.", ""),
            ("## Limits", "Limits"),
            ("## Formula", "First. ## Formula"),
        ] {
            Prose::parse(&text.replace(from, to)).unwrap_err();
        }
    }
}
