use kpack::{ParamValue, Tensor};
use kpack_schema::Tolerance;

use crate::Expectation;
use crate::case::Outcome;
use crate::compare::widened;
use crate::golden::{Entry, File, GoldenError};
use crate::harness::{Call, Failure, Harness};

const FREQS_KERNEL: &str = "rope_freqs_f32";

/// The rotation of queries and keys, once with tables that `rope_freqs_f32` makes and once with the
/// framework's own.
#[derive(Debug, Clone)]
pub(crate) struct RopeCase {
    /// `rope_*` of the operands' data type.
    kernel: &'static str,
    layout: Layout,
    half: usize,
    theta: f64,
    /// Positions, one row for each batch element.
    positions: Vec<Vec<i32>>,
    /// The framework's tables, one for each batch element: `[seq, 2, half]`.
    tables: Vec<Vec<f32>>,
    operands: Vec<Operand>,
    /// Whether the framework scales its frequencies, which `rope_freqs_f32` does not.
    scaling: Scaling,
    computed_tolerance: Tolerance,
    tables_tolerance: Tolerance,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Layout {
    Half,
    Interleaved,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scaling {
    None,
    Framework,
}

/// Queries or keys: `[batch, seq, heads, dim]`.
#[derive(Debug, Clone)]
struct Operand {
    name: &'static str,
    shape: [usize; 4],
    x: Tensor,
    expected: Vec<f32>,
    framework: Vec<f32>,
}

impl RopeCase {
    pub(crate) fn read(entry: &Entry, file: &File<'_>) -> Result<Self, GoldenError> {
        let layout = match entry.text("layout")? {
            "half" => Layout::Half,
            "interleaved" => Layout::Interleaved,
            other => return Err(entry.malformed(format!("unknown layout {other}"))),
        };
        let (half, tables) = read_tables(layout, entry, file)?;
        let scaling = if entry.has_flag("rope_scaling") {
            Scaling::Framework
        } else {
            Scaling::None
        };
        let kernel =
            entry.kernel_of_dtype([Some("rope_f32"), Some("rope_f16"), Some("rope_bf16")])?;
        Ok(Self {
            kernel,
            layout,
            half,
            theta: entry.number("theta")?,
            positions: read_positions(entry, file)?,
            tables,
            operands: vec![
                Operand::read("q", entry, file)?,
                Operand::read("k", entry, file)?,
            ],
            scaling,
            computed_tolerance: entry.tolerance().plain(),
            tables_tolerance: entry.tolerance().with_tables(),
        })
    }

    pub(crate) fn kernels(&self) -> Vec<&'static str> {
        vec![self.kernel, FREQS_KERNEL]
    }

    pub(crate) fn run(
        &self,
        harness: &mut dyn Harness,
        outcome: &mut Outcome,
    ) -> Result<(), Failure> {
        for group in self.groups() {
            let batch = group.start;
            let tables = self.freqs_tensor(batch, self.tables[batch].clone());
            for operand in &self.operands {
                let given = self.rotate(operand, &group, &tables, harness)?;
                let expected =
                    operand.slice(&operand.framework, &group, self.tables_tolerance.clone());
                let what = || format!("{} with the framework's tables", operand.name);
                outcome.add(self.kernel, expected.judge(&given, what)?);
            }
            if self.scaling == Scaling::Framework {
                continue;
            }
            let computed = self.compute_freqs(batch, harness)?;
            for operand in &self.operands {
                let given = self.rotate(operand, &group, &computed, harness)?;
                let expected =
                    operand.slice(&operand.expected, &group, self.computed_tolerance.clone());
                let what = || format!("{} with computed tables", operand.name);
                outcome.add(FREQS_KERNEL, expected.judge(&given, what)?);
            }
        }
        Ok(())
    }

    /// Batch elements that share their positions go into one call; otherwise each gets its own.
    fn groups(&self) -> Vec<std::ops::Range<usize>> {
        let batch = self.positions.len();
        if self.positions.iter().all(|row| *row == self.positions[0]) {
            return std::iter::once(0..batch).collect();
        }
        (0..batch).map(|element| element..element + 1).collect()
    }

    fn rotate(
        &self,
        operand: &Operand,
        group: &std::ops::Range<usize>,
        freqs: &Tensor,
        harness: &mut dyn Harness,
    ) -> Result<Tensor, Failure> {
        let [_, seq, heads, dim] = operand.shape;
        let element = operand.x.bytes().len() / self.positions.len();
        let bytes = &operand.x.bytes()[group.start * element..group.end * element];
        let x = Tensor::from_bytes(operand.x.dtype(), &[group.len(), seq, heads, dim], bytes)
            .expect("a slice of whole batch elements");
        let interleaved = ParamValue::Bool(self.layout == Layout::Interleaved);
        let call = Call {
            kernel: self.kernel,
            inputs: vec![("x", x), ("freqs", freqs.clone())],
            params: vec![("interleaved", interleaved)],
        };
        Ok(call.output(&call.run(harness)?, "y")?.clone())
    }

    fn compute_freqs(&self, batch: usize, harness: &mut dyn Harness) -> Result<Tensor, Failure> {
        let positions = self.positions[batch].clone();
        let half = u32::try_from(self.half).expect("a head has few elements");
        let call = Call {
            kernel: FREQS_KERNEL,
            inputs: vec![(
                "positions",
                Tensor::new(&[positions.len()], positions).expect("one dimension"),
            )],
            params: vec![("half", half.into()), ("theta", self.theta.into())],
        };
        Ok(call.output(&call.run(harness)?, "freqs")?.clone())
    }

    fn freqs_tensor(&self, batch: usize, values: Vec<f32>) -> Tensor {
        let seq = self.positions[batch].len();
        Tensor::new(&[seq, 2, self.half], values).expect("a table of seq x 2 x half")
    }
}

/// Half of the rotated dimensions, and a table for each batch element.
fn read_tables(
    layout: Layout,
    entry: &Entry,
    file: &File<'_>,
) -> Result<(usize, Vec<Vec<f32>>), GoldenError> {
    let (shape, cos) = file.values("cos")?;
    let (_, sin) = file.values("sin")?;
    let [_, seq, rotary] = shape[..] else {
        return Err(entry.malformed("cos is not [batch, seq, rotary_dim]"));
    };
    let half = rotary / 2;
    let elements = cos.chunks(seq * rotary).zip(sin.chunks(seq * rotary));
    let tables = elements.map(|(cos, sin)| table(layout, cos, sin, seq, half));
    Ok((half, tables.collect()))
}

/// One row for each batch element.
fn read_positions(entry: &Entry, file: &File<'_>) -> Result<Vec<Vec<i32>>, GoldenError> {
    let (shape, ids) = file.i64("position_ids")?;
    let seq = shape.last().copied().unwrap_or(1).max(1);
    let row = |row: &[i64]| row.iter().map(|&id| i32::try_from(id)).collect();
    ids.chunks(seq)
        .map(row)
        .collect::<Result<_, _>>()
        .map_err(|error| entry.malformed(error))
}

impl Operand {
    fn read(name: &'static str, entry: &Entry, file: &File<'_>) -> Result<Self, GoldenError> {
        let x = file.tensor(name)?;
        let [batch, heads, seq, dim] = *x.shape() else {
            return Err(entry.malformed(format!("{name} is not [B, H, L, D]")));
        };
        let order = |tensor: &Tensor| to_seq_major(tensor, [batch, heads, seq, dim]);
        let values = |suffix| {
            let tensor = file.tensor(&format!("{name}_{suffix}"))?;
            Ok(widened(&order(&tensor)))
        };
        Ok(Self {
            name,
            shape: [batch, seq, heads, dim],
            x: order(&x),
            expected: values("expected")?,
            framework: values("framework")?,
        })
    }

