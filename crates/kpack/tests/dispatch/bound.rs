//! Bound dispatch: many calls of one owner.

use kpack::{BoundDispatch, CallError, DispatchError, DispatchInputs, Dispatcher, FallbackPolicy};

use super::{loaded, moody, references, served, tensor};

fn bind(dispatcher: &Dispatcher) -> BoundDispatch {
    let dispatch = dispatcher.kernel("moody").unwrap();
    let mut bound = dispatch.bind(&[("n", 2)], &[]).unwrap();
    bound.keep("weight", &tensor(&[10.0, 20.0])).unwrap();
    bound
}

fn run(bound: &mut BoundDispatch, x: [f32; 2]) -> Result<(String, Vec<f32>), DispatchError> {
    let report = bound.run(|inputs| {
        inputs.slice_mut::<f32>("x")?.copy_from_slice(&x);
        Ok(())
    })?;
    let served = served(report.served_by());
    Ok((served, bound.output::<f32>("y").unwrap().to_vec()))
}

#[test]
fn what_is_kept_is_there_for_whatever_runs_and_after_it() {
    for pack in loaded(&moody("sum"), &references()) {
        let policy = FallbackPolicy::default().never_set_aside();
        let mut bound = bind(&Dispatcher::builder(&pack).policy(policy).build());
        let kernel = |x| ("moody".to_owned(), Vec::from(x));
        let native = |y| ("native sum".to_owned(), Vec::from(y));
        assert_eq!(run(&mut bound, [7.0, 8.0]).unwrap(), kernel([7.0, 8.0]));
        // It traps, or returns a status, when it has written over its inputs.
        for mood in [1.0, 3.0, 4.0] {
            assert_eq!(
                run(&mut bound, [mood, 8.0]).unwrap(),
                native([mood + 10.0, 28.0])
            );
            assert_eq!(run(&mut bound, [7.0, 9.0]).unwrap(), kernel([7.0, 9.0]));
        }
        bound.keep("weight", &tensor(&[1.0, 1.0])).unwrap();
        assert_eq!(run(&mut bound, [1.0, 8.0]).unwrap(), native([2.0, 9.0]));
    }
}

#[test]
fn a_callers_error_leaves_no_result_and_what_is_bound_as_it_was() {
    for pack in loaded(&moody("sum"), &references()) {
        let mut bound = bind(&Dispatcher::new(&pack));
        assert_eq!(bound.output::<f32>("y").unwrap_err().kind(), "no_result");
        run(&mut bound, [7.0, 8.0]).unwrap();
        let error = run(&mut bound, [2.0, 8.0]).unwrap_err();
        assert_eq!((error.kind(), error.causes().len()), ("rejected", 1));
        assert_eq!(bound.output::<f32>("y").unwrap_err().kind(), "no_result");
        assert_eq!(run(&mut bound, [7.0, 8.0]).unwrap().0, "moody");

        let mut refused = |fill: &dyn Fn(&mut DispatchInputs<'_>) -> Result<(), CallError>| {
            let error = bound.run(fill).unwrap_err();
            assert_eq!(error.causes().len(), 1);
            error.kind()
        };
        assert_eq!(refused(&|_| Ok(())), "missing_input");
        assert_eq!(
            refused(&|inputs| inputs.slice_mut::<f32>("z").map(drop)),
            "unknown_input"
        );
        assert_eq!(
            refused(&|inputs| inputs.slice_mut::<i32>("x").map(drop)),
            "wrong_dtype"
        );
        assert_eq!(
            refused(&|inputs| inputs.slice_mut::<f32>("weight").map(drop)),
            "repeated_input"
        );
        assert_eq!(run(&mut bound, [7.0, 8.0]).unwrap().0, "moody");

        let wrong = bound.keep("weight", &tensor(&[1.0])).unwrap_err();
        assert_eq!(wrong.kind(), "wrong_shape");
        let wrong = bound.keep("y", &tensor(&[1.0])).unwrap_err();
        assert_eq!(wrong.kind(), "unknown_input");
        assert_eq!(
            bound.output::<f32>("z").unwrap_err().kind(),
            "unknown_output"
        );
        assert_eq!(bound.output::<i32>("y").unwrap_err().kind(), "wrong_dtype");
    }
}

#[test]
fn the_same_input_errors_come_from_a_native_kernel_that_serves() {
    for pack in loaded(&moody("sum"), &references()) {
        let mut bound = bind(&Dispatcher::new(&pack));
        // Fill by fill: the kernel's, which then fails, and the native's.
        let mut fills = 0;
        let error = bound.run(|inputs| {
            fills += 1;
            if fills == 1 {
                inputs.slice_mut::<f32>("x")?.fill(1.0);
            }
            Ok(())
        });
        let error = error.unwrap_err();
        let kinds: Vec<&str> = error
            .causes()
            .iter()
            .map(|cause| cause.error.kind())
            .collect();
        assert_eq!(kinds, ["unreachable", "missing_input"]);
        assert_eq!(run(&mut bound, [1.0, 8.0]).unwrap().0, "native sum");
        assert_eq!(bound.output::<i32>("y").unwrap_err().kind(), "wrong_dtype");
        assert_eq!(
            bound.output::<f32>("z").unwrap_err().kind(),
            "unknown_output"
        );
        assert_eq!(bound.output_bytes("y").unwrap().len(), 8);
    }
}
