//! Manifests that nobody who means well would write, each for one attack: what they end in, and
//! where. Each is the good manifest with one change.
#![allow(clippy::unwrap_used, reason = "a failed test may panic")]

use kpack_schema::{HostPolicy, KernelManifest};
use serde_json::{Value, json};

const GOOD: &str = include_str!("manifests/good.json");

const KERNEL: &str = "/kernels/0";

/// The kind and place of each problem; of what is no manifest, the only one.
fn problems(text: &str) -> Vec<(&'static str, String)> {
    let manifest = match KernelManifest::from_json(text) {
        Ok(manifest) => manifest,
        Err(error) => return vec![(error.kind().name(), error.pointer().to_owned())],
    };
    let Err(found) = manifest.check(&HostPolicy::default()) else {
        return Vec::new();
    };
    let problems = found.problems().iter();
    problems
        .map(|problem| (problem.kind.name(), problem.pointer.clone()))
        .collect()
}

/// The good manifest with another value at a pointer, whose last key may be new.
fn with(pointer: &str, value: Value) -> String {
    let mut document: Value = serde_json::from_str(GOOD).unwrap();
    let (parent, key) = pointer.rsplit_once('/').unwrap();
    let parent = document.pointer_mut(parent).unwrap();
    match key.parse::<usize>() {
        Ok(index) => parent[index] = value,
        Err(_) => parent[key] = value,
    }
    document.to_string()
}

/// The same, of the only kernel.
fn kernel(pointer: &str, value: Value) -> String {
    with(&format!("{KERNEL}{pointer}"), value)
}

/// The good manifest with one text of it replaced, where that must not be valid JSON.
fn replaced(from: &str, to: &str) -> String {
    assert!(GOOD.contains(from), "{from}");
    GOOD.replacen(from, to, 1)
}

/// The good manifest with further kernels, fallbacks and so on.
fn edited(edit: impl FnOnce(&mut Value)) -> String {
    let mut document: Value = serde_json::from_str(GOOD).unwrap();
    edit(&mut document);
    document.to_string()
}

fn filled_up_to(bytes: usize) -> String {
    format!("{GOOD}{}", " ".repeat(bytes - GOOD.len()))
}

/// Kernels `k0`, `k1` ... that are like the good one.
fn kernels(count: usize) -> String {
    edited(|document| {
        let kernel = document["kernels"][0].clone();
        let numbered = (0..count).map(|index| {
            let mut kernel = kernel.clone();
            kernel["id"] = json!(format!("k{index}"));
            kernel
        });
        document["kernels"] = numbered.collect();
        document["fallbacks"] = json!({});
    })
}

/// Fallbacks among the kernels `a` and `b`, of which `b` is changed.
fn fallbacks(fallbacks: Value, change: impl FnOnce(&mut Value)) -> String {
    edited(|document| {
        let mut a = document["kernels"][0].clone();
        let mut b = a.clone();
        a["id"] = json!("a");
        b["id"] = json!("b");
        change(&mut b);
        document["kernels"] = json!([a, b]);
        document["fallbacks"] = fallbacks;
    })
}

/// Five levels lead to the default of a parameter, the document's own among them.
fn nested(depth: usize) -> String {
    let inner = depth - 5;
    replaced(
        "\"default\": 0.0",
        &format!("\"default\": {}{}", "[".repeat(inner), "]".repeat(inner)),
    )
}

fn long(bytes: usize) -> Value {
    json!("x".repeat(bytes))
}

