use std::fmt;
use std::num::NonZeroU32;

use kpack_schema::ParamValue;

use crate::arguments::Arguments;
use crate::backend::BackendError;
use crate::compiled::CompiledKernel;
use crate::element::Element;
use crate::error::CallError;
use crate::tensor::TensorView;

use self::prepared::Prepared;

mod prepared;
mod worker;

/// Calls a kernel again and again on tensors of the host's own, from slices into slices.
///
/// A caller has one owner and keeps its instances from call to call. It cuts a call that is larger
/// than [`CallerOptions::tile_bytes`] along the kernel's `parallel_dims`, so that what is copied in
/// and out stays in the processor's cache and the kernel needs little memory; the tiles run on
/// [`CallerOptions::threads`] threads. The results are the same bits however it is cut.
///
/// It keeps an instance for each thread and shape of a tile, for the last four sets of shapes and
/// parameters. An engine reserves some GiB of addresses for each, of which only what is used is
/// memory: a host of hundreds of callers should look at its address space.
///
/// ```
/// # use kpack_exec::{CallerOptions, CompiledKernel, TensorView};
/// # fn example(norm: &CompiledKernel, x: &[f32], w: &[f32], y: &mut [f32])
/// #     -> Result<(), Box<dyn std::error::Error>> {
/// let mut norm = norm.caller(CallerOptions::default())?;
/// for _layer in 0..32 {
///     norm.call()
///         .input("x", TensorView::of(&[512, 4096], x)?)?
///         .input("weight", TensorView::of(&[4096], w)?)?
///         .param("eps", 1e-5)?
///         .output("y", y)?
///         .run()?;
/// }
/// # Ok(()) }
/// ```
pub struct Caller {
    kernel: CompiledKernel,
    options: CallerOptions,
    pool: Option<rayon::ThreadPool>,
    /// The last one used stands last.
    prepared: Vec<Prepared>,
}

/// How a [`Caller`] works.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CallerOptions {
    /// Threads that run tiles, the calling one included. A call too small to gain from more than
    /// one runs on the calling thread alone.
    pub threads: NonZeroU32,
    /// The bytes of all tensors of a tile together but for those that every tile needs whole; a
    /// quarter of a core's L2 cache or less is a good choice.
    pub tile_bytes: u64,
}

/// One thread, and tiles of 256 KiB.
impl Default for CallerOptions {
    fn default() -> Self {
        Self {
            threads: NonZeroU32::MIN,
            tile_bytes: 256 << 10,
        }
    }
}

/// Sets of shapes and parameters for which a caller keeps instances.
const KEPT: usize = 4;

impl Caller {
    pub(crate) fn new(
        kernel: CompiledKernel,
        options: CallerOptions,
    ) -> Result<Self, BackendError> {
        let pool = match options.threads.get() {
            1 => None,
            threads => Some(pool(threads - 1)?),
        };
        Ok(Self {
            kernel,
            options,
            pool,
            prepared: Vec::new(),
        })
    }

    /// Starts a call.
    pub fn call<'a>(&'a mut self) -> CallInto<'a> {
        CallInto {
            caller: self,
            arguments: Arguments::default(),
            outputs: Vec::new(),
        }
    }

    /// The kernel that is called.
    #[must_use]
    pub fn kernel(&self) -> &CompiledKernel {
        &self.kernel
    }

    /// The instances for these arguments, from an earlier call or new; they stand last.
    fn prepare(&mut self, arguments: &Arguments<'_>) -> Result<&mut Prepared, CallError> {
        let found = self.prepared.iter().position(|kept| kept.serves(arguments));
        let prepared = match found {
            Some(index) => self.prepared.remove(index),
            None => Prepared::new(&self.kernel, &self.options, arguments)?,
        };
        if self.prepared.len() == KEPT {
            self.prepared.remove(0);
        }
        self.prepared.push(prepared);
        Ok(self.prepared.last_mut().expect("one was pushed just now"))
    }
}

