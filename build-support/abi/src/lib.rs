//! The contract between macro, runtime and link step: one section, one record layout, one symbol, and what the
//! numbers mean that the link step writes into an executable.
//!
//! A *record* asserts something about **executing one instruction**, never about a function, so that inlining,
//! cloning and link-time optimisation cannot make it false: whoever copies the instruction copies the record's
//! relocation with it or leaves an instruction without a record, which proves nothing and therefore harms nothing. (One kind, [`Kind::ByOthers`], speaks of a
//! place; nothing is proved by it.)
//!
//! ```text
//! record, 8-aligned, little-endian, in the non-allocated section ".vthread.records"
//!  0  "VTHREAD"   7 bytes
//!  7  kind        u8, see `Kind`
//!  8  site        u64, address of an instruction (CHUNK: of the end of a 32-bit immediate, less 4)
//! 16  callee      u64, address of a function or place, or 0
//! 24  extra       u32, a number whose meaning the kind gives
//! 28  flags       u32, see `flags` and the kind
//! 32  marker      NUL-terminated text, may be empty; the record is padded to 8
//! ```
//!
//! The section is not loaded: a finished executable carries no trace of it at run time.
#![no_std]

/// Section that holds the records. Not allocated, so it costs no memory and survives `--gc-sections`
/// exactly as long as the function that refers to it (`.reloc ., R_X86_64_NONE`).
pub const SECTION: &str = ".vthread.records";

/// First seven bytes of every record; anything else there means another version of vthread.
pub const HEAD: &[u8; 7] = b"VTHREAD";

/// Bytes of a record before its marker.
pub const FIXED_LEN: usize = 32;

/// The immediate as compiled, before the link step has written a size. Larger than any chunk, so the one
/// comparison that finds large and unproved entries finds this too. A multiple of 16 as sizes are, so that who keeps either has the same
/// bits to spare.
pub const UNPATCHED: u32 = 0x7fff_fa10;

/// Written instead of a size when no bound could be proved: the entry gets a large guarded stack.
pub const UNPROVED: u32 = 0x7fff_fa20;

/// Only the link step defines this symbol; its name is the error message of a package without the build script.
pub const MISSING: &str = "__vthread_link_step_missing__add_build_rs__fn_main_vale_threads_build_link_step";

/// Chunk sizes are multiples of this many bytes: what stacks are aligned to, so that no chunk is larger than its entry needs. A chunk's
/// free list is `size / CLASS_STEP`.
pub const CLASS_STEP: u32 = 16;

/// The largest chunk that has a free list, in bytes. A proved bound above it is written as it is, rounded up to
/// whole pages, and gets a stack of its own.
pub const LARGEST_CHUNK: u32 = 1 << 16;

/// Bytes of a page.
pub const PAGE: u32 = 4096;

/// Bits of a record's `flags` for [`Kind::Chunk`].
pub mod flags {
    /// An entry that cannot be proved is an error (`#[vthread(exact)]`).
    pub const EXACT: u32 = 1;
    /// Write `bound + extra`, rounded up to 16, instead of a chunk size (exact OS-thread stacks, which lie in the region and count as
    /// chunks).
    pub const RAW: u32 = 2;

    /// Of a [`Kind::PlainJump`](super::Kind::PlainJump): where it leads, the functions of the chunk records beside it, in the same function of
    /// the executable, are called on this stack, with the same result as on a chunk. The link step may make the jump unconditional, where they are
    /// small: then it is taken on chunks, too.
    pub const IN_PLACE: u32 = 1;
}

/// The size of the chunk for an entry whose bound is `bound` bytes, of which the runtime keeps `reserve` bytes at
/// the top for itself.
///
/// A *bound* counts from just before the call pushes its return address: it contains those 8 bytes, every frame
/// below, and the red zone where a leaf uses it. Sizes above [`LARGEST_CHUNK`] are whole pages. `None`: too large
/// to be written (2 GiB).
///
/// ```
/// assert_eq!(vale_threads_abi::chunk_size(100, 16), Some(128));
/// assert_eq!(vale_threads_abi::chunk_size(112, 16), Some(128));
/// assert_eq!(vale_threads_abi::chunk_size(113, 16), Some(144));
/// assert_eq!(vale_threads_abi::chunk_size(70_000, 16), Some(73_728));
/// assert_eq!(vale_threads_abi::chunk_size(u64::MAX, 16), None);
/// ```
pub const fn chunk_size(bound: u64, reserve: u32) -> Option<u32> {
    let Some(need) = bound.checked_add(reserve as u64) else { return None };
    let step = if need <= LARGEST_CHUNK as u64 { CLASS_STEP } else { PAGE } as u64;
    let Some(size) = need.checked_next_multiple_of(step) else { return None };
    if size < 0x7fff_0000 { Some(size as u32) } else { None }
}

