//! Every kernel against the f64 oracle, on every engine with every variant: odd sizes, one row, one
//! column, both ends of the range.
#![allow(clippy::unwrap_used, reason = "a failed test may panic")]

mod support;

use half::{bf16, f16};
use kpack::Tensor;
use kpack_conformance::Call;
use kpack_reference::{
    AttentionShape, Element, GeluForm, LoraShape, Mask, PairLayout, RopeShape, oracle,
};
use proptest::collection::vec;
use proptest::prelude::*;
use support::{Exact, Rounding, assert_everywhere, narrow, tensor};

fn config() -> ProptestConfig {
    ProptestConfig {
        cases: 24,
        ..ProptestConfig::default()
    }
}

/// Lengths of rows: around each step of the loops, and one.
fn length() -> impl Strategy<Value = usize> {
    prop_oneof![
        1_usize..=9,
        15_usize..=17,
        31_usize..=34,
        60_usize..=70,
        127_usize..=140
    ]
}

/// Ordinary activations, with zeros and small magnitudes among them.
fn values(length: usize) -> impl Strategy<Value = Vec<f32>> {
    vec(
        prop_oneof![8 => -8.0_f32..8.0, 1 => Just(0.0), 1 => -1e-3_f32..1e-3],
        length,
    )
}

/// Rows of one magnitude each, from denormal numbers to the largest whose sums are numbers.
fn extreme_values(length: usize) -> impl Strategy<Value = Vec<f32>> {
    let magnitude = prop::sample::select(vec![1e-40_f32, 1e-25, 1e-12, 1e12, 1e25, 1e36]);
    (magnitude, vec(-1.0_f32..1.0, length))
        .prop_map(|(magnitude, values)| values.into_iter().map(|x| x * magnitude).collect())
}