fn pool(threads: u32) -> Result<rayon::ThreadPool, BackendError> {
    rayon::ThreadPoolBuilder::new()
        .num_threads(usize::try_from(threads).unwrap_or(usize::MAX))
        .thread_name(|index| format!("kpack-caller-{index}"))
        .build()
        .map_err(|source| BackendError::Threads {
            source: source.into(),
        })
}

/// A call of a [`Caller`], put together part by part; each is checked as it is given.
pub struct CallInto<'a> {
    caller: &'a mut Caller,
    arguments: Arguments<'a>,
    outputs: Vec<(&'a str, &'a mut [u8])>,
}

impl<'a> CallInto<'a> {
    /// Gives an input, by its name in the manifest.
    ///
    /// # Errors
    ///
    /// When there is no such input, it was given before, or its elements are of another type.
    pub fn input(
        mut self,
        name: &'a str,
        tensor: impl Into<TensorView<'a>>,
    ) -> Result<Self, CallError> {
        let signature = self.caller.kernel.signature();
        self.arguments.input(signature, name, tensor.into())?;
        Ok(self)
    }

    /// Gives a parameter, by its name in the manifest.
    ///
    /// # Errors
    ///
    /// When there is no such parameter, it was given before, or the value is not of its type or
    /// out of its bounds.
    pub fn param(mut self, name: &'a str, value: impl Into<ParamValue>) -> Result<Self, CallError> {
        let signature = self.caller.kernel.signature();
        self.arguments.param(signature, name, value.into())?;
        Ok(self)
    }

    /// Gives the place of an output, by its name in the manifest. An output without a place is
    /// computed and dropped.
    ///
    /// # Errors
    ///
    /// When there is no such output, it was given before, or its elements are of another type.
    pub fn output<T: Element>(
        mut self,
        name: &'a str,
        elements: &'a mut [T],
    ) -> Result<Self, CallError> {
        let declared = self.caller.kernel.signature().outputs();
        let Some(output) = declared.iter().find(|output| output.name == name) else {
            let known = declared.iter().map(|output| output.name.clone()).collect();
            return Err(CallError::UnknownOutput {
                name: name.into(),
                known,
            });
        };
        if !T::stands_for(output.dtype) {
            return Err(CallError::DataType {
                tensor: name.into(),
                expected: output.dtype,
                found: T::DTYPE,
            });
        }
        if self.outputs.iter().any(|(other, _)| *other == name) {
            return Err(CallError::RepeatedOutput { name: name.into() });
        }
        self.outputs
            .push((name, bytemuck::cast_slice_mut(elements)));
        Ok(self)
    }

    /// Runs the kernel and writes its outputs to their places.
    ///
    /// The kernel's ticks are those of all its tiles together, on each thread; copying does not
    /// count. After an error of the kernel, every place
    /// holds zeros: no part of a result is shown.
    ///
    /// # Errors
    ///
    /// As [`CompiledKernel::bind_shapes`] and [`BoundKernel::run`](crate::BoundKernel::run), and
    /// [`CallError::OutputLength`] when a place is not as long as its output.
    pub fn run(mut self) -> Result<(), CallError> {
        let _span = tracing::debug_span!(
            "call",
            pack = %self.caller.kernel.pack(),
            kernel = %self.caller.kernel.checked().id(),
            engine = self.caller.kernel.engine(),
        )
        .entered();
        self.caller.prepare(&self.arguments)?;
        let Caller { pool, prepared, .. } = &mut *self.caller;
        let prepared = prepared.last_mut().expect("the call was prepared above");
        prepared.check_lengths(&self.outputs)?;
        let outcome = prepared.run(&self.arguments, &mut self.outputs, pool.as_ref());
        if outcome.is_err() {
            for (_, place) in &mut self.outputs {
                place.fill(0);
            }
        }
        outcome
    }
}

impl fmt::Debug for Caller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Caller")
            .field("kernel", &self.kernel)
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for CallInto<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CallInto")
            .field("kernel", &self.caller.kernel)
            .field("arguments", &self.arguments)
            .finish_non_exhaustive()
    }
}
