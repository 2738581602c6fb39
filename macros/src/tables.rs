//! The array of a trait and the object trait whose slots index it.
//!
//! ```text
//! trait __ShapeTable: Shape + Sized {
//!     const PAIRS: &'static [*const (); 2] = &[Self::__vt_area as _, Self::__chunk_area as _];     // [plain, concurrent]
//!     fn __chunk_area(&self, is_concurrent: i64) -> f64 { enter_on_chunk!((self,), Self::__enter_area) }
//!     entry!(__enter_area, (), Self::__vt_area);          // fn __enter_area(words..) -> Pair { .. this.__vt_area(1) .. }
//!     fn __one_signature() { let _ = [Self::__vt_area, Self::__chunk_area]; }     // compiles only if it is one
//! }
//! trait __ShapeObj { fn __slot_area(&self, is_concurrent: i64) -> f64; }
//! impl<T: Shape> __ShapeObj for T {
//!     fn __slot_area(&self, is_concurrent: i64) -> f64 { PAIRS[2 * 0 + (is_concurrent & 1)](self, is_concurrent) }
//! }
//! ```
//! The array is a trait's and not a type's own, so that its functions keep the receivers and lifetimes of the methods.
//!
//! What is entered on the chunk is a function and not a closure: what is generic over a closure is made anew for each method of each type, what is
//! generic over a tuple of arguments once for all methods of a type that take the same. It names no types: those of its arguments
//! are what the body takes, and so what the entry of the array was given, whatever their lifetimes. That both have one signature, the compiler
//! checks: two functions are elements of one array only as pointers of one type. Nobody calls the function with these arrays, so it becomes no machine code.

use crate::attributes;
use crate::conditions::{self, Condition};
use crate::expander::Expander;
use crate::functions;
use crate::lineage;
use crate::names;
use crate::objects;
use crate::scan;
use crate::signature::{self, Forward};
use crate::world::{Mode, Objects, TraitId};
use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, format_ident, quote};
use syn::{
    GenericParam, Generics, Ident, ItemTrait, LitStr, Signature, TraitItem, TraitItemFn, TypeParamBound,
    parse_quote,
};

