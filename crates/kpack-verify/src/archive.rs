//! A pack in one file: a tar archive in the `ustar` format, of which every byte is prescribed.
//!
//! `docs/pack-format.md` has the rules. They leave one archive for each pack, so reading is strict in
//! the simplest way: each header must be the very block that the writer makes for its path and size.

mod error;
mod header;

use std::collections::BTreeMap;

use kpack_schema::PackPath;

pub use error::{ArchiveError, UnarchivableError};

use self::header::{BLOCK_BYTES, Block, Header};
use crate::{MANIFEST_FILE, PackBytes, PackLimits, PackParts, SIGNATURE_FILE};

/// An archive ends in two blocks of zeros.
const END_BLOCKS: usize = 2;

impl PackBytes {
    /// Takes a pack out of the bytes of its archive. Nothing is copied before every header was read,
    /// so that what is kept is bounded by `limits` and by what is really there.
    ///
    /// # Errors
    /// [`ArchiveError`] names what is not as it must be, and where.
    pub fn from_archive(archive: &[u8], limits: &PackLimits) -> Result<Self, ArchiveError> {
        let parts = Entries::read(archive, limits)?.into_parts();
        Ok(Self::with_limits(parts, limits)?)
    }

    /// The archive of this pack. The same pack gives the same bytes everywhere, and
    /// [`from_archive`](Self::from_archive) reads no others for it.
    ///
    /// # Errors
    /// [`UnarchivableError`] where a path or a size does not fit into the format.
    pub fn to_archive(&self) -> Result<Vec<u8>, UnarchivableError> {
        let mut archive = Vec::new();
        append(&mut archive, MANIFEST_FILE, self.manifest())?;
        if let Some(signature) = self.signature() {
            append(&mut archive, SIGNATURE_FILE, signature)?;
        }
        for (path, bytes) in self.files() {
            append(&mut archive, path.as_str(), bytes)?;
        }
        archive.extend([0; BLOCK_BYTES * END_BLOCKS]);
        Ok(archive)
    }
}

impl PackLimits {
    /// The size of the largest archive of a pack within these limits, in bytes.
    #[must_use]
    pub fn max_archive_bytes(&self) -> u64 {
        let bytes = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
        let entries = bytes(self.max_files).saturating_add(2);
        // A header, and less than one block to fill up the last one of the content.
        let around_each = bytes(2 * BLOCK_BYTES - 1);
        bytes(self.max_manifest_bytes)
            .saturating_add(bytes(self.max_signature_bytes))
            .saturating_add(bytes(self.max_total_bytes))
            .saturating_add(entries.saturating_mul(around_each))
            .saturating_add(bytes(END_BLOCKS * BLOCK_BYTES))
    }
}

fn append(archive: &mut Vec<u8>, path: &str, bytes: &[u8]) -> Result<(), UnarchivableError> {
    archive.extend(header::block(path, bytes.len())?);
    archive.extend(bytes);
    archive.resize(archive.len().next_multiple_of(BLOCK_BYTES), 0);
    Ok(())
}

/// The files of an archive, where they lie in it.
struct Entries<'a> {
    manifest: &'a [u8],
    signature: Option<&'a [u8]>,
    files: BTreeMap<PackPath, &'a [u8]>,
}

impl<'a> Entries<'a> {
    fn read(archive: &'a [u8], limits: &PackLimits) -> Result<Self, ArchiveError> {
        let found = u64::try_from(archive.len()).unwrap_or(u64::MAX);
        let limit = limits.max_archive_bytes();
        if found > limit {
            return Err(ArchiveError::TooLarge { found, limit });
        }
        let mut reader = Reader {
            archive,
            at: 0,
            limits: *limits,
            room: limits.max_total_bytes,
        };
        let mut entries = Self {
            manifest: reader.manifest()?,
            signature: None,
            files: BTreeMap::new(),
        };
        while let Some(header) = reader.header()? {
            entries.take(&mut reader, header)?;
        }
        Ok(entries)
    }

