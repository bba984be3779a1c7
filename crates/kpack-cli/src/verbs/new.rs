use std::fs;
use std::path::Path;

use kpack_schema::Timestamp;
use serde_json::json;

use crate::args::NewArgs;
use crate::failure::Failure;
use crate::host;
use crate::report::Report;

/// Every file of a new project, with what is filled in where.
const FILES: [(&str, &str); 6] = [
    ("Cargo.toml", include_str!("new/template/Cargo.toml.txt")),
    (
        ".cargo/config.toml",
        include_str!("new/template/config.toml.txt"),
    ),
    (".gitignore", include_str!("new/template/gitignore.txt")),
    ("README.md", include_str!("new/template/README.md.txt")),
    ("pack.toml", include_str!("new/template/pack.toml.txt")),
    ("src/lib.rs", include_str!("new/template/lib.rs.txt")),
];

/// The longest name: that of a pack.
const MAX_NAME: usize = 128;

/// Makes a folder with a kernel that builds, and a test of it.
pub(crate) fn run(args: &NewArgs) -> Result<Report, Failure> {
    let name = name(&args.name)?;
    let guest = guest(args.guest_path.as_deref())?;
    let created_at = host::now()?;
    let folder = Path::new(name);
    let failed = |error: std::io::Error| Failure::file("create", folder, &error);
    fs::create_dir(folder).map_err(failed)?;
    if let Err(error) = write_files(folder, name, &guest, &created_at) {
        // Nothing of it is a person's: the folder is of just now.
        _ = fs::remove_dir_all(folder);
        return Err(failed(error));
    }
    Ok(Report {
        text: format!("a project of kernels: {name}\nwhat to do with it: {name}/README.md\n"),
        json: json!({
            "folder": name,
            "files": FILES.iter().map(|(file, _)| *file).collect::<Vec<_>>(),
        }),
    })
}

/// A name of a pack that is also one of a crate and of a folder.
fn name(name: &str) -> Result<&str, Failure> {
    let first = name.starts_with(|first: char| first.is_ascii_lowercase());
    let rest = name
        .bytes()
        .all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_'));
    if first && rest && name.len() <= MAX_NAME {
        Ok(name)
    } else {
        let form = "lower-case letters, digits, - and _, beginning with a letter";
        Err(Failure::malformed_argument("NAME", name, form))
    }
}

/// What the project depends on: the release of this command, or a source tree.
fn guest(path: Option<&Path>) -> Result<String, Failure> {
    let version = env!("CARGO_PKG_VERSION");
    let Some(path) = path else {
        return Ok(format!("\"{version}\""));
    };
    let unreadable = |error: std::io::Error| Failure::file("read", path, &error);
    let path = path.canonicalize().map_err(unreadable)?;
    fs::metadata(path.join("Cargo.toml")).map_err(unreadable)?;
    // A JSON text is a TOML one too.
    let path = path.to_str().ok_or_else(|| Failure::not_utf8(&path))?;
    let path = json!(path);
    Ok(format!("{{ path = {path}, version = \"{version}\" }}"))
}

fn write_files(
    folder: &Path,
    name: &str,
    guest: &str,
    created_at: &Timestamp,
) -> std::io::Result<()> {
    let created_at = created_at.to_string();
    // Whole seconds: the rest tells nobody anything.
    let created_at = format!(
        "{}Z",
        created_at
            .trim_end_matches('Z')
            .split('.')
            .next()
            .unwrap_or_default()
    );
    for (file, text) in FILES {
        let path = folder.join(file);
        let within = path.parent().expect("a file stands in a folder");
        fs::create_dir_all(within)?;
        let text = text
            .replace("{{name}}", name)
            .replace("{{guest}}", guest)
            .replace("{{created_at}}", &created_at);
        fs::write(path, text)?;
    }
    Ok(())
}
