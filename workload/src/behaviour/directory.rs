//! Directories: each is a task of its own, so whoever finds one hands it out.

use super::{Behaviour, Changed, Entry, Subdirectory, Task, Tasks, Tools};

/// A directory: its children, as a task that any worker may take.
#[derive(Debug)]
pub(super) struct Directory;

impl Behaviour for Directory {
    fn search(&self, entry: &Entry<'_>, _: &mut Tools, tasks: &mut dyn Tasks) -> Result<(), Changed> {
        // A directory that the user named is opened by the worker itself.
        if let Some(dir) = entry.dir {
            let (name, follow, looks) = (entry.name.to_owned(), entry.follow, entry.looks);
            tasks.spawn(Task::Directory(Subdirectory { parent: dir.keep(), name, follow, looks }));
        }
        Ok(())
    }
}
