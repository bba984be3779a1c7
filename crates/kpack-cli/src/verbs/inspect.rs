mod contents;
mod engines;
mod shown;

use kpack::PackSource;
use kpack_schema::KernelManifest;
use kpack_verify::sha256;
use serde_json::{Map, Value, json};

use self::contents::{Contents, Problems};
use self::engines::{Verdict, Verdicts};
use crate::args::InspectArgs;
use crate::failure::Failure;
use crate::failure::libraries::problems_of_check;
use crate::host;
use crate::report::Report;

/// What a pack says of itself, whether it would be accepted or not.
pub(crate) fn run(args: &InspectArgs) -> Result<Report, Failure> {
    let pack = PackSource::open(&args.pack)?;
    let bytes = pack.manifest()?;
    let digest = sha256(&bytes).to_string();
    let text = String::from_utf8(bytes).map_err(|_| Failure::manifest_not_utf8())?;
    let manifest = KernelManifest::from_json(&text)?;

    let mut problems = Problems::default();
    let contents = Contents::read(&pack, &manifest, &mut problems);
    let verdicts = match manifest.clone().check(&host::policy()) {
        Ok(checked) => engines::judge(&checked)?,
        Err(found) => {
            problems.extend(problems_of_check(&found));
            Verdicts::new()
        }
    };
    let inspected = Inspected {
        manifest,
        digest,
        contents,
        verdicts,
        problems,
    };
    Ok(inspected.report())
}

struct Inspected {
    manifest: KernelManifest,
    digest: String,
    contents: Contents,
    /// Empty where the manifest is not one that this host takes.
    verdicts: Verdicts,
    problems: Problems,
}

const NOTHING_WAS_VERIFIED: &str =
    "nothing was verified: this is what the pack says of itself; see kpack verify";

impl Inspected {
    fn report(self) -> Report {
        let of_kernel = |verdicts: &Vec<Verdict>| verdicts.iter().map(Verdict::to_json).collect();
        let engines: Map<String, Value> = self
            .verdicts
            .iter()
            .map(|(id, verdicts)| (id.clone(), of_kernel(verdicts)))
            .collect();
        Report {
            text: shown::text(&self),
            json: json!({
                "verified": false,
                "note": NOTHING_WAS_VERIFIED,
                "manifest_digest": self.digest,
                "manifest": self.manifest,
                "signatures": self.contents.claimed_signers,
                "files": self.contents.files,
                "engines": engines,
                "problems": self.problems.into_json(),
            }),
        }
    }
}
