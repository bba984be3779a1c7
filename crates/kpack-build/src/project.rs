use std::path::{Path, PathBuf};

/// Where the source of a pack stands, and where cargo builds it.
#[derive(Debug, Clone)]
pub struct Project {
    pub(crate) folder: PathBuf,
    pub(crate) checkout: PathBuf,
    pub(crate) target_dir: PathBuf,
}

impl Project {
    /// The project in `folder`, which is built in the folder that `CARGO_TARGET_DIR` names, else in
    /// its own `target`.
    #[must_use]
    pub fn at(folder: &Path) -> Self {
        // Cargo runs in that folder, to which relative paths would then be relative.
        let absolute = |path: &Path| std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        let folder = absolute(folder);
        let target = std::env::var_os("CARGO_TARGET_DIR")
            .map_or_else(|| folder.join("target"), |dir| absolute(Path::new(&dir)));
        Self {
            checkout: folder.clone(),
            target_dir: target.join("kpack-build"),
            folder,
        }
    }

    /// The project in a folder of a larger source tree, whose crates it uses: where that tree stands
    /// shows in no module.
    #[must_use]
    pub fn inside(checkout: &Path, folder: &str, target_dir: PathBuf) -> Self {
        Self {
            folder: checkout.join(folder),
            checkout: checkout.to_owned(),
            target_dir,
        }
    }
}
