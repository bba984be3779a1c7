//! What is held to the bit, on every engine with every variant: halves, and calls that are cut.
#![allow(clippy::unwrap_used, reason = "a failed test may panic")]

mod support;

use half::{bf16, f16};
use kpack::{Element, Tensor};
use kpack_conformance::{Call, CallerHarness, Harness, PackHarness, widened};
use support::{everywhere, narrow, tensor};

/// Turned by no angle, the first elements of pairs are multiplied with the table's cosines: each
/// product, formed by `f32`, must be rounded as the `half` crate rounds it.
fn assert_products<T: Element>(
    kernel: &'static str,
    of_bits: fn(u16) -> T,
    expected: fn(T, f32) -> T,
    bits: fn(T) -> u16,
) {
    const COUNT: usize = 1 << 16;
    let first: Vec<T> = (0..=u16::MAX).map(of_bits).collect();
    // In one head, where the rare way is taken for all once it is for any, and in heads of a few.
    for pairs in [COUNT, 32] {
        let heads = first.chunks_exact(pairs);
        let x = heads.flat_map(|first| [first, &vec![of_bits(0); pairs]].concat());
        let x = Tensor::new(&[1, 1, COUNT / pairs, 2 * pairs], x.collect()).unwrap();
        // Beyond both ends of either range, into its subnormal numbers, and onto ties.
        for factor in [1.0_f32, -1.0, 1.0 / 3.0, 0.5, 1.7, 1.5, 3e-4, 3e4] {
            let table = [vec![factor; pairs], vec![0.0; pairs]].concat();
            let inputs = vec![("x", x.clone()), ("freqs", tensor(&[1, 2, pairs], &table))];
            let call = Call {
                kernel,
                inputs,
                params: vec![],
            };
            for (who, pack) in everywhere() {
                let results = PackHarness::new(pack).call(&call).unwrap();
                let found = results[0].1.as_slice::<T>().unwrap();
                let found = found
                    .chunks_exact(2 * pairs)
                    .flat_map(|head| &head[..pairs]);
                for (&x, &y) in first.iter().zip(found) {
                    let (y, expected) = (bits(y), bits(expected(x, factor)));
                    assert_eq!(
                        y,
                        expected,
                        "{kernel} by {who}, {pairs} pairs a head: {:#06x} times {factor}",
                        bits(x)
                    );
                }
            }
        }
    }
}

/// One NaN for all.
fn one_nan_f16(x: f16) -> u16 {
    if x.is_nan() {
        f16::NAN.to_bits()
    } else {
        x.to_bits()
    }
}

/// One NaN for all.
fn one_nan_bf16(x: bf16) -> u16 {
    if x.is_nan() {
        bf16::NAN.to_bits()
    } else {
        x.to_bits()
    }
}

#[test]
fn every_f16_is_read_and_rounded_as_half_does() {
    let product = |x: f16, factor| f16::from_f32(x.to_f32() * factor);
    assert_products("rope_f16", f16::from_bits, product, one_nan_f16);
}

#[test]
fn every_bf16_is_read_and_rounded_as_half_does() {
    let product = |x: bf16, factor| bf16::from_f32(x.to_f32() * factor);
    assert_products("rope_bf16", bf16::from_bits, product, one_nan_bf16);
}

/// An odd number of rows whose length is no multiple of any step.
const ROWS: usize = 5;
const WIDTH: usize = 45;

/// Elements of a few magnitudes, none like its neighbours.
fn values(count: usize) -> Vec<f32> {
    let value = |i: usize| f32::from(u16::try_from(i * 7_919 % 1_009).unwrap()) / 63.0 - 8.0;
    (0..count).map(value).collect()
}

fn of<T: Element + kpack_reference::Element>(shape: &[usize]) -> Tensor {
    Tensor::new(shape, narrow::<T>(&values(shape.iter().product()))).unwrap()
}

