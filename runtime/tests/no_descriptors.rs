//! What std does without a free descriptor is done without one here.

mod common;

use common::{Place, passes_with_and_without_a_ring};
use std::fs::File;
use std::io::ErrorKind;
use vthread::fs::{self, Dir, DirEntry};

fn look_at_all(place: &Place, dir: &Dir, entries: &[DirEntry]) {
    let refused = File::open("/dev/null").expect_err("no descriptor is left");
    assert_eq!(refused.raw_os_error(), Some(libc::EMFILE));
    assert_eq!(fs::metadata(place.at("link")).expect("the file").len(), 5);
    assert!(fs::symlink_metadata(place.at("link")).expect("the link").is_symlink());
    assert!(fs::exists(place.at("file")).expect("it can be told"));
    assert!(!fs::exists(place.at("none")).expect("it can be told"));
    assert_eq!(dir.metadata_at("link").expect("the file").len(), 5);
    assert!(dir.symlink_metadata_at("link").expect("the link").is_symlink());
    assert_eq!(dir.metadata_at("none").expect_err("nothing").kind(), ErrorKind::NotFound);
    for entry in entries {
        let kind = entry.file_type().expect("a type");
        assert_eq!(
            (kind.is_symlink(), kind.is_file()),
            (entry.file_name() == "link", entry.file_name() == "file")
        );
    }
}

#[test]
fn what_something_is_can_be_told_without_one() {
    if passes_with_and_without_a_ring("what_something_is_can_be_told_without_one") {
        return;
    }
    let place = Place::new("no-descriptors");
    std::fs::write(place.at("file"), "plugh").expect("a file");
    std::os::unix::fs::symlink("file", place.at("link")).expect("a link");
    let dir = Dir::open(place.path()).expect("a directory");
    let entries: Vec<_> = dir.read_dir().expect("a listing").map(|entry| entry.expect("an entry")).collect();
    assert_eq!(entries.len(), 2);
    let limit = libc::rlimit { rlim_cur: 64, rlim_max: 64 };
    // SAFETY: lowers a limit of this process.
    assert_eq!(unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &raw const limit) }, 0);
    let take_all =
        || std::iter::repeat_with(|| File::open("/dev/null")).map_while(Result::ok).collect::<Vec<_>>();

    let held = take_all();
    look_at_all(&place, &dir, &entries);
    drop(held);
    vthread::run(|| {
        let _held = take_all();
        look_at_all(&place, &dir, &entries);
    });
}
