use std::collections::BTreeMap;

use anyhow::Result;
use kpack_exec::{
    Backend, BackendError, BoundKernel, CompileError, CompiledKernel, StaticPolicy, VettedKernel,
    Wasmer, Wasmtime,
};
use kpack_schema::Feature;

use crate::case::Case;
use crate::choices::Nans;
use crate::outcome::{Disagreement, Outcome, chain, compare};
use crate::signer::Signer;
use crate::verdict::{Agreement, Verdict};

/// Runs cases on both engines and compares.
pub struct Judge {
    signer: Signer,
    policy: StaticPolicy,
    wasmtime: Wasmtime,
    wasmer: Wasmer,
    /// One program for each of the engine's configurations: wasmtime keeps a configuration only as
    /// long as some program uses it, and to make one anew takes longer than a case.
    kept: BTreeMap<(Vec<Feature>, Option<usize>), CompiledKernel>,
}

impl Judge {
    /// Sets the engines up.
    ///
    /// # Errors
    ///
    /// When this machine cannot run one of the engines.
    pub fn new() -> Result<Self> {
        Ok(Self {
            signer: Signer::new()?,
            policy: StaticPolicy::default(),
            wasmtime: Wasmtime::new()?,
            wasmer: Wasmer::new()?,
            kept: BTreeMap::new(),
        })
    }

    /// The verdict on the case of a seed.
    pub fn judge(&mut self, seed: u64) -> Verdict {
        let case = Case::generate(seed);
        let verdict = self.judge_case(&case);
        if !matches!(verdict, Verdict::Mismatch(_)) || case.choices.nans == Nans::Alike {
            return verdict;
        }
        match self.judge_case(&Case::twin_with_nans_alike(seed)) {
            Verdict::Agreed(_) => Verdict::Agreed(vec![Agreement::Excluded("nan_bits".into())]),
            _ => verdict,
        }
    }

    fn judge_case(&mut self, case: &Case) -> Verdict {
        let kernel = match self.vetted(case) {
            Ok(kernel) => kernel,
            Err(verdict) => return verdict,
        };
        let mut agreements = Vec::new();
        match self.run(case, [&kernel, &kernel], &mut agreements) {
            Ok(()) => Verdict::Agreed(agreements),
            Err(Disagreement::Mismatch(how)) => {
                let engines = self.engines().join(" / ");
                Verdict::Mismatch(format!("step {}, {engines}: {how}", agreements.len()))
            }
            Err(Disagreement::HostFailure(what)) => Verdict::HostFailure(what),
        }
    }

    fn engines(&self) -> [&str; 2] {
        [self.wasmtime.name(), self.wasmer.name()]
    }

    /// The kernel of a case, or the verdict where it does not come so far.
    fn vetted(&self, case: &Case) -> Result<VettedKernel, Verdict> {
        let verified = self.signer.verified(case, &self.engines());
        let verified = verified.map_err(|error| Verdict::HostFailure(format!("{error:#}")))?;
        let vetted = self.policy.vet(&verified);
        vetted.map_err(|error| Verdict::Refused(error.kind().into()))
    }

    /// Compiles, binds and calls on both engines, until the instances may have parted.
    fn run(
        &mut self,
        case: &Case,
        kernels: [&VettedKernel; 2],
        agreements: &mut Vec<Agreement>,
    ) -> Result<(), Disagreement> {
        let wasmtime = CompiledKernel::compile(&self.wasmtime, kernels[0]);
        let wasmer = CompiledKernel::compile(&self.wasmer, kernels[1]);
        let Some(compiled) = both_compiled(wasmtime, wasmer)? else {
            agreements.push(Agreement::Fault("engine_compile".into()));
            return Ok(());
        };
        let [wasmtime, wasmer] = compiled;
        let class = (
            case.choices.features.clone(),
            case.choices.limits.max_stack_size,
        );
        self.kept.entry(class).or_insert_with(|| wasmtime.clone());
        match (wasmtime.bind(&[], &[]), wasmer.bind(&[], &[])) {
            (Ok(left), Ok(right)) => call(case, left, right, agreements),
            (left, right) => {
                let [left, right] = [left, right].map(of_bind);
                agreements.push(compare(&case.slots, &left, &right)?);
                Ok(())
            }
        }
    }
}

/// Calls both instances with the same inputs. After a trap each goes on with a fresh instance.
fn call(
    case: &Case,
    mut left: BoundKernel,
    mut right: BoundKernel,
    agreements: &mut Vec<Agreement>,
) -> Result<(), Disagreement> {
    for input in &case.inputs {
        let (left, right) = (
            Outcome::of_call(&mut left, input),
            Outcome::of_call(&mut right, input),
        );
        let agreement = compare(&case.slots, &left, &right)?;
        let parted = matches!(agreement, Agreement::Excluded(_));
        agreements.push(agreement);
        if parted {
            break;
        }
    }
    Ok(())
}

fn of_bind(bound: Result<BoundKernel, kpack_exec::CallError>) -> Outcome {
    match bound {
        Ok(_) => Outcome::Output(Vec::new()),
        Err(error) => Outcome::of_error(error),
    }
}

/// Both programs, or neither where both engines refused the module.
fn both_compiled(
    left: Result<CompiledKernel, CompileError>,
    right: Result<CompiledKernel, CompileError>,
) -> Result<Option<[CompiledKernel; 2]>, Disagreement> {
    let refused = |result: &Result<_, CompileError>| {
        matches!(
            result,
            Err(CompileError::Backend(BackendError::Compile { .. }))
        )
    };
    if refused(&left) && refused(&right) {
        return Ok(None);
    }
    match (left, right) {
        (Ok(left), Ok(right)) => Ok(Some([left, right])),
        (left, right) => {
            let mismatch = refused(&left) || refused(&right);
            let shown = [left, right].map(|result| match result {
                Ok(_) => "compiled".to_owned(),
                Err(error) => chain(&error),
            });
            let shown = shown.join(" / ");
            Err(if mismatch {
                Disagreement::Mismatch(shown)
            } else {
                Disagreement::HostFailure(shown)
            })
        }
    }
}

#[cfg(test)]
mod tests;
