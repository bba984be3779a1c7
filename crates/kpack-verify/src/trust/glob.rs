/// A pattern over a whole pack name: `*` stands for any run of characters, `?` for any one, every
/// other character for itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Glob(String);

impl Glob {
    pub(super) fn new(pattern: String) -> Self {
        Self(pattern)
    }

    /// Whether the pattern matches all of `name`, an ASCII pack name.
    ///
    /// Only the last `*` is ever taken up again: if the rest fails behind it, an earlier `*` cannot
    /// do better. So the time is at most the product of the two lengths, whatever the pattern.
    pub(super) fn matches(&self, name: &str) -> bool {
        let (pattern, name) = (self.0.as_bytes(), name.as_bytes());
        let (mut at_pattern, mut at_name) = (0, 0);
        let mut last_star = None;
        while at_name < name.len() {
            match pattern.get(at_pattern) {
                Some(b'*') => {
                    last_star = Some((at_pattern, at_name));
                    at_pattern += 1;
                }
                Some(&expected) if expected == b'?' || expected == name[at_name] => {
                    at_pattern += 1;
                    at_name += 1;
                }
                _ => {
                    let Some((star, taken)) = last_star else {
                        return false;
                    };
                    last_star = Some((star, taken + 1));
                    at_pattern = star + 1;
                    at_name = taken + 1;
                }
            }
        }
        pattern[at_pattern..].iter().all(|&rest| rest == b'*')
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn matches(pattern: &str, name: &str) -> bool {
        Glob::new(pattern.to_owned()).matches(name)
    }

    #[test]
    fn the_whole_name_must_match() {
        let cases = [
            ("*", "llama-core", true),
            ("llama-*", "llama-core", true),
            ("llama-*", "llama-", true),
            ("llama-*", "llama", false),
            ("llama-*", "my-llama-core", false),
            ("llama", "llama-core", false),
            ("*core", "llama-core", true),
            ("*core", "llama-core2", false),
            ("l*-c*e", "llama-core", true),
            ("l?ama", "llama", true),
            ("l?ama", "lama", false),
            ("?", "a", true),
            ("?", "", false),
            ("", "a", false),
            ("**", "a", true),
            ("*a*a*", "aa", true),
            ("*a*a*", "a", false),
            ("a*aab", "aaaaaab", true),
            ("llama.core", "llama-core", false),
            ("[a-z]*", "a", false),
            ("LLAMA*", "llama", false),
        ];
        for (pattern, name, expected) in cases {
            assert_eq!(matches(pattern, name), expected, "{pattern} on {name}");
        }
    }

    #[test]
    fn a_hostile_pattern_takes_no_exponential_time() {
        let name = "a".repeat(128);
        assert!(!matches(&format!("{}b", "*a".repeat(1_000)), &name));
        assert!(!matches(&format!("{}b", "a*".repeat(128)), &name));
        assert!(!matches(&format!("{}b", "*?".repeat(100_000)), &name));
    }

    /// The definition, written down as slowly as it reads.
    fn by_definition(pattern: &[u8], name: &[u8]) -> bool {
        match pattern.split_first() {
            None => name.is_empty(),
            Some((b'*', rest)) => (0..=name.len()).any(|taken| by_definition(rest, &name[taken..])),
            Some((first, rest)) => name.split_first().is_some_and(|(head, tail)| {
                (*first == b'?' || first == head) && by_definition(rest, tail)
            }),
        }
    }

    proptest! {
        #[test]
        fn agrees_with_the_definition(pattern in "[ab*?]{0,8}", name in "[ab]{0,10}") {
            let expected = by_definition(pattern.as_bytes(), name.as_bytes());
            prop_assert_eq!(matches(&pattern, &name), expected);
        }
    }
}
