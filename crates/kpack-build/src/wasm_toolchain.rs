//! Finds, or installs, a compiler for wasm32-unknown-unknown, and prepares cargo to use it.

use std::env;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail, ensure};
use serde::{Deserialize, Serialize};

/// The target that kernels are built for.
pub(crate) const TARGET: &str = "wasm32-unknown-unknown";

/// Which way to a compiler a person asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ToolchainChoice {
    /// rustup's if it has the target or can add it, otherwise Debian's, which is installed if need be.
    Auto,
    /// rustup's if it has the target, otherwise Debian's if it is installed; nothing is installed.
    Installed,
    /// The active toolchain, with the target added by `rustup target add`.
    Rustup,
    /// Debian's rustc-web with rust-web-src: the standard library is built from source.
    Debian,
}

/// A compiler that can build for [`TARGET`].
#[derive(Debug)]
pub(crate) struct WasmToolchain {
    rustc: PathBuf,
    sysroot: PathBuf,
    core: CoreLibrary,
}

/// Where the module's `core` comes from.
#[derive(Debug)]
enum CoreLibrary {
    Prebuilt,
    /// Built with the kernels by an unstable feature of cargo; the compiler brings no linker.
    FromSource {
        linker: PathBuf,
    },
}

/// What built a pack: enough to tell whether a rebuild must give the same bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BuiltWith {
    /// The first line of `rustc --version --verbose`.
    pub rustc: String,
    /// The version of LLVM in that compiler.
    pub llvm: String,
    /// `prebuilt` or `source`.
    pub core: String,
    /// The linker's own version line.
    pub linker: String,
}

impl WasmToolchain {
    /// Finds a compiler the way that `choice` says, installing what is missing where that works.
    ///
    /// # Errors
    ///
    /// If none can be had; the message says what to install.
    pub(crate) fn find(choice: ToolchainChoice, workspace: &Path) -> Result<Self> {
        match choice {
            ToolchainChoice::Installed => Self::installed(workspace),
            ToolchainChoice::Rustup => Self::rustup(workspace),
            ToolchainChoice::Debian => Self::debian(workspace),
            ToolchainChoice::Auto => Self::rustup(workspace).or_else(|rustup| {
                Self::debian(workspace).map_err(|debian| anyhow::anyhow!(
                    "no compiler for {TARGET}: install it with `rustup target add {TARGET}`, or on \
                     Debian with `apt-get install rustc-web rust-web-src`\n  \
                     rustup: {rustup:#}\n  Debian: {debian:#}"
                ))
            }),
        }
    }

    /// A `cargo` that builds for [`TARGET`] with this compiler and `flags`, and with nothing else of
    /// the environment that cargo itself set for the program that is running now.
    pub(crate) fn cargo(&self, flags: &[String]) -> Command {
        let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        forget_outer_cargo(&mut cargo);
        cargo.env("RUSTC", &self.rustc);
        let mut flags = flags.to_vec();
        if let CoreLibrary::FromSource { linker } = &self.core {
            cargo
                .env("RUSTC_BOOTSTRAP", "1")
                .arg("-Zbuild-std=core,compiler_builtins");
            // The compiler may be of another version than the toolchain whose libraries the outer
            // cargo put here.
            cargo.env_remove("LD_LIBRARY_PATH");
            flags.push(format!("-Clinker={}", linker.display()));
        }
        let source = self.sysroot.join("lib/rustlib/src/rust");
        flags.push(format!("--remap-path-prefix={}=/rust", source.display()));
        cargo.env("CARGO_ENCODED_RUSTFLAGS", flags.join("\x1f"));
        cargo
    }

    /// What will have built the modules.
    ///
    /// # Errors
    ///
    /// If the compiler or the linker does not tell its version.
    pub(crate) fn built_with(&self) -> Result<BuiltWith> {
        let version = output(Command::new(&self.rustc).args(["--version", "--verbose"]))?;
        let llvm = version
            .lines()
            .find_map(|line| line.strip_prefix("LLVM version: "));
        let (core, linker) = match &self.core {
            CoreLibrary::Prebuilt => ("prebuilt", rust_lld(&self.sysroot, &version)?),
            CoreLibrary::FromSource { linker } => ("source", linker.clone()),
        };
        Ok(BuiltWith {
            rustc: version.lines().next().unwrap_or_default().to_owned(),
            llvm: llvm.unwrap_or("unknown").to_owned(),
            core: core.to_owned(),
            linker: output(Command::new(linker).args(["-flavor", "wasm", "--version"]))?,
        })
    }

