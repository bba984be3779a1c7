//! What a pack says is shown to people and programs, but steers no terminal.

use std::fmt::Write;

/// The text with everything escaped that could steer a terminal, or reorder or hide what it shows;
/// newlines stay.
pub(crate) fn for_people(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        if c != '\n' && steers(c) {
            shown.extend(c.escape_unicode());
        } else {
            shown.push(c);
        }
    }
    shown
}

/// [`for_people`] on one line.
pub(crate) fn on_one_line(text: &str) -> String {
    let words: Vec<&str> = text.split(['\n', '\r', '\t']).map(str::trim).collect();
    for_people(&words.join(" "))
}

/// The text of a JSON document with the same characters escaped as JSON does it: the document means
/// what it meant before, as only its strings can hold them.
pub(crate) fn in_json(document: &str) -> String {
    let mut shown = String::with_capacity(document.len());
    for c in document.chars() {
        if steers(c) {
            for unit in c.encode_utf16(&mut [0; 2]) {
                _ = write!(shown, "\\u{unit:04x}");
            }
        } else {
            shown.push(c);
        }
    }
    shown
}

/// Control and format characters (Unicode's categories Cc and Cf) and the separators of lines and
/// paragraphs.
fn steers(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{ad}'
                | '\u{600}'..='\u{605}'
                | '\u{61c}'
                | '\u{6dd}'
                | '\u{70f}'
                | '\u{890}'..='\u{891}'
                | '\u{8e2}'
                | '\u{180e}'
                | '\u{200b}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{feff}'
                | '\u{fff9}'..='\u{fffb}'
                | '\u{110bd}'
                | '\u{110cd}'
                | '\u{13430}'..='\u{1343f}'
                | '\u{1bca0}'..='\u{1bca3}'
                | '\u{1d173}'..='\u{1d17a}'
                | '\u{e0001}'
                | '\u{e0020}'..='\u{e007f}'
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Terminal controls in both spellings, what reorders text, what breaks lines, what is not seen.
    const STEERING: [char; 26] = [
        '\0',
        '\u{7}',
        '\u{8}',
        '\u{1b}',
        '\u{7f}',
        '\u{85}',
        '\u{9b}',
        '\u{ad}',
        '\u{61c}',
        '\u{200b}',
        '\u{200d}',
        '\u{200e}',
        '\u{200f}',
        '\u{2028}',
        '\u{2029}',
        '\u{202a}',
        '\u{202b}',
        '\u{202d}',
        '\u{202e}',
        '\u{2060}',
        '\u{2066}',
        '\u{2067}',
        '\u{2069}',
        '\u{feff}',
        '\u{fffb}',
        '\u{e0041}',
    ];

    #[test]
    fn no_pack_steers_a_terminal() {
        for c in STEERING {
            let shown = for_people(&format!("a{c}b\n"));
            assert_eq!(shown, format!("a{}b\n", c.escape_unicode()));
        }
        assert_eq!(on_one_line("a\n  b\u{7}\tc"), "a b\\u{7} c");
    }

    #[test]
    fn letters_of_all_scripts_stay() {
        for text in [
            "K\u{fc}hn \u{2014} \u{201c}x\u{201d}",
            "\u{5d0}\u{5d1}",
            "\u{6838}\u{5fc3}",
            "\u{1f680}",
        ] {
            assert_eq!(for_people(text), text);
            assert_eq!(in_json(text), text);
        }
    }

    #[test]
    fn an_escaped_document_means_the_same() {
        let value = serde_json::json!({ "text": STEERING.iter().collect::<String>() });
        let shown = in_json(&value.to_string());
        assert!(shown.is_ascii(), "{shown}");
        let read: serde_json::Value = serde_json::from_str(&shown).unwrap();
        assert_eq!(read, value);
    }
}
