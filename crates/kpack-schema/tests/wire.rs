//! The manifest as it is written: a document with placeholders parses, and every lookup answers.
#![allow(clippy::unwrap_used, reason = "a failed test may panic")]

use kpack_schema::{DataType, KernelCategory, KernelManifest, ParamType, ResourceLimits, ShapeDim};

const PLACEHOLDERS: &str = include_str!("manifests/placeholders.json");
const GOOD: &str = include_str!("manifests/good.json");

fn placeholders() -> KernelManifest {
    KernelManifest::from_json(PLACEHOLDERS).unwrap()
}

#[test]
fn every_field_is_read() {
    let manifest = placeholders();
    assert_eq!(manifest.schema, "https://example.org/kernel-pack-v1.json");
    assert_eq!(manifest.version, "1.0.0");
    assert_eq!(manifest.name, "test-kernels");
    assert_eq!(manifest.min_runtime_version, "0.5.0");
    assert_eq!(manifest.max_runtime_version, "1.0.0");
    assert_eq!(manifest.created_at, "2026-01-18T00:00:00Z");
    assert_eq!(manifest.author.signing_key, "ed25519:AAAA...");
    assert_eq!((manifest.sequence, &manifest.expires), (0, &None));

    let kernel = manifest.get_kernel("rope_f32").unwrap();
    assert_eq!(kernel.category, KernelCategory::PositionalEncoding);
    assert_eq!(
        (kernel.path.as_str(), kernel.hash.as_str()),
        ("rope/rope_f32.wasm", "sha256:abc123")
    );
    assert_eq!(kernel.entry_point, "rope_forward");
    assert_eq!(kernel.inputs[1].dtype, DataType::F32);
    assert_eq!(
        kernel.inputs[1].shape,
        [ShapeDim::Symbolic("seq".into()), ShapeDim::Fixed(64)]
    );
    assert_eq!(kernel.outputs[0].name, "y");
    let theta = &kernel.params["theta"];
    assert_eq!(
        (theta.param_type, &theta.default),
        (ParamType::F32, &serde_json::json!(10000.0))
    );
    assert_eq!(
        (&theta.min, &theta.max, &theta.description),
        (&None, &None, &None)
    );
    let limits = ResourceLimits {
        max_memory_pages: 256,
        ..ResourceLimits::default()
    };
    assert_eq!(kernel.resource_limits, limits);
    let wasmtime = &kernel.platforms["wasmtime"];
    assert_eq!(wasmtime.min_version, "15.0.0");
    assert_eq!(wasmtime.features, ["simd", "bulk-memory"]);
    assert!(!wasmtime.aot_available);
    let claim = &kernel.benchmarks["seq_512_dim_128"];
    assert_eq!((claim.latency_us, claim.throughput_gflops), (45, 2.1));
    assert_eq!(kernel.abi, 1);
}

#[test]
fn every_lookup_answers() {
    let manifest = placeholders();
    assert_eq!(manifest.kernel_ids(), ["rope_f32"]);
    assert!(manifest.get_kernel("rope_f16").is_none());
    assert_eq!(manifest.get_fallback("rope_f32"), Some("rope_reference"));
    assert_eq!(manifest.get_fallback("unknown"), None);
    let positional = manifest.kernels_by_category(KernelCategory::PositionalEncoding);
    assert_eq!(positional.len(), 1);
    assert!(
        manifest
            .kernels_by_category(KernelCategory::Attention)
            .is_empty()
    );
}

#[test]
fn defaults_are_those_of_the_contract() {
    assert_eq!(KernelCategory::default(), KernelCategory::Custom);
    let limits = ResourceLimits::default();
    let numbers = (
        limits.max_memory_pages,
        limits.max_epoch_ticks,
        limits.max_table_elements,
    );
    assert_eq!(numbers, (256, 1000, 1024));
    assert_eq!((limits.max_stack_size, limits.max_globals), (None, None));
}

#[test]
fn writing_and_reading_gives_the_same_manifest() {
    for text in [PLACEHOLDERS, GOOD] {
        let manifest = KernelManifest::from_json(text).unwrap();
        let written = manifest.to_json().unwrap();
        assert_eq!(KernelManifest::from_json(&written).unwrap(), manifest);
        assert_eq!(
            KernelManifest::from_json(&written)
                .unwrap()
                .to_json()
                .unwrap(),
            written
        );
    }
}

