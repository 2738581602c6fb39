//! An OS thread with an exact stack for each directory: as [`super::os_threads`], on stacks of the size that the link step proved.

use super::Engine;
use super::per_directory::{Pool, Start, threads};
use crate::search::Search;
use std::io;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use vthread::os::Scope;

/// See the module.
#[derive(Debug)]
pub struct ValeThreads;

impl<'scope> Start<'scope> for &'scope Scope<'scope, '_> {
    fn start<F: FnOnce() + Send + 'scope>(self, f: F) -> io::Result<()> {
        self.spawn(f).map(drop)
    }
}

impl Engine for ValeThreads {
    fn name(&self) -> &'static str {
        "vale-threads"
    }

    fn about(&self) -> &'static str {
        "an OS thread with an exact stack for each directory, otherwise as os-threads"
    }

    fn threads(&self, search: &Search) -> usize {
        threads(search)
    }

    fn run(&self, search: &Arc<Search>) -> io::Result<()> {
        let (most, alive) = (threads(search), AtomicUsize::new(1));
        vthread::os::scope(|scope| Pool { start: scope, search, most, alive: &alive }.search_all());
        Ok(())
    }
}
