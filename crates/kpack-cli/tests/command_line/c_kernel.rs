//! `examples/c-kernel`, by the commands of its README.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use safetensors::tensor::{Dtype, SafeTensors};

use crate::support::{Work, commands, engines, f32s};

const REPOSITORY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");

#[test]
fn a_kernel_in_c_gives_what_the_same_loop_gives_here() {
    let Some(linker) = linker() else {
        eprintln!("skipped: there is no clang, or no linker for wasm: `apt-get install clang lld`");
        return;
    };
    let work = Work::new();
    for file in [
        "crates/kpack-guest/include/kpack.h",
        "examples/c-kernel/clamp.c",
        "examples/c-kernel/wasm32.cfg",
        "examples/c-kernel/pack/kernels.json",
    ] {
        fs::create_dir_all(work.path(file).parent().unwrap()).unwrap();
        fs::copy(Path::new(REPOSITORY).join(file), work.path(file)).unwrap();
    }
    let x = [
        -2.0,
        -0.5,
        -0.25,
        -0.0,
        0.0,
        1e-40,
        0.5,
        1.0,
        1.5,
        f32::MAX,
        f32::INFINITY,
        f32::NEG_INFINITY,
        f32::NAN,
        f32::MIN,
        0.75,
    ];
    let file = "examples/c-kernel/in.safetensors";
    work.write_tensors(file, &[("x", Dtype::F32, &[5, 3], f32s(&x))]);

    let readme = Path::new(REPOSITORY).join("examples/c-kernel/README.md");
    let commands = commands(&fs::read_to_string(readme).unwrap());
    let folder = work.path("examples/c-kernel");
    work.shell(&folder, &[linker.as_path()], &commands);
    let first = fs::read(folder.join("out.safetensors")).unwrap();
    assert_eq!(bits(&first), x.map(|x| clamp(x, -0.5, 1.0).to_bits()));

    let run = commands.lines().find(|line| line.starts_with("kpack run "));
    for engine in engines() {
        let again = format!("{} --param high=0.5 --backend {engine}", run.unwrap());
        work.shell(&folder, &[], &again);
        let output = fs::read(folder.join("out.safetensors")).unwrap();
        let expected = x.map(|x| clamp(x, -0.5, 0.5).to_bits());
        assert_eq!(bits(&output), expected, "{engine}");

        let (pack, trust) = ("examples/c-kernel/pack", "examples/c-kernel/trust.json");
        let turned = [
            "run",
            pack,
            "clamp_f32",
            "--trust",
            trust,
            "--inputs",
            file,
            "--output",
            "none",
            "--backend",
            engine,
            "--param",
            "low=2",
        ];
        let error = work.fails(&turned, 5, "rejected");
        assert_eq!(error["status"], 3, "low is above high: {error}");
    }
}

fn clamp(x: f32, low: f32, high: f32) -> f32 {
    let x = if x < low { low } else { x };
    if x > high { high } else { x }
}

fn bits(file: &[u8]) -> Vec<u32> {
    let tensors = SafeTensors::deserialize(file).unwrap();
    let y = tensors.tensor("y").unwrap();
    assert_eq!(y.shape(), [5, 3]);
    let words = y.data().as_chunks::<4>().0.iter();
    words.map(|bytes| u32::from_le_bytes(*bytes)).collect()
}

/// The folder of a linker for wasm, where clang is at hand: one on the search path, else rustc's own.
fn linker() -> Option<PathBuf> {
    Command::new("clang").arg("--version").output().ok()?;
    let path = std::env::var_os("PATH")?;
    let on_path = std::env::split_paths(&path).find(|folder| folder.join("wasm-ld").is_file());
    let of_rustc = || {
        let libraries = Command::new("rustc")
            .args(["--print", "target-libdir"])
            .output()
            .ok()?;
        let libraries = PathBuf::from(String::from_utf8(libraries.stdout).ok()?.trim());
        let linkers = libraries.parent()?.join("bin/gcc-ld");
        linkers.join("wasm-ld").is_file().then_some(linkers)
    };
    on_path.or_else(of_rustc)
}
