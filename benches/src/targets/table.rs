//! The table of targets, as data.
//!
//! The one-shot call into the caller's buffers is read as a call from slices into slices by a
//! [`Caller`](kpack::Caller), which keeps its instances: [`Comparison::Caller`] is what must reach the goals.
//! The one-shot call that makes an instance of its own, [`Comparison::OneShot`], is only of interest.

/// Two ways to spend time, the one in units of the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparison {
    /// The bound call on wasmtime, over the loop written by hand.
    Ceiling,
    /// The bound call on wasmtime, over the native loop for vectors of 128 bits.
    Native,
    /// The bound call on wasmtime in half precision, over the same in `f32`.
    Half,
    /// The bound call on wasmtime, over candle's operator.
    Candle,
    /// The bound call on wasmer, over wasmtime's.
    Wasmer,
    /// From slices into slices by a caller on one thread, which keeps its instances, over the bound call.
    Caller,
    /// The one-shot call on a fresh instance, into new tensors, over the bound call.
    OneShot,
    /// The bound call of a kernel with its fallbacks, over the bound call of the kernel alone.
    Dispatch,
    /// A kernel of a slot, which looks at each call whether another pack has come, over the bound call.
    Slot,
    /// A caller on two threads, over one thread.
    Threads,
    /// RMSNorm, its result copied into RoPE's input, and RoPE, over the two calls without the copy:
    /// the time of the copy alone. RoPE reads a tensor of its own on both sides, so what it gains or loses
    /// when it reads RMSNorm's result where that lies is not in the figure.
    Chain,
    /// The bound call of an empty kernel, over the engine's own typed call.
    EmptyCall,
    /// Loading a pack that is in the compile cache, over loading it cold.
    CachedLoad,
    /// The bound call on wasmtime, over the same without the deadline's checks.
    Deadline,
}

impl Comparison {
    /// The comparison for people.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ceiling => "wasmtime / ceiling",
            Self::Native => "wasmtime / native",
            Self::Half => "half / f32",
            Self::Candle => "wasmtime / candle",
            Self::Wasmer => "wasmer / wasmtime",
            Self::Caller => "caller / bound call",
            Self::OneShot => "one-shot / bound call",
            Self::Dispatch => "dispatch / bound call",
            Self::Slot => "slot / bound call",
            Self::Threads => "2 threads / 1 thread",
            Self::Chain => "chain / its two kernels",
            Self::EmptyCall => "bound call / typed call",
            Self::CachedLoad => "cached load / cold load",
            Self::Deadline => "deadline / no deadline",
        }
    }
}

/// One figure of the table.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Target {
    /// What is compared.
    pub comparison: Comparison,
    /// On which call: the name of a workload, or what else the comparison is about.
    pub what: &'static str,
    /// The ratio that must not be exceeded; none where the figure is only of interest.
    pub must: Option<f64>,
    /// The ratio that is aimed at.
    pub aim: Option<f64>,
    /// What the one must not exceed either, in nanoseconds.
    pub must_ns: Option<f64>,
}

