use kpack_verify::TrustEntry;

use super::edit::edit;
use crate::args::AddKeyArgs;
use crate::failure::Failure;
use crate::key_text;
use crate::report::Report;

/// Trusts one more key.
pub(super) fn run(args: &AddKeyArgs) -> Result<Report, Failure> {
    let mut entry = TrustEntry::new(key_text::public("KEY", &args.key)?);
    if !args.packs.is_empty() {
        entry.packs.clone_from(&args.packs);
    }
    entry.not_before = key_text::time("--not-before", args.not_before.as_deref())?;
    entry.not_after = key_text::time("--not-after", args.not_after.as_deref())?;
    entry.comment.clone_from(&args.comment);
    let (_, report) = edit(&args.trust, |_, draft| {
        draft.add_key(entry);
        if let Some(threshold) = args.threshold {
            draft.set_threshold(threshold);
        }
        Ok(())
    })?;
    Ok(report)
}