    fn installed(workspace: &Path) -> Result<Self> {
        let sysroot = active_sysroot(workspace);
        if sysroot.is_ok_and(|sysroot| has_target(&sysroot)) {
            Self::rustup(workspace)
        } else if debian_is_installed() {
            Self::debian(workspace)
        } else {
            bail!("neither rustup nor Debian has installed a compiler for: `{TARGET}`")
        }
    }

    fn rustup(workspace: &Path) -> Result<Self> {
        let sysroot = active_sysroot(workspace)?;
        if !has_target(&sysroot) {
            eprintln!("adding the target {TARGET} with rustup");
            let mut rustup = Command::new("rustup");
            rustup
                .args(["target", "add", TARGET])
                .current_dir(workspace);
            run(&mut rustup)?;
            ensure!(
                has_target(&sysroot),
                "rustup added {TARGET} to another toolchain than the active one"
            );
        }
        Ok(Self {
            rustc: rustc_in(&sysroot),
            sysroot,
            core: CoreLibrary::Prebuilt,
        })
    }

    fn debian(workspace: &Path) -> Result<Self> {
        if !debian_is_installed() {
            install_debian()?;
        }
        Ok(Self {
            rustc: DEBIAN_RUSTC.into(),
            sysroot: DEBIAN_SYSROOT.into(),
            core: CoreLibrary::FromSource {
                linker: any_wasm_linker(workspace)?,
            },
        })
    }
}

const DEBIAN_RUSTC: &str = "/usr/bin/rustc";
const DEBIAN_SYSROOT: &str = "/usr";
const DEBIAN_PACKAGES: [&str; 2] = ["rustc-web", "rust-web-src"];

fn debian_is_installed() -> bool {
    let core = Path::new(DEBIAN_SYSROOT).join("lib/rustlib/src/rust/library/core/Cargo.toml");
    Path::new(DEBIAN_RUSTC).is_file() && core.is_file()
}

fn install_debian() -> Result<()> {
    eprintln!("installing {} with apt-get", DEBIAN_PACKAGES.join(" and "));
    // A fresh machine has no list of packages, or an old one.
    run(Command::new("apt-get").arg("update"))?;
    let mut apt = Command::new("apt-get");
    apt.args(["install", "--yes", "--no-install-recommends"])
        .args(DEBIAN_PACKAGES);
    run(apt.env("DEBIAN_FRONTEND", "noninteractive"))?;
    ensure!(
        debian_is_installed(),
        "{DEBIAN_RUSTC} or its library source is still missing"
    );
    Ok(())
}

/// The sysroot of the toolchain that `rustc` stands for in the workspace.
fn active_sysroot(workspace: &Path) -> Result<PathBuf> {
    let mut rustc = Command::new("rustc");
    forget_outer_cargo(&mut rustc);
    output(rustc.args(["--print", "sysroot"]).current_dir(workspace)).map(PathBuf::from)
}

fn rustc_in(sysroot: &Path) -> PathBuf {
    sysroot
        .join("bin")
        .join(format!("rustc{}", env::consts::EXE_SUFFIX))
}

fn has_target(sysroot: &Path) -> bool {
    sysroot
        .join("lib/rustlib")
        .join(TARGET)
        .join("lib")
        .is_dir()
}

/// The linker that a toolchain from rustup brings for its own use.
fn rust_lld(sysroot: &Path, verbose_version: &str) -> Result<PathBuf> {
    let host = verbose_version
        .lines()
        .find_map(|line| line.strip_prefix("host: "))
        .context("rustc does not tell its host")?;
    let name = format!("rust-lld{}", env::consts::EXE_SUFFIX);
    let linker = sysroot
        .join("lib/rustlib")
        .join(host)
        .join("bin")
        .join(name);
    ensure!(
        linker.is_file(),
        "the toolchain has no linker at: `{}`",
        linker.display()
    );
    Ok(linker)
}

