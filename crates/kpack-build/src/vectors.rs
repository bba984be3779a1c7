//! The test vectors that a pack ships.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use kpack_schema::{KernelInfo, KernelVector, PackPath, Tolerance};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A vector as it stands in a family's `vectors.json`, by its kernel's id.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VectorEntry {
    /// Where it stands below the project's folder, and in a pack.
    pub path: String,
    /// The parameters that differ from their defaults.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub params: BTreeMap<String, Value>,
    /// How far a result may lie from the outputs.
    pub tolerance: Tolerance,
}

/// The vectors of packs, by their path.
pub(crate) type Files = BTreeMap<PackPath, Vec<u8>>;

/// Gives each kernel the vectors that its family lists.
///
/// # Errors
///
/// When a file is not as it should be, or a list names a kernel that is not there.
pub(crate) fn add_to(
    kernels: &mut [KernelInfo],
    source: &Path,
    families: &[String],
) -> Result<Files> {
    let mut files = Files::new();
    // A project without families is one crate, whose list stands beside its pack.toml.
    let of_project = [String::new()];
    let families = if families.is_empty() {
        &of_project[..]
    } else {
        families
    };
    for family in families {
        let list = source.join(family).join("vectors.json");
        if !list.exists() {
            continue;
        }
        let entries: BTreeMap<String, Vec<VectorEntry>> = serde_json::from_slice(&read(&list)?)
            .with_context(|| format!("cannot parse: `{}`", list.display()))?;
        for (id, entries) in entries {
            let kernel = kernels.iter_mut().find(|kernel| kernel.id == id);
            let kernel = kernel
                .with_context(|| format!("no kernel of the family {family} has the id: `{id}`"))?;
            for entry in entries {
                let bytes = read(&source.join(&entry.path))?;
                kernel.vectors.push(KernelVector {
                    path: entry.path.clone(),
                    hash: kpack_verify::sha256(&bytes).to_string(),
                    params: entry.params,
                    tolerance: entry.tolerance,
                });
                files.insert(entry.path.parse()?, bytes);
            }
        }
    }
    Ok(files)
}

fn read(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).with_context(|| format!("cannot read: `{}`", path.display()))
}
