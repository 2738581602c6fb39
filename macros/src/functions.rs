//! What one function becomes.
//!
//! ```text
//! fn size(t: &Tree) -> u64 { .. }
//!
//! fn size(t: &Tree) -> u64 { __vt_size(current(), t) }                        // the shim: its name and signature stay
//! fn __vt_size(is_concurrent: i64, t: &Tree) -> u64 { .. }                    // the body
//! ```
//! If it is on a cycle of calls, the body is compiled for each word, and within it calls on the cycle hand on what is known:
//! on ordinary stacks they are what they would be without the macro.
//!
//! ```text
//! fn walk(t: &Tree) -> u64 { .. }
//!
//! fn walk(t: &Tree) -> u64 {
//!     let entry = callee_here!(__body_walk::<false>, __chunk_walk, fn(_, _) -> _);      // off the chunks, on one
//!     entry(Known::<false>, t)
//! }
//! fn __body_walk<const C: bool>(known: Known<C>, t: &Tree) -> u64 { .. __step_walk(known, left) .. }      // with `known_here!(C)`, if there is a closure or a call by an ordinary name, in a macro perhaps
//! fn __vt_walk(is_concurrent: i64, t: &Tree) -> u64 {
//!     if is_concurrent & 1 == 0 { plain_only!(); __body_walk(Known::<false>, t) } else { __body_walk(Known::<true>, t) }
//! }
//! fn __step_walk<const C: bool>(known: Known<C>, t: &Tree) -> u64 {            // the wrapper
//!     if C { __chunk_walk(Known::<true>, t) } else { __body_walk(Known::<false>, t) }
//! }
//! fn __rec_walk(is_concurrent: i64, t: &Tree) -> u64 {                         // the wrapper for those who only have the word
//!     if is_concurrent & 1 == 0 { plain_only!(); __body_walk(Known::<false>, t) } else { __chunk_walk(Known::<true>, t) }
//! }
//! fn __chunk_walk(known: Known<true>, t: &Tree) -> u64 { on_chunk(move || __body_walk(Known::<true>, t)) }
//! ```
//! The shim of a function without a plain address (`#[track_caller]`, `impl Trait` as an argument) has both calls instead: `by_stack!(..)`.

use crate::attributes::{self, Divided};
use crate::expander::Expander;
use crate::names;
use crate::resolve::Scope;
use crate::rewrite::{self, Needs};
use crate::signature::{self, Forward};
use crate::world::{Mode, NodeId};
use proc_macro2::TokenStream;
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{Attribute, Block, Signature};

/// A function as it is written, its types already rewritten.
pub(crate) struct Function<'a> {
    pub(crate) attrs: &'a [Attribute],
    pub(crate) vis: TokenStream,
    pub(crate) sig: &'a Signature,
    pub(crate) node: Option<NodeId>,
    /// What its names are looked up in: nothing, `Self::` or `<Self as Trait>::`. A type may have methods of these names besides.
    pub(crate) this: TokenStream,
}

/// Where a function stands.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Free,
    Inherent,
    /// In an impl of a vthread trait, which has the shim and the wrapper.
    Implemented {
        /// The trait is declared elsewhere and does not know of cycles here.
        external: bool,
    },
    /// A body given in a vthread trait, likewise.
    Provided,
}

