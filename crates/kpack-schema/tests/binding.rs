//! Shapes and parameters meet a signature: sizes, lengths and the parameter block.
#![allow(clippy::unwrap_used, reason = "a failed test may panic")]

use kpack_schema::{
    BindError, Binding, HostPolicy, KernelManifest, ParamValue, Signature, align_up,
};
use proptest::prelude::*;
use serde_json::{Value, json};

const GOOD: &str = include_str!("manifests/good.json");

fn signature(inputs: Value, outputs: Value, params: Value, scratch: Option<Value>) -> Signature {
    let mut document: Value = serde_json::from_str(GOOD).unwrap();
    let kernel = &mut document["kernels"][0];
    kernel["inputs"] = inputs;
    kernel["outputs"] = outputs;
    kernel["params"] = params;
    kernel["parallel_dims"] = json!([]);
    if let Some(scratch) = scratch {
        kernel["scratch"] = scratch;
    }
    let manifest = KernelManifest::from_json(&document.to_string()).unwrap();
    manifest.check(&HostPolicy::default()).unwrap().kernels()[0]
        .signature()
        .clone()
}

fn tensor(name: &str, shape: Value) -> Value {
    json!({"name": name, "dtype": "f32", "shape": shape})
}

fn rope() -> Signature {
    signature(
        json!([
            tensor("x", json!(["batch", "seq", "heads", "dim"])),
            tensor("freqs", json!(["seq", 2, "half"]))
        ]),
        json!([tensor("y", json!(["batch", "seq", "heads", "dim"]))]),
        json!({"interleaved": {"type": "bool", "default": false}}),
        None,
    )
}

fn rope_freqs() -> Signature {
    signature(
        json!([{"name": "positions", "dtype": "i32", "shape": ["seq"]}]),
        json!([tensor("freqs", json!(["seq", 2, "half"]))]),
        json!({"theta": {"type": "f32", "default": 10000}, "half": {"type": "u32", "default": null}}),
        None,
    )
}

fn words(binding: &Binding) -> Vec<u32> {
    let words = binding.params_block().chunks_exact(4);
    words
        .map(|word| u32::from_le_bytes(word.try_into().unwrap()))
        .collect()
}

#[test]
fn the_parameter_block_of_rope_is_24_bytes() {
    let x: &[usize] = &[1, 7, 4, 64];
    let params = [("interleaved", ParamValue::Bool(true))];
    let binding = rope()
        .bind_shapes(&[("x", x), ("freqs", &[7, 2, 32])], &params)
        .unwrap();
    assert_eq!(words(&binding), [1, 7, 4, 64, 32, 1]);
    assert_eq!(binding.inputs()[1].byte_len, 7 * 2 * 32 * 4);
    assert_eq!(binding.outputs()[0].shape, x);
    assert_eq!(binding.symbol("half"), Some(32));
}

#[test]
fn a_symbol_bound_by_a_parameter_stands_in_both_lists() {
    let binding = rope_freqs()
        .bind_dims(&[("seq", 3)], &[("half", 32.into())])
        .unwrap();
    assert_eq!(words(&binding), [3, 32, 32, 10_000_f32.to_bits()]);
    assert_eq!(binding.outputs()[0].shape, [3, 2, 32]);
    for half in [0, -1] {
        let error = rope_freqs()
            .bind_dims(&[("seq", 3)], &[("half", half.into())])
            .unwrap_err();
        assert!(
            matches!(
                error.kind(),
                "parameter_out_of_bounds" | "invalid_parameter"
            ),
            "{error}"
        );
    }
    let error = rope_freqs()
        .bind_dims(&[("seq", 3), ("half", 32)], &[("half", 32.into())])
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "unknown dimension (known are seq): `half`"
    );
}

#[test]
fn parameters_stand_sorted_by_name_whatever_their_order_in_the_document() {
    let params = r#"{"b":{"type":"f64","default":2},"a":{"type":"u32","default":1},"c":{"type":"i32","default":-3}}"#;
    let reordered = r#"{"c":{"type":"i32","default":-3},"a":{"type":"u32","default":1},"b":{"type":"f64","default":2}}"#;
    let block = |params: &str| {
        let x = json!([tensor("x", json!(["n"]))]);
        let signature = signature(x, json!([]), serde_json::from_str(params).unwrap(), None);
        signature
            .bind_dims(&[("n", 5)], &[])
            .unwrap()
            .params_block()
            .to_vec()
    };
    let mut expected = Vec::new();
    expected.extend(5_u32.to_le_bytes());
    expected.extend(1_u32.to_le_bytes());
    expected.extend(2_f64.to_le_bytes());
    expected.extend((-3_i32).to_le_bytes());
    assert_eq!(block(params), expected);
    assert_eq!(block(reordered), expected);
}

