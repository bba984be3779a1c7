//! Archives that nobody who means well would make, each for one attack.

use kpack_verify::{ArchiveError, PackBytes, PackLimits};

use super::tar::{
    BLOCK, END, GROUP_ID, GROUP_NAME, Header, LINK_NAME, MAGIC_AND_VERSION, MAJOR, MINOR, MODE,
    NAME, PREFIX, SIZE, TIME, TYPE, Tar, USER_ID, USER_NAME,
};
use super::{archive, kind, kind_within, small};

/// An archive of a manifest and one more entry.
fn with_entry(header: &Header, bytes: &[u8]) -> Vec<u8> {
    Tar::started().entry(header, bytes).end()
}

fn refused(cases: &[(&str, Vec<u8>, &str)]) {
    for (name, archive, expected) in cases {
        assert_eq!(kind(archive), *expected, "{name}");
    }
}

#[test]
fn what_is_no_archive() {
    let gzip = [&[0x1f, 0x8b, 8, 0][..], &[0x55; 2 * BLOCK]].concat();
    let zip = [&b"PK\x03\x04"[..], &[0; 2 * BLOCK]].concat();
    let json = format!("{{\"kpack_trust\": 1, {}}}", " ".repeat(BLOCK));
    refused(&[
        ("nothing", Vec::new(), "archive_truncated"),
        ("a byte", vec![0], "archive_truncated"),
        ("a text", b"{}".to_vec(), "archive_truncated"),
        ("a longer text", json.into_bytes(), "archive_header"),
        ("gzip, which could be a bomb", gzip, "archive_header"),
        ("zip", zip, "archive_header"),
        (
            "a module",
            [&b"\0asm"[..], &[1; BLOCK]].concat(),
            "archive_header",
        ),
    ]);
}

#[test]
fn an_archive_that_ends_too_early_wherever_it_ends() {
    let whole = archive(small());
    for end in 0..whole.len() {
        assert_eq!(kind(&whole[..end]), "archive_truncated", "{end} bytes");
    }
}

#[test]
fn end_blocks_that_are_missing_or_in_between() {
    let started = Tar::started();
    let zeros = [0; BLOCK];
    refused(&[
        ("none", started.clone().unfinished(), "archive_truncated"),
        (
            "one",
            started.clone().raw(&zeros).unfinished(),
            "archive_truncated",
        ),
        (
            "a gap of one block",
            started.clone().raw(&zeros).file("a", b"").end(),
            "archive_trailing_data",
        ),
        (
            "a gap of two blocks",
            started.clone().raw(&zeros).raw(&zeros).file("a", b"").end(),
            "archive_trailing_data",
        ),
        ("nothing else", Tar::default().end(), "missing_file"),
    ]);
}

#[test]
fn trailing_bytes() {
    let whole = Tar::started().end();
    let longer = |bytes: &[u8]| [&whole, bytes].concat();
    refused(&[
        ("a zero", longer(&[0]), "archive_trailing_data"),
        ("a byte", longer(b"x"), "archive_trailing_data"),
        (
            "a third end block",
            longer(&[0; BLOCK]),
            "archive_trailing_data",
        ),
        (
            "the blocks that GNU tar adds by default",
            longer(&vec![0; 10_240 - whole.len()]),
            "archive_trailing_data",
        ),
        ("an archive", longer(&whole), "archive_trailing_data"),
    ]);
    let error = PackBytes::from_archive(&longer(b"x"), &PackLimits::default()).unwrap_err();
    let offset = u64::try_from(whole.len()).unwrap();
    assert_eq!(error, ArchiveError::TrailingData { offset });
}

/// A size that is not that of the content makes two files share bytes, or leaves bytes that are
/// none's.
#[test]
fn files_that_overlap_and_gaps_between_them() {
    let content = [b'x'; 600];
    let sized = |size: usize| {
        let header = Header::file("a", size);
        Tar::started()
            .entry(&header, &content)
            .file("b", b"b")
            .end()
    };
    refused(&[
        ("as it is", sized(600), "ok"),
        (
            "a byte less, which is hidden then",
            sized(599),
            "archive_padding",
        ),
        ("within the first block", sized(88), "archive_padding"),
        (
            "one block less: the rest as a header",
            sized(512),
            "archive_header",
        ),
        ("nothing: all of it as a header", sized(0), "archive_header"),
        ("into the next header", sized(1025), "archive_padding"),
        (
            "the next header too: its file as a header",
            sized(1536),
            "archive_header",
        ),
        // Consistent in itself, and another content than the digest that was signed.
        ("a byte more, of the filling", sized(601), "ok"),
        ("the next file too", sized(2048), "ok"),
    ]);
}

