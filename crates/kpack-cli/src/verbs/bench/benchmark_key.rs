use std::collections::{BTreeMap, BTreeSet};

use kpack_schema::MAX_DIMENSION;

/// The longest symbol, in bytes; what is longer need not be looked up.
const MAX_SYMBOL_BYTES: usize = 32;

/// Reads a benchmark's key such as `seq_512_dim_128`: pairs of a symbol and its size, all joined by
/// `_`. `None` where the key is anything else, or a size is none that a dimension may have.
///
/// A symbol may hold underscores and digits itself. Where two symbols could begin at one place, the
/// longest counts behind which the rest of the key can still be read; a key that then names a symbol
/// twice is none. A pack may hold any key, so the time grows with the key's length and nothing else.
pub(super) fn benchmark_sizes(
    key: &str,
    symbols: &BTreeSet<&str>,
) -> Option<BTreeMap<String, usize>> {
    let parts = Parts::of(key);
    // For each part the pair that is read there, if the key can be read from there to its end. The
    // last entry stands for the end.
    let mut pairs: Vec<Reading<'_>> = vec![Reading::Impossible; parts.len()];
    pairs.push(Reading::End);
    for first in (0..parts.len()).rev() {
        pairs[first] = parts.longest_pair(first, symbols, &pairs);
    }
    collect(&pairs)
}

/// What stands at a part of a key, up to the key's end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reading<'a> {
    Impossible,
    End,
    Pair {
        name: &'a str,
        size: usize,
        /// The part behind the pair.
        next: usize,
    },
}

/// Follows the pairs from the key's start; at least one, and no symbol twice.
fn collect(pairs: &[Reading<'_>]) -> Option<BTreeMap<String, usize>> {
    let mut sizes = BTreeMap::new();
    let mut at = 0;
    loop {
        match pairs[at] {
            Reading::Impossible => return None,
            Reading::End => return Some(sizes),
            Reading::Pair { name, size, next } => {
                if sizes.insert(name.to_owned(), size).is_some() {
                    return None;
                }
                at = next;
            }
        }
    }
}

/// A key cut at its underscores.
struct Parts<'a> {
    key: &'a str,
    /// The parts of the key, each with the byte at which it starts.
    parts: Vec<(usize, &'a str)>,
    /// The parts that are sizes.
    sizes: Vec<Option<usize>>,
}

impl<'a> Parts<'a> {
    fn of(key: &'a str) -> Self {
        let mut start = 0;
        let mut parts = Vec::new();
        for part in key.split('_') {
            parts.push((start, part));
            start += part.len() + 1;
        }
        let sizes = parts.iter().map(|(_, part)| size(part)).collect();
        Self { key, parts, sizes }
    }

    fn len(&self) -> usize {
        self.parts.len()
    }

    /// The longest symbol that starts at part `first`, is followed by a size, and behind which the
    /// key can be read to its end.
    fn longest_pair(
        &self,
        first: usize,
        symbols: &BTreeSet<&str>,
        pairs: &[Reading<'a>],
    ) -> Reading<'a> {
        let mut longest = Reading::Impossible;
        for last in first..self.len() - 1 {
            let name = self.joined(first, last);
            if name.len() > MAX_SYMBOL_BYTES {
                break;
            }
            let next = last + 2;
            if let Some(size) = self.sizes[last + 1]
                && pairs[next] != Reading::Impossible
                && symbols.contains(name)
            {
                longest = Reading::Pair { name, size, next };
            }
        }
        longest
    }

    /// The parts from `first` to `last` with the underscores between them.
    fn joined(&self, first: usize, last: usize) -> &'a str {
        let (start, _) = self.parts[first];
        let (last_start, last) = self.parts[last];
        &self.key[start..last_start + last.len()]
    }
}

