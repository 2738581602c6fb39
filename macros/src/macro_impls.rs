//! Impls that a `macro_rules!` of the module writes. They exist only once it is called, after the module has been expanded,
//! so they get the attribute, too, and are expanded as single items.
//!
//! ```text
//! macro_rules! scalar { ($t:ty) => { impl Scalar for $t { .. } }; }
//! macro_rules! scalar { ($t:ty) => { #[vthread::vthread] impl Scalar for $t { .. } }; }
//! ```

use crate::diagnostics::Problems;
use crate::resolve::Scope;
use crate::scan::complete::report_unseen;
use crate::tokens::is_punct;
use crate::world::TraitId;
use proc_macro2::{Delimiter, Group, Ident, TokenStream, TokenTree};
use quote::quote;

/// The rules of a macro: what each writes stands behind its `=>`.
pub(crate) fn annotate(
    scope: &Scope<'_>,
    attribute: &TokenStream,
    rules: TokenStream,
    problems: &mut Problems,
) -> TokenStream {
    let mut all: Vec<TokenTree> = rules.into_iter().collect();
    for at in 2..all.len() {
        if is_arrow(&all[at - 2..])
            && let TokenTree::Group(rule) = &all[at]
        {
            all[at] = same_group(rule, impls_in(scope, attribute, rule.stream(), problems));
        }
    }
    all.into_iter().collect()
}

/// Names of the methods that a macro writes, or that are written for one to take, but for those of traits: they have no body that takes the context word, so
/// a call of a method of such a name may mean them.
pub(crate) fn methods(tokens: TokenStream) -> Vec<String> {
    let mut names = vec![];
    let mut all = tokens.into_iter().peekable();
    // What comes is an impl of a trait.
    let mut of_trait = false;
    while let Some(token) = all.next() {
        match token {
            TokenTree::Ident(word) if word == "impl" => of_trait = false,
            // `for<'a>` stands in bounds.
            TokenTree::Ident(word) if word == "for" => {
                of_trait |= !all.peek().is_some_and(|next| is_punct(next, '<'));
            }
            TokenTree::Ident(word) if word == "fn" => {
                let rest: Vec<TokenTree> = all.clone().collect();
                let Some(TokenTree::Ident(name)) = rest.first() else { continue };
                let arguments = rest.get(1 + generics(&rest[1..]));
                let is_self = |t: TokenTree| is_word(&t, "self");
                if let Some(TokenTree::Group(group)) = arguments
                    && group.stream().into_iter().any(is_self)
                {
                    names.push(name.to_string());
                }
            }
            TokenTree::Group(group) => {
                let taken = group.delimiter() == Delimiter::Brace && std::mem::take(&mut of_trait);
                names.extend((!taken).then(|| methods(group.stream())).into_iter().flatten());
            }
            _ => {}
        }
    }
    names
}

/// Whether one of the rules of a macro has the word `impl` in what it takes.
pub(crate) fn takes_impl(rules: TokenStream) -> bool {
    let all: Vec<TokenTree> = rules.into_iter().collect();
    (1..all.len()).any(|at| is_arrow(&all[at..]) && has_impl(all[at - 1].clone().into()))
}

fn has_impl(tokens: TokenStream) -> bool {
    tokens.into_iter().any(|token| match token {
        TokenTree::Group(group) => has_impl(group.stream()),
        other => is_word(&other, "impl"),
    })
}

/// Puts the attribute on the impls of vthread traits among `tokens` that have neither it nor `#[plain]`.
fn impls_in(
    scope: &Scope<'_>,
    attribute: &TokenStream,
    tokens: TokenStream,
    problems: &mut Problems,
) -> TokenStream {
    let mut out: Vec<TokenTree> = vec![];
    let mut all = tokens.into_iter().peekable();
    let mut of = None;
    while let Some(token) = all.next() {
        match token {
            TokenTree::Ident(word) if word == "impl" => {
                let rest: Vec<TokenTree> = all.clone().collect();
                of = implemented(scope, &rest).filter(|_| has_body(&rest));
                let head = out.len() - usize::from(out.last().is_some_and(|t| is_word(t, "unsafe")));
                if of.is_some() && !is_annotated(&out[..head]) {
                    out.splice(head..head, attribute.clone());
                } else {
                    of = None;
                }
                out.push(TokenTree::Ident(word));
            }
            TokenTree::Group(group) => {
                let next: Vec<TokenTree> = all.clone().take(2).collect();
                let stream = match of {
                    // What another macro takes: as it is written.
                    _ if is_arrow(&next) || is_taken(scope, &out) => group.stream(),
                    Some(id) if group.delimiter() == Delimiter::Brace => {
                        of = None;
                        check(scope, id, group.stream(), problems);
                        plain_methods(scope, id, group.stream())
                    }
                    _ => impls_in(scope, attribute, group.stream(), problems),
                };
                out.push(same_group(&group, stream));
            }
            other => out.push(other),
        }
    }
    out.into_iter().collect()
}

/// Whether `before` ends in `name!`, of a macro of the module that takes an `impl`.
fn is_taken(scope: &Scope<'_>, before: &[TokenTree]) -> bool {
    let [.., TokenTree::Ident(name), bang] = before else { return false };
    is_punct(bang, '!') && scope.own_macro(&name.to_string()).is_some_and(|own| own.takes_impl)
}

