//! An impl that does not fit its trait. What the compiler would say of it names functions that the macro adds, so the error is
//! given here: then the item stands there as it was written, and the compiler speaks of that.

use super::{arity, own_mode};
use crate::conditions::Condition;
use crate::diagnostics::Problems;
use crate::world::Mode;
use proc_macro2::Span;
use std::collections::HashSet;
use syn::spanned::Spanned;
use syn::{Ident, ImplItem, ItemImpl, ItemTrait, TraitItem};

/// Reports methods of `of` that a macro in `i` writes, or may write: they get no body that takes the context word, and calls would go to another one. `written`: what the
/// macros in view write.
pub(super) fn check_macros(of: &ItemTrait, i: &ItemImpl, written: &HashSet<String>, problems: &mut Problems) {
    let Some(mac) = i.items.iter().find_map(|item| match item {
        ImplItem::Macro(m) => Some(m.mac.path.span()),
        _ => None,
    }) else {
        return;
    };
    let given =
        |name: &Ident| i.items.iter().any(|item| matches!(item, ImplItem::Fn(f) if f.sig.ident == *name));
    report_unseen(of, mac, given, written, problems);
}

/// Reports the first method of `of` that is not `given`, and that `mac` may write.
pub(crate) fn report_unseen(
    of: &ItemTrait,
    mac: Span,
    given: impl Fn(&Ident) -> bool,
    written: &HashSet<String>,
    problems: &mut Problems,
) {
    for item in &of.items {
        let TraitItem::Fn(declared) = item else { continue };
        let name = &declared.sig.ident;
        let may_be_written = declared.default.is_none() || written.contains(&name.to_string());
        if own_mode(&declared.sig, &declared.attrs) == Mode::Vthread && may_be_written && !given(name) {
            problems.at(
                mac,
                format!(
                    "#[vthread] does not see the methods that a macro writes inside of an impl, and `{name}` of `{}` may be one of them: \
                     let the macro write the whole impl, write the method out, or mark the trait #[plain]",
                    of.ident
                ),
            );
            return;
        }
    }
}

/// Reports methods of `of` that are missing in `i`, and those with another number of parameters. What stands under conditions is
/// left to the compiler.
pub(super) fn check(of: &ItemTrait, i: &ItemImpl, problems: &mut Problems) {
    let written_out = |item: &ImplItem| !matches!(item, ImplItem::Macro(_) | ImplItem::Verbatim(_));
    if !Condition::of(&of.attrs).is_always() || !i.items.iter().all(written_out) {
        return;
    }
    for item in &of.items {
        let TraitItem::Fn(declared) = item else { continue };
        if !Condition::of(&declared.attrs).is_always() {
            continue;
        }
        let name = &declared.sig.ident;
        let given = i.items.iter().find_map(|item| match item {
            ImplItem::Fn(f) if f.sig.ident == *name => Some(f),
            _ => None,
        });
        match given {
            None if declared.default.is_none() => {
                let trait_name = &of.ident;
                let at =
                    i.trait_.as_ref().and_then(|(_, path, _)| path.segments.last()).map(|s| s.ident.span());
                if let Some(at) = at {
                    problems
                        .at(at, format!("#[vthread]: `{name}` of `{trait_name}` is missing in this impl"));
                }
            }
            Some(f) if Condition::of(&f.attrs).is_always() => {
                let (want, got) = (&declared.sig, &f.sig);
                if arity(want) != arity(got) || want.receiver().is_some() != got.receiver().is_some() {
                    problems.at(
                        got.ident.span(),
                        format!("#[vthread]: `{name}` takes other parameters than its trait says"),
                    );
                }
            }
            _ => {}
        }
    }
}
