//! What this command line is as a host: its policy and its clock.

use std::time::SystemTime;

use kpack::{HostPolicy, References, StateDir, Timestamp, Verifier, host_time, reference_pack};

use crate::failure::Failure;

/// The native reference kernels, which serve as fallbacks.
pub(crate) fn references() -> References {
    reference_pack::references()
}

/// The default limits, and the native reference kernels as names for fallbacks.
pub(crate) fn policy() -> HostPolicy {
    references().host_policy()
}

/// What judges packs under this policy, over the floors of a state where there is one.
pub(crate) fn verifier(state: Option<StateDir>) -> Verifier {
    let verifier = Verifier::new(policy());
    match state {
        Some(state) => verifier.with_state(state),
        None => verifier,
    }
}

/// The only place where the command line reads the wall clock.
pub(crate) fn now() -> Result<Timestamp, Failure> {
    host_time(SystemTime::now()).map_err(|error| Failure::clock(&error))
}
