// Written by `cargo xtask reference-pack`: every file that the pack's manifest names.

embedded![
    "rmsnorm/rmsnorm_f32.simd.wasm",
    "rmsnorm/rmsnorm_f32.wasm",
    "rmsnorm/vectors/rmsnorm_f32.0.safetensors",
    "rmsnorm/vectors/rmsnorm_f32.1.safetensors",
    "rmsnorm/vectors/rmsnorm_f32.2.safetensors",
    "rope/rope_f32.relaxed-simd.wasm",
    "rope/rope_f32.simd.wasm",
    "rope/rope_f32.wasm",
    "rope/vectors/rope_f32.0.safetensors",
    "rope/vectors/rope_f32.1.safetensors",
    "rope/vectors/rope_f32.2.safetensors",
    "rope/vectors/rope_freqs_f32.0.safetensors",
    "rope/vectors/rope_freqs_f32.1.safetensors",
    "swiglu/swiglu_f32.relaxed-simd.wasm",
    "swiglu/swiglu_f32.simd.wasm",
    "swiglu/swiglu_f32.wasm",
    "swiglu/vectors/swiglu_f32.0.safetensors",
    "swiglu/vectors/swiglu_f32.1.safetensors",
]
