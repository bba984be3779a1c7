use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use kpack_schema::{FallbackTarget, HostPolicy, KernelId, NameError};

use crate::native::NativeKernel;

/// What stands before the id of a native kernel that every host should have.
const BUILTIN: &str = "builtin:";

/// The native kernels that a host registers, by the ids under which manifests name them as fallbacks:
/// `builtin:<id>`, or an id of the host's own choice such as `rope_reference`. Cheap to clone.
///
/// Given to a [`RuntimeBuilder`](crate::RuntimeBuilder::references), it also decides which ids manifests
/// may name, so that what passes the checks is what can run.
#[derive(Clone, Default)]
pub struct References {
    kernels: BTreeMap<FallbackTarget, Arc<dyn NativeKernel>>,
}

impl References {
    /// None yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The same with one more; it takes the place of one with the same id.
    ///
    /// # Errors
    ///
    /// When the id, behind `builtin:` where it begins so, is none that a kernel may have.
    pub fn with(self, id: &str, kernel: impl NativeKernel + 'static) -> Result<Self, NameError> {
        self.with_shared(id, Arc::new(kernel))
    }

    /// The same with one more, which is registered under further ids too.
    ///
    /// # Errors
    ///
    /// As [`with`](Self::with).
    pub fn with_shared(
        mut self,
        id: &str,
        kernel: Arc<dyn NativeKernel>,
    ) -> Result<Self, NameError> {
        let target = match id.strip_prefix(BUILTIN) {
            Some(id) => FallbackTarget::Builtin(id.parse()?),
            None => FallbackTarget::Host(id.parse()?),
        };
        self.kernels.insert(target, kernel);
        Ok(self)
    }

    /// The kernel that a manifest names so.
    #[must_use]
    pub fn get(&self, target: &FallbackTarget) -> Option<&Arc<dyn NativeKernel>> {
        self.kernels.get(target)
    }

    /// Every id, as a manifest names it.
    pub fn ids(&self) -> impl ExactSizeIterator<Item = &FallbackTarget> {
        self.kernels.keys()
    }

    /// The ids of the host's own choice, which a manifest may name because they are registered.
    #[must_use]
    pub fn named(&self) -> BTreeSet<KernelId> {
        let named = self.kernels.keys().filter_map(|target| match target {
            FallbackTarget::Host(id) => Some(id.clone()),
            FallbackTarget::Builtin(_) | FallbackTarget::Kernel(_) => None,
        });
        named.collect()
    }

    /// The default policy of a host that serves these.
    #[must_use]
    pub fn host_policy(&self) -> HostPolicy {
        HostPolicy {
            named_fallbacks: self.named(),
            ..HostPolicy::default()
        }
    }
}

impl fmt::Debug for References {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set()
            .entries(self.ids().map(ToString::to_string))
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::native::{NativeCall, NativeError};

    fn nothing(_: &mut NativeCall<'_>) -> Result<(), NativeError> {
        Ok(())
    }

    #[test]
    fn the_ids_of_the_hosts_own_choice_are_what_a_manifest_may_name() {
        let references = References::new()
            .with("builtin:rope", nothing)
            .and_then(|references| references.with("rope_reference", nothing))
            .unwrap();
        let named = ["rope_reference".parse().unwrap()];
        assert_eq!(references.host_policy().named_fallbacks, named.into());
        let ids: Vec<String> = references.ids().map(ToString::to_string).collect();
        assert_eq!(ids, ["builtin:rope", "rope_reference"]);
        let target = FallbackTarget::Host("rope".parse().unwrap());
        assert!(references.get(&target).is_none(), "a builtin of that id");
    }

    #[test]
    fn an_id_that_no_kernel_may_have_is_refused() {
        for id in ["", "builtin:", "Rope", "builtin:builtin:rope"] {
            assert!(References::new().with(id, nothing).is_err(), "{id}");
        }
    }
}
