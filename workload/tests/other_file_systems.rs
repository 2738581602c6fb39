//! Files that are on another file system than the directory that they are found in: by a link, or mounted there.

mod support;

use std::fs::File;
use std::io::Read as _;
use support::{Tree, for_each_engine_and_beginning, zork};

/// A file of another file system that gives less than it has at the first read, and a line that is behind that.
fn read_in_parts() -> (&'static str, String) {
    for path in ["/proc/kallsyms", "/proc/cpuinfo", "/proc/zoneinfo", "/proc/self/mountinfo"] {
        let Ok(mut file) = File::open(path) else { continue };
        let mut first = vec![0; 128 << 10];
        let Ok(n) = file.read(&mut first) else { continue };
        first.truncate(n);
        let mut rest = vec![];
        // Where a read ends at a page, nobody takes it for the last one.
        if n.is_multiple_of(4096) || file.read_to_end(&mut rest).is_err() {
            continue;
        }
        let (first, rest) = (String::from_utf8_lossy(&first), String::from_utf8_lossy(&rest));
        // The first line of the rest may have begun before.
        let line = rest.lines().skip(1).find(|line| line.len() > 8 && !first.contains(line));
        if let Some(line) = line {
            return (path, line.to_owned());
        }
    }
    panic!("no file in /proc is read in parts here");
}

/// Where the directory is, a short read tells the end of a file; where the file is, it does not.
#[test]
fn a_file_of_another_file_system_is_read_to_its_end() {
    let (far, line) = read_in_parts();
    let tree = Tree::new();
    tree.link(far, "far.txt");
    tree.link("far.txt", "by-two-links.txt");
    tree.file("near/a.txt", &line);
    tree.link("near/a.txt", "near.txt");
    for i in 0..150 {
        tree.file(format!("many/{i}.txt"), "none");
        tree.link(format!("{i}.txt"), format!("many/link{i}.txt"));
    }
    // When all that came before was in memory, the engine on virtual threads reads and opens otherwise.
    tree.link(far, "many/zz.txt");
    let expected = ["by-two-links.txt", "far.txt", "many/zz.txt", "near.txt", "near/a.txt"];
    for_each_engine_and_beginning(|engine| {
        let args = ["-L", "--needle", &line];
        zork(engine).args(args).within(tree.root()).run().found(expected);
        zork(engine).args(args).args(["-j", "1"]).within(tree.root()).run().found(expected);
    });
}

/// The same for one that is mounted, and is no link.
#[test]
fn a_file_that_is_mounted_is_read_to_its_end() {
    let (far, line) = read_in_parts();
    let tree = Tree::new();
    let place = |name: &str| {
        let path = tree.file(name, "none");
        std::ffi::CString::new(path.to_str().expect("UTF-8")).expect("no NUL")
    };
    let places = [place("mounted.txt"), place("many/zz.txt")];
    for i in 0..150 {
        tree.file(format!("many/{i}.txt"), "none");
    }
    let far = std::ffi::CString::new(far).expect("no NUL");
    let mount = move || {
        let check = |result| if result == 0 { Ok(()) } else { Err(std::io::Error::last_os_error()) };
        let (none, all) = (std::ptr::null(), libc::MS_REC | libc::MS_PRIVATE);
        // SAFETY: only this process sees the mounts, and all paths end with a NUL.
        unsafe {
            // Whoever may not mount anything may in a namespace of users.
            check(libc::unshare(libc::CLONE_NEWNS))
                .or_else(|_| check(libc::unshare(libc::CLONE_NEWUSER | libc::CLONE_NEWNS)))?;
            check(libc::mount(none, c"/".as_ptr(), none, all, none.cast()))?;
            for place in &places {
                check(libc::mount(far.as_ptr(), place.as_ptr(), none, libc::MS_BIND, none.cast()))?;
            }
        }
        Ok(())
    };
    let mut attempt = std::process::Command::new("true");
    // SAFETY: system calls alone, between fork and exec.
    unsafe { std::os::unix::process::CommandExt::pre_exec(&mut attempt, mount.clone()) };
    if let Err(error) = attempt.status() {
        return println!("nothing can be mounted here: {error}");
    }
    for_each_engine_and_beginning(|engine| {
        let run = |args: &[&str]| {
            let zork = zork(engine).args(["--needle", &line]).args(args).within(tree.root());
            zork.before_exec(mount.clone()).run()
        };
        run(&[]).found(["many/zz.txt", "mounted.txt"]);
        run(&["-j", "1"]).found(["many/zz.txt", "mounted.txt"]);
    });
}
