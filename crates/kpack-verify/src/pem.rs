//! The envelope around a private key, read as leniently as common tools write it.

use zeroize::Zeroizing;

const BEGIN: &[u8] = b"-----BEGIN ";
const LABEL: &str = "PRIVATE KEY";
const LINE: usize = 64;

/// Whether there is an envelope of any label.
pub(crate) fn is_pem(stored: &[u8]) -> bool {
    find(stored, BEGIN).is_some()
}

/// The DER document in the first envelope labelled `PRIVATE KEY`.
///
/// What stands before and behind the envelope does not count, and neither do white space and the
/// length of lines within it: tools put texts and attributes around keys, and wrap at other widths.
/// The base64 itself is read strictly, and in a time that does not depend on it.
///
/// # Errors
///
/// What is wrong, for people.
pub(crate) fn private_key(stored: &[u8]) -> Result<Zeroizing<Vec<u8>>, String> {
    let begin = format!("-----BEGIN {LABEL}-----");
    let end = format!("-----END {LABEL}-----");
    let Some(at) = find(stored, begin.as_bytes()) else {
        return Err(other_label(stored));
    };
    let rest = &stored[at + begin.len()..];
    let Some(len) = find(rest, end.as_bytes()) else {
        return Err(format!("there is no {end}"));
    };
    let strict = strict(&begin, &rest[..len], &end);
    pem_rfc7468::decode_vec(&strict)
        .map(|(_, der)| Zeroizing::new(der))
        .map_err(|error| error.to_string())
}

/// The envelope as the strict reader wants it: one body in lines of 64 characters.
fn strict(begin: &str, body: &[u8], end: &str) -> Zeroizing<Vec<u8>> {
    let kept = body.iter().filter(|b| !b.is_ascii_whitespace());
    let mut pem = Zeroizing::new(Vec::with_capacity(2 * body.len() + 2 * LINE));
    pem.extend(begin.as_bytes());
    for (index, &byte) in kept.enumerate() {
        if index % LINE == 0 {
            pem.push(b'\n');
        }
        pem.push(byte);
    }
    pem.push(b'\n');
    pem.extend(end.as_bytes());
    pem.push(b'\n');
    pem
}

fn other_label(stored: &[u8]) -> String {
    let label = find(stored, BEGIN).and_then(|at| {
        let rest = &stored[at + BEGIN.len()..];
        let label = &rest[..find(rest, b"-----")?];
        let is_label = |b: &u8| b.is_ascii_uppercase() || *b == b' ';
        std::str::from_utf8(label)
            .ok()
            .filter(|label| label.len() <= LINE && label.bytes().all(|b| is_label(&b)))
    });
    match label {
        Some(label) => format!("it is labelled {label}"),
        None => format!("there is no -----BEGIN {LABEL}-----"),
    }
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes
        .windows(wanted.len())
        .position(|window| window == wanted)
}
