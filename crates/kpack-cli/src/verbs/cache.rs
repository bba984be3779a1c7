use std::time::UNIX_EPOCH;

use kpack::CacheEntry;
use serde_json::{Value, json};

use crate::args::CacheVerb;
use crate::cache;
use crate::failure::Failure;
use crate::report::{Report, table};

/// Shows or clears the compile cache.
pub(crate) fn run(verb: &CacheVerb) -> Result<Report, Failure> {
    match verb {
        CacheVerb::List => list(),
        CacheVerb::Clear => clear(),
    }
}

fn list() -> Result<Report, Failure> {
    let cache = cache::named()?;
    let entries = cache.entries()?;
    let folder = cache.folder().display().to_string();
    let total: u64 = entries.iter().map(|entry| entry.bytes).sum();
    let mut rows = vec![["ENTRY", "BYTES"].map(str::to_owned).to_vec()];
    rows.extend(
        entries
            .iter()
            .map(|entry| vec![entry.id.to_string(), entry.bytes.to_string()]),
    );
    Ok(Report {
        text: format!(
            "{}{} entries, {total} bytes: {folder}\n",
            table(&rows),
            entries.len()
        ),
        json: json!({
            "folder": folder,
            "entries": entries.iter().map(to_json).collect::<Vec<_>>(),
            "bytes": total,
        }),
    })
}

fn to_json(entry: &CacheEntry) -> Value {
    let written = entry.written.duration_since(UNIX_EPOCH).ok();
    json!({
        "id": entry.id.to_string(),
        "bytes": entry.bytes,
        "written_unix": written.map(|since| since.as_secs()),
    })
}

fn clear() -> Result<Report, Failure> {
    let cache = cache::named()?;
    let removed = cache.clear()?;
    let folder = cache.folder().display().to_string();
    Ok(Report {
        text: format!("{removed} entries removed: {folder}\n"),
        json: json!({"folder": folder, "removed": removed}),
    })
}
