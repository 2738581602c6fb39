//! What a `macro_rules!` puts in for `$e:expr` and `$t:ty` keeps together by delimiters that cannot be seen. The compiler forgets
//! them when a procedural macro hands them back, and `$e * 2` would become `1 + 2 * 2`. Without them the printer of the syntax tree
//! knows where parentheses are due.

use syn::visit_mut::{self, VisitMut};
use syn::{Expr, ExprParen, Type, TypeParen, token};

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

    fn visit_type_mut(&mut self, ty: &mut Type) {
        while let Type::Group(group) = ty {
            *ty = std::mem::replace(&mut *group.elem, Type::Verbatim(proc_macro2::TokenStream::new()));
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
        let elem = std::mem::replace(ty, Box::new(Type::Verbatim(proc_macro2::TokenStream::new())));
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
