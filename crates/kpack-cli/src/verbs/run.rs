use std::io;

use kpack::{BoundKernel, CallError, Fault, Kernel};
use serde_json::{Value, json};

use crate::args::RunArgs;
use crate::atomic::Target;
use crate::console::Console;
use crate::engine::Engine;
use crate::failure::Failure;
use crate::judge::Judge;
use crate::report::Report;
use crate::tensors::{self, Inputs};
use crate::{cache, files, param};

/// Runs one kernel once, from file to file.
pub(crate) fn run(args: &RunArgs, console: &Console) -> Result<Report, Failure> {
    let engine = Engine::named_or_first(args.backend.as_deref())?;
    let assignments = param::assignments("--param", &args.params)?;
    let unwritable = |error: io::Error| Failure::file("write", &args.output, &error);
    // First of all, so that nothing runs for a result that has no place to go.
    let output = Target::output(&args.output).map_err(unwritable)?;
    let judge = Judge::open(&args.judge, console)?;
    let pack = judge.verify(&args.pack)?;
    let runtime = engine.runtime(judge.verifier(), cache::open(&args.cache, console))?;
    let kernel = runtime.compile_kernel(&pack, &args.kernel)?;
    let params = param::values(kernel.signature(), &assignments)?;

    let file = files::tensors(&args.inputs)?;
    let origin = args.inputs.display().to_string();
    let inputs = Inputs::read(kernel.signature(), &file, &origin)?;
    if !inputs.extra.is_empty() {
        console.note(&format!(
            "the kernel does not take these tensors: {}",
            inputs.extra.join(", ")
        ));
    }
    let mut bound = kernel.bind_shapes(&inputs.shapes(), &params)?;
    inputs.write_to(&mut bound)?;
    bound
        .run()
        .map_err(|error| with_stack_limit(error, &kernel))?;

    let outputs = tensors::outputs_file(&bound)?;
    output.write(&outputs).map_err(unwritable)?;
    Ok(report(args, &bound, &inputs))
}

/// A fault does not know how much stack there was.
fn with_stack_limit(error: CallError, kernel: &Kernel) -> Failure {
    let overflow = matches!(error.fault(), Some(Fault::StackOverflow));
    let failure = Failure::from(error);
    if overflow {
        failure.detail("limit", kernel.limits().stack_bytes)
    } else {
        failure
    }
}

fn report(args: &RunArgs, bound: &BoundKernel, inputs: &Inputs<'_>) -> Report {
    let kernel = bound.kernel();
    let mut text = format!(
        "{} of {} on {} ({}): {}\n",
        kernel.checked().id(),
        kernel.pack(),
        kernel.engine(),
        kernel.module_path(),
        args.output.display()
    );
    for output in bound.outputs() {
        text.push_str(&format!(
            "{} {} {:?}\n",
            output.name, output.dtype, output.shape
        ));
    }
    let outputs: Vec<Value> = bound
        .outputs()
        .iter()
        .map(|output| {
            json!({
                "name": output.name,
                "dtype": output.dtype.name(),
                "shape": output.shape,
            })
        })
        .collect();
    Report {
        text,
        json: json!({
            "pack": kernel.pack().as_str(),
            "kernel": kernel.checked().id().as_str(),
            "engine": kernel.engine(),
            "module": kernel.module_path().as_str(),
            "output": args.output.display().to_string(),
            "outputs": outputs,
            "ignored": inputs.extra,
        }),
    }
}
