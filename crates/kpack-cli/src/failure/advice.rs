//! What a reader can do about each error. For people: the words may change.

use kpack::{BindError, CallError, Fault, FloorError, ReadPackError};
use kpack_verify::{AcceptedPack, FilesError, MANIFEST_FILE};

/// For the errors of which the kind says enough.
pub(super) fn of_kind(kind: &str) -> Option<&'static str> {
    Some(match kind {
        "not_found" | "unreadable" | "unwritable" => "see that the path is right and may be used",
        "not_a_folder" => {
            "hash and sign change a pack's folder: do so, and make its archive anew with kpack archive"
        }
        "not_a_pack" => "a pack is a folder that holds a kernels.json, or an archive of one",
        "archive_header" | "archive_truncated" => {
            "it is not what kpack archive wrote: get it again, or see that it is the right file"
        }
        "archive_entry_type"
        | "archive_order"
        | "archive_duplicate"
        | "archive_padding"
        | "archive_trailing_data" => "it is not what kpack archive wrote: get it again",
        "unarchivable_path" => {
            "put it into fewer folders of shorter names, or give it a shorter one"
        }
        "missing_signature" => "sign it with kpack sign, or get it whole from where it came from",
        "untrusted_key" => "if you know whose key it is, add it to trust.json",
        "bad_signature" => "get it again, or ask its author to sign it anew",
        "digest_mismatch" | "file_changed" => {
            "it is not the file that was hashed: get it again, or hash and sign it anew"
        }
        "key_revoked" | "key_expired" | "key_not_yet_valid" | "manifest_revoked" | "expired" => {
            "ask its author for a new release"
        }
        "author_signature" => "ask its author to sign it with the key that kernels.json names",
        "threshold_not_met" | "out_of_scope" => {
            "ask for the missing signature, or change trust.json"
        }
        "pack_not_allowed" | "kernel_not_allowed" | "digest_not_allowed" => {
            "if it should run here, add it to allow in trust.json"
        }
        "undeclared_file" | "unsafe_path" | "symlink" | "not_a_regular_file" => {
            "a pack holds what its manifest declares and nothing else: remove it"
        }
        "path_collision" | "reserved_path" => {
            "on some file systems two files would be one: rename it or remove it"
        }
        "file_too_large" | "pack_too_large" | "too_many_files" | "too_deep" => {
            "no host with the default limits reads such a pack: see that nothing else lies in it"
        }
        "missing_file" => "the pack is incomplete: get it again",
        "trust_expired" => {
            "get the operator's next trust.json, or kpack trust rotate --expires and sign it anew"
        }
        "trust_unproven" | "trust_unsigned" => {
            "get its trust.json.sig too; who holds a root key signs it with kpack trust sign"
        }
        "malformed_trust_signature" => {
            "get trust.json.sig again, or remove it and have the root keys sign anew"
        }
        "trust_without_roots" => {
            "the pinned roots decide here: get the trust.json that they signed"
        }
        "trust_threshold_not_met" => {
            "get it again, or have more root keys sign; after missed rotations, use each version \
             in turn"
        }
        "trust_rollback" | "trust_version_reused" => {
            "whoever delivered it withholds the newer one: get that"
        }
        "trust_unversioned" => "kpack trust counts it; by hand, write a version of 1",
        "trust_last_version" => "no change can follow: start anew with kpack trust init",
        "state_missing" => {
            "restore it from a backup; kpack trust init --state makes a first one, which knows no \
             floor"
        }
        "state_damaged" | "state_too_large" => {
            "restore it from a backup; without one, remove it and run kpack trust init --state, \
             and older packs pass until newer ones were seen"
        }
        "state_not_private" => "it must be yours, and writable by nobody else: see chmod go-w",
        "state_exists" => "the state was left as it is; nothing was pinned",
        "state_io" => "see that the folder is there and can be written",
        "trust_version" => "this kpack reads version 1: get a newer one, or write the file anew",
        "repeated_key" => "each key counts once: remove one of the two entries",
        "key_never_valid" => "not_after must be later than not_before",
        "threshold_out_of_range" => "list the keys that you trust, and ask for no more than them",
        "malformed_key" => "kpack keygen makes one; openssl genpkey -algorithm ed25519 too",
        "no_randomness" => "keys are made from the operating system's randomness alone",
        "cache_io" => "set KPACK_CACHE_DIR to a folder that can be written, or give --no-cache",
        "cache_key" => "remove the key and the entries beside it: they are made anew",
        "cache_not_private" => "it must be yours, and writable by nobody else: see chmod go-w",
        "engine_out_of_memory" => "end other programs, or use smaller tensors",
        "engine_clock_stopped" | "engine_contract" => "this is a fault of kpack or of its engine",
        "engine_missing_feature" | "engine_not_listed" | "engine_version" => {
            "see kpack inspect for what each kernel needs, and try another --backend"
        }
        _ => return None,
    })
}

