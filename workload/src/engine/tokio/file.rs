//! Text and JSON files: read window by window, each read an `await`.

use super::huge::search_huge;
use super::paths::open;
use super::{Behaviour, Context, Place, Searched};
use crate::behaviour;
use crate::matcher::{Matcher, Needle, Progress};
use crate::output::Problem;
use crate::search::FileReport;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use tokio::fs::File;
use tokio::io::AsyncReadExt;
use tokio::sync::OwnedSemaphorePermit;

/// `.txt`: the bytes.
pub(super) struct TextFile;

impl Behaviour for TextFile {
    fn search<'a>(
        &'a self,
        cx: &'a Arc<Context>,
        place: &'a Place,
        permit: OwnedSemaphorePermit,
    ) -> Searched<'a> {
        Box::pin(async move {
            let file = open(&cx.search, place).await?;
            cx.search.counts.text_files.fetch_add(1, Relaxed);
            let mut scratch = cx.take_scratch();
            let mut window = Window::new(file, &mut scratch.buffer, &cx.search.needle);
            let read = async {
                window.fill().await?;
                if !window.ended && window.file.metadata().await?.len() >= behaviour::HUGE {
                    return Ok(true);
                }
                window.show(cx, place, &mut scratch.text).await.map(|()| false)
            };
            let read = read.await;
            let file = window.file;
            cx.give_scratch(scratch);
            if read? { search_huge(cx, place, file, permit).await } else { Ok(()) }
        })
    }
}

/// `.json`: its string values.
pub(super) struct JsonFile;

impl Behaviour for JsonFile {
    fn search<'a>(
        &'a self,
        cx: &'a Arc<Context>,
        place: &'a Place,
        permit: OwnedSemaphorePermit,
    ) -> Searched<'a> {
        Box::pin(async move {
            let file = open(&cx.search, place).await?;
            cx.search.counts.json_files.fetch_add(1, Relaxed);
            let mut scratch = cx.take_scratch();
            let mut window = Window::new(file, &mut scratch.buffer, &cx.search.needle);
            let read = window.show(cx, place, &mut scratch.json).await;
            drop(window.file);
            drop(permit);
            cx.give_scratch(scratch);
            read
        })
    }
}

/// An open file and the part of it that is in memory.
struct Window<'a> {
    file: File,
    buffer: &'a mut Vec<u8>,
    held: usize,
    ended: bool,
    bytes: u64,
}

impl<'a> Window<'a> {
    fn new(file: File, buffer: &'a mut Vec<u8>, needle: &Needle) -> Self {
        buffer.resize(behaviour::window_size(needle), 0);
        Self { file, buffer, held: 0, ended: false, bytes: 0 }
    }

    /// Reads until the window is full or the file has ended.
    async fn fill(&mut self) -> io::Result<()> {
        while !self.ended && self.held < self.buffer.len() {
            match self.file.read(&mut self.buffer[self.held..]).await {
                Ok(n) => {
                    self.held += n;
                    self.bytes += n as u64;
                    self.ended = n == 0;
                }
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(e),
            }
        }
        Ok(())
    }

    /// Shows the file to `matcher`, and reports what it finds; that it is malformed, too.
    async fn show(&mut self, cx: &Context, place: &Place, matcher: &mut dyn Matcher) -> io::Result<()> {
        let path = || place.path.as_os_str().as_bytes().to_vec();
        let mut report = FileReport::new(&cx.search, &path);
        matcher.start();
        let read = loop {
            if let Err(error) = self.fill().await {
                break Err(error);
            }
            match matcher.scan(&self.buffer[..self.held], self.ended, &mut |found| report.found(found)) {
                Err(malformed) => {
                    cx.search.problem(&path(), &Problem::Malformed(malformed));
                    break Ok(());
                }
                Ok(Progress::Finished) => break Ok(()),
                Ok(Progress::Consumed(_)) if self.ended => break Ok(()),
                Ok(Progress::Consumed(0)) if self.held == self.buffer.len() => {
                    let doubled = self.buffer.len() * 2;
                    self.buffer.resize(doubled, 0);
                }
                Ok(Progress::Consumed(n)) => {
                    self.buffer.copy_within(n..self.held, 0);
                    self.held -= n;
                }
            }
        };
        report.finish();
        cx.search.counts.bytes.fetch_add(self.bytes, Relaxed);
        read
    }
}
