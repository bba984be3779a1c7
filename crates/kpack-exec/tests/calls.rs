//! Binding, calling and reading results: the caller's mistakes, and what happens after a failure.

#![allow(clippy::unwrap_used, reason = "a test that cannot be set up fails")]

mod support;

use kpack_exec::{Blame, BoundKernel, Call, CallError, CompiledKernel, Fault, Tensor};
use kpack_schema::{BindError, DataType};
use serde_json::json;

use support::{backends, compile, module, verified};

fn each(wat: &str, test: impl Fn(CompiledKernel)) {
    let kernel = verified(
        wat,
        json!({
            "inputs": [
                {"name": "x", "dtype": "f32", "shape": ["rows", "hidden"]},
                {"name": "weight", "dtype": "f32", "shape": ["hidden"]}
            ],
            "outputs": [{"name": "y", "dtype": "f32", "shape": ["rows", "hidden"]}],
            "params": {"eps": {"type": "f32", "default": 1e-5, "min": 0, "max": 1}}
        }),
    );
    for backend in backends() {
        test(compile(backend.as_ref(), &kernel));
    }
}

/// Traps where the first element of `x` is negative, returns 6 where it is above 100, and copies
/// `x` to `y` otherwise.
fn moody() -> String {
    module(
        "(call $copy (call $output (local.get $d)) (call $input_a (local.get $d))
           (call $input_a_size (local.get $d)))
         (if (f32.lt (f32.load (call $input_a (local.get $d))) (f32.const 0))
           (then (unreachable)))
         (if (f32.gt (f32.load (call $input_a (local.get $d))) (f32.const 100))
           (then (return (i32.const 6))))
         i32.const 0",
    )
}

fn bind(kernel: &CompiledKernel) -> BoundKernel {
    kernel.bind(&[("rows", 1), ("hidden", 2)], &[]).unwrap()
}

fn missing(error: CallError) -> String {
    assert_eq!(error.blame(), Blame::Caller);
    match error {
        CallError::Bind(BindError::MissingInput { name }) => name,
        other => panic!("{other:?}"),
    }
}

#[test]
fn running_before_every_input_is_written_names_the_missing_one() {
    each(&moody(), |kernel| {
        let mut bound = bind(&kernel);
        assert_eq!(missing(bound.run().unwrap_err()), "x");
        bound.input_mut::<f32>("x").unwrap().fill(1.0);
        assert_eq!(missing(bound.run().unwrap_err()), "weight");
        bound.input_bytes_mut("weight").unwrap().fill(0);
        bound.run().unwrap();
    });
}

#[test]
fn an_input_that_stays_is_written_once() {
    each(&moody(), |kernel| {
        let mut bound = bind(&kernel);
        bound.input_mut::<f32>("weight").unwrap().fill(2.0);
        for value in [1.0, 2.0, 3.0] {
            bound.input_mut::<f32>("x").unwrap().fill(value);
            bound.run().unwrap();
            assert_eq!(bound.output::<f32>("y").unwrap(), [value; 2]);
        }
        assert_eq!(bound.input_mut::<f32>("weight").unwrap(), [2.0; 2]);
    });
}

#[test]
fn after_a_trap_the_next_use_is_a_fresh_instance() {
    each(&moody(), |kernel| {
        let mut bound = bind(&kernel);
        bound.input_mut::<f32>("weight").unwrap().fill(2.0);
        bound.input_mut::<f32>("x").unwrap().fill(1.0);
        bound.run().unwrap();
        bound.input_mut::<f32>("x").unwrap().fill(-1.0);
        assert_eq!(bound.run().unwrap_err().fault(), Some(&Fault::Unreachable));
        assert!(matches!(
            bound.output::<f32>("y"),
            Err(CallError::NoResult { .. })
        ));
        assert_eq!(missing(bound.run().unwrap_err()), "x");
        assert_eq!(
            bound.input_mut::<f32>("x").unwrap(),
            [0.0; 2],
            "a fresh memory"
        );
        assert_eq!(missing(bound.run().unwrap_err()), "weight");
        bound.input_mut::<f32>("weight").unwrap().fill(2.0);
        bound.input_mut::<f32>("x").unwrap().fill(4.0);
        bound.run().unwrap();
        assert_eq!(bound.output::<f32>("y").unwrap(), [4.0; 2]);
    });
}

