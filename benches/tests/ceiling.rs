//! The loops written by hand give what the formulas say, also where a row is no multiple of a
//! register. Without AVX-512 or NEON there is nothing to test, and it says so.

use kpack_benches::ceiling::Ceiling;
use kpack_benches::inputs::Inputs;
use kpack_reference::{PairLayout, RopeShape, oracle};

fn with_ceiling(test: impl Fn(Ceiling)) {
    match Ceiling::detect() {
        Some(ceiling) => test(ceiling),
        None => eprintln!("not tested: this processor has neither AVX-512 nor NEON"),
    }
}

/// What no loop may leave in its output.
const UNWRITTEN: f32 = 12345.0;

/// Asserts that each value is as close to the exact one as the tolerance for it says.
fn assert_close(y: &[f32], exact: &[f64], tolerance: impl Fn(f64) -> f64, what: &str) {
    assert_eq!(y.len(), exact.len(), "{what}");
    for (index, (&y, &exact)) in y.iter().zip(exact).enumerate() {
        let error = (f64::from(y) - exact).abs();
        assert!(
            error <= tolerance(exact),
            "{what}: {y} for {exact} at {index}"
        );
    }
}

#[test]
fn rmsnorm() {
    with_ceiling(|ceiling| {
        for hidden in [1, 3, 4, 15, 16, 17, 127, 128, 129, 1000, 4096] {
            let mut inputs = Inputs::default();
            let (x, weight) = (inputs.f32s(3 * hidden), inputs.f32s(hidden));
            let mut y = vec![UNWRITTEN; x.len()];
            ceiling.rmsnorm(&x, &weight, 1e-5, &mut y);
            let exact = oracle::rmsnorm(&x, &weight, 1e-5, 0.0);
            assert_close(&y, &exact, |y| 5e-7 * y.abs(), &format!("{hidden}"));
        }
    });
}

#[test]
fn rope() {
    with_ceiling(|ceiling| {
        for layout in [PairLayout::Half, PairLayout::Interleaved] {
            for half in [1, 2, 3, 7, 8, 9, 16, 33, 64, 65, 130] {
                for passed in [0, 1, 5] {
                    let shape = RopeShape {
                        batch: 2,
                        seq: 3,
                        heads: 5,
                        dim: 2 * half + passed,
                        half,
                    };
                    let mut inputs = Inputs::default();
                    let x = inputs.f32s(shape.elements());
                    let freqs = inputs.f32s(shape.table_elements());
                    let mut y = vec![UNWRITTEN; x.len()];
                    ceiling.rope(shape, layout, &x, &freqs, &mut y);
                    let exact = oracle::rope(shape, layout, &x, &freqs);
                    assert_close(&y, &exact, |_| 2e-7, &format!("{layout:?} {shape:?}"));
                }
            }
        }
    });
}

#[test]
fn rope_without_pairs_passes_everything() {
    with_ceiling(|ceiling| {
        let shape = RopeShape {
            batch: 1,
            seq: 2,
            heads: 2,
            dim: 3,
            half: 0,
        };
        let x = Inputs::default().f32s(shape.elements());
        let mut y = vec![UNWRITTEN; x.len()];
        ceiling.rope(shape, PairLayout::Half, &x, &[], &mut y);
        assert_eq!(x, y);
    });
}

/// Relatively within 3e-7 over all gates whose exponential is a normal `f32`, as the kernel is.
#[test]
fn swiglu() {
    with_ceiling(|ceiling| {
        // 0.005 apart.
        let gate: Vec<f32> = (-17_400_i16..=17_400)
            .map(|n| f32::from(n) / 200.0)
            .collect();
        for length in [1, 5, 15, 16, 17, 63, 64, 65, gate.len()] {
            let (gate, up) = (&gate[gate.len() - length..], vec![1.25; length]);
            let mut y = vec![UNWRITTEN; length];
            ceiling.swiglu(gate, &up, &mut y);
            let exact = oracle::swiglu(gate, &up);
            assert_close(&y, &exact, |y| 3e-7 * y.abs(), &format!("{length}"));
        }
    });
}

#[test]
fn swiglu_at_the_ends() {
    with_ceiling(|ceiling| {
        let gate = [
            f32::NEG_INFINITY,
            f32::MIN,
            -100.0,
            0.0,
            100.0,
            f32::MAX,
            f32::NAN,
        ];
        let mut y = [UNWRITTEN; 7];
        ceiling.swiglu(&gate, &[1.0; 7], &mut y);
        for y in &y[..3] {
            assert!(y.abs() < 2e-36, "{y}");
        }
        assert_eq!(y[3..6], gate[3..6]);
        assert!(y[6].is_nan());
    });
}

#[test]
fn traffic_reads_and_writes() {
    with_ceiling(|ceiling| {
        for length in [1, 17, 100] {
            let mut inputs = Inputs::default();
            let (first, second) = (inputs.f32s(length), inputs.f32s(length));
            let mut y = vec![UNWRITTEN; length];
            ceiling.traffic([&first, &second], &mut y);
            let sums: Vec<f32> = first.iter().zip(&second).map(|(a, b)| a + b).collect();
            assert_eq!(y, sums);
            ceiling.traffic([&first, &[]], &mut y);
            assert_eq!(y, first);
        }
    });
}
