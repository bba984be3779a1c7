mod floors;

use kpack::{
    HostState, KeyId, PinnedTrust, ProvenTrust, Roots, Timestamp, TrustFile, TrustOnDisk,
    TrustOrigin, TrustProofError,
};
use kpack_verify::{SignatureFile, TrustEntry};
use serde_json::{Value, json};

use crate::args::ShowArgs;
use crate::failure::Failure;
use crate::host;
use crate::report::{Report, table};
use crate::state;

/// Shows a trust file, by whose word it would decide, and what the state remembers. Nothing is
/// changed, nothing is pinned.
pub(super) fn run(args: &ShowArgs) -> Result<Report, Failure> {
    let on_disk = TrustOnDisk::read(&args.trust)?;
    let state = args.state.as_deref().map(state::open).transpose()?;
    let state = state.map(|state| state.read()).transpose()?;
    let now = host::now()?;
    let standing = standing(&on_disk, state.as_ref());
    let floors = state
        .as_ref()
        .map(|state| floors::shown(state, standing.as_ref().ok()));
    let shown = Shown {
        file: on_disk.file(),
        standing: standing.map(|proven| proven.origin()),
        signed: signed(&on_disk),
        now,
    };
    let mut text = shown.text(&args.trust.display().to_string());
    let mut json = shown.json();
    json["trust"] = args.trust.display().to_string().into();
    if let (Some(state), Some(floors)) = (&state, floors) {
        text.push_str(&pinned_text(state));
        text.push_str(&floors.text());
        json["state"] = json!({
            "pinned": state.pinned().map(pinned_json),
            "floors": floors.json(),
        });
    }
    Ok(Report { text, json })
}

struct Shown<'a> {
    file: &'a TrustFile,
    standing: Result<TrustOrigin, TrustProofError>,
    signed: Vec<KeyId>,
    now: Timestamp,
}

/// What proving the file would come to.
fn standing(
    on_disk: &TrustOnDisk,
    state: Option<&HostState>,
) -> Result<ProvenTrust, TrustProofError> {
    let pinned = state.and_then(HostState::pinned);
    on_disk.file().clone().prove(on_disk.signatures(), pinned)
}

fn signed(on_disk: &TrustOnDisk) -> Vec<KeyId> {
    let signatures = on_disk.signatures().map(SignatureFile::parse);
    match signatures {
        Some(Ok(signatures)) => on_disk.file().root_signers(&signatures),
        _ => Vec::new(),
    }
}

