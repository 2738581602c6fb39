//! Macros of the module itself that take expressions and put them in place, such as `tri!(e)`: calls in what they take are rewritten like any other.

use crate::macro_impls;
use crate::tokens::{self, is_punct};
use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};
use std::collections::HashSet;

/// What is known of a `macro_rules!`.
pub(crate) struct OwnMacro {
    /// One of its rules has the word `impl` in what it takes: what follows that is in a syntax of its own.
    pub(crate) takes_impl: bool,
    /// All that its rules take is expressions, and they stay in the function that they are written in.
    pub(crate) takes_values: bool,
    /// The words in it: what they name it may call.
    pub(crate) words: HashSet<String>,
}

impl OwnMacro {
    pub(crate) fn new(rules: &TokenStream) -> Self {
        Self {
            takes_impl: macro_impls::takes_impl(rules.clone()),
            takes_values: takes_values(rules.clone()),
            words: tokens::words(rules.clone()),
        }
    }

    /// One of two of the same name: which of them a call means, its place says.
    pub(crate) fn or(mut self, other: Self) -> Self {
        self.takes_impl |= other.takes_impl;
        self.takes_values &= other.takes_values;
        self.words.extend(other.words);
        self
    }
}

/// Whether all rules are `($a:expr, $b:expr) => { .. }`, and what they write makes no other function of it.
fn takes_values(rules: TokenStream) -> bool {
    let tokens: Vec<TokenTree> = rules.into_iter().collect();
    let rules: Vec<&[TokenTree]> =
        tokens.split(|t| is_punct(t, ';')).filter(|rule| !rule.is_empty()).collect();
    !rules.is_empty()
        && rules.iter().all(|rule| match rule {
            [TokenTree::Group(takes), equals, greater, TokenTree::Group(writes)] => {
                is_punct(equals, '=')
                    && is_punct(greater, '>')
                    && are_expressions(takes.stream())
                    && stays_here(writes.stream())
            }
            _ => false,
        })
}

/// `$a:expr, $b:expr $(,)?`, at least one.
fn are_expressions(takes: TokenStream) -> bool {
    let tokens: Vec<TokenTree> = takes.into_iter().collect();
    let mut rest = match tokens.as_slice() {
        [rest @ .., dollar, TokenTree::Group(comma), mark]
            if is_punct(dollar, '$') && is_punct(mark, '?') && is_comma(comma) =>
        {
            rest
        }
        all => all,
    };
    loop {
        match rest {
            [dollar, TokenTree::Ident(_), colon, TokenTree::Ident(fragment), more @ ..]
                if is_punct(dollar, '$') && is_punct(colon, ':') && fragment == "expr" =>
            {
                match more {
                    [] => return true,
                    [comma, more @ ..] if is_punct(comma, ',') => rest = more,
                    _ => return false,
                }
            }
            _ => return false,
        }
    }
}

fn is_comma(group: &Group) -> bool {
    group.delimiter() == Delimiter::Parenthesis && group.stream().to_string() == ","
}

/// Whether nothing among these tokens may be a closure, an item, the length of an array, or another macro: there the context word would be another one, or none.
fn stays_here(writes: TokenStream) -> bool {
    const ELSEWHERE: [&str; 10] =
        ["fn", "const", "static", "async", "move", "impl", "trait", "enum", "mod", "macro_rules"];
    writes.into_iter().all(|token| match token {
        TokenTree::Ident(i) => !ELSEWHERE.iter().any(|word| i == word),
        TokenTree::Punct(p) => !['|', '!'].contains(&p.as_char()),
        TokenTree::Group(g) => {
            let is_array = g.delimiter() == Delimiter::Bracket;
            let has_length = is_array && g.stream().into_iter().any(|t| is_punct(&t, ';'));
            !has_length && stays_here(g.stream())
        }
        TokenTree::Literal(_) => true,
    })
}

#[cfg(test)]
mod tests {
    use super::{OwnMacro, takes_values};
    use quote::quote;

    #[test]
    fn only_what_stays_in_its_function_is_in_place() {
        assert!(takes_values(
            quote!(($e:expr $(,)?) => { match $e { Ok(v) => v, Err(e) => return Err(e) } };)
        ));
        assert!(takes_values(quote!(($a:expr) => { $a }; ($a:expr, $b:expr) => { $a + $b })));
        let others = [
            quote!(($e:expr) => { || $e }),
            quote!(($e:expr) => { other!($e) }),
            quote!(($e:expr) => { const X: u32 = $e; }),
            quote!(($e:expr) => { [0; $e] }),
            quote!(($e:expr) => { { enum Kind { A = $e } Kind::A as isize } }),
            quote!(($t:ty, $e:expr) => { $e as $t }),
            quote!(($($e:expr),*) => { [$($e),*] }),
            quote!(() => {}),
            quote!(),
        ];
        for rules in others {
            assert!(!takes_values(rules.clone()), "{rules}");
        }
    }

    #[test]
    fn of_two_macros_of_a_name_either_may_be_meant() {
        let values = || OwnMacro::new(&quote!(($e:expr) => { one($e) }));
        let impls = || OwnMacro::new(&quote!((impl $t:ty) => { two() }));
        for both in [values().or(impls()), impls().or(values())] {
            assert!(both.takes_impl && !both.takes_values);
            assert!(["one", "two"].iter().all(|name| both.words.contains(*name)));
        }
    }
}
