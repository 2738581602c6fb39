//! What a trait becomes: each method is a shim, a body and a wrapper, and beside the trait stand what `dyn` needs.
//!
//! ```text
//! trait Shape { fn area(&self) -> f64; }
//!
//! trait Shape {
//!     fn area(&self) -> f64 { <Self as Shape>::__vt_area(self, current()) }     // the shim
//!     fn __vt_area(&self, is_concurrent: i64) -> f64;                // the body, which implementors give
//!     fn __rec_area(&self, is_concurrent: i64) -> f64 { .. }         // the wrapper, for calls that close a cycle
//! }
//! ```

use crate::attributes::{self, Divided};
use crate::dyn_impls;
use crate::expander::Expander;
use crate::functions::{self, Function, Kind};
use crate::names;
use crate::objects;
use crate::resolve::Scope;
use crate::rewrite;
use crate::scan;
use crate::signature::{self, Forward};
use crate::tables;
use crate::world::{Mode, Objects, Owner, TraitId, World};
use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::{ItemTrait, TraitItem, TraitItemFn};

/// Writes a vthread trait; `t`'s types are already rewritten, its bodies are not.
pub(crate) fn write(expander: &Expander<'_>, id: TraitId, t: &ItemTrait, scope: &Scope<'_>) -> TokenStream {
    let objects = &expander.world.traits[id].objects;
    // Traits above may have methods of the same names.
    let (ident, (_, arguments, _)) = (&t.ident, t.generics.split_for_impl());
    let this = quote!(<Self as #ident #arguments>);
    let mut items = TokenStream::new();
    if *objects != Objects::No {
        // `dyn Trait` itself would have ordinary slots: naming it where the macro cannot see it is an error that names
        // the remedy. What it says is whether `Self` is a trait object of the macro's.
        let name = names::dyn_elsewhere();
        items.extend(quote! {
            #[doc(hidden)]
            #[allow(non_upper_case_globals)]
            const #name: bool = false;
        });
    }
    items.extend(annotated(false));
    for item in &t.items {
        items.extend(match item {
            TraitItem::Fn(f) => method(expander, id, f.clone(), &this, scope),
            other => other.to_token_stream(),
        });
    }
    let ItemTrait {
        attrs, vis, unsafety, auto_token, trait_token, generics, colon_token, supertraits, ..
    } = t;
    let attrs = attrs.iter().filter(|a| !attributes::is_ours(a));
    let clause = &generics.where_clause;
    let besides = (expander.writes && *objects == Objects::Yes).then(|| {
        let tables = tables::write(expander, id, t);
        let impls = dyn_impls::write(expander, id, t);
        quote!(#tables #impls)
    });
    quote! {
        #(#attrs)* #vis #unsafety #auto_token #trait_token #ident #generics #colon_token #supertraits #clause { #items }
        #besides
    }
}

/// A function that only impls with the attribute give: without it, the compiler misses something that says what to do. Asking for
/// `Sized`, it is no part of trait objects.
pub(crate) fn annotated(given: bool) -> TokenStream {
    let name = names::annotated();
    // An impl for `[T]` could not say that it is `Sized`; nobody minds that it asks for less.
    let head = if given { quote!(#[inline] fn #name() {}) } else { quote!(fn #name() where Self: Sized;) };
    quote!(#[doc(hidden)] #[allow(warnings)] #head)
}

fn method(
    expander: &Expander<'_>,
    id: TraitId,
    mut f: TraitItemFn,
    this: &TokenStream,
    scope: &Scope<'_>,
) -> TokenStream {
    let node = World::node_of(&f.attrs);
    if scan::own_mode(&f.sig, &f.attrs) != Mode::Vthread {
        if let Some(block) = &mut f.default {
            rewrite::body(expander, node, Mode::Plain, scope.clone(), &f.sig, block);
        }
        f.attrs.retain(|a| !attributes::is_ours(a));
        return f.into_token_stream();
    }
    let divided = Divided::new(&f.attrs);
    let function = Function { attrs: &f.attrs, vis: quote!(), sig: &f.sig, node, this: quote!(#this::) };
    let body = if let Some(block) = &mut f.default {
        functions::write(expander, &function, block, scope.clone(), Kind::Provided)
    } else {
        let inputs = signature::with_word(f.sig.inputs.iter().cloned().collect(), &names::flag());
        let sized = signature::value_receiver(&f.sig);
        let head = signature::head(&f.sig, &names::body(&f.sig.ident), &inputs, sized);
        let attrs = &divided.body;
        quote!(#[doc(hidden)] #(#attrs)* #head;)
    };
    let shim = shim(expander, id, &f, this, &divided);
    let dispatches = expander.world.traits[id].objects == Objects::Yes && objects::is_slot(&f.sig);
    let wrapper = wrapper(expander, &f, this, &divided, dispatches);
    quote!(#shim #body #wrapper)
}

/// Some body of this method is on a cycle of calls.
fn is_cyclic(expander: &Expander<'_>, id: TraitId, name: &str) -> bool {
    let world = expander.world;
    world.named(name).any(|n| {
        let owner = &world.nodes[n].owner;
        let ours = matches!(owner, Owner::Impl(_, Some(of)) | Owner::Trait(of) if world.same_trait(*of, id));
        ours && expander.plan.shim_wraps(world, n)
    })
}

fn shim(
    expander: &Expander<'_>,
    id: TraitId,
    f: &TraitItemFn,
    this: &TokenStream,
    divided: &Divided,
) -> TokenStream {
    let (name, private) = (&f.sig.ident, &expander.private);
    let forward = Forward::new(&f.sig);
    let cyclic = is_cyclic(expander, id, &name.to_string());
    let target = if cyclic { names::wrapper(name) } else { names::body(name) };
    let call = forward.call(&quote!(#this::#target), &quote!(#private::current!()), &f.sig);
    let head = signature::head(&f.sig, name, &forward.inputs, signature::by_value(&f.sig));
    let attrs = &divided.shim;
    quote!(#(#attrs)* #[allow(deprecated)] #[inline] #head { #call })
}

/// Nobody but the trait gives this one. Trait objects need no chunk for it, because their slots take them.
fn wrapper(
    expander: &Expander<'_>,
    f: &TraitItemFn,
    this: &TokenStream,
    divided: &Divided,
    dispatches: bool,
) -> TokenStream {
    let (private, word, generated) = (&expander.private, names::flag(), attributes::generated());
    let forward = Forward::new(&f.sig);
    let body = names::body(&f.sig.ident);
    let to_body = forward.call(&quote!(#this::#body), &quote!(#word), &f.sig);
    let to_concurrent = forward.call(&quote!(#this::#body), &quote!(1), &f.sig);
    let on_chunk =
        functions::take_chunk(&expander.on_chunk(&f.attrs), &to_concurrent, signature::diverges(&f.sig));
    let by_value = signature::by_value(&f.sig);
    let head = signature::head(&f.sig, &names::wrapper(&f.sig.ident), &forward.with_word(), by_value);
    let attrs = &divided.wrapper;
    let is_dyn = names::dyn_elsewhere();
    let dispatch = dispatches.then(|| quote!(if #this::#is_dyn { #to_body } else));
    quote! {
        #generated #(#attrs)* #[inline] #head {
            #dispatch
            if #word & 1 == 0 {
                #private::plain_only!();
                #to_body
            } else {
                #on_chunk
            }
        }
    }
}