/// Writes table, object trait and the impls of both.
pub(crate) fn write(expander: &Expander<'_>, id: TraitId, t: &ItemTrait) -> TokenStream {
    let slots = objects::slots(t);
    let table = (!slots.is_empty()).then(|| table(expander, t, &slots));
    let object = object(expander, id, t);
    let implementation = implementation(expander, t, &slots);
    quote!(#table #object #implementation)
}

/// `concat!(module_path!(), "::Trait::method")`: what the records of a method's slots and calls share.
pub(crate) fn marker(t: &Ident, method: &Ident) -> TokenStream {
    let text = LitStr::new(&format!("::{t}::{method}"), Span::call_site());
    quote!(::core::concat!(::core::module_path!(), #text))
}

/// The type parameter that stands for every implementor.
fn implementor() -> Ident {
    format_ident!("__T")
}

/// The generics without defaults, as an impl takes them.
pub(crate) fn without_defaults(generics: &Generics) -> Generics {
    let mut generics = generics.clone();
    for parameter in &mut generics.params {
        match parameter {
            GenericParam::Type(t) => (t.eq_token, t.default) = (None, None),
            GenericParam::Const(c) => (c.eq_token, c.default) = (None, None),
            GenericParam::Lifetime(_) => {}
        }
    }
    generics
}

fn table(expander: &Expander<'_>, t: &ItemTrait, slots: &[&TraitItemFn]) -> TokenStream {
    let (vis, name, table) = (&t.vis, &t.ident, names::table(&t.ident));
    let generics = without_defaults(&t.generics);
    let (_, arguments, clause) = generics.split_for_impl();
    let (generated, condition) = (attributes::generated(), Condition::of(&t.attrs).attribute());
    let length = length(slots);
    let pairs = slots.iter().map(|f| {
        let (body, chunk) = (names::body(&f.sig.ident), names::chunk(&f.sig.ident));
        let plain = quote!(<Self as #name #arguments>::#body as *const ());
        let concurrent = quote!(<Self as #table #arguments>::#chunk as *const ());
        let condition = Condition::of(&f.attrs);
        if condition.is_always() {
            quote!(#plain, #concurrent)
        } else {
            let condition = condition.attribute();
            quote!(#condition (#plain), #condition (#concurrent))
        }
    });
    let chunks = slots.iter().map(|f| chunk(expander, t, f));
    let same = slots.iter().map(|f| {
        let (body, chunk) = (names::body(&f.sig.ident), names::chunk(&f.sig.ident));
        let condition = Condition::of(&f.attrs).attribute();
        quote!(#condition let _ = [<Self as #name #arguments>::#body, <Self as #table #arguments>::#chunk];)
    });
    let (implementor, mut of_impl) = (implementor(), generics.clone());
    of_impl.params.push(parse_quote!(#implementor: #name #arguments));
    let (of_impl, _, _) = of_impl.split_for_impl();
    let allow = attributes::generated_allow();
    quote! {
        #condition
        #generated
        #vis trait #table #generics: #name #arguments + Sized #clause {
            const PAIRS: &'static [*const (); #length] = &[#(#pairs),*];
            #(#chunks)*
            fn __one_signature() { #(#same)* }
        }
        #condition
        #allow
        impl #of_impl #table #arguments for #implementor #clause {}
    }
}

/// Words in the array.
fn length(slots: &[&TraitItemFn]) -> TokenStream {
    let conditions: Vec<Condition> = slots.iter().map(|f| Condition::of(&f.attrs)).collect();
    if conditions.iter().all(Condition::is_always) {
        let length = 2 * slots.len();
        return quote!(#length);
    }
    let pairs = conditions::count(&conditions);
    quote!(2 * (#pairs))
}

/// The entry for callers on a chunk. It is selected by the word, so the word is known, and leaves its place among the few that
/// are passed in registers to an argument.
fn chunk(expander: &Expander<'_>, t: &ItemTrait, f: &TraitItemFn) -> TokenStream {
    let name = &t.ident;
    let (_, arguments, _) = t.generics.split_for_impl();
    let body = names::body(&f.sig.ident);
    let forward = Forward::new(&f.sig);
    let head = signature::head(&f.sig, &names::chunk(&f.sig.ident), &forward.with_word(), false);
    let condition = Condition::of(&f.attrs).attribute();
    if signature::diverges(&f.sig) {
        let call = forward.call(&quote!(<Self as #name #arguments>::#body), &quote!(1), &f.sig);
        let on_chunk = functions::take_chunk(&expander.on_chunk(&f.attrs), &call, true);
        return quote!(#condition #[inline(never)] #head { #on_chunk });
    }
    let (private, exact, table) = (&expander.private, expander.is_exact(&f.attrs), names::table(&t.ident));
    let (receiver, given) = (forward.receiver.iter().map(|r| &r.self_token), &forward.arguments);
    let enter = names::enter(&f.sig.ident);
    let taken = (0..given.len()).map(|at| Ident::new(&format!("argument_{at}"), Span::mixed_site()));
    quote! {
        #condition
        #[inline(never)]
        #head {
            #private::enter_on_chunk!(#exact, (#(#receiver,)* #(#given,)*), <Self as #table #arguments>::#enter)
        }
        #condition
        #private::entry!(#enter, (#(#taken)*), <Self as #name #arguments>::#body);
    }
}

/// A method that stays ordinary but can be called through a trait object.
pub(crate) fn plain_slots(t: &ItemTrait) -> impl Iterator<Item = &TraitItemFn> {
    t.items.iter().filter_map(|i| match i {
        TraitItem::Fn(f) if scan::own_mode(&f.sig, &f.attrs) != Mode::Vthread && objects::is_slot(&f.sig) => {
            Some(f)
        }
        _ => None,
    })
}

fn object(expander: &Expander<'_>, id: TraitId, t: &ItemTrait) -> TokenStream {
    let (object, generated) = (names::object(&t.ident), attributes::generated());
    let is_public = matches!(t.vis, syn::Visibility::Public(_));
    let vis = if !is_public && lineage::is_seen_elsewhere(expander.world, id) {
        quote!(pub(crate))
    } else {
        t.vis.to_token_stream()
    };
    let (generics, clause) = (&t.generics, &t.generics.where_clause);
    let supers: Vec<TypeParamBound> = t.supertraits.iter().map(|bound| above(expander, t, bound)).collect();
    let colon = (!supers.is_empty()).then(|| quote!(:));
    let types = t.items.iter().filter_map(|i| match i {
        TraitItem::Type(a) => {
            let (name, colon, bounds) = (&a.ident, &a.colon_token, &a.bounds);
            Some(quote!(type #name #colon #bounds;))
        }
        _ => None,
    });
    let slots = objects::slots(t).into_iter().map(|f| {
        let (head, condition) = (slot_head(&f.sig, true), Condition::of(&f.attrs).attribute());
        quote!(#condition #head;)
    });
    let plain = plain_slots(t).map(|f| {
        let (head, condition) = (slot_head(&f.sig, false), Condition::of(&f.attrs).attribute());
        quote!(#condition #head;)
    });
    let condition = Condition::of(&t.attrs).attribute();
    quote!(#condition #generated #vis trait #object #generics #colon #(#supers)+* #clause { #(#types)* #(#slots)* #(#plain)* })
}

/// A supertrait, as the object trait has it.
fn above(expander: &Expander<'_>, t: &ItemTrait, bound: &TypeParamBound) -> TypeParamBound {
    let mut bound = bound.clone();
    if let TypeParamBound::Trait(above) = &mut bound {
        let id = attributes::Marker::Trait.read(&t.attrs);
        let known = id.and_then(|id| {
            let supers = &expander.world.traits[id].supers;
            supers.iter().find(|(_, path)| last(path) == last(&above.path)).map(|(id, _)| *id)
        });
        if known.is_some_and(|id| expander.world.traits[id].objects == Objects::Yes) {
            above.path = objects::object_path(&above.path);
        }
    }
    bound
}

fn last(path: &syn::Path) -> Option<&Ident> {
    path.segments.last().map(|s| &s.ident)
}

/// `fn __slot_area(&self, is_concurrent: i64) -> f64`.
fn slot_head(sig: &Signature, takes_word: bool) -> TokenStream {
    let forward = Forward::new(sig);
    let inputs = if takes_word { forward.with_word() } else { forward.inputs };
    signature::head(sig, &names::slot(&sig.ident), &inputs, false)
}

fn implementation(expander: &Expander<'_>, t: &ItemTrait, slots: &[&TraitItemFn]) -> TokenStream {
    let (name, object, implementor) = (&t.ident, names::object(&t.ident), implementor());
    let generics = without_defaults(&t.generics);
    let (_, arguments, clause) = generics.split_for_impl();
    let mut of_impl = generics.clone();
    of_impl.params.push(parse_quote!(#implementor: #name #arguments));
    let (of_impl, _, _) = of_impl.split_for_impl();
    let types = t.items.iter().filter_map(|i| match i {
        TraitItem::Type(a) => {
            let ty = &a.ident;
            Some(quote!(type #ty = <#implementor as #name #arguments>::#ty;))
        }
        _ => None,
    });
    let conditions: Vec<Condition> = slots.iter().map(|f| Condition::of(&f.attrs)).collect();
    let slots = slots.iter().enumerate().map(|(at, f)| {
        let (condition, index) = (conditions[at].attribute(), conditions::count(&conditions[..at]));
        let slot = slot(expander, t, &index, &f.sig);
        quote!(#condition #slot)
    });
    let plain = plain_slots(t).map(|f| {
        let head = slot_head(&f.sig, false);
        let (method, forward) = (&f.sig.ident, Forward::new(&f.sig));
        let call = forward.call_without_word(&quote!(<Self as #name #arguments>::#method), &f.sig);
        let condition = Condition::of(&f.attrs).attribute();
        quote!(#condition #head { #call })
    });
    let (allow, condition) = (attributes::generated_allow(), Condition::of(&t.attrs).attribute());
    quote! {
        #condition
        #allow
        impl #of_impl #object #arguments for #implementor #clause { #(#types)* #(#slots)* #(#plain)* }
    }
}

/// Indexes the array with `2 * index + (is_concurrent & 1)`.
fn slot(expander: &Expander<'_>, t: &ItemTrait, index: &TokenStream, sig: &Signature) -> TokenStream {
    let (private, word) = (&expander.private, names::flag());
    let (table, chunk, marker) =
        (names::table(&t.ident), names::chunk(&sig.ident), marker(&t.ident, &sig.ident));
    let (_, arguments, _) = t.generics.split_for_impl();
    let head = slot_head(sig, true);
    let forward = Forward::new(sig);
    let names = &forward.arguments;
    let blanks = names.iter().map(|_| quote!(_));
    let output = if signature::diverges(sig) { quote!(!) } else { quote!(_) };
    let unsafety = &sig.unsafety;
    let receiver = forward.receiver.as_ref().map(|r| &r.self_token);
    let entry = Ident::new("entry", Span::mixed_site());
    let call = quote!(#entry(#receiver, #word #(, #names)*));
    // SAFETY: `head` is unsafe as well; its caller's promise is the entry's, which is the method itself, or calls it with the same arguments.
    let call = if unsafety.is_some() { quote!(unsafe { #call }) } else { call };
    quote! {
        #head {
            // Bit 0 is all that the word says: it is the index, too, in the same register.
            let #word: i64 = #private::bit!(#word);
            let #entry = #private::select!(
                #marker, <Self as #table #arguments>::PAIRS, #index, #word, <Self as #table #arguments>::#chunk
            );
            // SAFETY: both entries of this pair are functions of this method's signature: the body, which `PAIRS` names, and the chunk's, which
            // `__one_signature` compiles beside it only if it has the same. A method has no ABI of its own (`signature::check`) and no generics but
            // lifetimes (`objects::is_slot`), and all other types are inferred from this function's arguments and result.
            let #entry: #unsafety fn(_, i64 #(, #blanks)*) -> #output = unsafe { ::core::mem::transmute(#entry) };
            #call
        }
    }
}
