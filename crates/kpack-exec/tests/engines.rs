//! The engines side by side in one process: none disturbs another's traps, and both compute the same
//! bits.

#![cfg(all(feature = "wasmtime", feature = "wasmer"))]
#![allow(clippy::unwrap_used, reason = "a test that cannot be set up fails")]

mod support;

use std::thread;

use kpack_exec::{BoundKernel, CompiledKernel};
use kpack_schema::ParamValue;
use serde_json::json;

use support::reference::reference;
use support::{backends, compile, verified};

/// A kernel that ends in the way its first input asks for.
const TRAPS: &str = "(module
    (memory (export \"memory\") 1) (table 1 funcref) (type $f (func))
    (func $down (result i32) (i32.add (i32.const 1) (call $down)))
    (func (export \"run\") (param $d i32) (result i32) (local $how i32)
      (local.set $how (i32.trunc_f32_u (f32.load (i32.load (local.get $d)))))
      (block $5 (block $4 (block $3 (block $2 (block $1 (block $0
        (br_table $0 $1 $2 $3 $4 $5 (local.get $how)))
        (return (i32.const 0)))
        unreachable)
        (return (i32.load (i32.const -1))))
        (return (i32.div_u (i32.const 1) (i32.sub (local.get $how) (i32.const 3)))))
        (return (call $down)))
        (call_indirect (type $f) (i32.const 0))
      i32.const 0))";

const ENDS: [Option<&str>; 6] = [
    None,
    Some("unreachable"),
    Some("memory_out_of_bounds"),
    Some("integer_divide_by_zero"),
    Some("stack_overflow"),
    Some("indirect_call_to_null"),
];

#[test]
fn both_engines_trap_by_turns_on_several_threads() {
    let kernel = verified(TRAPS, json!({"resource_limits": {"max_epoch_ticks": 500}}));
    let compiled: Vec<CompiledKernel> = backends()
        .iter()
        .map(|backend| compile(backend.as_ref(), &kernel))
        .collect();
    thread::scope(|scope| {
        for thread in 0_u8..4 {
            let compiled = &compiled;
            scope.spawn(move || {
                for turn in 0_u8..60 {
                    let how = (turn / 2 + thread) % 6;
                    let engine = usize::from(turn + thread) % compiled.len();
                    let mut bound = compiled[engine].bind(&[("n", 1)], &[]).unwrap();
                    bound.input_mut::<f32>("x").unwrap().fill(f32::from(how));
                    let ended = bound.run().err();
                    let found = ended.as_ref().map(|error| error.fault().unwrap().kind());
                    assert_eq!(
                        found,
                        ENDS[usize::from(how)],
                        "on {}",
                        compiled[engine].engine()
                    );
                }
            });
        }
    });
}

/// Numbers of every kind from a fixed seed.
struct Numbers(u64);

impl Numbers {
    fn next_bits(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    /// Mostly of moderate size; some of any size, subnormal, infinite or no number.
    fn next_f32(&mut self) -> f32 {
        let bits = self.next_bits();
        let any = u32::try_from(bits >> 32).unwrap();
        match bits % 64 {
            0 => f32::from_bits(any),
            1 => f32::from_bits(any & 0x807f_ffff),
            2 => f32::INFINITY.copysign(f32::from_bits(any)),
            _ => f32::from_bits((any & 0x807f_ffff) | 0x3f00_0000) * 4.0,
        }
    }
}

fn fill(bound: &mut BoundKernel, numbers: &mut Numbers) {
    let inputs: Vec<_> = bound.inputs().iter().map(|t| t.name.clone()).collect();
    for name in inputs {
        if name == "positions" {
            for x in bound.input_mut::<i32>(&name).unwrap() {
                *x = i32::try_from(numbers.next_bits() % 300_000).unwrap();
            }
            continue;
        }
        for x in bound.input_mut::<f32>(&name).unwrap() {
            *x = numbers.next_f32();
        }
    }
}

/// The bits of an output, every NaN as the same one.
fn bits(bound: &BoundKernel) -> Vec<u32> {
    let name = &bound.outputs()[0].name;
    let values = bound.output::<f32>(name).unwrap().iter();
    let same = |x: &f32| if x.is_nan() { f32::NAN } else { *x }.to_bits();
    values.map(same).collect()
}

#[test]
fn the_reference_kernels_give_the_same_bits_on_every_engine_with_and_without_simd() {
    type Shape<'a> = (&'a [(&'a str, usize)], &'a [(&'a str, ParamValue)]);
    let small = &[
        ("batch", 1),
        ("seq", 3),
        ("heads", 5),
        ("dim", 7),
        ("half", 3),
    ][..];
    let large = &[
        ("batch", 2),
        ("seq", 4),
        ("heads", 8),
        ("dim", 128),
        ("half", 64),
    ][..];
    let halves = &[("interleaved", ParamValue::Bool(false))][..];
    let pairs = &[("interleaved", ParamValue::Bool(true))][..];
    let cases: [(&str, &[Shape<'_>]); 4] = [
        (
            "rmsnorm_f32",
            &[
                (&[("rows", 1), ("hidden", 1)], &[]),
                (&[("rows", 3), ("hidden", 67)], &[]),
                (&[("rows", 2), ("hidden", 4096)], &[]),
            ],
        ),
        (
            "swiglu_f32",
            &[
                (&[("rows", 1), ("width", 3)], &[]),
                (&[("rows", 5), ("width", 131)], &[]),
                (&[("rows", 1), ("width", 11008)], &[]),
            ],
        ),
        (
            "rope_f32",
            &[
                (small, halves),
                (small, pairs),
                (large, halves),
                (large, pairs),
            ],
        ),
        (
            "rope_freqs_f32",
            &[(&[("seq", 37)], &[("half", ParamValue::U32(64))])],
        ),
    ];
    let backends = backends();
    let mut numbers = Numbers(0x9e37_79b9_7f4a_7c15);
    for (id, shapes) in cases {
        let modules = reference(id);
        let on_every_engine = |module| {
            let backends = backends.iter();
            backends.map(move |backend| compile(backend.as_ref(), module))
        };
        let compiled: Vec<_> = modules.iter().flat_map(on_every_engine).collect();
        for (dims, params) in shapes {
            let mut bound: Vec<_> = compiled
                .iter()
                .map(|kernel| kernel.bind(dims, params).unwrap())
                .collect();
            for _ in 0..50 {
                let seed = numbers.next_bits();
                let results: Vec<_> = bound
                    .iter_mut()
                    .map(|bound| {
                        fill(bound, &mut Numbers(seed));
                        bound.run().unwrap();
                        bits(bound)
                    })
                    .collect();
                let same = results.iter().all(|result| *result == results[0]);
                assert!(same, "{id} {dims:?} from seed {seed}");
            }
        }
    }
}