#[test]
fn sizes_of_up_to_2_to_the_64() {
    let sized = |field: &[u8]| with_entry(&Header::file("a", 0).with(SIZE, field), b"");
    let base_256 = |value: u64| {
        let mut field = [0_u8; 12];
        field[0] = 0x80;
        field[4..].copy_from_slice(&value.to_be_bytes());
        sized(&field)
    };
    refused(&[
        ("8 GiB less one", sized(b"77777777777\0"), "file_too_large"),
        ("64 MiB and one", sized(b"00400000001\0"), "file_too_large"),
        (
            "64 MiB that are not there",
            sized(b"00400000000\0"),
            "archive_truncated",
        ),
        ("2^64 - 1 in base 256", base_256(u64::MAX), "archive_header"),
        ("2^63 in base 256", base_256(1 << 63), "archive_header"),
        ("0 in base 256", base_256(0), "archive_header"),
        ("-1 in base 256", sized(&[0xff; 12]), "archive_header"),
        ("twelve digits", sized(b"777777777777"), "archive_header"),
        (
            "no digit that is octal",
            sized(b"00000000008\0"),
            "archive_header",
        ),
        ("a sign", sized(b"-0000000001\0"), "archive_header"),
        ("spaces", sized(b"          0\0"), "archive_header"),
        ("fewer digits", sized(b"0\0"), "archive_header"),
        (
            "a space at the end",
            sized(b"00000000000 "),
            "archive_header",
        ),
        ("nothing", sized(b""), "archive_header"),
    ]);
    for (name, limit) in [("kernels.json", 1 << 20), ("kernels.json.sig", 64 << 10)] {
        let huge = Header::file(name, limit + 1);
        let tar = match name {
            "kernels.json" => Tar::default(),
            _ => Tar::started(),
        };
        assert_eq!(
            kind(&tar.entry(&huge, b"").end()),
            "file_too_large",
            "{name}"
        );
    }
}

/// All that is claimed is refused by the numbers alone: the bytes are not there.
#[test]
fn bombs_of_many_files_and_of_claimed_sizes() {
    let limits = PackLimits::default();
    let mut many = Tar::started();
    for number in 0..=limits.max_files {
        many = many.file(&format!("f{number:05}"), b"");
    }
    assert_eq!(kind(&many.end()), "too_many_files");

    let mut small = limits;
    small.max_total_bytes = 10;
    let tar = Tar::started().file("a", &[1; 6]);
    let second = Header::file("b", 5);
    let archive = tar.entry(&second, &[1; 5]).end();
    assert_eq!(kind_within(&archive, &small), "pack_too_large");

    let beyond = vec![0; usize::try_from(small.max_archive_bytes()).unwrap() + 1];
    assert_eq!(kind_within(&beyond, &small), "pack_too_large");
}

