/// The bytes of exactly `2 * N` lower-case hex characters.
///
/// One spelling for each value: what is compared as bytes can then be compared as text as well.
pub(crate) fn decode<const N: usize>(text: &str) -> Option<[u8; N]> {
    if text.bytes().any(|byte| byte.is_ascii_uppercase()) {
        return None;
    }
    let mut bytes = [0; N];
    hex::decode_to_slice(text, &mut bytes).ok()?;
    Some(bytes)
}
