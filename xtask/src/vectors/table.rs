//! The table of vectors. A new kernel is a line for each case, and a function where its oracle is new.
//!
//! Sizes are odd, so that no row ends with a vector register.

use std::collections::BTreeMap;

use kpack_reference::{PairLayout, RopeShape, oracle};
use kpack_schema::{Tolerance, ToleranceMode};
use serde_json::json;

use super::made_up::MadeUp;
use super::tensor::Tensor;
use super::{Case, Row};

pub(super) const ROWS: &[Row] = &[
    row("rope", "rope_f32", |made| {
        rope(made, [2, 3, 3, 22, 11], PairLayout::Half)
    }),
    row("rope", "rope_f32", |made| {
        rope(made, [1, 5, 2, 19, 7], PairLayout::Half)
    }),
    row("rope", "rope_f32", |made| {
        rope(made, [1, 5, 2, 19, 7], PairLayout::Interleaved)
    }),
    row("rope", "rope_freqs_f32", |_| {
        freqs(&[0, 1, 2, 63, 4095], 21, 10_000.0)
    }),
    row("rope", "rope_freqs_f32", |_| {
        freqs(&[131_071, 262_143], 64, 500_000.0)
    }),
    row("rmsnorm", "rmsnorm_f32", |made| {
        rmsnorm(made, 3, 67, 1e-5, 0.0)
    }),
    row("rmsnorm", "rmsnorm_f32", |made| {
        rmsnorm(made, 1, 1023, 1e-6, 1.0)
    }),
    row("rmsnorm", "rmsnorm_f32", |made| {
        rmsnorm(made, 5, 1, 0.1, 0.0)
    }),
    row("swiglu", "swiglu_f32", |made| swiglu(made, 3, 67)),
    row("swiglu", "swiglu_f32", |made| swiglu(made, 1, 517)),
];

pub(super) const fn row(
    family: &'static str,
    kernel: &'static str,
    case: fn(&mut MadeUp) -> Case,
) -> Row {
    Row {
        family,
        kernel,
        case,
    }
}

/// Some roundings of `f32`; `atol` is for sums whose terms cancel.
pub(super) fn close(rtol: f64, atol: f64) -> Tolerance {
    Tolerance {
        mode: ToleranceMode::Elementwise,
        rtol,
        atol,
    }
}

fn rmsnorm(made: &mut MadeUp, rows: usize, hidden: usize, eps: f32, offset: f32) -> Case {
    let (x, weight) = (made.floats(rows * hidden), made.floats(hidden));
    let y = oracle::rmsnorm(&x, &weight, eps, offset);
    Case {
        // The shortest text that reads as this f32.
        params: BTreeMap::from([("eps", shortest(eps)), ("weight_offset", shortest(offset))]),
        tolerance: close(4e-6, 0.0),
        tensors: vec![
            ("x", Tensor::f32(&[rows, hidden], &x)),
            ("weight", Tensor::f32(&[hidden], &weight)),
            ("y", Tensor::rounded(&[rows, hidden], &y)),
        ],
    }
}

fn swiglu(made: &mut MadeUp, rows: usize, width: usize) -> Case {
    let wide = |values: Vec<f32>| values.into_iter().map(|value| 20.0 * value).collect();
    let gate: Vec<f32> = wide(made.floats(rows * width));
    let up = made.floats(rows * width);
    let y = oracle::swiglu(&gate, &up);
    let shape = [rows, width];
    Case {
        params: BTreeMap::new(),
        tolerance: close(4e-6, 1e-30),
        tensors: vec![
            ("gate", Tensor::f32(&shape, &gate)),
            ("up", Tensor::f32(&shape, &up)),
            ("y", Tensor::rounded(&shape, &y)),
        ],
    }
}

fn rope(made: &mut MadeUp, [batch, seq, heads, dim, half]: [usize; 5], layout: PairLayout) -> Case {
    let shape = RopeShape {
        batch,
        seq,
        heads,
        dim,
        half,
    };
    let x = made.floats(shape.elements());
    // Any table will do: the kernel only multiplies by it.
    let freqs = made.floats(shape.table_elements());
    let y = oracle::rope(shape, layout, &x, &freqs);
    let interleaved = layout == PairLayout::Interleaved;
    Case {
        params: BTreeMap::from([("interleaved", json!(interleaved))]),
        tolerance: close(1e-6, 4e-7),
        tensors: vec![
            ("x", Tensor::f32(&[batch, seq, heads, dim], &x)),
            ("freqs", Tensor::f32(&[seq, 2, half], &freqs)),
            ("y", Tensor::rounded(&[batch, seq, heads, dim], &y)),
        ],
    }
}

fn freqs(positions: &[i32], half: usize, theta: f32) -> Case {
    let freqs = oracle::rope_freqs(positions, half, theta);
    Case {
        params: BTreeMap::from([("half", json!(half)), ("theta", shortest(theta))]),
        tolerance: close(1e-6, 4e-7),
        tensors: vec![
            ("positions", Tensor::i32(&[positions.len()], positions)),
            (
                "freqs",
                Tensor::rounded(&[positions.len(), 2, half], &freqs),
            ),
        ],
    }
}

/// As a person would write it: 1e-5, not the double next to the f32 that is.
fn shortest(value: f32) -> serde_json::Value {
    let value: f64 = value.to_string().parse().expect("a float's text is one");
    json!(value)
}
