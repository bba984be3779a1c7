use std::ops::Range;

use kpack_schema::{Binding, BoundTensor, PAGE_SIZE, ParamValue, Signature};

use super::CallerOptions;
use super::worker::{Worker, dims};
use crate::arguments::Arguments;
use crate::backend::Budget;
use crate::compiled::CompiledKernel;
use crate::error::CallError;
use crate::tiles::{Cut, Goal, Tile};

/// A thread gets at least this many bytes of a call's tensors: with less, waking it costs as much as
/// it saves.
const MIN_BYTES_OF_A_PART: u64 = 1 << 20;

/// What a plan takes of a kernel's memory beside its tensors: descriptor, parameters and the gaps
/// between regions.
const PLAN_BYTES: u64 = 32 << 10;

/// A kernel bound to the tiles of one set of shapes and parameters.
pub(super) struct Prepared {
    shapes: Vec<(String, Vec<usize>)>,
    params: Vec<(String, ParamValue)>,
    /// The names of the inputs, in the order of the manifest.
    inputs: Vec<String>,
    outputs: Vec<BoundTensor>,
    workers: Vec<Worker>,
    /// For each output, in the order of memory, the runs that the tiles write.
    places: Vec<Vec<Place>>,
    ticks: u64,
}

/// Which tile a run of an output belongs to.
struct Place {
    bytes: Range<usize>,
    worker: usize,
    job: usize,
}

/// For each job of a worker and each output, the slices it writes.
pub(super) type Slices<'a> = Vec<Vec<Vec<&'a mut [u8]>>>;

impl Prepared {
    pub(super) fn new(
        kernel: &CompiledKernel,
        options: &CallerOptions,
        arguments: &Arguments<'_>,
    ) -> Result<Self, CallError> {
        let signature = kernel.signature();
        let shapes = arguments.shapes();
        let binding = signature.bind_shapes(&shapes, &arguments.params)?;
        let goal = goal(kernel, options, &binding);
        let cut = Cut::new(signature, &binding, goal);
        // The largest tile first: of what does not fit, no list is made.
        let first = dims(signature, &binding, &cut.first_lengths());
        drop(kernel.bind(&first, &arguments.params)?);
        let workers = workers(kernel, goal, &binding, &cut.tiles(), &arguments.params)?;
        let places = (0..binding.outputs().len())
            .map(|output| places(signature, &binding, output, &workers))
            .collect();
        Ok(Self {
            shapes: shapes
                .iter()
                .map(|(name, shape)| ((*name).to_owned(), shape.to_vec()))
                .collect(),
            params: owned(&arguments.params),
            inputs: names(binding.inputs()),
            outputs: binding.outputs().to_vec(),
            workers,
            places,
            ticks: kernel.module().limits().epoch_ticks,
        })
    }

    /// Whether these arguments have the same shapes and parameters.
    pub(super) fn serves(&self, arguments: &Arguments<'_>) -> bool {
        let same_shape = |(name, shape): &(String, Vec<usize>)| {
            let mut inputs = arguments.inputs.iter();
            inputs.any(|(input, tensor)| input == name && tensor.shape() == shape.as_slice())
        };
        let same_param = |(name, value): &(String, ParamValue)| {
            let mut params = arguments.params.iter();
            params.any(|&(param, given)| param == name && identical(given, *value))
        };
        self.shapes.len() == arguments.inputs.len()
            && self.params.len() == arguments.params.len()
            && self.shapes.iter().all(same_shape)
            && self.params.iter().all(same_param)
    }

    pub(super) fn check_lengths(&self, given: &[(&str, &mut [u8])]) -> Result<(), CallError> {
        for (name, place) in given {
            let output = self.outputs.iter().find(|output| output.name == *name);
            let expected = output.map_or(0, |output| output.byte_len);
            if u64::try_from(place.len()) != Ok(expected) {
                return Err(CallError::OutputLength {
                    output: (*name).to_owned(),
                    expected,
                    found: place.len(),
                });
            }
        }
        Ok(())
    }