    fn elements<'a>(&self, values: &'a [f32], group: &std::ops::Range<usize>) -> &'a [f32] {
        let [_, seq, heads, dim] = self.shape;
        let element = seq * heads * dim;
        &values[group.start * element..group.end * element]
    }

    fn slice(
        &self,
        values: &[f32],
        group: &std::ops::Range<usize>,
        tolerance: Tolerance,
    ) -> Expectation {
        Expectation::new(self.elements(values, group).to_vec(), tolerance)
    }
}

/// `[B, H, L, D]` to `[B, L, H, D]`.
fn to_seq_major(tensor: &Tensor, [batch, heads, seq, dim]: [usize; 4]) -> Tensor {
    let head = tensor.bytes().len() / (batch * heads * seq);
    let mut ordered = Vec::with_capacity(tensor.bytes().len());
    for b in 0..batch {
        for s in 0..seq {
            for h in 0..heads {
                let at = ((b * heads + h) * seq + s) * head;
                ordered.extend(&tensor.bytes()[at..at + head]);
            }
        }
    }
    Tensor::from_bytes(tensor.dtype(), &[batch, seq, heads, dim], &ordered)
        .expect("the same elements in another order")
}

/// `[seq, 2, half]` from the framework's tables, which write both halves out.
fn table(layout: Layout, cos: &[f32], sin: &[f32], seq: usize, half: usize) -> Vec<f32> {
    let mut table = Vec::with_capacity(seq * 2 * half);
    for position in 0..seq {
        for full in [cos, sin] {
            let row = &full[position * 2 * half..(position + 1) * 2 * half];
            match layout {
                Layout::Half => table.extend(&row[..half]),
                Layout::Interleaved => table.extend(row.iter().step_by(2)),
            }
        }
    }
    table
}
