//! The last step of building a module: keep what a host needs, and prove what it promises.

use std::collections::BTreeSet;

use anyhow::{Context, Result, bail, ensure};
use kpack_schema::{Feature, FeatureSet, MEMORY_EXPORT};
use serde_json::Value;
use wasmparser::{
    Encoding, ExportSectionReader, Parser, Payload, ValidPayload, Validator, WasmFeatures,
};

/// The module with no exports but the memory and `entry_points`, and no custom section.
///
/// The compiler's linker always exports two addresses of its own (`__data_end`, `__heap_base`),
/// which no host of a kernel needs.
///
/// # Errors
///
/// If the module lacks one of these exports, imports anything, has a start function, or uses a
/// feature beyond those that are always on and `features`.
pub(crate) fn finish(
    module: &[u8],
    entry_points: &BTreeSet<String>,
    features: FeatureSet,
) -> Result<Vec<u8>> {
    let mut finished = module
        .get(..PREAMBLE)
        .context("not a wasm module")?
        .to_vec();
    for payload in Parser::new(0).parse_all(module) {
        match payload.context("not a wasm module")? {
            Payload::Version {
                encoding: Encoding::Module,
                ..
            }
            | Payload::CustomSection(_) => {}
            Payload::Version { .. } => bail!("a component, not a module"),
            Payload::ImportSection(_) => bail!("the module imports something"),
            Payload::StartSection { .. } => bail!("the module has a start function"),
            Payload::ExportSection(exports) => {
                append_section(
                    &mut finished,
                    EXPORT_SECTION,
                    &kept_exports(exports, entry_points)?,
                );
            }
            other => {
                if let Some((id, range)) = other.as_section() {
                    append_section(&mut finished, id, &module[range]);
                }
            }
        }
    }
    validate(&finished, features)?;
    Ok(finished)
}

/// The manifest entries that the module's kernels declare, in the order in which they stand in it.
///
/// The `#[kernel]` attribute of kpack-guest puts each, as JSON, into a custom section, and the linker
/// joins the sections of one name.
///
/// # Errors
///
/// If the bytes are no module, or the section is not a sequence of JSON values.
pub(crate) fn manifest_entries(module: &[u8]) -> Result<Vec<Value>> {
    let mut entries = Vec::new();
    for payload in Parser::new(0).parse_all(module) {
        let Payload::CustomSection(section) = payload.context("not a wasm module")? else {
            continue;
        };
        if section.name() == KERNELS_SECTION {
            for entry in serde_json::Deserializer::from_slice(section.data()).into_iter() {
                entries.push(entry.context("a kernel's declaration is not JSON")?);
            }
        }
    }
    Ok(entries)
}

/// Where kpack-guest puts declarations.
const KERNELS_SECTION: &str = "kpack.kernels";

/// What a module may use when its manifest names these features.
fn validate(module: &[u8], features: FeatureSet) -> Result<()> {
    let always_on = WasmFeatures::MUTABLE_GLOBAL
        | WasmFeatures::SIGN_EXTENSION
        | WasmFeatures::SATURATING_FLOAT_TO_INT
        | WasmFeatures::MULTI_VALUE
        | WasmFeatures::FLOATS
        // How wasmparser represents types; allows no opcode.
        | WasmFeatures::GC_TYPES;
    let named = features.iter().map(|feature| match feature {
        Feature::Simd => Ok(WasmFeatures::SIMD),
        Feature::RelaxedSimd => Ok(WasmFeatures::RELAXED_SIMD),
        other => bail!("no kernel is built with the feature: `{}`", other.name()),
    });
    let features = named.collect::<Result<Vec<_>>>()?.into_iter();
    let features = features.fold(always_on, WasmFeatures::union);
    let mut validator = Validator::new_with_features(features);
    for payload in Parser::new(0).parse_all(module) {
        if let ValidPayload::Func(function, body) = validator.payload(&payload?)? {
            function
                .into_validator(Default::default())
                .validate(&body)?;
        }
    }
    Ok(())
}

