//! What became of the links of a kernel's chain.

use std::error::Error;

use kpack::LinkFailure;
use serde_json::{Value, json};

/// For programs: what each link ended in, in the order of the chain.
pub(crate) fn of_links(links: &[LinkFailure]) -> Value {
    let of_link = |failure: &LinkFailure| {
        json!({
            "link": failure.link.to_string(),
            "kind": failure.error.kind(),
            "message": in_one_line(&failure.error),
        })
    };
    links.iter().map(of_link).collect()
}

/// An error and its causes.
pub(crate) fn in_one_line(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(error) = next {
        let cause = error.to_string();
        if !text.ends_with(&cause) {
            text.push_str(": ");
            text.push_str(&cause);
        }
        next = error.source();
    }
    text
}
