//! The records that macro and runtime left in the executable; `vale_threads_abi` defines them.

use crate::elf::{Image, read_u32, read_u64};
use crate::error::RecordError;
use crate::functions::Functions;
use crate::hash::{Map, Set};
use iced_x86::{Decoder, FlowControl};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Range;
use vale_threads_abi::flags::{IN_PLACE, RAW};
use vale_threads_abi::{FIXED_LEN, HEAD, Kind, SECTION, UNPATCHED};

/// Number of a marker's text, an index for [`Records::marker`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Marker(pub u32);

/// One record whose site is in this program.
#[derive(Clone, Copy, Debug)]
pub struct Record<'d> {
    /// What it asserts.
    pub kind: Kind,
    /// The instruction.
    pub site: u64,
    /// A function or place, or 0.
    pub callee: u64,
    /// See `Kind`.
    pub extra: u32,
    /// See `Kind`.
    pub flags: u32,
    /// Its text.
    pub marker: &'d str,
}

/// What the interpreter needs to know when it meets an instruction.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Mark {
    /// On a chunk, the loaded register holds one of these functions.
    Select(BTreeSet<u64>),
    /// The moved register is half of a `dyn` reference with one of these markers.
    Tag(BTreeSet<Marker>),
    /// Never executed on a chunk.
    Plain,
    /// A conditional jump that is never taken on a chunk.
    PlainJump,
    /// The same, but the link step may make it unconditional, or has.
    InPlace,
    /// The callee of this call runs on another stack.
    Switch,
    /// Control leaves this stack, and comes back only at `resume` with rsp moved up by `moved`, and rbp as it was.
    Swap {
        /// Where; `None`: never.
        resume: Option<u64>,
        /// Bytes.
        moved: i64,
    },
}

/// What a function enters on chunks.
#[derive(Clone, Default, Debug)]
pub struct Enters {
    /// The entries.
    pub callees: Vec<u64>,
    /// Jumps to where they are called in place.
    pub jumps: Vec<u64>,
    /// An earlier link step has made one of these unconditional: it does all or none.
    pub in_place: bool,
}

/// All records of a program.
#[derive(Default, Debug)]
pub struct Records<'d> {
    /// Those whose site is in the program.
    pub all: Vec<Record<'d>>,
    /// How many spoke of code that the linker dropped.
    pub dropped: usize,
    marks: Map<u64, Mark>,
    /// Starts of functions in which the runtime moves rsp to other stacks.
    switching: BTreeSet<u64>,
    /// Starts of functions that hold a record which the macro puts into vthread code.
    vthread: BTreeSet<u64>,
    /// Starts of functions that hold what code calls that knows nothing of chunks.
    by_others: BTreeSet<u64>,
    /// Starts of functions with plain paths or selected slots.
    placed: Set<u64>,
    /// By the function that holds them: what is entered on chunks, and the jumps to where it is called in place instead.
    enters: BTreeMap<u64, Enters>,
    /// Every record's site.
    sites: BTreeSet<u64>,
    markers: Vec<&'d str>,
    members: BTreeMap<Marker, BTreeSet<u64>>,
    /// Addresses of hop stubs.
    pools: Vec<Range<u64>>,
}

impl<'d> Records<'d> {
    /// Reads the records of `image`; none at all is fine.
    ///
    /// # Errors
    /// When the section holds anything else, or records that contradict each other.
    pub fn read(image: &Image<'d>, functions: &Functions<'d>) -> Result<Self, RecordError> {
        let mut records = Records::default();
        let data = image.section(SECTION).map_or(&[][..], |s| s.data);
        let mut offset = 0;
        while offset < data.len() {
            let (record, len) = read_one(data, offset)?;
            offset += len;
            if image.is_code(record.site) {
                records.all.push(record);
            } else {
                records.dropped += 1;
            }
        }
        records.index(functions)?;
        for enters in records.enters.values_mut() {
            let flow = |at: u64| {
                let code = image.bytes(at, 6).unwrap_or_default();
                Decoder::with_ip(64, code, at, 0).decode().flow_control()
            };
            // A record of code that the linker dropped may have been left with an address at which something else is.
            let branches = [FlowControl::ConditionalBranch, FlowControl::UnconditionalBranch];
            enters.jumps.retain(|at| branches.contains(&flow(*at)));
            enters.in_place = enters.jumps.iter().any(|at| flow(*at) == FlowControl::UnconditionalBranch);
        }
        Ok(records)
    }

