//! What a verified pack hands on.

use kpack_schema::{Feature, FeatureSet};
use kpack_verify::{PackBytes, sha256};

use crate::support::{Draft, PLAIN, SHARED, SIMD, VECTOR, key, now, trusting, verify};

#[test]
fn a_verified_pack_says_who_signed_what() {
    let keys = [key(1), key(2), key(3)];
    let parts = Draft::new().signed(&[&keys[0], &keys[1], &keys[2]]);
    let digest = sha256(&parts.manifest);
    let pack = verify(&trusting(&[&keys[2], &keys[0]]), parts).unwrap();
    let mut signers = [keys[0].id(), keys[2].id()];
    signers.sort();
    assert_eq!(pack.signers(), signers);
    assert_eq!(pack.manifest_digest(), digest);
    assert_eq!(pack.manifest().name().as_str(), "llama-core");
    let ids: Vec<_> = pack
        .kernels()
        .map(|kernel| kernel.checked().id().as_str())
        .collect();
    assert_eq!(ids, ["first", "second", "third"]);
    assert!(pack.kernel("fourth").is_none());
}

#[test]
fn each_kernel_comes_with_its_own_files() {
    let pack = verify(&trusting(&[&key(1)]), Draft::new().signed(&[&key(1)])).unwrap();
    let third = pack.kernel("third").unwrap();
    assert_eq!(third.pack().as_str(), "llama-core");
    assert_eq!(third.module().bytes(), PLAIN);
    assert_eq!(third.module().digest(), sha256(PLAIN));
    assert_eq!(third.module().path().as_str(), "third/plain.wasm");
    assert_eq!(third.module().features(), None);
    let [simd] = third.variants() else {
        panic!("one variant")
    };
    assert_eq!((simd.bytes(), simd.digest()), (SIMD, sha256(SIMD)));
    assert_eq!(
        simd.features(),
        Some(FeatureSet::from_iter([Feature::Simd]))
    );
    let [vector] = third.vectors() else {
        panic!("one vector")
    };
    assert_eq!(
        (vector.bytes(), vector.declared().digest),
        (VECTOR, sha256(VECTOR))
    );
}

#[test]
fn the_bytes_that_were_hashed_are_the_bytes_handed_on() {
    let bytes = PackBytes::new(Draft::new().signed(&[&key(1)])).unwrap();
    let before: Vec<_> = bytes
        .files()
        .map(|(path, file)| (path.clone(), file.clone()))
        .collect();
    let pack = trusting(&[&key(1)]).verify(bytes, now()).unwrap();
    for kernel in pack.kernels() {
        for module in [kernel.module()].into_iter().chain(kernel.variants()) {
            let (_, file) = before
                .iter()
                .find(|(path, _)| path == module.path())
                .unwrap();
            assert!(
                std::ptr::eq(module.bytes(), &raw const **file),
                "{}",
                module.path()
            );
        }
    }
}

#[test]
fn kernels_of_one_path_share_one_module_and_clones_share_all() {
    let pack = verify(&trusting(&[&key(1)]), Draft::new().signed(&[&key(1)])).unwrap();
    let [first, second] = ["first", "second"].map(|id| pack.kernel(id).unwrap().clone());
    assert_eq!(first.module().bytes(), SHARED);
    assert!(std::ptr::eq(
        first.module().bytes(),
        second.module().bytes()
    ));
    assert!(std::ptr::eq(
        first.module(),
        pack.kernel("first").unwrap().module()
    ));
}

#[test]
fn debug_output_shows_no_bytes() {
    let pack = verify(&trusting(&[&key(1)]), Draft::new().signed(&[&key(1)])).unwrap();
    let shown = format!("{:?}", pack.kernel("third").unwrap().module());
    let digest = sha256(PLAIN);
    let expected = format!(
        "VerifiedModule {{ path: PackPath(\"third/plain.wasm\"), digest: Digest({digest}), .. }}"
    );
    assert_eq!(shown, expected);
}
