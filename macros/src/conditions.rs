//! `#[cfg]` on what is expanded. The macro cannot know whether a condition holds, so what it generates carries the same
//! condition, and what it counts is counted by the compiler: `1 + cfg!(unix) as usize`.

use proc_macro2::{TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::{Attribute, Meta};

/// When an item exists: every predicate on it holds.
#[derive(Clone, Default)]
pub(crate) struct Condition(Vec<TokenStream>);

impl Condition {
    /// What `#[cfg(..)]` and `#[cfg_attr(.., cfg(..))]` among these attributes ask for.
    pub(crate) fn of(attributes: &[Attribute]) -> Self {
        Self(attributes.iter().filter_map(|a| predicate(&a.meta.to_token_stream())).collect())
    }

    /// Both hold. What both ask for is asked once.
    pub(crate) fn and(mut self, other: &Self) -> Self {
        for predicate in &other.0 {
            if !self.0.iter().any(|p| p.to_string() == predicate.to_string()) {
                self.0.push(predicate.clone());
            }
        }
        self
    }

    /// Whether two are the same, as far as their text tells.
    pub(crate) fn is(&self, other: &Self) -> bool {
        let text = |condition: &Self| condition.attribute().to_string();
        self.is_always() && other.is_always() || text(self) == text(other)
    }

    pub(crate) fn is_always(&self) -> bool {
        self.0.is_empty()
    }

    /// `#[cfg(all(..))]`, or nothing.
    pub(crate) fn attribute(&self) -> TokenStream {
        let Self(all) = self;
        match all.as_slice() {
            [] => quote!(),
            [one] => quote!(#[cfg(#one)]),
            all => quote!(#[cfg(all(#(#all),*))]),
        }
    }

    /// The condition as a constant of type `bool`.
    fn constant(&self) -> TokenStream {
        let Self(all) = self;
        quote!(::core::cfg!(all(#(#all),*)))
    }
}

/// How many of these exist, as a constant of type `usize`.
pub(crate) fn count<'a>(conditions: impl IntoIterator<Item = &'a Condition>) -> TokenStream {
    let (always, sometimes): (Vec<_>, Vec<_>) = conditions.into_iter().partition(|c| c.is_always());
    let always = always.len();
    let terms = sometimes.iter().map(|c| {
        let constant = c.constant();
        quote!(+ #constant as usize)
    });
    quote!(#always #(#terms)*)
}

/// `p` of `cfg(p)`; of `cfg_attr(p, cfg(q))` what is true when the item stays.
fn predicate(meta: &TokenStream) -> Option<TokenStream> {
    let Ok(Meta::List(list)) = syn::parse2(meta.clone()) else { return None };
    if list.path.is_ident("cfg") {
        return Some(list.tokens);
    }
    if !list.path.is_ident("cfg_attr") {
        return None;
    }
    let mut parts = at_commas(list.tokens).into_iter();
    let when = parts.next()?;
    let then: Vec<TokenStream> = parts.filter_map(|attribute| predicate(&attribute)).collect();
    (!then.is_empty()).then(|| quote!(any(not(#when), all(#(#then),*))))
}

fn at_commas(tokens: TokenStream) -> Vec<TokenStream> {
    let mut parts = vec![TokenStream::new()];
    for token in tokens {
        match (&token, parts.last_mut()) {
            (TokenTree::Punct(p), _) if p.as_char() == ',' => parts.push(TokenStream::new()),
            (_, Some(last)) => last.extend([token]),
            (_, None) => {}
        }
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;
    use syn::parse_quote;

    fn text(attributes: &[Attribute]) -> String {
        Condition::of(attributes).attribute().to_string().replace(' ', "")
    }

    #[test]
    fn only_what_decides_about_existence_counts() {
        assert_eq!(text(&[]), "");
        assert_eq!(text(&[parse_quote!(#[inline]), parse_quote!(#[cfg_attr(unix, inline, must_use)])]), "");
        assert_eq!(text(&[parse_quote!(#[cfg(true)])]), "#[cfg(true)]");
        assert_eq!(
            text(&[parse_quote!(#[cfg(unix)]), parse_quote!(#[cfg(feature = "a")])]),
            "#[cfg(all(unix,feature=\"a\"))]"
        );
    }

    #[test]
    fn a_conditional_condition_asks_only_then() {
        assert_eq!(
            text(&[parse_quote!(#[cfg_attr(unix, inline, cfg(all(a, b)))])]),
            "#[cfg(any(not(unix),all(all(a,b))))]"
        );
        assert_eq!(
            text(&[parse_quote!(#[cfg_attr(unix, cfg_attr(a, cfg(b)))])]),
            "#[cfg(any(not(unix),all(any(not(a),all(b)))))]"
        );
    }

    #[test]
    fn counting_is_left_to_the_compiler() {
        let [always, sometimes] = [Condition::default(), Condition::of(&[parse_quote!(#[cfg(unix)])])];
        assert_eq!(count([&always, &always]).to_string(), "2usize");
        let counted = count([&always, &sometimes]).to_string().replace(' ', "");
        assert_eq!(counted, "1usize+::core::cfg!(all(unix))asusize");
    }
}
