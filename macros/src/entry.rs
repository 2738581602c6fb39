//! `#[vthread::main]` and `#[vthread::test]`: the body runs as a virtual thread on a fresh runtime with a carrier for
//! each processor.

use crate::attributes::Outer;
use crate::diagnostics;
use crate::fragments::{self, Fragments};
use crate::options::Options;
use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, quote};
use syn::visit_mut::VisitMut;
use syn::{Error, ItemFn, Result, ReturnType};

/// Which of the two.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Entry {
    Main,
    Test,
}

/// Expands one of the attributes.
pub(crate) fn expand(entry: Entry, attribute: TokenStream, item: TokenStream) -> TokenStream {
    write(entry, attribute, item.clone()).unwrap_or_else(|error| diagnostics::with_item(&error, item))
}

fn write(entry: Entry, attribute: TokenStream, item: TokenStream) -> Result<TokenStream> {
    let given = attribute.clone();
    let options = Options::parse(attribute, crate::options::On::Other)?;
    if options.exact || !options.names.is_empty() {
        return Err(Error::new_spanned(
            given,
            "this attribute takes `crate = path` alone; `exact` and `names(..)` stand on what the body calls",
        ));
    }
    let mut item: ItemFn = fragments::parse(item, Fragments::visit_item_fn_mut)?;
    Outer.visit_item_fn_mut(&mut item);
    let ItemFn { attrs, vis, sig, block } = item;
    if let Some(token) = &sig.asyncness {
        return Err(Error::new(token.span, "a virtual thread waits like ordinary code: drop `async`"));
    }
    if !sig.inputs.is_empty() {
        return Err(Error::new_spanned(&sig.inputs, "this function is called without arguments"));
    }
    if !sig.generics.params.is_empty() {
        return Err(Error::new_spanned(&sig.generics, "this function cannot be generic"));
    }
    let output = match &sig.output {
        ReturnType::Default => quote!(()),
        ReturnType::Type(_, ty) => ty.to_token_stream(),
    };
    let test = (entry == Entry::Test).then(|| quote!(#[::core::prelude::v1::test]));
    let [run, report] = match entry {
        Entry::Main => ["run_entry", "report_entry"],
        Entry::Test => ["run_test", "report_test"],
    }
    .map(|name| Ident::new(name, Span::call_site()));
    let path = options.runtime.map_or_else(|| quote!(::vthread), ToTokens::into_token_stream);
    let mut sig = sig;
    let body = match &sig.output {
        ReturnType::Default => quote!(#path::__private::#run(move || -> #output #block)),
        // A closure cannot be typed `-> !`.
        ReturnType::Type(_, ty) if matches!(**ty, syn::Type::Never(_)) => {
            quote!(match #path::__private::#run(move || -> ::core::convert::Infallible { #block }) {})
        }
        // Its result may be for the carrier's thread alone, what it says about the process is for all.
        ReturnType::Type(..) => {
            sig.output = syn::parse_quote!(-> ::std::process::ExitCode);
            quote!(#path::__private::#report(move || -> #output #block))
        }
    };
    Ok(quote!(#(#attrs)* #test #vis #sig { #body }))
}
