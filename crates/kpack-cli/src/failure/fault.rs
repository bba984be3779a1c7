//! Whose fault it is that a pack was refused: who delivered it, who decides about it, or who made it.

/// Who has to act on a refused pack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// What arrived is not what was signed, or not all of it, or not the newest.
    Delivery,
    /// The operator of this host does not trust it, or no more.
    Operator,
    /// The author made a pack that no host takes, or not this one.
    Author,
}

impl Fault {
    /// By the kind of the refusal.
    pub(super) fn of_refusal(kind: &str) -> Self {
        match kind {
            "missing_signature"
            | "malformed_signature"
            | "bad_signature"
            | "digest_mismatch"
            | "undeclared_file"
            | "file_changed"
            | "rollback"
            | "unsafe_path"
            | "reserved_path"
            | "path_collision"
            | "symlink"
            | "not_a_regular_file"
            | "file_too_large"
            | "pack_too_large"
            | "too_many_files"
            | "too_deep" => Self::Delivery,
            "untrusted_key" | "key_revoked" | "key_expired" | "key_not_yet_valid"
            | "threshold_not_met" | "out_of_scope" | "manifest_revoked" | "pack_not_allowed"
            | "kernel_not_allowed" | "digest_not_allowed" => Self::Operator,
            _ => Self::Author,
        }
    }

    /// A stable name.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Delivery => "delivery",
            Self::Operator => "operator",
            Self::Author => "author",
        }
    }

    /// For people.
    pub(super) const fn words(self) -> &'static str {
        match self {
            Self::Delivery => "the fault of whoever delivered it",
            Self::Operator => "refused by the decision of this host's operator",
            Self::Author => "the fault of its author",
        }
    }
}
