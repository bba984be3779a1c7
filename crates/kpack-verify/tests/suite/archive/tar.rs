//! Archives written field by field, as POSIX has them and independently of the code under test.

use std::ops::Range;

pub(super) const BLOCK: usize = 512;

pub(super) const NAME: Range<usize> = 0..100;
pub(super) const MODE: Range<usize> = 100..108;
pub(super) const USER_ID: Range<usize> = 108..116;
pub(super) const GROUP_ID: Range<usize> = 116..124;
pub(super) const SIZE: Range<usize> = 124..136;
pub(super) const TIME: Range<usize> = 136..148;
pub(super) const CHECKSUM: Range<usize> = 148..156;
pub(super) const TYPE: Range<usize> = 156..157;
pub(super) const LINK_NAME: Range<usize> = 157..257;
pub(super) const MAGIC_AND_VERSION: Range<usize> = 257..265;
pub(super) const USER_NAME: Range<usize> = 265..297;
pub(super) const GROUP_NAME: Range<usize> = 297..329;
pub(super) const MAJOR: Range<usize> = 329..337;
pub(super) const MINOR: Range<usize> = 337..345;
pub(super) const PREFIX: Range<usize> = 345..500;
pub(super) const END: Range<usize> = 500..512;

/// One header; its checksum is right until it is overwritten.
#[derive(Clone)]
pub(super) struct Header([u8; BLOCK]);

impl Header {
    pub(super) fn file(name: &str, size: usize) -> Self {
        Self([0; BLOCK])
            .with(NAME, name.as_bytes())
            .with(MODE, b"0000644\0")
            .with(USER_ID, b"0000000\0")
            .with(GROUP_ID, b"0000000\0")
            .with(SIZE, format!("{size:011o}\0").as_bytes())
            .with(TIME, b"00000000000\0")
            .with(TYPE, b"0")
            .with(MAGIC_AND_VERSION, b"ustar\x0000")
            .with(MAJOR, b"0000000\0")
            .with(MINOR, b"0000000\0")
    }

    /// The same header with these bytes at the start of a field, zeros behind them.
    pub(super) fn with(mut self, field: Range<usize>, bytes: &[u8]) -> Self {
        self.0[field.clone()].fill(0);
        self.0[field][..bytes.len()].copy_from_slice(bytes);
        self.0[CHECKSUM].fill(b' ');
        let sum: u32 = self.0.iter().map(|&byte| u32::from(byte)).sum();
        self.0[CHECKSUM].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        self
    }

    pub(super) fn with_checksum(mut self, field: &[u8; 8]) -> Self {
        self.0[CHECKSUM].copy_from_slice(field);
        self
    }
}

/// An archive under construction.
#[derive(Clone, Default)]
pub(super) struct Tar(Vec<u8>);

impl Tar {
    /// A manifest and nothing else so far.
    pub(super) fn started() -> Self {
        Self::default().file("kernels.json", b"{}")
    }

    pub(super) fn file(self, name: &str, bytes: &[u8]) -> Self {
        self.entry(&Header::file(name, bytes.len()), bytes)
    }

    pub(super) fn entry(self, header: &Header, bytes: &[u8]) -> Self {
        let mut whole = self.raw(&header.0).raw(bytes);
        whole.0.resize(whole.0.len().next_multiple_of(BLOCK), 0);
        whole
    }

    pub(super) fn raw(mut self, bytes: &[u8]) -> Self {
        self.0.extend(bytes);
        self
    }

    pub(super) fn unfinished(self) -> Vec<u8> {
        self.0
    }

    pub(super) fn end(self) -> Vec<u8> {
        self.raw(&[0; 2 * BLOCK]).0
    }
}
