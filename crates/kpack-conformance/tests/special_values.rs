//! What is not finite, and what does not fit, on every engine with every variant.
#![allow(clippy::unwrap_used, reason = "a failed test may panic")]

mod support;

use kpack::{CallError, ParamValue, Tensor};
use kpack_conformance::Call;
use kpack_reference::{AttentionShape, GeluForm, Mask, oracle};
use kpack_schema::Status;
use support::{Exact, assert_everywhere, everywhere, tensor};

const INF: f32 = f32::INFINITY;
const NAN: f32 = f32::NAN;

fn call(
    kernel: &'static str,
    inputs: Vec<(&'static str, Tensor)>,
    params: Vec<(&'static str, ParamValue)>,
) -> Call {
    Call {
        kernel,
        inputs,
        params,
    }
}

/// Rows of 40 elements: one clean, one with NaN, one with an infinity, one of zeros.
fn rows() -> Vec<f32> {
    let clean = |i: usize| f32::from(u8::try_from(i % 7).unwrap()) - 2.5;
    let mut x: Vec<f32> = (0..160).map(clean).collect();
    x[43] = NAN;
    x[117] = -INF;
    x[120..].fill(0.0);
    x
}

#[test]
fn what_is_not_finite_stays_in_its_row() {
    let (x, ones) = (rows(), vec![1.0_f32; 40]);
    let zeros = vec![0.0_f32; 160];
    let [rows, row] = [[4, 40], [40, 1]].map(|shape: [usize; 2]| shape);
    let weight = tensor(&row[..1], &ones);
    let norm = call(
        "rmsnorm_f32",
        vec![("x", tensor(&rows, &x)), ("weight", weight.clone())],
        vec![],
    );
    let y = oracle::rmsnorm(&x, &ones, 1e-5, 0.0);
    assert_everywhere(&norm, &[("y", Exact::by_element(y.clone(), 2e-6))]);

    let inputs = vec![
        ("x", tensor(&rows, &x)),
        ("residual", tensor(&rows, &zeros)),
        ("weight", weight.clone()),
    ];
    let sum = x.iter().map(|&x| f64::from(x)).collect();
    let expected = [
        ("y", Exact::by_element(y, 2e-6)),
        ("sum", Exact::by_element(sum, 0.0)),
    ];
    assert_everywhere(&call("add_rmsnorm_f32", inputs, vec![]), &expected);

    let inputs = vec![
        ("x", tensor(&rows, &x)),
        ("weight", weight),
        ("bias", tensor(&row[..1], &ones)),
    ];
    let y = oracle::layernorm(&x, &ones, &ones, 1e-5);
    let expected = [("y", Exact::by_element(y, 1e-5))];
    assert_everywhere(&call("layernorm_f32", inputs, vec![]), &expected);
}

#[test]
fn a_row_of_one_large_number_has_no_variance() {
    // The sum of 67 of them is rounded, and a mean from it alone is none of them.
    let (x, ones) = (vec![123_456.79_f32; 67], vec![1.0_f32; 67]);
    let inputs = vec![
        ("x", tensor(&[1, 67], &x)),
        ("weight", tensor(&[67], &ones)),
        ("bias", tensor(&[67], &ones)),
    ];
    let expected = [("y", Exact::by_element(vec![1.0; 67], 0.0))];
    assert_everywhere(&call("layernorm_f32", inputs, vec![]), &expected);
}

#[test]
fn softmax_masks_and_propagates() {
    let mut x = rows();
    x[0..9].fill(-INF);
    x[80..120].fill(-INF);
    x[150] = INF;
    let y = Exact::by_element(oracle::softmax(&x, 40), 6e-6);
    let softmax = call("softmax_f32", vec![("x", tensor(&[4, 40], &x))], vec![]);
    assert_everywhere(&softmax, &[("y", y)]);
}

#[test]
fn gelu_has_its_limits() {
    let x = [0.0, -0.0, INF, -INF, NAN, 1e38, -1e38, 1e-40, -1e-40];
    for form in [GeluForm::Erf, GeluForm::Tanh] {
        let y = Exact::by_element(oracle::gelu(&x, form), 2e-6);
        let params = vec![("tanh_approximation", (form == GeluForm::Tanh).into())];
        let gelu = call("gelu_f32", vec![("x", tensor(&[1, 9], &x))], params);
        assert_everywhere(&gelu, &[("y", y)]);
    }
}

/// One query for each key, of one element; the scores are the keys.
fn scores(keys: &[f32], values: &[f32]) -> (Call, Exact) {
    let shape = AttentionShape {
        q_seq: keys.len(),
        kv_seq: keys.len(),
        heads: 1,
        kv_heads: 1,
        dim: 1,
    };
    let q = vec![1.0; keys.len()];
    let y = oracle::attention(shape, Mask::Causal, 1.0, &q, keys, values);
    let inputs = [("q", &q[..]), ("k", keys), ("v", values)];
    let inputs = inputs.map(|(name, values)| (name, tensor(&[keys.len(), 1, 1], values)));
    let attention = call("attention_f32", inputs.into(), vec![("scale", 1.0.into())]);
    (attention, Exact::by_element(y, 2e-6))
}

#[test]
fn attention_follows_the_softmax_of_what_it_has_seen() {
    let count = 19;
    let values: Vec<f32> = (1..=19_u8).map(f32::from).collect();
    let mut keys = vec![0.5_f32; count];
    // Nothing but minus infinity for the first queries: 0 / 0, until a score comes that is not.
    keys[..11].fill(-INF);
    let (attention, y) = scores(&keys, &values);
    assert_everywhere(&attention, &[("y", y)]);
    // A rising maximum in every block, then NaN, then plus infinity.
    for (special, at) in [(1e30, 12), (NAN, 12), (INF, 3)] {
        let mut keys: Vec<f32> = (0..19_u8).map(|i| f32::from(i) * 3.0).collect();
        keys[at] = special;
        let (attention, y) = scores(&keys, &values);
        assert_everywhere(&attention, &[("y", y)]);
    }
}

/// The status that a kernel gave, on every engine with every variant.
fn assert_invalid_input(call: &Call) {
    for (who, pack) in everywhere() {
        let kernel = pack.kernel(call.kernel).unwrap();
        let mut builder = kernel.call();
        for (name, tensor) in &call.inputs {
            builder = builder.input(name, tensor).unwrap();
        }
        for &(name, value) in &call.params {
            builder = builder.param(name, value).unwrap();
        }
        let error = builder.run().unwrap_err();
        let is_rejected =
            matches!(&error, CallError::Rejected { status, .. } if *status == Status::InvalidInput);
        assert!(is_rejected, "{} by {who}: {error:?}", call.kernel);
    }
}

#[test]
fn heads_that_do_not_share_evenly_are_refused() {
    let [q, k] = [[2, 3, 32], [2, 2, 32]].map(|shape| tensor(&shape, &vec![1.0; 64 * shape[1]]));
    let inputs = vec![("q", q), ("k", k.clone()), ("v", k)];
    assert_invalid_input(&call("attention_f32", inputs, vec![]));
}

#[test]
fn queries_without_a_key_of_their_own_are_refused_under_a_mask_only() {
    let [q, k] = [[3, 1, 4], [2, 1, 4]].map(|shape| tensor(&shape, &vec![1.0; 4 * shape[0]]));
    let inputs = vec![("q", q), ("k", k.clone()), ("v", k)];
    assert_invalid_input(&call("attention_f32", inputs.clone(), vec![]));
    let unmasked = call("attention_f32", inputs, vec![("causal", false.into())]);
    assert_everywhere(&unmasked, &[("y", Exact::by_element(vec![1.0; 12], 1e-6))]);
}

#[test]
fn tables_longer_than_a_head_are_refused() {
    let x = Tensor::new(&[1, 1, 1, 4], vec![half::f16::ONE; 4]).unwrap();
    let inputs = vec![("x", x), ("freqs", tensor(&[1, 2, 3], &[1.0; 6]))];
    assert_invalid_input(&call("rope_f16", inputs, vec![]));
}

#[test]
fn a_row_that_is_no_whole_number_of_blocks_is_refused_when_it_is_bound() {
    for (who, pack) in everywhere() {
        for kernel in ["kv_pack_q8", "kv_pack_q4", "kv_unpack_q8", "kv_unpack_q4"] {
            let kernel = pack.kernel(kernel).unwrap();
            let error = kernel.bind(&[("rows", 1), ("dim", 33)], &[]).unwrap_err();
            assert!(matches!(error, CallError::Bind(_)), "{who}: {error:?}");
        }
    }
}
