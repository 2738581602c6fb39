//! Macros of the module itself that take expressions and put them in place, such as `tri!(e)`: calls in what they take are rewritten like any other.

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};
use quote::ToTokens;
use syn::parse::Parser;
use syn::punctuated::Punctuated;
use syn::{Expr, Macro, Token};

/// What is known of a `macro_rules!`.
#[derive(Clone, Copy, Default)]
pub(crate) struct OwnMacro {
    /// One of its rules has the word `impl` in what it takes: what follows that is in a syntax of its own.
    pub(crate) takes_impl: bool,
    /// All that its rules take is expressions, and they stay in the function that they are written in.
    pub(crate) takes_values: bool,
}

/// Whether all rules are `($a:expr, $b:expr) => { .. }`, and what they write makes no other function of it.
pub(crate) fn takes_values(rules: TokenStream) -> bool {
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

/// Whether nothing among these tokens may be a closure, an item, or another macro: there the context word would be another one, or none.
fn stays_here(writes: TokenStream) -> bool {
    const ELSEWHERE: [&str; 9] =
        ["fn", "const", "static", "async", "move", "impl", "trait", "mod", "macro_rules"];
    writes.into_iter().all(|token| match token {
        TokenTree::Ident(i) => !ELSEWHERE.iter().any(|word| i == word),
        TokenTree::Punct(p) => !['|', '!'].contains(&p.as_char()),
        TokenTree::Group(g) => stays_here(g.stream()),
        TokenTree::Literal(_) => true,
    })
}

fn is_punct(token: &TokenTree, sign: char) -> bool {
    matches!(token, TokenTree::Punct(p) if p.as_char() == sign)
}

/// Calls `each` on every argument. `false`: they are no expressions.
pub(crate) fn visit_values(m: &mut Macro, each: impl FnMut(&mut Expr)) -> bool {
    let Ok(mut all) = Punctuated::<Expr, Token![,]>::parse_terminated.parse2(m.tokens.clone()) else {
        return false;
    };
    all.iter_mut().for_each(each);
    m.tokens = all.into_token_stream();
    true
}

#[cfg(test)]
mod tests {
    use super::takes_values;
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
            quote!(($t:ty, $e:expr) => { $e as $t }),
            quote!(($($e:expr),*) => { [$($e),*] }),
            quote!(() => {}),
            quote!(),
        ];
        for rules in others {
            assert!(!takes_values(rules.clone()), "{rules}");
        }
    }
}
