//! The attribute `#[vthread]`. Users write `vthread::vthread`; the runtime re-exports it.
//!
//! How it works: `scan` finds names and functions, `expander` writes every item, bodies go through `rewrite`, and
//! `graph` says where wrappers break cycles of calls. `functions`, `traits`, `tables` and `dyn_impls` say at
//! their heads what they write. `SURFACE.md` beside the manifest lists what is taken, with the tests that show it.

use proc_macro::TokenStream;

mod attributes;
mod choose;
mod conditions;
mod diagnostics;
mod dyn_impls;
mod dyn_methods;
mod entry;
mod expand;
mod expander;
mod fragments;
mod functions;
#[cfg(test)]
mod golden;
mod graph;
mod guesses;
mod hints;
mod lineage;
mod macro_impls;
mod names;
mod object_uses;
mod objects;
mod options;
mod own_macros;
mod place;
mod resolve;
mod rewrite;
mod scan;
mod signature;
mod std_macros;
mod std_names;
mod tables;
mod tokens;
mod traits;
mod use_tree;
mod uses;
mod world;

/// Lets ordinary Rust run on stacks that are exactly as large as it needs: write it as always and put this on it.
///
/// # A module
///
/// ```
/// use vthread::vthread;
///
/// #[vthread]
/// mod files {
///     pub trait Entry {
///         fn size(&self) -> u64;
///     }
///
///     pub struct File(pub u64);
///     pub struct Folder(pub Vec<Box<dyn Entry + Send>>);
///
///     impl Entry for File {
///         fn size(&self) -> u64 {
///             self.0
///         }
///     }
///
///     impl Entry for Folder {
///         fn size(&self) -> u64 {
///             self.0.iter().map(|entry| entry.size()).sum()
///         }
///     }
///
///     /// How deep `n` can be halved: a recursive function.
///     pub fn halvings(n: u64) -> u32 {
///         if n == 0 { 0 } else { 1 + halvings(n / 2) }
///     }
/// }
///
/// use files::{Entry, File, Folder};
/// let folder = Folder(vec![Box::new(File(3)), Box::new(Folder(vec![Box::new(File(4))]))]);
/// assert_eq!(folder.size(), 7); // an ordinary call
/// assert_eq!(vthread::run(|| (folder.size(), files::halvings(1000))), (7, 10)); // on a virtual thread
/// ```
///
/// # What it becomes
///
/// Each function keeps its name and signature as a *shim*; its body takes the context word `is_concurrent` first, of which
/// bit 0 says whether the caller's stack is a chunk. Calls that the macro sees pass the word on, all others go through
/// the shim, which reads it anew. So a call that the macro cannot see into is right, too: it costs two or three
/// instructions more.
///
/// ```text
/// fn size(f: &File) -> u64 {                        fn size(f: &File) -> u64 { __vt_size(current(), f) }
///     padded(f.0)                                   fn __vt_size(is_concurrent: i64, f: &File) -> u64 {
/// }                                                     __vt_padded(is_concurrent, f.0)
///                                                   }
/// ```
///
/// **Recursion** must take a chunk somewhere, or its depth would have no bound. The macro finds the circles of calls of a
/// module by their names and puts a wrapper that takes one on calls that close one. The bodies of functions and inherent methods on a circle are
/// compiled twice, for callers on chunks and for all others, so that off the chunks they cost what they would without the macro:
///
/// ```text
/// fn halvings(n: u64) -> u32 {                      fn __body_halvings<const C: bool>(known: Known<C>, n: u64) -> u32 {
///     if n == 0 { 0 }                                   if n == 0 { 0 }
///     else { 1 + halvings(n / 2) }                      else { 1 + __step_halvings(known, n / 2) }
/// }                                                 }
///                                                   fn __step_halvings<const C: bool>(known: Known<C>, n: u64) -> u32 {
///                                                       if C { on_chunk(move || __body_halvings(Known::<true>, n)) }
///                                                       else { __body_halvings(Known::<false>, n) }
///                                                   }
/// ```
///
/// Circles through several modules are found by the
/// link step; `#[vthread(recursive)]` on one of the functions breaks them.
///
/// **Trait objects.** `dyn Entry` becomes `dyn __EntryObj`, a hidden trait whose methods index a generated array with
/// `2 * i + (is_concurrent & 1)`: for each method it holds the plain function and one that takes a chunk first, unless the link step finds that it needs little. `Box`, `&`,
/// `&mut`, `Rc`, `Arc` and `Pin` of it, coercions, `+ Send + Sync + 'a`, supertraits, default methods, `where Self:
/// Sized` methods, type parameters and associated types work as before.
///
/// **Closures** read the word again at their top, because one that is made on an ordinary stack may run on a chunk: two or three
/// instructions, once for a loop where the compiler can see that, and none where nothing needs it, or where it is inlined into the body of
/// a recursive function for callers on ordinary stacks.
/// Macros of std are looked into (`println!("{}", size(file))`); what an unknown macro calls goes through shims.
///
/// # Where it stands
///
/// | on | meaning |
/// |---|---|
/// | `mod m { .. }` | everything in it, nested modules and items in functions included |
/// | `fn`, `trait`, `impl` | that item alone |
/// | `#[vthread] use path::{f, Trait};` | imports functions and traits of another vthread module, with what belongs to them; `pub`: passes them on |
///
/// | option | on | meaning |
/// |---|---|---|
/// | `recursive` | `fn` | every call takes a chunk |
/// | `exact` | any | the link fails if a wrapper has no proved bound |
/// | `names(f, Trait)` | any | these come from elsewhere and are vthread names |
/// | `f, g` | `use` | names of methods of the imported traits: calls of them pass the word on |
/// | `dyn` | `use` | for code without the attribute: these names of traits are for `dyn Trait` |
/// | `crate = path` | any | the runtime, where it is not `::vthread` |
///
/// `#[plain]` on a function, impl, trait, module or on a call that is a statement leaves it as it is. `const fn`s and functions whose
/// signature somebody else fixes (`Display::fmt`, tests) keep it. Impls that a `macro_rules!` of
/// the module writes are annotated with it; a macro from elsewhere needs `#[vthread]` on the impls of vthread traits in it.
///
/// ```
/// # fn main() { assert_eq!(vthread::run(|| user::total(&[&user::Unit, &user::Unit])), 2.0); }
/// use vthread::vthread;
///
/// #[vthread]
/// pub mod shapes {
///     pub trait Shape {
///         fn area(&self) -> f64;
///     }
///     pub fn double(n: f64) -> f64 {
///         n * 2.0
///     }
/// }
///
/// #[vthread]
/// mod user {
///     #[vthread(area)]
///     use super::shapes::{Shape, double};
///
///     pub struct Unit;
///     impl Shape for Unit {
///         fn area(&self) -> f64 {
///             double(0.5)
///         }
///     }
///     pub fn total(all: &[&dyn Shape]) -> f64 {
///         all.iter().map(|s| s.area()).sum()
///     }
/// }
/// ```
///
/// # Names, not types
///
/// The macro sees names. A method call on a value whose type it cannot read off the text counts as a vthread one if a
/// method of that name is, unless std has one of the name too. If the value is of another type, the compiler
/// says that its method is not the vthread one: write the type down, or `#[plain]` on the call.
///
/// # Errors
///
/// With a span, and the item as it was written beside it: `async` code, `extern "C"` and variadic functions, parameters
/// under `#[cfg]` or called `is_concurrent`, a recursive function that returns `impl Trait`, `mod m;`, unknown
/// options, a glob in `#[vthread] use`, `dyn` of a trait that is implemented for every `T: ?Sized` or has a vthread supertrait
/// of another module, and auto traits other than `Send` and `Sync` beside one.
///
/// `GUIDE.md` beside this crate's manifest shows all of it before and after, `SURFACE.md` names the test that shows each construct.
///
/// The idea is Vale's: <https://github.com/ValeLang/Vale>, `VirtualThreads.md`.
#[proc_macro_attribute]
pub fn vthread(attribute: TokenStream, item: TokenStream) -> TokenStream {
    expand::vthread(attribute.into(), item.into()).into()
}

