use kpack_differential::Chance;
use serde_json::{Map, Number, Value, json};

/// Changes one place in a tree: its value, or whether it is there.
pub(super) fn change(tree: &mut Value, others: &[Value], chance: &mut Chance) {
    let at = chance.below(count(tree));
    let place = nth(tree, at);
    match (chance.below(6), &mut *place) {
        (0, Value::Object(fields)) if !fields.is_empty() => remove_field(fields, chance),
        (0, Value::Array(items)) if !items.is_empty() => {
            items.remove(chance.below(items.len()));
        }
        (1, Value::Array(items)) if !items.is_empty() => {
            let copied = items[chance.below(items.len())].clone();
            items.insert(chance.below(items.len() + 1), copied);
        }
        (1, Value::Object(fields)) => {
            let name = chance.pick(&FIELDS);
            fields.insert(name.into(), interesting(chance));
        }
        (2, Value::String(text)) => *text = altered(text, chance),
        (3, Value::Number(number)) => *number = near(number, chance),
        (4, _) => {
            let mut other = others[chance.below(others.len())].clone();
            let from = chance.below(count(&other));
            *place = nth(&mut other, from).take();
        }
        _ => *place = interesting(chance),
    }
}

/// Names that some document has in some place.
const FIELDS: [&str; 12] = [
    "",
    "x",
    "kernels",
    "params",
    "scratch",
    "variants",
    "vectors",
    "parallel_dims",
    "expires",
    "sequence",
    "abi",
    "threshold",
];

fn remove_field(fields: &mut Map<String, Value>, chance: &mut Chance) {
    let name = fields.keys().nth(chance.below(fields.len())).cloned();
    fields.remove(&name.expect("it is below the number of fields"));
}

/// Values that readers stumble over.
fn interesting(chance: &mut Chance) -> Value {
    match chance.below(16) {
        0 => Value::Null,
        1 => json!(chance.once_in(2)),
        2 => json!([]),
        3 => json!({}),
        4 => json!(""),
        5 => json!(0),
        6 => json!(-1),
        7 => json!(chance.pick(&[u64::MAX, 1 << 63, 1 << 32, 1 << 31, 65_536, 1])),
        8 => json!(chance.pick(&[1e39, -0.0, 0.5, 1e-320, f64::MAX, 1.000_000_000_000_000_2])),
        9 => json!(chance.pick(&["n", "n/2", "n*2", "n/0", "64", "n+1", "N", "a/3"])),
        10 => json!(chance.pick(&["f32", "q8", "f64", "bool", "u64"])),
        11 => json!(chance.pick(&[
            "../x", "/x", "C:x", "a//b", "con.wasm", "a.", "A", "a\\b", "a\0"
        ])),
        12 => json!(chance.pick(&[
            "2026-02-30T00:00:00Z",
            "9999-12-31T23:59:59Z",
            "0000-01-01T00:00:00Z"
        ])),
        13 => json!(chance.pick(&[
            "1.0.0",
            "01.0.0",
            "1.0.0-a",
            "1.0.0+b",
            "18446744073709551616.0.0"
        ])),
        14 => json!("x".repeat(chance.below(300))),
        _ => json!(chance.next()),
    }
}

fn altered(text: &str, chance: &mut Chance) -> String {
    let mut chars: Vec<char> = text.chars().collect();
    let at = chance.below(chars.len() + 1);
    match chance.below(4) {
        0 => chars.truncate(at),
        1 if at < chars.len() => drop(chars.remove(at)),
        _ => chars.insert(
            at,
            chance.pick(&[
                '0', 'a', 'A', '/', '.', '*', ' ', '\0', '\u{430}', '\u{202e}',
            ]),
        ),
    }
    chars.into_iter().collect()
}

fn near(number: &Number, chance: &mut Chance) -> Number {
    let step = chance.pick(&[1_u64, 2, 31, 1 << 32]);
    match number.as_u64() {
        Some(value) if chance.once_in(2) => value.wrapping_add(step).into(),
        Some(value) => value.wrapping_sub(step).into(),
        None => step.into(),
    }
}

fn count(tree: &Value) -> usize {
    1 + match tree {
        Value::Array(items) => items.iter().map(count).sum(),
        Value::Object(fields) => fields.values().map(count).sum::<usize>(),
        _ => 0,
    }
}

/// The value at this place, counted from the root at 0 in depth-first order.
fn nth(tree: &mut Value, at: usize) -> &mut Value {
    let mut at = at;
    let mut place = tree;
    while at > 0 {
        at -= 1;
        let children: Vec<&mut Value> = match place {
            Value::Array(items) => items.iter_mut().collect(),
            Value::Object(fields) => fields.values_mut().collect(),
            _ => unreachable!("the place is one of the tree"),
        };
        let mut found = None;
        for child in children {
            let size = count(child);
            if at < size {
                found = Some(child);
                break;
            }
            at -= size;
        }
        place = found.expect("the place is one of the tree");
    }
    place
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_place_of_a_tree_is_reached_once() {
        let mut tree = json!({"a": [1, {"b": 2}], "c": 3});
        assert_eq!(count(&tree), 6);
        let places: Vec<String> = (0..6).map(|at| nth(&mut tree, at).to_string()).collect();
        assert_eq!(places[1..], [r#"[1,{"b":2}]"#, "1", r#"{"b":2}"#, "2", "3"]);
    }

    #[test]
    fn a_tree_can_become_nothing_and_still_be_changed() {
        let mut chance = Chance::new(0);
        let others = [json!({"a": 1})];
        for mut tree in [json!(null), json!([]), json!({}), json!("")] {
            for _ in 0..1000 {
                change(&mut tree, &others, &mut chance);
            }
        }
    }
}