#[test]
fn entries_that_stand_twice_or_out_of_order() {
    let tar = |names: &[&str]| {
        let tar = Tar::default();
        names
            .iter()
            .fold(tar, |tar, name| tar.file(name, b""))
            .end()
    };
    let (manifest, signature) = ("kernels.json", "kernels.json.sig");
    refused(&[
        (
            "in order",
            tar(&[manifest, signature, "a", "a/b", "b"]),
            "path_collision",
        ),
        (
            "in order, apart",
            tar(&[manifest, signature, "B", "a-b", "a/b"]),
            "ok",
        ),
        ("no signature", tar(&[manifest, "a", "b"]), "ok"),
        (
            "a file twice",
            tar(&[manifest, "a", "a"]),
            "archive_duplicate",
        ),
        (
            "a file again later",
            tar(&[manifest, "a", "b", "a"]),
            "archive_duplicate",
        ),
        (
            "the manifest twice",
            tar(&[manifest, manifest]),
            "archive_duplicate",
        ),
        (
            "the manifest again",
            tar(&[manifest, "a", manifest]),
            "archive_duplicate",
        ),
        (
            "the signature twice",
            tar(&[manifest, signature, signature]),
            "archive_duplicate",
        ),
        (
            "the signature again",
            tar(&[manifest, signature, "a", signature]),
            "archive_duplicate",
        ),
        ("no manifest", tar(&[signature, "a"]), "archive_order"),
        ("the manifest late", tar(&["a", manifest]), "archive_order"),
        (
            "the signature late",
            tar(&[manifest, "a", signature]),
            "archive_order",
        ),
        (
            "files out of order",
            tar(&[manifest, "b", "a"]),
            "archive_order",
        ),
        (
            "in another order than that of bytes",
            tar(&[manifest, "a", "B"]),
            "archive_order",
        ),
        (
            "in the order of folders",
            tar(&[manifest, "a/b", "a-b"]),
            "archive_order",
        ),
        (
            "in letters of two cases",
            tar(&[manifest, "A", "a"]),
            "path_collision",
        ),
        (
            "folders of two cases",
            tar(&[manifest, "ROPE/x", "rope/X"]),
            "path_collision",
        ),
        (
            "a second manifest",
            tar(&[manifest, "KERNELS.json"]),
            "reserved_path",
        ),
        (
            "a second signature",
            tar(&[manifest, "Kernels.json.SIG"]),
            "reserved_path",
        ),
        (
            "a file below the manifest",
            tar(&[manifest, "kernels.json/a"]),
            "reserved_path",
        ),
    ]);
}

#[test]
fn links_devices_folders_and_extensions() {
    let typed = |byte: u8| {
        let header = Header::file("a", 0).with(TYPE, &[byte]);
        with_entry(&header.with(LINK_NAME, b"kernels.json"), b"")
    };
    assert_eq!(kind(&typed(b'0')), "archive_header", "a link's target");
    for byte in 0..=u8::MAX {
        if byte != b'0' {
            assert_eq!(
                kind(&typed(byte)),
                "archive_entry_type",
                "{}",
                byte.escape_ascii()
            );
        }
    }
    let named = |byte: u8, name: &str| {
        let error = PackBytes::from_archive(&typed(byte), &PackLimits::default());
        let text = error.unwrap_err().to_string();
        assert!(text.contains(name), "{text}");
    };
    named(b'1', "a hard link: `1`");
    named(b'2', "a symbolic link: `2`");
    named(b'3', "a device: `3`");
    named(b'5', "a folder: `5`");
    named(b'6', "a pipe: `6`");
    named(b'x', "a pax header: `x`");
    named(b'g', "a pax header: `g`");
    named(b'L', "a GNU extension: `L`");
    named(0, "a type unknown here: `\\x00`");
}

/// Long names and sparse files as other programs write them: the name in content of its own.
#[test]
fn long_names_by_pax_and_gnu_extensions() {
    let long = "d/".repeat(80) + "kernel.wasm";
    let record = format!("{} path={long}\n", long.len() + 10);
    let pax = Header::file("PaxHeaders/a", record.len()).with(TYPE, b"x");
    let gnu = Header::file("././@LongLink", long.len() + 1).with(TYPE, b"L");
    let global = Header::file("pax_global_header", 0).with(TYPE, b"g");
    let file = |tar: Tar| tar.file("a", b"").end();
    refused(&[
        (
            "pax",
            file(Tar::started().entry(&pax, record.as_bytes())),
            "archive_entry_type",
        ),
        (
            "GNU",
            file(Tar::started().entry(&gnu, long.as_bytes())),
            "archive_entry_type",
        ),
        (
            "before all",
            file(Tar::default().entry(&global, b"")),
            "archive_entry_type",
        ),
        (
            "GNU's own magic",
            with_entry(
                &Header::file("a", 0).with(MAGIC_AND_VERSION, b"ustar  \0"),
                b"",
            ),
            "archive_header",
        ),
        (
            "Unix V7",
            with_entry(&Header::file("a", 0).with(MAGIC_AND_VERSION, b""), b""),
            "archive_header",
        ),
    ]);
}