#[test]
fn after_a_status_the_instance_goes_on_but_shows_no_result() {
    each(&moody(), |kernel| {
        let mut bound = bind(&kernel);
        bound.input_mut::<f32>("weight").unwrap().fill(2.0);
        bound.input_mut::<f32>("x").unwrap().fill(200.0);
        let error = bound.run().unwrap_err();
        assert_eq!((error.kind(), error.blame()), ("status", Blame::Kernel));
        assert!(matches!(
            bound.output_bytes("y"),
            Err(CallError::NoResult { .. })
        ));
        bound.input_mut::<f32>("x").unwrap().fill(5.0);
        bound.run().unwrap();
        assert_eq!(bound.output::<f32>("y").unwrap(), [5.0; 2]);
    });
}

#[test]
fn a_run_that_is_refused_takes_the_old_result_away() {
    each(&moody(), |kernel| {
        let mut bound = bind(&kernel);
        assert!(matches!(
            bound.output::<f32>("y"),
            Err(CallError::NoResult { .. })
        ));
        bound.input_mut::<f32>("weight").unwrap().fill(2.0);
        bound.input_mut::<f32>("x").unwrap().fill(1.0);
        bound.run().unwrap();
        bound.input_mut::<f32>("x").unwrap().fill(101.0);
        bound.run().unwrap_err();
        assert!(matches!(
            bound.output::<f32>("y"),
            Err(CallError::NoResult { .. })
        ));
    });
}

#[test]
fn names_and_types_of_a_bound_kernel_are_checked() {
    each(&moody(), |kernel| {
        let mut bound = bind(&kernel);
        let kind = |error: CallError| {
            assert_eq!(error.blame(), Blame::Caller);
            (error.kind(), error.to_string())
        };
        let (unknown, message) = kind(bound.input_mut::<f32>("w").unwrap_err());
        assert_eq!(unknown, "unknown_input");
        assert!(
            message.contains("weight") && message.ends_with("`w`"),
            "{message}"
        );
        assert_eq!(
            kind(bound.input_mut::<i32>("x").unwrap_err()).0,
            "wrong_dtype"
        );
        assert_eq!(
            kind(bound.input_mut::<u8>("x").unwrap_err()).0,
            "wrong_dtype"
        );
        assert_eq!(
            kind(bound.output::<f32>("z").unwrap_err()).0,
            "unknown_output"
        );
        assert_eq!(kind(bound.output::<u8>("y").unwrap_err()).0, "wrong_dtype");
        assert_eq!(
            missing(bound.run().unwrap_err()),
            "x",
            "a refused access writes nothing"
        );
    });
}

#[test]
fn dimensions_and_parameters_are_checked() {
    each(&moody(), |kernel| {
        let kind = |error: CallError| {
            assert_eq!(error.blame(), Blame::Caller);
            error.kind()
        };
        let full = [("rows", 1), ("hidden", 2)];
        assert_eq!(
            kind(kernel.bind(&full[..1], &[]).unwrap_err()),
            "missing_dimension"
        );
        let param =
            |name, value: f64| kind(kernel.bind(&full, &[(name, value.into())]).unwrap_err());
        assert_eq!(param("epsilon", 0.1), "unknown_parameter");
        assert_eq!(param("eps", 2.0), "parameter_out_of_bounds");
        let shapes: [(&str, &[usize]); 2] = [("x", &[1, 2]), ("weight", &[3])];
        assert_eq!(
            kind(kernel.bind_shapes(&shapes, &[]).unwrap_err()),
            "wrong_shape"
        );
        let shapes: [(&str, &[usize]); 2] = [("x", &[2]), ("weight", &[2])];
        assert_eq!(
            kind(kernel.bind_shapes(&shapes, &[]).unwrap_err()),
            "wrong_shape"
        );
    });
}

