use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use kpack_verify::SigningKey;
use serde_json::json;

use crate::args::KeygenArgs;
use crate::failure::Failure;
use crate::report::Report;

/// Makes a key pair in two new files.
pub(crate) fn run(args: &KeygenArgs) -> Result<Report, Failure> {
    let private = &args.out;
    let public = public_path(private);
    let key = SigningKey::generate()?;
    let public_text = key.public_key().to_string();

    let unwritable = |path: &Path, error: &io::Error| {
        let failure = Failure::file("create", path, error);
        if error.kind() == io::ErrorKind::AlreadyExists {
            return failure.help("keys are never overwritten: choose another path");
        }
        failure
    };
    let private_file =
        NewFile::create(private, Readers::Owner).map_err(|error| unwritable(private, &error))?;
    let public_file =
        NewFile::create(&public, Readers::Umask).map_err(|error| unwritable(&public, &error))?;
    let private_file = private_file
        .write(key.to_pkcs8_der())
        .map_err(|error| unwritable(private, &error))?;
    let public_file = public_file
        .write(format!("{public_text}\n").as_bytes())
        .map_err(|error| unwritable(&public, &error))?;
    private_file.keep();
    public_file.keep();

    Ok(Report {
        text: format!(
            "private key  {}\npublic key   {}\n{public_text}\n",
            private.display(),
            public.display()
        ),
        json: json!({
            "private_key_file": private.display().to_string(),
            "public_key_file": public.display().to_string(),
            "public_key": public_text,
            "key_id": key.id().to_string(),
        }),
    })
}

fn public_path(private: &Path) -> PathBuf {
    let mut path = OsString::from(private);
    path.push(".pub");
    path.into()
}

/// A file that this process made, and removes again unless it is kept.
struct NewFile {
    path: PathBuf,
    file: File,
    fate: Fate,
}

/// Who may read a new file.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Readers {
    /// Its owner alone.
    Owner,
    /// Whoever the process's umask lets read its files.
    Umask,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Fate {
    Removed,
    Kept,
}

impl NewFile {
    /// Fails where anything stands at the path, a dangling link too.
    fn create(path: &Path, readers: Readers) -> io::Result<Self> {
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        restrict(&mut options, readers);
        Ok(Self {
            file: options.open(path)?,
            path: path.to_owned(),
            fate: Fate::Removed,
        })
    }

    fn write(mut self, bytes: &[u8]) -> io::Result<Self> {
        self.file.write_all(bytes)?;
        self.file.sync_all()?;
        Ok(self)
    }

    fn keep(mut self) {
        self.fate = Fate::Kept;
    }
}

#[cfg(unix)]
fn restrict(options: &mut OpenOptions, readers: Readers) {
    use std::os::unix::fs::OpenOptionsExt;
    options.mode(match readers {
        Readers::Owner => 0o600,
        Readers::Umask => 0o666,
    });
}

#[cfg(not(unix))]
fn restrict(_options: &mut OpenOptions, _readers: Readers) {}

impl Drop for NewFile {
    fn drop(&mut self) {
        if self.fate == Fate::Removed {
            _ = fs::remove_file(&self.path);
        }
    }
}
