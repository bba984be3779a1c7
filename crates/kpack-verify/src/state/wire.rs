//! A state as it is written.

use std::collections::BTreeMap;
use std::num::NonZeroU64;

use kpack_schema::{Digest, PackName, json};
use serde::{Deserialize, Serialize};

use super::{Floor, Floors, HostState, HostStateError, MAX_STATE_BYTES};
use crate::KeyId;
use crate::text::Text;
use crate::trust::{PinnedTrust, Roots, WireRoots};

const VERSION: u64 = 1;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WireState {
    kpack_state: u64,
    trust: Option<WirePinned>,
    floors: BTreeMap<Text<PackName>, Vec<WireFloor>>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WirePinned {
    version: u64,
    digest: Option<Text<Digest>>,
    roots: WireRoots,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WireFloor {
    sequence: NonZeroU64,
    manifest: Text<Digest>,
    signers: Vec<Text<KeyId>>,
}

pub(super) fn read(body: &str) -> Result<HostState, HostStateError> {
    let limits = json::Limits {
        max_bytes: MAX_STATE_BYTES,
        max_depth: 6,
    };
    let wire: WireState = json::from_str(body, limits).map_err(HostStateError::Malformed)?;
    if wire.kpack_state != VERSION {
        return Err(HostStateError::Version {
            found: wire.kpack_state,
        });
    }
    let floors = wire.floors.into_iter();
    let of_name = |wire: Vec<WireFloor>| wire.into_iter().map(floor).collect();
    Ok(HostState {
        pinned: wire.trust.map(pinned).transpose()?,
        floors: Floors {
            floors: floors
                .map(|(Text(pack), wire)| (pack, of_name(wire)))
                .collect(),
        },
    })
}

pub(super) fn write(state: &HostState) -> String {
    let floor = |floor: &Floor| WireFloor {
        sequence: floor.sequence,
        manifest: Text(floor.manifest),
        signers: floor.signers.iter().copied().map(Text).collect(),
    };
    let wire = WireState {
        kpack_state: VERSION,
        trust: state.pinned.as_ref().map(|pinned| WirePinned {
            version: pinned.version,
            digest: pinned.digest.map(Text),
            roots: pinned.roots.to_wire(),
        }),
        floors: (state.floors.floors.iter())
            .map(|(pack, of)| (Text(pack.clone()), of.iter().map(floor).collect()))
            .collect(),
    };
    let mut text = serde_json::to_string_pretty(&wire).expect("texts and numbers are JSON");
    text.push('\n');
    text
}

fn pinned(wire: WirePinned) -> Result<PinnedTrust, HostStateError> {
    Ok(PinnedTrust {
        version: wire.version,
        digest: wire.digest.map(|Text(digest)| digest),
        roots: Roots::from_wire(&wire.roots).map_err(HostStateError::Roots)?,
    })
}

fn floor(wire: WireFloor) -> Floor {
    Floor {
        sequence: wire.sequence,
        manifest: wire.manifest.0,
        signers: wire.signers.into_iter().map(|Text(id)| id).collect(),
    }
}
