//! Names of what the expansion adds to a user's module. Nothing else in this crate spells one.

use proc_macro2::Span;
use quote::format_ident;
use syn::Ident;
use syn::ext::IdentExt;

/// The context word. Its hygiene is the macro's, so no name of the user's can meet it.
pub(crate) fn flag() -> Ident {
    Ident::new("is_concurrent", Span::mixed_site())
}

/// Shown where the user's name stands, but known to come from a macro, so that lints about style keep quiet. Calls are the user's own.
fn here(of: &Ident) -> Span {
    Span::call_site().located_at(of.span())
}

/// A name as it was written, `r#` and all.
pub(crate) fn written(name: &str, span: Span) -> Ident {
    name.strip_prefix("r#").map_or_else(|| Ident::new(name, span), |raw| Ident::new_raw(raw, span))
}

/// The function under its own name, in a call that the macro has chosen.
pub(crate) fn same(of: &Ident) -> Ident {
    let mut name = of.clone();
    name.set_span(here(of));
    name
}

/// The function with the body: it takes the context word.
pub(crate) fn body(of: &Ident) -> Ident {
    format_ident!("__vt_{}", of.unraw(), span = here(of))
}

/// The same where the word is known when the program is compiled. Its hygiene is the macro's, too.
pub(crate) fn known() -> Ident {
    Ident::new("known", Span::mixed_site())
}

/// The constant parameter that a known word is.
pub(crate) fn constant() -> Ident {
    Ident::new("__CONCURRENT", Span::mixed_site())
}

/// The body of a function on a cycle of calls, for a known word.
pub(crate) fn known_body(of: &Ident) -> Ident {
    format_ident!("__body_{}", of.unraw(), span = here(of))
}

/// The wrapper for a known word.
pub(crate) fn known_wrapper(of: &Ident) -> Ident {
    format_ident!("__step_{}", of.unraw(), span = here(of))
}

/// Calls the body, on a chunk of its own where the caller is on one: what closes a cycle of calls.
pub(crate) fn wrapper(of: &Ident) -> Ident {
    format_ident!("__rec_{}", of.unraw(), span = here(of))
}

/// The arm of a wrapper, or the entry of an array, that takes a chunk.
pub(crate) fn chunk(of: &Ident) -> Ident {
    format_ident!("__chunk_{}", of.unraw(), span = here(of))
}

/// What the entry of an array enters on that chunk.
pub(crate) fn enter(of: &Ident) -> Ident {
    format_ident!("__enter_{}", of.unraw(), span = here(of))
}

/// A method of the object trait: it indexes the array of its type.
pub(crate) fn slot(of: &Ident) -> Ident {
    format_ident!("__slot_{}", of.unraw(), span = here(of))
}

/// What `dyn Trait` becomes: `dyn __TraitObj`.
pub(crate) fn object(of: &Ident) -> Ident {
    format_ident!("__{}Obj", of.unraw(), span = here(of))
}

/// The trait that holds the array of function pointers.
pub(crate) fn table(of: &Ident) -> Ident {
    format_ident!("__{}Table", of.unraw(), span = here(of))
}

/// The module that leads to the object trait of the trait of that number, for those outside of the module that it stands in.
pub(crate) fn passage(to: usize) -> Ident {
    format_ident!("__way_{to}")
}

/// The two traits that explain a wrong guess about calls of a method: the compiler's notes speak of them, so their names are words.
pub(crate) fn guess(method: &str) -> (Ident, Ident) {
    (format_ident!("has_vthread_{method}"), format_ident!("calls_vthread_{method}"))
}

/// What an impl without the attribute lacks: the compiler says its name, so that says what to do.
pub(crate) fn annotated() -> Ident {
    format_ident!("write_vthread_above_this_impl")
}

/// Why the compiler refuses `dyn Trait` in code without the attribute: likewise.
pub(crate) fn dyn_elsewhere() -> Ident {
    format_ident!("write_vthread_dyn_use_to_name_dyn_here")
}

/// Whether a name is written as functions are, by Rust's convention.
pub(crate) fn is_function_like(name: &Ident) -> bool {
    !name.unraw().to_string().trim_start_matches('_').starts_with(char::is_uppercase)
}
