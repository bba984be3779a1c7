//! Where this command line keeps compiled code, and whether.

use std::path::PathBuf;

use directories::ProjectDirs;
use kpack::CompileCache;

use crate::args::CacheArgs;
use crate::console::Console;
use crate::failure::Failure;

/// Names another folder than the platform's.
const FOLDER_VARIABLE: &str = "KPACK_CACHE_DIR";

/// The cache, unless it was switched off. One that cannot be used is worth a warning, not a failure.
pub(crate) fn open(args: &CacheArgs, console: &Console) -> Option<CompileCache> {
    if args.no_cache {
        return None;
    }
    match CompileCache::open(folder()?) {
        Ok(cache) => Some(cache),
        Err(error) => {
            console.warn(&format!(
                "working without a compile cache: {}",
                Failure::from(error).message()
            ));
            None
        }
    }
}

/// The cache that `kpack cache` shows or clears.
pub(crate) fn named() -> Result<CompileCache, Failure> {
    let folder = folder().ok_or_else(Failure::no_cache_folder)?;
    Ok(CompileCache::open(folder)?)
}

/// From the environment, else where the platform keeps caches; `None` for a user without a home.
fn folder() -> Option<PathBuf> {
    let named = std::env::var_os(FOLDER_VARIABLE).filter(|folder| !folder.is_empty());
    let platform = || Some(ProjectDirs::from("", "", "kpack")?.cache_dir().to_owned());
    named.map(PathBuf::from).or_else(platform)
}
