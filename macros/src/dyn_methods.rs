//! Methods of trait objects for code that has not imported their trait: of `dyn shapes::Shape` the compiler finds them all the same,
//! as if they were its own, before those of other traits.
//!
//! ```text
//! impl dyn __ShapeObj + Send + '_ {
//!     pub fn area(&self) -> f64 { <Self as Shape>::area(self) }
//!     pub fn __vt_area(&self, is_concurrent: i64) -> f64 { <Self as Shape>::__vt_area(self, is_concurrent) }
//!     pub fn __rec_area(&self, is_concurrent: i64) -> f64 { <Self as Shape>::__vt_area(self, is_concurrent) }    // the slot takes the chunk
//! }
//! ```

use crate::conditions::Condition;
use crate::expander::Expander;
use crate::lineage::{self, Ancestor};
use crate::names;
use crate::objects;
use crate::signature::{self, Forward};
use crate::tables;
use crate::world::{TraitId, World};
use proc_macro2::TokenStream;
use quote::quote;
use syn::visit_mut::{self, VisitMut};
use syn::{Ident, ItemTrait, Signature, TraitItem, TypePath, parse_quote};

/// What `t`, at or above the trait `below`, gives the trait objects of that. Nothing has two methods of a name: where several traits
/// have it the compiler says, as always, that it does not know which.
pub(crate) fn write(
    expander: &Expander<'_>,
    t: &ItemTrait,
    below: TraitId,
    ancestor: &Ancestor,
) -> TokenStream {
    let mut all = TokenStream::new();
    let known: Vec<Ident> = names_of(expander.world, below);
    let slots = objects::slots(t).into_iter().map(|f| (f, true));
    for (f, takes_word) in slots.chain(tables::plain_slots(t).map(|f| (f, false))) {
        let Some(sig) = free_of_self(t, ancestor, &f.sig) else { continue };
        if known.iter().filter(|name| **name == sig.ident).count() > 1 {
            continue;
        }
        let condition = Condition::of(&f.attrs).attribute();
        // What the compiler says to callers it says to these, too.
        let said =
            f.attrs.iter().filter(|a| a.path().is_ident("must_use") || a.path().is_ident("deprecated"));
        let attributes = quote!(#condition #(#said)* #[inline]);
        all.extend(forwards(&t.ident, ancestor, &sig, takes_word).map(|f| quote!(#attributes pub #f)));
    }
    all
}

/// The names of the methods that trait objects of `below` have, one for each trait that has it.
fn names_of(world: &World, below: TraitId) -> Vec<Ident> {
    let mut all = vec![];
    for ancestor in lineage::of(world, below) {
        let mut own: Vec<Ident> = world.traits[ancestor.id]
            .item
            .iter()
            .flat_map(|t| objects::slots(t).into_iter().chain(tables::plain_slots(t)))
            .map(|f| f.sig.ident.clone())
            .collect();
        own.sort();
        own.dedup();
        all.extend(own);
    }
    all
}

/// The method and what belongs to it.
fn forwards(
    t: &Ident,
    ancestor: &Ancestor,
    sig: &Signature,
    takes_word: bool,
) -> impl Iterator<Item = TokenStream> {
    let (forward, word, arguments) = (Forward::new(sig), names::flag(), ancestor.arguments());
    let name = &sig.ident;
    let head = signature::head(sig, name, &forward.inputs, false);
    let call = forward.call_without_word(&quote!(<Self as #t #arguments>::#name), sig);
    let mut all = vec![quote!(#head { #call })];
    let body = names::body(name);
    for name in [&body, &names::wrapper(name)].into_iter().filter(|_| takes_word) {
        let head = signature::head(sig, name, &forward.with_word(), false);
        let call = forward.call(&quote!(<Self as #t #arguments>::#body), &quote!(#word), sig);
        all.push(quote!(#head { #call }));
    }
    all.into_iter()
}

/// The signature with `<Self as Trait>::Out` for `Self::Out`, which only a trait knows; nothing if that is another trait's.
fn free_of_self(t: &ItemTrait, ancestor: &Ancestor, sig: &Signature) -> Option<Signature> {
    struct Qualify<'a> {
        t: &'a ItemTrait,
        arguments: TokenStream,
        unknown: bool,
    }
    impl VisitMut for Qualify<'_> {
        fn visit_type_path_mut(&mut self, p: &mut TypePath) {
            let segments = &p.path.segments;
            if p.qself.is_none() && segments.len() > 1 && segments[0].ident == "Self" {
                let name = segments[1].ident.clone();
                let own = |i: &TraitItem| matches!(i, TraitItem::Type(ty) if ty.ident == name);
                if segments.len() == 2 && self.t.items.iter().any(own) {
                    let (t, arguments) = (&self.t.ident, &self.arguments);
                    *p = parse_quote!(<Self as #t #arguments>::#name);
                } else {
                    self.unknown = true;
                }
                return;
            }
            visit_mut::visit_type_path_mut(self, p);
        }
    }
    let mut sig = ancestor.substitute(sig);
    let mut qualify = Qualify { t, arguments: ancestor.arguments(), unknown: false };
    qualify.visit_signature_mut(&mut sig);
    (!qualify.unknown).then_some(sig)
}
