//! What a `macro_rules!` puts in for `$e:expr`, `$p:pat` and `$t:ty` keeps together by delimiters that cannot be seen. The compiler
//! forgets them when a procedural macro hands them back, and `$e * 2` would become `1 + 2 * 2`. Of what is parsed, the printer of the
//! syntax tree knows where parentheses are due; patterns, and what is not parsed, get them here.

use crate::std_macros::{self, Argument};
use proc_macro2::{Delimiter, Group, Span, TokenStream, TokenTree};
use syn::parse::{Parse, Parser};
use syn::visit_mut::{self, VisitMut};
use syn::{Expr, ExprParen, Macro, Pat, Result, Type, TypeParen, parse2, token};

/// Parses an item and takes the delimiters out of it.
pub(crate) fn parse<T: Parse>(item: TokenStream, visit: impl FnOnce(&mut Fragments, &mut T)) -> Result<T> {
    let mut item = parse2(parsable(item))?;
    visit(&mut Fragments, &mut item);
    Ok(item)
}

/// What the syntax tree has no place for: patterns of several parts, and `let`, which stands alone.
fn parsable(tokens: TokenStream) -> TokenStream {
    each_fragment(tokens, &|inner, span| {
        let alternatives = Pat::parse_multi.parse2(inner.clone());
        if matches!(inner.clone().into_iter().next(), Some(TokenTree::Ident(word)) if word == "let") {
            inner
        } else if matches!(alternatives, Ok(Pat::Or(_) | Pat::Range(_))) {
            // Nobody wrote these parentheses, so no lint speaks of them.
            grouped(Delimiter::Parenthesis, inner, Span::mixed_site().located_at(span))
        } else {
            grouped(Delimiter::None, inner, span)
        }
    })
}

/// The arguments of a macro that is not known: expressions and types get parentheses where they might fall apart.
fn unparsed(tokens: TokenStream) -> TokenStream {
    each_fragment(tokens, &|inner, span| {
        let apart = parse2::<Expr>(inner.clone()).is_ok_and(|e| falls_apart(&e))
            || parse2::<Type>(inner.clone()).is_ok_and(|t| has_several_bounds(&t));
        grouped(if apart { Delimiter::Parenthesis } else { Delimiter::None }, inner, span)
    })
}

/// Replaces what stands between delimiters that cannot be seen, the innermost first.
fn each_fragment(tokens: TokenStream, replace: &dyn Fn(TokenStream, Span) -> TokenStream) -> TokenStream {
    let mut all = TokenStream::new();
    for token in tokens {
        match token {
            TokenTree::Group(group) => {
                let inner = each_fragment(group.stream(), replace);
                if group.delimiter() == Delimiter::None {
                    all.extend(replace(inner, group.span()));
                } else {
                    all.extend(grouped(group.delimiter(), inner, group.span()));
                }
            }
            other => all.extend([other]),
        }
    }
    all
}

fn grouped(delimiter: Delimiter, inner: TokenStream, span: Span) -> TokenStream {
    let mut group = Group::new(delimiter, inner);
    group.set_span(span);
    TokenTree::Group(group).into()
}

/// An operator before or after it would take a part of it.
fn falls_apart(e: &Expr) -> bool {
    match e {
        Expr::Group(group) => falls_apart(&group.expr),
        Expr::Assign(_)
        | Expr::Binary(_)
        | Expr::Break(_)
        | Expr::Cast(_)
        | Expr::Closure(_)
        | Expr::Range(_)
        | Expr::Reference(_)
        | Expr::Return(_) => true,
        // `-1` is a literal to macros that take one.
        Expr::Unary(of) => !matches!(&*of.expr, Expr::Lit(_)),
        _ => false,
    }
}

/// Takes the delimiters out of a syntax tree.
pub(crate) struct Fragments;

impl VisitMut for Fragments {
    fn visit_expr_mut(&mut self, e: &mut Expr) {
        while let Expr::Group(group) = e {
            let (attrs, span) = (std::mem::take(&mut group.attrs), group.group_token.span);
            let inner = std::mem::replace(&mut *group.expr, Expr::PLACEHOLDER);
            *e = if attrs.is_empty() && !matches!(inner, Expr::Verbatim(_)) {
                inner
            } else {
                Expr::Paren(ExprParen { attrs, paren_token: token::Paren(span), expr: Box::new(inner) })
            };
        }
        visit_mut::visit_expr_mut(self, e);
    }

    fn visit_macro_mut(&mut self, m: &mut Macro) {
        let known = std_macros::visit_arguments(m, |argument| {
            if let Argument::Value(e) = argument {
                self.visit_expr_mut(e);
            }
        });
        // It shows parentheses.
        if !known && !m.path.is_ident("stringify") {
            m.tokens = unparsed(std::mem::take(&mut m.tokens));
        }
    }

    fn visit_type_mut(&mut self, ty: &mut Type) {
        while let Type::Group(group) = ty {
            *ty = std::mem::replace(&mut *group.elem, Type::Verbatim(TokenStream::new()));
        }
        visit_mut::visit_type_mut(self, ty);
        match ty {
            Type::Reference(r) => enclose(&mut r.elem),
            Type::Ptr(p) => enclose(&mut p.elem),
            _ => {}
        }
    }
}

/// `dyn A + B` may not stand after `&` and `*`.
fn enclose(ty: &mut Box<Type>) {
    if has_several_bounds(ty) {
        let elem = std::mem::replace(ty, Box::new(Type::Verbatim(TokenStream::new())));
        **ty = Type::Paren(TypeParen { paren_token: token::Paren::default(), elem });
    }
}

fn has_several_bounds(ty: &Type) -> bool {
    match ty {
        Type::TraitObject(t) => t.bounds.len() > 1,
        Type::ImplTrait(t) => t.bounds.len() > 1,
        _ => false,
    }
}
