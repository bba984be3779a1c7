use kpack::{DataType, Tensor};

use crate::Expectation;
use crate::calls::Step;
use crate::golden::{Entry, File, GoldenError};
use crate::harness::Call;

pub(crate) fn read_q8(entry: &Entry, file: &File<'_>) -> Result<Vec<Step>, GoldenError> {
    read(entry, file, DataType::Q8, ["kv_pack_q8", "kv_unpack_q8"])
}

pub(crate) fn read_q4(entry: &Entry, file: &File<'_>) -> Result<Vec<Step>, GoldenError> {
    read(entry, file, DataType::Q4, ["kv_pack_q4", "kv_unpack_q4"])
}

/// There and back, both exact: the expected bytes are what is unpacked.
fn read(
    entry: &Entry,
    file: &File<'_>,
    dtype: DataType,
    [pack, unpack]: [&'static str; 2],
) -> Result<Vec<Step>, GoldenError> {
    let x = file.rows("x")?;
    let (_, bytes) = file.values("blocks")?;
    let blocks = Tensor::from_bytes(dtype, x.shape(), file.tensor("blocks")?.bytes())
        .map_err(|error| entry.malformed(error))?;
    let step = |kernel, input, output, expected| Step {
        call: Call {
            kernel,
            inputs: vec![input],
            params: Vec::new(),
        },
        expected: vec![(output, Expectation::exact(expected))],
    };
    Ok(vec![
        step(pack, ("x", x), "blocks", bytes),
        step(unpack, ("blocks", blocks), "y", file.values("dequant")?.1),
    ])
}
