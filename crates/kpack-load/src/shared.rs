//! The folders that a service and everything that is killed beside it have in common.

use std::path::{Path, PathBuf};

use anyhow::Result;
use kpack::{
    CompileCache, NativeCall, NativeError, ParamValue, References, Runtime, StateDir, Wasmtime,
};

use crate::release::NATIVE;

/// A folder with a compile cache, a state, and packs.
#[derive(Debug, Clone)]
pub struct Shared {
    folder: PathBuf,
}

impl Shared {
    /// Makes a state in an empty folder.
    ///
    /// # Errors
    ///
    /// When the folder cannot be written to.
    pub fn init(folder: &Path) -> Result<Self> {
        let shared = Self::at(folder);
        StateDir::init(shared.state())?;
        Ok(shared)
    }

    /// The folder that [`init`](Self::init) was given.
    #[must_use]
    pub fn at(folder: &Path) -> Self {
        Self {
            folder: folder.to_owned(),
        }
    }

    /// The folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// A place for a pack or for something beside it.
    #[must_use]
    pub fn place(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    fn state(&self) -> PathBuf {
        self.place("state")
    }

    /// A runtime with that cache, that state and the native kernel that stands in for releases.
    ///
    /// # Errors
    ///
    /// When the cache or the state cannot be opened, or the engine not be started.
    pub fn runtime(&self) -> Result<Runtime> {
        let references = References::new().with(NATIVE, mark)?;
        Ok(Runtime::builder(Wasmtime::new()?)
            .compile_cache(CompileCache::open(self.place("cache"))?)
            .state(StateDir::open(self.state())?)
            .references(references)
            .build())
    }

    /// The floor of a pack; 0 where there is none yet.
    ///
    /// # Errors
    ///
    /// When the state cannot be read.
    pub fn floor(&self, pack: &str) -> Result<u64> {
        let state = StateDir::open(self.state())?.read()?;
        let mut floors = state.floors().iter();
        let floor = floors.find(|(name, _)| name.as_str() == pack);
        Ok(floor.map_or(0, |(_, floor)| floor.sequence().get()))
    }
}

/// The native kernel: what a release computes, with the number that the manifest gives it.
fn mark(call: &mut NativeCall<'_>) -> Result<(), NativeError> {
    let number = match call.param("release") {
        Some(ParamValue::U32(number)) => number.cast_signed(),
        _ => return Err(NativeError::mismatch("it has no parameter `release`")),
    };
    let x = call.input::<i32>("x")?;
    let first = *x
        .first()
        .ok_or_else(|| NativeError::refused("x is empty"))?;
    let marks = call.output_mut::<i32>("marks")?;
    if marks.len() != 4 {
        return Err(NativeError::mismatch("there are 4 marks"));
    }
    marks.copy_from_slice(&[number, number, number, first]);
    for (y, x) in call.output_mut::<i32>("y")?.iter_mut().zip(x) {
        *y = x.wrapping_add(number);
    }
    Ok(())
}
