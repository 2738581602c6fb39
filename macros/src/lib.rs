//! The attribute `#[vthread]`. Users write `vthread::vthread`; the runtime re-exports it.
//!
//! How it works: `scan` finds names and functions, `expander` writes every item, bodies go through `rewrite`, and
//! `graph` says where wrappers break cycles of calls. `functions`, `traits`, `tables` and `dyn_impls` say at
//! their heads what they write.

use proc_macro::TokenStream;

mod attributes;
mod choose;
mod diagnostics;
mod dyn_impls;
mod entry;
mod expand;
mod expander;
mod functions;
#[cfg(test)]
mod golden;
mod graph;
mod hints;
mod lineage;
mod names;
mod objects;
mod options;
mod resolve;
mod rewrite;
mod scan;
mod signature;
mod std_macros;
mod std_names;
mod tables;
mod traits;
mod uses;
mod world;

/// Lets ordinary Rust run on stacks that are exactly as large as it needs.
#[proc_macro_attribute]
pub fn vthread(attribute: TokenStream, item: TokenStream) -> TokenStream {
    expand::vthread(attribute.into(), item.into()).into()
}

/// Runs the body of `main` as a virtual thread.
#[proc_macro_attribute]
pub fn main(attribute: TokenStream, item: TokenStream) -> TokenStream {
    entry::expand(entry::Entry::Main, attribute.into(), item.into()).into()
}

/// Makes a test whose body runs as a virtual thread on a fresh runtime.
#[proc_macro_attribute]
pub fn test(attribute: TokenStream, item: TokenStream) -> TokenStream {
    entry::expand(entry::Entry::Test, attribute.into(), item.into()).into()
}