#[test]
fn expressions_are_computed_after_all_bare_symbols() {
    let signature = signature(
        json!([tensor("a", json!(["dim/2"])), tensor("b", json!(["dim"]))]),
        json!([tensor("y", json!(["dim*2"]))]),
        json!({}),
        Some(json!({"dtype": "i8", "shape": ["dim/2", 3]})),
    );
    let binding = signature
        .bind_shapes(&[("a", &[4]), ("b", &[8])], &[])
        .unwrap();
    assert_eq!(words(&binding), [8]);
    assert_eq!(binding.outputs()[0].shape, [16]);
    assert_eq!(binding.scratch().unwrap().byte_len, 12);
    let error = signature
        .bind_shapes(&[("a", &[5]), ("b", &[8])], &[])
        .unwrap_err();
    assert_eq!(error.to_string(), "shape of a must be [dim/2] = [4]: `[5]`");
    assert!(matches!(
        signature.bind_dims(&[("dim", 7)], &[]),
        Err(BindError::Dimension { .. })
    ));
}

#[test]
fn every_mistake_of_the_caller_has_its_own_error() {
    let rope = rope();
    let x: &[usize] = &[1, 7, 4, 64];
    let freqs: &[usize] = &[7, 2, 32];
    type Shapes<'a> = Vec<(&'a str, &'a [usize])>;
    let shapes: [(Shapes<'_>, &str); 8] = [
        (vec![("x", x)], "missing_input"),
        (vec![("x", x), ("freqs", freqs), ("y", x)], "unknown_input"),
        (vec![("x", x), ("x", x), ("freqs", freqs)], "repeated_input"),
        (vec![("x", &[7, 4, 64]), ("freqs", freqs)], "wrong_shape"),
        (vec![("x", x), ("freqs", &[8, 2, 32])], "wrong_shape"),
        (vec![("x", x), ("freqs", &[7, 3, 32])], "wrong_shape"),
        (
            vec![("x", &[1, 7, 0, 64]), ("freqs", freqs)],
            "invalid_dimension",
        ),
        (
            vec![("x", &[1, 7, (1 << 31) + 1, 64]), ("freqs", freqs)],
            "invalid_dimension",
        ),
    ];
    for (shapes, kind) in shapes {
        assert_eq!(
            rope.bind_shapes(&shapes, &[]).unwrap_err().kind(),
            kind,
            "{shapes:?}"
        );
    }
    let good = [
        ("batch", 1),
        ("seq", 7),
        ("heads", 4),
        ("dim", 64),
        ("half", 32),
    ];
    assert!(rope.bind_dims(&good, &[]).is_ok());
    let dims = [
        (good[..4].to_vec(), "missing_dimension"),
        ([&good[..], &[("rows", 1)]].concat(), "unknown_dimension"),
        ([&good[..], &[("seq", 7)]].concat(), "repeated_dimension"),
        ([&[("batch", 0)], &good[1..]].concat(), "invalid_dimension"),
    ];
    for (dims, kind) in dims {
        assert_eq!(
            rope.bind_dims(&dims, &[]).unwrap_err().kind(),
            kind,
            "{dims:?}"
        );
    }
    let flag = ParamValue::Bool(true);
    let params: [(Vec<(&str, ParamValue)>, &str); 3] = [
        (vec![("interleave", flag)], "unknown_parameter"),
        (
            vec![("interleaved", flag), ("interleaved", flag)],
            "repeated_parameter",
        ),
        (vec![("interleaved", 1.into())], "invalid_parameter"),
    ];
    for (params, kind) in params {
        assert_eq!(rope.bind_dims(&good, &params).unwrap_err().kind(), kind);
    }
    assert_eq!(
        rope_freqs()
            .bind_dims(&[("seq", 1)], &[])
            .unwrap_err()
            .kind(),
        "missing_parameter"
    );
}

#[test]
fn bounds_hold_in_the_parameters_own_precision() {
    let norm = signature(
        json!([tensor("x", json!(["n"]))]),
        json!([]),
        json!({"eps": {"type": "f32", "default": 0.1, "min": 0, "max": 0.1}}),
        None,
    );
    assert!(norm.bind_dims(&[("n", 1)], &[("eps", 0.1.into())]).is_ok());
    let error = norm
        .bind_dims(&[("n", 1)], &[("eps", 0.2.into())])
        .unwrap_err();
    assert_eq!(error.to_string(), "parameter eps must be 0.0 to 0.1: `0.2`");
    for value in [f64::NAN, f64::INFINITY, 1e39] {
        assert_eq!(
            norm.bind_dims(&[("n", 1)], &[("eps", value.into())])
                .unwrap_err()
                .kind(),
            "invalid_parameter"
        );
    }
}

#[test]
fn partial_blocks_and_lengths_beyond_64_bits_are_refused_at_bind() {
    let q8 = json!([{"name": "k", "dtype": "q8", "shape": ["rows", "dim"]}]);
    let signature = signature(
        q8,
        json!([tensor("y", json!(["rows", "dim", "rows", "dim"]))]),
        json!({}),
        None,
    );
    assert_eq!(
        signature
            .bind_dims(&[("rows", 2), ("dim", 64)], &[])
            .unwrap()
            .inputs()[0]
            .byte_len,
        136
    );
    assert_eq!(
        signature
            .bind_dims(&[("rows", 2), ("dim", 48)], &[])
            .unwrap_err()
            .kind(),
        "invalid_length"
    );
    let huge = 1 << 31;
    assert_eq!(
        signature
            .bind_dims(&[("rows", huge), ("dim", huge)], &[])
            .unwrap_err()
            .kind(),
        "invalid_length"
    );
}

fn param_type() -> impl Strategy<Value = (&'static str, u32)> {
    prop::sample::select(vec![
        ("f32", 4),
        ("f64", 8),
        ("i32", 4),
        ("i64", 8),
        ("u32", 4),
        ("u64", 8),
    ])
}

proptest! {
    #[test]
    fn binding_by_shapes_and_by_dims_agree(batch in 1_usize..9, seq in 1_usize..99, heads in 1_usize..33, half in 1_usize..99) {
        let dim = half * 2;
        let x: &[usize] = &[batch, seq, heads, dim];
        let by_shapes = rope().bind_shapes(&[("freqs", &[seq, 2, half]), ("x", x)], &[]).unwrap();
        let dims = [("half", half), ("dim", dim), ("heads", heads), ("seq", seq), ("batch", batch)];
        prop_assert_eq!(by_shapes, rope().bind_dims(&dims, &[]).unwrap());
    }

    #[test]
    fn every_parameter_stands_aligned_behind_the_one_before(types in prop::collection::vec(param_type(), 0..12)) {
        let params: serde_json::Map<String, Value> = types
            .iter()
            .enumerate()
            .map(|(index, (name, _))| (format!("p{index:02}"), json!({"type": name, "default": index + 1})))
            .collect();
        let signature = signature(json!([tensor("x", json!(["n"]))]), json!([]), Value::Object(params), None);
        let binding = signature.bind_dims(&[("n", 3)], &[]).unwrap();
        let block = binding.params_block();
        let mut end = 4_u64;
        for (index, (name, size)) in types.iter().enumerate() {
            let at = align_up(end, u64::from(*size)).unwrap();
            prop_assert!(block[usize::try_from(end).unwrap()..usize::try_from(at).unwrap()].iter().all(|&b| b == 0));
            end = at + u64::from(*size);
            let stored = &block[usize::try_from(at).unwrap()..usize::try_from(end).unwrap()];
            let value = u64::try_from(index + 1).unwrap();
            #[expect(clippy::cast_precision_loss, reason = "the value is below 13")]
            let expected = match *name {
                "f32" => (value as f32).to_le_bytes().to_vec(),
                "f64" => (value as f64).to_le_bytes().to_vec(),
                _ => value.to_le_bytes()[..stored.len()].to_vec(),
            };
            prop_assert_eq!(stored, expected);
        }
        prop_assert_eq!(u64::try_from(block.len()).unwrap(), end);
    }
}