#[test]
fn floats_come_back_as_they_were() {
    // Numbers that a reader in a hurry gets wrong by one bit, so that each writing would change them.
    for number in [
        "1150344169170837522",
        "1.1503441691708376e18",
        "7.2057594037927933e16",
    ] {
        let text = PLACEHOLDERS.replace("2.1", number);
        let manifest = KernelManifest::from_json(&text).unwrap();
        let again = KernelManifest::from_json(&manifest.to_json().unwrap()).unwrap();
        assert_eq!(again, manifest, "{number}");
        let benchmarks = &manifest.get_kernel("rope_f32").unwrap().benchmarks;
        let read = benchmarks["seq_512_dim_128"].throughput_gflops;
        assert_eq!(read, number.parse::<f64>().unwrap());
    }
}

#[test]
fn a_message_quotes_a_hostile_document_in_one_short_line() {
    let text = PLACEHOLDERS.replacen(
        "\"f32\"",
        &format!("\"f32\\u0000\\n{}\"", "x".repeat(60_000)),
        1,
    );
    let error = KernelManifest::from_json(&text).unwrap_err();
    assert_eq!(error.pointer(), "/kernels/0/inputs/0/dtype");
    let message = error.to_string();
    assert!(!message.contains(char::is_control), "{message:?}");
    assert!(message.len() < 1000, "{} bytes", message.len());
    assert!(
        message.contains("unknown variant") && message.contains("`q8`"),
        "{message}"
    );
}

#[test]
fn writing_adds_no_optional_field() {
    let written: serde_json::Value =
        serde_json::from_str(&placeholders().to_json().unwrap()).unwrap();
    let original: serde_json::Value = serde_json::from_str(PLACEHOLDERS).unwrap();
    assert_eq!(written, original);
}

#[test]
fn a_number_that_json_cannot_write_is_an_error() {
    let mut manifest = placeholders();
    let claims = &mut manifest.kernels[0].benchmarks;
    claims.get_mut("seq_512_dim_128").unwrap().throughput_gflops = f64::NAN;
    let error = manifest.to_json().unwrap_err();
    assert_eq!(
        error.to_string(),
        "a number is not finite in kernel: `rope_f32`"
    );
}

#[test]
fn the_document_itself_is_read_strictly() {
    let cases = [
        (
            PLACEHOLDERS.replacen("\"version\"", "\"versions\"", 1),
            "unknown_field",
            "/versions",
        ),
        (
            PLACEHOLDERS.replace("\"latency_us\": 45", "\"latency\": 45"),
            "unknown_field",
            "/kernels/0/benchmarks/seq_512_dim_128/latency",
        ),
        (
            PLACEHOLDERS.replace("{ \"name\": \"y\"", "{ \"name\": \"y\", \"name\": \"z\""),
            "duplicate_key",
            "/kernels/0/outputs/0/name",
        ),
        (
            PLACEHOLDERS.replace("\"theta\": {", "\"theta\": {}, \"theta\": {"),
            "duplicate_key",
            "/kernels/0/params/theta",
        ),
        (
            PLACEHOLDERS.replace("{ \"rope_f32\": \"rope_reference\" }", "[]"),
            "wrong_type",
            "/fallbacks",
        ),
        (
            PLACEHOLDERS.replace("[\"seq\", 64]", "[\"seq\", -64]"),
            "wrong_type",
            "/kernels/0/inputs/1/shape/1",
        ),
        (
            PLACEHOLDERS.replace("[\"seq\", 64]", "[\"seq\", 6.4]"),
            "wrong_type",
            "/kernels/0/inputs/1/shape/1",
        ),
        (
            PLACEHOLDERS.replace("\"positional_encoding\"", "\"rotary\""),
            "wrong_type",
            "/kernels/0/category",
        ),
        (
            PLACEHOLDERS.replace("\"entry_point\": \"rope_forward\",", ""),
            "missing_field",
            "/kernels/0",
        ),
        (
            PLACEHOLDERS.replace(
                "\"type\": \"f32\", \"default\": 10000.0",
                "\"type\": \"f32\"",
            ),
            "missing_field",
            "/kernels/0/params/theta",
        ),
        (
            PLACEHOLDERS.replace(
                "\"default\": 10000.0",
                "\"default\": [[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]",
            ),
            "too_deep",
            "/kernels/0/params/theta/default/0/0/0/0/0/0/0/0/0/0/0",
        ),
        (
            format!("{PLACEHOLDERS}{}", " ".repeat(1024 * 1024)),
            "too_large",
            "",
        ),
        (format!("{PLACEHOLDERS}\0"), "trailing_data", ""),
        (format!("\u{feff}{PLACEHOLDERS}"), "syntax", ""),
    ];
    for (text, kind, pointer) in cases {
        let error = KernelManifest::from_json(&text).unwrap_err();
        assert_eq!(
            (error.kind().name(), error.pointer()),
            (kind, pointer),
            "{error}"
        );
    }
}
