//! Quantised blocks and rows: the native loops give the oracle's bytes, and the bytes stand for what was
//! packed.

mod support;

use half::f16;
use kpack_reference::{native, oracle};
use proptest::collection::vec;
use proptest::prelude::*;
use support::value;

/// A block's worth of elements: ordinary ones, then any bit pattern, ties and exact steps.
fn block() -> impl Strategy<Value = Vec<f32>> {
    let any_bits = any::<u32>().prop_map(f32::from_bits);
    let steps = (-254_i16..=254).prop_map(|step| f32::from(step) / 2.0);
    prop_oneof![
        4 => vec(value(), 32),
        1 => vec(any_bits, 32),
        1 => vec(prop_oneof![Just(127.0), steps], 32),
        1 => vec(-1e-38_f32..1e-38, 32),
        1 => vec(-1e30_f32..1e30, 32),
    ]
}

proptest! {
    #[test]
    fn blocks_have_the_oracles_bytes(blocks in vec(block(), 1..4)) {
        let x = blocks.concat();
        let (mut q8, mut q4) = (vec![0xAA; x.len() / 32 * 34], vec![0xAA; x.len() / 32 * 18]);
        native::kv_pack_q8(&x, &mut q8);
        native::kv_pack_q4(&x, &mut q4);
        let (x, _) = x.as_chunks::<32>();
        prop_assert_eq!(q8, x.iter().flat_map(oracle::q8_block).collect::<Vec<u8>>());
        prop_assert_eq!(q4, x.iter().flat_map(oracle::q4_block).collect::<Vec<u8>>());
    }

    #[test]
    fn blocks_stand_for_what_was_packed(x in vec(value(), 32)) {
        let (x, _) = x.as_chunks::<32>();
        let largest = x[0].iter().fold(0.0_f64, |largest, &x| largest.max(f64::from(x).abs()));
        let q8 = oracle::q8_values(&oracle::q8_block(&x[0]));
        let q4 = oracle::q4_values(&oracle::q4_block(&x[0]));
        for ((&x, q8), q4) in x[0].iter().zip(q8).zip(q4) {
            // Half a step, and what the scale loses as f16; the largest code of Q4_0 is a step short.
            prop_assert!((f64::from(x) - q8).abs() <= largest * (0.5 / 127.0 + 6e-4) + 4e-6);
            prop_assert!((f64::from(x) - q4).abs() <= largest * (1.0 / 8.0 + 6e-4) + 4e-6);
        }
    }

    #[test]
    fn unpacking_is_exact(
        scale in any::<u16>().prop_map(f16::from_bits).prop_filter("a number", |scale| scale.is_finite()),
        codes in vec(any::<u8>(), 32),
    ) {
        let [low, high] = scale.to_le_bytes();
        let q8: Vec<u8> = [low, high].into_iter().chain(codes.iter().copied()).collect();
        let q4 = &q8[..18];
        let mut y = [f32::NAN; 32];
        native::kv_unpack_q8(&q8, &mut y);
        prop_assert_eq!(y.map(f64::from), oracle::q8_values(q8.as_array().unwrap()));
        native::kv_unpack_q4(q4, &mut y);
        prop_assert_eq!(y.map(f64::from), oracle::q4_values(q4.as_array().unwrap()));
    }

    #[test]
    fn rows_have_the_oracles_integers(rows in vec(block(), 1..4)) {
        let x = rows.concat();
        let (mut q, mut scale) = (vec![99; x.len()], vec![f32::NAN; rows.len()]);
        native::quantize_rows_i8(&x, &mut q, &mut scale);
        let (exact_q, exact_scale) = oracle::quantize_rows_i8(&x, 32);
        prop_assert_eq!(&q, &exact_q);
        for (scale, exact) in scale.iter().zip(&exact_scale) {
            prop_assert!(scale == exact || scale.is_nan() && exact.is_nan());
        }
        let mut y = vec![f32::NAN; x.len()];
        native::dequantize_rows_i8(&q, &exact_scale, &mut y);
        for (y, exact) in y.iter().zip(oracle::dequantize_rows_i8(&q, &exact_scale)) {
            let is_same = (f64::from(*y) - exact).abs() <= exact.abs() * 6e-8 + 1e-45;
            prop_assert!(is_same || y.is_nan() && exact.is_nan() || f64::from(*y) == exact);
        }
    }

    #[test]
    fn unsigned_rows_are_shifted_and_scaled(
        q in vec(any::<u8>(), 12), scale in vec(1e-3_f32..10.0, 3), zero_point in vec(0_u8..=255, 3),
    ) {
        let zero_point: Vec<f32> = zero_point.into_iter().map(f32::from).collect();
        let mut y = vec![f32::NAN; q.len()];
        native::dequantize_rows_u8(&q, &scale, &zero_point, &mut y);
        for (y, exact) in y.iter().zip(oracle::dequantize_rows_u8(&q, &scale, &zero_point)) {
            prop_assert!((f64::from(*y) - exact).abs() <= exact.abs() * 6e-8);
        }
    }
}

#[test]
fn a_row_of_zeros_has_scale_zero() {
    let (q, scale) = oracle::quantize_rows_i8(&[0.0, -0.0, 1.0, -0.5], 2);
    assert_eq!(q, [0, 0, 127, -64]);
    assert_eq!(scale, [0.0, 1.0 / 127.0]);
}

#[test]
fn the_signs_of_a_block_of_q4_follow_its_first_extreme() {
    let mut x = [0.0; 32];
    (x[3], x[20]) = (-2.0, 2.0);
    let block = oracle::q4_block(&x);
    assert_eq!(oracle::q4_values(&block)[3], -2.0);
    assert_eq!(oracle::q4_values(&block)[20], 1.75);
    assert_eq!(
        oracle::q4_block(&[0.0; 32])[..2],
        [0, 0x80],
        "minus zero, as ggml has it"
    );
}

#[test]
fn what_is_not_finite_shows_in_the_scale() {
    let mut x = [1.0; 32];
    x[7] = f32::NEG_INFINITY;
    assert_eq!(oracle::q8_block(&x)[..4], [0, 0x7c, 0, 0]);
    assert_eq!(oracle::q4_block(&x)[..4], [0, 0x7c, 0x88, 0x88]);
    x[9] = f32::NAN;
    assert_eq!(oracle::q8_block(&x)[..4], [0, 0x7e, 0, 0]);
    assert_eq!(oracle::q4_block(&x)[..4], [0, 0x7e, 0x88, 0x88]);
}
