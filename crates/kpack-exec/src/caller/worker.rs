use std::ops::Range;

use kpack_schema::{Binding, ParamValue, Signature, SymbolSource};

use super::prepared::Slices;
use crate::backend::Budget;
use crate::bound::BoundKernel;
use crate::compiled::CompiledKernel;
use crate::error::CallError;
use crate::tiles::Tile;

/// One thread's share of a call, with instances of its own.
pub(super) struct Worker {
    /// One for each shape that its tiles have.
    bound: Vec<Bound>,
    jobs: Vec<Job>,
    /// Which inputs every tile has whole.
    shared: Vec<bool>,
}

struct Bound {
    lengths: Vec<(String, u32)>,
    kernel: BoundKernel,
    /// Whether the shared inputs of the present call have been written.
    has_shared: bool,
}

/// One tile.
pub(super) struct Job {
    tile: Tile,
    /// Which of the worker's instances runs it.
    bound: usize,
    /// For each input, the runs that belong to it.
    inputs: Vec<Vec<Range<usize>>>,
}

impl Worker {
    pub(super) fn new(
        kernel: &CompiledKernel,
        binding: &Binding,
        tiles: &[Tile],
        params: &[(&str, ParamValue)],
    ) -> Result<Self, CallError> {
        let signature = kernel.signature();
        let inputs = signature.inputs().iter();
        let shared = inputs.map(|input| tiles.iter().all(|tile| tile.shares(input)));
        let mut worker = Self {
            bound: Vec::new(),
            jobs: Vec::with_capacity(tiles.len()),
            shared: shared.collect(),
        };
        for tile in tiles {
            let job = Job {
                tile: tile.clone(),
                bound: worker.bind(kernel, binding, tile, params)?,
                inputs: input_runs(tile, signature, binding),
            };
            worker.jobs.push(job);
        }
        Ok(worker)
    }

    pub(super) fn jobs(&self) -> usize {
        self.jobs.len()
    }

    pub(super) fn tiles(&self) -> impl Iterator<Item = &Tile> {
        self.jobs.iter().map(|job| &job.tile)
    }

    /// Runs the worker's tiles one after another.
    pub(super) fn run(
        &mut self,
        inputs: &[&[u8]],
        outputs: Slices<'_>,
        mut budget: Budget,
    ) -> Result<(), CallError> {
        for bound in &mut self.bound {
            bound.has_shared = false;
        }
        for (job, outputs) in self.jobs.iter().zip(outputs) {
            let bound = &mut self.bound[job.bound];
            bound.write(&job.inputs, inputs, &self.shared)?;
            bound.kernel.run_within(&mut budget)?;
            for (index, slices) in outputs.into_iter().enumerate() {
                let mut from = bound.kernel.output_at(index)?;
                for slice in slices {
                    let (run, behind) = from.split_at(slice.len());
                    slice.copy_from_slice(run);
                    from = behind;
                }
            }
        }
        Ok(())
    }

    /// The instance for a tile's shape.
    fn bind(
        &mut self,
        kernel: &CompiledKernel,
        binding: &Binding,
        tile: &Tile,
        params: &[(&str, ParamValue)],
    ) -> Result<usize, CallError> {
        let lengths = tile.lengths();
        let same = |bound: &Bound| {
            let known = bound
                .lengths
                .iter()
                .map(|(name, length)| (name.as_str(), *length));
            known.eq(lengths.iter().copied())
        };
        if let Some(index) = self.bound.iter().position(same) {
            return Ok(index);
        }
        let dims = dims(kernel.signature(), binding, &lengths);
        self.bound.push(Bound {
            kernel: kernel.bind(&dims, params)?,
            lengths: lengths
                .iter()
                .map(|&(name, length)| (name.to_owned(), length))
                .collect(),
            has_shared: false,
        });
        Ok(self.bound.len() - 1)
    }
}

impl Bound {
    fn write(
        &mut self,
        runs: &[Vec<Range<usize>>],
        inputs: &[&[u8]],
        shared: &[bool],
    ) -> Result<(), CallError> {
        for (index, (runs, input)) in runs.iter().zip(inputs).enumerate() {
            if shared[index] && self.has_shared {
                continue;
            }
            let mut to = self.kernel.input_at_mut(index)?;
            for run in runs {
                let (place, behind) = to.split_at_mut(run.len());
                place.copy_from_slice(&input[run.clone()]);
                to = behind;
            }
        }
        self.has_shared = true;
        Ok(())
    }
}

/// The runs of every input that belong to a tile.
fn input_runs(tile: &Tile, signature: &Signature, binding: &Binding) -> Vec<Vec<Range<usize>>> {
    let inputs = signature.inputs().iter().zip(binding.inputs());
    inputs
        .map(|(declared, bound)| tile.runs(declared, bound))
        .collect()
}

/// The value of every symbol that an input binds, with the tile's lengths in place of the whole's.
pub(super) fn dims<'a>(
    signature: &'a Signature,
    binding: &Binding,
    lengths: &[(&str, u32)],
) -> Vec<(&'a str, usize)> {
    let symbols = signature.symbols().iter();
    let bound_by_inputs =
        symbols.filter(|symbol| matches!(symbol.source, SymbolSource::Input { .. }));
    bound_by_inputs
        .map(|symbol| {
            let name = symbol.name.as_str();
            let cut = lengths.iter().find(|(cut, _)| *cut == name);
            let length = cut.map(|&(_, length)| length).or(binding.symbol(name));
            let length = length.expect("a binding has a value for every symbol");
            let length = usize::try_from(length).expect("a dimension fits the address space");
            (name, length)
        })
        .collect()
}
