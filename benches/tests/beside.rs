//! What stands beside the engines does the same work: it gives what the formulas say.

use kpack_benches::ceiling::{Ceiling, CeilingCall};
use kpack_benches::native::NativeCall;
use kpack_benches::operator::Operator;
#[cfg(feature = "candle")]
use kpack_benches::peer::candle::CandleCall;
use kpack_benches::workload::{self, Workload};
use kpack_reference::oracle;

fn exact(workload: &Workload) -> Vec<f64> {
    match workload.operator() {
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
    }
}

/// All values of the workloads lie within a few units of zero. candle sums the squares of a row one by
/// one, which costs digits; an operator that did anything else would be further off than this.
fn assert_close(y: &[f32], workload: &Workload) {
    let exact = exact(workload);
    assert_eq!(y.len(), exact.len());
    for (index, (&y, &exact)) in y.iter().zip(&exact).enumerate() {
        let error = (f64::from(y) - exact).abs();
        assert!(
            error <= 1e-5,
            "{}: {y} for {exact} at {index}",
            workload.name()
        );
    }
}

#[test]
fn the_native_loops_compute_the_workloads() {
    for workload in workload::all() {
        assert_close(NativeCall::new(&workload).run(), &workload);
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
    assert_eq!(computed, 11, "all but the tables of rope_freqs_f32");
}
