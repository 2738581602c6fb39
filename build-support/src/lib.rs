//! Stack bounds of linked programs, proved from their machine code, and written into them.
//!
//! A package with virtual threads calls [`link_step`] in its `build.rs`; for everybody else there is the program
//! `vthread-bounds`, which prints the bounds of any x86-64 ELF executable.
//!
//! # Method
//!
//! One module per stage; each uses what those before it found. (`graph` uses functions of `groups` and `bounds` while it decides what hops and what
//! is called in place.)
//!
//! 1. [`elf`]: what is where in the file; what the loader will write into which word; what is imported.
//! 2. [`functions`], `unwind` and [`lsda`]: functions from unwind tables and symbols; where panics land.
//! 3. [`frames`]: an abstract interpretation of each function's code. It follows rsp, what registers and stack slots are
//!    relative to it, code addresses, and the marks that macro and runtime left ([`records`]). It yields the frame, each call with its
//!    depth and its possible callees, or the reason why the function cannot be followed.
//! 4. [`graph`]: who calls whom; what cannot be bounded is carried out elsewhere, if the program has stubs for it ([`pools`],
//!    [`thunk`], [`preload`]) and the rules for std ([`rules`]);
//!    what is small, or is so but for one call, is called in place instead of on a chunk.
//! 5. [`groups`]: strongly connected components.
//! 6. [`bounds`]: own frame, or depth of a call + 8 + bound of its callee, whichever is most.
//! 7. [`explain`], [`source`] and [`report`]: the worst chain, or why there is no bound, with lines of source; what an entry can block in,
//!    and where it can be switched away from.
//!
//! [`link`] is the link step: it runs the linker, does all this to the output, writes the sizes, rewrites calls, reads the output again
//! and verifies it.
//!
//! A *bound* counts from before the call pushes its return address. *Exact* means that some path of calls needs it to the byte
//! (if that path is ever taken); *at most* that padding for alignment, or the red zone, may make it less; *unknown* is always
//! said with its reason. There is no fourth case: what is not followed is unknown, never zero.
//!
//! # What is taken for granted
//!
//! - The System V ABI: rsp is 8 below a multiple of 16 on entry; callees leave rbx, rbp, rsp, r12 to r15 as they were; nobody
//!   uses memory below rsp but the 128 bytes of the red zone.
//! - A pointer into a frame that was handed out is not used to reach memory below the address that was handed out; the frame's slots at
//!   and above it are not believed any more.
//! - Whoever gets the stack pointer of a context switch (`Kind::Swap`) only comes back with it, and writes nothing through it.
//! - Unwind tables tell where functions begin and end. They are asked about rsp in one case alone: code behind a call, which may be
//!   there because the callee never returns.
//! - Arguments on the stack are stored after the last call before theirs, the first at rsp, each of the others right behind the one before or at the next
//!   multiple of 16, 32 or 64.
//!   (gcc breaks this for structs of more than 8184 bytes that are passed by value: it has `memcpy` store them. Where the callee does not say how many bytes it takes,
//!   it gets none of them if it is carried out elsewhere. LLVM does not.)
//! - A jump table ends before a word that is no place in its function, or that the function refers to by itself.
//!
//! # Speed
//!
//! Build scripts are compiled without optimisation, and so is the link step. The code that runs for each instruction is written for that: no
//! iterators and no generic searches there. What it takes, and why not less: `docs/speed.md`. A package that links often can have it optimised, by four lines in its workspace's manifest for each
//! profile in use; the packages are named, so that other build scripts stay as they are:
//!
//! ```toml
//! [profile.release.package]
//! vale-threads-build.opt-level = 3
//! iced-x86.opt-level = 3
//! gimli.opt-level = 3
//! object.opt-level = 3
//! ```
//!
//! # Known limits
//!
//! - x86-64 ELF, Linux, little-endian. Executables, not shared objects: thread-locals and interposition are assumed as in an
//!   executable. No CET shadow stacks.
//! - `clang` as the linking compiler has no `-wrapper`: there the step takes the linker's place (`--ld-path`, clang 12 and later) and runs `ld`, or what
//!   `VTHREAD_LD` names, whatever linker was asked for.
//! - gcc's `.cold` parts of functions, which run with their parent's frame, are unknown, and so are the parents: 5 of bash's 2277 functions, 75 of the
//!   C library's 3713, none of Rust's. They are carried out elsewhere. (A part that begins with nothing on the stack and returns by itself is a function with which its parent ends.) Unknown as well: `alloca` and variable-length
//!   arrays, `enter`, and jumps into the middle of other functions.
//! - Who calls `setjmp`, `getcontext` or `vfork` is carried out elsewhere as a whole, as control comes back to its frame.
//! - Imports are bound when the program starts, also where the linker was told otherwise (`-z lazy`, `-C relro-level=off`).
//! - gold does not link it (`relocation refers to .. a discarded section`), nor C that was compiled with `-fsplit-stack`: that has a `__morestack` of its own.
//! - Calls through pointers are followed through registers, slots, constant memory, one argument and the marks; beyond that they are unknown.
//! - Statically linked C libraries choose `memcpy` and its relatives at start-up; such calls are unknown, so more
//!   functions are carried out elsewhere.
//! - Calls of imports are rewritten at the sites that can run on a chunk; nobody else pays. An import whose address is loaded there (`mov
//!   rax, [rip + slot]`, unoptimised code does so) is redirected for the whole program: calls of it off the chunks pay a test and a jump. The
//!   log says how many.
//! - In an executable that the link step has been through, std's functions that initialise thread-locals begin with a jump to a stub ([`pins`]), and are
//!   unknown to `--all`. Where the compiler has inlined them they are not found; if it has so everywhere, the log says that the rule did nothing.
//!   It inlines those of values without a destructor from `opt-level` 1 on, with the initialiser, into whoever uses the thread-local; those of values with one
//!   only at `z`. Nothing is left then that could be counted: a check of a byte, the code of the initialiser, and a store to that byte, in a function that may well
//!   wait elsewhere.
//! - Signal handlers are not counted: they need stacks of their own.
//! - What the loader or `libgcc` run before `main` is not on a chunk, and not of interest.
//!
//! # How it is shown right
//!
//! `docs/frames.md`: frames against LLVM's `.stack_sizes` and against `.eh_frame`, why they differ where they do, and why no pass in LLVM is needed.
//! `docs/reality.md`: what everyday functions really use of stacks of exactly their bound, arguments through hops, panics. `docs/example.md`: four small functions,
//! number by number. `docs/SHOWN.md`: everything that was asked for, with its tests. The tests of this crate make all their figures. `fuzz` has fuzz targets of the ELF reader and the interpreter; `tests/damaged.rs` runs the same
//! in a bounded way.

mod ahead;
pub mod bounds;
pub mod elf;
pub mod error;
pub mod explain;
pub mod frames;
pub mod functions;
pub mod graph;
pub mod groups;
mod hash;
pub mod link;
pub mod lsda;
mod made;
pub mod pins;
pub mod pools;
pub mod preload;
pub mod program;
pub mod records;
pub mod report;
pub mod rules;
pub mod source;
pub mod thunk;
mod unwind;

pub use link::{LinkStep, link_step};