const PREAMBLE: usize = 8;
const EXPORT_SECTION: u8 = 7;

/// The contents of an export section with only the wanted exports, in their old order.
fn kept_exports(
    exports: ExportSectionReader<'_>,
    entry_points: &BTreeSet<String>,
) -> Result<Vec<u8>> {
    let mut missing: BTreeSet<&str> = entry_points
        .iter()
        .map(String::as_str)
        .chain([MEMORY_EXPORT])
        .collect();
    let mut kept = Vec::new();
    let mut count = 0;
    for export in exports {
        let export = export?;
        if missing.remove(export.name) {
            append_u32(&mut kept, u32::try_from(export.name.len())?);
            kept.extend_from_slice(export.name.as_bytes());
            kept.push(kind_byte(export.kind)?);
            append_u32(&mut kept, export.index);
            count += 1;
        }
    }
    ensure!(
        missing.is_empty(),
        "the module does not export: `{missing:?}`"
    );
    let mut contents = Vec::new();
    append_u32(&mut contents, count);
    contents.append(&mut kept);
    Ok(contents)
}

fn kind_byte(kind: wasmparser::ExternalKind) -> Result<u8> {
    match kind {
        wasmparser::ExternalKind::Func => Ok(0),
        wasmparser::ExternalKind::Memory => Ok(2),
        other => bail!("an entry point must be a function: `{other:?}`"),
    }
}

fn append_section(module: &mut Vec<u8>, id: u8, contents: &[u8]) {
    module.push(id);
    append_u32(
        module,
        u32::try_from(contents.len()).expect("a module is smaller than 4 GiB"),
    );
    module.extend_from_slice(contents);
}

/// LEB128, the shortest form.
fn append_u32(bytes: &mut Vec<u8>, mut value: u32) {
    loop {
        let low = u8::try_from(value & 0x7f).expect("seven bits");
        value >>= 7;
        if value == 0 {
            bytes.push(low);
            return;
        }
        bytes.push(low | 0x80);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A module without anything but custom sections of this name.
    fn module_with(name: &str, sections: &[&str]) -> Vec<u8> {
        let mut module = b"\0asm\x01\0\0\0".to_vec();
        for section in sections {
            let mut contents = Vec::new();
            append_u32(&mut contents, u32::try_from(name.len()).unwrap());
            contents.extend_from_slice(name.as_bytes());
            contents.extend_from_slice(section.as_bytes());
            append_section(&mut module, 0, &contents);
        }
        module
    }

    #[test]
    fn every_declaration_is_read_joined_or_not() {
        let module = module_with(
            KERNELS_SECTION,
            &[r#"{"id":"a"}{"id":"b"}"#, r#"{"id":"c"}"#],
        );
        let entries = manifest_entries(&module).unwrap();
        let ids: Vec<&str> = entries
            .iter()
            .map(|entry| entry["id"].as_str().unwrap())
            .collect();
        assert_eq!(ids, ["a", "b", "c"]);
    }

    #[test]
    fn a_section_of_another_name_declares_nothing() {
        let module = module_with("producers", &[r#"{"id":"a"}"#]);
        assert!(manifest_entries(&module).unwrap().is_empty());
    }

    #[test]
    fn a_declaration_that_is_cut_off_is_an_error() {
        let module = module_with(KERNELS_SECTION, &[r#"{"id":"a"}{"id":"#]);
        assert!(manifest_entries(&module).is_err());
    }

    #[test]
    fn numbers_are_encoded_in_the_shortest_form() {
        for (value, expected) in [
            (0, &[0][..]),
            (127, &[127]),
            (128, &[0x80, 1]),
            (624_485, &[0xe5, 0x8e, 0x26]),
        ] {
            let mut bytes = Vec::new();
            append_u32(&mut bytes, value);
            assert_eq!(bytes, expected);
        }
    }
}
