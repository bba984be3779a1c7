use std::collections::btree_map::{BTreeMap, Entry};
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow, ensure};
use kpack_schema::{Digest, Feature, FeatureSet, KernelInfo, KernelManifest, PackPath};
use kpack_verify::MANIFEST_FILE;
use serde_json::{Value, json};

use crate::family::{Family, Variant, read_toml};
use crate::recipe::Recipe;
use crate::wasm_toolchain::{self, BuiltWith, TARGET, ToolchainChoice, WasmToolchain};
use crate::{BuildError, Project, pack_folder, vectors, wasm_module};

/// A pack as it was built: hashed, not signed.
#[derive(Debug)]
pub struct BuiltPack {
    /// The pack's folder.
    pub dir: PathBuf,
    /// Its manifest, as written there.
    pub manifest: KernelManifest,
    /// Its modules, in the order of their paths.
    pub modules: Vec<BuiltModule>,
    /// Its vectors, in the order of their paths.
    pub vectors: Vec<PackPath>,
    /// What built the modules; also written beside the folder, as `<folder>.built-with.json`.
    pub built_with: BuiltWith,
}

/// One wasm module of a built pack.
#[derive(Debug)]
pub struct BuiltModule {
    /// Where it stands in the pack.
    pub path: PackPath,
    /// Its size in bytes.
    pub size: usize,
    /// The digest that the manifest names.
    pub digest: Digest,
}

/// Builds all kernels of a project and writes the pack to `out`, replacing a pack that stands there.
///
/// # Errors
///
/// If no compiler can be had, the build fails, a module breaks its promises, a file of the project is
/// not as it should be, or `out` holds something other than a pack.
pub fn build_pack(
    project: &Project,
    out: &Path,
    toolchain: ToolchainChoice,
) -> Result<BuiltPack, BuildError> {
    let toolchain =
        WasmToolchain::find(toolchain, &project.folder).map_err(BuildError::toolchain)?;
    build_with(&toolchain, project, out).map_err(BuildError::build)
}

fn build_with(toolchain: &WasmToolchain, project: &Project, out: &Path) -> Result<BuiltPack> {
    let recipe: Recipe = read_toml(&project.folder.join("pack.toml"))?;
    let families = families(project, &recipe)?;
    let (mut kernels, modules) = build_families(toolchain, project, &families)?;
    let vectors = vectors::add_to(&mut kernels, &project.folder, &recipe.families)?;
    let manifest = recipe.into_manifest(kernels);
    let built_with = toolchain.built_with()?;

    pack_folder::replace(out, |folder| {
        write_pack(folder, &manifest, &modules, &vectors)
    })?;
    write_json(
        &beside(out, "built-with.json"),
        &serde_json::to_string_pretty(&built_with)?,
    )?;
    let modules = modules
        .into_iter()
        .map(|(path, (bytes, digest))| BuiltModule {
            path,
            size: bytes.len(),
            digest,
        })
        .collect();
    Ok(BuiltPack {
        dir: out.to_owned(),
        manifest,
        modules,
        vectors: vectors.into_keys().collect(),
        built_with,
    })
}

impl BuiltPack {
    /// Every file of the pack but the manifest.
    pub fn files(&self) -> impl Iterator<Item = &PackPath> {
        let modules = self.modules.iter().map(|module| &module.path);
        modules.chain(&self.vectors)
    }
}

impl fmt::Display for BuiltPack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let BuiltPack {
            dir,
            manifest,
            modules,
            vectors,
            built_with,
        } = self;
        writeln!(
            f,
            "{} {} in {}",
            manifest.name,
            manifest.version,
            dir.display()
        )?;
        for module in modules {
            writeln!(
                f,
                "  {:<28} {:>7} bytes  {}",
                module.path, module.size, module.digest
            )?;
        }
        writeln!(f, "  {} vectors", vectors.len())?;
        writeln!(
            f,
            "built with {}, core: {}",
            built_with.rustc, built_with.core
        )?;
        writeln!(
            f,
            "not signed yet: `kpack sign` needs `author.signing_key` to be the signer's"
        )
    }
}

fn families(project: &Project, recipe: &Recipe) -> Result<Vec<Family>> {
    if recipe.families.is_empty() {
        return Ok(vec![Family::of_project(&project.folder)?]);
    }
    let names = recipe.families.iter();
    names
        .map(|name| Family::read(&project.folder, name))
        .collect()
}

/// The finished modules by the path that kernels name, each with its digest.
type Modules = BTreeMap<PackPath, (Vec<u8>, Digest)>;

/// Builds the kernels once for each set of features that a module has, and takes from these builds
/// the modules, and from the modules what their kernels declare.
fn build_families(
    toolchain: &WasmToolchain,
    project: &Project,
    families: &[Family],
) -> Result<(Vec<KernelInfo>, Modules)> {
    let mut builds: BTreeMap<FeatureSet, PathBuf> = BTreeMap::new();
    let mut kernels = Vec::new();
    let mut modules = Modules::new();
    for family in families {
        let mut declared = None;
        for variant in family.builds() {
            let path = family.path(&variant)?;
            let features = variant.features;
            let artifacts = match builds.entry(features) {
                Entry::Occupied(built) => built.into_mut(),
                Entry::Vacant(place) => place.insert(compile(toolchain, project, features)?),
            };
            let artifact = artifacts.join(format!("{}.wasm", family.module()));
            let built = fs::read(&artifact)
                .with_context(|| format!("no module was built for: `{path}`"))?;
            let (entries, module) = finish(&built, features)
                .with_context(|| format!("module is not fit for a pack: `{path}`"))?;
            ensure!(
                *declared.get_or_insert_with(|| entries.clone()) == entries,
                "kernels are declared otherwise than in the module without features: `{path}`"
            );
            let digest = kpack_verify::sha256(&module);
            modules.insert(path, (module, digest));
        }
        for entry in declared.unwrap_or_default() {
            kernels.push(kernel_info(entry, family, &modules)?);
        }
    }
    Ok((kernels, modules))
}

