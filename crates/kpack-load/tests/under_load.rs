//! What the run under load leans on, and a run of a few seconds.
#![allow(clippy::unwrap_used, reason = "a failed test may panic")]

use std::num::NonZero;
use std::path::Path;

use kpack::{CallError, Pack, Tensor};
use kpack_load::{
    Damage, Flaw, KERNEL, Killer, LEN, Plan, Publisher, Release, Shared, input, release_of, run,
};

/// The result of a call of a release, and which release computed it.
fn call(pack: &Pack, number: u64) -> Result<Result<u32, String>, CallError> {
    let x: Vec<i32> = (0..LEN).map(|at| input(number, at)).collect();
    let x = Tensor::new(&[LEN], x).unwrap();
    let outputs = pack.kernel(KERNEL).unwrap().call().input("x", &x)?.run()?;
    let output = |name| outputs.get(name).unwrap().as_slice::<i32>().unwrap();
    Ok(release_of(number, output("marks"), output("y")))
}

#[test]
fn a_release_and_its_flaws_are_what_they_say() {
    let folder = tempfile::tempdir().unwrap();
    let publisher = Publisher::new("served", [1; 32]);
    let runtime = Shared::init(folder.path()).unwrap().runtime().unwrap();
    let ends = |number, flaw| {
        let release = Release { number, flaw };
        let place = folder.path().join(format!("{number}"));
        publisher.publish(release, &place).unwrap();
        let pack = runtime.load(&place, &publisher.trust().unwrap()).unwrap();
        [0, 63, 64, 127].map(|at| match call(&pack, at) {
            Ok(Ok(found)) => {
                assert_eq!(found, number);
                "right"
            }
            Ok(Err(_)) => "wrong",
            Err(error) => error.kind(),
        })
    };
    assert_eq!(ends(1, Flaw::None), ["right"; 4]);
    let at_times = ["right", "unreachable", "right", "unreachable"];
    assert_eq!(ends(2, Flaw::TrapsAtTimes), at_times);
    assert_eq!(ends(3, Flaw::Traps), ["unreachable"; 4]);
    assert_eq!(ends(4, Flaw::NeverEnds), ["deadline"; 4]);
    assert_eq!(ends(5, Flaw::WrongNumbers), ["wrong"; 4]);
}

#[test]
fn what_is_mixed_up_in_a_result_is_seen() {
    let right = |release: i32, call: u64| {
        let marks = vec![release, release, release, input(call, 0)];
        let y: Vec<i32> = (0..LEN).map(|at| input(call, at) + release).collect();
        (marks, y)
    };
    let (marks, y) = right(7, 3);
    assert_eq!(release_of(3, &marks, &y), Ok(7));
    assert!(release_of(4, &marks, &y).is_err(), "another call's");
    for at in 0..4 {
        let mut marks = marks.clone();
        marks[at] += 1;
        assert!(release_of(3, &marks, &y).is_err(), "mark {at}");
    }
    for at in 0..LEN {
        let mut y = y.clone();
        y[at] += 1;
        assert!(release_of(3, &marks, &y).is_err(), "y[{at}]");
    }
    assert!(release_of(3, &marks, &y[1..]).is_err());
}

#[test]
fn every_damage_ends_in_its_own_refusal() {
    let folder = tempfile::tempdir().unwrap();
    let publisher = Publisher::new("served", [1; 32]);
    let trust = publisher.trust().unwrap();
    let runtime = Shared::init(folder.path()).unwrap().runtime().unwrap();
    let mut number = 1;
    for &damage in Damage::ALL {
        let place = |name: &str| folder.path().join(format!("{number}-{name}"));
        let release = Release::sound(number);
        publisher.publish(release, &place("pack")).unwrap();
        assert!(runtime.verifier().verify(place("pack"), &trust).is_ok());
        damage
            .inflict(&publisher, release, &place("pack"), &place("aside"))
            .unwrap();
        let refused = runtime.load(place("pack"), &trust).unwrap_err();
        assert_eq!(refused.kind(), damage.kind(), "{damage:?}");
        number += 2;
    }
}

#[test]
fn what_killed_writers_leave_is_whole() {
    let folder = tempfile::tempdir().unwrap();
    let shared = Shared::init(folder.path()).unwrap();
    let program = Path::new(env!("CARGO_BIN_EXE_kpack-load"));
    let mut killer = Killer::new(program, &shared).unwrap();
    for _ in 0..12 {
        killer.cycle().unwrap();
    }
    assert_eq!(killer.killed().cycles, 12);
    assert!(killer.killed().accepted > 0);
}

#[test]
fn a_short_run_loses_mixes_and_fails_no_call() {
    let plan = Plan {
        calls: 8_000,
        swaps: 32,
        kills: 6,
        threads: NonZero::new(3).unwrap(),
    };
    let report = run(plan, Path::new(env!("CARGO_BIN_EXE_kpack-load"))).unwrap();
    assert_eq!(report.complaints(), [""; 0], "{report}");
    assert!(report.served >= plan.calls, "{report}");
    assert_eq!(report.operations.swaps, plan.swaps);
    assert_eq!(report.operations.rollbacks, 4);
    let refused: u64 = report.operations.refused.values().sum();
    assert_eq!(refused, 8 + 2 * 8);
    assert_eq!(report.killed.cycles, plan.kills);
    // The release that it started with, and nearly all that were swapped in.
    assert!(report.releases > 24, "{report}");
}
