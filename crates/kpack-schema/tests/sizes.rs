//! Sizes at the ends of what numbers hold, each for one attack. All of it holds on hosts with 32-bit
//! addresses too.
#![allow(clippy::unwrap_used, reason = "a failed test may panic")]

use kpack_schema::{
    DataType, HostPolicy, KernelDescriptor, KernelManifest, ParamValue, Signature, tensor_byte_len,
};
use serde_json::{Value, json};

const GOOD: &str = include_str!("manifests/good.json");

/// The largest dimension.
const LARGEST: usize = 1 << 31;

fn signature(inputs: Value, outputs: Value, params: &str) -> Signature {
    let mut document: Value = serde_json::from_str(GOOD).unwrap();
    let kernel = &mut document["kernels"][0];
    kernel["inputs"] = inputs;
    kernel["outputs"] = outputs;
    kernel["params"] = json!({});
    kernel["parallel_dims"] = json!([]);
    // As text, so that the order of the parameters stays as it is written.
    let text = document
        .to_string()
        .replace("\"params\":{}", &format!("\"params\":{params}"));
    let manifest = KernelManifest::from_json(&text).unwrap();
    let checked = manifest.check(&HostPolicy::default()).unwrap();
    checked.kernels()[0].signature().clone()
}

/// A kernel from `x` to `y`, both of this type and shape.
fn of(dtype: &str, shape: Value) -> Signature {
    let tensor = |name: &str| json!([{"name": name, "dtype": dtype, "shape": shape}]);
    signature(tensor("x"), tensor("y"), "{}")
}

fn bind(signature: &Signature, dims: &[(&str, usize)]) -> &'static str {
    let bound = signature.bind_dims(dims, &[]);
    bound.map_or_else(|error| error.kind(), |_| "ok")
}

fn bind_shape(signature: &Signature, shape: &[usize]) -> &'static str {
    let bound = signature.bind_shapes(&[("x", shape)], &[]);
    bound.map_or_else(|error| error.kind(), |_| "ok")
}

#[test]
fn an_end_beyond_2_to_the_32_does_not_wrap() {
    let descriptor = KernelDescriptor {
        output_offset: u32::MAX,
        output_size: 16,
        ..KernelDescriptor::new()
    };
    assert_eq!(descriptor.total_memory_required(), (1 << 32) - 1 + 16);
    let whole = KernelDescriptor {
        output_size: u32::MAX,
        ..descriptor
    };
    assert_eq!(whole.total_memory_required(), 2 * ((1 << 32) - 1));
}

#[test]
fn products_of_2_to_the_66() {
    let cubed = of("f32", json!(["a", "b", "c"]));
    let dims = |a, b, c| bind(&cubed, &[("a", a), ("b", b), ("c", c)]);
    assert_eq!(dims(LARGEST, LARGEST, 4), "invalid_length", "2^66 bytes");
    assert_eq!(
        dims(LARGEST, LARGEST, LARGEST),
        "invalid_length",
        "2^95 bytes"
    );
    assert_eq!(dims(LARGEST, LARGEST, 1), "invalid_length", "2^64 bytes");
    assert_eq!(dims(LARGEST, LARGEST - 1, 1), "ok", "less than 2^64 bytes");
    let fixed = of("f32", json!([1_u64 << 31, 1_u64 << 31, 4]));
    assert_eq!(bind(&fixed, &[]), "invalid_length");
    let shape = [LARGEST, LARGEST, 4];
    assert_eq!(bind_shape(&cubed, &shape), "invalid_length");
    assert!(tensor_byte_len(DataType::F32, &shape).is_err());
    let bound = signature(
        json!([{"name": "x", "dtype": "f32", "shape": ["a"]}]),
        json!([{"name": "y", "dtype": "f32", "shape": ["a*2147483648", "a*2147483648", 4]}]),
        "{}",
    );
    assert_eq!(bind(&bound, &[("a", 1)]), "invalid_length");
    assert_eq!(bind(&bound, &[("a", 2)]), "invalid_dimension");
}

