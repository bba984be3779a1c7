//! Inputs that are the same in every run.

/// A splitmix64 generator (Steele, Lea and Flood, 2014) with a fixed seed.
#[derive(Debug)]
pub struct Inputs {
    state: u64,
}

impl Default for Inputs {
    fn default() -> Self {
        Self {
            state: 0x6b70_6163_6b00_0001,
        }
    }
}

impl Inputs {
    /// The next `count` values, uniform in -1 ..= 1.
    #[must_use]
    pub fn f32s(&mut self, count: usize) -> Vec<f32> {
        (0..count).map(|_| self.next_f32()).collect()
    }

    #[expect(clippy::cast_precision_loss, reason = "24 bits fit an f32 exactly")]
    fn next_f32(&mut self) -> f32 {
        let bits = u32::try_from(self.next_u64() >> 40).expect("24 bits are left");
        bits as f32 / 8_388_608.0 - 1.0
    }

    fn next_u64(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}