    /// One entry behind the manifest: the signature, which can only be the first, or a file.
    fn take(&mut self, reader: &mut Reader<'a>, header: Header) -> Result<(), ArchiveError> {
        let path = header.path;
        let is_first = self.signature.is_none() && self.files.is_empty();
        match path.as_str() {
            MANIFEST_FILE => return Err(ArchiveError::Duplicate { path }),
            SIGNATURE_FILE if is_first => {
                let limit = reader.limits.max_signature_bytes;
                self.signature = Some(reader.content(&path, header.size, limit)?);
                return Ok(());
            }
            SIGNATURE_FILE if self.signature.is_some() => {
                return Err(ArchiveError::Duplicate { path });
            }
            SIGNATURE_FILE => return Err(ArchiveError::Order { path }),
            _ => {}
        }
        if self.files.contains_key(&path) {
            return Err(ArchiveError::Duplicate { path });
        }
        if self
            .files
            .last_key_value()
            .is_some_and(|(last, _)| *last > path)
        {
            return Err(ArchiveError::Order { path });
        }
        let bytes = reader.file(&path, header.size, self.files.len())?;
        self.files.insert(path, bytes);
        Ok(())
    }

    fn into_parts(self) -> PackParts {
        let owned = |(path, bytes): (PackPath, &[u8])| (path, bytes.to_vec());
        PackParts {
            manifest: self.manifest.to_vec(),
            signature: self.signature.map(<[u8]>::to_vec),
            files: self.files.into_iter().map(owned).collect(),
        }
    }
}

/// A place in an archive, and how much more it may hold.
struct Reader<'a> {
    archive: &'a [u8],
    at: usize,
    limits: PackLimits,
    /// What all further files may have together, in bytes.
    room: usize,
}

impl<'a> Reader<'a> {
    /// The first entry, which is the manifest.
    fn manifest(&mut self) -> Result<&'a [u8], ArchiveError> {
        match self.header()? {
            None => Err(ArchiveError::NoManifest),
            Some(Header { path, size }) if path.as_str() == MANIFEST_FILE => {
                self.content(&path, size, self.limits.max_manifest_bytes)
            }
            Some(Header { path, .. }) => Err(ArchiveError::Order { path }),
        }
    }

    /// The next header; `None` at the end, behind which there is nothing.
    fn header(&mut self) -> Result<Option<Header>, ArchiveError> {
        let at = self.at;
        let block = self.block()?;
        if block.iter().any(|&byte| byte != 0) {
            return Header::parse(block)
                .map(Some)
                .map_err(|problem| problem.at(at));
        }
        for _ in 1..END_BLOCKS {
            let at = self.at;
            if self.block()?.iter().any(|&byte| byte != 0) {
                return Err(ArchiveError::trailing_data(at));
            }
        }
        if self.at < self.archive.len() {
            return Err(ArchiveError::trailing_data(self.at));
        }
        Ok(None)
    }

    /// The content of a file that is neither the manifest nor its signature, of which there are
    /// `before` so far.
    fn file(
        &mut self,
        path: &PackPath,
        size: u64,
        before: usize,
    ) -> Result<&'a [u8], ArchiveError> {
        if before >= self.limits.max_files {
            return Err(ArchiveError::too_many_files(&self.limits));
        }
        let limit = self.limits.max_file_bytes;
        let fits_file = usize::try_from(size).is_ok_and(|size| size <= limit);
        let rest = usize::try_from(size)
            .ok()
            .and_then(|size| self.room.checked_sub(size));
        match rest {
            None if fits_file => return Err(ArchiveError::pack_too_large(path, &self.limits)),
            None => {}
            Some(rest) => self.room = rest,
        }
        self.content(path, size, limit)
    }

    /// The content of a file, of at most `limit` bytes, and the zeros that fill up its last block.
    fn content(
        &mut self,
        path: &PackPath,
        size: u64,
        limit: usize,
    ) -> Result<&'a [u8], ArchiveError> {
        let size = usize::try_from(size)
            .ok()
            .filter(|&size| size <= limit)
            .ok_or_else(|| ArchiveError::file_too_large(path, size, limit))?;
        let content = self.bytes(size)?;
        let filled = size.checked_next_multiple_of(BLOCK_BYTES).unwrap_or(size);
        let filling = self.bytes(filled - size)?;
        if filling.iter().any(|&byte| byte != 0) {
            return Err(ArchiveError::Padding { path: path.clone() });
        }
        Ok(content)
    }

    fn block(&mut self) -> Result<&'a Block, ArchiveError> {
        let at = self.at;
        let bytes = self.bytes(BLOCK_BYTES)?;
        bytes.first_chunk().ok_or(ArchiveError::truncated(at))
    }

    fn bytes(&mut self, count: usize) -> Result<&'a [u8], ArchiveError> {
        let end = self.at.checked_add(count);
        let bytes = end.and_then(|end| self.archive.get(self.at..end));
        let bytes = bytes.ok_or(ArchiveError::truncated(self.archive.len()))?;
        self.at += count;
        Ok(bytes)
    }
}