/// Calls of the kernels that take elements of one type and may be cut.
fn calls_of<T: Element + kpack_reference::Element>(suffix: &str) -> Vec<Call> {
    let rows = || of::<T>(&[ROWS, WIDTH]);
    let row = || of::<T>(&[WIDTH]);
    let (ranks, outputs) = (11, 13);
    let all = [
        ("rmsnorm_f32", vec![("x", rows()), ("weight", row())]),
        ("rmsnorm_f16", vec![("x", rows()), ("weight", row())]),
        ("rmsnorm_bf16", vec![("x", rows()), ("weight", row())]),
        (
            "layernorm_f32",
            vec![("x", rows()), ("weight", row()), ("bias", row())],
        ),
        (
            "layernorm_f16",
            vec![("x", rows()), ("weight", row()), ("bias", row())],
        ),
        (
            "add_rmsnorm_f32",
            vec![("x", rows()), ("residual", rows()), ("weight", row())],
        ),
        ("swiglu_f32", vec![("gate", rows()), ("up", rows())]),
        ("swiglu_f16", vec![("gate", rows()), ("up", rows())]),
        ("swiglu_bf16", vec![("gate", rows()), ("up", rows())]),
        ("gelu_f32", vec![("x", rows())]),
        ("softmax_f32", vec![("x", rows())]),
        ("quantize_rows_i8", vec![("x", rows())]),
        ("kv_pack_q8", vec![("x", of::<T>(&[ROWS, 96]))]),
        ("kv_pack_q4", vec![("x", of::<T>(&[ROWS, 96]))]),
        ("lora_apply_f32", lora::<T>(ranks, outputs)),
        ("lora_apply_f16", lora::<T>(ranks, outputs)),
        ("rope_f32", rope::<T>()),
        ("rope_f16", rope::<T>()),
        ("rope_bf16", rope::<T>()),
    ];
    let is_of_type = |kernel: &str| {
        let other = kernel.ends_with("_f16") || kernel.ends_with("_bf16");
        kernel.ends_with(suffix) || suffix == "_f32" && !other
    };
    all.into_iter()
        .filter(|(kernel, _)| is_of_type(kernel))
        .map(|(kernel, inputs)| Call {
            kernel,
            inputs,
            params: vec![],
        })
        .collect()
}

fn lora<T: Element + kpack_reference::Element>(
    rank: usize,
    outputs: usize,
) -> Vec<(&'static str, Tensor)> {
    vec![
        ("base", of::<T>(&[ROWS, outputs])),
        ("x", of::<T>(&[ROWS, WIDTH])),
        ("lora_a", of::<T>(&[rank, WIDTH])),
        ("lora_b", of::<T>(&[outputs, rank])),
    ]
}

fn rope<T: Element + kpack_reference::Element>() -> Vec<(&'static str, Tensor)> {
    vec![
        ("x", of::<T>(&[2, ROWS, 3, WIDTH])),
        ("freqs", of::<f32>(&[ROWS, 2, 21])),
    ]
}

#[test]
fn a_cut_changes_no_bit() {
    let calls = [
        calls_of::<f32>("_f32"),
        calls_of::<f16>("_f16"),
        calls_of::<bf16>("_bf16"),
    ]
    .concat();
    assert_eq!(calls.len(), 19);
    for (who, pack) in everywhere() {
        for call in &calls {
            let whole = PackHarness::new(pack).call(call).unwrap();
            let cut = CallerHarness::new(pack).call(call).unwrap();
            for (name, whole) in &whole {
                let (_, cut) = cut.iter().find(|(output, _)| output == name).unwrap();
                let bits = |tensor| -> Vec<u32> {
                    widened(tensor).into_iter().map(f32::to_bits).collect()
                };
                assert_eq!(bits(whole), bits(cut), "{name} of {} by {who}", call.kernel);
            }
        }
    }
}

#[test]
fn a_half_that_is_no_number_makes_no_number() {
    // Signalling: the bit that a careless conversion shifts out of the mantissa is the only one.
    let f16s = calls_of::<f16>("_f16");
    let bf16s = calls_of::<bf16>("_bf16");
    assert_all_nan(f16s, f16::from_bits(0x7c01));
    assert_all_nan(bf16s, bf16::from_bits(0x7f81));
}

fn assert_all_nan<T: Element>(calls: Vec<Call>, nan: T) {
    for mut call in calls {
        for (name, tensor) in &mut call.inputs {
            let count = tensor.shape().iter().product();
            if *name != "freqs" {
                *tensor = Tensor::new(tensor.shape(), vec![nan; count]).unwrap();
            }
        }
        for (who, pack) in everywhere() {
            let results = PackHarness::new(pack).call(&call).unwrap();
            let found = widened(&results[0].1);
            assert!(found.iter().all(|y| y.is_nan()), "{} by {who}", call.kernel);
        }
    }
}
