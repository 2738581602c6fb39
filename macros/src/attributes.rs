//! Attributes: ours, the marks that the scan leaves for the passes after it, and which of the user's go where.

use crate::options::{On, Options};
use proc_macro2::TokenStream;
use quote::{ToTokens, format_ident, quote};
use syn::punctuated::Punctuated;
use syn::visit_mut::{self, VisitMut};
use syn::{Attribute, Ident, Meta, Result, Token, parse_quote};

/// Whether an attribute is `#[vthread]`, written in any way.
pub(crate) fn is_vthread(attribute: &Attribute) -> bool {
    let path = attribute.path();
    path.segments.last().is_some_and(|s| s.ident == "vthread") && path.segments.len() <= 2
}

/// Whether an attribute is `#[plain]`.
pub(crate) fn is_plain(attribute: &Attribute) -> bool {
    attribute.path().is_ident("plain")
}

pub(crate) fn has(attributes: &[Attribute], name: &str) -> bool {
    attributes.iter().any(|a| a.path().is_ident(name))
}

/// Whether an attribute is `name`, or may be it on some condition.
pub(crate) fn mentions(attributes: &[Attribute], name: &str) -> bool {
    let conditional =
        |a: &Attribute| a.path().is_ident("cfg_attr") && a.meta.to_token_stream().to_string().contains(name);
    has(attributes, name) || attributes.iter().any(conditional)
}

/// Whether an attribute gives a function callers who know nothing of a context word: a test of whatever harness (`#[vthread::test]`,
/// `#[rstest]`), a benchmark, the beginning of a program, on some condition or always.
pub(crate) fn has_own_callers(attributes: &[Attribute]) -> bool {
    fn one(meta: &Meta) -> bool {
        if meta.path().is_ident("cfg_attr")
            && let Meta::List(list) = meta
        {
            let metas = list.parse_args_with(Punctuated::<Meta, Token![,]>::parse_terminated);
            return metas.is_ok_and(|metas| metas.iter().skip(1).any(one));
        }
        let Some(last) = meta.path().segments.last() else { return false };
        let last = last.ident.to_string();
        last.starts_with("proc_macro")
            || ["test", "bench", "main", "rstest", "test_case", "quickcheck", "panic_handler"]
                .contains(&last.as_str())
    }
    attributes.iter().any(|a| one(&a.meta))
}

/// Removes `#[plain]` and says whether it was there.
pub(crate) fn take_plain(attributes: &mut Vec<Attribute>) -> bool {
    let before = attributes.len();
    attributes.retain(|a| !is_plain(a));
    attributes.len() != before
}

/// Reads the options of `#[vthread(..)]` on an inner item, if it has the attribute.
pub(crate) fn inner_options(attributes: &[Attribute], on: On) -> Result<Option<Options>> {
    attributes.iter().find(|a| is_vthread(a)).map(|a| Options::of(a, on)).transpose()
}

/// Numbers that the scan writes on items, so that later passes know them again.
#[derive(Clone, Copy)]
pub(crate) enum Marker {
    Node,
    Module,
    Trait,
}

impl Marker {
    fn name(self) -> Ident {
        match self {
            Self::Node => format_ident!("__vthread_node"),
            Self::Module => format_ident!("__vthread_module"),
            Self::Trait => format_ident!("__vthread_trait"),
        }
    }

