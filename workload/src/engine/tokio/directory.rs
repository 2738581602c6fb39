//! Directories: listed to their end, then a task for each entry.

use super::paths::reach;
use super::{Above, Behaviour, Context, Place, Searched, join_all, visit};
use crate::tree::Kind;
use rustix::fs::FileType;
use std::ffi::{OsStr, OsString};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use tokio::sync::OwnedSemaphorePermit;
use tokio::task::JoinSet;

/// A directory: its entries.
pub(super) struct Directory;

impl Behaviour for Directory {
    fn search<'a>(
        &'a self,
        cx: &'a Arc<Context>,
        place: &'a Place,
        permit: OwnedSemaphorePermit,
    ) -> Searched<'a> {
        Box::pin(async move {
            let above = match follow_here(cx, place).await? {
                Entered::Before => return Ok(()),
                Entered::New(above) => above,
            };
            let (entries, error) = list(place).await?;
            cx.search.counts.directories.fetch_add(1, Relaxed);
            drop(permit);
            if let Some(error) = error {
                cx.problem(&place.path, &error);
            }
            let mut tasks = JoinSet::new();
            for (name, file_type) in entries {
                if cx.search.is_stopped() {
                    break;
                }
                if !is_wanted(cx, &name, file_type) {
                    continue;
                }
                // Before the task is made, so that a large directory does not become as many tasks at once.
                let permit = cx.permit().await?;
                let child = Place { path: place.path.join(name), follow: false, above: above.clone() };
                cx.search.counts.task_made();
                tasks.spawn(visit(Arc::clone(cx), child, file_type, permit));
            }
            join_all(tasks).await;
            Ok(())
        })
    }
}

enum Entered {
    Before,
    New(Option<Arc<Above>>),
}

/// Whether a directory that is entered is one of those above it, or has been listed often enough. Only asked where links are followed.
async fn follow_here(cx: &Context, place: &Place) -> io::Result<Entered> {
    if !cx.search.follow {
        return Ok(Entered::New(None));
    }
    let (path, _handle) = reach(&place.path).await?;
    let status = tokio::fs::metadata(path).await?;
    let identity = (status.dev(), status.ino());
    let mut above = place.above.as_deref();
    while let Some(dir) = above {
        if dir.identity == identity {
            return Ok(Entered::Before);
        }
        above = dir.next.as_deref();
    }
    // What the user named is followed without counting.
    let linked = place.above.as_ref().is_some_and(|above| above.linked || place.follow);
    if linked && !cx.search.counts.visits.admit(identity) {
        return Ok(Entered::Before);
    }
    Ok(Entered::New(Some(Arc::new(Above { identity, linked, next: place.above.clone() }))))
}

type Entries = Vec<(OsString, FileType)>;

/// All entries of a directory, and what went wrong before the last.
async fn list(place: &Place) -> io::Result<(Entries, Option<io::Error>)> {
    let (path, _handle) = reach(&place.path).await?;
    let mut listing = tokio::fs::read_dir(path).await?;
    let mut entries = vec![];
    loop {
        match listing.next_entry().await {
            Ok(Some(entry)) => {
                let file_type = entry.file_type().await.map_or(FileType::Unknown, as_listed);
                entries.push((entry.file_name(), file_type));
            }
            Ok(None) => return Ok((entries, None)),
            Err(error) => return Ok((entries, Some(error))),
        }
    }
}

fn as_listed(file_type: std::fs::FileType) -> FileType {
    if file_type.is_dir() {
        FileType::Directory
    } else if file_type.is_file() {
        FileType::RegularFile
    } else if file_type.is_symlink() {
        FileType::Symlink
    } else {
        FileType::Fifo
    }
}

fn is_wanted(cx: &Context, name: &OsStr, file_type: FileType) -> bool {
    match file_type {
        FileType::Unknown => true,
        FileType::Symlink => cx.search.follow,
        file_type => Kind::of(file_type, name.as_bytes()).is_some(),
    }
}