fn rows_and<S: Strategy>(
    rows: impl Fn(usize) -> S,
) -> impl Strategy<Value = (usize, usize, S::Value)> {
    (1_usize..=4, length())
        .prop_flat_map(move |(count, width)| (Just(count), Just(width), rows(count * width)))
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn rmsnorm_of_halves(
        (rows, hidden, x) in rows_and(values),
        weight in values(140),
        eps in prop::sample::select(vec![1e-6_f32, 1e-5, 1e-2]),
        weight_offset in prop::sample::select(vec![0.0_f32, 1.0]),
    ) {
        rmsnorm::<f16>("rmsnorm_f16", Rounding::F16, [rows, hidden], &x, &weight, (eps, weight_offset));
        rmsnorm::<bf16>("rmsnorm_bf16", Rounding::Bf16, [rows, hidden], &x, &weight, (eps, weight_offset));
        rmsnorm::<f32>("rmsnorm_f32", Rounding::None, [rows, hidden], &x, &weight, (eps, weight_offset));
    }

    #[test]
    fn rmsnorm_of_extremes((rows, hidden, x) in rows_and(extreme_values), weight in values(140)) {
        rmsnorm::<bf16>("rmsnorm_bf16", Rounding::Bf16, [rows, hidden], &x, &weight, (1e-6, 0.0));
        rmsnorm::<f32>("rmsnorm_f32", Rounding::None, [rows, hidden], &x, &weight, (1e-6, 0.0));
    }

    #[test]
    fn add_rmsnorm((rows, hidden, x) in rows_and(values), residual in values(560), weight in values(140)) {
        let (residual, weight) = (&residual[..x.len()], &weight[..hidden]);
        let (y, sum) = oracle::add_rmsnorm(&x, residual, weight, 1e-5, 1.0);
        let call = Call {
            kernel: "add_rmsnorm_f32",
            inputs: vec![
                ("x", tensor(&[rows, hidden], &x)),
                ("residual", tensor(&[rows, hidden], residual)),
                ("weight", tensor(&[hidden], weight)),
            ],
            params: vec![("eps", 1e-5.into()), ("weight_offset", 1.0.into())],
        };
        assert_everywhere(&call, &[
            ("y", Exact::by_element(y, 2e-6)),
            ("sum", Exact::by_element(sum, 6e-8)),
        ]);
    }

    #[test]
    fn layernorm((rows, hidden, x) in rows_and(values), weight in values(140), bias in values(140)) {
        for_layernorm::<f32>("layernorm_f32", Rounding::None, [rows, hidden], &x, &weight, &bias);
        for_layernorm::<f16>("layernorm_f16", Rounding::F16, [rows, hidden], &x, &weight, &bias);
    }

    #[test]
    fn swiglu_of_halves(
        (rows, width, gate) in rows_and(|length| vec(-100.0_f32..100.0, length)),
        up in values(560),
    ) {
        swiglu::<f16>("swiglu_f16", Rounding::F16, [rows, width], &gate, &up);
        swiglu::<bf16>("swiglu_bf16", Rounding::Bf16, [rows, width], &gate, &up);
        swiglu::<f32>("swiglu_f32", Rounding::None, [rows, width], &gate, &up);
    }

    #[test]
    fn gelu(
        (rows, width, x) in rows_and(|length| vec(prop_oneof![4 => -6.0_f32..6.0, 1 => -1e30_f32..1e30], length)),
        form in prop::sample::select(vec![GeluForm::Erf, GeluForm::Tanh]),
    ) {
        let call = Call {
            kernel: "gelu_f32",
            inputs: vec![("x", tensor(&[rows, width], &x))],
            params: vec![("tanh_approximation", (form == GeluForm::Tanh).into())],
        };
        // What is below -6 is under 1e-8.
        let exact = Exact::by_element(oracle::gelu(&x, form), 3e-6).and_absolute(1e-7);
        assert_everywhere(&call, &[("y", exact)]);
    }

    #[test]
    fn softmax((rows, width, x) in rows_and(|length| vec(-40.0_f32..40.0, length))) {
        let call = Call {
            kernel: "softmax_f32",
            inputs: vec![("x", tensor(&[rows, width], &x))],
            params: vec![],
        };
        let exact = Exact::by_element(oracle::softmax(&x, width), 6e-6).and_absolute(1e-37);
        assert_everywhere(&call, &[("y", exact)]);
    }

    #[test]
    fn rope_of_halves(
        (shape, x, freqs) in (1_usize..3, 1_usize..4, 1_usize..4, 0_usize..20, 0_usize..5).prop_filter_map(
            "there are pairs",
            |(batch, seq, heads, half, rest)| (half > 0).then_some(RopeShape { batch, seq, heads, dim: 2 * half + rest, half }),
        ).prop_flat_map(|shape| (Just(shape), values(shape.elements()), vec(-1.0_f32..1.0, shape.table_elements()))),
        layout in prop::sample::select(vec![PairLayout::Half, PairLayout::Interleaved]),
    ) {
        rope::<f16>("rope_f16", Rounding::F16, shape, layout, &x, &freqs);
        rope::<bf16>("rope_bf16", Rounding::Bf16, shape, layout, &x, &freqs);
        rope::<f32>("rope_f32", Rounding::None, shape, layout, &x, &freqs);
    }

    #[test]
    fn lora(
        (shape, base, x, a, b) in (1_usize..=5, length(), length(), prop_oneof![1_usize..=9, Just(16), Just(17)])
            .prop_flat_map(|(rows, inputs, outputs, rank)| {
                let shape = LoraShape { rows, inputs, outputs, rank };
                let matrices = (values(rank * inputs), values(outputs * rank));
                (Just(shape), values(rows * outputs), values(rows * inputs), matrices.0, matrices.1)
            }),
        scale in prop::sample::select(vec![0.0_f32, 1.0, -2.5]),
    ) {
        for_lora::<f32>("lora_apply_f32", Rounding::None, shape, [&base, &x, &a, &b], scale);
        let small: Vec<f32> = a.iter().map(|a| a / 64.0).collect();
        for_lora::<f16>("lora_apply_f16", Rounding::F16, shape, [&base, &x, &small, &b], scale);
    }

    #[test]
    fn attention(
        (shape, q, k, v) in (1_usize..=4, 0_usize..=20, 1_usize..=3, 1_usize..=5, prop_oneof![1_usize..=20, Just(64), Just(80), Just(128)])
            .prop_flat_map(|(q_seq, more, kv_heads, group, dim)| {
                let shape = AttentionShape { q_seq, kv_seq: q_seq + more, heads: kv_heads * group, kv_heads, dim };
                let (queries, keys) = (shape.query_elements(), shape.key_elements());
                (Just(shape), vec(-2.0_f32..2.0, queries), vec(-2.0_f32..2.0, keys), values(keys))
            }),
        mask in prop::sample::select(vec![Mask::Causal, Mask::None]),
        scale in prop::sample::select(vec![0.0_f32, 0.25]),
    ) {
        let AttentionShape { q_seq, kv_seq, heads, kv_heads, dim } = shape;
        let keys = [kv_seq, kv_heads, dim];
        let call = Call {
            kernel: "attention_f32",
            inputs: vec![
                ("q", tensor(&[q_seq, heads, dim], &q)),
                ("k", tensor(&keys, &k)),
                ("v", tensor(&keys, &v)),
            ],
            params: vec![("causal", (mask == Mask::Causal).into()), ("scale", f64::from(scale).into())],
        };
        let exact = oracle::attention(shape, mask, scale, &q, &k, &v);
        // A score of up to 128 is rounded before it is exponentiated.
        assert_everywhere(&call, &[("y", Exact::by_row(exact, dim, 3e-5))]);
    }
}

