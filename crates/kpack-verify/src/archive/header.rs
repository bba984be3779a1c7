use std::ops::Range;

use kpack_schema::PackPath;

use super::error::{ArchiveError, UnarchivableError};

/// Everything in an archive comes in blocks of this size.
pub(super) const BLOCK_BYTES: usize = 512;

pub(super) type Block = [u8; BLOCK_BYTES];

/// What a header says of the file behind it; all else in it is the same for every file.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) path: PackPath,
    /// In bytes.
    pub(super) size: u64,
}

/// What is wrong with a header, wherever it stands.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Problem {
    Field(&'static str),
    EntryType(u8),
    Path(kpack_schema::PathError),
}

const REGULAR_FILE: u8 = b'0';

/// Eleven octal digits.
const MAX_SIZE: u64 = 0o777_7777_7777;

const NAME: Range<usize> = 0..100;
const SIZE: Range<usize> = 124..136;
const CHECKSUM: Range<usize> = 148..156;
const TYPE: usize = 156;
const MAGIC: Range<usize> = 257..263;
const PREFIX: Range<usize> = 345..500;

/// The fields of POSIX.1-1988 in the order in which a difference is reported: first those without
/// which nothing else means anything, and last the checksum, which differs with every other one.
const FIELDS: [(&str, Range<usize>); 17] = [
    ("magic", MAGIC),
    ("version", 263..265),
    ("type", TYPE..157),
    ("size", SIZE),
    ("name", NAME),
    ("prefix", PREFIX),
    ("mode", 100..108),
    ("user id", 108..116),
    ("group id", 116..124),
    ("time", 136..148),
    ("link name", 157..257),
    ("user name", 265..297),
    ("group name", 297..329),
    ("major device number", 329..337),
    ("minor device number", 337..345),
    ("end", 500..BLOCK_BYTES),
    ("checksum", CHECKSUM),
];

/// The header of a regular file, as GNU tar writes it with `--format=ustar --numeric-owner --owner=0
/// --group=0 --mode=0644 --mtime=@0`.
///
/// # Errors
/// Where the path cannot be cut into the two fields that the format has for it, or the size has
/// more digits than its field.
pub(super) fn block(path: &str, size: usize) -> Result<Block, UnarchivableError> {
    let size = u64::try_from(size).unwrap_or(u64::MAX);
    let path_error = || UnarchivableError::Path {
        path: path.to_owned(),
    };
    let (prefix, name) = cut(path).ok_or_else(path_error)?;
    if size > MAX_SIZE {
        return Err(UnarchivableError::Size {
            path: path.to_owned(),
            found: size,
            limit: MAX_SIZE,
        });
    }
    Ok(canonical(prefix, name, size))
}

/// Where a path is longer than the field of the name, it is cut at the last `/` that leaves no more
/// before it than the field of the prefix holds.
fn cut(path: &str) -> Option<(&str, &str)> {
    if path.len() <= NAME.len() {
        return Some(("", path));
    }
    let reach = path.as_bytes().get(..=PREFIX.len());
    let reach = reach.unwrap_or(path.as_bytes());
    let at = reach.iter().rposition(|&byte| byte == b'/')?;
    let (prefix, name) = (path.get(..at)?, path.get(at + 1..)?);
    (1..=NAME.len())
        .contains(&name.len())
        .then_some((prefix, name))
}

fn canonical(prefix: &str, name: &str, size: u64) -> Block {
    let mut block = [0; BLOCK_BYTES];
    let mut put = |at: usize, text: &[u8]| block[at..at + text.len()].copy_from_slice(text);
    put(NAME.start, name.as_bytes());
    put(100, b"0000644\0");
    put(108, b"0000000\0");
    put(116, b"0000000\0");
    put(SIZE.start, format!("{size:011o}\0").as_bytes());
    put(136, b"00000000000\0");
    put(TYPE, &[REGULAR_FILE]);
    put(MAGIC.start, b"ustar\0");
    put(263, b"00");
    put(329, b"0000000\0");
    put(337, b"0000000\0");
    put(PREFIX.start, prefix.as_bytes());
    let checksum = checksum(&block);
    block[CHECKSUM].copy_from_slice(&checksum);
    block
}

/// The sum of all bytes of a header, its own field taken as spaces.
fn checksum(block: &Block) -> [u8; 8] {
    let outside = block.iter().enumerate();
    let outside = outside.filter(|(at, _)| !CHECKSUM.contains(at));
    let sum: u32 = outside.map(|(_, &byte)| u32::from(byte)).sum();
    let field = format!("{:06o}\0 ", sum + u32::from(b' ') * 8);
    let field: Result<[u8; 8], _> = field.as_bytes().try_into();
    field.expect("six octal digits hold the sum of 512 bytes")
}

impl Header {
    /// Reads a header that is the canonical one of its path and size.
    pub(super) fn parse(block: &Block) -> Result<Self, Problem> {
        if block[MAGIC] != *b"ustar\0" {
            return Err(Problem::Field("magic"));
        }
        if block[CHECKSUM] != checksum(block) {
            return Err(Problem::Field("checksum"));
        }
        if block[TYPE] != REGULAR_FILE {
            return Err(Problem::EntryType(block[TYPE]));
        }
        let size = octal(&block[SIZE]).ok_or(Problem::Field("size"))?;
        let path = path(block)?;
        let (prefix, name) = cut(path.as_str()).ok_or(Problem::Field("prefix"))?;
        let expected = canonical(prefix, name, size);
        let differs =
            |(_, range): &&(&str, Range<usize>)| block[range.clone()] != expected[range.clone()];
        match FIELDS.iter().find(differs) {
            Some((field, _)) => Err(Problem::Field(field)),
            None => Ok(Self { path, size }),
        }
    }
}

/// Eleven octal digits and a NUL. Larger numbers, which other programs write in base 256, and shorter
/// forms are none.
fn octal(field: &[u8]) -> Option<u64> {
    let (&0, digits) = field.split_last()? else {
        return None;
    };
    digits.iter().try_fold(0_u64, |number, &digit| {
        let digit = digit.checked_sub(b'0').filter(|&digit| digit < 8)?;
        Some(number * 8 + u64::from(digit))
    })
}

fn path(block: &Block) -> Result<PackPath, Problem> {
    let text = |field: &[u8]| {
        let text = field.split(|&byte| byte == 0).next();
        String::from_utf8_lossy(text.unwrap_or(field)).into_owned()
    };
    let (prefix, name) = (text(&block[PREFIX]), text(&block[NAME]));
    let whole = if prefix.is_empty() {
        name
    } else {
        format!("{prefix}/{name}")
    };
    // What is not UTF-8 has become a character that no path may have.
    whole.parse().map_err(Problem::Path)
}

impl Problem {
    /// As an error of the header at this byte of an archive.
    pub(super) fn at(self, offset: usize) -> ArchiveError {
        let offset = u64::try_from(offset).unwrap_or(u64::MAX);
        match self {
            Self::Field(field) => ArchiveError::Header { field, offset },
            Self::EntryType(found) => ArchiveError::EntryType { found, offset },
            Self::Path(source) => ArchiveError::UnsafePath { offset, source },
        }
    }
}