impl Shown<'_> {
    fn text(&self, path: &str) -> String {
        let file = self.file;
        let mut text = format!(
            "version {}: {path}\nstanding   {}\nexpires    {}\nthreshold  {} of {} keys\n",
            file.version(),
            self.standing_words(),
            self.expires_words(),
            file.threshold(),
            file.entries().len(),
        );
        let mut rows = vec![
            ["KEY ID", "PACKS", "FROM", "UNTIL", "STATUS", "COMMENT"]
                .map(str::to_owned)
                .to_vec(),
        ];
        rows.extend(file.entries().map(|entry| self.row(&entry)));
        text.push_str(&table(&rows));
        if let Some(roots) = file.roots() {
            text.push_str(&roots_text("roots", roots));
            let signed: Vec<String> = self.signed.iter().map(ToString::to_string).collect();
            text.push_str(&format!("signed by  {}\n", or_none(&signed)));
        }
        let revoked: Vec<String> = (file.revoked_keys().iter().map(ToString::to_string))
            .chain(file.revoked_manifests().iter().map(ToString::to_string))
            .collect();
        text.push_str(&format!("revoked    {}\n", or_none(&revoked)));
        let allowed: Vec<String> = file.allowed_packs().map(ToString::to_string).collect();
        if !allowed.is_empty() {
            text.push_str(&format!("allowed    {}\n", allowed.join(", ")));
        }
        text
    }

    fn standing_words(&self) -> String {
        match &self.standing {
            Ok(TrustOrigin::Local) => "the operator's own file, not signed".to_owned(),
            Ok(TrustOrigin::OwnRoots) => "signed by its own roots".to_owned(),
            Ok(TrustOrigin::PinnedRoots) => "signed by the pinned roots and its own".to_owned(),
            Err(error) => format!("refused: {error}"),
        }
    }

    fn expires_words(&self) -> String {
        match self.file.expires() {
            None => "never".to_owned(),
            Some(expires) if expires <= self.now => format!("{expires}: it decides nothing now"),
            Some(expires) => expires.to_string(),
        }
    }

    fn row(&self, entry: &TrustEntry) -> Vec<String> {
        let time = |time: Option<Timestamp>| time.map_or_else(String::new, |time| time.to_string());
        vec![
            KeyId::of(&entry.key).to_string(),
            entry.packs.join(" "),
            time(entry.not_before),
            time(entry.not_after),
            self.status(entry).to_owned(),
            entry.comment.clone(),
        ]
    }

    fn status(&self, entry: &TrustEntry) -> &'static str {
        if self.file.revoked_keys().contains(&KeyId::of(&entry.key)) {
            "revoked"
        } else if entry.not_before.is_some_and(|from| self.now < from) {
            "not_yet_valid"
        } else if entry.not_after.is_some_and(|until| until <= self.now) {
            "expired"
        } else {
            "in_service"
        }
    }

    fn json(&self) -> Value {
        let file = self.file;
        let refused = self.standing.as_ref().err();
        let texts = |ids: &mut dyn Iterator<Item = String>| ids.collect::<Vec<String>>();
        json!({
            "version": file.version(),
            "digest": file.digest().to_string(),
            "standing": self.standing.as_ref().ok().map(|origin| origin.name()),
            "refused": refused.map(|error| json!({
                "kind": error.kind(),
                "message": error.to_string(),
            })),
            "expires": file.expires().map(|time| time.to_string()),
            "threshold": file.threshold(),
            "keys": file.entries().map(|entry| self.entry_json(&entry)).collect::<Vec<_>>(),
            "roots": file.roots().map(roots_json),
            "root_signatures": texts(&mut self.signed.iter().map(ToString::to_string)),
            "revoked_keys": texts(&mut file.revoked_keys().iter().map(ToString::to_string)),
            "revoked_manifests": texts(
                &mut file.revoked_manifests().iter().map(ToString::to_string),
            ),
            "allowed_packs": texts(&mut file.allowed_packs().map(ToString::to_string)),
        })
    }

    fn entry_json(&self, entry: &TrustEntry) -> Value {
        json!({
            "key": entry.key.to_string(),
            "key_id": KeyId::of(&entry.key).to_string(),
            "packs": entry.packs,
            "not_before": entry.not_before.map(|time| time.to_string()),
            "not_after": entry.not_after.map(|time| time.to_string()),
            "status": self.status(entry),
            "comment": entry.comment,
        })
    }
}

fn roots_text(label: &str, roots: &Roots) -> String {
    let ids: Vec<String> = roots
        .keys()
        .map(|key| KeyId::of(&key).to_string())
        .collect();
    format!("{label:<9}  {} of: {}\n", roots.threshold(), ids.join(", "))
}

fn roots_json(roots: &Roots) -> Value {
    json!({
        "keys": roots.keys().map(|key| key.to_string()).collect::<Vec<_>>(),
        "threshold": roots.threshold(),
    })
}

fn pinned_text(state: &HostState) -> String {
    match state.pinned() {
        None => "pinned     nothing: the next file that names root keys is trusted\n".to_owned(),
        Some(pinned) => {
            let version = format!("pinned     version {}\n", pinned.version());
            version + &roots_text("by roots", pinned.roots())
        }
    }
}

fn pinned_json(pinned: &PinnedTrust) -> Value {
    json!({
        "version": pinned.version(),
        "digest": pinned.digest().map(|digest| digest.to_string()),
        "roots": roots_json(pinned.roots()),
    })
}

fn or_none(names: &[String]) -> String {
    match names {
        [] => "none".to_owned(),
        names => names.join(", "),
    }
}
