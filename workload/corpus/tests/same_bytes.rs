//! The same parameters make the same bytes, now and in later versions.

use sha2::{Digest as _, Sha256};
use std::{
    fs::{self, File},
    os::{fd::AsRawFd as _, unix::ffi::OsStringExt as _},
    path::{Path, PathBuf},
};
use tempfile::tempdir;
use zork_corpus::{Corpus, EXPECTED, GENERATOR, Kind, TREE};

/// Paths, and what is there: the digest of a file, the target of a link, the type of all else.
type Listing = Vec<(Vec<u8>, Vec<u8>)>;

/// All that is under `tree`, in order.
fn listing(tree: &Path) -> Listing {
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
fn write(kind: Kind, seed: u64) -> (Listing, Vec<u8>) {
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
        let digest = u64::from_be_bytes(hash.finalize()[..8].try_into().unwrap());
        format!("{} {digest:016x}", kind.name())
    });
    assert_eq!(GENERATOR, 1);
    let golden = [
        "wide 6f9adbee98eef3e8",
        "deep fedbfd3187ed4344",
        "flat 9bef53456a08b42f",
        "big 4496d3399d8e681b",
        "json-heavy cfeeb2e298aee8f4",
        "mix 98a601f762f5a52a",
    ];
    assert_eq!(digests, golden);
}

#[test]
fn another_seed_is_another_tree() {
    for kind in Kind::ALL {
        assert_ne!(write(kind, 7).0, write(kind, 8).0, "{}", kind.name());
    }
}
