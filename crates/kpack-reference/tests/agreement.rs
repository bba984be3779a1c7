//! The native loops agree with the oracle, for odd sizes and every layout.

mod support;

use half::{bf16, f16};
use kpack_reference::{AttentionShape, Element, GeluForm, LoraShape, Mask};
use kpack_reference::{PairLayout, RopeShape, native, oracle};
use proptest::collection::vec;
use proptest::prelude::*;
use support::{assert_close, tensor};

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
    fn add_rmsnorm_agrees(
        (x, residual, weight) in (1_usize..5, 1_usize..70).prop_flat_map(|(rows, hidden)| {
            (tensor(rows * hidden), tensor(rows * hidden), tensor(hidden))
        }),
    ) {
        let (mut y, mut sum) = (vec![f32::NAN; x.len()], vec![f32::NAN; x.len()]);
        native::add_rmsnorm(&x, &residual, &weight, 1e-5, 0.0, &mut y, &mut sum);
        let (exact_y, exact_sum) = oracle::add_rmsnorm(&x, &residual, &weight, 1e-5, 0.0);
        assert_close(&sum, &exact_sum, 1, 6e-8);
        assert_close(&y, &exact_y, weight.len(), 2e-6);
    }

    #[test]
    fn layernorm_agrees(
        (x, weight, bias) in (1_usize..5, 1_usize..70).prop_flat_map(|(rows, hidden)| {
            (tensor(rows * hidden), tensor(hidden), tensor(hidden))
        }),
    ) {
        let mut y = vec![f32::NAN; x.len()];
        native::layernorm(&x, &weight, &bias, 1e-2, &mut y);
        assert_close(&y, &oracle::layernorm(&x, &weight, &bias, 1e-2), weight.len(), 1e-5);
    }

    #[test]
    fn gelu_agrees(
        x in vec(-12.0_f32..12.0, 1..70),
        form in prop::sample::select(vec![GeluForm::Erf, GeluForm::Tanh]),
    ) {
        let mut y = vec![f32::NAN; x.len()];
        native::gelu(&x, form, &mut y);
        // The argument of the exponential is up to 130 and rounded before it is used.
        assert_close(&y, &oracle::gelu(&x, form), 1, 4e-5);
    }

    #[test]
    fn softmax_agrees((width, x) in (1_usize..70).prop_flat_map(|width| {
        (Just(width), vec(-30.0_f32..30.0, 3 * width))
    })) {
        let mut y = vec![f32::NAN; x.len()];
        native::softmax(&x, width, &mut y);
        assert_close(&y, &oracle::softmax(&x, width), 1, 1e-5);
    }

    #[test]
    fn lora_agrees(
        (shape, base, x, a, b) in (1_usize..4, 1_usize..40, 1_usize..40, 1_usize..9)
            .prop_flat_map(|(rows, inputs, outputs, rank)| {
                let shape = LoraShape { rows, inputs, outputs, rank };
                let matrices = (tensor(rank * inputs), tensor(outputs * rank));
                (Just(shape), tensor(rows * outputs), tensor(rows * inputs), matrices.0, matrices.1)
            }),
        scale in prop::sample::select(vec![0.0_f32, 1.0, -2.5]),
    ) {
        let mut y = vec![f32::NAN; base.len()];
        native::lora_apply(shape, &base, &x, &a, &b, scale, &mut y);
        let exact = oracle::lora_apply(shape, &base, &x, &a, &b, scale);
        // Sums of up to 360 products of up to 8^3, times the scale.
        for (got, exact) in y.iter().zip(&exact) {
            prop_assert!((f64::from(*got) - exact).abs() <= 2.5 * 360.0 * 512.0 * 6e-8);
        }
    }

    #[test]
    fn attention_agrees(
        (shape, q, k, v) in (1_usize..4, 0_usize..9, 1_usize..4, 1_usize..4, 1_usize..20)
            .prop_flat_map(|(q_seq, more, kv_heads, group, dim)| {
                let kv_seq = q_seq + more;
                let shape = AttentionShape { q_seq, kv_seq, heads: kv_heads * group, kv_heads, dim };
                let keys = shape.key_elements();
                (Just(shape), tensor(shape.query_elements()), tensor(keys), tensor(keys))
            }),
        mask in prop::sample::select(vec![Mask::Causal, Mask::None]),
        scale in prop::sample::select(vec![0.0_f32, 0.25]),
    ) {
        let mut y = vec![f32::NAN; q.len()];
        native::attention(shape, mask, scale, &q, &k, &v, &mut y);
        // A score is up to 1280 and rounded before it is exponentiated.
        assert_close(&y, &oracle::attention(shape, mask, scale, &q, &k, &v), shape.dim, 1e-3);
    }

    #[test]
    fn half_precision_is_rounded_once(
        (x, weight) in (1_usize..70).prop_flat_map(|hidden| (tensor(hidden), tensor(hidden))),
    ) {
        rounds_once::<f16>(&x, &weight);
        rounds_once::<bf16>(&x, &weight);
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

/// The kernel of halves is that of their `f32` values, rounded at the end.
fn rounds_once<T: Element + PartialEq + std::fmt::Debug>(x: &[f32], weight: &[f32]) {
    let narrow = |wide: &[f32]| -> Vec<T> { wide.iter().map(|&x| T::round(x)).collect() };
    let (x, weight) = (narrow(x), narrow(weight));
    let widen = |halves: &[T]| -> Vec<f32> { halves.iter().map(|x| x.widen()).collect() };
    let mut wide = vec![f32::NAN; x.len()];
    native::rmsnorm(&widen(&x), &widen(&weight), 1e-5, 0.0, &mut wide);
    let mut y = vec![T::round(f32::NAN); x.len()];
    native::rmsnorm(&x, &weight, 1e-5, 0.0, &mut y);
    assert_eq!(y, narrow(&wide));
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
