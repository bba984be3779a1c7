use std::sync::LazyLock;

use kpack_verify::{PackBytes, PackParts, SignatureFile};
use serde_json::json;

use super::{Verdict, expect_showable};
use crate::Signer;

/// A pack that is signed as it should be.
static PACK: LazyLock<(Signer, PackParts)> = LazyLock::new(|| {
    let signer = Signer::new();
    let pack = signer.signed(b"\0asm\x01\0\0\0", &json!({}));
    (signer, pack.expect("a plain pack"))
});

/// A `kernels.json.sig`, beside a manifest that was signed with another one.
pub(super) fn read(bytes: &[u8]) -> Verdict {
    let (signer, parts) = &*PACK;
    let file = match SignatureFile::parse(bytes) {
        Ok(file) => file,
        Err(error) => {
            expect_showable(&error);
            return Verdict::Refused;
        }
    };
    let again = SignatureFile::parse(file.to_json().as_bytes());
    assert_eq!(again.expect("what was written can be read"), file);

    let pack = PackBytes::new(PackParts {
        signature: Some(bytes.to_vec()),
        ..parts.clone()
    });
    let judged = signer.judge(pack.expect("no larger than what was parsed"));
    // Ed25519 is deterministic, and ring takes no second form of a signature.
    let genuine = signer.key().sign_manifest(&parts.manifest);
    let is_genuine = file.signature(signer.key().id()) == Some(&genuine.signature());
    match judged {
        Ok(_) => {
            assert!(is_genuine, "a forged signature was accepted: {file:?}");
            Verdict::Accepted
        }
        Err(error) => {
            assert!(!is_genuine, "a genuine signature was refused: {error}");
            expect_showable(&error);
            Verdict::Refused
        }
    }
}