/// What a record asserts.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[repr(u8)]
pub enum Kind {
    /// `mov r32, UNPATCHED` then `lea p, [rip + f]`. `site` is the immediate, `callee` is `f`, `extra` the bytes that the
    /// runtime keeps at the top of the chunk. Past the site, p holds that same `f`. The link step writes
    /// `chunk_size(bound(f), extra)` there, or [`UNPROVED`]. `flags`: see [`flags`]. `marker`: how the report is to
    /// call the entry; empty: by its symbol.
    Chunk = 1,
    /// `mov p, [table + 8*index]`: past it, p holds `callee` whenever rsp is on a chunk, and the function that contains
    /// `site` is a member of `marker`.
    Select = 2,
    /// `mov r, r` on one word of a `dyn` reference: past it, a call through memory that r points to enters a member of
    /// `marker`.
    Tag = 3,
    /// `nop`: never executed while rsp is on a chunk. The path ends here.
    Plain = 4,
    /// A `call` whose callee runs on another stack: its depth does not count on this one. The callee returns.
    Switch = 5,
    /// The instruction at which a context switch leaves this stack. Control comes back only at `callee` (an address in
    /// the same function) with rsp = rsp before `site` + `extra`, rbp as it was before `site`, and every other register unknown. `callee` 0: never. Who gets rsp, from a
    /// register or as stored by one of the two instructions before `site`, only comes back with it: nothing of this stack is written through it.
    Swap = 6,
    /// A pool of hop stubs for functions of the executable itself: stubs of `extra` bytes from `site` up to `callee`. Each
    /// copies `flags & 0xff` words of stack arguments, and holds two 32-bit displacements that are to be filled
    /// with the callee's address: of its jump at offset `flags >> 8 & 0xff`, of its call at `flags >> 16 & 0xff`.
    HopDirect = 7,
    /// A pool of hop stubs for imports: `flags >> 8` stubs of `extra` bytes from `site` on, each copying `flags & 0xff`
    /// words. Stub i reaches its target through the i-th of the 8-byte slots at `callee`, which as compiled hold
    /// the addresses of the stubs themselves.
    HopImport = 8,
    /// Calls of the import `marker` that are made on a chunk may go to the function at `site` instead, which does the same
    /// and can be bounded (`memcpy` and its relatives).
    Replace = 9,
    /// `site` is a 32-bit immediate that wants the offset from the thread pointer of the thread-local whose symbol
    /// contains `marker`; it keeps [`UNPATCHED`] if there is none, or more than one.
    ThreadLocal = 10,
    /// A conditional jump that the runtime wrote: never taken while rsp is on a chunk, so there the path goes on behind it. It says
    /// of the jump what [`Kind::Plain`] says of a place, and costs no instruction. A jump that the compiler wrote has no record. `flags`: see
    /// [`flags::IN_PLACE`].
    PlainJump = 11,
    /// A pool of stubs for functions that are counted while they run: stubs of `extra` bytes from `site` up to `callee`. From
    /// offset `flags` on there is room for the first instructions of such a function and a jump to its others; the function itself begins with
    /// a jump to the stub instead.
    Pin = 12,
    /// A place in the body of a method that code calls which knows nothing of chunks, as the trait is not annotated. A circle of calls with such a
    /// place in it goes by way of that code, even if nothing is left of it, as all was inlined. No instruction.
    ByOthers = 13,
}

impl Kind {
    /// The kind with this number, if there is one.
    pub const fn from_byte(byte: u8) -> Option<Self> {
        Some(match byte {
            1 => Self::Chunk,
            2 => Self::Select,
            3 => Self::Tag,
            4 => Self::Plain,
            5 => Self::Switch,
            6 => Self::Swap,
            7 => Self::HopDirect,
            8 => Self::HopImport,
            9 => Self::Replace,
            10 => Self::ThreadLocal,
            11 => Self::PlainJump,
            12 => Self::Pin,
            13 => Self::ByOthers,
            _ => return None,
        })
    }
}

/// The assembler text of a record: `record!(kind, site, callee, extra, flags, marker)`. All but the marker are literals
/// that the assembler evaluates (numbers of `Kind`, labels, `{operands}`); the marker is any constant string.
///
/// The text uses the local label 772 and leaves the current section as it was.
#[macro_export]
macro_rules! record {
    ($kind:literal, $site:literal, $callee:literal, $extra:literal, $flags:literal, $marker:expr) => {
        ::core::concat!(
            // Keeps the record as long as the code that it speaks of, under --gc-sections too.
            ".reloc ., R_X86_64_NONE, 772f\n",
            ".pushsection .vthread.records,\"\",@progbits\n",
            ".p2align 3\n",
            "772: .ascii \"VTHREAD\"\n",
            ".byte ",
            $kind,
            "\n.quad ",
            $site,
            "\n.quad ",
            $callee,
            "\n.long ",
            $extra,
            "\n.long ",
            $flags,
            "\n.asciz \"",
            $marker,
            "\"\n.p2align 3\n.popsection"
        )
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_have_their_numbers() {
        for byte in 0..=u8::MAX {
            if let Some(kind) = Kind::from_byte(byte) {
                assert_eq!(kind as u8, byte);
            }
        }
        assert_eq!((1..=u8::MAX).filter_map(Kind::from_byte).count(), 13);
    }

    #[test]
    fn sentinels_are_above_every_size() {
        let largest = chunk_size(0x7fff_0000 - u64::from(PAGE) - 16, 16).expect("just fits");
        assert!(largest < UNPATCHED.min(UNPROVED));
        assert!(UNPATCHED.is_multiple_of(CLASS_STEP) && UNPROVED.is_multiple_of(CLASS_STEP));
        assert_eq!(chunk_size(0x7fff_0000, 0), None);
    }
}
