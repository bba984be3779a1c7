//! `cargo xtask kernel-docs`: a page for each kernel of the reference pack, from its manifest, the
//! measurements, and what stands by hand in `kernels-src/docs`.

mod page;
mod prose;
mod speed;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use kpack_schema::KernelManifest;

use self::prose::Prose;
use self::speed::Measurements;
use crate::outer_cargo::workspace_root;

/// Writes the pages and removes those of kernels that are no more.
///
/// # Errors
///
/// When a kernel has nothing written by hand, or a file is not as it should be; no page is then
/// changed.
pub(crate) fn kernel_docs() -> Result<()> {
    let (pages, folder) = (pages()?, folder());
    fs::create_dir_all(&folder).with_context(|| format!("cannot make: `{}`", folder.display()))?;
    for stale in committed(&folder)?
        .keys()
        .filter(|name| !pages.contains_key(*name))
    {
        let file = folder.join(stale);
        fs::remove_file(&file).with_context(|| format!("cannot remove: `{}`", file.display()))?;
    }
    for (name, page) in &pages {
        let file = folder.join(name);
        fs::write(&file, page).with_context(|| format!("cannot write: `{}`", file.display()))?;
    }
    println!("{} pages in {}", pages.len(), folder.display());
    Ok(())
}

/// Each page with the name of its file.
fn pages() -> Result<BTreeMap<String, String>> {
    let root = workspace_root();
    let manifest = read(&root.join("crates/kpack/reference-pack/llama-core/kernels.json"))?;
    let manifest = KernelManifest::from_json(&manifest)?;
    let measurements = Measurements::from_json(&read(&root.join("docs/benchmarks/report.json"))?)?;
    let mut pages = BTreeMap::from([("README.md".to_owned(), page::index(&manifest))]);
    for kernel in &manifest.kernels {
        let file = root.join(format!("kernels-src/docs/{}.md", kernel.id));
        let malformed = || {
            format!(
                "not as the page of a kernel should be: `{}`",
                file.display()
            )
        };
        let prose = Prose::parse(&read(&file)?).with_context(malformed)?;
        let page = page::of_kernel(kernel, &prose, &measurements);
        let before = pages.insert(format!("{}.md", kernel.id), page);
        ensure!(before.is_none(), "two pages of one name: `{}`", kernel.id);
    }
    Ok(pages)
}

/// The pages that are there, each with the name of its file.
fn committed(folder: &Path) -> Result<BTreeMap<String, String>> {
    let cannot_read = || format!("cannot read: `{}`", folder.display());
    let mut pages = BTreeMap::new();
    for entry in fs::read_dir(folder).with_context(cannot_read)? {
        let entry = entry.with_context(cannot_read)?;
        let name = entry.file_name().to_string_lossy().into_owned();
        pages.insert(name, read(&entry.path())?);
    }
    Ok(pages)
}

fn folder() -> PathBuf {
    workspace_root().join("docs/kernels")
}

fn read(file: &Path) -> Result<String> {
    fs::read_to_string(file).with_context(|| format!("cannot read: `{}`", file.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_committed_pages_are_what_is_generated() {
        let (generated, committed) = (pages().unwrap(), committed(&folder()).unwrap());
        let names = |pages: &BTreeMap<String, String>| pages.keys().cloned().collect::<Vec<_>>();
        let advice = "run `cargo xtask kernel-docs`";
        assert_eq!(names(&committed), names(&generated), "{advice}");
        for (name, page) in generated {
            assert!(committed[&name] == page, "{name} is stale: {advice}");
        }
    }
}
