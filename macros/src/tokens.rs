//! What is asked of tokens that are not parsed.

use proc_macro2::{TokenStream, TokenTree};
use std::collections::HashSet;

/// The words among tokens, at whatever depth.
pub(crate) fn words(tokens: TokenStream) -> HashSet<String> {
    fn add(tokens: TokenStream, words: &mut HashSet<String>) {
        for token in tokens {
            match token {
                TokenTree::Ident(i) => {
                    words.insert(i.to_string());
                }
                TokenTree::Group(g) => add(g.stream(), words),
                _ => {}
            }
        }
    }
    let mut words = HashSet::new();
    add(tokens, &mut words);
    words
}

pub(crate) fn is_punct(token: &TokenTree, sign: char) -> bool {
    matches!(token, TokenTree::Punct(p) if p.as_char() == sign)
}