/// A linker for wasm: the active toolchain's own, else one on the search path.
fn any_wasm_linker(workspace: &Path) -> Result<PathBuf> {
    let of_toolchain = active_sysroot(workspace).and_then(|sysroot| {
        let version = output(Command::new(rustc_in(&sysroot)).args(["--version", "--verbose"]))?;
        rust_lld(&sysroot, &version)
    });
    let on_path = || {
        ["rust-lld", "wasm-ld"]
            .iter()
            .find_map(|name| find_on_path(name))
    };
    match of_toolchain.ok().or_else(on_path) {
        Some(linker) => Ok(linker),
        None => bail!("no linker for wasm: `apt-get install lld`, or a toolchain from rustup"),
    }
}

fn find_on_path(name: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    env::split_paths(&path)
        .map(|dir| dir.join(name))
        .find(|file| file.is_file())
}

/// Takes back what `cargo xtask` set for this program, or a person for the outer build: flags,
/// wrappers, profiles and target folders of the host's build are none of the kernels'.
///
/// What says where cargo finds its registry, and which toolchain rustup runs, stays.
fn forget_outer_cargo(command: &mut Command) {
    for (name, _) in env::vars_os() {
        if is_of_outer_cargo(&name) {
            command.env_remove(name);
        }
    }
}

fn is_of_outer_cargo(name: &OsStr) -> bool {
    const KEPT: [&str; 5] = [
        "CARGO_HOME",
        "CARGO_HTTP_",
        "CARGO_NET_",
        "CARGO_REGISTRIES_",
        "CARGO_TERM_",
    ];
    const DROPPED: [&str; 7] = [
        "RUSTC",
        "RUSTC_BOOTSTRAP",
        "RUSTC_LINKER",
        "RUSTC_WRAPPER",
        "RUSTC_WORKSPACE_WRAPPER",
        "RUSTDOCFLAGS",
        "RUSTFLAGS",
    ];
    let Some(name) = name.to_str() else {
        return false;
    };
    let of_cargo = name == "CARGO" || name.starts_with("CARGO_");
    DROPPED.contains(&name) || (of_cargo && !KEPT.iter().any(|kept| name.starts_with(kept)))
}

/// Runs a command that talks to the person at the terminal.
///
/// # Errors
///
/// If it cannot be run, or fails.
pub fn run(command: &mut Command) -> Result<()> {
    let status = command.status().with_context(|| cannot_run(command))?;
    ensure!(status.success(), "`{}` failed: {status}", shown(command));
    Ok(())
}

/// The trimmed standard output of a command.
fn output(command: &mut Command) -> Result<String> {
    let result = command
        .stdin(Stdio::null())
        .output()
        .with_context(|| cannot_run(command))?;
    ensure!(
        result.status.success(),
        "`{}` failed: {}",
        shown(command),
        String::from_utf8_lossy(&result.stderr).trim()
    );
    let text = String::from_utf8(result.stdout).context("output is not UTF-8")?;
    Ok(text.trim().to_owned())
}

fn cannot_run(command: &Command) -> String {
    format!("cannot run `{}`", command.get_program().display())
}

fn shown(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words
        .collect::<Vec<_>>()
        .join(&OsString::from(" "))
        .to_string_lossy()
        .into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_of_the_outer_build_are_forgotten_and_the_registry_is_not() {
        for name in [
            "RUSTFLAGS",
            "CARGO_ENCODED_RUSTFLAGS",
            "CARGO_TARGET_DIR",
            "CARGO",
            "RUSTC",
        ] {
            assert!(is_of_outer_cargo(OsStr::new(name)), "{name}");
        }
        for name in [
            "CARGO_HOME",
            "CARGO_NET_OFFLINE",
            "RUSTUP_TOOLCHAIN",
            "PATH",
        ] {
            assert!(!is_of_outer_cargo(OsStr::new(name)), "{name}");
        }
    }
}
