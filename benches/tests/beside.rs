//! What stands beside the engines does the same work: it gives what the formulas say.

use kpack_benches::ceiling::{Ceiling, CeilingCall};
use kpack_benches::native::{Computed, NativeCall};
use kpack_benches::operator::{Blocks, Operator};
#[cfg(feature = "candle")]
use kpack_benches::peer::candle::CandleCall;
use kpack_benches::workload::{self, Workload};
use kpack_reference::{Mask, native, oracle};

/// Blocks are no matter of this test: theirs are compared byte for byte below.
fn exact(workload: &Workload) -> Vec<f64> {
    match workload.operator().expect("the workload is in f32") {
        Operator::RmsNorm { x, weight, eps } => oracle::rmsnorm(x, weight, eps, 0.0),
        Operator::Rope {
            shape,
            layout,
            x,
            freqs,
        } => oracle::rope(shape, layout, x, freqs),
        Operator::RopeFreqs {
            positions,
            half,
            theta,
        } => oracle::rope_freqs(positions, half, theta),
        Operator::SwiGlu { gate, up } => oracle::swiglu(gate, up),
        Operator::Attention { shape, q, k, v } => {
            oracle::attention(shape, Mask::Causal, 0.0, q, k, v)
        }
        Operator::Lora {
            shape,
            base,
            x,
            lora_a,
            lora_b,
        } => oracle::lora_apply(shape, base, x, lora_a, lora_b, 1.0),
        Operator::Unpack(Blocks::Q8, blocks) => {
            unpacked(blocks, native::kv_unpack_q8, workload.output_elements)
        }
        Operator::Unpack(Blocks::Q4, blocks) => {
            unpacked(blocks, native::kv_unpack_q4, workload.output_elements)
        }
        Operator::Pack(..) => unreachable!("blocks are no numbers"),
    }
}

/// What the plain loop makes of blocks; it is held against ggml's elsewhere.
fn unpacked(blocks: &[u8], unpack: fn(&[u8], &mut [f32]), elements: usize) -> Vec<f64> {
    let mut y = vec![0.0; elements];
    unpack(blocks, &mut y);
    y.into_iter().map(f64::from).collect()
}

/// Relative to the largest value, but to one at least: most workloads' values lie within a few units of
/// zero. candle sums the squares of a row one by one, which costs digits; an operator that did anything else
/// would be further off than this.
fn assert_close(y: &[f32], workload: &Workload) {
    let exact = exact(workload);
    assert_eq!(y.len(), exact.len());
    let largest = exact
        .iter()
        .fold(1.0_f64, |largest, y| largest.max(y.abs()));
    for (index, (&y, &exact)) in y.iter().zip(&exact).enumerate() {
        let error = (f64::from(y) - exact).abs();
        assert!(
            error <= 1e-5 * largest,
            "{}: {y} for {exact} at {index}",
            workload.name()
        );
    }
}

#[test]
fn the_native_loops_compute_the_workloads() {
    for workload in workload::all() {
        let mut call = NativeCall::new(&workload).expect("there is a loop for every kernel in f32");
        match (call.run(), workload.operator()) {
            (Computed::F32s(y), _) => assert_close(y, &workload),
            (Computed::Blocks(found), Some(Operator::Pack(blocks, x))) => {
                let mut expected = vec![0; found.len()];
                match blocks {
                    Blocks::Q8 => native::kv_pack_q8(x, &mut expected),
                    Blocks::Q4 => native::kv_pack_q4(x, &mut expected),
                }
                assert_eq!(found, expected, "{}", workload.name());
            }
            (Computed::Blocks(_), _) => panic!("blocks come from packing: {}", workload.name()),
        }
    }
}

#[test]
fn the_ceiling_computes_the_workloads() {
    let Some(ceiling) = Ceiling::detect() else {
        return eprintln!("not tested: this processor has neither AVX-512 nor NEON");
    };
    for workload in workload::all() {
        if let Some(mut call) = CeilingCall::new(ceiling, &workload) {
            assert_close(call.run(), &workload);
        }
    }
}

#[cfg(feature = "candle")]
#[test]
fn candle_computes_the_workloads() {
    let mut computed = 0;
    for workload in workload::all() {
        if let Some(call) = CandleCall::new(&workload).unwrap() {
            assert_close(&call.output().unwrap(), &workload);
            computed += 1;
        }
    }
    assert_eq!(
        computed, 14,
        "all but the tables of rope_freqs_f32, and blocks"
    );
}
