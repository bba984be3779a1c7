use std::error::Error;

use kpack_exec::{BoundKernel, CallError, Fault};

use crate::observation::{SLOT_BYTES, Slot, first_difference};
use crate::signer::{INPUT, OUTPUT};
use crate::verdict::Agreement;

/// How one step ended on one engine.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// The call ended well, with this output.
    Output(Vec<u8>),
    Rejected(&'static str),
    Fault(Fault),
    /// Nothing that a module can be blamed for.
    HostFailure(String),
}

/// Two outcomes of one step that must not be.
#[derive(Debug)]
pub(crate) enum Disagreement {
    Mismatch(String),
    HostFailure(String),
}

impl Outcome {
    /// Calls the kernel with an input.
    pub(crate) fn of_call(kernel: &mut BoundKernel, input: &[u8]) -> Self {
        let result = kernel
            .input_bytes_mut(INPUT)
            .map(|tensor| tensor.copy_from_slice(input))
            .and_then(|()| kernel.run());
        let output = result.and_then(|()| kernel.output_bytes(OUTPUT));
        match output {
            Ok(output) => Self::Output(output.to_vec()),
            Err(error) => Self::of_error(error),
        }
    }

    pub(crate) fn of_error(error: CallError) -> Self {
        match error {
            CallError::Fault(fault) => Self::Fault(fault),
            CallError::Rejected { status } => Self::Rejected(status.name()),
            other => Self::HostFailure(chain(&other)),
        }
    }

    fn limit(&self) -> Option<&'static str> {
        match self {
            Self::Fault(fault) if fault.is_limit() => Some(fault.kind()),
            _ => None,
        }
    }

    /// For people.
    pub(crate) fn shown(&self) -> String {
        match self {
            Self::Output(_) => "a result".into(),
            Self::Rejected(status) => format!("rejected: {status}"),
            Self::Fault(fault) => format!("{}: {fault}", fault.kind()),
            Self::HostFailure(message) => format!("host failure: {message}"),
        }
    }
}

/// Compares how one step ended on both engines.
pub(crate) fn compare(
    slots: &[Slot],
    left: &Outcome,
    right: &Outcome,
) -> Result<Agreement, Disagreement> {
    for side in [left, right] {
        if let Outcome::HostFailure(message) = side {
            return Err(Disagreement::HostFailure(message.clone()));
        }
    }
    if let Some(limit) = left.limit().or(right.limit()) {
        return Ok(Agreement::Excluded(limit.into()));
    }
    match (left, right) {
        (Outcome::Output(left), Outcome::Output(right)) => compare_outputs(slots, left, right),
        (Outcome::Rejected(left), Outcome::Rejected(right)) if left == right => {
            Ok(Agreement::Fault("rejected".into()))
        }
        (Outcome::Fault(left), Outcome::Fault(right)) if same_fault(left, right) => {
            Ok(Agreement::Fault(left.kind().into()))
        }
        _ => Err(Disagreement::Mismatch(format!(
            "{} / {}",
            left.shown(),
            right.shown()
        ))),
    }
}

fn compare_outputs(slots: &[Slot], left: &[u8], right: &[u8]) -> Result<Agreement, Disagreement> {
    let Some(slot) = first_difference(slots, left, right) else {
        return Ok(Agreement::Result);
    };
    let shown = |output: &[u8]| {
        let bytes = &output[slot * SLOT_BYTES..][..SLOT_BYTES];
        let digits = bytes.iter().map(|byte| format!("{byte:02x}"));
        digits.collect::<String>()
    };
    let (left, right) = (shown(left), shown(right));
    Err(Disagreement::Mismatch(format!(
        "slot {slot} of the output, {:?}: {left} / {right}",
        slots.get(slot)
    )))
}

fn same_fault(left: &Fault, right: &Fault) -> bool {
    match (left, right) {
        (Fault::Status { code: left }, Fault::Status { code: right }) => left == right,
        _ => left.kind() == right.kind(),
    }
}

/// An error with everything that caused it.
pub(crate) fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn compared(left: &Outcome, right: &Outcome) -> Result<Agreement, Disagreement> {
        compare(&[Slot::Bits], left, right)
    }

    #[test]
    fn a_limit_on_either_side_excludes_whatever_the_other_did() {
        let stack = Outcome::Fault(Fault::StackOverflow);
        let output = Outcome::Output(vec![0; SLOT_BYTES]);
        for (left, right) in [(&stack, &output), (&output, &stack), (&stack, &stack)] {
            let excluded = Agreement::Excluded("stack_overflow".into());
            assert_eq!(compared(left, right).unwrap(), excluded);
        }
    }

    #[test]
    fn faults_agree_by_kind_and_statuses_by_code() {
        let unreachable = || Outcome::Fault(Fault::Unreachable);
        let status = |code| Outcome::Fault(Fault::Status { code });
        assert!(compared(&unreachable(), &unreachable()).is_ok());
        assert!(compared(&status(5), &status(5)).is_ok());
        for (left, right) in [
            (status(5), status(6)),
            (status(5), unreachable()),
            (unreachable(), Outcome::Fault(Fault::MemoryOutOfBounds)),
            (unreachable(), Outcome::Output(Vec::new())),
            (Outcome::Rejected("a"), Outcome::Rejected("b")),
        ] {
            let found = compared(&left, &right);
            assert!(matches!(found, Err(Disagreement::Mismatch(_))), "{found:?}");
        }
    }

    #[test]
    fn a_failure_of_the_host_is_never_an_agreement() {
        let failed = || Outcome::HostFailure("no memory".into());
        let found = compared(&failed(), &failed());
        assert!(matches!(found, Err(Disagreement::HostFailure(_))));
        let found = compared(&Outcome::Fault(Fault::StackOverflow), &failed());
        assert!(matches!(found, Err(Disagreement::HostFailure(_))));
    }
}
