use kpack_verify::{PackBytes, PackLimits};

use super::{Verdict, expect_showable};

/// A `.kpack`. What is taken is the one spelling of its pack.
pub(super) fn read(bytes: &[u8]) -> Verdict {
    match PackBytes::from_archive(bytes, &PackLimits::default()) {
        Ok(pack) => {
            let again = pack
                .to_archive()
                .expect("a pack that was read can be written");
            assert_eq!(again, bytes, "an archive in another spelling was taken");
            Verdict::Accepted
        }
        Err(error) => {
            expect_showable(&error);
            Verdict::Refused
        }
    }
}
