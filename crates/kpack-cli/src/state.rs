//! The state folder that a user names.

use std::fs;
use std::path::Path;

use kpack::{HostState, StateDir};

use crate::failure::Failure;

/// Opens the state in a folder.
pub(crate) fn open(folder: &Path) -> Result<StateDir, Failure> {
    refuse_another_file(folder)?;
    Ok(StateDir::open(folder)?)
}

/// Makes a first state in a folder.
pub(crate) fn init(folder: &Path, first: &HostState) -> Result<StateDir, Failure> {
    refuse_another_file(folder)?;
    Ok(StateDir::init_with(folder, first)?)
}

/// Whoever named the state itself, or any other file, is told so, and not that it is not private.
fn refuse_another_file(folder: &Path) -> Result<(), Failure> {
    match fs::metadata(folder) {
        Ok(found) if !found.is_dir() => Err(Failure::state_is_no_folder(folder)),
        _ => Ok(()),
    }
}
