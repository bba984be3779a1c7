//! Whether the host's calls find in a pack what they call.

use std::sync::Arc;

use kpack_exec::CallError;
use kpack_schema::{KernelId, ParamValue, Signature};

use super::error::InterfaceError;
use crate::dispatch::{BoundDispatch, Dispatch, DispatchError, Dispatcher};
use crate::pack::KernelError;

/// What a kernel is bound to in a host: a pack in which it cannot be bound alike is not swapped in.
#[derive(Debug)]
pub(super) struct BoundTo {
    pub(super) kernel: KernelId,
    pub(super) signature: Signature,
    shapes: Vec<(String, Vec<usize>)>,
    params: Vec<(String, ParamValue)>,
}

impl BoundTo {
    /// `params` are those that the host gave: others keep the defaults of whatever pack serves.
    pub(super) fn of(bound: &BoundDispatch, params: &[(&str, ParamValue)]) -> Self {
        let inputs = bound.inputs().iter();
        let params = params.iter();
        Self {
            kernel: bound.dispatch().id().clone(),
            signature: bound.dispatch().signature().clone(),
            shapes: inputs
                .map(|input| (input.name.clone(), input.shape.clone()))
                .collect(),
            params: params
                .map(|&(name, value)| (name.to_owned(), value))
                .collect(),
        }
    }

    /// Finds the kernel in another pack, and sees that it can be bound alike there.
    fn check(&self, candidate: &Dispatcher, serving: &Dispatcher) -> Result<(), InterfaceError> {
        let id = &self.kernel;
        let missing = |source: KernelError| InterfaceError::Missing {
            kernel: id.clone(),
            source,
        };
        let dispatch = candidate.kernel(id.as_str()).map_err(missing)?;
        if !dispatch.signature().can_replace(&self.signature) {
            return Err(InterfaceError::Changed { kernel: id.clone() });
        }
        let unbound = |source: CallError| InterfaceError::Unbound {
            kernel: id.clone(),
            source: Box::new(source),
        };
        let (shapes, params) = (self.shapes(), self.params());
        let bound = dispatch.signature().bind_shapes(&shapes, &params);
        bound.map_err(|error| unbound(error.into()))?;
        expect_own(id, candidate, Some(serving)).map_err(missing)?;
        let bind_own = |dispatcher: &Dispatcher| {
            let kernel = dispatcher.pack().kernel(id.as_str()).ok()?;
            Some(kernel.bind_shapes(&shapes, &params))
        };
        match bind_own(candidate) {
            // Where the serving pack's does not either, fallbacks serve, and go on.
            Some(Err(error)) if matches!(bind_own(serving), Some(Ok(_))) => Err(unbound(error)),
            _ => Ok(()),
        }
    }

    /// Binds a kernel that can replace the one that is bound.
    pub(super) fn bind_to(&self, dispatch: &Dispatch) -> Result<BoundDispatch, DispatchError> {
        dispatch.bind_shapes(&self.shapes(), &self.params())
    }

    fn shapes(&self) -> Vec<(&str, &[usize])> {
        let shapes = self.shapes.iter();
        shapes
            .map(|(name, shape)| (name.as_str(), shape.as_slice()))
            .collect()
    }

    fn params(&self) -> Vec<(&str, ParamValue)> {
        let params = self.params.iter();
        params
            .map(|(name, value)| (name.as_str(), *value))
            .collect()
    }
}

/// Finds every kernel that the host requires, as it is in the pack that serves.
pub(super) fn check_required(
    required: &[KernelId],
    candidate: &Dispatcher,
    serving: Option<&Dispatcher>,
) -> Result<(), InterfaceError> {
    for id in required {
        let missing = |source: KernelError| InterfaceError::Missing {
            kernel: id.clone(),
            source,
        };
        let dispatch = candidate.kernel(id.as_str()).map_err(missing)?;
        let before = serving.map(|serving| serving.kernel(id.as_str()));
        if let Some(Ok(before)) = before
            && !dispatch.signature().can_replace(before.signature())
        {
            return Err(InterfaceError::Changed { kernel: id.clone() });
        }
        expect_own(id, candidate, serving).map_err(missing)?;
    }
    Ok(())
}

/// Sees that whatever the host has bound can be bound in the new pack: each is, and given up again.
pub(super) fn check_bound(
    bound: &[Arc<BoundTo>],
    candidate: &Dispatcher,
    serving: &Dispatcher,
) -> Result<(), InterfaceError> {
    let mut bound = bound.iter();
    bound.try_for_each(|bound_to| bound_to.check(candidate, serving))
}

/// A kernel that the serving pack runs itself must run itself in the new one too: fallbacks that serve
/// from the first call on are a loss that nobody decided on.
fn expect_own(
    id: &KernelId,
    candidate: &Dispatcher,
    serving: Option<&Dispatcher>,
) -> Result<(), KernelError> {
    let runs = |dispatcher: &Dispatcher| dispatcher.pack().kernel(id.as_str()).map(|_| ());
    match serving.map(runs) {
        Some(Err(_)) => Ok(()),
        _ => runs(candidate),
    }
}
