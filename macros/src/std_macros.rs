//! Macros of std whose arguments are expressions: calls in them are rewritten like any other.

use quote::{ToTokens, quote};
use syn::parse::{ParseStream, Parser};
use syn::punctuated::Punctuated;
use syn::{Expr, Macro, Pat, Token};

/// Part of what a macro takes.
pub(crate) enum Argument<'a> {
    /// It is evaluated in place.
    Value(&'a mut Expr),
    /// It binds names for the values after it.
    Pattern(&'a Pat),
}

/// Calls `each` on every argument, in order. `false`: the macro is none of std's, or its tokens are not what
/// std's take.
pub(crate) fn visit_arguments(m: &mut Macro, mut each: impl FnMut(Argument<'_>)) -> bool {
    let Some(name) = std_name(m) else { return false };
    match name.as_str() {
        "print" | "println" | "eprint" | "eprintln" | "format" | "format_args" | "write" | "writeln"
        | "panic" | "assert" | "assert_eq" | "assert_ne" | "debug_assert" | "debug_assert_eq"
        | "debug_assert_ne" | "dbg" | "unreachable" | "todo" | "unimplemented" => list(m, &mut each),
        "vec" => list(m, &mut each) || repeated(m, &mut each),
        "matches" => matches(m, &mut each),
        _ => false,
    }
}

/// The name of a macro that is written as std's are: `vec!`, `std::vec!`.
fn std_name(m: &Macro) -> Option<String> {
    let segments = &m.path.segments;
    let qualified = match segments.first()?.ident.to_string().as_str() {
        "std" | "core" | "alloc" => segments.len() == 2,
        _ => segments.len() == 1,
    };
    qualified.then(|| segments.last().map(|s| s.ident.to_string())).flatten()
}

/// Calls `each` on every one of `a, b, c`. `false`: they are no expressions.
pub(crate) fn visit_values(m: &mut Macro, each: impl FnMut(&mut Expr)) -> bool {
    let Ok(mut all) = Punctuated::<Expr, Token![,]>::parse_terminated.parse2(m.tokens.clone()) else {
        return false;
    };
    all.iter_mut().for_each(each);
    m.tokens = all.into_token_stream();
    true
}

/// `a, b, name = c`.
fn list(m: &mut Macro, each: &mut dyn FnMut(Argument<'_>)) -> bool {
    visit_values(m, |argument| match argument {
        Expr::Assign(named) => each(Argument::Value(&mut named.right)),
        other => each(Argument::Value(other)),
    })
}

/// `vec![a; n]`.
fn repeated(m: &mut Macro, each: &mut dyn FnMut(Argument<'_>)) -> bool {
    let two = |input: ParseStream<'_>| {
        let element: Expr = input.parse()?;
        input.parse::<Token![;]>()?;
        Ok((element, input.parse::<Expr>()?))
    };
    let Ok((mut element, mut count)) = two.parse2(m.tokens.clone()) else { return false };
    each(Argument::Value(&mut element));
    each(Argument::Value(&mut count));
    m.tokens = quote!(#element; #count);
    true
}

/// `matches!(value, pattern if guard)`.
fn matches(m: &mut Macro, each: &mut dyn FnMut(Argument<'_>)) -> bool {
    let parts = |input: ParseStream<'_>| {
        let value: Expr = input.parse()?;
        input.parse::<Token![,]>()?;
        let pattern = input.call(Pat::parse_multi_with_leading_vert)?;
        let guard = if input.peek(Token![if]) {
            input.parse::<Token![if]>()?;
            Some(input.parse::<Expr>()?)
        } else {
            None
        };
        input.parse::<Option<Token![,]>>()?;
        Ok((value, pattern, guard))
    };
    let Ok((mut value, pattern, mut guard)) = parts.parse2(m.tokens.clone()) else { return false };
    each(Argument::Value(&mut value));
    each(Argument::Pattern(&pattern));
    if let Some(guard) = &mut guard {
        each(Argument::Value(guard));
    }
    let guard = guard.map(|g| quote!(if #g));
    m.tokens = quote!(#value, #pattern #guard);
    true
}
