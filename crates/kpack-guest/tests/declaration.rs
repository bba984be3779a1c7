//! What the `#[kernel]` attribute makes of a declaration.
#![allow(clippy::unwrap_used, reason = "a failed test may panic")]

use kpack_guest::{Call, F16, KernelDescriptor, Memory, Q8Block, Status, kernel};
use serde_json::json;

#[kernel(
    id = "everything",
    name = "A \"kernel\" that declares everything",
    category = kv_cache,
    inputs(x: f16[rows, cols, 2], blocks: q8[rows, cols], r#in: i32[cols/2]),
    outputs(y: f32[rows, cols*2], counts: u8[rows]),
    scratch(f32[rows, 4]),
    params(
        /// Ends the tests.
        zeal: f64 = 1.5 in -2.0..=2.0,
        /// One line,
        /// and another.
        bias: f32 = -1e-5,
        wide: u64 in 1..,
        exact: bool = true,
    ),
    limits(memory_pages = 16, epoch_ticks = 10, stack_bytes = 65_536, globals = 3),
    parallel_dims(rows),
)]
fn everything_forward(
    rows: usize,
    cols: usize,
    x: &[F16],
    blocks: &[Q8Block],
    r#in: &[i32],
    y: &mut [f32],
    counts: &mut [u8],
    scratch: &mut [f32],
    zeal: f64,
    bias: f32,
    wide: u64,
    exact: bool,
) -> Result<(), Status> {
    if rows == 7 {
        return Err(Status::NotImplemented);
    }
    assert_eq!((rows, cols), (2, 32));
    assert_eq!((zeal, bias, wide, exact), (0.5, 2.0, u64::MAX, false));
    assert_eq!(x[127].to_f32(), 1.0);
    assert_eq!((blocks.len(), blocks[1].quants[31]), (2, -3));
    assert_eq!((r#in.len(), r#in[15]), (16, 77));
    assert_eq!((y.len(), counts.len(), scratch.len()), (128, 2, 8));
    y[127] = 4.0;
    counts[1] = 9;
    scratch[7] = 1.0;
    Ok(())
}

#[test]
fn the_manifest_entry_says_what_was_declared() {
    let entry: serde_json::Value =
        serde_json::from_str(everything_forward::MANIFEST_ENTRY).unwrap();
    let expected = json!({
        "id": "everything",
        "name": "A \"kernel\" that declares everything",
        "category": "kv_cache",
        "entry_point": "everything_forward",
        "inputs": [
            {"name": "x", "dtype": "f16", "shape": ["rows", "cols", 2]},
            {"name": "blocks", "dtype": "q8", "shape": ["rows", "cols"]},
            {"name": "in", "dtype": "i32", "shape": ["cols/2"]},
        ],
        "outputs": [
            {"name": "y", "dtype": "f32", "shape": ["rows", "cols*2"]},
            {"name": "counts", "dtype": "u8", "shape": ["rows"]},
        ],
        "scratch": {"dtype": "f32", "shape": ["rows", 4]},
        "params": {
            "bias": {"type": "f32", "default": -1e-5, "description": "One line, and another."},
            "exact": {"type": "bool", "default": true},
            "wide": {"type": "u64", "default": null, "min": 1},
            "zeal": {
                "type": "f64", "default": 1.5, "min": -2.0, "max": 2.0,
                "description": "Ends the tests.",
            },
        },
        "resource_limits": {
            "max_memory_pages": 16,
            "max_epoch_ticks": 10,
            "max_table_elements": 0,
            "max_stack_size": 65536,
            "max_globals": 3,
        },
        "parallel_dims": ["rows"],
    });
    assert_eq!(entry, expected);
}

/// Memory as aligned as a module's.
#[repr(align(64))]
struct Bytes([u8; 4096]);

/// A call of `everything` as a host lays it out.
struct Layout {
    bytes: Box<Bytes>,
    descriptor: KernelDescriptor,
}

const PARAMS: usize = 64;
const X: usize = 128;
const FURTHER: usize = 384;
const OUTPUT: usize = 640;
const SCRATCH: usize = 1280;

impl Layout {
    fn new() -> Self {
        let descriptor = KernelDescriptor {
            input_a_offset: 128,
            input_a_size: 2 * 32 * 2 * 2,
            // Two blocks of 34 bytes, then 16 numbers at the next multiple of 64.
            input_b_offset: 384,
            input_b_size: 128 + 64,
            // 128 numbers, then two bytes.
            output_offset: 640,
            output_size: 512 + 2,
            scratch_offset: 1280,
            scratch_size: 32,
            params_offset: 64,
            params_size: 8 + 4 + 4 + 8 + 8,
        };
        let mut layout = Self {
            bytes: Box::new(Bytes([0; 4096])),
            descriptor,
        };
        layout.put(PARAMS, &2_u32.to_le_bytes());
        layout.put(PARAMS + 4, &32_u32.to_le_bytes());
        layout.put(PARAMS + 8, &2_f32.to_le_bytes());
        layout.put(PARAMS + 12, &0_u32.to_le_bytes());
        layout.put(PARAMS + 16, &u64::MAX.to_le_bytes());
        layout.put(PARAMS + 24, &0.5_f64.to_le_bytes());
        layout.put(X + 254, &0x3c00_u16.to_le_bytes());
        layout.put(FURTHER + 67, &[253]);
        layout.put(FURTHER + 128 + 60, &77_i32.to_le_bytes());
        layout
    }

    fn put(&mut self, at: usize, bytes: &[u8]) {
        self.bytes.0[at..at + bytes.len()].copy_from_slice(bytes);
    }

    fn run(&mut self) -> Result<(), Status> {
        let descriptor = self.descriptor.to_bytes();
        self.put(0, &descriptor);
        everything_forward::call(Call::open(Memory::of_bytes(&mut self.bytes.0), 0)?)
    }

    fn changed(change: impl FnOnce(&mut Self)) -> Result<(), Status> {
        let mut layout = Self::new();
        change(&mut layout);
        layout.run()
    }
}

#[test]
fn a_call_gives_the_function_what_it_names() {
    let mut layout = Layout::new();
    assert_eq!(layout.run(), Ok(()));
    let bytes = &layout.bytes.0;
    assert_eq!(bytes[OUTPUT + 508..][..4], 4_f32.to_le_bytes());
    assert_eq!(bytes[OUTPUT + 513], 9);
    assert_eq!(bytes[SCRATCH + 28..][..4], 1_f32.to_le_bytes());
}

#[test]
fn a_call_that_is_not_as_declared_never_reaches_the_function() {
    use Status::{InvalidInput, InvalidOutput, InvalidParams, OutOfMemory};
    type Change = fn(&mut Layout);
    let changes: [(Status, Change); 24] = [
        (InvalidParams, |call| call.descriptor.params_size += 4),
        (InvalidParams, |call| call.descriptor.params_size = 0),
        (InvalidParams, |call| call.descriptor.params_offset += 4),
        (InvalidParams, |call| call.descriptor.params_offset = 4096),
        // Neither 0 nor 1.
        (InvalidParams, |call| call.put(PARAMS + 12, &[2])),
        (InvalidParams, |call| call.put(PARAMS + 16, &[0; 8])),
        (InvalidParams, |call| {
            call.put(PARAMS + 24, &2.5_f64.to_le_bytes());
        }),
        (InvalidParams, |call| {
            call.put(PARAMS + 24, &f64::NAN.to_le_bytes());
        }),
        (InvalidParams, |call| {
            call.put(PARAMS + 8, &f32::INFINITY.to_le_bytes());
        }),
        (InvalidInput, |call| call.descriptor.input_a_size += 2),
        (InvalidInput, |call| call.descriptor.input_a_size -= 2),
        (InvalidInput, |call| call.descriptor.input_a_offset += 2),
        (InvalidInput, |call| {
            call.descriptor.input_a_offset = 1 << 31
        }),
        (InvalidInput, |call| call.descriptor.input_b_size -= 64),
        (InvalidInput, |call| call.descriptor.input_b_size += 1),
        // Not a multiple of 32, and a product beyond 32 bits.
        (InvalidInput, |call| call.put(PARAMS + 4, &[33])),
        (InvalidInput, |call| call.put(PARAMS, &[0xff; 4])),
        (InvalidOutput, |call| call.descriptor.output_size += 64),
        (InvalidOutput, |call| call.descriptor.output_size = 512),
        (InvalidOutput, |call| call.descriptor.output_offset = 4032),
        (InvalidOutput, |call| {
            call.descriptor.output_offset = X.try_into().unwrap()
        }),
        (OutOfMemory, |call| call.descriptor.scratch_size = 0),
        (OutOfMemory, |call| {
            call.descriptor.scratch_offset = call.descriptor.output_offset + 512;
        }),
        (OutOfMemory, |call| {
            call.descriptor.scratch_offset = FURTHER.try_into().unwrap()
        }),
    ];
    for (i, (status, change)) in changes.into_iter().enumerate() {
        assert_eq!(Layout::changed(change), Err(status), "change {i}");
    }
}

#[test]
fn the_functions_own_status_is_the_calls() {
    let result = Layout::changed(|call| {
        call.put(PARAMS, &[7]);
        call.descriptor = KernelDescriptor {
            input_a_offset: 128,
            input_a_size: 7 * 32 * 2 * 2,
            input_b_offset: 1024,
            input_b_size: 256 + 64,
            output_offset: 1344,
            output_size: 7 * 64 * 4 + 7,
            scratch_offset: 3200,
            scratch_size: 7 * 4 * 4,
            ..call.descriptor
        };
    });
    assert_eq!(result, Err(Status::NotImplemented));
}

#[test]
fn a_descriptor_outside_of_the_memory_is_refused() {
    for offset in [4, 4032 + 64, u32::MAX - 63] {
        let mut bytes = Box::new(Bytes([0; 4096]));
        let call = Call::open(Memory::of_bytes(&mut bytes.0), offset);
        assert_eq!(call.err(), Some(Status::InvalidParams));
    }
}
