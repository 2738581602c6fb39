//! Golden expansions: `golden/NAME.rs` is what a user writes, `golden/NAME.expanded.rs` what it becomes. With
//! `UPDATE_GOLDENS=1` the tests write them anew.

use crate::expand;
use proc_macro2::TokenStream;
use std::path::Path;
use syn::{Attribute, Item};

/// The file with every `#[vthread]` item in it expanded, as the compiler would: outermost first.
fn expanded(source: &str) -> String {
    let file: syn::File = syn::parse_str(source).expect("the input is Rust");
    let mut tokens = TokenStream::new();
    for item in file.items {
        tokens.extend(expand_item(item));
    }
    prettyplease::unparse(&syn::parse2(tokens).expect("the output is Rust"))
}

fn expand_item(mut item: Item) -> TokenStream {
    let attributes: &mut Vec<Attribute> = match &mut item {
        Item::Fn(i) => &mut i.attrs,
        Item::Mod(i) => &mut i.attrs,
        Item::Trait(i) => &mut i.attrs,
        Item::Impl(i) => &mut i.attrs,
        Item::Use(i) => &mut i.attrs,
        other => return quote::quote!(#other),
    };
    let Some(at) = attributes.iter().position(crate::attributes::is_vthread) else {
        return quote::quote!(#item);
    };
    let attribute = attributes.remove(at);
    let options = match attribute.meta {
        syn::Meta::List(list) => list.tokens,
        _ => TokenStream::new(),
    };
    expand::vthread(options, quote::quote!(#item))
}

fn check(name: &str) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("golden");
    let source = std::fs::read_to_string(folder.join(format!("{name}.rs"))).expect("an input");
    let got = expanded(&source);
    assert!(!got.contains("compile_error"), "{got}");
    let golden = folder.join(format!("{name}.expanded.rs"));
    if std::env::var_os("UPDATE_GOLDENS").is_some() {
        std::fs::write(&golden, &got).expect("the golden can be written");
    }
    let want = std::fs::read_to_string(&golden).unwrap_or_default();
    assert!(got == want, "{} differs; UPDATE_GOLDENS=1 writes it anew. Now:\n{got}", golden.display());
}

macro_rules! goldens {
    ($($name:ident)*) => {
        $(#[test]
        fn $name() {
            check(stringify!($name));
        })*
    };
}

goldens! { calls conditions exact inward recursion dyn_dispatch supertraits single_items closures uses generic_trait made_impls }
