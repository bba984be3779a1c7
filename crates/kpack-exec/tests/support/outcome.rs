//! How a call ended, in the words of the fixtures.

use kpack_exec::{Blame, CallError};

/// `fault <kind>`, `rejected <status>` or `caller <kind>`; what is the host's own fault in full.
pub fn failure(error: &CallError) -> String {
    match (error, error.blame()) {
        (CallError::Fault(fault), Blame::Kernel) => format!("fault {}", fault.kind()),
        (CallError::Rejected { status }, Blame::Caller) => format!("rejected {}", status.name()),
        (_, Blame::Caller) => format!("caller {}", error.kind()),
        _ => format!("{error:?}"),
    }
}
