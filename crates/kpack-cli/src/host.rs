//! What this command line is as a host: its policy and its clock.

use std::time::SystemTime;

use kpack::{HostPolicy, KernelId, Timestamp};

use crate::failure::Failure;

/// The native reference kernels, which a manifest may name as fallbacks.
const NAMED_FALLBACKS: [&str; 3] = ["rope_reference", "rmsnorm_reference", "swiglu_reference"];

/// The default limits, and the fallbacks that this host names.
pub(crate) fn policy() -> HostPolicy {
    let id = |id: &str| -> KernelId { id.parse().expect("the names above are kernel ids") };
    HostPolicy {
        named_fallbacks: NAMED_FALLBACKS.into_iter().map(id).collect(),
        ..HostPolicy::default()
    }
}

/// The only place where the command line reads the wall clock.
pub(crate) fn now() -> Result<Timestamp, Failure> {
    Timestamp::try_from(SystemTime::now()).map_err(|error| Failure::clock(&error))
}
