use kpack_build::{BuildError, Project, ToolchainChoice, build_pack};
use serde_json::{Value, json};

use crate::args::BuildArgs;
use crate::failure::{Exit, Failure};
use crate::report::Report;

/// Builds a project of kernels to a pack that lacks its signature.
pub(crate) fn run(args: &BuildArgs) -> Result<Report, Failure> {
    let project = Project::at(&args.folder);
    let pack = build_pack(&project, &args.out, ToolchainChoice::Installed)?;
    let modules = pack.modules.iter().map(|module| {
        json!({
            "path": module.path.to_string(),
            "hash": module.digest.to_string(),
            "size": module.size,
        })
    });
    Ok(Report {
        text: pack.to_string(),
        json: json!({
            "pack": pack.manifest.name,
            "version": pack.manifest.version,
            "kernels": pack.manifest.kernel_ids(),
            "modules": modules.collect::<Vec<Value>>(),
            "rustc": pack.built_with.rustc,
        }),
    })
}

impl From<BuildError> for Failure {
    fn from(error: BuildError) -> Self {
        let help = match error.kind() {
            "no_wasm_compiler" => "install it: `rustup target add wasm32-unknown-unknown`",
            _ => "what cargo has to say stands above; `kpack new` shows how a project must be",
        };
        Self::of(error.kind(), Exit::Failed, &error).help(help)
    }
}