#[test]
fn names_that_lead_out_of_the_pack_or_to_what_is_none_of_its_files() {
    let named = |name: &[u8]| with_entry(&Header::file("", 0).with(NAME, name), b"");
    for name in [
        &b"../x"[..],
        b"a/../../x",
        b"/etc/passwd",
        b"C:",
        b"C:/x",
        b"\\\\?\\C:\\x",
        b"a\\b",
        b"",
        b".",
        b"./a",
        b"a/",
        b"a//b",
        b"\xc3\xa9.wasm",
        b"\xff",
        b"con.wasm",
        b"a/NUL",
        b"com1.x",
        b"trailing.",
        b".hidden",
        b"a b",
        b"a\nb",
    ] {
        assert_eq!(kind(&named(name)), "unsafe_path", "{}", name.escape_ascii());
    }
    assert_eq!(kind(&named(b"a\0b")), "archive_header", "what a NUL hides");
    let above = Header::file("x", 0).with(PREFIX, b"..");
    assert_eq!(kind(&with_entry(&above, b"")), "unsafe_path");
    let rooted = Header::file("x", 0).with(PREFIX, b"/");
    assert_eq!(kind(&with_entry(&rooted, b"")), "unsafe_path");
}

/// Whatever is in a header could carry something past a reader that does not look there.
#[test]
fn every_field_of_a_header_is_prescribed() {
    let fields: [(&str, &str, std::ops::Range<usize>, &[u8]); 16] = [
        ("the set-uid bit", "mode", MODE, b"0004755\0"),
        ("another spelling of the mode", "mode", MODE, b"   644 \0"),
        ("an owner", "user id", USER_ID, b"0001750\0"),
        (
            "an owner in base 256",
            "user id",
            USER_ID,
            b"\x80\0\0\0\0\0\0\0",
        ),
        ("a group", "group id", GROUP_ID, b"0001750\0"),
        ("a time", "time", TIME, b"14720456400\0"),
        ("a link's target", "link name", LINK_NAME, b"/etc/passwd"),
        (
            "another version",
            "version",
            MAGIC_AND_VERSION,
            b"ustar\x0001",
        ),
        ("an owner's name", "user name", USER_NAME, b"root"),
        ("a group's name", "group name", GROUP_NAME, b"root"),
        ("a device", "major device number", MAJOR, b"0000001\0"),
        ("a minor device", "minor device number", MINOR, b"0000001\0"),
        ("no device", "major device number", MAJOR, b""),
        ("something at the end", "end", END, b"x"),
        ("something in the last byte", "end", 511..512, b"x"),
        ("something behind the name", "name", 99..100, b"x"),
    ];
    for (name, field, range, bytes) in fields {
        let archive = with_entry(&Header::file("a", 0).with(range, bytes), b"");
        let error = PackBytes::from_archive(&archive, &PackLimits::default()).unwrap_err();
        let offset = 1024;
        assert_eq!(error, ArchiveError::Header { field, offset }, "{name}");
    }
    assert_eq!(kind(&with_entry(&Header::file("a", 0), b"")), "ok");
}

#[test]
fn checksums_that_are_wrong_or_spelled_otherwise() {
    let header = Header::file("a", 0);
    let error_of = |field: &[u8; 8]| {
        let archive = with_entry(&header.clone().with_checksum(field), b"");
        PackBytes::from_archive(&archive, &PackLimits::default()).unwrap_err()
    };
    for field in [
        b"000000\0 ",
        b"0000000\0",
        b"        ",
        b"010000\0 ",
        b"777777\0 ",
    ] {
        let error = error_of(field);
        let expected = ArchiveError::Header {
            field: "checksum",
            offset: 1024,
        };
        assert_eq!(error, expected, "{}", field.escape_ascii());
    }
}

#[test]
fn bytes_hidden_behind_a_file() {
    let whole = Tar::started().end();
    for at in BLOCK + 2..2 * BLOCK {
        let mut changed = whole.clone();
        changed[at] = 1;
        assert_eq!(kind(&changed), "archive_padding", "byte {at}");
    }
}

/// What is changed is seen: in the structure here, in the content by the digests later.
#[test]
fn a_flipped_bit_in_each_byte() {
    let whole = archive(small());
    let original = PackBytes::from_archive(&whole, &PackLimits::default()).unwrap();
    let mut read = 0;
    for at in 0..whole.len() {
        let mut changed = whole.clone();
        changed[at] ^= 1 << (at % 8);
        if let Ok(pack) = PackBytes::from_archive(&changed, &PackLimits::default()) {
            read += 1;
            assert!(pack.to_archive().unwrap() == changed, "byte {at}");
            assert!(!super::same(&pack, &original), "byte {at}");
        }
    }
    let content = small().files.values().map(Vec::len).sum::<usize>() + 16 + 10;
    assert_eq!(read, content, "no more than the content is free");
}