/// Runs the body of `main` as a virtual thread, on a runtime with a carrier for each processor. The main thread waits, until all vthreads
/// have ended.
///
/// ```
/// #[vthread::main]
/// fn main() -> Result<(), std::num::ParseIntError> {
///     let n: u32 = "7".parse()?;
///     assert_eq!(n, 7);
///     Ok(())
/// }
/// ```
///
/// # Panics
/// If the stacks cannot be had. What the body panics with passes through.
#[proc_macro_attribute]
pub fn main(attribute: TokenStream, item: TokenStream) -> TokenStream {
    entry::expand(entry::Entry::Main, attribute.into(), item.into()).into()
}

/// Makes a test whose body runs as a virtual thread on a fresh runtime, as that of [`main`](macro@main) does; other attributes of tests work beside it.
///
/// The harness has threads of its own, of which one might wake a virtual thread, so a test in which all wait for each other does not end. When
/// they have waited for ten seconds, standard error is told who waits for what (`VTHREAD_WHO_WAITS=SECONDS`: sooner or later, and 0: never).
///
/// ```
/// #[vthread::test]
/// #[should_panic(expected = "on purpose")]
/// fn it_panics() {
///     panic!("on purpose");
/// }
/// ```
#[proc_macro_attribute]
pub fn test(attribute: TokenStream, item: TokenStream) -> TokenStream {
    entry::expand(entry::Entry::Test, attribute.into(), item.into()).into()
}

/// The guide's blocks are doctests of this crate.
#[cfg(doctest)]
#[doc = include_str!("../GUIDE.md")]
struct Guide;
