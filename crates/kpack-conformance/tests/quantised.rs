//! Quantised blocks and rows on every engine with every variant: the oracle's bytes, and attention over
//! them.
#![allow(clippy::unwrap_used, reason = "a failed test may panic")]

mod support;

use kpack::{DataType, Tensor};
use kpack_conformance::{Call, Harness, PackHarness, widened};
use kpack_reference::{AttentionShape, Mask, oracle};
use proptest::collection::vec;
use proptest::prelude::*;
use support::{Exact, assert_everywhere, everywhere, tensor};

fn config() -> ProptestConfig {
    ProptestConfig {
        cases: 48,
        ..ProptestConfig::default()
    }
}

/// A block's worth of elements: ordinary ones, then any bit pattern, ties, exact steps and the ends of
/// the range.
fn block() -> impl Strategy<Value = Vec<f32>> {
    let steps = (-254_i16..=254).prop_map(|step| f32::from(step) / 2.0);
    prop_oneof![
        4 => vec(prop_oneof![4 => -8.0_f32..8.0, 1 => Just(0.0), 1 => Just(-0.0)], 32),
        1 => vec(any::<u32>().prop_map(f32::from_bits), 32),
        1 => vec(prop_oneof![Just(127.0), steps], 32),
        1 => vec(prop_oneof![Just(3.0_f32), Just(-3.0), -2.0_f32..2.0], 32),
        1 => vec(-1e-38_f32..1e-38, 32),
        1 => vec(-1e-43_f32..1e-43, 32),
        1 => vec(-1e30_f32..1e30, 32),
        1 => vec(prop_oneof![Just(0.0_f32), Just(-0.0)], 32),
    ]
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn blocks_are_packed_byte_by_byte(rows in 1_usize..4, blocks in vec(block(), 12)) {
        let x = blocks[..rows * 4].concat();
        let (chunks, _) = x.as_chunks::<32>();
        let q8: Vec<u8> = chunks.iter().flat_map(oracle::q8_block).collect();
        let q4: Vec<u8> = chunks.iter().flat_map(oracle::q4_block).collect();
        assert_bytes("kv_pack_q8", &tensor(&[rows, 128], &x), &q8);
        assert_bytes("kv_pack_q4", &tensor(&[rows, 128], &x), &q4);
    }

    #[test]
    fn blocks_are_unpacked_exactly(rows in 1_usize..4, bytes in vec(any::<u8>(), 3 * 34)) {
        let (q8, _) = bytes[..rows * 34].as_chunks::<34>();
        let (q4, _) = bytes[..rows * 18].as_chunks::<18>();
        let blocks = |dtype, bytes| Tensor::from_bytes(dtype, &[rows, 32], bytes).unwrap();
        for (kernel, blocks, exact) in [
            ("kv_unpack_q8", blocks(DataType::Q8, q8.as_flattened()), q8.iter().flat_map(oracle::q8_values).collect()),
            ("kv_unpack_q4", blocks(DataType::Q4, q4.as_flattened()), q4.iter().flat_map(oracle::q4_values).collect::<Vec<f64>>()),
        ] {
            let call = Call { kernel, inputs: vec![("blocks", blocks)], params: vec![] };
            assert_everywhere(&call, &[("y", Exact::by_element(exact, 0.0))]);
        }
    }

    #[test]
    fn rows_of_any_length_have_the_oracles_integers(
        width in prop_oneof![1_usize..=35, 60_usize..=64], blocks in vec(block(), 4),
    ) {
        let x = &blocks.concat()[..128 / width.max(2) * width.min(64)];
        let rows = x.len() / width;
        let (q, scale) = oracle::quantize_rows_i8(x, width);
        let call = Call { kernel: "quantize_rows_i8", inputs: vec![("x", tensor(&[rows, width], x))], params: vec![] };
        assert_everywhere(&call, &[
            ("q", Exact::by_element(q.iter().map(|&q| f64::from(q)).collect(), 0.0)),
            ("scale", Exact::by_element(scale.iter().map(|&scale| f64::from(scale)).collect(), 0.0)),
        ]);
        let exact = oracle::dequantize_rows_i8(&q, &scale);
        let inputs = vec![
            ("q", Tensor::new(&[rows, width], q).unwrap()),
            ("scale", Tensor::new(&[rows], scale).unwrap()),
        ];
        let call = Call { kernel: "dequantize_rows_i8", inputs, params: vec![] };
        assert_everywhere(&call, &[("y", Exact::by_element(exact, 6e-8))]);
    }

    #[test]
    fn unsigned_rows_are_shifted_and_scaled(
        width in 1_usize..=40, q in vec(any::<u8>(), 120), scale in vec(-10.0_f32..10.0, 3), zero in vec(any::<u8>(), 3),
    ) {
        let q = &q[..3 * width];
        let zero_point: Vec<f32> = zero.into_iter().map(f32::from).collect();
        let exact = oracle::dequantize_rows_u8(q, &scale, &zero_point);
        let inputs = vec![
            ("q", Tensor::new(&[3, width], q.to_vec()).unwrap()),
            ("scale", tensor(&[3], &scale)),
            ("zero_point", tensor(&[3], &zero_point)),
        ];
        let call = Call { kernel: "dequantize_rows_u8", inputs, params: vec![] };
        assert_everywhere(&call, &[("y", Exact::by_element(exact, 6e-8))]);
    }

    #[test]
    fn attention_over_blocks(
        (shape, q, k, v) in (1_usize..=3, 0_usize..=20, 1_usize..=2, 1_usize..=5, 1_usize..=4)
            .prop_flat_map(|(q_seq, more, kv_heads, group, blocks)| {
                let dim = 32 * blocks;
                let shape = AttentionShape { q_seq, kv_seq: q_seq + more, heads: kv_heads * group, kv_heads, dim };
                let keys = shape.key_elements();
                (Just(shape), vec(-2.0_f32..2.0, shape.query_elements()), vec(-2.0_f32..2.0, keys), vec(-8.0_f32..8.0, keys))
            }),
        mask in prop::sample::select(vec![Mask::Causal, Mask::None]),
    ) {
        let AttentionShape { q_seq, kv_seq, heads, kv_heads, dim } = shape;
        let pack = |x: &[f32]| {
            let (x, _) = x.as_chunks::<32>();
            let blocks: Vec<[u8; 34]> = x.iter().map(oracle::q8_block).collect();
            let values = blocks.iter().flat_map(oracle::q8_values);
            #[expect(clippy::cast_possible_truncation, reason = "exact: a product of 11 and 8 bits")]
            let values: Vec<f32> = values.map(|x| x as f32).collect();
            (Tensor::from_bytes(DataType::Q8, &[kv_seq, kv_heads, dim], blocks.as_flattened()).unwrap(), values)
        };
        let ((k, k_values), (v, v_values)) = (pack(&k), pack(&v));
        let exact = oracle::attention(shape, mask, 0.0, &q, &k_values, &v_values);
        let call = Call {
            kernel: "attention_q8",
            inputs: vec![("q", tensor(&[q_seq, heads, dim], &q)), ("k", k), ("v", v)],
            params: vec![("causal", (mask == Mask::Causal).into())],
        };
        assert_everywhere(&call, &[("y", Exact::by_row(exact, dim, 3e-5))]);
    }
}

fn assert_bytes(kernel: &'static str, x: &Tensor, bytes: &[u8]) {
    let call = Call {
        kernel,
        inputs: vec![("x", x.clone())],
        params: vec![],
    };
    for (who, pack) in everywhere() {
        let results = PackHarness::new(pack).call(&call).unwrap();
        let expected: Vec<f32> = bytes.iter().map(|&byte| f32::from(byte)).collect();
        assert_eq!(widened(&results[0].1), expected, "{kernel} by {who}");
    }
}
