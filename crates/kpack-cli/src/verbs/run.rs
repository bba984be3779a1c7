use std::io;

use kpack::{
    BoundDispatch, DispatchError, DispatchReport, Dispatcher, FallbackPolicy, Fault, LinkFailure,
    Pack, ServedBy,
};
use serde_json::{Value, json};

use crate::args::RunArgs;
use crate::atomic::Target;
use crate::console::Console;
use crate::engine::Engine;
use crate::failure::{Failure, causes};
use crate::judge::Judge;
use crate::report::Report;
use crate::tensors::{self, Inputs};
use crate::{cache, files, param, served};

/// Runs one kernel once, from file to file; where it fails, its fallbacks, unless that is ruled out.
pub(crate) fn run(args: &RunArgs, console: &Console) -> Result<Report, Failure> {
    let engine = Engine::named_or_first(args.backend.as_deref())?;
    let assignments = param::assignments("--param", &args.params)?;
    let unwritable = |error: io::Error| Failure::file("write", &args.output, &error);
    // First of all, so that nothing runs for a result that has no place to go.
    let output = Target::output(&args.output).map_err(unwritable)?;
    let judge = Judge::open(&args.judge, console)?;
    let pack = judge.verify(&args.pack)?;
    let runtime = engine.runtime(judge.verifier(), cache::open(&args.cache, console))?;
    let policy = policy(args);
    let pack = runtime.compile_chain(&pack, &args.kernel, policy.mode())?;
    let dispatcher = Dispatcher::builder(&pack).policy(policy).build();
    let kernel = dispatcher.kernel(&args.kernel)?;
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
    let failed = |error: DispatchError| {
        // What a lone kernel ended in is the error itself.
        if error.causes().len() > 1 {
            note_passed_over(error.causes(), console);
        }
        with_stack_limit(error, &pack)
    };
    let mut bound = kernel
        .bind_shapes(&inputs.shapes(), &params)
        .map_err(failed)?;
    let report = bound.run(|to| inputs.write_to(to)).map_err(failed)?;
    note_passed_over(report.passed_over(), console);
    let (text, mut json) = describe(&pack, report, args);

    let outputs = tensors::outputs_file(&bound)?;
    output.write(&outputs).map_err(unwritable)?;
    json["outputs"] = described_outputs(&bound);
    json["ignored"] = json!(inputs.extra);
    Ok(Report {
        text: text + &lines_of_outputs(&bound),
        json,
    })
}

/// One call sets nothing aside.
fn policy(args: &RunArgs) -> FallbackPolicy {
    if args.strict {
        FallbackPolicy::strict()
    } else {
        FallbackPolicy::default().never_set_aside()
    }
}

/// A fallback is never silent.
fn note_passed_over(links: &[LinkFailure], console: &Console) {
    for failure in links {
        console.note(&format!(
            "`{}` did not serve: {}",
            failure.link,
            causes::in_one_line(&failure.error)
        ));
    }
}

/// A fault does not know how much stack there was.
fn with_stack_limit(error: DispatchError, pack: &Pack) -> Failure {
    let overflow = matches!(
        error.first(),
        kpack::LinkError::Call(error) if matches!(error.fault(), Some(Fault::StackOverflow))
    );
    let kernel = pack.manifest().kernel(error.kernel().as_str());
    let failure = Failure::from(error);
    match kernel {
        Some(kernel) if overflow => failure.detail("limit", kernel.limits().stack_bytes),
        _ => failure,
    }
}

/// What served, for people and for programs.
fn describe(pack: &Pack, report: &DispatchReport, args: &RunArgs) -> (String, Value) {
    let (kernel, name) = (report.kernel(), pack.name());
    let output = args.output.display();
    let text = match report.served_by() {
        ServedBy::Kernel { id, path, ran, .. } if id == kernel => {
            format!("{kernel} of {name} on {} ({path}): {output}\n", ran.engine)
        }
        other => format!(
            "{kernel} of {name} by {}: {output}\n",
            served::in_words(other)
        ),
    };
    let served_by = served::to_json(report.served_by());
    let json = json!({
        "pack": name.as_str(),
        "kernel": kernel.as_str(),
        "engine": pack.engine(),
        "module": served_by["module"],
        "served_by": served_by,
        "passed_over": causes::of_links(report.passed_over()),
        "time_ns": u64::try_from(report.time().as_nanos()).unwrap_or(u64::MAX),
        "ticks": report.ticks(),
        "output": output.to_string(),
    });
    (text, json)
}

fn lines_of_outputs(bound: &BoundDispatch) -> String {
    let outputs = bound.outputs().iter();
    outputs
        .map(|output| format!("{} {} {:?}\n", output.name, output.dtype, output.shape))
        .collect()
}

fn described_outputs(bound: &BoundDispatch) -> Value {
    let outputs = bound.outputs().iter();
    outputs
        .map(|output| {
            json!({
                "name": output.name,
                "dtype": output.dtype.name(),
                "shape": output.shape,
            })
        })
        .collect()
}
