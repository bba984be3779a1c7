//! Releases of one pack that can be told apart by every result, and what may be wrong with one.

use serde_json::{Value, json};

/// The only kernel of a release.
pub const KERNEL: &str = "mark_i32";

/// The native kernel that stands in for it where it traps.
pub const NATIVE: &str = "builtin:mark";

/// The elements of `x` and `y` in a call.
pub const LEN: usize = 64;

/// Where the module stands in the pack.
pub(crate) const MODULE: &str = "mark.wasm";

/// A release of a pack, which marks everything that it computes with its number.
///
/// `y` is `x` with the number added. `marks` has the number as it stands in the module's code, in its
/// data, in the manifest's parameter, and the first element of `x`: a result that was put together from
/// two releases or two calls shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Release {
    /// Its sequence, too.
    pub number: u32,
    /// What is wrong with it.
    pub flaw: Flaw,
}

/// What is wrong with a release that its author has signed all the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flaw {
    /// Nothing.
    None,
    /// It traps for every 64th call and for nothing that a health check asks: its fallback serves then.
    TrapsAtTimes,
    /// It traps always.
    Traps,
    /// It never ends.
    NeverEnds,
    /// One element of `y` is wrong.
    WrongNumbers,
}

impl Release {
    /// A release with nothing wrong.
    #[must_use]
    pub const fn sound(number: u32) -> Self {
        Self {
            number,
            flaw: Flaw::None,
        }
    }

    /// The module's text.
    pub(crate) fn module(self) -> String {
        let number = self.number;
        let data: String = number
            .to_le_bytes()
            .iter()
            .map(|byte| format!("\\{byte:02x}"))
            .collect();
        let flaw = match self.flaw {
            Flaw::None => String::new(),
            // The first element is 64 times the number of the call.
            Flaw::TrapsAtTimes => "(if (i32.eq (i32.const 4032) \
                (i32.and (i32.const 4032) (i32.load (local.get $x)))) (then unreachable))"
                .to_owned(),
            Flaw::Traps => "unreachable".to_owned(),
            Flaw::NeverEnds => "(loop $for_ever (br $for_ever))".to_owned(),
            Flaw::WrongNumbers => {
                "(i32.store offset=64 (local.get $out) (i32.const -1))".to_owned()
            }
        };
        format!(
            r#"(module (memory (export "memory") 1) (data (i32.const 0) "{data}")
              (func (export "run") (param $d i32) (result i32)
                (local $x i32) (local $out i32) (local $at i32) (local $end i32)
                (local.set $x (i32.load (local.get $d)))
                (local.set $end (i32.load offset=4 (local.get $d)))
                (local.set $out (i32.load offset=16 (local.get $d)))
                (i32.store (local.get $out) (i32.const {number}))
                (i32.store offset=4 (local.get $out) (i32.load (i32.const 0)))
                (i32.store offset=8 (local.get $out)
                  (i32.load offset=4 (i32.load offset=32 (local.get $d))))
                (i32.store offset=12 (local.get $out) (i32.load (local.get $x)))
                (loop $next
                  (i32.store offset=64 (i32.add (local.get $out) (local.get $at))
                    (i32.add (i32.const {number})
                      (i32.load (i32.add (local.get $x) (local.get $at)))))
                  (local.set $at (i32.add (local.get $at) (i32.const 4)))
                  (br_if $next (i32.lt_u (local.get $at) (local.get $end))))
                {flaw}
                (i32.const 0)))"#
        )
    }

    /// The kernel as the manifest has it, for files with these digests.
    pub(crate) fn kernel(self, module: &str, vector: &str) -> Value {
        json!({
            "id": KERNEL, "name": "Mark", "category": "custom",
            "path": MODULE, "hash": module, "entry_point": "run",
            "inputs": [{"name": "x", "dtype": "i32", "shape": ["n"]}],
            "outputs": [
                {"name": "marks", "dtype": "i32", "shape": [4]},
                {"name": "y", "dtype": "i32", "shape": ["n"]}
            ],
            "params": {"release": {"type": "u32", "default": self.number}},
            "resource_limits": {
                "max_memory_pages": 4, "max_epoch_ticks": 20, "max_table_elements": 0
            },
            "vectors": [{"path": VECTOR, "hash": vector, "tolerance": {"mode": "exact"}}]
        })
    }

    /// The tensors of a right call, by name: its `x`, `marks` and `y`.
    pub(crate) fn vector(self) -> [(&'static str, Vec<i32>); 3] {
        let x: Vec<i32> = (0..LEN).map(|at| input(0, at)).collect();
        let y = x.iter().map(|x| x.wrapping_add(self.mark())).collect();
        let mark = self.mark();
        [
            ("x", x.clone()),
            ("marks", vec![mark, mark, mark, x[0]]),
            ("y", y),
        ]
    }

    fn mark(self) -> i32 {
        self.number.cast_signed()
    }
}

/// Where the vector stands in the pack.
pub(crate) const VECTOR: &str = "vectors/mark.safetensors";

/// An element of the input of a call: no two calls have the same, as long as their numbers differ in the
/// lowest 26 bits. That of the vector is call 0.
#[must_use]
pub fn input(call: u64, at: usize) -> i32 {
    let call = u32::try_from(call % (1 << 26)).expect("it was cut to 26 bits");
    let at = u32::try_from(at).expect("a call has few elements");
    (call * 64 + at).cast_signed()
}

/// Which release computed this result of a call.
///
/// # Errors
///
/// What is mixed up in it.
pub fn release_of(call: u64, marks: &[i32], y: &[i32]) -> Result<u32, String> {
    let &[code, data, param, echo] = marks else {
        return Err(format!("{} marks", marks.len()));
    };
    if code != data || code != param {
        return Err(format!("of releases {code}, {data} and {param}"));
    }
    if echo != input(call, 0) {
        return Err(format!("of another call: {echo} for {}", input(call, 0)));
    }
    if y.len() != LEN {
        return Err(format!("{} elements", y.len()));
    }
    for (at, &y) in y.iter().enumerate() {
        let expected = input(call, at).wrapping_add(code);
        if y != expected {
            return Err(format!("y[{at}] is {y}, for {expected}"));
        }
    }
    Ok(code.cast_unsigned())
}
