/// Numbers that look like none and follow from a name: Steele, Lea and Flood's `SplitMix64` ("Fast
/// Splittable Pseudorandom Number Generators", 2014).
pub(super) struct MadeUp {
    state: u64,
}

impl MadeUp {
    /// Numbers of their own for each name: FNV-1a of its bytes is the seed.
    pub(super) fn new(name: &str) -> Self {
        let fold = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        Self {
            state: name.bytes().fold(0xcbf2_9ce4_8422_2325, fold),
        }
    }

    /// So many numbers from -1 to 1.
    pub(super) fn floats(&mut self, count: usize) -> Vec<f32> {
        let two_to_the_23 = 8_388_608.0_f32;
        let float = |_| {
            // 24 bits, which `f32` has exactly.
            let bits = u32::try_from(self.next() >> 40).expect("24 bits are left");
            #[expect(
                clippy::cast_precision_loss,
                reason = "f32 has every number of 24 bits"
            )]
            let exact = bits as f32;
            exact / two_to_the_23 - 1.0
        };
        (0..count).map(float).collect()
    }

    fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = self.state;
        let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}
