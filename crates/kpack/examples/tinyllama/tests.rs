#![allow(clippy::unwrap_used, reason = "a failed test may panic")]

use std::collections::BTreeSet;

use kpack::Pack;

use super::*;

/// How far a tensor of a whole run may be off, relative to the largest of its row: transformers sums
/// in another order, and the difference grows from layer to layer.
const OF_ROW: f32 = 1e-5;

/// How far a logit may be off.
const OF_LOGIT: f32 = 5e-4;

fn packs() -> Vec<Pack> {
    let load = |runtime| reference_pack::load(&runtime).unwrap();
    runtimes().unwrap().into_iter().map(load).collect()
}

#[test]
fn every_engine_finds_the_tokens_and_the_tensors_of_transformers() {
    let (model, reference) = (
        Llama::read(&golden()).unwrap(),
        Reference::read(&golden()).unwrap(),
    );
    for pack in packs() {
        let mut seen = BTreeSet::new();
        let mut steps = Vec::new();
        let mut observe = |name: &str, found: &[f32]| {
            if name == "step_logits" {
                steps.extend_from_slice(found);
            } else if seen.insert(name.to_owned()) {
                // The first time is the first prompt, which is what the reference is of.
                assert_near(&reference, name, found);
            }
        };
        let mut watch = Watch::observing(&mut observe);
        for Continuation { prompt, tokens } in reference.continuations().unwrap() {
            let found = model
                .generate(&pack, &prompt, tokens.len(), &mut watch)
                .unwrap();
            assert_eq!(found, tokens, "{}", pack.engine());
        }
        assert_eq!(seen.len(), model.config.num_hidden_layers * 11 + 3);
        let (_, expected) = reference.f32s("gen0.step_logits").unwrap();
        assert_logits(&steps[..expected.len()], &expected);
    }
}

fn assert_near(reference: &Reference, name: &str, found: &[f32]) {
    let (shape, expected) = reference.f32s(name).expect(name);
    if name == "logits" {
        return assert_logits(found, &expected);
    }
    // The reference has [batch, heads, seq, dim] there, the kernels [batch, seq, heads, dim].
    let expected = match *shape {
        [1, heads, seq, dim] => with_axes_swapped(&expected, [heads, seq, dim]),
        _ => expected,
    };
    assert_eq!(found.len(), expected.len(), "{name}");
    let width = *shape.last().unwrap();
    for (row, (found, expected)) in found.chunks(width).zip(expected.chunks(width)).enumerate() {
        let largest = expected
            .iter()
            .fold(0.0, |largest: f32, value| largest.max(value.abs()));
        for (found, expected) in found.iter().zip(expected) {
            let error = (found - expected).abs() / largest;
            assert!(error <= OF_ROW, "{name}, row {row}: {found} for {expected}");
        }
    }
}

fn assert_logits(found: &[f32], expected: &[f32]) {
    assert_eq!(found.len(), expected.len());
    for (index, (found, expected)) in found.iter().zip(expected).enumerate() {
        let error = (found - expected).abs();
        assert!(error <= OF_LOGIT, "logit {index}: {found} for {expected}");
    }
}

/// [a, b, c] as [b, a, c].
fn with_axes_swapped(values: &[f32], [a, b, c]: [usize; 3]) -> Vec<f32> {
    let mut swapped = Vec::with_capacity(values.len());
    for j in 0..b {
        for i in 0..a {
            swapped.extend_from_slice(&values[(i * b + j) * c..][..c]);
        }
    }
    swapped
}
