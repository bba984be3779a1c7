//! Modules that are made to be slow or large to compile, each as large as the static policy lets it
//! be.

mod bodies;
mod module;

use kpack_exec::{PolicyErrorKind, StaticPolicy, VettedKernel};
use kpack_schema::Feature;
use serde_json::json;

use crate::signer::Signer;
use bodies::Body;

/// A way to make a compiler slow: one function body that can be made as large as one likes, and that
/// a module can have as many copies of as it likes.
#[derive(Clone, Copy)]
pub struct Bomb {
    /// What it is made of.
    pub name: &'static str,
    body: Body,
}

/// A bomb at the edge of what the policy passes.
pub struct Primed {
    /// How large one function is, in the unit of the bomb.
    pub size: u32,
    /// How many copies of the function the module has.
    pub copies: u32,
    /// The bytes of the module.
    pub bytes: usize,
    /// The module, which has passed the policy.
    pub kernel: VettedKernel,
}

impl Bomb {
    /// Every bomb.
    pub const ALL: &'static [Self] = bodies::ALL;

    /// The bomb of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|bomb| bomb.name == name)
    }

    /// The largest function of this kind that the policy passes, and then as many copies of it as it
    /// passes.
    ///
    /// # Panics
    ///
    /// When not even the smallest one passes: it is then no bomb.
    #[must_use]
    pub fn primed(self, policy: &StaticPolicy, signer: &Signer) -> Primed {
        let size = largest(|size| self.vet(policy, signer, size, 1).map(drop));
        self.primed_with(size, policy, signer)
    }

    /// As many functions of this size as the policy passes: a cost may be largest for functions that
    /// are not.
    ///
    /// # Panics
    ///
    /// When not even one passes.
    #[must_use]
    pub fn primed_with(self, size: u32, policy: &StaticPolicy, signer: &Signer) -> Primed {
        let vet = |copies| self.vet(policy, signer, size, copies);
        let copies = largest(|copies| vet(copies).map(drop));
        let kernel = vet(copies).expect("so many were found to pass");
        let bytes = kernel
            .modules()
            .next()
            .map_or(0, |module| module.bytes().len());
        Primed {
            size,
            copies,
            bytes,
            kernel,
        }
    }

    /// Why the policy refuses twice as many copies as it passes.
    ///
    /// # Panics
    ///
    /// When it does not.
    #[must_use]
    pub fn refusal(self, policy: &StaticPolicy, signer: &Signer) -> PolicyErrorKind {
        let Primed { size, copies, .. } = self.primed(policy, signer);
        match self.vet(policy, signer, size, copies * 2) {
            Ok(_) => panic!("{}: twice {copies} of {size} passes", self.name),
            Err(reason) => reason,
        }
    }

    fn vet(
        self,
        policy: &StaticPolicy,
        signer: &Signer,
        size: u32,
        copies: u32,
    ) -> Result<VettedKernel, PolicyErrorKind> {
        let wasm = module::of(&(self.body)(size), copies);
        let features: Vec<&str> = FEATURES.into_iter().map(Feature::name).collect();
        let platform = json!({"min_version": "0.0.1", "features": features});
        let platforms = json!({"platforms": {"wasmtime": platform, "wasmer": platform}});
        let verified = signer.verified(&wasm, &platforms);
        let verified = verified.expect("a plain pack with a throw-away key is trusted");
        let vetted = policy.vet(&verified);
        vetted.map_err(|error| error.reason().clone())
    }
}

/// What the bombs may use: all that both engines offer.
const FEATURES: [Feature; 3] = [Feature::BulkMemory, Feature::ReferenceTypes, Feature::Simd];

/// Beyond this a number decides nothing: the body does not depend on it.
const MOST: u32 = 1 << 18;

/// The largest number that passes, where what passes does so up to some number and not beyond.
fn largest(judge: impl Fn(u32) -> Result<(), PolicyErrorKind>) -> u32 {
    let mut most = 1;
    judge(most).expect("the smallest one passes");
    while most < MOST && judge(most * 2).is_ok() {
        most *= 2;
    }
    if most >= MOST {
        return most;
    }
    let mut refused = most * 2;
    // One part in sixteen is near enough.
    while refused - most > most / 16 + 1 {
        let middle = most + (refused - most) / 2;
        match judge(middle) {
            Ok(()) => most = middle,
            Err(_) => refused = middle,
        }
    }
    most
}
