mod json;

use kpack_differential::Chance;

use crate::seeds::Seeds;
use crate::targets::Form;

/// Makes inputs that are almost right, the same ones from the same seed.
pub struct Mutator<'a> {
    seeds: &'a Seeds,
    /// The seeds that are JSON, as trees.
    trees: Vec<serde_json::Value>,
    chance: Chance,
}

/// No mutant grows longer than this, or than its seed.
const MOST_BYTES: usize = 16 * 1024;

impl<'a> Mutator<'a> {
    /// A mutator of these seeds.
    #[must_use]
    pub fn new(seeds: &'a Seeds, form: Form, seed: u64) -> Self {
        let trees = match form {
            Form::Bytes => Vec::new(),
            Form::Json => {
                let inputs = seeds.inputs.iter();
                inputs
                    .filter_map(|input| serde_json::from_slice(input).ok())
                    .collect()
            }
        };
        Self {
            seeds,
            trees,
            chance: Chance::new(seed),
        }
    }

    /// The next mutant.
    pub fn mutant(&mut self) -> Vec<u8> {
        if !self.trees.is_empty() && self.chance.once_in(2) {
            let mut tree = self.trees[self.chance.below(self.trees.len())].clone();
            for _ in 0..=self.chance.below(3) {
                json::change(&mut tree, &self.trees, &mut self.chance);
            }
            return tree.to_string().into_bytes();
        }
        let mut bytes = self.seed().to_vec();
        for _ in 0..=self.chance.below(4) {
            self.change(&mut bytes);
        }
        bytes
    }

    fn seed(&mut self) -> &'a [u8] {
        &self.seeds.inputs[self.chance.below(self.seeds.inputs.len())]
    }

    /// One change of those that libFuzzer and AFL make.
    fn change(&mut self, bytes: &mut Vec<u8>) {
        if bytes.is_empty() {
            bytes.push(self.byte());
            return;
        }
        let at = self.chance.below(bytes.len());
        let length = 1 + self.chance.below(8.min(bytes.len() - at));
        match self.chance.below(9) {
            0 => bytes[at] ^= 1 << self.chance.below(8),
            1 => bytes[at] = self.byte(),
            2 => bytes[at] = bytes[at].wrapping_add(self.chance.pick(&[1, 255, 16, 240])),
            3 => drop(bytes.drain(at..at + length)),
            4 => {
                let copied = bytes[at..at + length].to_vec();
                let to = self.chance.below(bytes.len() + 1);
                bytes.splice(to..to, copied);
            }
            5 => {
                let other = self.chance.below(bytes.len());
                bytes.swap(at, other);
            }
            6 if !self.seeds.words.is_empty() => {
                let word = &self.seeds.words[self.chance.below(self.seeds.words.len())];
                let replaced = self.chance.below(word.len().min(bytes.len() - at) + 1);
                bytes.splice(at..at + replaced, word.iter().copied());
            }
            7 => {
                let other = self.seed();
                let from = self.chance.below(other.len().max(1)).min(other.len());
                bytes.truncate(at);
                bytes.extend(&other[from..]);
            }
            _ => bytes.truncate(at),
        }
        let most = MOST_BYTES.max(self.seeds.inputs.iter().map(Vec::len).max().unwrap_or(0));
        bytes.truncate(most);
    }

    fn byte(&mut self) -> u8 {
        if self.chance.once_in(2) {
            return self
                .chance
                .pick(&[0, 1, 0x7f, 0x80, 0xff, b'"', b'{', b'}', b'[', b'0', b'-']);
        }
        self.chance.next().to_le_bytes()[0]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seeds() -> Seeds {
        Seeds {
            inputs: vec![br#"{"a":[1,2,{"b":"c"}]}"#.to_vec(), b"[0]".to_vec()],
            words: vec![b"word".to_vec()],
        }
    }

    #[test]
    fn a_seed_gives_the_same_mutants_every_time() {
        let seeds = seeds();
        let run = |seed| {
            let mut mutator = Mutator::new(&seeds, Form::Json, seed);
            (0..500).map(|_| mutator.mutant()).collect::<Vec<_>>()
        };
        assert_eq!(run(1), run(1));
        assert_ne!(run(1), run(2));
    }

    #[test]
    fn mutants_differ_and_many_of_a_tree_are_still_one() {
        let seeds = seeds();
        let mut mutator = Mutator::new(&seeds, Form::Json, 3);
        let mutants: Vec<_> = (0..1000).map(|_| mutator.mutant()).collect();
        let distinct: std::collections::BTreeSet<_> = mutants.iter().collect();
        assert!(distinct.len() > 500, "{}", distinct.len());
        let parsed = mutants
            .iter()
            .filter(|m| serde_json::from_slice::<serde_json::Value>(m).is_ok());
        let parsed = parsed.count();
        assert!((400..1000).contains(&parsed), "{parsed}");
    }
}
