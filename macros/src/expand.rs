//! `#[vthread]` as a function from tokens to tokens, so that it can be tested without a compiler.

use crate::diagnostics::{self, Problems};
use crate::expander::Expander;
use crate::fragments::{self, Fragments};
use crate::object_uses;
use crate::options::{On, Options};
use crate::scan;
use proc_macro2::TokenStream;
use quote::quote;
use syn::visit_mut::VisitMut;
use syn::{Error, Ident, Item, Result};

pub(crate) const WHERE: &str = "#[vthread] stands on `mod`, `fn`, `trait`, `impl` and `use`";

/// The attribute `#[vthread(attribute)]` on `item`.
pub(crate) fn vthread(attribute: TokenStream, item: TokenStream) -> TokenStream {
    expand(attribute, item.clone()).unwrap_or_else(|error| diagnostics::with_item(&error, item))
}

fn expand(attribute: TokenStream, item: TokenStream) -> Result<TokenStream> {
    let item: Item = fragments::parse(item, Fragments::visit_item_mut)?;
    let on = match &item {
        Item::Fn(_) => On::Function,
        Item::Use(_) => On::Use,
        _ => On::Other,
    };
    let options = Options::parse(attribute, on)?;
    match item {
        Item::Mod(m) if m.content.is_none() => Err(Error::new(
            m.ident.span(),
            "#[vthread] does not see what is in another file: put `#[vthread] mod inner { .. }` around the contents there, or \
             the attribute on the items one by one",
        )),
        Item::Mod(mut m) => {
            let Some((_, mut items)) = m.content.take() else { return Ok(TokenStream::new()) };
            let body = all(&mut items, &options, Some(&m.ident))?;
            let (attrs, vis, unsafety, token, name) = (&m.attrs, &m.vis, &m.unsafety, &m.mod_token, &m.ident);
            Ok(quote!(#(#attrs)* #vis #unsafety #token #name { #body }))
        }
        Item::Use(u) if options.objects => object_uses::write(&u, &options),
        Item::Use(mut u) => {
            // The options stand on the attribute that is being expanded; the scan looks for them on the item.
            let names = &options.names;
            u.attrs.push(syn::parse_quote!(#[vthread(#(#names),*)]));
            all(&mut [Item::Use(u)], &options, None)
        }
        Item::Fn(f) if f.sig.ident == "main" && options.names.is_empty() && f.sig.inputs.is_empty() => {
            Err(Error::new(f.sig.ident.span(), "to run `main` as a virtual thread, write #[vthread::main]"))
        }
        Item::Fn(mut f) => {
            if options.recursive {
                f.attrs.push(syn::parse_quote!(#[vthread(recursive)]));
            }
            all(&mut [Item::Fn(f)], &options, None)
        }
        item @ (Item::Impl(_) | Item::Trait(_)) => all(&mut [item], &options, None),
        other => Err(Error::new_spanned(other, WHERE)),
    }
}

/// The items of the module `root`, or a single one.
fn all(items: &mut [Item], options: &Options, root: Option<&Ident>) -> Result<TokenStream> {
    let mut problems = Problems::default();
    let world = scan::scan(items, options, root, &mut problems);
    let (tokens, more) = Expander::new(&world, options).run(items);
    problems.append(more);
    problems.check()?;
    Ok(tokens)
}