/// Whether an impl that begins before `tokens` is whole.
fn has_body(tokens: &[TokenTree]) -> bool {
    let brace = |t: &TokenTree| matches!(t, TokenTree::Group(g) if g.delimiter() == Delimiter::Brace);
    tokens.iter().take_while(|t| !is_punct(t, ';')).any(brace)
}

/// The vthread trait in `<..> path::Trait<..> for`, which follows `impl`.
fn implemented(scope: &Scope<'_>, tokens: &[TokenTree]) -> Option<TraitId> {
    let rest = &tokens[generics(tokens)..];
    let mut path = vec![];
    let mut at = 0;
    while let Some(TokenTree::Ident(name)) = rest.get(at) {
        path.push(name.clone());
        at += 1;
        if !rest[at..].iter().take(2).all(|t| is_punct(t, ':')) {
            break;
        }
        at += 2;
    }
    at += generics(&rest[at..]);
    let path =
        syn::Path { leading_colon: None, segments: path.into_iter().map(syn::PathSegment::from).collect() };
    rest.get(at).is_some_and(|t| is_word(t, "for")).then(|| scope.vthread_trait(&path))?
}

/// How many tokens `<..>` takes, if one begins here.
fn generics(tokens: &[TokenTree]) -> usize {
    let (mut depth, mut arrow) = (0, false);
    for (at, token) in tokens.iter().enumerate() {
        if is_punct(token, '<') {
            depth += 1;
        } else if is_punct(token, '>') && !arrow {
            depth -= 1;
        }
        if depth == 0 {
            return if at == 0 { 0 } else { at + 1 };
        }
        arrow = is_punct(token, '-');
    }
    0
}

/// Reports what yet another macro may write in the body of an impl, if all else in there can be read.
fn check(scope: &Scope<'_>, of: TraitId, body: TokenStream, problems: &mut Problems) {
    let Some(declared) = &scope.world.traits[of].item else { return };
    let all: Vec<TokenTree> = body.into_iter().collect();
    let calls = |t: &[TokenTree]| matches!(t, [TokenTree::Ident(_), bang, _] if is_punct(bang, '!'));
    let Some(mac) = all.windows(3).find(|t| calls(t)).map(|t| t[0].span()) else { return };
    if all.iter().any(|t| is_punct(t, '$')) {
        return;
    }
    let given = |name: &Ident| {
        all.windows(2).any(|t| is_word(&t[0], "fn") && matches!(&t[1], TokenTree::Ident(i) if i == name))
    };
    report_unseen(declared, mac, given, &scope.world.written_methods, problems);
}

/// The body of an impl, with `#[plain]` on what the trait has as an ordinary method: an impl alone cannot know.
fn plain_methods(scope: &Scope<'_>, of: TraitId, body: TokenStream) -> TokenStream {
    let of = &scope.world.traits[of];
    let mut out: Vec<TokenTree> = vec![];
    let mut all = body.into_iter().peekable();
    while let Some(token) = all.next() {
        if is_word(&token, "fn")
            && of.item.is_some()
            && let Some(TokenTree::Ident(name)) = all.peek()
            && !of.methods.contains_key(&name.to_string())
        {
            let qualifiers = out.iter().rev().take_while(|t| is_qualifier(t));
            let head = out.len() - qualifiers.count();
            out.splice(head..head, quote!(#[plain]));
        }
        out.push(token);
    }
    out.into_iter().collect()
}

/// Of a function: `async`, `extern "C"` and so on.
fn is_qualifier(token: &TokenTree) -> bool {
    ["const", "async", "unsafe", "extern"].iter().any(|word| is_word(token, word))
        || matches!(token, TokenTree::Literal(_))
}

/// Whether the attributes at the end of `before` have `#[vthread]` or `#[plain]` among them.
fn is_annotated(before: &[TokenTree]) -> bool {
    let [.., hash, TokenTree::Group(attribute)] = before else { return false };
    if !is_punct(hash, '#') {
        return false;
    }
    let ours = |t: TokenTree| is_word(&t, "vthread") || is_word(&t, "plain");
    attribute.stream().into_iter().any(ours) || is_annotated(&before[..before.len() - 2])
}

fn is_arrow(tokens: &[TokenTree]) -> bool {
    matches!(tokens, [first, second, ..] if is_punct(first, '=') && is_punct(second, '>'))
}

fn is_word(token: &TokenTree, word: &str) -> bool {
    matches!(token, TokenTree::Ident(i) if Ident::eq(i, word))
}

fn same_group(like: &Group, stream: TokenStream) -> TokenTree {
    let mut group = Group::new(like.delimiter(), stream);
    group.set_span(like.span());
    TokenTree::Group(group)
}

#[cfg(test)]
mod tests {
    use super::methods;
    use quote::quote;

    #[test]
    fn methods_of_traits_are_none_of_the_type() {
        let of_types = quote! {
            impl<F> S<F> where F: for<'a> Fn(&'a str) { fn get(&self) {} fn new() -> Self {} }
            impl $name { fn set<T>(&mut self, t: T) {} }
        };
        assert_eq!(methods(of_types), ["get", "set"]);
        let of_traits = quote!(
            impl<F> Get for S<F>
            where
                F: for<'a> Fn(&'a str),
            {
                fn get(&self) {}
            }
        );
        assert!(methods(of_traits).is_empty());
    }
}
