//! `cargo xtask vectors`: what each kernel must give for made-up inputs, by the oracle in `f64`.

mod made_up;
mod table;
mod table_of_further;
mod tensor;

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use kpack_build::VectorEntry;
use kpack_schema::Tolerance;
use serde_json::Value;

use self::made_up::MadeUp;
use self::tensor::Tensor;
use crate::outer_cargo::workspace_root;

/// Inputs with the outputs that a kernel must give for them.
struct Case {
    params: BTreeMap<&'static str, Value>,
    tolerance: Tolerance,
    tensors: Vec<(&'static str, Tensor)>,
}

/// One line of the table.
struct Row {
    family: &'static str,
    kernel: &'static str,
    case: fn(&mut MadeUp) -> Case,
}

/// Writes every vector and the list of each family's.
///
/// # Errors
///
/// When a file cannot be written.
pub(crate) fn write() -> Result<()> {
    let files = files()?;
    let source = source();
    for (path, bytes) in &files {
        let file = source.join(path);
        let folder = file.parent().expect("a file stands in a folder");
        fs::create_dir_all(folder)
            .and_then(|()| fs::write(&file, bytes))
            .with_context(|| format!("cannot write: `{}`", file.display()))?;
    }
    println!("{} files below {}", files.len(), source.display());
    Ok(())
}

/// Every file that the table gives, by its path below `kernels-src`.
fn files() -> Result<BTreeMap<String, Vec<u8>>> {
    let mut files = BTreeMap::new();
    let mut lists: BTreeMap<&str, BTreeMap<&str, Vec<VectorEntry>>> = BTreeMap::new();
    for row in table::ROWS.iter().chain(table_of_further::ROWS) {
        let Row {
            family,
            kernel,
            case,
        } = row;
        let entries = lists.entry(family).or_default().entry(kernel).or_default();
        let path = format!("{family}/vectors/{kernel}.{}.safetensors", entries.len());
        let case = case(&mut MadeUp::new(&path));
        ensure!(
            files
                .insert(path.clone(), tensor::file(&case.tensors)?)
                .is_none(),
            "two vectors stand at: `{path}`"
        );
        entries.push(VectorEntry {
            path,
            params: case
                .params
                .into_iter()
                .map(|(name, value)| (name.to_owned(), value))
                .collect(),
            tolerance: case.tolerance,
        });
    }
    for (family, list) in lists {
        let list = format!("{}\n", serde_json::to_string_pretty(&list)?);
        files.insert(format!("{family}/vectors.json"), list.into_bytes());
    }
    Ok(files)
}

fn source() -> PathBuf {
    workspace_root().join("kernels-src")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// On every machine the same, so that a change of a vector is a change of what is promised.
    #[test]
    fn the_committed_vectors_are_what_the_table_gives() {
        for (path, bytes) in files().unwrap() {
            let committed = fs::read(source().join(&path)).unwrap();
            assert!(committed == bytes, "run `cargo xtask vectors`: `{path}`");
        }
    }

    #[test]
    fn a_vector_is_small() {
        for (path, bytes) in files().unwrap() {
            assert!(bytes.len() <= 32 << 10, "{path} has {} bytes", bytes.len());
        }
    }
}
