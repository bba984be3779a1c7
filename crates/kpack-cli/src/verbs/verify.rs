use kpack::{LoadError, Step, TrustOrigin, VettedPack};
use serde_json::{Value, json};

use crate::args::VerifyArgs;
use crate::console::Console;
use crate::explanation::{Explanation, Floors, Stage};
use crate::failure::Failure;
use crate::host;
use crate::judge::Judge;
use crate::report::Report;

/// Everything that can be said of a pack without an engine. A pack that passes is accepted: where
/// there is a state, what is older is refused from then on.
pub(crate) fn run(args: &VerifyArgs, console: &Console) -> Result<Report, Failure> {
    let explanation = |stage| Explanation {
        refused_at: stage,
        floors: match args.judge.state {
            Some(_) => Floors::Kept,
            None => Floors::None,
        },
    };
    match (accepted(args, console), args.explain) {
        (Ok((judge, pack)), false) => report(&judge, &pack),
        (Ok((judge, pack)), true) => Ok(explanation(None).before(report(&judge, &pack)?)),
        (Err(refused), false) => Err(*refused.failure),
        (Err(refused), true) => Err(explanation(Some(refused.at)).beside(*refused.failure)),
    }
}

/// A failure, and where it came.
struct Refused {
    at: Stage,
    failure: Box<Failure>,
}

impl Refused {
    fn at(at: Stage) -> impl FnOnce(Failure) -> Self {
        move |failure| Self {
            at,
            failure: Box::new(failure),
        }
    }
}

impl From<LoadError> for Refused {
    fn from(error: LoadError) -> Self {
        Self {
            // An error that comes of no step is none of the pack, and nothing was begun.
            at: Stage::Judge(error.step().unwrap_or(Step::Trust)),
            failure: Box::new(error.into()),
        }
    }
}

fn accepted(args: &VerifyArgs, console: &Console) -> Result<(Judge, VettedPack), Refused> {
    let before = || Refused::at(Stage::Judge(Step::Trust));
    let judge = Judge::open(&args.judge, console).map_err(before())?;
    let now = host::now().map_err(before())?;
    let pack = judge.judge(&args.pack, now)?;
    let remembered = pack.accept().map_err(Failure::from);
    remembered.map_err(Refused::at(Stage::Accept))?;
    Ok((judge, pack))
}

fn report(judge: &Judge, pack: &VettedPack) -> Result<Report, Failure> {
    let manifest = pack.manifest();
    let floor = floor(judge, pack)?;
    let proven = judge.proven();
    let version = proven.pin().map(|pin| pin.version());
    let signers: Vec<String> = pack.signers().iter().map(ToString::to_string).collect();
    let kernels: Vec<Value> = pack
        .kernels()
        .map(|kernel| {
            let kernel = kernel.verified();
            json!({
                "id": kernel.checked().id().as_str(),
                "path": kernel.module().path().as_str(),
                "digest": kernel.module().digest().to_string(),
                "variants": kernel.variants().len(),
            })
        })
        .collect();
    let expires = manifest.expires().map(|time| time.to_string());
    let text = format!(
        "verified: {} {}\nmanifest  {}\nsigners   {}\nexpires   {}\nkernels   {}\ntrust     {}\n\
         floor     {}\n",
        manifest.name(),
        manifest.version(),
        pack.manifest_digest(),
        signers.join(", "),
        expires.as_deref().unwrap_or("never"),
        manifest.manifest().kernel_ids().join(", "),
        trust_in_words(judge, version),
        floor_in_words(judge, floor),
    );
    Ok(Report {
        text,
        json: json!({
            "verified": true,
            "pack": manifest.name().as_str(),
            "version": manifest.version().to_string(),
            "sequence": manifest.sequence(),
            "manifest_digest": pack.manifest_digest().to_string(),
            "signers": signers,
            "expires": expires,
            "kernels": kernels,
            "trust": {"origin": proven.origin().name(), "version": version},
            "floor": floor,
            "state": judge.state().map(|state| state.folder().display().to_string()),
        }),
    })
}

/// The floor under the pack's name after it was accepted.
fn floor(judge: &Judge, pack: &VettedPack) -> Result<Option<u64>, Failure> {
    let Some(state) = judge.state() else {
        return Ok(None);
    };
    let state = state.read()?;
    let standing = state.floors().standing(pack.name(), judge.proven().trust());
    Ok(standing.map(|floor| floor.sequence().get()))
}

fn trust_in_words(judge: &Judge, version: Option<u64>) -> String {
    let version = version.unwrap_or_default();
    match judge.proven().origin() {
        TrustOrigin::Local => "the operator's own file, not signed".to_owned(),
        TrustOrigin::OwnRoots => {
            let pinned = if judge.pinned_now() {
                ", and pinned now"
            } else {
                ""
            };
            format!(
                "version {version}, signed by its own roots, which nothing here knew before{pinned}"
            )
        }
        TrustOrigin::PinnedRoots => format!("version {version}, signed by the pinned roots"),
    }
}

fn floor_in_words(judge: &Judge, floor: Option<u64>) -> String {
    match (judge.state(), floor) {
        (None, _) => "none is kept: an older pack passes too, unless --state is given".to_owned(),
        (Some(_), None) => "none: the pack has no sequence".to_owned(),
        (Some(_), Some(floor)) => format!("sequence {floor}"),
    }
}
