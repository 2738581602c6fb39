//! Calls by pointers: the link step gets room to carry them out elsewhere.
//!
//! ```text
//! (self.handler)(request)      after_call!({ before_call!(); (self.handler)(request) })
//! step(self, next(n))          after_call!(step(self, before_call!(next(n))))
//! choose(n)(self)              after_call!(before_call!(choose(n))(self))
//! ```

use proc_macro2::{TokenStream, TokenTree};
use quote::ToTokens;
use syn::{BinOp, Expr, ExprCall, UnOp, parse_quote};

/// The call with what gives room.
pub(super) fn with_room(call: &mut ExprCall, private: &TokenStream) -> Expr {
    // What stands closest to the call among what is more than a few moves.
    match call.args.iter_mut().rev().find(|argument| !is_moved(argument)) {
        None if matches!(*call.func, Expr::Call(_) | Expr::MethodCall(_))
            && !has_closure(call.func.to_token_stream()) =>
        {
            let function = &call.func;
            *call.func = parse_quote!(#private::before_call!(#function));
            parse_quote!(#private::after_call!(#call))
        }
        None => parse_quote!(#private::after_call!({ #private::before_call!(); #call })),
        // Its type may be inferred from that of the parameter.
        Some(argument) if has_closure(argument.to_token_stream()) => {
            parse_quote!(#private::after_call!(#call))
        }
        Some(argument) => {
            *argument = parse_quote!(#private::before_call!(#argument));
            parse_quote!(#private::after_call!(#call))
        }
    }
}

/// Are these instructions without branches and calls, as a rule?
fn is_moved(e: &Expr) -> bool {
    match e {
        Expr::Path(_) | Expr::Lit(_) => true,
        Expr::Field(f) => is_moved(&f.base),
        Expr::Reference(r) => is_moved(&r.expr),
        Expr::Paren(p) => is_moved(&p.expr),
        Expr::Group(g) => is_moved(&g.expr),
        Expr::Cast(c) => is_moved(&c.expr),
        Expr::Tuple(t) => t.elems.iter().all(is_moved),
        Expr::Unary(u) => matches!(u.op, UnOp::Deref(_) | UnOp::Neg(_) | UnOp::Not(_)) && is_moved(&u.expr),
        Expr::Binary(b) => {
            let computes = matches!(
                b.op,
                BinOp::Add(_) | BinOp::Sub(_) | BinOp::Mul(_) | BinOp::BitAnd(_) | BinOp::BitOr(_)
            );
            computes && is_moved(&b.left) && is_moved(&b.right)
        }
        _ => false,
    }
}

/// Could there be a closure in it?
fn has_closure(tokens: TokenStream) -> bool {
    tokens.into_iter().any(|token| match token {
        TokenTree::Punct(p) => p.as_char() == '|',
        TokenTree::Group(g) => has_closure(g.stream()),
        _ => false,
    })
}
