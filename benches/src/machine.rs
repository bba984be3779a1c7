//! What the figures were measured on and with, without names or paths of anyone's own.

use std::collections::BTreeMap;
use std::fs;
use std::thread::available_parallelism;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::Result;
use kpack::{Runtime, Timestamp};
use serde::Serialize;

/// The head of every report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Machine {
    /// The processor's own name.
    pub cpu: String,
    /// The processors that the program may use.
    pub cores: usize,
    /// The instruction sets beyond the architecture's base that matter here.
    pub features: Vec<&'static str>,
    /// The operating system and its kernel's version.
    pub os: String,
    /// The compiler of the native code.
    pub rustc: &'static str,
    /// What was measured, by name, with its version.
    pub versions: BTreeMap<String, String>,
    /// When, by the machine's own clock.
    pub date: String,
}

/// Looks at this machine.
///
/// # Errors
///
/// When the clock is far off.
pub fn look(runtimes: &[Runtime]) -> Result<Machine> {
    let engines = runtimes.iter().map(Runtime::backend);
    let mut versions: BTreeMap<String, String> = engines
        .map(|engine| (engine.name().to_owned(), engine.version().to_string()))
        .collect();
    versions.insert("kpack".to_owned(), env!("CARGO_PKG_VERSION").to_owned());
    #[cfg(feature = "candle")]
    versions.insert("candle".to_owned(), env!("KPACK_CANDLE").to_owned());
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
    let now = UNIX_EPOCH + std::time::Duration::from_secs(seconds);
    Ok(Machine {
        cpu: cpu(),
        cores: available_parallelism().map_or(1, usize::from),
        features: features(),
        os: os(),
        rustc: env!("KPACK_RUSTC"),
        versions,
        date: Timestamp::try_from(now)?.to_string(),
    })
}

fn cpu() -> String {
    let known = fs::read_to_string("/proc/cpuinfo")
        .ok()
        .and_then(|info| field(&info, "model name", ':'));
    known.unwrap_or_else(|| std::env::consts::ARCH.to_owned())
}

fn os() -> String {
    let release = fs::read_to_string("/etc/os-release")
        .ok()
        .and_then(|info| field(&info, "PRETTY_NAME", '='));
    let name = release.unwrap_or_else(|| std::env::consts::OS.to_owned());
    match fs::read_to_string("/proc/sys/kernel/osrelease") {
        Ok(kernel) => format!("{name}, Linux {}", kernel.trim()),
        Err(_) => name,
    }
}

/// The value of the first line `name<separator>value`, without quotes.
fn field(text: &str, name: &str, separator: char) -> Option<String> {
    text.lines()
        .filter_map(|line| line.split_once(separator))
        .find(|(key, _)| key.trim() == name)
        .map(|(_, value)| value.trim().trim_matches('"').to_owned())
}

macro_rules! detected {
    ($detect:ident: $($feature:tt)*) => {
        [$(($feature, std::arch::$detect!($feature))),*]
    };
}

fn features() -> Vec<&'static str> {
    #[cfg(target_arch = "x86_64")]
    let known =
        detected!(is_x86_feature_detected: "avx2" "fma" "avx512f" "avx512bw" "avx512vl" "avx512dq");
    #[cfg(target_arch = "aarch64")]
    let known = detected!(is_aarch64_feature_detected: "neon" "fp16" "sve" "sve2");
    #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
    let known: [(&str, bool); 0] = [];
    known
        .into_iter()
        .filter_map(|(name, there)| there.then_some(name))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_found_by_their_whole_name() {
        let info = "model\t\t: 167\nmodel name\t: Some CPU @ 2 GHz\nmodel name\t: Other\n";
        let cpu = field(info, "model name", ':');
        assert_eq!(cpu.as_deref(), Some("Some CPU @ 2 GHz"));
        let release = "NAME=\"Debian\"\nPRETTY_NAME=\"Debian 12\"\n";
        let name = field(release, "PRETTY_NAME", '=');
        assert_eq!(name.as_deref(), Some("Debian 12"));
        assert_eq!(field(release, "VERSION", '='), None);
    }

    #[test]
    fn a_machine_tells_its_engines() {
        let runtimes = kpack_conformance::runtimes().unwrap();
        let machine = look(&runtimes).unwrap();
        for name in ["kpack", "wasmer", "wasmtime"] {
            assert!(machine.versions.contains_key(name), "{machine:?}");
        }
        assert!(machine.rustc.starts_with("rustc "), "{machine:?}");
        assert!(machine.date.ends_with('Z'), "{machine:?}");
    }
}