    pub(crate) fn write(self, number: usize, attributes: &mut Vec<Attribute>) {
        let name = self.name();
        attributes.push(parse_quote!(#[#name(#number)]));
    }

    pub(crate) fn read(self, attributes: &[Attribute]) -> Option<usize> {
        let name = self.name();
        let attribute =
            attributes.iter().find(|a| *a.path().get_ident().unwrap_or(&format_ident!("_none")) == name)?;
        attribute.parse_args::<syn::LitInt>().ok()?.base10_parse().ok()
    }
}

/// Whether an attribute is ours and must not reach the compiler.
pub(crate) fn is_ours(attribute: &Attribute) -> bool {
    is_vthread(attribute)
        || is_plain(attribute)
        || [Marker::Node, Marker::Module, Marker::Trait].iter().any(|m| attribute.path().is_ident(&m.name()))
}

/// The attributes of one function, divided among the functions that it becomes.
pub(crate) struct Divided {
    pub(crate) shim: Vec<Attribute>,
    pub(crate) body: Vec<Attribute>,
    /// For the wrappers: only what says whether the item exists, and lints, and what their callers are to hear.
    pub(crate) wrapper: Vec<Attribute>,
    /// `#[expect(dead_code)]`: for the shim, if it can be.
    pub(crate) dead: Option<Attribute>,
}

fn lints_of(expect: &Attribute) -> Option<Punctuated<Meta, Token![,]>> {
    let Meta::List(list) = &expect.meta else { return None };
    list.parse_args_with(Punctuated::parse_terminated).ok()
}

/// `#[allow(..)]` of what an `#[expect(..)]` expects, if there is a group with `dead_code` and others in it: which of the functions has something of
/// it is not known.
fn allow_group(expect: &Attribute) -> Option<Attribute> {
    let lints = lints_of(expect)?;
    let is_group = |m: &Meta| ["unused", "warnings"].iter().any(|group| m.path().is_ident(group));
    lints.iter().any(is_group).then(|| parse_quote!(#[allow(#lints)]))
}

/// An `#[expect(..)]`, and what of it is `dead_code`.
fn divide_expect(attribute: &Attribute) -> Option<(Option<Attribute>, Attribute)> {
    let lints = lints_of(attribute)?;
    let (reason, lints): (Vec<Meta>, Vec<Meta>) =
        lints.into_iter().partition(|m| m.path().is_ident("reason"));
    let (dead, rest): (Vec<Meta>, Vec<Meta>) =
        lints.into_iter().partition(|m| m.path().is_ident("dead_code"));
    let expect = |lints: Vec<Meta>| {
        let all = lints.iter().chain(&reason);
        (!lints.is_empty()).then(|| parse_quote!(#[expect(#(#all),*)]))
    };
    Some((expect(rest), expect(dead)?))
}

impl Divided {
    pub(crate) fn new(attributes: &[Attribute]) -> Self {
        let mut divided = Self { shim: vec![], body: vec![], wrapper: vec![], dead: None };
        for attribute in attributes.iter().filter(|a| !is_ours(a)) {
            if attribute.path().is_ident("expect") {
                if let Some(allow) = allow_group(attribute) {
                    divided.shim.push(allow.clone());
                    divided.body.push(allow);
                    continue;
                }
                if let Some((rest, dead)) = divide_expect(attribute) {
                    divided.dead = Some(dead);
                    divided.body.extend(rest);
                    continue;
                }
            }
            let name = attribute.path().get_ident().map(ToString::to_string).unwrap_or_default();
            let (shim, body, wrapper) = match name.as_str() {
                "doc" | "no_mangle" | "export_name" | "link_section" | "unsafe" => (true, false, false),
                "cfg" | "cfg_attr" | "allow" | "warn" | "deny" | "forbid" | "target_feature"
                | "track_caller" | "must_use" | "deprecated" => (true, true, true),
                _ => (false, true, false),
            };
            for (wanted, list) in
                [(shim, &mut divided.shim), (body, &mut divided.body), (wrapper, &mut divided.wrapper)]
            {
                if wanted {
                    list.push(attribute.clone());
                }
            }
        }
        divided
    }
}

/// Stands on everything generated: nothing in it is for people or for their lints.
pub(crate) fn generated() -> TokenStream {
    let allow = generated_allow();
    quote!(#[doc(hidden)] #allow)
}

/// The same for impls, which have no docs of their own.
pub(crate) fn generated_allow() -> TokenStream {
    quote!(#[allow(warnings)])
}

/// Attributes that stand inside of an item, as in a module with `//!` at its top, stand before it from here on: items are written in
/// parts, of which each has its own. They mean the same there. `#[cfg_attr(condition, vthread)]` inside of what is annotated is `#[vthread]`: where the
/// crate is an optional dependency, the condition is that of the attribute around it.
pub(crate) struct Outer;

impl Outer {
    fn all(attributes: &mut [Attribute]) {
        for attribute in attributes {
            attribute.style = syn::AttrStyle::Outer;
        }
    }
}

/// What `#[cfg_attr(condition, vthread ..)]` puts in, and nothing besides.
fn conditional_vthread(attribute: &Attribute) -> Option<Meta> {
    let Meta::List(list) = &attribute.meta else { return None };
    if !list.path.is_ident("cfg_attr") {
        return None;
    }
    let metas = list.parse_args_with(Punctuated::<Meta, Token![,]>::parse_terminated).ok()?;
    let mut metas = metas.into_iter().skip(1);
    let (only, None) = (metas.next()?, metas.next()) else { return None };
    let inner: Attribute = parse_quote!(#[#only]);
    is_vthread(&inner).then_some(only)
}

impl VisitMut for Outer {
    fn visit_attribute_mut(&mut self, attribute: &mut Attribute) {
        if let Some(meta) = conditional_vthread(attribute) {
            attribute.meta = meta;
        }
    }

    fn visit_item_mod_mut(&mut self, m: &mut syn::ItemMod) {
        Self::all(&mut m.attrs);
        visit_mut::visit_item_mod_mut(self, m);
    }

    fn visit_item_fn_mut(&mut self, f: &mut syn::ItemFn) {
        Self::all(&mut f.attrs);
        visit_mut::visit_item_fn_mut(self, f);
    }

    fn visit_item_impl_mut(&mut self, i: &mut syn::ItemImpl) {
        Self::all(&mut i.attrs);
        visit_mut::visit_item_impl_mut(self, i);
    }

    fn visit_item_trait_mut(&mut self, t: &mut syn::ItemTrait) {
        Self::all(&mut t.attrs);
        visit_mut::visit_item_trait_mut(self, t);
    }

    fn visit_impl_item_fn_mut(&mut self, f: &mut syn::ImplItemFn) {
        Self::all(&mut f.attrs);
        visit_mut::visit_impl_item_fn_mut(self, f);
    }

    fn visit_trait_item_fn_mut(&mut self, f: &mut syn::TraitItemFn) {
        Self::all(&mut f.attrs);
        visit_mut::visit_trait_item_fn_mut(self, f);
    }
}
