//! What may happen to a good release on its way to the host.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use crate::publisher::Publisher;
use crate::release::{MODULE, Release};

/// Damage to a release in a folder, by accident or by whoever writes there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Damage {
    /// A bit of the module is flipped.
    ModuleFlipped,
    /// The module ends early, as after a copy that broke off.
    ModuleCut,
    /// The module is not there yet.
    ModuleMissing,
    /// Another release's module stands in its place.
    ModuleOfAnother,
    /// A file is there that the manifest does not name.
    FileAdded,
    /// A bit of the manifest is flipped.
    ManifestFlipped,
    /// The signature is not there yet.
    SignatureMissing,
    /// The signature is that of another release.
    SignatureOfAnother,
    /// Signed by somebody whom nobody trusts.
    SignedByStranger,
    /// A link stands in the module's place.
    #[cfg(unix)]
    ModuleLinked,
}

impl Damage {
    /// Every kind.
    pub const ALL: &[Self] = &[
        Self::ModuleFlipped,
        Self::ModuleCut,
        Self::ModuleMissing,
        Self::ModuleOfAnother,
        Self::FileAdded,
        Self::ManifestFlipped,
        Self::SignatureMissing,
        Self::SignatureOfAnother,
        Self::SignedByStranger,
        #[cfg(unix)]
        Self::ModuleLinked,
    ];

    /// The kind of the error that it must end in.
    #[must_use]
    pub const fn kind(self) -> &'static str {
        match self {
            Self::ModuleFlipped | Self::ModuleCut | Self::ModuleOfAnother => "digest_mismatch",
            Self::ModuleMissing => "missing_file",
            Self::FileAdded => "undeclared_file",
            Self::ManifestFlipped | Self::SignatureOfAnother => "bad_signature",
            Self::SignatureMissing => "missing_signature",
            Self::SignedByStranger => "untrusted_key",
            #[cfg(unix)]
            Self::ModuleLinked => "symlink",
        }
    }

    /// Does it to the release in this folder. `aside` is a folder that is not there, for another release.
    ///
    /// # Errors
    ///
    /// When the folders cannot be written to.
    pub fn inflict(
        self,
        publisher: &Publisher,
        release: Release,
        folder: &Path,
        aside: &Path,
    ) -> Result<()> {
        let module = folder.join(MODULE);
        let signature = folder.join("kernels.json.sig");
        let of_another = |file: &str| -> Result<()> {
            let number = release.number.wrapping_add(1);
            publisher.publish(Release { number, ..release }, aside)?;
            fs::copy(aside.join(file), folder.join(file))?;
            Ok(())
        };
        match self {
            Self::ModuleFlipped => flip(&module)?,
            Self::ModuleCut => {
                let bytes = fs::read(&module)?;
                fs::write(&module, &bytes[..bytes.len() / 2])?;
            }
            Self::ModuleMissing => fs::remove_file(&module)?,
            Self::ModuleOfAnother => of_another(MODULE)?,
            Self::FileAdded => fs::write(folder.join("notes.txt"), "not declared")?,
            Self::ManifestFlipped => flip(&folder.join("kernels.json"))?,
            Self::SignatureMissing => fs::remove_file(&signature)?,
            Self::SignatureOfAnother => of_another("kernels.json.sig")?,
            Self::SignedByStranger => {
                fs::remove_dir_all(folder)?;
                Publisher::new(publisher.name(), [0x66; 32]).publish(release, folder)?;
            }
            #[cfg(unix)]
            Self::ModuleLinked => {
                let elsewhere = aside.with_extension("wasm");
                fs::rename(&module, &elsewhere)?;
                std::os::unix::fs::symlink(elsewhere, &module)?;
            }
        }
        Ok(())
    }
}

/// Flips a bit in the middle of a file.
fn flip(path: &Path) -> Result<()> {
    let mut bytes = fs::read(path)?;
    let middle = bytes.len() / 2;
    *bytes.get_mut(middle).context("an empty file")? ^= 1;
    fs::write(path, bytes)?;
    Ok(())
}
