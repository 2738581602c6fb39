//! `#[vthread]` as a function from tokens to tokens, so that it can be tested without a compiler.

use crate::attributes::Outer;
use crate::diagnostics::{self, Problems};
use crate::expander::Expander;
use crate::fragments::{self, Fragments};
use crate::object_uses;
use crate::options::{On, Options};
use crate::scan;
use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::visit_mut::VisitMut;
use syn::{Error, Ident, Item, Result};

pub(crate) const WHERE: &str = "#[vthread] stands on `mod`, `fn`, `trait`, `impl` and `use`";

/// The attribute `#[vthread(attribute)]` on `item`.
pub(crate) fn vthread(attribute: TokenStream, item: TokenStream) -> TokenStream {
    expand(attribute, item.clone()).unwrap_or_else(|error| diagnostics::with_item(&error, item))
}

fn expand(attribute: TokenStream, item: TokenStream) -> Result<TokenStream> {
    let mut item: Item = fragments::parse(item, Fragments::visit_item_mut)?;
    Outer.visit_item_mut(&mut item);
    let on = match &item {
        Item::Fn(_) => On::Function,
        Item::Use(_) => On::Use,
        _ => On::Other,
    };
    let options = Options::parse(attribute, on)?;
    if diagnostics::has_doubles(&item) {
        diagnostics::Ours.visit_item_mut(&mut item);
        return Ok(item.into_token_stream());
    }
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
        Item::Fn(f) if is_associated(&f.sig) => Err(Error::new(
            f.sig.ident.span(),
            "#[vthread] does not see the impl or trait around a method: put `#[vthread]` on that (`#[vthread(recursive)]` may stand on the method \
             besides)",
        )),
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

/// Is it a method or associated function, as far as its signature tells?
fn is_associated(sig: &syn::Signature) -> bool {
    fn names_self(tokens: TokenStream) -> bool {
        tokens.into_iter().any(|token| match token {
            proc_macro2::TokenTree::Ident(i) => i == "Self",
            proc_macro2::TokenTree::Group(g) => names_self(g.stream()),
            proc_macro2::TokenTree::Punct(_) | proc_macro2::TokenTree::Literal(_) => false,
        })
    }
    sig.receiver().is_some() || names_self(sig.to_token_stream())
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

#[cfg(test)]
mod tests {
    use super::vthread;
    use proc_macro2::{TokenStream, TokenTree};
    use quote::{format_ident, quote};

    fn tokens(of: TokenStream) -> usize {
        of.into_iter().map(|t| if let TokenTree::Group(g) = t { 1 + tokens(g.stream()) } else { 1 }).sum()
    }

    /// The expansion of a trait with so many methods and impls.
    fn size(methods: usize, impls: usize) -> usize {
        let names: Vec<_> = (0..methods).map(|n| format_ident!("m{n}")).collect();
        let impls = (0..impls).map(|n| {
            let ty = format_ident!("S{n}");
            quote!(pub struct #ty; impl T for #ty { #(fn #names(&self, n: u64) -> u64 { n })* })
        });
        let item = quote! {
            mod m {
                pub trait T { #(fn #names(&self, n: u64) -> u64;)* }
                #(#impls)*
                pub fn all(t: &dyn T) -> u64 { 0 #(+ t.#names(1))* }
            }
        };
        tokens(vthread(TokenStream::new(), item))
    }

    #[test]
    fn expansions_grow_as_their_items_do() {
        for impls in [1, 8] {
            let [few, more] = [size(20, impls), size(40, impls)];
            assert!(more < 2 * few, "{impls} impls: {few} tokens for 20 methods, {more} for 40");
        }
        let [none, one, two] = [0, 1, 2].map(|impls| size(20, impls));
        assert_eq!(two - one, one - none, "each impl adds the same");
    }
}
