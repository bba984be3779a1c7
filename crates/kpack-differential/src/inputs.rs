use crate::chance::Chance;

/// The bytes of the input tensor, and of one value in it.
pub(crate) const INPUT_BYTES: usize = 1024;
pub(crate) const CELL_BYTES: usize = 16;

/// The functions of a module that calls take turns in calling.
pub(crate) const TURNS: usize = 6;

/// The calls of a case: some functions have a second turn, on what the others left behind.
const CALLS: usize = 8;

/// The input of each call.
pub(crate) fn inputs(chance: &mut Chance) -> Vec<Vec<u8>> {
    (0..CALLS).map(|call| input(call % TURNS, chance)).collect()
}

/// An input of cells. The first says whose turn it is. The others can be read as any type, and most
/// of them hold what arithmetic stumbles over.
fn input(turn: usize, chance: &mut Chance) -> Vec<u8> {
    let turn = u128::try_from(turn).expect("there are few turns");
    let mut input = turn.to_le_bytes().to_vec();
    while input.len() < INPUT_BYTES {
        input.extend(cell(chance));
    }
    input
}

fn cell(chance: &mut Chance) -> Vec<u8> {
    match chance.below(6) {
        0 => repeated(&chance.pick(&F32).to_le_bytes()),
        1 => repeated(&chance.pick(&F64).to_le_bytes()),
        2 => repeated(&chance.pick(&I32).to_le_bytes()),
        3 => repeated(&chance.pick(&I64).to_le_bytes()),
        // Small numbers reach memory and count loops.
        4 => repeated(&(chance.next() % 512).to_le_bytes()),
        _ => chance.bytes(CELL_BYTES),
    }
}

fn repeated(value: &[u8]) -> Vec<u8> {
    value.repeat(CELL_BYTES / value.len())
}

const F32: [f32; 12] = [
    f32::NAN,
    f32::INFINITY,
    f32::NEG_INFINITY,
    f32::MAX,
    f32::MIN,
    f32::MIN_POSITIVE,
    -0.0,
    1.0,
    -1.5,
    // Around the ends of the integers.
    2_147_483_648.0,
    -2_147_483_904.0,
    4_294_967_296.0,
];

const F64: [f64; 12] = [
    f64::NAN,
    f64::INFINITY,
    f64::NEG_INFINITY,
    f64::MAX,
    f64::MIN,
    5e-324,
    -0.0,
    0.5,
    -2_147_483_649.0,
    4_294_967_295.9,
    9_223_372_036_854_775_808.0,
    -9_223_372_036_854_777_856.0,
];

const I32: [i32; 6] = [i32::MIN, -1, 0, 1, i32::MAX, 0x0080_ff7f];
const I64: [i64; 6] = [i64::MIN, -1, 0, 1, i64::MAX, 0x0000_0001_0000_0000];
