//! The native loops agree with the oracle, for odd sizes and every layout.

use kpack_reference::{PairLayout, RopeShape, native, oracle};
use proptest::collection::vec;
use proptest::prelude::*;

/// Ordinary activations, with zeros and small magnitudes among them.
fn value() -> impl Strategy<Value = f32> {
    prop_oneof![8 => -8.0_f32..8.0, 1 => Just(0.0), 1 => -1e-3_f32..1e-3]
}

fn tensor(length: usize) -> impl Strategy<Value = Vec<f32>> {
    vec(value(), length)
}

/// exp overflows `f32` for gates below -88.7, where the true product is still a little above 0.
const FLOOR: f64 = 3e-36;

/// |got - exact| <= tolerance * scale, where scale is the largest magnitude of the row.
fn assert_close(got: &[f32], exact: &[f64], row: usize, tolerance: f64) {
    assert_eq!(got.len(), exact.len());
    for (got, exact) in got.chunks(row).zip(exact.chunks(row)) {
        let scale = exact
            .iter()
            .fold(0.0_f64, |scale, value| scale.max(value.abs()));
        for (&got, &exact) in got.iter().zip(exact) {
            let error = (f64::from(got) - exact).abs();
            assert!(error <= tolerance * scale + FLOOR, "{got} against {exact}");
        }
    }
}

proptest! {
    #[test]
    fn rmsnorm_agrees(
        (x, weight) in (1_usize..5, 1_usize..70).prop_flat_map(|(rows, hidden)| {
            (tensor(rows * hidden), tensor(hidden))
        }),
        eps in prop::sample::select(vec![1e-6_f32, 1e-5, 1e-2]),
        weight_offset in prop::sample::select(vec![0.0_f32, 1.0]),
    ) {
        let mut y = vec![f32::NAN; x.len()];
        native::rmsnorm(&x, &weight, eps, weight_offset, &mut y);
        assert_close(&y, &oracle::rmsnorm(&x, &weight, eps, weight_offset), weight.len(), 2e-6);
    }

    #[test]
    fn swiglu_agrees(
        (gate, up) in (1_usize..70).prop_flat_map(|length| {
            (vec(-100.0_f32..100.0, length), tensor(length))
        }),
    ) {
        let mut y = vec![f32::NAN; gate.len()];
        native::swiglu(&gate, &up, &mut y);
        assert_close(&y, &oracle::swiglu(&gate, &up), 1, 1e-6);
    }

    #[test]
    fn rope_agrees(
        (shape, x, freqs) in (1_usize..3, 1_usize..4, 1_usize..6, 0_usize..20, 0_usize..5)
            .prop_flat_map(|(batch, seq, heads, half, rest)| {
                let shape = RopeShape { batch, seq, heads, dim: 2 * half + rest, half };
                (Just(shape), tensor(shape.elements()), tensor(shape.table_elements()))
            }),
        layout in prop::sample::select(vec![PairLayout::Half, PairLayout::Interleaved]),
    ) {
        let mut y = vec![f32::NAN; x.len()];
        native::rope(shape, layout, &x, &freqs, &mut y);
        let exact = oracle::rope(shape, layout, &x, &freqs);
        // A difference of products: small against the products, not against itself.
        for (got, exact) in y.iter().zip(&exact) {
            prop_assert!((f64::from(*got) - exact).abs() <= 64.0 * 3e-7);
        }
    }

    #[test]
    fn rope_tables_agree(
        positions in vec(-300_000_i32..300_000, 1..9),
        half in 0_usize..40,
        theta in prop::sample::select(vec![10_000.0_f32, 500_000.0, 1e6]),
    ) {
        let mut freqs = vec![f32::NAN; positions.len() * 2 * half];
        native::rope_freqs(&positions, half, theta, &mut freqs);
        let exact = oracle::rope_freqs(&positions, half, theta);
        for (got, exact) in freqs.iter().zip(&exact) {
            prop_assert!((f64::from(*got) - exact).abs() <= 6.1e-8);
        }
    }
}

#[test]
fn rows_are_normalised_to_their_weight() {
    let exact = oracle::rmsnorm(&[3.0, 4.0, 0.0, 0.0], &[1.0, 2.0], 0.0, 0.0);
    let root = 12.5_f64.sqrt();
    assert_eq!(exact[..2], [3.0 / root, 8.0 / root]);
    assert!(exact[2].is_nan(), "0 / 0 without eps");
}

#[test]
fn a_quarter_turn_swaps_a_pair_in_either_layout() {
    let shape = RopeShape {
        batch: 1,
        seq: 1,
        heads: 1,
        dim: 5,
        half: 2,
    };
    let freqs = [0.0, 1.0, 1.0, 0.0];
    let x = [1.0, 2.0, 3.0, 4.0, 5.0];
    let halves = oracle::rope(shape, PairLayout::Half, &x, &freqs);
    assert_eq!(halves, [-3.0, 2.0, 1.0, 4.0, 5.0]);
    let neighbours = oracle::rope(shape, PairLayout::Interleaved, &x, &freqs);
    assert_eq!(neighbours, [-2.0, 1.0, 3.0, 4.0, 5.0]);
}

#[test]
fn tables_stay_right_at_long_positions() {
    let freqs = oracle::rope_freqs(&[262_143], 1, 10_000.0);
    // cos and sin of 262143 rad, to 15 digits.
    assert!((freqs[0] - 262_143.0_f64.cos()).abs() < 1e-12);
    assert!((freqs[0].powi(2) + freqs[1].powi(2) - 1.0).abs() < 1e-12);
}

#[test]
fn silu_has_its_known_values() {
    let exact = oracle::swiglu(&[0.0, 1.0, f32::INFINITY, -200.0], &[1.0; 4]);
    assert_eq!(exact[0], 0.0);
    assert!((exact[1] - 0.731_058_578_630_004_9).abs() < 1e-15);
    assert_eq!(exact[2], f64::INFINITY);
    assert!(exact[3].abs() < 1e-80);
}
