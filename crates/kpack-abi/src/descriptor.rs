/// Size in bytes of a [`KernelDescriptor`] in a kernel's memory.
pub const DESCRIPTOR_SIZE: usize = 40;

/// Where the host has laid out one call's regions in the kernel's linear memory.
///
/// Offsets and sizes are in bytes. Each region starts at a multiple of
/// [`REGION_ALIGN`](crate::REGION_ALIGN); an unused region is offset 0, size 0. In memory the
/// descriptor is ten little-endian `u32` in the order of the fields.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct KernelDescriptor {
    /// Start of the first input.
    pub input_a_offset: u32,
    /// Length of the first input.
    pub input_a_size: u32,
    /// Start of the region that holds all further inputs, each at the next multiple of 64.
    pub input_b_offset: u32,
    /// Length of that region, up to the end of its last tensor.
    pub input_b_size: u32,
    /// Start of the output region; several outputs are packed as in `input_b`.
    pub output_offset: u32,
    /// Length of the output region.
    pub output_size: u32,
    /// Start of the scratch region.
    pub scratch_offset: u32,
    /// Length of the scratch region.
    pub scratch_size: u32,
    /// Start of the parameter block: symbols, then parameters.
    pub params_offset: u32,
    /// Length of the parameter block.
    pub params_size: u32,
}

impl KernelDescriptor {
    /// A descriptor in which every region is unused.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            input_a_offset: 0,
            input_a_size: 0,
            input_b_offset: 0,
            input_b_size: 0,
            output_offset: 0,
            output_size: 0,
            scratch_offset: 0,
            scratch_size: 0,
            params_offset: 0,
            params_size: 0,
        }
    }

    /// The bytes that the host writes for a call.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; DESCRIPTOR_SIZE] {
        let mut bytes = [0; DESCRIPTOR_SIZE];
        for (slot, field) in bytes.chunks_exact_mut(4).zip(self.fields()) {
            slot.copy_from_slice(&field.to_le_bytes());
        }
        bytes
    }

    /// Reads back what [`to_bytes`](Self::to_bytes) wrote.
    #[must_use]
    pub const fn from_bytes(bytes: &[u8; DESCRIPTOR_SIZE]) -> Self {
        const fn field(bytes: &[u8; DESCRIPTOR_SIZE], index: usize) -> u32 {
            let at = index * 4;
            u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
        }
        Self {
            input_a_offset: field(bytes, 0),
            input_a_size: field(bytes, 1),
            input_b_offset: field(bytes, 2),
            input_b_size: field(bytes, 3),
            output_offset: field(bytes, 4),
            output_size: field(bytes, 5),
            scratch_offset: field(bytes, 6),
            scratch_size: field(bytes, 7),
            params_offset: field(bytes, 8),
            params_size: field(bytes, 9),
        }
    }

    /// The memory length in bytes that holds every region: the largest offset + size.
    ///
    /// Formed in 64 bits, so that no offset and size can wrap around.
    #[must_use]
    pub fn total_memory_required(&self) -> u64 {
        self.fields()
            .chunks_exact(2)
            .map(|region| u64::from(region[0]) + u64::from(region[1]))
            .fold(0, u64::max)
    }

    const fn fields(&self) -> [u32; 10] {
        [
            self.input_a_offset,
            self.input_a_size,
            self.input_b_offset,
            self.input_b_size,
            self.output_offset,
            self.output_size,
            self.scratch_offset,
            self.scratch_size,
            self.params_offset,
            self.params_size,
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn new_is_the_default_and_all_zero() {
        assert_eq!(KernelDescriptor::new(), KernelDescriptor::default());
        assert_eq!(KernelDescriptor::new().to_bytes(), [0; DESCRIPTOR_SIZE]);
        assert_eq!(KernelDescriptor::new().total_memory_required(), 0);
    }

    #[test]
    fn the_in_memory_struct_has_the_size_of_the_wire_form() {
        assert_eq!(size_of::<KernelDescriptor>(), DESCRIPTOR_SIZE);
        assert_eq!(align_of::<KernelDescriptor>(), 4);
    }

    #[test]
    fn bytes_are_little_endian_in_field_order() {
        let mut bytes = [0_u8; DESCRIPTOR_SIZE];
        for (i, byte) in bytes.iter_mut().enumerate() {
            *byte = u8::try_from(i).unwrap();
        }
        let descriptor = KernelDescriptor::from_bytes(&bytes);
        assert_eq!(descriptor.input_a_offset, 0x0302_0100);
        assert_eq!(descriptor.input_b_offset, 0x0b0a_0908);
        assert_eq!(descriptor.params_size, 0x2726_2524);
        assert_eq!(descriptor.to_bytes(), bytes);
    }

    #[test]
    fn total_memory_does_not_wrap_at_32_bits() {
        let descriptor = KernelDescriptor {
            scratch_offset: u32::MAX,
            scratch_size: 16,
            ..KernelDescriptor::new()
        };
        assert_eq!(descriptor.total_memory_required(), u64::from(u32::MAX) + 16);
    }

    #[test]
    fn total_memory_is_the_largest_end_of_any_region() {
        let descriptor = KernelDescriptor {
            input_a_offset: 64,
            input_a_size: 1000,
            output_offset: 128,
            output_size: 8,
            params_offset: 2000,
            params_size: 0,
            ..KernelDescriptor::new()
        };
        assert_eq!(descriptor.total_memory_required(), 2000);
    }
}