    fn index(&mut self, functions: &Functions<'d>) -> Result<(), RecordError> {
        let mut numbers = HashMap::new();
        for record in self.all.clone() {
            let function = functions.containing(record.site).map(|f| f.start);
            if record.kind == Kind::ByOthers {
                // It says nothing of the instruction that happens to be there.
                self.by_others.extend(function);
                continue;
            }
            self.sites.insert(record.site);
            if matches!(record.kind, Kind::Select | Kind::Plain | Kind::PlainJump) {
                self.placed.extend(function);
            }
            if matches!(record.kind, Kind::Select | Kind::Tag | Kind::Plain | Kind::PlainJump) {
                self.vthread.extend(function);
            }
            // So is what takes a chunk; what makes an OS thread is ordinary code.
            if record.kind == Kind::Chunk && record.flags & RAW == 0 {
                self.vthread.extend(function);
            }
            if let Some(function) = function {
                match record.kind {
                    Kind::Chunk => self.enters.entry(function).or_default().callees.push(record.callee),
                    Kind::PlainJump if record.flags & IN_PLACE != 0 => {
                        self.enters.entry(function).or_default().jumps.push(record.site);
                    }
                    _ => {}
                }
            }
            if matches!(record.kind, Kind::Switch | Kind::Swap) {
                self.switching.extend(function);
            }
            match record.kind {
                Kind::HopDirect | Kind::Pin => self.pools.push(record.site..record.callee),
                Kind::HopImport => {
                    let len = u64::from(record.flags >> 8) * u64::from(record.extra);
                    self.pools.push(record.site..record.site.saturating_add(len));
                }
                _ => {}
            }
            let mark = match record.kind {
                Kind::Select => {
                    let marker = self.intern(&mut numbers, record.marker);
                    self.members.entry(marker).or_default().extend(function);
                    Mark::Select([record.callee].into())
                }
                Kind::Tag => Mark::Tag([self.intern(&mut numbers, record.marker)].into()),
                Kind::Plain => Mark::Plain,
                Kind::PlainJump if record.flags & IN_PLACE != 0 => Mark::InPlace,
                Kind::PlainJump => Mark::PlainJump,
                Kind::Switch => Mark::Switch,
                Kind::Swap => Mark::Swap {
                    resume: (record.callee != 0).then_some(record.callee),
                    moved: i64::from(record.extra.cast_signed()),
                },
                _ => continue,
            };
            self.add(record.site, mark)?;
        }
        Ok(())
    }

    fn intern(&mut self, numbers: &mut HashMap<&'d str, Marker>, text: &'d str) -> Marker {
        *numbers.entry(text).or_insert_with(|| {
            self.markers.push(text);
            Marker(self.markers.len() as u32 - 1)
        })
    }

    /// Identical code may have been folded into one function, so one site can have several records.
    fn add(&mut self, site: u64, mark: Mark) -> Result<(), RecordError> {
        let Some(known) = self.marks.get_mut(&site) else {
            self.marks.insert(site, mark);
            return Ok(());
        };
        match (known, mark) {
            (Mark::Select(have), Mark::Select(more)) => have.extend(more),
            (Mark::Tag(have), Mark::Tag(more)) => have.extend(more),
            (have, more) if *have == more => {}
            (have, more) => {
                let what = format!("{have:?} and {more:?} cannot both hold");
                return Err(RecordError::Contradicted { site, what });
            }
        }
        Ok(())
    }

