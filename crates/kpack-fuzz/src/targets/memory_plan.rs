mod probe;
mod shapes;

use kpack_exec::{CallError, CompiledKernel, Fault, StaticPolicy};
use kpack_schema::{Binding, PAGE_SIZE};

use self::probe::{Expected, Probe};
use self::shapes::Shapes;
use super::{Verdict, expect_showable};
use crate::Signer;

/// What bytes say of tensors, parameters and limits, bound on an engine that looks at where the host
/// put everything.
pub(super) fn plan(bytes: &[u8]) -> Verdict {
    let shapes = Shapes::read(bytes);
    let Ok(kernel) = Signer::new().verified(&shapes.module(), &shapes.kernel()) else {
        return Verdict::Refused;
    };
    let vetted = StaticPolicy::default().vet(&kernel);
    // The module's own pages may be more than the limit.
    let Ok(vetted) = vetted else {
        return Verdict::Refused;
    };
    let binding = match kernel.checked().signature().bind_dims(&shapes.dims(), &[]) {
        Ok(binding) => binding,
        Err(error) => {
            expect_showable(&error);
            return Verdict::Refused;
        }
    };
    let expected = Expected::new(&binding, shapes.module_pages, shapes.max_pages);
    let probe = Probe::new(expected.clone());
    let compiled = CompiledKernel::compile(&probe, &vetted).expect("the probe compiles anything");
    match compiled.bind(&shapes.dims(), &[]) {
        Ok(mut bound) => {
            let pages = u64::from(bound.memory_pages());
            assert!(pages <= u64::from(shapes.max_pages));
            for turn in 0..2 {
                expected.call(&mut bound, turn);
            }
            Verdict::Accepted
        }
        Err(CallError::Fault(Fault::MemoryLimit {
            needed_pages,
            max_pages,
        })) => {
            assert_eq!(max_pages, shapes.max_pages);
            assert!(needed_pages > u64::from(max_pages));
            expect_too_large(&binding, shapes.module_pages, max_pages);
            Verdict::Refused
        }
        Err(error) => panic!("{error:?}"),
    }
}

/// That everything, each part with the 63 bytes that its alignment may cost, does not fit.
fn expect_too_large(binding: &Binding, module_pages: u32, max_pages: u32) {
    let tensors = binding
        .inputs()
        .iter()
        .chain(binding.outputs())
        .chain(binding.scratch());
    let lengths = tensors.map(|tensor| u128::from(tensor.byte_len) + 63);
    let others = 40 + 63 + u128::try_from(binding.params_block().len()).expect("a length");
    let room = u128::from(max_pages - module_pages) * u128::from(PAGE_SIZE);
    assert!(
        lengths.sum::<u128>() + others > room,
        "it would have fitted"
    );
}
