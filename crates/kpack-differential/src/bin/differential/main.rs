fn main() {
    let mut judge = kpack_differential::Judge::new().unwrap();
    let mut t = kpack_differential::Tally::default();
    let a: Vec<u64> = std::env::args()
        .skip(1)
        .map(|a| a.parse().unwrap())
        .collect();
    let begin = std::time::Instant::now();
    let mut gen_ = std::time::Duration::ZERO;
    for seed in a[0]..a[0] + a[1] {
        let s = std::time::Instant::now();
        let c = kpack_differential::Case::generate(seed);
        gen_ += s.elapsed();
        let v = judge.judge(seed);
        if std::env::var("V").is_ok() {
            println!("{seed} {} {v:?} {:?}", c.module().len(), s.elapsed());
        }
        t.add(seed, v);
    }
    println!(
        "{t}\n{:?} gen {gen_:?}\n{:?}\n{:?}",
        begin.elapsed(),
        t.mismatches,
        t.host_failures
    );
}
