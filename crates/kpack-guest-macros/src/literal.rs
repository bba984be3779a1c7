//! What a literal's source text means.

/// The value of a string literal, ordinary or raw.
pub(crate) fn text(source: &str) -> Option<String> {
    if let Some(raw) = source.strip_prefix('r') {
        let inner = raw.trim_matches('#');
        return inner
            .strip_prefix('"')?
            .strip_suffix('"')
            .map(str::to_owned);
    }
    unescape(source.strip_prefix('"')?.strip_suffix('"')?)
}

fn unescape(source: &str) -> Option<String> {
    let mut value = String::new();
    let mut chars = source.chars();
    while let Some(char) = chars.next() {
        if char != '\\' {
            value.push(char);
            continue;
        }
        match chars.next()? {
            'n' => value.push('\n'),
            'r' => value.push('\r'),
            't' => value.push('\t'),
            '0' => value.push('\0'),
            same @ ('\\' | '"' | '\'') => value.push(same),
            'x' => {
                let digits: String = chars.by_ref().take(2).collect();
                value.push(char::from(u8::from_str_radix(&digits, 16).ok()?));
            }
            'u' => {
                let digits: String = chars.by_ref().take_while(|char| *char != '}').collect();
                let digits = digits.strip_prefix('{')?.replace('_', "");
                value.push(char::from_u32(u32::from_str_radix(&digits, 16).ok()?)?);
            }
            // A line that ends in a backslash goes on with the next line's first word.
            '\n' => {
                let rest = chars.as_str().trim_start();
                chars = rest.chars();
            }
            _ => return None,
        }
    }
    Some(value)
}

/// A decimal number without a suffix, as JSON writes it.
pub(crate) fn number(source: &str) -> Option<String> {
    let number = source.replace('_', "");
    let (first, last) = (number.bytes().next()?, number.bytes().last()?);
    let ends_in_digits = first.is_ascii_digit() && last.is_ascii_digit();
    let decimal = number
        .bytes()
        .all(|byte| byte.is_ascii_digit() || b".eE+-".contains(&byte));
    // JSON knows no leading zeros; in Rust they would be decimal as well.
    let leading_zero = number.len() > 1 && first == b'0' && number.as_bytes()[1].is_ascii_digit();
    (ends_in_digits && decimal && !leading_zero).then_some(number)
}

/// The text as a JSON string.
pub(crate) fn to_json(text: &str) -> String {
    let mut json = String::from('"');
    for char in text.chars() {
        match char {
            '"' => json.push_str("\\\""),
            '\\' => json.push_str("\\\\"),
            control if control < ' ' => {
                json.push_str(&format!("\\u{:04x}", u32::from(control)));
            }
            other => json.push(other),
        }
    }
    json.push('"');
    json
}
