/// The bytes of the output, and of one slot of it.
pub(crate) const OUTPUT_BYTES: usize = 4096;
pub(crate) const SLOT_BYTES: usize = 16;

/// How the value that a kernel leaves in one slot of its output is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Slot {
    /// Bit by bit.
    Bits,
    /// As a 32-bit float: equal, or both NaN.
    F32,
    /// As a 64-bit float: equal, or both NaN.
    F64,
}

/// The first slot in which two outputs differ.
pub(crate) fn first_difference(slots: &[Slot], left: &[u8], right: &[u8]) -> Option<usize> {
    let pairs = left.chunks(SLOT_BYTES).zip(right.chunks(SLOT_BYTES));
    // What lies behind the slots was left as it was, all zero.
    let slots = slots.iter().copied().chain(std::iter::repeat(Slot::Bits));
    let mut pairs = pairs.zip(slots);
    pairs.position(|((left, right), slot)| !slot.equal(left, right))
}

impl Slot {
    fn equal(self, left: &[u8], right: &[u8]) -> bool {
        left == right
            || match self {
                Self::Bits => false,
                Self::F32 => f32_at(left).is_nan() && f32_at(right).is_nan(),
                Self::F64 => f64_at(left).is_nan() && f64_at(right).is_nan(),
            }
    }
}

fn f32_at(slot: &[u8]) -> f32 {
    f32::from_le_bytes(*slot.first_chunk().expect("a slot has 16 bytes"))
}

fn f64_at(slot: &[u8]) -> f64 {
    f64::from_le_bytes(*slot.first_chunk().expect("a slot has 16 bytes"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slot(bytes: &[u8]) -> [u8; SLOT_BYTES] {
        let mut slot = [0; SLOT_BYTES];
        slot[..bytes.len()].copy_from_slice(bytes);
        slot
    }

    #[test]
    fn nans_are_equal_whatever_their_bits_and_only_as_floats() {
        let quiet = slot(&0x7fc0_0000_u32.to_le_bytes());
        let other = slot(&0xffc0_0001_u32.to_le_bytes());
        assert_eq!(first_difference(&[Slot::F32], &quiet, &other), None);
        assert_eq!(first_difference(&[Slot::Bits], &quiet, &other), Some(0));
        assert_eq!(first_difference(&[Slot::F64], &quiet, &other), Some(0));
    }

    #[test]
    fn numbers_are_equal_when_their_bits_are() {
        let zero = slot(&0.0_f64.to_le_bytes());
        let negative = slot(&(-0.0_f64).to_le_bytes());
        assert_eq!(first_difference(&[Slot::F64], &zero, &negative), Some(0));
        assert_eq!(first_difference(&[Slot::F64], &zero, &zero), None);
    }

    #[test]
    fn a_slot_that_was_not_declared_is_compared_as_well() {
        let left = [slot(&[1]), slot(&[2])].concat();
        let right = [slot(&[1]), slot(&[3])].concat();
        assert_eq!(first_difference(&[Slot::F32], &left, &right), Some(1));
    }
}