/// Decimal digits and nothing else, of a number that a dimension may have.
fn size(part: &str) -> Option<usize> {
    let digits = part.bytes().all(|b| b.is_ascii_digit());
    let size: u64 = part.parse().ok().filter(|_| digits)?;
    let allowed = (1..=MAX_DIMENSION).contains(&size);
    usize::try_from(size).ok().filter(|_| allowed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(key: &str, symbols: &[&str]) -> Option<Vec<(String, usize)>> {
        let symbols = symbols.iter().copied().collect();
        benchmark_sizes(key, &symbols).map(|sizes| sizes.into_iter().collect())
    }

    fn pairs(pairs: &[(&str, usize)]) -> Option<Vec<(String, usize)>> {
        let pairs = pairs.iter().map(|&(name, size)| (name.to_owned(), size));
        Some(pairs.collect())
    }

    #[test]
    fn symbols_may_hold_underscores_and_digits() {
        for (key, symbols, expected) in [
            (
                "seq_512_dim_128",
                &["dim", "seq"][..],
                &[("dim", 128), ("seq", 512)][..],
            ),
            (
                "head_dim_64_head_8",
                &["head", "head_dim"],
                &[("head", 8), ("head_dim", 64)],
            ),
            ("a_1_2_a_3", &["a", "a_1"], &[("a", 3), ("a_1", 2)]),
            ("a_1_2", &["a", "a_1"], &[("a_1", 2)]),
            ("a__1", &["a_"], &[("a_", 1)]),
            ("a___2_b_007", &["a__", "b"], &[("a__", 2), ("b", 7)]),
            // Two readings: the longer symbol counts.
            ("a_1_b_2", &["a", "b", "a_1_b"], &[("a_1_b", 2)]),
            // The longer one leads nowhere.
            ("a_1_b_2", &["a", "b", "a_1"], &[("a", 1), ("b", 2)]),
        ] {
            assert_eq!(read(key, symbols), pairs(expected), "{key}");
        }
    }

    #[test]
    fn other_keys_name_nothing() {
        for key in [
            "",
            "_",
            "seq",
            "seq_",
            "seq_x",
            "seq_512_",
            "seq_512_seq_512",
            "other_1",
            "seq_512x",
            "seq_+512",
            "_seq_1",
            "512",
            "seq_99999999999999999999999",
            "seq_\u{661}",
        ] {
            assert_eq!(read(key, &["seq"]), None, "{key}");
        }
    }

    /// The longest key of a manifest, made so that a reader that tries every way does not end.
    #[test]
    fn hostile_keys_take_no_exponential_time_and_no_stack() {
        let symbols = ["a", "a_1", "a_1_1", "a_1_a", "a_1_a_1", "a_1_a_1_a"];
        for unit in ["a_1_", "1_", "a_", "_", "a_1_1_", "a_1_a_1_"] {
            for end in ["", "a_1", "b", "_", "1"] {
                let mut key = unit.repeat(64 * 1024 / unit.len());
                key.push_str(end);
                assert_eq!(read(&key, &symbols), None, "{unit} {end}");
            }
        }
        let digits = format!("a_{}", "9".repeat(64 * 1024));
        assert_eq!(read(&digits, &symbols), None);
    }

    #[test]
    fn a_long_key_is_read() {
        let symbols: Vec<String> = (0..4_000).map(|n| format!("s{n}")).collect();
        let parts: Vec<String> = symbols.iter().map(|s| format!("{s}_1")).collect();
        let symbols: Vec<&str> = symbols.iter().map(String::as_str).collect();
        assert_eq!(read(&parts.join("_"), &symbols).unwrap().len(), 4_000);
    }

    /// The definition, written down as slowly as it reads.
    fn by_definition(key: &str, symbols: &BTreeSet<&str>) -> Option<Vec<(String, usize)>> {
        if key.is_empty() {
            return Some(Vec::new());
        }
        let longest_first = (1..key.len()).rev().filter(|&end| {
            key.is_char_boundary(end)
                && key[end..].starts_with('_')
                && symbols.contains(&key[..end])
        });
        longest_first.into_iter().find_map(|end| {
            let rest = &key[end + 1..];
            let (digits, rest) = rest.split_once('_').unwrap_or((rest, ""));
            if key.ends_with('_') {
                return None;
            }
            let mut pairs = by_definition(rest, symbols)?;
            pairs.push((key[..end].to_owned(), size(digits)?));
            Some(pairs)
        })
    }

    /// Every short key of a small alphabet, read with symbols that stand in each other's way.
    #[test]
    fn agrees_with_the_definition() {
        let symbols = BTreeSet::from(["a", "a_", "a_1", "a_1_a", "a1", "a_1_1"]);
        let mut keys = vec![String::new()];
        for _ in 0..9 {
            let longer: Vec<String> = (keys.iter())
                .flat_map(|key| ["a", "1", "_"].map(|next| format!("{key}{next}")))
                .collect();
            for key in &longer {
                let expected = by_definition(key, &symbols).and_then(|pairs| {
                    let count = pairs.len();
                    let sizes: BTreeMap<String, usize> = pairs.into_iter().collect();
                    (sizes.len() == count).then_some(sizes)
                });
                assert_eq!(benchmark_sizes(key, &symbols), expected, "{key}");
            }
            keys = longer;
        }
    }
}
