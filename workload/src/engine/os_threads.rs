//! A thread of `std` for each directory.

use super::Engine;
use super::per_directory::{Pool, Start, threads};
use crate::search::Search;
use std::io;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::thread::{Builder, Scope};

/// See the module.
#[derive(Debug)]
pub struct OsThreads;

/// A worker's frames are small; the default of 2 MiB would only cost address space.
const STACK: usize = 256 << 10;

impl<'scope> Start<'scope> for &'scope Scope<'scope, '_> {
    fn start<F: FnOnce() + Send + 'scope>(self, f: F) -> io::Result<()> {
        Builder::new().stack_size(STACK).spawn_scoped(self, f).map(drop)
    }
}

impl Engine for OsThreads {
    fn name(&self) -> &'static str {
        "os-threads"
    }

    fn about(&self) -> &'static str {
        "a thread of std for each directory, a few per processor at a time; blocking calls"
    }

    fn threads(&self, search: &Search) -> usize {
        threads(search)
    }

    fn run(&self, search: &Arc<Search>) -> io::Result<()> {
        let (most, alive) = (threads(search), AtomicUsize::new(1));
        std::thread::scope(|scope| Pool { start: scope, search, most, alive: &alive }.search_all());
        Ok(())
    }
}
