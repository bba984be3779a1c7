use std::fs;

use safetensors::SafeTensors;
use safetensors::tensor::Dtype;
use serde_json::{Value, json};

use crate::support::{COPY, SCALE, Work, f32s, kernel, module, scale};

const RUN: [&str; 9] = [
    "run",
    "pack",
    "scale",
    "--trust",
    "trust.json",
    "--inputs",
    "in",
    "--output",
    "out",
];

fn good() -> Work {
    let work = Work::with_pack(&[("scale.wasm", SCALE)], json!([scale()]));
    write_good_inputs(&work);
    work
}

fn write_good_inputs(work: &Work) {
    work.write_tensors(
        "in",
        &[
            ("x", Dtype::F32, &[2, 2], f32s(&[1.0, 2.0, 3.0, 4.0])),
            ("weight", Dtype::F32, &[2], f32s(&[10.0, 100.0])),
        ],
    );
}

fn run_with<'a>(more: &[&'a str]) -> Vec<&'a str> {
    [&RUN[..], more].concat()
}

/// Runs kernel `k`, whose module has this body, on ten numbers.
fn faults(text: &str, change: impl Fn(&mut Value), code: i32, kind: &str) -> Value {
    let mut k = kernel("k", "k.wasm", "f32");
    change(&mut k);
    let work = Work::with_pack(&[("k.wasm", text)], json!([k]));
    work.write_tensors("in", &[("x", Dtype::F32, &[10], f32s(&[0.5; 10]))]);
    let mut args = RUN;
    args[2] = "k";
    fails_without_output(&work, &args, code, kind)
}

fn fails_without_output(work: &Work, args: &[&str], code: i32, kind: &str) -> Value {
    let before = work.listing();
    let error = work.fails(args, code, kind);
    assert_eq!(work.listing(), before, "{args:?}");
    fs::write(work.path("out"), "what was there").unwrap();
    work.fails(args, code, kind);
    assert_eq!(
        fs::read_to_string(work.path("out")).unwrap(),
        "what was there"
    );
    fs::remove_file(work.path("out")).unwrap();
    error
}

#[test]
fn a_kernel_runs_from_file_to_file() {
    let work = good();
    let before = work.listing();
    let ran = work.ok(&run_with(&["--param", "eps=0.5", "--json"])).json();
    assert_eq!(ran["engine"], "wasmtime");
    assert_eq!(
        ran["outputs"],
        json!([{"name": "y", "dtype": "f32", "shape": [2, 2]}])
    );
    let bytes = fs::read(work.path("out")).unwrap();
    let file = SafeTensors::deserialize(&bytes).unwrap();
    assert_eq!(file.names(), ["y"]);
    let y = file.tensor("y").unwrap();
    assert_eq!((y.dtype(), y.shape()), (Dtype::F32, &[2, 2][..]));
    assert_eq!(y.data(), f32s(&[10.5, 200.5, 30.5, 400.5]));
    assert_eq!(work.listing().len(), before.len() + 1);

    work.ok(&run_with(&["--backend", "wasmtime"]));
    let bytes = fs::read(work.path("out")).unwrap();
    let file = SafeTensors::deserialize(&bytes).unwrap();
    assert_eq!(
        file.tensor("y").unwrap().data(),
        f32s(&[10.0, 200.0, 30.0, 400.0])
    );
}

#[test]
fn every_type_goes_in_and_out() {
    for (dtype, stored, bytes) in [
        ("f32", Dtype::F32, 4),
        ("f16", Dtype::F16, 2),
        ("bf16", Dtype::BF16, 2),
        ("i8", Dtype::I8, 1),
        ("u8", Dtype::U8, 1),
        ("i32", Dtype::I32, 4),
    ] {
        let k = kernel("scale", "k.wasm", dtype);
        let work = Work::with_pack(&[("k.wasm", COPY)], json!([k]));
        let data: Vec<u8> = (0..7 * bytes).collect();
        work.write_tensors("in", &[("x", stored, &[7], data.clone())]);
        work.ok(&RUN);
        let out = fs::read(work.path("out")).unwrap();
        let file = SafeTensors::deserialize(&out).unwrap();
        let y = file.tensor("y").unwrap();
        assert_eq!(
            (y.dtype(), y.shape(), y.data()),
            (stored, &[7][..], &data[..]),
            "{dtype}"
        );
    }
}