#[test]
fn a_dimension_of_zero_or_beyond_2_to_the_31() {
    let row = of("f32", json!(["n"]));
    for size in [0, LARGEST + 1, usize::MAX] {
        assert_eq!(bind(&row, &[("n", size)]), "invalid_dimension", "{size}");
        assert_eq!(bind_shape(&row, &[size]), "invalid_dimension", "{size}");
    }
    assert_eq!(bind(&row, &[("n", LARGEST)]), "ok");
    assert!(tensor_byte_len(DataType::F32, &[0]).is_err());
}

#[test]
fn rows_of_blocks_that_are_no_multiple_of_32() {
    for dtype in ["q4", "q8"] {
        let rows = of(dtype, json!(["rows", "n"]));
        for n in [1, 16, 31, 33, 48, LARGEST - 1] {
            let dims = [("rows", 64), ("n", n)];
            assert_eq!(bind(&rows, &dims), "invalid_length", "{dtype} of {n}");
        }
        for n in [32, 64, LARGEST] {
            assert_eq!(
                bind(&rows, &[("rows", 1), ("n", n)]),
                "ok",
                "{dtype} of {n}"
            );
        }
    }
    // The longest row has more bytes than a 32-bit count of elements would hold twice.
    assert_eq!(
        tensor_byte_len(DataType::Q8, &[LARGEST]),
        Ok((1 << 26) * 34)
    );
    let beyond = u32::MAX as usize - 31;
    assert_eq!(
        tensor_byte_len(DataType::Q8, &[beyond]),
        Ok(((1 << 27) - 1) * 34)
    );
}

#[test]
fn a_division_that_is_not_exact() {
    let halved = signature(
        json!([{"name": "x", "dtype": "f32", "shape": ["n"]}]),
        json!([{"name": "y", "dtype": "f32", "shape": ["n/2"]}]),
        "{}",
    );
    assert_eq!(bind(&halved, &[("n", 8)]), "ok");
    for n in [1, 7, LARGEST - 1] {
        assert_eq!(bind(&halved, &[("n", n)]), "invalid_dimension", "{n}");
    }
}

#[test]
fn a_symbol_bound_twice_with_two_values() {
    let tensor = |name: &str, shape: Value| json!({"name": name, "dtype": "f32", "shape": shape});
    let twice = signature(
        json!([tensor("a", json!(["n", "n"])), tensor("b", json!(["n"]))]),
        json!([tensor("y", json!(["n"]))]),
        "{}",
    );
    let shapes = |a: &[usize], b: &[usize]| {
        let bound = twice.bind_shapes(&[("a", a), ("b", b)], &[]);
        bound.map_or_else(|error| error.kind(), |_| "ok")
    };
    assert_eq!(shapes(&[4, 4], &[4]), "ok");
    assert_eq!(shapes(&[4, 5], &[4]), "wrong_shape", "in one tensor");
    assert_eq!(shapes(&[4, 4], &[5]), "wrong_shape", "in two tensors");
    let error = twice.bind_dims(&[("n", 4), ("n", 5)], &[]).unwrap_err();
    assert_eq!(error.kind(), "repeated_dimension");
}

#[test]
fn parameters_in_another_order_give_identical_bytes() {
    let params = [
        r#""a":{"type":"u32","default":1}"#,
        r#""b":{"type":"f64","default":2}"#,
        r#""c":{"type":"bool","default":true}"#,
        r#""d":{"type":"i64","default":-3}"#,
    ];
    let tensors = || json!([{"name": "x", "dtype": "f32", "shape": ["n"]}]);
    let block = |order: [usize; 4], given: &[(&str, ParamValue)]| {
        let params: Vec<&str> = order.iter().map(|&index| params[index]).collect();
        let signature = signature(tensors(), json!([]), &format!("{{{}}}", params.join(",")));
        let binding = signature.bind_dims(&[("n", 5)], given).unwrap();
        binding.params_block().to_vec()
    };
    let expected = block([0, 1, 2, 3], &[]);
    for order in [[3, 2, 1, 0], [1, 0, 3, 2], [2, 3, 0, 1]] {
        assert_eq!(block(order, &[]), expected, "{order:?}");
        let given = [("d", ParamValue::I64(-3)), ("a", ParamValue::U32(1))];
        assert_eq!(block(order, &given), expected, "given by the caller");
    }
}