/// Writes the function.
pub(crate) fn write(
    expander: &Expander<'_>,
    f: &Function<'_>,
    block: &mut Block,
    scope: Scope<'_>,
    kind: Kind,
) -> TokenStream {
    let needs = rewrite::body(expander, f.node, Mode::Vthread, scope, f.sig, block);
    let divided = Divided::new(f.attrs);
    let knows_word = f.node.is_some_and(|n| expander.plan.knows_word(expander.world, n));
    let body = if knows_word {
        known_body(expander, f, block, needs, &divided)
    } else {
        body(expander, f, block, needs.word, &divided, kind)
    };
    let cyclic = f.node.is_some_and(|n| expander.plan.is_cyclic(n));
    if cyclic && signature::mentions_impl(&f.sig.output) {
        expander.problem(
            f.sig.output.span(),
            "#[vthread]: a recursive function cannot return `impl Trait`: name the type, or box it",
        );
    }
    match kind {
        Kind::Free | Kind::Inherent => {
            let path = &f.this;
            let shim = shim(expander, f, &divided, path);
            let has_wrapper = f.node.is_some_and(|n| expander.plan.has_wrapper(expander.world, n));
            let wrapper = has_wrapper.then(|| wrapper(expander, f, &divided, path, knows_word));
            quote!(#shim #body #wrapper)
        }
        Kind::Implemented { external: true }
            if f.node.is_some_and(|n| expander.plan.shim_wraps(expander.world, n)) =>
        {
            let shim = shim(expander, f, &divided, &f.this);
            quote!(#shim #body)
        }
        Kind::Implemented { .. } | Kind::Provided => body,
    }
}

/// The function with the user's body.
fn body(
    expander: &Expander<'_>,
    f: &Function<'_>,
    block: &Block,
    used: bool,
    divided: &Divided,
    kind: Kind,
) -> TokenStream {
    let word = if used { names::flag() } else { format_ident!("_{}", names::flag()) };
    let inputs = signature::with_word(f.sig.inputs.iter().cloned().collect(), &word);
    let sized = kind == Kind::Provided && signature::value_receiver(f.sig);
    let head = signature::head(f.sig, &names::body(&f.sig.ident), &inputs, sized);
    let (attrs, vis) = (&divided.body, &f.vis);
    let allow = allow_unused(expander, f);
    quote!(#[doc(hidden)] #(#attrs)* #allow #vis #head #block)
}

/// The function with the user's body for a known word.
fn known_body(
    expander: &Expander<'_>,
    f: &Function<'_>,
    block: &Block,
    needs: Needs,
    divided: &Divided,
) -> TokenStream {
    let inputs = f.sig.inputs.iter().cloned().collect();
    let name = names::known_body(&f.sig.ident);
    let head = signature::known_head(f.sig, &name, inputs, &expander.private);
    let (attrs, vis, statements) = (&divided.body, &f.vis, &block.stmts);
    let (word, constant) = (names::flag(), names::constant());
    let word = needs.word.then(|| quote!(let #word: i64 = #constant as i64;));
    let private = &expander.private;
    // It would keep the compiler from inlining what is small.
    let told = needs.place.then(|| quote!(#private::known_here!(#constant);));
    let allow = allow_unused(expander, f);
    quote! {
        #[doc(hidden)] #(#attrs)* #allow #vis #head {
            #told
            #word
            #(#statements)*
        }
    }
}

/// The function under its own name, which reads the context word.
pub(crate) fn shim(
    expander: &Expander<'_>,
    f: &Function<'_>,
    divided: &Divided,
    path: &TokenStream,
) -> TokenStream {
    let forward = Forward::new(f.sig);
    let (name, private) = (&f.sig.ident, &expander.private);
    let call = if f.node.is_some_and(|n| expander.plan.asks_well(expander.world, n)) {
        by_place(expander, f, &forward, path)
    } else {
        let target = expander.shim_target(f.node, name);
        forward.call(&quote!(#path #target), &quote!(#private::current!()), f.sig)
    };
    // It may be called by a pointer, from code that has left the chunks.
    let forced = f.node.is_some_and(|n| expander.world.nodes[n].forced)
        && !signature::diverges(f.sig)
        // A closure has no caller's line.
        && !attributes::mentions(f.attrs, "track_caller");
    let call = if forced { quote!(#private::with_room(move || { #call })) } else { call };
    let (attrs, vis) = (&divided.shim, &f.vis);
    let head = signature::head(f.sig, &f.sig.ident, &forward.inputs, false);
    let signature = quote!(#vis #head);
    // What it asks for comes behind a call that does not return.
    let unreachable = signature::diverges(f.sig).then(|| quote!(, unreachable_code));
    if may_be_unused(expander, f) {
        let dead = &divided.dead;
        // The compiler warns of an item only if all of it seems written.
        let block = quote_spanned!(f.sig.fn_token.span=> { #call });
        quote!(#(#attrs)* #dead #[allow(deprecated #unreachable)] #[inline] #signature #block)
    } else {
        quote!(#(#attrs)* #[allow(dead_code, deprecated #unreachable)] #[inline] #signature { #call })
    }
}

/// Whether the compiler is to say so if nobody uses a function. It says it of the shim, and of no other that the function becomes.
fn may_be_unused(expander: &Expander<'_>, f: &Function<'_>) -> bool {
    f.vis.is_empty() && f.node.is_some_and(|n| expander.world.is_unmentioned(n))
}

/// On what else it becomes then.
fn allow_unused(expander: &Expander<'_>, f: &Function<'_>) -> Option<TokenStream> {
    may_be_unused(expander, f).then(|| quote!(#[allow(dead_code)]))
}

/// What a shim does if the body is compiled for each word: it asks where it runs, in such a way that nobody asks where that is known.
fn by_place(expander: &Expander<'_>, f: &Function<'_>, forward: &Forward, path: &TokenStream) -> TokenStream {
    let (name, private) = (&f.sig.ident, &expander.private);
    let (body, chunk) = (names::known_body(name), names::chunk(name));
    let (body, chunk) = (quote!(#path #body), quote!(#path #chunk));
    if has_plain_address(f) {
        let (plain, chunk) = (signature::path_known(&body, f.sig), forward.path(&chunk));
        let entry = forward.pointer(f.sig);
        let known = quote!(#private::Known::<false>);
        forward.call_value(&quote!(#private::callee_here!(#plain, #chunk, #entry)), &known, f.sig)
    } else {
        let plain = forward.call_known(&body, &quote!(#private::Known::<false>), f.sig);
        let chunk = forward.call(&chunk, &quote!(#private::Known::<true>), f.sig);
        quote!(#private::by_stack!(#plain, #chunk))
    }
}

/// Whether the function can be named with all of its parameters, and is called by a pointer as by its name.
fn has_plain_address(f: &Function<'_>) -> bool {
    let special = ["track_caller", "target_feature"];
    !signature::mentions_impl(&f.sig.inputs)
        && !signature::diverges(f.sig)
        && !special.iter().any(|name| attributes::mentions(f.attrs, name))
}

/// The functions that break a cycle, and what leads to the bodies for known words.
fn wrapper(
    expander: &Expander<'_>,
    f: &Function<'_>,
    divided: &Divided,
    path: &TokenStream,
    knows_word: bool,
) -> TokenStream {
    let name = &f.sig.ident;
    let forward = Forward::new(f.sig);
    let (inputs, word, private) = (forward.with_word(), names::flag(), &expander.private);
    let (vis, attrs, generated) = (&f.vis, &divided.wrapper, attributes::generated());
    let (body, chunk) = (names::body(name), names::chunk(name));
    // With features of its own a function cannot be inlined everywhere.
    let inline = if attributes::mentions(f.attrs, "target_feature") {
        quote!(#[inline])
    } else {
        quote!(#[inline(always)])
    };
    let to_body = |concurrent: bool| {
        if knows_word {
            let body = names::known_body(name);
            forward.call_known(&quote!(#path #body), &quote!(#private::Known::<#concurrent>), f.sig)
        } else {
            let word = if concurrent { quote!(1) } else { word.to_token_stream() };
            forward.call(&quote!(#path #body), &word, f.sig)
        }
    };
    let (to_plain, to_concurrent) = (to_body(false), to_body(true));
    let (chunk_inputs, told) = if knows_word {
        let known = quote!(#private::Known::<true>);
        (signature::with_known(forward.inputs.clone(), &quote!(true), private), known)
    } else {
        (inputs.clone(), word.to_token_stream())
    };
    let to_chunk = forward.call(&quote!(#path #chunk), &told, f.sig);
    let on_chunk = take_chunk(&expander.on_chunk(f.attrs), &to_concurrent, signature::diverges(f.sig));
    let wrapper_head = signature::head(f.sig, &names::wrapper(name), &inputs, false);
    let chunk_head = signature::head(f.sig, &chunk, &chunk_inputs, false);
    let known = knows_word.then(|| {
        let body_head = signature::head(f.sig, &body, &inputs, false);
        let constant = names::constant();
        let step = signature::known_head(f.sig, &names::known_wrapper(name), forward.inputs.clone(), private);
        quote! {
            #generated #(#attrs)* #inline #vis #body_head {
                if #word & 1 == 0 {
                    #private::plain_only!();
                    #to_plain
                } else {
                    #to_concurrent
                }
            }
            #generated #(#attrs)* #inline #vis #step {
                if #constant { #to_chunk } else { #to_plain }
            }
        }
    });
    quote! {
        #known
        #generated #(#attrs)* #inline #vis #wrapper_head {
            if #word & 1 == 0 {
                #private::plain_only!();
                #to_plain
            } else {
                #to_chunk
            }
        }
        #generated #(#attrs)* #[inline(never)] #vis #chunk_head { #on_chunk }
    }
}

/// `on_chunk(move || call)`; a closure cannot be typed `-> !`, so what never returns goes another way.
pub(crate) fn take_chunk(on_chunk: &TokenStream, call: &TokenStream, diverges: bool) -> TokenStream {
    if diverges {
        quote!(match #on_chunk(move || -> ::core::convert::Infallible { #call }) {})
    } else {
        quote!(#on_chunk(move || #call))
    }
}