/// Every target, in the order in which they are shown.
#[must_use]
pub fn all() -> Vec<Target> {
    use Comparison::{
        CachedLoad, Caller, Candle, Ceiling, Chain, Deadline, Dispatch, EmptyCall, Half, Native,
        OneShot, Threads, Wasmer,
    };
    let mut all = vec![
        target(Ceiling, RMSNORM[0], 3.0, 2.0),
        target(Ceiling, RMSNORM[1], 1.6, 1.25),
        target(Ceiling, RMSNORM[2], 1.3, 1.1),
        target(Ceiling, HALF[0], 3.0, 2.2),
        target(Ceiling, HALF[1], 1.35, 1.15),
        target(Ceiling, HALF[2], 1.15, 1.05),
        target(Ceiling, INTERLEAVED[0], 2.6, 1.9),
        target(Ceiling, INTERLEAVED[1], 1.35, 1.1),
        target(Ceiling, INTERLEAVED[2], 1.15, 1.05),
        target(Ceiling, SWIGLU[0], 2.1, 1.5),
        target(Ceiling, SWIGLU[1], 1.3, 1.15),
    ];
    all.extend(kernels().map(|what| target(Candle, what, 0.5, 0.25)));
    for what in [ATTENTION, LORA[0], LORA[1]] {
        all.extend([
            target(Native, what, 1.5, 1.0),
            target(Candle, what, 1.0, 0.5),
        ]);
        all.push(of_interest(Wasmer, what));
    }
    all.extend(BLOCKS.map(|what| target(Native, what, 1.5, 1.0)));
    all.extend(HALVES.map(|what| target(Half, what, 2.0, 1.0)));
    for what in kernels() {
        // Without fused multiplications, which wasmer's compiler never makes.
        let must = if SWIGLU.contains(&what) { 1.7 } else { 1.25 };
        all.push(target(Wasmer, what, must, 1.1));
    }
    let copying = [
        (RMSNORM[1], 3.0, 2.0),
        (HALF[1], 3.0, 2.0),
        (INTERLEAVED[1], 3.0, 2.0),
        (SWIGLU[1], 2.0, 1.4),
        (RMSNORM[2], 1.6, 1.2),
        (HALF[2], 1.6, 1.2),
        (INTERLEAVED[2], 1.6, 1.2),
    ];
    all.extend(copying.map(|(what, must, aim)| target(Caller, what, must, aim)));
    all.extend(copying.map(|(what, ..)| of_interest(OneShot, what)));
    all.extend(HALF.map(|what| of_interest(Chain, what)));
    all.extend([
        target(Dispatch, RMSNORM[0], 1.1, 1.05),
        target(Comparison::Slot, RMSNORM[0], 1.1, 1.05),
        of_interest(Dispatch, HALF[0]),
        target(Threads, RMSNORM[2], 0.6, 0.52),
        target(Threads, HALF[2], 0.6, 0.52),
        target(Threads, INTERLEAVED[2], 0.6, 0.52),
        target(Threads, SWIGLU[1], 0.6, 0.52),
        // Too little work to share: a caller may stay on one thread, but must not lose by two.
        target(Threads, RMSNORM[1], 1.0, 1.0),
        target(Threads, HALF[1], 1.0, 1.0),
        target(Threads, INTERLEAVED[1], 1.0, 1.0),
        Target {
            must_ns: Some(80.0),
            ..target(EmptyCall, "an empty kernel", 3.0, 2.0)
        },
        target(CachedLoad, "the reference pack", 0.15, 0.05),
        target(Deadline, RMSNORM[1], 1.12, 1.03),
        target(Deadline, HALF[1], 1.05, 1.03),
        target(Deadline, INTERLEAVED[1], 1.05, 1.03),
        target(Deadline, SWIGLU[1], 1.05, 1.03),
    ]);
    all
}

const RMSNORM: [&str; 3] = [
    "rmsnorm_f32, 1 x 4096",
    "rmsnorm_f32, 32 x 4096",
    "rmsnorm_f32, 512 x 4096",
];
const HALF: [&str; 3] = [
    "rope_f32, 1 x 32 x 128 half",
    "rope_f32, 32 x 32 x 128 half",
    "rope_f32, 512 x 32 x 128 half",
];
const INTERLEAVED: [&str; 3] = [
    "rope_f32, 1 x 32 x 128 interleaved",
    "rope_f32, 32 x 32 x 128 interleaved",
    "rope_f32, 512 x 32 x 128 interleaved",
];
const SWIGLU: [&str; 2] = ["swiglu_f32, 1 x 11008", "swiglu_f32, 32 x 11008"];

const ATTENTION: &str = "attention_f32, 1 of 1024 x 32 x 128";
const LORA: [&str; 2] = [
    "lora_apply_f32, 1 x 4096 x 4096, rank 16",
    "lora_apply_f32, 32 x 4096 x 4096, rank 16",
];
const BLOCKS: [&str; 8] = [
    "kv_pack_q8, 4 x 4096",
    "kv_pack_q8, 1024 x 4096",
    "kv_pack_q4, 4 x 4096",
    "kv_pack_q4, 1024 x 4096",
    "kv_unpack_q8, 4 x 4096",
    "kv_unpack_q8, 1024 x 4096",
    "kv_unpack_q4, 4 x 4096",
    "kv_unpack_q4, 1024 x 4096",
];
const HALVES: [&str; 6] = [
    "rmsnorm_f16, 32 x 4096",
    "rope_f16, 32 x 32 x 128 half",
    "swiglu_f16, 32 x 11008",
    "rmsnorm_bf16, 32 x 4096",
    "rope_bf16, 32 x 32 x 128 half",
    "swiglu_bf16, 32 x 11008",
];

fn kernels() -> impl Iterator<Item = &'static str> {
    let ropes = HALF.into_iter().chain(INTERLEAVED);
    RMSNORM.into_iter().chain(ropes).chain(SWIGLU)
}

fn target(comparison: Comparison, what: &'static str, must: f64, aim: f64) -> Target {
    Target {
        must: Some(must),
        aim: Some(aim),
        ..of_interest(comparison, what)
    }
}

fn of_interest(comparison: Comparison, what: &'static str) -> Target {
    Target {
        comparison,
        what,
        must: None,
        aim: None,
        must_ns: None,
    }
}
