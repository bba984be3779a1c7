//! `include/kpack.h` says what kpack-abi says.
#![allow(clippy::unwrap_used, reason = "a failed test may panic")]

use std::fmt::Write as _;
use std::io::Write as _;
use std::mem::offset_of;
use std::process::{Command, Stdio};

use kpack_abi::{ABI_VERSION, DESCRIPTOR_SIZE, KernelDescriptor, PAGE_SIZE, REGION_ALIGN, Status};
use kpack_guest::{Q4Block, Q8Block};

const HEADER: &str = include_str!("../include/kpack.h");
const INCLUDE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/include");

/// What a `#define` of the header must stand for.
fn constants() -> [(&'static str, usize); 5] {
    [
        ("KPACK_ABI_VERSION", ABI_VERSION as usize),
        ("KPACK_REGION_ALIGN", REGION_ALIGN as usize),
        ("KPACK_PAGE_SIZE", PAGE_SIZE as usize),
        ("KPACK_DESCRIPTOR_SIZE", DESCRIPTOR_SIZE),
        ("KPACK_BLOCK_ELEMENTS", Q8Block::ELEMENTS),
    ]
}

/// Every status, by counting up to the first code that is none.
fn statuses() -> Vec<(String, i32)> {
    let known = (0..).map_while(Status::from_code);
    known
        .map(|status| (format!("KPACK_{}", status.name()), status.code()))
        .collect()
}

macro_rules! offsets {
    ($type:ty: $($field:ident),+) => {
        [$((stringify!($field), offset_of!($type, $field))),+]
    };
}

/// The fields of the descriptor; that there are no others, the size says.
fn fields() -> [(&'static str, usize); 10] {
    offsets!(KernelDescriptor:
        input_a_offset, input_a_size, input_b_offset, input_b_size, output_offset, output_size,
        scratch_offset, scratch_size, params_offset, params_size)
}

#[test]
fn the_headers_numbers_are_the_crates() {
    for (name, value) in constants() {
        assert!(
            HEADER.contains(&format!("\n#define {name} {value}\n")),
            "{name}"
        );
    }
    for (name, code) in statuses() {
        let entry = [
            format!(" {name} = {code},\n"),
            format!(" {name} = {code}\n"),
        ];
        assert!(entry.iter().any(|entry| HEADER.contains(entry)), "{name}");
    }
    let in_header = |line: &&str| line.starts_with("    KPACK_") && line.contains(" = ");
    assert_eq!(HEADER.lines().filter(in_header).count(), statuses().len());
}

#[test]
fn the_headers_descriptor_has_the_fields_in_their_order() {
    let (_, body) = HEADER
        .split_once("typedef struct kpack_descriptor {")
        .unwrap();
    let (body, _) = body.split_once("} kpack_descriptor;").unwrap();
    let declared = body.lines().filter_map(|line| {
        let name = line.trim().strip_prefix("uint32_t ")?;
        name.strip_suffix(';')
    });
    let mut expected = fields();
    expected.sort_by_key(|(_, offset)| *offset);
    let declared: Vec<&str> = declared.collect();
    assert_eq!(declared, expected.map(|(name, _)| name));
}

/// The same, said by the compiler.
#[test]
fn clang_lays_the_header_out_as_rustc_does() {
    let mut source = "#include <kpack.h>\n#include <stddef.h>\n".to_owned();
    let mut claim = |left: &str, right: usize| {
        writeln!(source, "_Static_assert({left} == {right}, \"{left}\");").unwrap();
    };
    for (name, value) in constants() {
        claim(name, value);
    }
    for (name, code) in statuses() {
        claim(&name, usize::try_from(code).unwrap());
    }
    for (field, offset) in fields() {
        claim(&format!("offsetof(kpack_descriptor, {field})"), offset);
    }
    claim("sizeof(kpack_descriptor)", size_of::<KernelDescriptor>());
    claim("_Alignof(kpack_descriptor)", align_of::<KernelDescriptor>());
    claim("sizeof(kpack_q8_block)", size_of::<Q8Block>());
    claim("_Alignof(kpack_q8_block)", align_of::<Q8Block>());
    for (field, offset) in offsets!(Q8Block: scale, quants) {
        claim(&format!("offsetof(kpack_q8_block, {field})"), offset);
    }
    claim("sizeof(kpack_q4_block)", size_of::<Q4Block>());
    claim("_Alignof(kpack_q4_block)", align_of::<Q4Block>());
    for (field, offset) in offsets!(Q4Block: scale, nibbles) {
        claim(&format!("offsetof(kpack_q4_block, {field})"), offset);
    }

    let mut clang = Command::new("clang");
    clang
        .args([
            "--target=wasm32",
            "-std=c11",
            "-ffreestanding",
            "-fsyntax-only",
        ])
        .args(["-Wall", "-Wextra", "-Wpedantic", "-Werror", "-I", INCLUDE])
        .args(["-x", "c", "-"])
        .stdin(Stdio::piped());
    let Ok(mut clang) = clang.spawn() else {
        eprintln!("skipped: there is no clang here");
        return;
    };
    let mut stdin = clang.stdin.take().unwrap();
    stdin.write_all(source.as_bytes()).unwrap();
    drop(stdin);
    assert!(clang.wait().unwrap().success(), "{source}");
}
