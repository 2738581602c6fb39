//! The search itself: tasks, directories, and a behaviour for each kind of entry, called through its vtable.

pub(super) use annotated::{Behaviours, Walk, ahead, alone, late, walk};

#[vthread::vthread(exact)]
mod annotated {
    use super::super::crew::{Job, Late, Listing, open_ahead, read_start, root_of};
    use super::super::file::{First, try_open};
    #[vthread]
    use super::super::file::{finish, json, open_first, text};
    use crate::behaviour::{
        Changed, Entry, LISTING, Looks, Rest, SHARE_BYTES, SHARE_NAMES, Subdirectory, Task, Tasks, Tools,
        kind_of, next_names,
    };
    use crate::tree::{DirUse, Kind, Name, Names};
    use rustix::fd::{AsFd, BorrowedFd, OwnedFd};
    use rustix::fs::{FileType, RawDir};
    use rustix::io::Errno;
    use std::ffi::CStr;
    use std::mem::take;
    use std::sync::Arc;
    use vthread::io::Habit;

    /// How one kind of thing is searched.
    pub trait Behaviour {
        /// Searches `entry` now, or leaves it to another vthread.
        fn search(&self, entry: &Entry<'_>, walk: &mut Walk<'_, '_, '_>) -> Result<(), Changed>;
    }

    struct TextFile;
    struct JsonFile;
    struct Directory;

    impl Behaviour for TextFile {
        fn search(&self, entry: &Entry<'_>, walk: &mut Walk<'_, '_, '_>) -> Result<(), Changed> {
            match open_first(entry, Kind::Text, walk) {
                First::Here(file, first) => text(file, first, entry, walk),
                First::Done(outcome) => outcome,
            }
        }
    }

    impl Behaviour for JsonFile {
        fn search(&self, entry: &Entry<'_>, walk: &mut Walk<'_, '_, '_>) -> Result<(), Changed> {
            match open_first(entry, Kind::Json, walk) {
                First::Here(file, first) => json(file, first, entry, walk),
                First::Done(outcome) => outcome,
            }
        }
    }

    impl Behaviour for Directory {
        fn search(&self, entry: &Entry<'_>, walk: &mut Walk<'_, '_, '_>) -> Result<(), Changed> {
            // A directory that the user named is opened by the walk itself.
            if let Some(dir) = entry.dir {
                let (name, follow, looks) = (entry.name.to_owned(), entry.follow, entry.looks);
                let found = Subdirectory { parent: dir.keep(), name, follow, looks };
                // What is below a directory that was not in memory is not either.
                let crew = walk.job.crew;
                if walk.is_cold
                    && let Some(scope) = walk.job.scope
                    && let Some(places) = crew.may_look_ahead()
                {
                    crew.look_ahead(scope, places, found);
                } else {
                    walk.job.spawn(Task::Directory(found));
                }
            }
            Ok(())
        }
    }