fn rmsnorm<T: Element + kpack::Element>(
    kernel: &'static str,
    rounding: Rounding,
    [rows, hidden]: [usize; 2],
    x: &[f32],
    weight: &[f32],
    (eps, weight_offset): (f32, f32),
) {
    let (x, weight) = (narrow::<T>(x), narrow::<T>(&weight[..hidden]));
    let exact = oracle::rmsnorm(&x, &weight, eps, weight_offset);
    let call = Call {
        kernel,
        inputs: vec![
            ("x", Tensor::new(&[rows, hidden], x).unwrap()),
            ("weight", Tensor::new(&[hidden], weight).unwrap()),
        ],
        params: vec![
            ("eps", f64::from(eps).into()),
            ("weight_offset", f64::from(weight_offset).into()),
        ],
    };
    let exact = Exact::by_element(exact, 2e-6)
        .and_absolute(1e-44)
        .rounded(rounding);
    assert_everywhere(&call, &[("y", exact)]);
}

fn for_layernorm<T: Element + kpack::Element>(
    kernel: &'static str,
    rounding: Rounding,
    [rows, hidden]: [usize; 2],
    x: &[f32],
    weight: &[f32],
    bias: &[f32],
) {
    let (x, weight, bias) = (
        narrow::<T>(x),
        narrow::<T>(&weight[..hidden]),
        narrow::<T>(&bias[..hidden]),
    );
    let exact = oracle::layernorm(&x, &weight, &bias, 1e-2);
    let call = Call {
        kernel,
        inputs: vec![
            ("x", Tensor::new(&[rows, hidden], x).unwrap()),
            ("weight", Tensor::new(&[hidden], weight).unwrap()),
            ("bias", Tensor::new(&[hidden], bias).unwrap()),
        ],
        params: vec![("eps", 1e-2.into())],
    };
    let exact = Exact::by_row(exact, hidden, 2e-5)
        .and_absolute(2e-5)
        .rounded(rounding);
    assert_everywhere(&call, &[("y", exact)]);
}

fn swiglu<T: Element + kpack::Element>(
    kernel: &'static str,
    rounding: Rounding,
    shape: [usize; 2],
    gate: &[f32],
    up: &[f32],
) {
    let (gate, up) = (narrow::<T>(gate), narrow::<T>(&up[..gate.len()]));
    let exact = oracle::swiglu(&gate, &up);
    let call = Call {
        kernel,
        inputs: vec![
            ("gate", Tensor::new(&shape, gate).unwrap()),
            ("up", Tensor::new(&shape, up).unwrap()),
        ],
        params: vec![],
    };
    // The exponential overflows for gates below -88.7, where the product is still above 0.
    let exact = Exact::by_element(exact, 1.5e-6)
        .and_absolute(3e-36)
        .rounded(rounding);
    assert_everywhere(&call, &[("y", exact)]);
}

fn rope<T: Element + kpack::Element>(
    kernel: &'static str,
    rounding: Rounding,
    shape: RopeShape,
    layout: PairLayout,
    x: &[f32],
    freqs: &[f32],
) {
    let x = narrow::<T>(x);
    let exact = oracle::rope(shape, layout, &x, freqs);
    let RopeShape {
        batch,
        seq,
        heads,
        dim,
        half,
    } = shape;
    let call = Call {
        kernel,
        inputs: vec![
            ("x", Tensor::new(&[batch, seq, heads, dim], x).unwrap()),
            ("freqs", tensor(&[seq, 2, half], freqs)),
        ],
        params: vec![("interleaved", (layout == PairLayout::Interleaved).into())],
    };
    // A difference of products of up to 8: small against these, not against itself.
    let exact = Exact::by_element(exact, 1e-7)
        .and_absolute(2e-6)
        .rounded(rounding);
    assert_everywhere(&call, &[("y", exact)]);
}

fn for_lora<T: Element + kpack::Element>(
    kernel: &'static str,
    rounding: Rounding,
    shape: LoraShape,
    tensors: [&[f32]; 4],
    scale: f32,
) {
    let [base, x, a, b] = tensors.map(narrow::<T>);
    let exact = oracle::lora_apply(shape, &base, &x, &a, &b, scale);
    let LoraShape {
        rows,
        inputs,
        outputs,
        rank,
    } = shape;
    let call = Call {
        kernel,
        inputs: vec![
            ("base", Tensor::new(&[rows, outputs], base).unwrap()),
            ("x", Tensor::new(&[rows, inputs], x).unwrap()),
            ("lora_a", Tensor::new(&[rank, inputs], a).unwrap()),
            ("lora_b", Tensor::new(&[outputs, rank], b).unwrap()),
        ],
        params: vec![("scale", f64::from(scale).into())],
    };
    // Sums of up to 17 * 140 products of up to 8^3, times the scale, of which few roundings add up.
    let exact = Exact::by_row(exact, outputs, 1e-5)
        .and_absolute(2e-2)
        .rounded(rounding);
    assert_everywhere(&call, &[("y", exact)]);
}