/// What a module declares, and the module as it goes into the pack.
fn finish(built: &[u8], features: FeatureSet) -> Result<(Vec<Value>, Vec<u8>)> {
    let entries = wasm_module::manifest_entries(built)?;
    ensure!(!entries.is_empty(), "the module declares no kernel");
    let entry_points = entries
        .iter()
        .map(|entry| Ok(text(entry, "entry_point")?.to_owned()))
        .collect::<Result<_>>()?;
    let module = wasm_module::finish(built, &entry_points, features)?;
    Ok((entries, module))
}

/// A kernel's entry of the manifest: what it declares, and where its modules are.
fn kernel_info(mut entry: Value, family: &Family, modules: &Modules) -> Result<KernelInfo> {
    let id = text(&entry, "id")?.to_owned();
    let file = |variant: &Variant| -> Result<Value> {
        let path = family.path(variant)?;
        let (_, digest) = &modules[&path];
        Ok(json!({"path": path.to_string(), "hash": digest.to_string()}))
    };
    let mut baseline = file(&Variant::default())?;
    entry["path"] = baseline["path"].take();
    entry["hash"] = baseline["hash"].take();
    let variants = family.variants().iter().map(|variant| {
        let mut listed = file(variant)?;
        listed["features"] = variant.names.clone().into();
        Ok(listed)
    });
    entry["variants"] = variants.collect::<Result<Vec<_>>>()?.into();
    serde_json::from_value(entry)
        .with_context(|| format!("not an entry of a manifest: the declaration of `{id}`"))
}

fn text<'a>(entry: &'a Value, field: &str) -> Result<&'a str> {
    entry[field]
        .as_str()
        .ok_or_else(|| anyhow!("a kernel's declaration has no text field: `{field}`"))
}

/// Runs cargo in the project, for engines with these features; the result is the folder that
/// holds the modules.
fn compile(toolchain: &WasmToolchain, project: &Project, features: FeatureSet) -> Result<PathBuf> {
    let names: Vec<&str> = features.iter().map(Feature::name).collect();
    let build = if names.is_empty() {
        "baseline".to_owned()
    } else {
        names.join("+")
    };
    let target_dir = project.target_dir.join(build);
    let mut flags = declared_flags(&project.folder)?;
    flags.extend(target_features(features));
    // Nothing in a module may depend on where it was built.
    flags.push(format!(
        "--remap-path-prefix={}=/kpack",
        project.checkout.display()
    ));
    if let Some(cargo_home) = cargo_home() {
        flags.push(format!(
            "--remap-path-prefix={}=/cargo",
            cargo_home.display()
        ));
    }
    let mut cargo = toolchain.cargo(&flags);
    cargo.args(["build", "--release", "--target", TARGET]);
    if project.folder.join("Cargo.lock").exists() {
        // The pack is of the versions that were tested.
        cargo.arg("--locked");
    }
    cargo.arg("--target-dir");
    wasm_toolchain::run(cargo.arg(&target_dir).current_dir(&project.folder))?;
    Ok(target_dir.join(TARGET).join("release"))
}

/// The compiler's names of the features.
fn target_features(features: FeatureSet) -> impl Iterator<Item = String> {
    features.iter().map(|feature| {
        let name = match feature {
            Feature::Simd => "simd128",
            other => other.name(),
        };
        format!("-Ctarget-feature=+{name}")
    })
}

/// The flags in the project's `.cargo/config.toml`: cargo would ignore them, because flags are given
/// in the environment, where no configuration of this machine can add to them.
fn declared_flags(source: &Path) -> Result<Vec<String>> {
    let path = source.join(".cargo/config.toml");
    let config: toml::Table = read_toml(&path)?;
    let flags = config
        .get("target")
        .and_then(|target| target.get(TARGET)?.get("rustflags").cloned())
        .with_context(|| format!("no flags for {TARGET} in: `{}`", path.display()))?;
    flags
        .try_into()
        .with_context(|| format!("flags are not a list of texts in: `{}`", path.display()))
}

fn cargo_home() -> Option<PathBuf> {
    let home = || std::env::home_dir().map(|home| home.join(".cargo"));
    std::env::var_os("CARGO_HOME")
        .map(PathBuf::from)
        .or_else(home)
}

fn write_pack(
    folder: &Path,
    manifest: &KernelManifest,
    modules: &Modules,
    vectors: &vectors::Files,
) -> Result<()> {
    let modules = modules.iter().map(|(path, (module, _))| (path, module));
    for (path, bytes) in modules.chain(vectors) {
        let file = path
            .segments()
            .fold(folder.to_owned(), |dir, segment| dir.join(segment));
        write(&file, bytes)?;
    }
    write_json(&folder.join(MANIFEST_FILE), &manifest.to_json()?)
}

/// `<out>.<suffix>`.
pub(crate) fn beside(out: &Path, suffix: &str) -> PathBuf {
    let mut name = out.as_os_str().to_owned();
    name.push(".");
    name.push(suffix);
    name.into()
}

fn write_json(path: &Path, json: &str) -> Result<()> {
    write(path, format!("{json}\n").as_bytes())
}

fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    let dir = path.parent().expect("a file stands in a folder");
    fs::create_dir_all(dir)
        .and_then(|()| fs::write(path, bytes))
        .with_context(|| format!("cannot write: `{}`", path.display()))
}
