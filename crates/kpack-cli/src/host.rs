//! What this command line is as a host: its policy and its clock.

use std::time::SystemTime;

use kpack::{HostPolicy, Timestamp, Verifier, reference_pack};

use crate::failure::Failure;

/// The default limits, and the native reference kernels as names for fallbacks.
pub(crate) fn policy() -> HostPolicy {
    reference_pack::host_policy()
}

/// What judges packs under this policy.
pub(crate) fn verifier() -> Verifier {
    Verifier::new(policy())
}

/// The only place where the command line reads the wall clock.
pub(crate) fn now() -> Result<Timestamp, Failure> {
    Timestamp::try_from(SystemTime::now()).map_err(|error| Failure::clock(&error))
}
