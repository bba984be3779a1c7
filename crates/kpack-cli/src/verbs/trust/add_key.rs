use kpack::KeyId;
use kpack_verify::TrustEntry;

use super::edit::edit;
use crate::args::AddKeyArgs;
use crate::console::Console;
use crate::failure::Failure;
use crate::host;
use crate::key_text;
use crate::report::Report;

/// Trusts one more key.
pub(super) fn run(args: &AddKeyArgs, console: &Console) -> Result<Report, Failure> {
    let mut entry = TrustEntry::new(key_text::public("KEY", &args.key)?);
    if !args.packs.is_empty() {
        entry.packs.clone_from(&args.packs);
    }
    entry.not_before = key_text::time("--not-before", args.not_before.as_deref())?;
    entry.not_after = key_text::time("--not-after", args.not_after.as_deref())?;
    entry.comment.clone_from(&args.comment);
    let (key, not_after) = (KeyId::of(&entry.key), entry.not_after);
    let (file, report) = edit(&args.trust, |_, draft| {
        draft.add_key(entry);
        if let Some(threshold) = args.threshold {
            draft.set_threshold(threshold);
        }
        Ok(())
    })?;
    if file.revoked_keys().contains(&key) {
        console.note(&format!(
            "the file revokes this key, so that its signatures do not count: `{key}`"
        ));
    }
    // Whoever has no clock to go by is told when the key is to be used.
    if let (Some(until), Ok(now)) = (not_after, host::now())
        && until <= now
    {
        console.note(&format!(
            "its time is over, so that its signatures do not count: `{until}`"
        ));
    }
    Ok(report)
}
