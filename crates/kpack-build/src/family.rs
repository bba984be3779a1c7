//! A family: kernels that stand in one crate, and so in one module for each set of features.

use std::fs;
use std::iter;
use std::path::Path;

use anyhow::{Context, Result, anyhow};
use kpack_schema::{Feature, FeatureSet, PackPath};
use serde::Deserialize;
use serde::de::DeserializeOwned;

/// What the build knows of a family before it is built.
#[derive(Debug)]
pub(crate) struct Family {
    name: String,
    module: String,
    variants: Vec<Variant>,
}

/// A set of features that a family is built for.
#[derive(Debug, Clone, Default)]
pub(crate) struct Variant {
    /// As the family's author wrote them: a feature that another implies is not among them.
    pub(crate) names: Vec<String>,
    /// All of them.
    pub(crate) features: FeatureSet,
}

impl Family {
    /// The family whose crate stands in `<source>/<name>`.
    ///
    /// # Errors
    ///
    /// If its Cargo.toml cannot be read, or names a feature that no module can have.
    pub(crate) fn read(source: &Path, name: &str) -> Result<Self> {
        Self::of_crate(&source.join(name), Some(name))
    }

    /// The family of a project that is one crate; it has the package's name.
    ///
    /// # Errors
    ///
    /// As [`read`](Self::read).
    pub(crate) fn of_project(folder: &Path) -> Result<Self> {
        Self::of_crate(folder, None)
    }

    fn of_crate(folder: &Path, name: Option<&str>) -> Result<Self> {
        let path = folder.join("Cargo.toml");
        let manifest: CargoManifest = read_toml(&path)?;
        let of_package = manifest
            .package
            .metadata
            .and_then(|metadata| metadata.kpack);
        let variants = of_package.unwrap_or_default().variants;
        let variants = variants
            .into_iter()
            .map(Variant::named)
            .collect::<Result<_>>()
            .with_context(|| format!("in `package.metadata.kpack` of: `{}`", path.display()))?;
        let of_lib = manifest.lib.and_then(|lib| lib.name);
        Ok(Self {
            name: name.unwrap_or(&manifest.package.name).to_owned(),
            module: of_lib.unwrap_or_else(|| manifest.package.name.replace('-', "_")),
            variants,
        })
    }

    /// The file's name that cargo gives a module, without its ending.
    pub(crate) fn module(&self) -> &str {
        &self.module
    }

    /// Every module: the one without features, then the variants.
    pub(crate) fn builds(&self) -> impl Iterator<Item = Variant> {
        iter::once(Variant::default()).chain(self.variants.iter().cloned())
    }

    /// The further modules, the one to be preferred first.
    pub(crate) fn variants(&self) -> &[Variant] {
        &self.variants
    }

    /// Where a module stands in a pack: `rope/rope_f32.simd.wasm`.
    ///
    /// # Errors
    ///
    /// If the family's or the module's name cannot stand in a pack's path.
    pub(crate) fn path(&self, variant: &Variant) -> Result<PackPath> {
        let file = iter::once(&self.module).chain(&variant.names);
        let file: String = file.flat_map(|part| [part.as_str(), "."]).collect();
        let path = format!("{}/{file}wasm", self.name);
        path.parse()
            .with_context(|| format!("no path of a pack: `{path}`"))
    }
}

impl Variant {
    fn named(names: Vec<String>) -> Result<Self> {
        let feature = |name: &String| {
            name.parse::<Feature>()
                .map_err(|_| anyhow!("no feature of a pack: `{name}`"))
        };
        let features = names.iter().map(feature).collect::<Result<_>>()?;
        Ok(Self { names, features })
    }
}

#[derive(Debug, Deserialize)]
struct CargoManifest {
    package: Package,
    lib: Option<Lib>,
}

#[derive(Debug, Deserialize)]
struct Package {
    name: String,
    metadata: Option<Metadata>,
}

#[derive(Debug, Deserialize)]
struct Lib {
    name: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Metadata {
    kpack: Option<OfPackage>,
}

/// `[package.metadata.kpack]`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct OfPackage {
    #[serde(default)]
    variants: Vec<Vec<String>>,
}

/// The file's contents.
///
/// # Errors
///
/// If it cannot be read, or is not as `T` says.
pub(crate) fn read_toml<T: DeserializeOwned>(path: &Path) -> Result<T> {
    let text =
        fs::read_to_string(path).with_context(|| format!("cannot read: `{}`", path.display()))?;
    toml::from_str(&text).with_context(|| format!("cannot parse: `{}`", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(cargo_toml: &str) -> Result<Family> {
        let folder = tempfile::tempdir().unwrap();
        let family = folder.path().join("rope");
        fs::create_dir(&family).unwrap();
        fs::write(family.join("Cargo.toml"), cargo_toml).unwrap();
        Family::read(folder.path(), "rope")
    }

    #[test]
    fn a_modules_path_names_what_the_author_named() {
        let family = read(
            "[package]\nname = \"rope\"\n[lib]\nname = \"rope_f32\"\n\
             [package.metadata.kpack]\nvariants = [[\"relaxed-simd\"], [\"simd\"]]\n",
        )
        .unwrap();
        let paths: Vec<String> = family
            .builds()
            .map(|variant| family.path(&variant).unwrap().to_string())
            .collect();
        let expected = [
            "rope/rope_f32.wasm",
            "rope/rope_f32.relaxed-simd.wasm",
            "rope/rope_f32.simd.wasm",
        ];
        assert_eq!(paths, expected);
    }

    #[test]
    fn a_crate_that_names_no_library_is_one_module_of_the_packages_name() {
        let family = read("[package]\nname = \"my-rope\"\n").unwrap();
        assert_eq!(family.module(), "my_rope");
        assert_eq!(family.builds().count(), 1);
    }

    #[test]
    fn an_unknown_feature_is_refused() {
        let result = read(
            "[package]\nname = \"rope\"\n[package.metadata.kpack]\nvariants = [[\"avx512\"]]\n",
        );
        let message = format!("{:#}", result.unwrap_err());
        assert!(
            message.contains("no feature of a pack: `avx512`"),
            "{message}"
        );
    }
}
