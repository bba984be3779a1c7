//! `examples/c-kernel`, by the commands of its README.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use safetensors::tensor::{Dtype, SafeTensors};
use serde_json::{Value, json};

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

/// Every kind of value and region that the header reads, each written to an output as it was read.
#[test]
fn the_cursors_of_the_header_find_what_the_host_wrote() {
    let Some(linker) = linker() else {
        eprintln!("skipped: there is no clang, or no linker for wasm: `apt-get install clang lld`");
        return;
    };
    let work = Work::new();
    work.write_pack(&[], json!([every_kind()]));
    fs::write(work.path("every_kind.c"), EVERY_KIND).unwrap();
    let flags = Path::new(REPOSITORY).join("examples/c-kernel/wasm32.cfg");
    let include = Path::new(REPOSITORY).join("crates/kpack-guest/include");
    let compile = format!(
        "clang --config '{}' -I '{}' every_kind.c -o pack/every_kind.wasm",
        flags.display(),
        include.display()
    );
    work.shell(&work.path(""), &[linker.as_path()], &compile);
    work.ok(&["hash", "pack"]);
    work.ok(&["sign", "pack", "--key", "key"]);

    let x: Vec<u8> = (1..=15).collect();
    let blocks: Vec<u8> = (0..68).collect();
    let nibbles: Vec<u8> = (100..136).collect();
    let inputs = [
        ("x", Dtype::U8, &[5, 3][..], x.clone()),
        ("q", Dtype::U8, &[68], blocks.clone()),
        ("w", Dtype::U8, &[36], nibbles.clone()),
    ];
    work.write_tensors("in.safetensors", &inputs);
    let mut expected = Vec::new();
    expected.extend(1.5_f32.to_le_bytes());
    expected.extend(1_u32.to_le_bytes());
    expected.extend((-2.25_f64).to_le_bytes());
    expected.extend((-5_000_000_000_i64).to_le_bytes());
    expected.extend(4_000_000_000_u32.to_le_bytes());
    expected.extend((-7_i32).to_le_bytes());
    expected.extend(18_000_000_000_000_000_000_u64.to_le_bytes());
    for engine in engines() {
        let run = "run pack every_kind --trust trust.json --inputs in.safetensors --output out \
                   --param a=1.5 --param b=true --param c=-2.25 --param d=-5000000000 \
                   --param e=4000000000 --param f=-7 --param g=18000000000000000000 --backend";
        let run: Vec<&str> = run.split_whitespace().chain([engine]).collect();
        work.ok(&run);
        let file = fs::read(work.path("out")).unwrap();
        let tensors = SafeTensors::deserialize(&file).unwrap();
        let output = |name: &str| tensors.tensor(name).unwrap().data().to_vec();
        let reversed: Vec<u8> = x.iter().rev().copied().collect();
        assert_eq!(output("reversed"), reversed, "{engine}");
        assert_eq!(output("q_again"), blocks, "{engine}");
        assert_eq!(output("w_again"), nibbles, "{engine}");
        assert_eq!(output("values"), expected, "{engine}");
    }
}

/// Three symbols, so that the `f64` does not follow the `bool` at once.
fn every_kind() -> Value {
    let tensor = |name: &str, dtype: &str, shape: Value| json!({"name": name, "dtype": dtype, "shape": shape});
    let param = |kind: &str| json!({"type": kind, "default": null});
    json!({
        "id": "every_kind", "name": "", "category": "custom",
        "path": "every_kind.wasm", "hash": "sha256:", "entry_point": "every_kind",
        "inputs": [
            tensor("x", "u8", json!(["rows", "width"])),
            tensor("q", "q8", json!(["n"])),
            tensor("w", "q4", json!(["n"])),
        ],
        "outputs": [
            tensor("reversed", "u8", json!(["rows", "width"])),
            tensor("q_again", "q8", json!(["n"])),
            tensor("w_again", "q4", json!(["n"])),
            tensor("values", "u8", json!([40])),
        ],
        "scratch": {"dtype": "u8", "shape": ["rows", "width"]},
        "params": {
            "a": param("f32"), "b": param("bool"), "c": param("f64"), "d": param("i64"),
            "e": param("u32"), "f": param("i32"), "g": param("u64"),
        },
        "resource_limits": {
            "max_memory_pages": 3, "max_epoch_ticks": 500, "max_table_elements": 1
        }
    })
}

const EVERY_KIND: &str = r#"
#include <kpack.h>

#define PUT(at, value) (__builtin_memcpy(at, &value, sizeof value), at += sizeof value)

KPACK_EXPORT("every_kind")
int32_t every_kind(const kpack_descriptor *call)
{
    kpack_params params = kpack_params_of(call);
    uint32_t rows = kpack_read_u32(&params);
    uint32_t width = kpack_read_u32(&params);
    uint32_t n = kpack_read_u32(&params);
    float a = kpack_read_f32(&params);
    uint32_t b = kpack_read_bool(&params);
    double c = kpack_read_f64(&params);
    int64_t d = kpack_read_i64(&params);
    uint32_t e = kpack_read_u32(&params);
    int32_t f = kpack_read_i32(&params);
    uint64_t g = kpack_read_u64(&params);
    if (kpack_params_end(&params) != KPACK_OK)
        return KPACK_INVALID_PARAMS;
    kpack_read_u32(&params);
    if (kpack_params_end(&params) != KPACK_INVALID_PARAMS)
        return KPACK_INTERNAL_ERROR;

    uint64_t count = kpack_times(rows, width);
    uint32_t blocks = n / KPACK_BLOCK_ELEMENTS;
    kpack_region first = kpack_first_input(call);
    kpack_region further = kpack_further_inputs(call);
    const uint8_t *x = kpack_next(&first, count, 1);
    const kpack_q8_block *q = kpack_next(&further, blocks, sizeof *q);
    if (q == 0 || kpack_used_up(&further))
        return KPACK_INVALID_INPUT;
    const kpack_q4_block *w = kpack_next(&further, blocks, sizeof *w);
    if (x == 0 || w == 0 || !kpack_used_up(&first) || !kpack_used_up(&further))
        return KPACK_INVALID_INPUT;
    if (kpack_next(&further, 1, 1) != 0 || kpack_times(kpack_times(1u << 31, 2), 0) != UINT64_MAX)
        return KPACK_INTERNAL_ERROR;

    kpack_region outputs = kpack_outputs(call);
    uint8_t *reversed = kpack_next(&outputs, count, 1);
    kpack_q8_block *q_again = kpack_next(&outputs, blocks, sizeof *q_again);
    kpack_q4_block *w_again = kpack_next(&outputs, blocks, sizeof *w_again);
    uint8_t *values = kpack_next(&outputs, 40, 1);
    if (reversed == 0 || q_again == 0 || w_again == 0 || values == 0 || !kpack_used_up(&outputs))
        return KPACK_INVALID_OUTPUT;
    kpack_region scratch = kpack_scratch(call);
    uint8_t *turned = kpack_next(&scratch, count, 1);
    if (turned == 0 || !kpack_used_up(&scratch))
        return KPACK_OUT_OF_MEMORY;

    for (uint32_t i = 0; i < count; i++)
        turned[count - 1 - i] = x[i];
    for (uint32_t i = 0; i < count; i++)
        reversed[i] = turned[i];
    for (uint32_t i = 0; i < blocks; i++) {
        q_again[i] = q[i];
        w_again[i] = w[i];
    }
    PUT(values, a);
    PUT(values, b);
    PUT(values, c);
    PUT(values, d);
    PUT(values, e);
    PUT(values, f);
    PUT(values, g);
    return KPACK_OK;
}
"#;

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
