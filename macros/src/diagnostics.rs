//! Errors: they are collected, so that one compilation shows them all, and the user's item is given back beside them.

use crate::attributes;
use crate::conditions::Condition;
use proc_macro2::{Span, TokenStream};
use quote::quote;
use std::collections::HashSet;
use std::fmt::Display;
use syn::visit_mut::{self, VisitMut};
use syn::{Attribute, Error, Ident, Item};

/// Errors so far.
#[derive(Default)]
pub(crate) struct Problems(Option<Error>);

impl Problems {
    pub(crate) fn add(&mut self, error: Error) {
        match &mut self.0 {
            Some(all) => all.combine(error),
            None => self.0 = Some(error),
        }
    }

    pub(crate) fn at(&mut self, span: Span, message: impl Display) {
        self.add(Error::new(span, message));
    }

    pub(crate) fn append(&mut self, more: Self) {
        if let Some(error) = more.0 {
            self.add(error);
        }
    }

    pub(crate) fn check(self) -> syn::Result<()> {
        self.0.map_or(Ok(()), Err)
    }
}

/// The error and the item as it was written, so that editors and later errors see what they would have seen.
pub(crate) fn with_item(error: &Error, item: TokenStream) -> TokenStream {
    let error = error.to_compile_error();
    let item = match syn::parse2::<Item>(item.clone()) {
        Ok(mut item) => {
            Ours.visit_item_mut(&mut item);
            quote!(#item)
        }
        Err(_) => item,
    };
    quote!(#error #item)
}

/// Whether two functions that stand there on no condition have one name in one place: the compiler says so better of the item as it was written, and once. What
/// each becomes has names of its own.
pub(crate) fn has_doubles(item: &Item) -> bool {
    fn any<'a>(functions: impl Iterator<Item = (&'a Ident, &'a [Attribute])>) -> bool {
        let mut names = HashSet::new();
        functions.filter(|(_, attrs)| Condition::of(attrs).is_always()).any(|(name, _)| !names.insert(name))
    }
    match item {
        Item::Mod(m) => m.content.as_ref().is_some_and(|(_, items)| {
            let functions = items.iter().filter_map(|item| match item {
                Item::Fn(f) => Some((&f.sig.ident, &f.attrs[..])),
                _ => None,
            });
            any(functions) || items.iter().any(has_doubles)
        }),
        Item::Impl(i) => any(i.items.iter().filter_map(|item| match item {
            syn::ImplItem::Fn(f) => Some((&f.sig.ident, &f.attrs[..])),
            _ => None,
        })),
        Item::Trait(t) => any(t.items.iter().filter_map(|item| match item {
            syn::TraitItem::Fn(f) => Some((&f.sig.ident, &f.attrs[..])),
            _ => None,
        })),
        _ => false,
    }
}

/// Takes our attributes off: alone they mean nothing to the compiler.
pub(crate) struct Ours;

impl VisitMut for Ours {
    fn visit_attributes_mut(&mut self, attributes: &mut Vec<Attribute>) {
        attributes.retain(|a| !attributes::is_ours(a));
    }

    fn visit_item_mut(&mut self, item: &mut Item) {
        visit_mut::visit_item_mut(self, item);
    }
}
