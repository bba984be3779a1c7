use super::edit::{GivenRoots, edit, set_roots};
use crate::args::RotateArgs;
use crate::failure::Failure;
use crate::report::Report;

/// Replaces what decides about the trust file itself.
pub(super) fn run(args: &RotateArgs) -> Result<Report, Failure> {
    let given = GivenRoots::parse(&args.roots)?;
    if given.keys.is_empty() && given.threshold.is_none() && given.expires.is_none() {
        return Err(Failure::usage(
            "nothing to rotate",
            "give --root KEY for each root key, --root-threshold N, or --expires TIME",
        ));
    }
    let (_, report) = edit(&args.trust, |before, draft| {
        let roots = before.roots();
        if roots.is_none() && given.keys.is_empty() && given.threshold.is_some() {
            return Err(Failure::usage(
                "the trust file names no root keys that a threshold could be of",
                "give --root KEY for each root key",
            ));
        }
        set_roots(draft, &given, roots);
        Ok(())
    })?;
    Ok(report)
}