    /// A vthread's way through a part of the tree.
    pub struct Walk<'w, 'scope, 'env> {
        pub(in super::super) job: &'w mut Job<'scope, 'env>,
        pub(in super::super) tools: Box<Tools>,
        listing: Listing,
        pub(in super::super) habit: Habit,
        /// Whether the directory that it is in was not in memory.
        is_cold: bool,
        /// How many files it may open before their turn.
        early: usize,
    }

    /// The behaviour of each kind, called through its vtable.
    pub struct Behaviours {
        text: Box<dyn Behaviour + Send + Sync>,
        json: Box<dyn Behaviour + Send + Sync>,
        directory: Box<dyn Behaviour + Send + Sync>,
    }

    impl Behaviours {
        pub fn new() -> Self {
            Self { text: Box::new(TextFile), json: Box::new(JsonFile), directory: Box::new(Directory) }
        }

        fn of(&self, kind: Kind) -> &(dyn Behaviour + Send + Sync) {
            match kind {
                Kind::Text => &*self.text,
                Kind::Json => &*self.json,
                Kind::Directory => &*self.directory,
            }
        }
    }

    fn begin<'w, 'scope, 'env>(job: &'w mut Job<'scope, 'env>) -> Walk<'w, 'scope, 'env> {
        let (tools, listing, habit) = job.crew.take_tools();
        Walk { job, tools, listing, habit, is_cold: false, early: 0 }
    }

    /// Leaves to the next one what is used again.
    fn end(walk: Walk<'_, '_, '_>) {
        let Walk { job, tools, listing, habit, .. } = walk;
        job.crew.keep_tools(tools, listing, habit);
    }

    /// Does what there is to do, the newest first, so that few wait at a time; others get the oldest.
    fn work(walk: &mut Walk<'_, '_, '_>) {
        while !walk.job.is_leaving() {
            let Some(task) = walk.job.waiting.pop_back() else { break };
            walk.job.wanted();
            run(task, walk);
            walk.tools.flush();
            walk.job.crew.search.counts.task_done();
        }
    }

    /// What is done before there are carriers, or without them: no vthread, but the same functions, on an ordinary stack.
    pub fn alone(job: &mut Job<'_, '_>) {
        let mut walk = begin(job);
        walk.early = walk.tools.search.files.early();
        work(&mut walk);
        end(walk);
    }

    /// A vthread that searches what waits in `job`.
    pub fn walk(job: &mut Job<'_, '_>) {
        let crew = job.crew;
        let mut walk = begin(job);
        walk.early = walk.tools.search.files.early();
        work(&mut walk);
        while let Some(share) = crew.next_share() {
            walk.job.waiting = share;
            work(&mut walk);
        }
        end(walk);
    }

    /// A vthread that waits for a file, and searches it.
    pub fn late(job: &mut Job<'_, '_>, file: &mut Late) {
        // Tools are large: they are taken when there is something to be done with them.
        let started = read_start(&job.crew.search, file);
        let mut walk = begin(job);
        if let Err(Changed(errno)) = finish(started, file, &mut walk) {
            visit(&file.dir, None, &file.name, FileType::Unknown, file.looks.after(errno), &mut walk);
        }
        walk.tools.flush();
        // A huge text may have been shared, or the file may be a directory by now.
        work(&mut walk);
        end(walk);
    }

    /// A vthread that waits for a directory, and searches it.
    pub fn ahead(job: &mut Job<'_, '_>, found: &Subdirectory) {
        let crew = job.crew;
        // Tools are large, as above.
        let opened = open_ahead(&crew.search, found);
        let mut walk = begin(job);
        walk.is_cold = true;
        enter(found, opened, &mut walk);
        walk.tools.flush();
        work(&mut walk);
        end(walk);
    }

    fn run(task: Task, walk: &mut Walk<'_, '_, '_>) {
        if walk.tools.search.is_stopped() {
            return;
        }
        walk.is_cold = false;
        match task {
            Task::Root(number) => root(number, walk),
            Task::Directory(found) => subdirectory(found, walk),
            Task::Batch(dir, mut names) => {
                let fd = dir.descriptor().ok();
                batch(&dir, fd.as_deref().map(AsFd::as_fd), &mut names, None, walk);
            }
            Task::Rest(dir, rest) => go_on(&dir, Ok(Arc::clone(rest.fd())), Some(rest), walk),
            Task::Share(huge) => huge.help(&mut walk.tools, walk.job),
        }
    }

    fn root(number: usize, walk: &mut Walk<'_, '_, '_>) {
        let search = Arc::clone(&walk.tools.search);
        let root = &search.roots[number];
        match root_of(&search, root) {
            Ok((Kind::Directory, Some(dir))) => list(&dir, walk),
            // It may be of any size.
            Ok(_) if walk.job.is_first() => walk.job.leave(Task::Root(number)),
            Ok((kind, _)) => {
                let looks = Looks::default();
                let entry = Entry { dir: None, at: None, name: &root.path, follow: true, looks };
                if let Err(Changed(errno)) = walk_one(kind, &entry, walk) {
                    search.problem(root.path.to_bytes(), &errno.into());
                }
            }
            Err(problem) => search.problem(root.path.to_bytes(), &problem),
        }
    }

    /// Searches it as a thing of this kind. Errors: it is none any more.
    fn walk_one(kind: Kind, entry: &Entry<'_>, walk: &mut Walk<'_, '_, '_>) -> Result<(), Changed> {
        let crew = walk.job.crew;
        crew.behaviours.of(kind).search(entry, walk)
    }

    fn subdirectory(found: Subdirectory, walk: &mut Walk<'_, '_, '_>) {
        let Subdirectory { parent, name, follow, .. } = &found;
        match parent.try_open_child(name, *follow) {
            Err(Errno::AGAIN) => cold(found, walk),
            // Makes room, and waits for it; asks for less.
            Err(Errno::MFILE | Errno::NFILE | Errno::PERM) => {
                enter(&found, parent.open_child(name, *follow), walk);
            }
            opened => enter(&found, opened, walk),
        }
    }

    /// Leaves a directory that is not in memory to a vthread that waits for it; this one waits for it itself if too many do.
    fn cold(found: Subdirectory, walk: &mut Walk<'_, '_, '_>) {
        let crew = walk.job.crew;
        if let Some(scope) = walk.job.scope
            && let Some(places) = crew.may_look_ahead()
        {
            crew.look_ahead(scope, places, found);
        } else if walk.job.scope.is_none() && walk.job.is_first() {
            walk.job.leave(Task::Directory(found));
        } else {
            let opened = open_ahead(&crew.search, &found);
            walk.is_cold = true;
            enter(&found, opened, walk);
        }
    }

    fn enter(found: &Subdirectory, opened: Result<DirUse, Errno>, walk: &mut Walk<'_, '_, '_>) {
        let Subdirectory { parent, name, looks, .. } = found;
        match opened {
            // A link above the start leads back to it by way of ordinary directories.
            Ok(dir) => match walk.tools.search.is_to_be_listed(&dir) {
                Ok(true) => list(&dir, walk),
                Ok(false) => {}
                Err(errno) => walk.tools.search.problem(&dir.path(), &errno.into()),
            },
            Err(errno @ (Errno::NOENT | Errno::NOTDIR | Errno::LOOP)) => {
                visit(parent, None, name, FileType::Unknown, looks.after(errno), walk);
            }
            Err(errno) => walk.tools.search.problem(&parent.path_of(name), &errno.into()),
        }
    }

    /// Searches all entries of `dir`.
    fn list(dir: &DirUse, walk: &mut Walk<'_, '_, '_>) {
        walk.tools.tally.directories += 1;
        walk.job.has_done(1);
        go_on(dir, dir.descriptor(), None, walk);
    }

    /// Searches what its listing still has.
    fn go_on(
        dir: &DirUse,
        fd: Result<Arc<OwnedFd>, Errno>,
        mut rest: Option<Arc<Rest>>,
        walk: &mut Walk<'_, '_, '_>,
    ) {
        let mut listing = take(&mut walk.listing);
        let listed = list_with(dir, fd, &mut rest, &mut listing, walk);
        match (listed, rest) {
            (Ok(()), Some(rest)) => rest.end(),
            (Err(errno), rest) if rest.as_ref().is_none_or(|rest| rest.fail()) => {
                walk.tools.search.problem(&dir.path(), &errno.into());
            }
            _ => {}
        }
        walk.listing = listing;
    }

    fn list_with(
        dir: &DirUse,
        fd: Result<Arc<OwnedFd>, Errno>,
        rest: &mut Option<Arc<Rest>>,
        listing: &mut Listing,
        walk: &mut Walk<'_, '_, '_>,
    ) -> Result<(), Errno> {
        let fd = fd?;
        let mut entries = RawDir::new(&*fd, &mut listing.entries);
        while !rest.as_ref().is_some_and(|rest| rest.is_over())
            && next_names(&walk.tools.search, &mut entries, &mut listing.names)?
        {
            // What is not about full has been listed to its end.
            if rest.is_none() && !walk.is_cold && listing.names.listed() > LISTING / 2 {
                *rest = Some(Arc::new(Rest::new(&fd)));
            }
            batch(dir, Some(fd.as_fd()), &mut listing.names, rest.as_ref(), walk);
            if walk.tools.search.is_stopped() {
                break;
            }
            if walk.job.is_leaving() {
                let rest = rest.take().unwrap_or_else(|| Arc::new(Rest::new(&fd)));
                walk.job.leave(Task::Rest(dir.keep(), rest));
                break;
            }
        }
        Ok(())
    }

    /// Searches the entries of `dir`, whose descriptor is `at`, that are in `names`. Others may join in the listing while there is a `rest` of it, and
    /// take half of what is left here after that.
    fn batch(
        dir: &DirUse,
        at: Option<BorrowedFd<'_>>,
        names: &mut Names,
        rest: Option<&Arc<Rest>>,
        walk: &mut Walk<'_, '_, '_>,
    ) {
        let mut since = walk.tools.tally.bytes;
        walk.job.is_busy = names.len() > 1;
        while let Some(entry) = next(dir, at, names, walk) {
            visit(dir, at, entry.name, entry.file_type, Looks::default(), walk);
            if walk.tools.search.is_stopped() {
                break;
            }
            if walk.job.is_leaving() {
                walk.job.leave(Task::Batch(dir.keep(), names.rest()));
                break;
            }
            walk.job.is_busy = names.len() > 1;
            let rest = rest.filter(|rest| !rest.is_over());
            let much =
                rest.is_some() || names.len() >= SHARE_NAMES || walk.tools.tally.bytes - since > SHARE_BYTES;
            if much && !names.is_empty() && walk.job.wanted() {
                since = walk.tools.tally.bytes;
                if let Some(rest) = rest {
                    walk.job.share_rest(dir, rest);
                } else {
                    walk.job.spawn(Task::Batch(dir.keep(), names.split()));
                    walk.tools.early.keep(names.len());
                }
            }
        }
        walk.tools.early.end();
    }

    /// Takes the next name. Files are opened before their turn, if they are in memory.
    fn next<'n>(
        dir: &DirUse,
        at: Option<BorrowedFd<'_>>,
        names: &'n mut Names,
        walk: &mut Walk<'_, '_, '_>,
    ) -> Option<Name<'n>> {
        let most = walk.early.min(walk.job.left.unwrap_or(usize::MAX));
        let Walk { tools, habit, .. } = walk;
        tools.early.fill(names, most, |name| {
            let looks = Looks::default();
            try_open(dir, &Entry { dir: Some(dir), at, name, follow: false, looks }, habit)
        });
        tools.early.go_on();
        names.pop()
    }

    /// Searches one entry, as what it is.
    fn visit(
        dir: &DirUse,
        at: Option<BorrowedFd<'_>>,
        name: &CStr,
        mut file_type: FileType,
        mut looks: Looks,
        walk: &mut Walk<'_, '_, '_>,
    ) {
        loop {
            let (kind, follow) = match kind_of(&walk.tools.search, dir, name, file_type) {
                Ok(Some(kind)) => kind,
                Ok(None) => return,
                Err(Errno::NOENT) => break,
                Err(errno) => return walk.tools.search.problem(&dir.path_of(name), &errno.into()),
            };
            // It is there, whatever was said.
            if let Some(errno) = looks.enough() {
                return walk.tools.search.problem(&dir.path_of(name), &errno.into());
            }
            let entry = Entry { dir: Some(dir), at, name, follow, looks };
            match walk_one(kind, &entry, walk) {
                Ok(()) => return,
                Err(Changed(errno)) => looks = looks.after(errno),
            }
            file_type = FileType::Unknown;
        }
        walk.tools.tally.vanished += 1;
    }
}