    /// Does a hop stub lie at this address?
    pub fn in_pool(&self, address: u64) -> bool {
        self.pools.iter().any(|pool| pool.contains(&address))
    }

    /// What is asserted about the instruction at `address`.
    pub fn mark(&self, address: u64) -> Option<&Mark> {
        // Most programs that are looked at have no records at all.
        if self.marks.is_empty() { None } else { self.marks.get(&address) }
    }

    /// May the function that begins at `start` leave its stack on purpose?
    pub fn switches(&self, start: u64) -> bool {
        self.switching.contains(&start)
    }

    /// Is the function that begins at `start` one that the macro made, or holds such a one inlined?
    pub fn is_vthread(&self, start: u64) -> bool {
        self.vthread.contains(&start)
    }

    /// Does the function that begins at `start` hold the body of a method that code calls which knows nothing of chunks?
    pub fn is_called_by_others(&self, start: u64) -> bool {
        self.by_others.contains(&start)
    }

    /// Does the function that begins at `start` hold an instruction whose meaning depends on where rsp is?
    pub fn depends_on_place(&self, start: u64) -> bool {
        self.placed.contains(&start)
    }

    /// What the function that begins at `start` enters on chunks, if it may be called in place instead.
    pub fn enters(&self, start: u64) -> Option<&Enters> {
        self.enters.get(&start).filter(|enters| !enters.jumps.is_empty() && !enters.callees.is_empty())
    }

    /// Does any record speak of an instruction in this range?
    pub fn any_in(&self, range: Range<u64>) -> bool {
        self.sites.range(range).next().is_some()
    }

    /// A marker's text.
    pub fn marker(&self, marker: Marker) -> &'d str {
        self.markers.get(marker.0 as usize).copied().unwrap_or("?")
    }

    /// The functions that a tagged call may enter.
    pub fn members(&self, marker: Marker) -> impl Iterator<Item = u64> + '_ {
        self.members.get(&marker).into_iter().flatten().copied()
    }

    /// Has a link step written sizes already?
    pub fn are_served(&self, image: &Image<'_>) -> bool {
        let size = |record: &Record<'_>| image.bytes(record.site, 4).and_then(read_u32);
        self.of_kind(Kind::Chunk).any(|r| size(r).is_some_and(|size| size != UNPATCHED))
    }

    /// The records of one kind.
    pub fn of_kind(&self, kind: Kind) -> impl Iterator<Item = &Record<'d>> {
        self.all.iter().filter(move |r| r.kind == kind)
    }
}

fn read_one(data: &[u8], offset: usize) -> Result<(Record<'_>, usize), RecordError> {
    let wrong = |what: &str| RecordError::NotARecord { offset, what: what.to_owned() };
    let bytes = &data[offset..];
    let fixed = bytes.get(..FIXED_LEN).ok_or_else(|| wrong("cut short"))?;
    if !fixed.starts_with(HEAD) {
        return Err(wrong("not a record"));
    }
    let kind = Kind::from_byte(fixed[HEAD.len()]).ok_or_else(|| wrong("a record of unknown kind"))?;
    let word = |at: usize| read_u64(&fixed[at..]).unwrap_or(0);
    let half = |at: usize| read_u32(&fixed[at..]).unwrap_or(0);
    let text = &bytes[FIXED_LEN..];
    let end = text.iter().position(|b| *b == 0).ok_or_else(|| wrong("a marker without an end"))?;
    let marker = std::str::from_utf8(&text[..end]).map_err(|_| wrong("a marker that is not UTF-8"))?;
    let record = Record { kind, site: word(8), callee: word(16), extra: half(24), flags: half(28), marker };
    // The last record's padding may be missing.
    Ok((record, (FIXED_LEN + end + 1).next_multiple_of(8).min(bytes.len())))
}