#[test]
fn blocks_are_stored_as_their_bytes() {
    for (dtype, block) in [("q8", 34_u8), ("q4", 18)] {
        let k = kernel("scale", "k.wasm", dtype);
        let work = Work::with_pack(&[("k.wasm", COPY)], json!([k]));
        let data: Vec<u8> = (0..block * 2).collect();
        let len = data.len();
        work.write_tensors("in", &[("x", Dtype::U8, &[len], data.clone())]);
        let ran = work.ok(&run_with(&["--json"])).json();
        assert_eq!(ran["outputs"][0]["shape"], json!([64]));
        let out = fs::read(work.path("out")).unwrap();
        let file = SafeTensors::deserialize(&out).unwrap();
        let y = file.tensor("y").unwrap();
        assert_eq!(
            (y.dtype(), y.shape(), y.data()),
            (Dtype::U8, &[len][..], &data[..])
        );

        fs::remove_file(work.path("out")).unwrap();
        work.write_tensors("in", &[("x", Dtype::U8, &[len - 1], data[1..].to_vec())]);
        fails_without_output(&work, &RUN, 1, "wrong_shape");
        work.write_tensors("in", &[("x", Dtype::F32, &[1], f32s(&[0.0]))]);
        fails_without_output(&work, &RUN, 1, "wrong_dtype");
    }
}

#[test]
fn extra_tensors_are_ignored_with_a_note() {
    let work = good();
    work.write_tensors(
        "in",
        &[
            ("x", Dtype::F32, &[1, 1], f32s(&[1.0])),
            ("weight", Dtype::F32, &[1], f32s(&[1.0])),
            ("other", Dtype::F64, &[1], vec![0; 8]),
        ],
    );
    let ran = work.ok(&run_with(&["--json"]));
    assert_eq!(ran.json()["ignored"], json!(["other"]));
    assert!(ran.stderr.starts_with("note: ") && ran.stderr.contains("other"));
}

#[test]
fn inputs_that_do_not_fit() {
    let work = good();
    let x = ("x", Dtype::F32, &[1, 2][..], f32s(&[1.0, 2.0]));
    let weight = |dtype, shape: &'static [usize], bytes| ("weight", dtype, shape, vec![0; bytes]);
    for (tensors, kind, named) in [
        (vec![x.clone()], "missing_input", "weight"),
        (
            vec![x.clone(), weight(Dtype::F64, &[2], 16)],
            "wrong_dtype",
            "weight",
        ),
        (
            vec![x.clone(), weight(Dtype::F32, &[3], 12)],
            "wrong_shape",
            "weight",
        ),
        (
            vec![x.clone(), weight(Dtype::F32, &[1, 2], 8)],
            "wrong_shape",
            "weight",
        ),
        (
            vec![x, weight(Dtype::F32, &[0], 0)],
            "wrong_shape",
            "weight",
        ),
    ] {
        work.write_tensors("in", &tensors);
        let error = fails_without_output(&work, &RUN, 1, kind);
        assert!(
            error["message"].as_str().unwrap().contains(named),
            "{error}"
        );
        assert_eq!(error["tensor"], named);
        if kind != "missing_input" {
            assert!(
                !error["expected"].is_null() && !error["found"].is_null(),
                "{error}"
            );
        }
    }
    fs::write(work.path("in"), "not tensors").unwrap();
    fails_without_output(&work, &RUN, 1, "malformed_safetensors");
    fs::remove_file(work.path("in")).unwrap();
    fails_without_output(&work, &RUN, 1, "not_found");
}

#[test]
fn errors_about_tensors_say_what_was_expected_and_found() {
    let work = good();
    let x = ("x", Dtype::F32, &[1, 2][..], f32s(&[1.0, 2.0]));
    let error_with = |weight: (&str, Dtype, &[usize], Vec<u8>)| {
        work.write_tensors("in", &[x.clone(), weight]);
        let json = work.run(&run_with(&["--json"]));
        json.json()["error"].clone()
    };
    let error = error_with(("weight", Dtype::F32, &[3], vec![0; 12]));
    assert_eq!(
        (&error["expected"], &error["found"]),
        (&json!([2]), &json!([3]))
    );
    let error = error_with(("weight", Dtype::F32, &[1, 2], vec![0; 8]));
    assert_eq!(error["expected"], "[hidden]");
    assert_eq!(error["found"], json!([1, 2]));
    let error = error_with(("weight", Dtype::F64, &[2], vec![0; 16]));
    assert_eq!(
        (&error["expected"], &error["found"]),
        (&json!("F32"), &json!("F64"))
    );
    let error = error_with(("weights", Dtype::F32, &[2], vec![0; 8]));
    assert_eq!(error["help"], "`in` has weights, x");
}

#[test]
fn a_file_that_names_a_tensor_twice() {
    let work = good();
    let header = r#"{"x":{"dtype":"F32","shape":[1,1],"data_offsets":[0,4]},
        "weight":{"dtype":"F32","shape":[1],"data_offsets":[4,8]},
        "x":{"dtype":"F32","shape":[1,1],"data_offsets":[0,4]}}"#;
    let length = u64::try_from(header.len()).unwrap().to_le_bytes();
    let file = [&length[..], header.as_bytes(), &[0; 8]].concat();
    fs::write(work.path("in"), file).unwrap();
    let error = fails_without_output(&work, &RUN, 1, "malformed_safetensors");
    assert_eq!(error["tensor"], "x");
}

