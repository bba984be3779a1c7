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
}
