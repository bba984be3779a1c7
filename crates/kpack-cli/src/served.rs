//! What computed an output, or would.

use kpack::{Feature, ServedBy};
use serde_json::{Value, json};

/// For people.
pub(crate) fn in_words(served_by: &ServedBy) -> String {
    match served_by {
        ServedBy::Kernel { id, path, ran, .. } => format!("{id} on {} ({path})", ran.engine),
        ServedBy::Native { id, .. } => format!("the native kernel {id}"),
        other => other.to_string(),
    }
}

/// For programs.
pub(crate) fn to_json(served_by: &ServedBy) -> Value {
    match served_by {
        ServedBy::Kernel { id, path, ran, .. } => {
            let features: Vec<&str> = ran.selection.features.iter().map(Feature::name).collect();
            json!({
                "kernel": id.as_str(),
                "engine": ran.engine,
                "module": path.as_str(),
                "features": features,
            })
        }
        ServedBy::Native { id, .. } => json!({ "native": id.to_string() }),
        other => json!({ "other": other.to_string() }),
    }
}
