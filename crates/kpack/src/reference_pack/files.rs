// Written by `cargo xtask reference-pack`: every file that the pack's manifest names.

embedded![
    "rmsnorm/rmsnorm_f32.simd.wasm",
    "rmsnorm/rmsnorm_f32.wasm",
    "rope/rope_f32.relaxed-simd.wasm",
    "rope/rope_f32.simd.wasm",
    "rope/rope_f32.wasm",
    "swiglu/swiglu_f32.relaxed-simd.wasm",
    "swiglu/swiglu_f32.simd.wasm",
    "swiglu/swiglu_f32.wasm",
]
