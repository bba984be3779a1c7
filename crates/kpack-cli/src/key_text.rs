//! Keys, digests and times as a user names them.

use std::path::Path;

use kpack::{Digest, KeyId, Timestamp};
use kpack_schema::PublicKey;

use crate::failure::Failure;
use crate::files;

const KEY_FORM: &str = "ed25519:<64 hex>, or a file that holds it";
const TIME_FORM: &str = "a time such as 2030-01-31T12:00:00Z";

/// A public key: its text, or the file that `kpack keygen` wrote it to.
pub(crate) fn public(option: &str, given: &str) -> Result<PublicKey, Failure> {
    if given.starts_with("ed25519:") {
        let malformed = |_| Failure::malformed_argument(option, given, KEY_FORM);
        return given.parse().map_err(malformed);
    }
    let path = Path::new(given);
    let bytes = files::key(path)?;
    let text = std::str::from_utf8(&bytes).ok();
    text.and_then(|text| text.trim().parse().ok())
        .ok_or_else(|| Failure::not_a_public_key(path))
}

/// The id of a key: itself, or as [`public`] names the key.
pub(crate) fn id(option: &str, given: &str) -> Result<KeyId, Failure> {
    match given.parse() {
        Ok(id) => Ok(id),
        Err(_) => Ok(KeyId::of(&public(option, given)?)),
    }
}

/// The digest of a manifest.
pub(crate) fn digest(option: &str, given: &str) -> Result<Digest, Failure> {
    let form = "sha256:<64 hex>, as kpack verify shows it";
    given
        .parse()
        .map_err(|_| Failure::malformed_argument(option, given, form))
}

/// A time, where one was given.
pub(crate) fn time(option: &str, given: Option<&str>) -> Result<Option<Timestamp>, Failure> {
    let parse = |given: &str| {
        given
            .parse()
            .map_err(|_| Failure::malformed_argument(option, given, TIME_FORM))
    };
    given.map(parse).transpose()
}