    /// Runs every tile; the lengths of the outputs have been checked.
    pub(super) fn run(
        &mut self,
        arguments: &Arguments<'_>,
        outputs: &mut [(&str, &mut [u8])],
        pool: Option<&rayon::ThreadPool>,
    ) -> Result<(), CallError> {
        let budget = Budget::new(self.ticks);
        let bytes_of = |name: &String| {
            let mut inputs = arguments.inputs.iter();
            let input = inputs.find(|(input, _)| input == name);
            input
                .expect("the shapes of these inputs were bound")
                .1
                .bytes()
        };
        let inputs: Vec<&[u8]> = self.inputs.iter().map(bytes_of).collect();
        let mut slices = self.slices(outputs);
        let mut outcomes: Vec<Result<(), CallError>> = Vec::new();
        outcomes.resize_with(self.workers.len(), || Ok(()));
        let mut parts = self
            .workers
            .iter_mut()
            .zip(slices.drain(..))
            .zip(&mut outcomes);
        let Some(((own, own_slices), own_outcome)) = parts.next() else {
            return Ok(());
        };
        // Even to hand nothing over takes the pool's time.
        match pool.filter(|_| parts.len() > 0) {
            Some(pool) => pool.in_place_scope(|scope| {
                for ((worker, slices), outcome) in parts {
                    let inputs = &inputs;
                    scope.spawn(move |_| *outcome = worker.run(inputs, slices, budget));
                }
                *own_outcome = own.run(&inputs, own_slices, budget);
            }),
            None => *own_outcome = own.run(&inputs, own_slices, budget),
        }
        outcomes.into_iter().collect()
    }

    /// The outputs' places, cut up and handed to the tiles that write them.
    fn slices<'a>(&self, outputs: &'a mut [(&str, &mut [u8])]) -> Vec<Slices<'a>> {
        let of_job = || -> Vec<Vec<&'a mut [u8]>> {
            std::iter::repeat_with(Vec::new)
                .take(self.outputs.len())
                .collect()
        };
        let mut slices: Vec<Slices<'a>> = self
            .workers
            .iter()
            .map(|worker| std::iter::repeat_with(of_job).take(worker.jobs()).collect())
            .collect();
        for (name, place) in outputs {
            let index = self.outputs.iter().position(|output| output.name == *name);
            let index = index.expect("the names of outputs were checked as they were given");
            let mut rest = &mut **place;
            for place in &self.places[index] {
                let (run, behind) = rest.split_at_mut(place.bytes.len());
                slices[place.worker][place.job][index].push(run);
                rest = behind;
            }
        }
        slices
    }
}

fn goal(kernel: &CompiledKernel, options: &CallerOptions, binding: &Binding) -> Goal {
    let module = kernel.module();
    let pages = module.limits().memory_pages;
    let pages = pages.saturating_sub(module.memory().minimum);
    let shared = Cut::shared_bytes(kernel.signature(), binding);
    let room = u64::from(pages) * u64::from(PAGE_SIZE);
    let room = room.saturating_sub(PLAN_BYTES).saturating_sub(shared);
    let tensors = binding.inputs().iter().chain(binding.outputs());
    let all = tensors.fold(0_u64, |all, tensor| all.saturating_add(tensor.byte_len));
    let worthwhile = u32::try_from(all / MIN_BYTES_OF_A_PART).unwrap_or(u32::MAX);
    Goal {
        tile_bytes: options.tile_bytes.min(room),
        parts: options.threads.get().min(worthwhile).max(1),
    }
}

/// Each worker with its share of the tiles, one behind another, and instances for their shapes.
fn workers(
    kernel: &CompiledKernel,
    goal: Goal,
    binding: &Binding,
    tiles: &[Tile],
    params: &[(&str, ParamValue)],
) -> Result<Vec<Worker>, CallError> {
    let parts = usize::try_from(goal.parts).expect("threads fit the address space");
    let share = tiles.len().div_ceil(parts);
    tiles
        .chunks(share)
        .map(|share| Worker::new(kernel, binding, share, params))
        .collect()
}

/// Where the tiles write an output, in the order of memory.
fn places(
    signature: &Signature,
    binding: &Binding,
    output: usize,
    workers: &[Worker],
) -> Vec<Place> {
    let declared = &signature.outputs()[output];
    let bound = &binding.outputs()[output];
    let mut places = Vec::new();
    for (worker, jobs) in workers.iter().map(Worker::tiles).enumerate() {
        for (job, tile) in jobs.enumerate() {
            let runs = tile.runs(declared, bound).into_iter();
            places.extend(runs.map(|bytes| Place { bytes, worker, job }));
        }
    }
    places.sort_by_key(|place| place.bytes.start);
    places
}

fn names(tensors: &[BoundTensor]) -> Vec<String> {
    tensors.iter().map(|tensor| tensor.name.clone()).collect()
}

/// Bit for bit: a kernel may tell 0 from -0.
fn identical(a: ParamValue, b: ParamValue) -> bool {
    match (a, b) {
        (ParamValue::F32(a), ParamValue::F32(b)) => a.to_bits() == b.to_bits(),
        (ParamValue::F64(a), ParamValue::F64(b)) => a.to_bits() == b.to_bits(),
        _ => a == b,
    }
}

fn owned(params: &[(&str, ParamValue)]) -> Vec<(String, ParamValue)> {
    params
        .iter()
        .map(|&(name, value)| (name.to_owned(), value))
        .collect()
}