macro_rules! refused {
    ($($(#[$note:meta])* $name:ident: $document:expr => $kind:literal at $pointer:literal;)+) => {$(
        $(#[$note])*
        #[test]
        fn $name() {
            let found = problems(&$document);
            let expected = ($kind, $pointer.to_owned());
            assert!(found.contains(&expected), "{found:?}");
        }
    )+};
}

refused! {
    // Too large.
    a_manifest_of_1_mib_and_a_byte: filled_up_to((1 << 20) + 1) => "too_large" at "";
    kernels_257: kernels(257) => "too_large" at "/kernels";
    an_id_of_257_bytes: kernel("/id", long(257)) => "name" at "/kernels/0/id";
    a_name_of_257_bytes: kernel("/name", long(257)) => "too_large" at "/kernels/0/name";
    a_path_of_257_bytes: kernel("/path", long(257)) => "too_large" at "/kernels/0/path";
    a_description_of_64_kib_and_a_byte:
        with("/description", long(65_537)) => "too_large" at "/description";

    // Syntax.
    a_byte_order_mark: format!("\u{feff}{GOOD}") => "syntax" at "";
    a_trailing_byte: format!("{GOOD}x") => "trailing_data" at "";
    a_trailing_nul: format!("{GOOD}\0") => "trailing_data" at "";
    a_second_document: format!("{GOOD}{{}}") => "trailing_data" at "";
    nested_17_deep: nested(17)
        => "too_deep" at "/kernels/0/params/weight_offset/default/0/0/0/0/0/0/0/0/0/0/0";
    a_lone_surrogate: replaced("One kernel", "\\ud800") => "syntax" at "";
    an_array_for_the_document: format!("[{GOOD}]") => "wrong_type" at "";
    an_array_for_an_object: with("/author", json!(["A", "a@example.org", ""]))
        => "wrong_type" at "/author";
    an_array_for_a_kernel: with("/kernels/0", json!(["rmsnorm_f32"]))
        => "wrong_type" at "/kernels/0";
    an_array_for_a_map: kernel("/params", json!([])) => "wrong_type" at "/kernels/0/params";

    // Duplicate keys.
    a_repeated_field: replaced("\"name\": \"example-core\"", "\"name\": \"a\", \"name\": \"b\"")
        => "duplicate_key" at "/name";
    a_repeated_field_with_an_escape:
        replaced("\"name\": \"example-core\"", "\"name\": \"a\", \"\\u006eame\": \"b\"")
        => "duplicate_key" at "/name";
    a_repeated_field_of_a_kernel: replaced("\"id\": ", "\"id\": \"a\", \"id\": ")
        => "duplicate_key" at "/kernels/0/id";
    a_repeated_key_of_a_map: replaced("\"eps\": {", "\"eps\": {}, \"eps\": {")
        => "duplicate_key" at "/kernels/0/params/eps";
    a_repeated_key_of_a_map_with_an_escape: replaced("\"eps\": {", "\"\\u0065ps\": {}, \"eps\": {")
        => "duplicate_key" at "/kernels/0/params/eps";

    // Unknown fields.
    an_unknown_field: with("/licence", json!("")) => "unknown_field" at "/licence";
    an_unknown_field_of_a_kernel: kernel("/native", json!("a.so"))
        => "unknown_field" at "/kernels/0/native";

    // Versions.
    a_version_of_two_numbers: with("/version", json!("1.0")) => "version" at "/version";
    a_version_with_a_leading_zero: with("/version", json!("01.0.0")) => "version" at "/version";
    a_version_with_build_metadata: with("/version", json!("1.0.0+x")) => "version" at "/version";
    a_runtime_window_that_is_empty: edited(|document| {
        document["min_runtime_version"] = json!("1.0.1");
        document["max_runtime_version"] = json!("1.0.0");
    }) => "version" at "/min_runtime_version";
    a_runtime_that_is_too_old: with("/min_runtime_version", json!("1.0.1"))
        => "runtime_version" at "/min_runtime_version";
    a_runtime_that_is_too_new: with("/max_runtime_version", json!("0.9.9"))
        => "runtime_version" at "/max_runtime_version";

    // Times.
    a_time_with_an_offset: with("/created_at", json!("2026-01-18T00:00:00+01:00"))
        => "time" at "/created_at";
    a_time_that_is_a_date: with("/created_at", json!("2026-01-18")) => "time" at "/created_at";
    a_pack_that_expires_when_it_is_made: with("/expires", json!("2026-01-18T00:00:00Z"))
        => "time" at "/expires";
    a_pack_that_expires_before_it_is_made: with("/expires", json!("2026-01-17T23:59:59Z"))
        => "time" at "/expires";

    // Ids.
    an_id_that_stands_twice: edited(|document| {
        let kernel = document["kernels"][0].clone();
        document["kernels"] = json!([kernel, kernel]);
    }) => "duplicate" at "/kernels/1/id";
    an_id_with_a_homoglyph: kernel("/id", json!("rmsn\u{43e}rm_f32")) => "name" at "/kernels/0/id";
    an_id_in_upper_case: kernel("/id", json!("RMSNorm_f32")) => "name" at "/kernels/0/id";
    an_id_that_is_empty: kernel("/id", json!("")) => "name" at "/kernels/0/id";
    an_id_with_a_nul: kernel("/id", json!("rmsnorm\0")) => "name" at "/kernels/0/id";

    // Hashes.
    a_hash_that_is_too_short: kernel("/hash", json!("sha256:abc")) => "hash" at "/kernels/0/hash";
    a_hash_in_upper_case: kernel("/hash", json!(format!("sha256:{}", "AB".repeat(32))))
        => "hash" at "/kernels/0/hash";
    a_hash_of_md5: kernel("/hash", json!("md5:d41d8cd98f00b204e9800998ecf8427e"))
        => "hash" at "/kernels/0/hash";

    // Shapes.
    a_dimension_of_zero: kernel("/inputs/0/shape/0", json!(0))
        => "shape" at "/kernels/0/inputs/0/shape/0";
    a_dimension_that_is_empty: kernel("/inputs/0/shape/0", json!(""))
        => "shape" at "/kernels/0/inputs/0/shape/0";
    a_number_as_a_symbol: kernel("/inputs/0/shape/0", json!("64"))
        => "shape" at "/kernels/0/inputs/0/shape/0";
    an_output_symbol_that_nothing_binds: kernel("/outputs/0/shape/0", json!("columns"))
        => "unbound_symbol" at "/kernels/0/outputs/0/shape/0";
    a_division_by_zero: kernel("/outputs/0/shape/0", json!("rows/0"))
        => "shape" at "/kernels/0/outputs/0/shape/0";
    a_tensor_of_rank_9: kernel("/outputs/0/shape", json!([1, 1, 1, 1, 1, 1, 1, 1, 1]))
        => "shape" at "/kernels/0/outputs/0/shape";

    // Parameters.
    a_default_above_its_bounds: kernel("/params/eps/default", json!(1.5))
        => "param" at "/kernels/0/params/eps/default";
    a_default_below_its_bounds: kernel("/params/eps/default", json!(-1))
        => "param" at "/kernels/0/params/eps/default";
    bounds_that_are_the_wrong_way_round: kernel("/params/eps/min", json!(2))
        => "param" at "/kernels/0/params/eps/min";
    a_number_that_is_infinite_as_f32: kernel("/params/eps/default", json!(1e39))
        => "param" at "/kernels/0/params/eps/default";
    a_default_of_another_type: kernel("/params/eps/default", json!("0"))
        => "param" at "/kernels/0/params/eps/default";
    a_default_that_is_not_a_number: kernel("/params/eps/default", json!("NaN"))
        => "param" at "/kernels/0/params/eps/default";
    not_a_number_as_no_json_has_it: replaced("\"default\": 0.0", "\"default\": NaN")
        => "syntax" at "";
    a_number_beyond_f64: replaced("\"default\": 0.0", "\"default\": 1e999") => "syntax" at "";

    // Limits.
    no_pages: kernel("/resource_limits/max_memory_pages", json!(0))
        => "limit" at "/kernels/0/resource_limits/max_memory_pages";
    more_pages_than_the_host_has: kernel("/resource_limits/max_memory_pages", json!(16_385))
        => "limit" at "/kernels/0/resource_limits/max_memory_pages";
    as_many_pages_as_a_field_holds: kernel("/resource_limits/max_memory_pages", json!(u32::MAX))
        => "limit" at "/kernels/0/resource_limits/max_memory_pages";
    more_pages_than_a_field_holds: kernel("/resource_limits/max_memory_pages", json!(1_u64 << 32))
        => "wrong_type" at "/kernels/0/resource_limits/max_memory_pages";
    no_ticks: kernel("/resource_limits/max_epoch_ticks", json!(0))
        => "limit" at "/kernels/0/resource_limits/max_epoch_ticks";
    ticks_of_2_to_the_64_less_one: kernel("/resource_limits/max_epoch_ticks", json!(u64::MAX))
        => "limit" at "/kernels/0/resource_limits/max_epoch_ticks";

    // Fallbacks.
    a_fallback_to_itself: with("/fallbacks/rmsnorm_f32", json!("rmsnorm_f32"))
        => "fallback" at "/fallbacks/rmsnorm_f32";
    fallbacks_in_a_circle: fallbacks(json!({"a": "b", "b": "a"}), |_| ())
        => "fallback" at "/fallbacks/a";
    a_fallback_that_is_nowhere: with("/fallbacks/rmsnorm_f32", json!("rmsnorm_reference"))
        => "fallback" at "/fallbacks/rmsnorm_f32";
    a_fallback_of_what_is_not_in_the_pack: with("/fallbacks/other", json!("builtin:other"))
        => "fallback" at "/fallbacks/other";
    a_fallback_of_another_type: fallbacks(json!({"a": "b"}), |b| {
        b["inputs"][0]["dtype"] = json!("f16");
    }) => "fallback" at "/fallbacks/a";
    a_fallback_of_another_shape: fallbacks(json!({"a": "b"}), |b| {
        b["outputs"][0]["shape"] = json!(["hidden", "rows"]);
    }) => "fallback" at "/fallbacks/a";
    a_fallback_without_a_parameter: fallbacks(json!({"a": "b"}), |b| {
        b["params"] = json!({});
    }) => "fallback" at "/fallbacks/a";

    // Paths.
    a_path_out_of_the_pack: kernel("/path", json!("../x")) => "path" at "/kernels/0/path";
    a_path_out_of_the_pack_further_in: kernel("/path", json!("a/../../x"))
        => "path" at "/kernels/0/path";
    a_path_that_is_absolute: kernel("/path", json!("/etc/passwd")) => "path" at "/kernels/0/path";
    a_path_of_a_drive: kernel("/path", json!("C:")) => "path" at "/kernels/0/path";
    a_path_on_a_drive: kernel("/path", json!("C:/x.wasm")) => "path" at "/kernels/0/path";
    a_path_of_the_windows_kernel: kernel("/path", json!("\\\\?\\C:\\x"))
        => "path" at "/kernels/0/path";
    a_path_with_a_backslash: kernel("/path", json!("a\\b.wasm")) => "path" at "/kernels/0/path";
    a_path_that_is_empty: kernel("/path", json!("")) => "path" at "/kernels/0/path";
    a_path_of_a_dot: kernel("/path", json!(".")) => "path" at "/kernels/0/path";
    a_path_through_a_dot: kernel("/path", json!("./a.wasm")) => "path" at "/kernels/0/path";
    a_path_with_a_trailing_slash: kernel("/path", json!("a/")) => "path" at "/kernels/0/path";
    a_path_with_a_nul: kernel("/path", json!("a.wasm\0.txt")) => "path" at "/kernels/0/path";
    a_path_that_is_not_ascii: kernel("/path", json!("\u{e9}.wasm")) => "path" at "/kernels/0/path";
    a_path_of_a_windows_device: kernel("/path", json!("con.wasm")) => "path" at "/kernels/0/path";
    a_path_through_a_windows_device: kernel("/path", json!("a/NUL/b.wasm"))
        => "path" at "/kernels/0/path";
    a_path_of_a_windows_stream: kernel("/path", json!("a.wasm:b")) => "path" at "/kernels/0/path";
    a_path_with_a_trailing_dot: kernel("/path", json!("a.wasm.")) => "path" at "/kernels/0/path";
    a_path_of_a_hidden_file: kernel("/path", json!(".a.wasm")) => "path" at "/kernels/0/path";
    a_path_beside_the_same_in_capitals: kernel("/variants", json!([{
        "path": "RMSNORM/rmsnorm_f32.wasm",
        "hash": format!("sha256:{}", "0".repeat(64)),
    }])) => "path" at "/kernels/0/variants/0/path";
}

/// A size that 32-bit hosts cannot even read is refused there as no size at all.
#[test]
fn a_dimension_of_2_to_the_64_less_one() {
    let found = problems(&kernel("/inputs/0/shape/0", json!(u64::MAX)));
    let kind = match usize::BITS {
        64 => "shape",
        _ => "wrong_type",
    };
    let expected = (kind, "/kernels/0/inputs/0/shape/0".to_owned());
    assert!(found.contains(&expected), "{found:?}");
}

#[test]
fn what_is_just_allowed_is_accepted() {
    for (name, document) in [
        ("good", GOOD.to_owned()),
        ("1 MiB", filled_up_to(1 << 20)),
        ("256 kernels", kernels(256)),
        (
            "an id of 128 bytes",
            edited(|document| {
                document["kernels"][0]["id"] = long(128);
                document["fallbacks"] = json!({});
            }),
        ),
        ("a name of 256 bytes", kernel("/name", long(256))),
        ("a path of 256 bytes", kernel("/path", long(256))),
        (
            "a description of 64 KiB",
            with("/description", long(65_536)),
        ),
        (
            "a dimension of 2^31",
            kernel("/inputs/1/shape/0", json!(1_u64 << 31)),
        ),
        (
            "a default at its bound",
            kernel("/params/eps/default", json!(1)),
        ),
        (
            "the host's pages",
            kernel("/resource_limits/max_memory_pages", json!(16_384)),
        ),
        (
            "the host's ticks",
            kernel("/resource_limits/max_epoch_ticks", json!(6_000)),
        ),
        ("a fallback", fallbacks(json!({"a": "b"}), |_| ())),
    ] {
        assert_eq!(problems(&document), [], "{name}");
    }
    // Deep enough for the reader, which is not what it judges here.
    assert_eq!(problems(&nested(16))[0].0, "param");
}

#[test]
fn every_problem_of_one_manifest_is_reported() {
    let document = edited(|document| {
        document["version"] = json!("1.0");
        document["created_at"] = json!("yesterday");
        document["kernels"][0]["id"] = json!("RMSNorm");
        document["kernels"][0]["hash"] = json!("md5:");
        document["kernels"][0]["path"] = json!("../x");
        document["kernels"][0]["inputs"][0]["shape"][0] = json!(0);
        document["kernels"][0]["params"]["eps"]["default"] = json!(1e39);
        document["kernels"][0]["resource_limits"]["max_epoch_ticks"] = json!(0);
    });
    let found = problems(&document);
    for expected in [
        ("version", "/version"),
        ("time", "/created_at"),
        ("name", "/kernels/0/id"),
        ("hash", "/kernels/0/hash"),
        ("path", "/kernels/0/path"),
        ("shape", "/kernels/0/inputs/0/shape/0"),
        ("param", "/kernels/0/params/eps/default"),
        ("limit", "/kernels/0/resource_limits/max_epoch_ticks"),
    ] {
        let expected = (expected.0, expected.1.to_owned());
        assert!(
            found.contains(&expected),
            "{expected:?} is not in {found:?}"
        );
    }
}
