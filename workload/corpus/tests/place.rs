//! The directory that a corpus goes to: what is refused, what is replaced, what is left alone.

use std::{fs, os::unix::fs::symlink, path::Path};
use tempfile::tempdir;
use zork_corpus::{Corpus, EXPECTED, Error, Expected, Kind, TREE};

const MARKER: &str = ".zork-corpus";

fn tiny(seed: u64) -> Corpus {
    Corpus::new(Kind::Wide, seed).scale(0.0001)
}

fn file_count(dir: &Path) -> usize {
    fs::read_dir(dir).unwrap().count()
}

#[test]
fn answers_can_be_read_back() {
    let dir = tempdir().unwrap();
    let inner = dir.path().join("made/on/the/way");
    let expected = tiny(1).write(&inner).unwrap();
    assert_eq!(Expected::read(&inner.join(EXPECTED)).unwrap(), expected);
    assert!(matches!(Expected::read(&inner), Err(Error::Io { .. })));
    assert!(matches!(
        Expected::read(&inner.join(TREE).join("group000/file00.txt")),
        Err(Error::Expected { .. })
    ));
}

#[test]
fn the_same_corpus_is_left_as_it_is() {
    let dir = tempdir().unwrap();
    let expected = tiny(1).write(dir.path()).unwrap();
    let own = dir.path().join(TREE).join("own.txt");
    fs::write(&own, "mine").unwrap();
    assert_eq!(tiny(1).write(dir.path()).unwrap(), expected);
    assert!(own.exists());
    tiny(1).force(true).write(dir.path()).unwrap();
    assert!(!own.exists());
}

#[test]
fn another_corpus_is_refused_and_replaced_by_force() {
    let dir = tempdir().unwrap();
    tiny(1).write(dir.path()).unwrap();
    fs::write(dir.path().join("own.txt"), "mine").unwrap();
    let before = fs::read(dir.path().join(EXPECTED)).unwrap();
    for other in [tiny(2), tiny(1).scale(0.0002), tiny(1).needle("x"), Corpus::new(Kind::Deep, 1)] {
        let error = other.write(dir.path()).unwrap_err();
        assert!(error.to_string().contains("already holds the corpus wide (seed 1, scale 0.0001"), "{error}");
        assert_eq!(fs::read(dir.path().join(EXPECTED)).unwrap(), before);
    }
    let expected = tiny(2).force(true).write(dir.path()).unwrap();
    assert_eq!(Expected::read(&dir.path().join(EXPECTED)).unwrap(), expected);
    assert_eq!(fs::read(dir.path().join("own.txt")).unwrap(), b"mine");
}

#[test]
fn foreign_directories_are_never_touched() {
    let dir = tempdir().unwrap();
    fs::create_dir(dir.path().join(TREE)).unwrap();
    fs::write(dir.path().join(TREE).join("own.txt"), "mine").unwrap();
    for force in [false, true] {
        assert!(matches!(tiny(1).force(force).write(dir.path()), Err(Error::Foreign { .. })));
        assert_eq!(file_count(&dir.path().join(TREE)), 1);
    }
    let file = dir.path().join(TREE).join("own.txt");
    assert!(matches!(tiny(1).force(true).write(&file), Err(Error::Io { .. })));
}

#[test]
fn an_unfinished_corpus_is_not_taken_for_whole() {
    let dir = tempdir().unwrap();
    tiny(1).write(dir.path()).unwrap();
    fs::remove_file(dir.path().join(EXPECTED)).unwrap();
    let error = tiny(1).write(dir.path()).unwrap_err();
    assert!(error.to_string().contains("an unfinished corpus"), "{error}");
    tiny(1).force(true).write(dir.path()).unwrap();
}

#[test]
fn a_marker_that_lists_more_is_not_believed() {
    let dir = tempdir().unwrap();
    let inner = dir.path().join("corpus");
    tiny(1).write(&inner).unwrap();
    fs::write(dir.path().join("own.txt"), "mine").unwrap();
    let marker = fs::read_to_string(inner.join(MARKER)).unwrap();
    for bad in [marker.replace("\"tree\"", "\"../own.txt\""), marker.replace('{', ""), String::new()] {
        fs::write(inner.join(MARKER), bad).unwrap();
        assert!(matches!(tiny(2).force(true).write(&inner), Err(Error::Marker { .. })));
    }
    assert!(dir.path().join("own.txt").exists() && inner.join(EXPECTED).exists());
}

#[test]
fn force_deletes_links_and_not_what_they_lead_to() {
    let (dir, other) = (tempdir().unwrap(), tempdir().unwrap());
    fs::write(other.path().join("own.txt"), "mine").unwrap();
    tiny(1).write(dir.path()).unwrap();
    symlink(other.path(), dir.path().join(TREE).join("link")).unwrap();
    tiny(2).force(true).write(dir.path()).unwrap();
    assert_eq!(file_count(other.path()), 1);
    // And when the tree itself was made a link.
    fs::rename(dir.path().join(TREE), dir.path().join("moved")).unwrap();
    symlink(other.path(), dir.path().join(TREE)).unwrap();
    tiny(1).force(true).write(dir.path()).unwrap();
    assert_eq!(file_count(other.path()), 1);
    assert!(dir.path().join("moved").exists());
}

#[test]
fn force_deletes_what_is_too_deep_for_a_path_and_odd() {
    let dir = tempdir().unwrap();
    for kind in [Kind::Deep, Kind::Mix, Kind::Wide] {
        Corpus::new(kind, 1).scale(0.001).force(true).write(dir.path()).unwrap();
    }
    assert_eq!(file_count(&dir.path().join(TREE)), 1);
}

#[test]
fn what_cannot_be_is_said() {
    let dir = tempdir().unwrap();
    for scale in [0.0, -1.0, f64::NAN, f64::INFINITY, 1e9] {
        assert!(matches!(tiny(1).scale(scale).write(dir.path()), Err(Error::Scale { .. })), "{scale}");
    }
    for (kind, needle) in
        [(Kind::Wide, &b""[..]), (Kind::Mix, b"\xff"), (Kind::JsonHeavy, b"\xc3"), (Kind::Big, b"\0\0")]
    {
        let result = Corpus::new(kind, 1).needle(needle).write(dir.path());
        assert!(matches!(result, Err(Error::Needle { .. })), "{needle:?}");
    }
    assert_eq!(file_count(dir.path()), 0);
}
