use kpack::DataType;

/// Values for inputs, the same at every run: Steele, Lea and Flood's `SplitMix64` ("Fast Splittable
/// Pseudorandom Number Generators", 2014) from a fixed seed.
///
/// Floats lie in -1 to 1, so that sums stay finite; `i32` counts upwards from 0, as positions do;
/// the scales of blocks are 2^-7.
#[derive(Debug, Clone)]
pub(crate) struct MadeUp {
    state: u64,
}

const SEED: u64 = 0x6b70_6163_6b00_0001;

/// 2^-7 as binary16.
const BLOCK_SCALE: [u8; 2] = 0x2000_u16.to_le_bytes();

impl MadeUp {
    pub(crate) const fn new() -> Self {
        Self { state: SEED }
    }

    /// Fills the little-endian bytes of a tensor.
    pub(crate) fn fill(&mut self, dtype: DataType, bytes: &mut [u8]) {
        match dtype {
            DataType::F32 => self.each(bytes, |bits, _| f32_of(bits).to_le_bytes()),
            DataType::F16 => self.each(bytes, |bits, _| f16_bits(bits).to_le_bytes()),
            DataType::Bf16 => self.each(bytes, |bits, _| bf16_bytes(bits)),
            DataType::I32 => self.each(bytes, |_, index| index.to_le_bytes()),
            DataType::I8 | DataType::U8 => self.each(bytes, |bits, _| [low_byte(bits)]),
            DataType::Q4 | DataType::Q8 => {
                let block = dtype.block_bytes().unwrap_or(usize::MAX);
                for block in bytes.chunks_mut(block) {
                    let (scale, quants) = block.split_at_mut(BLOCK_SCALE.len().min(block.len()));
                    scale.copy_from_slice(&BLOCK_SCALE[..scale.len()]);
                    self.each(quants, |bits, _| [low_byte(bits)]);
                }
            }
        }
    }

    fn each<const N: usize>(&mut self, bytes: &mut [u8], value: impl Fn(u64, u32) -> [u8; N]) {
        for (element, index) in bytes.chunks_exact_mut(N).zip(0_u32..) {
            element.copy_from_slice(&value(self.next(), index));
        }
    }

    const fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

/// The 23 highest bits as a number from -1 up to 1, 1 excluded.
fn f32_of(bits: u64) -> f32 {
    let mantissa = u32::try_from(bits >> 41).expect("23 bits remain");
    f32::from_bits(0x3f80_0000 | mantissa).mul_add(2.0, -3.0)
}

/// The upper half of an `f32`.
fn bf16_bytes(bits: u64) -> [u8; 2] {
    let [_, _, low, high] = f32_of(bits).to_le_bytes();
    [low, high]
}

/// A binary16 of random sign and mantissa with an exponent of -8 to -1: below 1, and normal.
const fn f16_bits(bits: u64) -> u16 {
    let [a, b, c, _, _, _, _, _] = bits.to_le_bytes();
    let exponent = 7 + (c & 7);
    u16::from_le_bytes([a, (b & 0b1000_0011) | (exponent << 2)])
}

const fn low_byte(bits: u64) -> u8 {
    bits.to_le_bytes()[0]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(dtype: DataType, len: usize) -> Vec<u8> {
        let mut bytes = vec![0xff; len];
        MadeUp::new().fill(dtype, &mut bytes);
        bytes
    }

    #[test]
    fn the_generator_is_splitmix64() {
        // The first outputs for seed 1234567, as in the reference implementation's test vectors.
        let mut generator = MadeUp { state: 1_234_567 };
        let first = [generator.next(), generator.next()];
        assert_eq!(
            first,
            [6_457_827_717_110_365_317, 3_203_168_211_198_807_973]
        );
    }

    #[test]
    fn floats_are_finite_and_small() {
        for value in filled(DataType::F32, 4000).chunks_exact(4) {
            let value = f32::from_le_bytes(value.try_into().unwrap());
            assert!((-1.0..1.0).contains(&value), "{value}");
        }
        for value in filled(DataType::Bf16, 4000).chunks_exact(2) {
            let value = f32::from_bits(u32::from_le_bytes([0, 0, value[0], value[1]]));
            assert!((-1.0..=1.0).contains(&value), "{value}");
        }
        for value in filled(DataType::F16, 4000).chunks_exact(2) {
            let exponent = (u16::from_le_bytes([value[0], value[1]]) >> 10) & 31;
            assert!((7..15).contains(&exponent), "{exponent}");
        }
    }

    #[test]
    fn integers_count_and_blocks_have_a_scale() {
        assert_eq!(
            filled(DataType::I32, 12),
            [0, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0]
        );
        for (dtype, block) in [(DataType::Q8, 34), (DataType::Q4, 18)] {
            let bytes = filled(dtype, block * 2);
            assert_eq!(bytes[..2], BLOCK_SCALE);
            assert_eq!(bytes[block..block + 2], BLOCK_SCALE);
            assert_ne!(bytes[2..block], bytes[block + 2..]);
        }
    }
}
