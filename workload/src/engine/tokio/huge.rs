//! A huge text: a blocking job for each processor.

use super::{Context, Place, join_all};
use crate::behaviour::{self, Task, Tasks, Tools};
use crate::search::Search;
use crate::tree::OpenFile;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::sync::Arc;
use tokio::fs::File;
use tokio::io::AsyncSeekExt;
use tokio::runtime::Handle;
use tokio::sync::OwnedSemaphorePermit;
use tokio::task::JoinSet;

/// A huge text: blocking jobs, as many as there are processors.
pub(super) async fn search_huge(
    cx: &Arc<Context>,
    place: &Place,
    mut file: File,
    permit: OwnedSemaphorePermit,
) -> io::Result<()> {
    file.rewind().await?;
    let file = OpenFile { fd: file.into_std().await.into(), short_read_is_end: false };
    let path = place.path.as_os_str().as_bytes().to_vec();
    let search = Arc::clone(&cx.search);
    let mut jobs = Jobs { search, permit: Arc::new(permit), started: JoinSet::new() };
    let helper = Arc::clone(&jobs.search);
    let first = move || {
        let mut tools = Tools::new(&helper);
        let searched = behaviour::search_text(file, None, &|| path.clone(), &mut tools, &mut jobs);
        if let Err(problem) = searched {
            helper.problem(&path, &problem);
        }
        tools.flush();
        jobs.started
    };
    let started = tokio::task::spawn_blocking(first).await.map_err(io::Error::other)?;
    join_all(started).await;
    Ok(())
}

/// Helpers of one huge text: each is a blocking job.
struct Jobs {
    search: Arc<Search>,
    /// The file is open until the last of them has ended.
    permit: Arc<OwnedSemaphorePermit>,
    started: JoinSet<()>,
}

impl Tasks for Jobs {
    fn spawn(&mut self, task: Task) {
        let Task::Share(huge) = task else { return };
        let (search, permit) = (Arc::clone(&self.search), Arc::clone(&self.permit));
        let help = move || {
            let mut tools = Tools::new(&search);
            huge.help(&mut tools, &mut Nobody);
            tools.flush();
            drop(permit);
        };
        self.started.spawn_blocking_on(help, &Handle::current());
    }

    fn wanted(&mut self) -> bool {
        false
    }

    fn parallel(&self) -> bool {
        self.search.threads != Some(1)
    }
}

/// For helpers, who find no tasks.
struct Nobody;

impl Tasks for Nobody {
    fn spawn(&mut self, _: Task) {}

    fn wanted(&mut self) -> bool {
        false
    }

    fn parallel(&self) -> bool {
        false
    }
}
