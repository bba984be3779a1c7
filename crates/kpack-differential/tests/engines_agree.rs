//! A few hundred random modules: both engines run them alike. `cargo xtask differential` runs many
//! more.

#![allow(clippy::unwrap_used, reason = "a test that cannot be set up fails")]

use kpack_differential::{Judge, Tally};

#[test]
fn the_engines_agree_on_random_modules() {
    let mut judge = Judge::new().unwrap();
    let mut tally = Tally::default();
    for seed in 0..300 {
        // Shown when the test dies in this case.
        println!("seed {seed}");
        tally.add(seed, judge.judge(seed));
    }
    println!("{tally}");
    assert!(tally.is_clean(), "{tally:#?}");
    says_enough(&tally);
}

/// The modules are worth running: most are, they end in many ways, and few in none to compare.
fn says_enough(tally: &Tally) {
    let refused: u64 = tally.refused.values().sum();
    assert!(refused * 4 < tally.modules, "too many are refused: {tally}");
    let agree = tally.results.modules;
    assert!(
        agree * 5 > tally.modules * 2,
        "too few have a result: {tally}"
    );
    assert!(tally.faults.len() >= 5, "too few kinds of faults: {tally}");
    let excluded: u64 = tally.excluded.values().map(|count| count.modules).sum();
    assert!(
        excluded * 10 < tally.modules,
        "too few are compared: {tally}"
    );
}
