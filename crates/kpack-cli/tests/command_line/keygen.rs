use std::fs;

use crate::support::Work;

#[test]
fn a_key_is_made_in_two_files() {
    let work = Work::new();
    let made = work.ok(&["keygen", "--out", "key", "--json"]).json();
    let public = fs::read_to_string(work.path("key.pub")).unwrap();
    assert_eq!(
        public,
        format!("{}\n", made["public_key"].as_str().unwrap())
    );
    assert!(public.starts_with("ed25519:") && public.len() == 8 + 64 + 1);
    assert_eq!(made["key_id"].as_str().unwrap().len(), 64);
    assert_eq!(work.listing().len(), 2);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = fs::metadata(work.path("key")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}

#[cfg(unix)]
#[test]
fn the_umask_says_who_may_read_the_public_key() {
    use std::os::unix::fs::PermissionsExt;
    for (umask, mode) in [
        ("022", 0o644),
        ("027", 0o640),
        ("077", 0o600),
        ("000", 0o666),
    ] {
        let work = Work::new();
        let script = format!("umask {umask} && exec \"$0\" keygen --out key");
        let status = std::process::Command::new("sh")
            .args(["-c", &script, env!("CARGO_BIN_EXE_kpack")])
            .current_dir(work.path("."))
            .stdout(std::process::Stdio::null())
            .status()
            .unwrap();
        assert!(status.success());
        let mode_of = |name: &str| {
            let permissions = fs::metadata(work.path(name)).unwrap().permissions();
            permissions.mode() & 0o777
        };
        assert_eq!(
            (mode_of("key"), mode_of("key.pub")),
            (0o600, mode),
            "{umask}"
        );
    }
}

#[test]
fn the_private_key_is_shown_nowhere() {
    let work = Work::new();
    let ran = work.ok(&["keygen", "--out", "key"]);
    let private = fs::read(work.path("key")).unwrap();
    let seed: String = private[16..48].iter().map(|b| format!("{b:02x}")).collect();
    assert!(!ran.stdout.contains(&seed) && !ran.stderr.contains(&seed));
}

#[test]
fn nothing_is_overwritten() {
    for occupied in ["key", "key.pub"] {
        let work = Work::new();
        fs::write(work.path(occupied), "mine").unwrap();
        let error = work.fails(&["keygen", "--out", "key"], 1, "already_exists");
        assert!(error["message"].as_str().unwrap().contains(occupied));
        assert_eq!(fs::read_to_string(work.path(occupied)).unwrap(), "mine");
        assert_eq!(work.listing().len(), 1, "{occupied}");
    }
}

#[cfg(unix)]
#[test]
fn a_dangling_link_is_not_followed() {
    let work = Work::new();
    std::os::unix::fs::symlink("elsewhere", work.path("key")).unwrap();
    work.fails(&["keygen", "--out", "key"], 1, "already_exists");
    assert_eq!(work.listing().len(), 1);
}

#[test]
fn a_folder_that_is_not_there_is_named() {
    let work = Work::new();
    work.fails(&["keygen", "--out", "no/key"], 1, "not_found");
}