/// For a pack's folder.
pub(super) fn of_read(error: &ReadPackError) -> Option<&'static str> {
    match error {
        ReadPackError::NotFound { path } if path == MANIFEST_FILE => {
            Some("a pack is a folder that holds a kernels.json: is this the right one?")
        }
        other => of_kind(other.kind()),
    }
}

/// For what was accepted before.
pub(super) const fn of_floor(error: &FloorError) -> &'static str {
    match (error, error.accepted_pack()) {
        (_, AcceptedPack::Revoked) => {
            "its manifest is revoked, and its floor stands: ask its author for a release with a \
             higher sequence, or revoke a key that signed it, if it was stolen"
        }
        (FloorError::Reused { .. }, AcceptedPack::Standing) => {
            "ask its author for a release with a higher sequence; if a key that signed the other one \
             was stolen, revoke it: the floor is then forgotten"
        }
        (_, AcceptedPack::Standing) => {
            "get the newer one, or ask its author for a new release; if a key that set the floor was \
             stolen, revoke it: the floor is then forgotten"
        }
    }
}

/// For an author whose pack is not what its manifest says.
pub(super) const fn of_files(error: &FilesError) -> &'static str {
    match error {
        FilesError::Missing { .. } => "put the file there, or take it out of kernels.json",
        FilesError::Undeclared { .. } => "remove the file, or declare it in kernels.json",
        _ => "run kpack hash when the files are as they should be",
    }
}

/// For a user whose tensors, sizes or parameters do not fit.
pub(super) const fn of_bind(error: &BindError) -> &'static str {
    match error {
        BindError::MissingInput { .. } => "give a tensor of this name",
        BindError::UnknownInput { .. } => "leave it out",
        BindError::RepeatedInput { .. }
        | BindError::RepeatedDimension { .. }
        | BindError::RepeatedParam { .. } => "give it once",
        BindError::Shape { .. } => {
            "a dimension has one size wherever it stands; leading dimensions are flattened by the \
             caller"
        }
        BindError::MissingDimension { .. } => "give it a size",
        BindError::UnknownDimension { .. } => "give sizes to those that inputs have",
        BindError::DimensionOutOfRange { .. } | BindError::Dimension { .. } => {
            "give another size to the dimensions of the inputs"
        }
        BindError::Length { .. } => "use smaller tensors, and whole blocks of q8 and q4",
        BindError::MissingParam { .. } => "it has no default: give --param NAME=VALUE",
        BindError::UnknownParam { .. } => "leave it out",
        BindError::ParamValue { .. } => "give a value that its type holds",
        _ => "kpack inspect shows the bounds in the manifest",
    }
}

/// For a call that gave no result.
pub(super) fn of_call(error: &CallError) -> Option<&'static str> {
    match error {
        CallError::Bind(error) => Some(of_bind(error)),
        CallError::DataType { .. } => Some("convert the tensor to the type that the kernel takes"),
        CallError::Rejected { .. } => Some("the kernel does not take these tensors or parameters"),
        CallError::Fault(fault) => Some(of_fault(fault)),
        other => of_kind(other.kind()),
    }
}

const fn of_fault(fault: &Fault) -> &'static str {
    match fault {
        Fault::MemoryLimit { .. } => "use smaller tensors, or a pack with higher max_memory_pages",
        Fault::StackOverflow => "the kernel needs a higher max_stack_size",
        Fault::Deadline { .. } => "use smaller tensors, or a pack with higher max_epoch_ticks",
        Fault::Status { code: 4 } => {
            "4 is OUT_OF_MEMORY: the kernel has too little room of its own"
        }
        Fault::Status { code: 5 } => "5 is NOT_IMPLEMENTED: the kernel does not do what was asked",
        Fault::Status { code: 6 } => "6 is INTERNAL_ERROR: tell the kernel's author",
        Fault::Status { .. } => "no status of the interface has this number: tell its author",
        _ => "this is a fault of the kernel: tell its author",
    }
}
