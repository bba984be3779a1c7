//! The conversions of 16-bit formats, held against the `half` crate: all of one side, and of the other
//! everything around each number.
#![allow(clippy::unwrap_used, reason = "a failed test may panic")]

use kpack_guest::{Bf16, F16};

#[test]
fn every_f16_is_the_f32_that_half_gives() {
    for bits in 0..=u16::MAX {
        let expected = half::f16::from_bits(bits).to_f32();
        let found = F16::from_bits(bits).to_f32();
        assert_eq!(found.to_bits(), expected.to_bits(), "{bits:#06x}");
    }
}

#[test]
fn every_bf16_is_the_f32_of_its_bits() {
    for bits in 0..=u16::MAX {
        let found = Bf16::from_bits(bits).to_f32();
        assert_eq!(found.to_bits(), u32::from(bits) << 16, "{bits:#06x}");
    }
}

/// What rounding depends on: the 16 bits that stay and those that go, of which the first, and whether
/// any other is set, matter. Each upper half is tried with the lower ones around every such change.
#[test]
fn an_f32_rounds_as_half_rounds() {
    for upper in 0..=u16::MAX {
        for lower in lower_halves() {
            let value = f32::from_bits(u32::from(upper) << 16 | u32::from(lower));
            let f16 = F16::from_f32(value).to_bits();
            let bf16 = Bf16::from_f32(value).to_bits();
            let expected = half::f16::from_f32(value).to_bits();
            assert_eq!(f16, expected, "{:#010x} as f16", value.to_bits());
            let expected = half::bf16::from_f32(value).to_bits();
            assert_eq!(bf16, expected, "{:#010x} as bf16", value.to_bits());
        }
    }
}

/// Every single bit, what is next to it, and all in steps that meet no pattern.
fn lower_halves() -> impl Iterator<Item = u16> {
    let next_to_bits = (0..16).flat_map(|bit| {
        let at = 1_u16 << bit;
        [at - 1, at, at + 1, at | at << 1]
    });
    let spread = (0..=u16::MAX).step_by(4_093);
    next_to_bits.chain(spread).chain([u16::MAX])
}

/// The rule itself, apart from another implementation: no other `f16` is nearer, and of two equally
/// near ones the even one is taken.
#[test]
fn the_middle_between_two_f16_goes_to_the_even_one() {
    for bits in 0..0x7bff_u16 {
        let (low, high) = (F16::from_bits(bits), F16::from_bits(bits + 1));
        let middle = (low.to_f32() + high.to_f32()) / 2.0;
        let even = if bits % 2 == 0 { low } else { high };
        assert_eq!(F16::from_f32(middle), even, "{bits:#06x}");
        assert_eq!(F16::from_f32(middle.next_down()), low, "{bits:#06x}");
        assert_eq!(F16::from_f32(middle.next_up()), high, "{bits:#06x}");
    }
    assert_eq!(F16::from_f32(65_519.996).to_bits(), 0x7bff);
    assert_eq!(F16::from_f32(65_520.0).to_bits(), 0x7c00);
}

#[test]
fn there_and_back_changes_no_number() {
    for bits in 0..=u16::MAX {
        let number = F16::from_bits(bits);
        if !number.to_f32().is_nan() {
            assert_eq!(F16::from_f32(number.to_f32()), number);
        }
        let number = Bf16::from_bits(bits);
        if !number.to_f32().is_nan() {
            assert_eq!(Bf16::from_f32(number.to_f32()), number);
        }
    }
}