#[test]
fn parameters_that_do_not_fit() {
    let work = good();
    for (param, code, kind) in [
        ("eps", 2, "malformed_argument"),
        ("=1", 2, "malformed_argument"),
        ("eps=", 2, "malformed_argument"),
        ("eps=much", 2, "malformed_argument"),
        ("epsilon=1", 2, "unknown_parameter"),
        ("eps=2", 1, "parameter_out_of_bounds"),
        ("eps=-0.5", 1, "parameter_out_of_bounds"),
        ("eps=nan", 1, "invalid_parameter"),
        ("eps=1e39", 1, "invalid_parameter"),
    ] {
        let error = fails_without_output(&work, &run_with(&["--param", param]), code, kind);
        assert!(
            error["message"]
                .as_str()
                .unwrap()
                .contains(param.trim_end_matches("=2").split('=').next().unwrap()),
            "{error}"
        );
        // What was typed, and not what became of it.
        if code == 1 {
            let typed = param.split_once('=').unwrap().1;
            assert!(
                error["message"]
                    .as_str()
                    .unwrap()
                    .ends_with(&format!(": `{typed}`")),
                "{error}"
            );
            assert_eq!(error["parameter"], "eps");
            assert!(
                !error["expected"].is_null() && !error["found"].is_null(),
                "{error}"
            );
        }
    }
    let large = run_with(&["--param", "eps=2"]);
    let error = fails_without_output(&work, &large, 1, "parameter_out_of_bounds");
    let bounds = [&error["found"], &error["min"], &error["max"]];
    assert_eq!(bounds, [&json!(2), &json!(0.0), &json!(1.0)]);
    let twice = run_with(&["--param", "eps=0", "--param", "eps=0"]);
    fails_without_output(&work, &twice, 2, "repeated_argument");
}

#[test]
fn a_parameter_without_default_must_be_given() {
    let mut k = scale();
    k["params"]["eps"]["default"] = Value::Null;
    let work = Work::with_pack(&[("scale.wasm", SCALE)], json!([k]));
    write_good_inputs(&work);
    let error = fails_without_output(&work, &RUN, 1, "missing_parameter");
    assert!(error["message"].as_str().unwrap().contains("eps"));
    work.ok(&run_with(&["--param", "eps=1"]));
}

#[test]
fn a_kernel_or_backend_that_is_not_there() {
    let work = good();
    let mut unknown = RUN;
    unknown[2] = "nothing";
    let error = fails_without_output(&work, &unknown, 1, "unknown_kernel");
    assert_eq!(error["known"], json!(["scale"]));
    let backend = run_with(&["--backend", "v8"]);
    let error = fails_without_output(&work, &backend, 2, "unknown_backend");
    assert!(error["help"].as_str().unwrap().contains("wasmtime"));
    let known = error["known"].as_array().unwrap();
    assert!(known.contains(&json!("wasmtime")) && known.contains(&json!("wasmer")));
}

#[test]
fn a_kernel_that_does_not_run_on_this_engine() {
    let platforms = [
        (
            json!({"wasmtime": {"min_version": "999.0.0"}}),
            "engine_version",
        ),
        (
            json!({"another": {"min_version": "1.0.0"}}),
            "engine_not_listed",
        ),
    ];
    for (platforms, kind) in platforms {
        let mut late = kernel("scale", "copy.wasm", "f32");
        late["platforms"] = platforms;
        for others in [vec![], vec![kernel("other", "copy.wasm", "f32")]] {
            let kernels: Vec<Value> = [vec![late.clone()], others].concat();
            let work = Work::with_pack(&[("copy.wasm", COPY)], json!(kernels));
            write_good_inputs(&work);
            fails_without_output(&work, &RUN, 3, kind);
        }
    }
}

#[test]
fn a_refused_pack_leaves_no_output() {
    let work = good();
    fs::write(work.path("pack/extra"), "").unwrap();
    fails_without_output(&work, &RUN, 3, "undeclared_file");
    fs::remove_file(work.path("pack/extra")).unwrap();
    fs::remove_file(work.path("pack/kernels.json.sig")).unwrap();
    fails_without_output(&work, &RUN, 3, "missing_signature");
}

