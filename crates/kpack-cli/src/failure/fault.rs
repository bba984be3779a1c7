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

const DELIVERY: &[&str] = &[
    "missing_signature",
    "malformed_signature",
    "bad_signature",
    "digest_mismatch",
    "undeclared_file",
    "file_changed",
    "rollback",
    "unsafe_path",
    "reserved_path",
    "path_collision",
    "symlink",
    "not_a_regular_file",
    "file_too_large",
    "pack_too_large",
    "too_many_files",
    "too_deep",
    "archive_truncated",
    "archive_header",
    "archive_entry_type",
    "archive_order",
    "archive_duplicate",
    "archive_padding",
    "archive_trailing_data",
];

const OPERATOR: &[&str] = &[
    "untrusted_key",
    "key_revoked",
    "key_expired",
    "key_not_yet_valid",
    "threshold_not_met",
    "out_of_scope",
    "manifest_revoked",
    "pack_not_allowed",
    "kernel_not_allowed",
    "digest_not_allowed",
];

const AUTHOR: &[&str] = &[
    "expired",
    "sequence_reused",
    "author_signature",
    "weak_key",
    "malformed_manifest",
    "invalid_manifest",
    "unarchivable_path",
    "malformed_vector",
    "engine_compile",
    "engine_not_listed",
    "engine_version",
    "engine_missing_feature",
    // The static policy.
    "not_a_module",
    "component",
    "invalid_module",
    "undeclared_feature",
    "forbidden_proposal",
    "import",
    "start_function",
    "memory_export",
    "entry_point_missing",
    "entry_point_type",
    "memory_minimum",
    "table_minimum",
    "too_many_globals",
    "module_too_large",
    "code_too_large",
    "function_body_too_large",
    "type_too_large",
    "data_too_large",
    "custom_sections_too_large",
    "nesting_too_deep",
    "control_flow_too_complex",
    "too_many_functions",
    "too_many_locals",
    "too_many_assignments",
    "too_many_blocks",
    "too_many_calls",
    "too_many_calls_together",
    "too_many_live_values",
    "too_many_operands",
    "too_many_types",
    "too_many_tables",
    "too_many_exports",
    "too_many_element_segments",
    "too_many_element_items",
    "too_many_data_segments",
    "too_many_custom_sections",
];

const LISTS: [(Fault, &[&str]); 3] = [
    (Fault::Delivery, DELIVERY),
    (Fault::Operator, OPERATOR),
    (Fault::Author, AUTHOR),
];

impl Fault {
    /// By the kind of the refusal; `None` for one that no list has, of which nobody is blamed.
    pub(super) fn of_refusal(kind: &str) -> Option<Self> {
        let list = LISTS.iter().find(|(_, kinds)| kinds.contains(&kind));
        list.map(|(fault, _)| *fault)
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// Every kind with the exit code 3 in `docs/command-line.md`, which is held against the libraries.
    fn refusals() -> BTreeSet<&'static str> {
        let page = include_str!("../../../../docs/command-line.md");
        let cells = |row: &'static str| -> Vec<&'static str> { row.split('|').collect() };
        let rows = page.lines().map(cells).filter(|cells| {
            let code = cells.get(2).map(|cell| cell.trim());
            code == Some("3")
        });
        rows.flat_map(|cells| cells[1].split(','))
            .map(|name| name.trim().trim_matches('`'))
            .collect()
    }

    #[test]
    fn each_refusal_is_of_one_fault() {
        let listed: Vec<&str> = LISTS
            .iter()
            .flat_map(|(_, kinds)| *kinds)
            .copied()
            .collect();
        let distinct: BTreeSet<&str> = listed.iter().copied().collect();
        assert_eq!(listed.len(), distinct.len(), "in two lists");
        assert_eq!(distinct, refusals());
    }

    #[test]
    fn an_archive_that_was_cut_off_is_not_the_authors_fault() {
        for kind in refusals()
            .iter()
            .filter(|kind| kind.starts_with("archive_"))
        {
            assert_eq!(Fault::of_refusal(kind), Some(Fault::Delivery), "{kind}");
        }
    }
}
