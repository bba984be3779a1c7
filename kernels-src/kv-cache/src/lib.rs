//! `kv_pack_q8`, `kv_pack_q4`, `kv_unpack_q8` and `kv_unpack_q4`: rows as blocks of 32 elements with a
//! scale each, and back, byte for byte as ggml's Q8_0 and Q4_0.
//!
//! ggml's arithmetic is `f32` with one rounding an operation, and so is this: there is no variant that
//! fuses, and all modules give the same bytes on every machine. ggml leaves open what becomes of a block
//! that holds NaN or an infinity; here its scale is one, and its codes are those of zeros.

#![cfg_attr(target_arch = "wasm32", no_std)]

mod q4;
mod q8;

use kpack_guest::{Q4Block, Q8Block, kernel};

/// The kernel `kv_pack_q8`.
#[kernel(
    id = "kv_pack_q8",
    name = "Blocks of Q8_0 from f32",
    category = kv_cache,
    inputs(x: f32[rows, dim]),
    outputs(blocks: q8[rows, dim]),
    parallel_dims(rows),
)]
fn kv_pack_q8_forward(x: &[f32], blocks: &mut [Q8Block]) {
    let (x, _) = x.as_chunks::<{ Q8Block::ELEMENTS }>();
    for (x, block) in x.iter().zip(blocks) {
        q8::pack(x, block);
    }
}

/// The kernel `kv_unpack_q8`.
#[kernel(
    id = "kv_unpack_q8",
    name = "f32 from blocks of Q8_0",
    category = kv_cache,
    inputs(blocks: q8[rows, dim]),
    outputs(y: f32[rows, dim]),
    parallel_dims(rows),
)]
fn kv_unpack_q8_forward(blocks: &[Q8Block], y: &mut [f32]) {
    let (y, _) = y.as_chunks_mut::<{ Q8Block::ELEMENTS }>();
    // Four blocks a turn, so that the engine's check for an interruption does not count; by name, for the
    // compiler leaves a loop over so much a loop.
    let (blocks, last_blocks) = blocks.as_chunks::<4>();
    let (y, last_y) = y.as_chunks_mut::<4>();
    for (blocks, [a, b, c, d]) in blocks.iter().zip(y) {
        q8::unpack(&blocks[0], a);
        q8::unpack(&blocks[1], b);
        q8::unpack(&blocks[2], c);
        q8::unpack(&blocks[3], d);
    }
    for (block, y) in last_blocks.iter().zip(last_y) {
        q8::unpack(block, y);
    }
}

/// The kernel `kv_pack_q4`.
#[kernel(
    id = "kv_pack_q4",
    name = "Blocks of Q4_0 from f32",
    category = kv_cache,
    inputs(x: f32[rows, dim]),
    outputs(blocks: q4[rows, dim]),
    parallel_dims(rows),
)]
fn kv_pack_q4_forward(x: &[f32], blocks: &mut [Q4Block]) {
    let (x, _) = x.as_chunks::<{ Q4Block::ELEMENTS }>();
    for (x, block) in x.iter().zip(blocks) {
        q4::pack(x, block);
    }
}

/// The kernel `kv_unpack_q4`.
#[kernel(
    id = "kv_unpack_q4",
    name = "f32 from blocks of Q4_0",
    category = kv_cache,
    inputs(blocks: q4[rows, dim]),
    outputs(y: f32[rows, dim]),
    parallel_dims(rows),
)]
fn kv_unpack_q4_forward(blocks: &[Q4Block], y: &mut [f32]) {
    let (y, _) = y.as_chunks_mut::<{ Q4Block::ELEMENTS }>();
    for (block, y) in blocks.iter().zip(y) {
        q4::unpack(block, y);
    }
}