#[test]
fn limits_that_stop_a_kernel() {
    let same = |_: &mut Value| {};
    let short = |k: &mut Value| k["resource_limits"]["max_epoch_ticks"] = json!(2);
    let error = faults(
        &module("(loop $l (br $l)) i32.const 0"),
        short,
        4,
        "deadline",
    );
    assert_eq!(error["limit"], 2);
    let error = faults(
        &module("(call $run (local.get $d))"),
        same,
        4,
        "stack_overflow",
    );
    assert_eq!(error["limit"], 512 * 1024);
    let work = Work::with_pack(
        &[("k.wasm", COPY)],
        json!([kernel("scale", "k.wasm", "f32")]),
    );
    let elements = 3 * 65536 / 4;
    work.write_tensors(
        "in",
        &[("x", Dtype::F32, &[elements], vec![0; elements * 4])],
    );
    let error = fails_without_output(&work, &RUN, 4, "memory_limit");
    assert_eq!(error["limit"], 3);
    assert!(error["needed"].as_u64().unwrap() > 3);
}

#[test]
fn kernels_that_fail() {
    let same = |_: &mut Value| {};
    for (body, kind) in [
        ("unreachable", "unreachable"),
        ("(i32.load (i32.const -4))", "memory_out_of_bounds"),
        (
            "(i32.div_u (i32.const 1) (i32.const 0))",
            "integer_divide_by_zero",
        ),
        (
            "(i32.trunc_f32_s (f32.const nan))",
            "bad_conversion_to_integer",
        ),
        ("i32.const 6", "status"),
        ("i32.const 4", "status"),
        ("i32.const -1", "status"),
        ("i32.const 1", "rejected"),
        ("i32.const 3", "rejected"),
    ] {
        faults(&module(body), same, 5, kind);
    }
    let error = faults(&module("i32.const 77"), same, 5, "status");
    assert_eq!(error["status"], 77);
}

#[test]
fn an_output_that_cannot_be_written() {
    let work = good();
    let mut folder = RUN;
    folder[8] = "pack";
    let before = work.listing();
    work.fails(&folder, 1, "unwritable");
    folder[8] = "no/such/folder/out";
    let error = work.fails(&folder, 1, "not_found");
    assert!(!error.to_string().contains(".tmp"), "{error}");
    assert_eq!(work.listing(), before);
}

#[test]
fn nothing_runs_for_an_output_that_cannot_be_written() {
    let k = kernel("scale", "k.wasm", "f32");
    let work = Work::with_pack(&[("k.wasm", &module("unreachable"))], json!([k]));
    work.write_tensors("in", &[("x", Dtype::F32, &[1], f32s(&[0.5]))]);
    work.fails(&RUN, 5, "unreachable");
    let mut elsewhere = RUN;
    elsewhere[8] = "no/such/folder/out";
    work.fails(&elsewhere, 1, "not_found");
}

#[cfg(unix)]
#[test]
fn links_at_the_output() {
    use std::os::unix::fs::symlink;
    let work = good();
    fs::write(work.path("real"), "old").unwrap();
    symlink("real", work.path("out")).unwrap();
    work.ok(&RUN);
    let bytes = fs::read(work.path("real")).unwrap();
    assert!(SafeTensors::deserialize(&bytes).is_ok());
    fs::remove_file(work.path("real")).unwrap();
    let error = work.fails(&RUN, 1, "unwritable");
    assert!(error["message"].as_str().unwrap().contains("leads nowhere"));
    assert!(fs::symlink_metadata(work.path("out")).unwrap().is_symlink());
    assert!(!work.path("real").exists());
}

#[test]
fn inputs_may_be_overwritten_by_outputs() {
    let work = good();
    let mut same = RUN;
    same[8] = "in";
    work.ok(&same);
    let bytes = fs::read(work.path("in")).unwrap();
    assert_eq!(SafeTensors::deserialize(&bytes).unwrap().names(), ["y"]);
}

/// A shell may give the process less stack than a kernel may use.
#[cfg(unix)]
#[test]
fn a_small_stack_of_the_process_is_not_the_kernels() {
    let mut deep = kernel("deep", "deep.wasm", "f32");
    deep["resource_limits"]["max_stack_size"] = json!(1 << 20);
    let endless = module("(call $run (local.get $d))");
    let work = Work::with_pack(&[("deep.wasm", &endless)], json!([deep]));
    work.write_tensors("in", &[("x", Dtype::F32, &[1], vec![0; 4])]);
    for engine in ["wasmtime", "wasmer"] {
        let kpack = env!("CARGO_BIN_EXE_kpack");
        let line = format!(
            "ulimit -s 256 && exec {kpack} run pack deep --trust trust.json --inputs in \
             --output out --backend {engine}"
        );
        let ran = std::process::Command::new("sh")
            .args(["-c", &line])
            .current_dir(work.path("."))
            .output()
            .unwrap();
        assert_eq!(ran.status.code(), Some(4), "{engine}: {ran:?}");
    }
}