#[test]
fn a_one_shot_call_checks_each_argument_at_once() {
    each(&moody(), |kernel| {
        let x = Tensor::new(&[2, 2], vec![1.0_f32, 2.0, 3.0, 4.0]).unwrap();
        let weight = Tensor::new(&[2], vec![1.0_f32, 1.0]).unwrap();
        let wrong = Tensor::new(&[2], vec![1_i32, 1]).unwrap();
        let kind = |call: Result<Call<'_>, CallError>| call.unwrap_err().kind();

        let outputs = kernel
            .call()
            .input("x", &x)
            .and_then(|call| call.input("weight", &weight))
            .and_then(|call| call.param("eps", 1e-6))
            .and_then(Call::run)
            .unwrap();
        assert_eq!(outputs.get("y"), Some(&x));
        assert_eq!(outputs.iter().len(), 1);

        let with_x = || kernel.call().input("x", &x).unwrap();
        assert_eq!(kind(kernel.call().input("w", &weight)), "unknown_input");
        assert_eq!(kind(with_x().input("x", &x)), "repeated_input");
        assert_eq!(kind(with_x().input("weight", &wrong)), "wrong_dtype");
        assert_eq!(kind(with_x().param("alpha", 1.0)), "unknown_parameter");
        assert_eq!(kind(with_x().param("eps", true)), "invalid_parameter");
        assert_eq!(kind(with_x().param("eps", 7.0)), "parameter_out_of_bounds");
        let twice = with_x()
            .param("eps", 0.5)
            .and_then(|call| call.param("eps", 0.5));
        assert_eq!(kind(twice), "repeated_parameter");
        assert_eq!(missing(with_x().run().unwrap_err()), "weight");
    });
}

#[test]
fn a_one_shot_call_leaves_the_callers_tensors_alone() {
    // Wipes its whole memory, inputs included.
    let wat = module(
        "(local $i i32)
         (loop $next
           (i64.store (local.get $i) (i64.const -1))
           (local.set $i (i32.add (local.get $i) (i32.const 8)))
           (br_if $next (i32.lt_u (local.get $i) (i32.mul (memory.size) (i32.const 65536)))))
         i32.const 0",
    );
    each(&wat, |kernel| {
        let x = Tensor::new(&[1, 2], vec![1.0_f32, 2.0]).unwrap();
        let weight = Tensor::new(&[2], vec![1.0_f32, 1.0]).unwrap();
        let call = kernel
            .call()
            .input("x", &x)
            .and_then(|call| call.input("weight", &weight));
        let outputs = call.and_then(Call::run).unwrap();
        assert_eq!(outputs.get("y").unwrap().bytes(), [0xff; 8]);
        assert_eq!(x.as_slice::<f32>().unwrap(), [1.0, 2.0]);
        assert_eq!(weight.as_slice::<f32>().unwrap(), [1.0, 1.0]);
    });
}

#[test]
fn compiled_kernels_are_shared_and_bound_ones_move_between_threads() {
    fn shared<T: Send + Sync + Clone>() {}
    fn moved<T: Send>() {}
    shared::<CompiledKernel>();
    moved::<BoundKernel>();
    each(&moody(), |kernel| {
        std::thread::scope(|scope| {
            for value in [1.0_f32, 2.0, 3.0, 4.0] {
                let mut bound = bind(&kernel);
                scope.spawn(move || {
                    bound.input_mut::<f32>("weight").unwrap().fill(0.0);
                    for _ in 0..100 {
                        bound.input_mut::<f32>("x").unwrap().fill(value);
                        bound.run().unwrap();
                        assert_eq!(bound.output::<f32>("y").unwrap(), [value; 2]);
                    }
                });
            }
        });
    });
}

#[test]
fn block_types_are_written_and_read_as_bytes() {
    let wat = module(
        "(call $copy (call $output (local.get $d)) (call $input_a (local.get $d))
           (call $input_a_size (local.get $d)))
         i32.const 0",
    );
    let kernel = verified(
        &wat,
        json!({
            "inputs": [{"name": "x", "dtype": "q8", "shape": ["rows", 64]}],
            "outputs": [{"name": "y", "dtype": "q8", "shape": ["rows", 64]}]
        }),
    );
    for backend in backends() {
        let kernel = compile(backend.as_ref(), &kernel);
        let mut bound = kernel.bind(&[("rows", 2)], &[]).unwrap();
        bound.input_mut::<u8>("x").unwrap().fill(5);
        bound.run().unwrap();
        assert_eq!(bound.output::<u8>("y").unwrap(), [5; 2 * 2 * 34]);
        assert_eq!(bound.outputs()[0].dtype, DataType::Q8);
        assert_eq!(bound.output::<i8>("y").unwrap_err().kind(), "wrong_dtype");
    }
}

#[test]
fn the_largest_dimension_is_a_plan_over_the_limit() {
    each(&moody(), |kernel| {
        let dims = [("rows", 1 << 31), ("hidden", 1)];
        let error = kernel.bind(&dims, &[]).unwrap_err();
        assert_eq!(error.kind(), "memory_limit");
    });
}
