//! The same parameters make the same bytes, now and in later versions.

use sha2::{Digest as _, Sha256};
use std::{
    fs::{self, File},
    os::{fd::AsRawFd as _, unix::ffi::OsStringExt as _},
    path::{Path, PathBuf},
};
use tempfile::tempdir;
use zork_corpus::{Corpus, EXPECTED, GENERATOR, Kind, TREE};

/// All that is under `tree`: path, and what is there.
fn listing(tree: &Path) -> Vec<(Vec<u8>, Vec<u8>)> {
    let mut list = vec![];
    let mut todo = vec![(File::open(tree).unwrap(), vec![])];
    while let Some((folder, prefix)) = todo.pop() {
        // Keeps every path short, however deep the directory.
        let here = PathBuf::from(format!("/proc/self/fd/{}", folder.as_raw_fd()));
        for entry in fs::read_dir(&here).unwrap() {
            let entry = entry.unwrap();
            let (name, short) = (entry.file_name(), here.join(entry.file_name()));
            let path: Vec<u8> = [&prefix[..], &name.into_vec()].concat();
            let kind = fs::symlink_metadata(&short).unwrap().file_type();
            if kind.is_dir() {
                todo.push((File::open(&short).unwrap(), [&path[..], b"/"].concat()));
            }
            let what = if kind.is_file() {
                Sha256::digest(fs::read(&short).unwrap()).to_vec()
            } else if kind.is_symlink() {
                fs::read_link(&short).unwrap().into_os_string().into_vec()
            } else {
                format!("{kind:?}").into_bytes()
            };
            list.push((path, what));
        }
    }
    list.sort();
    list
}

/// Writes a tiny corpus; its listing and its answers.
fn write(kind: Kind, seed: u64) -> (Vec<(Vec<u8>, Vec<u8>)>, Vec<u8>) {
    let dir = tempdir().unwrap();
    Corpus::new(kind, seed).scale(0.001).write(dir.path()).unwrap();
    (listing(&dir.path().join(TREE)), fs::read(dir.path().join(EXPECTED)).unwrap())
}

/// If this fails although nothing was meant to change, published seeds have lost their meaning: find out why. If the
/// trees were meant to change, raise `GENERATOR` and write the new digests here.
#[test]
fn golden() {
    let digests = Kind::ALL.map(|kind| {
        let (listing, answers) = write(kind, 7);
        let mut hash = Sha256::new();
        for (path, what) in listing {
            hash.update(path);
            hash.update(b"\0");
            hash.update(what);
            hash.update(b"\0");
        }
        hash.update(answers);
        let digest: String = hash.finalize().iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        format!("{} {digest}", kind.name())
    });
    assert_eq!(GENERATOR, 1);
    let golden = [
        "wide ",
        "deep ",
        "flat ",
        "big ",
        "json-heavy ",
        "mix ",
    ];
    assert_eq!(digests, golden);
}

#[test]
fn another_seed_is_another_tree() {
    for kind in Kind::ALL {
        assert_ne!(write(kind, 7).0, write(kind, 8).0, "{}", kind.name());
    }
}
