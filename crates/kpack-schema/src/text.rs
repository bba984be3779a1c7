//! Texts from outside in messages.

/// The text as it may be shown in a message: everything escaped but ASCII that prints and letters
/// and digits of every script, and cut to a length that a terminal line can bear.
#[must_use]
pub fn shown(text: &str) -> String {
    const LONGEST: usize = 96;
    let mut shown = String::new();
    for (count, character) in text.chars().enumerate() {
        if count == LONGEST {
            shown.push_str(&format!("... ({} bytes)", text.len()));
            break;
        }
        if character.is_control() || !(character.is_ascii() || character.is_alphanumeric()) {
            shown.extend(character.escape_default());
        } else {
            shown.push(character);
        }
    }
    shown
}

/// A sentence about a text from outside, such as a parser's, that may quote any of it: no control
/// character stays as it is, and of a long sentence the middle is left out.
pub(crate) fn shown_sentence(sentence: &str) -> String {
    const EACH_END: usize = 160;
    let count = sentence.chars().count();
    let mut shown = String::new();
    for (index, character) in sentence.chars().enumerate() {
        if count > 2 * EACH_END && (EACH_END..count - EACH_END).contains(&index) {
            if index == EACH_END {
                shown.push_str("...");
            }
        } else if character.is_control() {
            shown.extend(character.escape_default());
        } else {
            shown.push(character);
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_are_escaped_and_long_texts_cut() {
        assert_eq!(shown("a\0\u{1b}[31m"), "a\\u{0}\\u{1b}[31m");
        assert_eq!(shown("a\u{202e}b"), "a\\u{202e}b");
        assert_eq!(
            shown(&"x".repeat(200)),
            format!("{}... (200 bytes)", "x".repeat(96))
        );
    }

    #[test]
    fn sentences_keep_both_ends() {
        assert_eq!(shown_sentence("expected `a\0`"), "expected `a\\u{0}`");
        let long = format!("unknown `{}`, expected `b`", "a\n".repeat(1000));
        let shown = shown_sentence(&long);
        assert!(shown.starts_with("unknown `a\\n") && shown.ends_with("expected `b`"));
        assert!(shown.len() < 700, "{}", shown.len());
    }
}
