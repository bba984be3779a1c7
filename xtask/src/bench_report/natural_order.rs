//! An order of names in which `8 x 64` comes before `32 x 64`.

/// What to sort a name by.
pub(super) fn key(name: &str) -> Vec<Part> {
    let mut parts = Vec::new();
    for char in name.chars() {
        match (char.to_digit(10), parts.last_mut()) {
            (Some(digit), Some(Part::Number(number))) => {
                *number = number.saturating_mul(10).saturating_add(digit.into());
            }
            (Some(digit), _) => parts.push(Part::Number(digit.into())),
            (None, Some(Part::Text(text))) => text.push(char),
            (None, _) => parts.push(Part::Text(char.into())),
        }
    }
    parts
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Part {
    Number(u64),
    Text(String),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_ordered_by_value() {
        let mut names = ["b/512 x 64", "b/8 x 64", "a/32 x 9", "b/8", "a/32 x 64"];
        names.sort_by_key(|name| key(name));
        let expected = ["a/32 x 9", "a/32 x 64", "b/8", "b/8 x 64", "b/512 x 64"];
        assert_eq!(names, expected);
    }
}
