//! Who made a function: its own name says so, not what was inlined into it.
//!
//! What `#[vthread]` makes is told whether it runs on a chunk, or knows it, and recursion in it is refused unless it has a wrapper. Whatever else holds code of vthreads (a
//! recursive generic function of some crate with a closure inlined, say) has a copy that asks: a closure does at its beginning, the function under
//! the user's own name does, and each activation asks anew. Such a function can be carried out elsewhere.

use crate::elf::Image;
use crate::functions::symbol_names;

/// How the names of vthread functions begin: with what they are told.
const BODY: &str = "__vt_";

/// How names begin that the macro gives to functions which take the context word or know it: `names.rs` of the macro.
const BEGINNINGS: [&str; 7] = [BODY, "__body_", "__step_", "__rec_", "__chunk_", "__enter_", "__slot_"];

/// The runtime's crate. What it calls on a chunk is a closure of the macro's that knows where it is.
const RUNTIME: &str = "vthread";

/// Does one of the function's own names say that it is a vthread function? Identical functions may have been folded into one.
///
/// Bodies that know their word (`__body_`) may be carried out elsewhere: to be told of a chunk and to be on none is sound, as whatever takes a chunk tests `rsp`.
/// Only the other way round it would not be.
pub fn is_body(image: &Image<'_>, function: u64) -> bool {
    symbol_names(image, function).any(|name| may_be(name, &[BODY]))
}

/// Do all of the function's names say that neither the macro nor the runtime made it? Nothing is known of one without a name.
pub fn by_others(image: &Image<'_>, function: u64) -> bool {
    let mut names = symbol_names(image, function).peekable();
    names.peek().is_some()
        && names.all(|name| !may_be(name, &BEGINNINGS) && first_crate(&shown(name)) != RUNTIME)
}

fn shown(mangled: &str) -> String {
    format!("{:#}", rustc_demangle::demangle(mangled))
}

/// Is a part of this name one that begins so? Of a name that was not understood it may be.
fn may_be(mangled: &str, beginnings: &[&str]) -> bool {
    // Names are slow to demangle, and nearly all say no.
    mangled.contains("__")
        && beginnings.iter().any(|beginning| mangled.contains(beginning))
        && rustc_demangle::try_demangle(mangled).map_or(true, |name| is(&format!("{name:#}"), beginnings))
}

/// Where brackets say nothing of what a type is, or something is missing.
const UNREADABLE: [&str; 5] = ["'<'", "'>'", "\"", "?", " limit reached}"];

/// Is a part of this demangled path one that begins so? Types do not count: what a function was made *for* says nothing of it.
fn is(name: &str, beginnings: &[&str]) -> bool {
    let mut open = 0_u32;
    let mut own = String::with_capacity(name.len());
    let mut before = ' ';
    for c in name.chars() {
        match c {
            '<' => open += 1,
            // Not that of a function's type.
            '>' if before != '-' => open = open.saturating_sub(1),
            _ if open == 0 => own.push(c),
            _ => {}
        }
        before = c;
    }
    // A name that was not understood is perhaps one, and so is one that the demangler gave up on, or with brackets that are values of `const` parameters.
    let understood = open == 0 && !UNREADABLE.iter().any(|what| name.contains(what));
    let read = if understood { &own } else { name };
    read.split("::").any(|part| beginnings.iter().any(|beginning| part.starts_with(beginning)))
}

/// `<vthread::sched::Task<T> as Drop>::drop` and the like belong to the crate of the type.
fn first_crate(name: &str) -> &str {
    let path = name.trim_start_matches(['<', '&', '*']);
    path.split("::").next().unwrap_or(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_macro_s_functions_are_told_by_their_own_names() {
        let legacy = |parts: &[&str]| {
            let path: String = parts.iter().map(|part| part.len().to_string() + part).collect();
            format!("_ZN{path}17h0123456789abcdefE")
        };
        let (area, local) = (
            "_$LT$user..Tree$u20$as$u20$user..Shape$GT$",
            "_$LT$user..__vt_parse..Local$u20$as$u20$user..Shape$GT$",
        );
        for (mangled, made) in [
            (legacy(&["user", "__vt_parse"]), true),
            (legacy(&["user", "__vt_parse"]) + ".llvm.12", true),
            (legacy(&["user", "__vt_parse", "_$u7b$$u7b$closure$u7d$$u7d$"]), true),
            (legacy(&[area, "__vt_area"]), true),
            (legacy(&["user", "__chunk_walk"]), true),
            (legacy(&[area, "__enter_area"]), true),
            (legacy(&["user", "__body_walk"]), true),
            ("_RNvCs0_4user10___vt_parse".to_owned(), true),
            // Not understood.
            ("_ZN99__vt_parseE".to_owned(), true),
            ("__vt_parse".to_owned(), true),
            (legacy(&["others", "walk"]), false),
            (legacy(&["others", "my__vt_"]), false),
            // A closure of vthread code is what it was made for, as is a type that stands in a function.
            ("_RINvCs0_6others4walkNCNvCs1_4user10___vt_parse0EB2_".to_owned(), false),
            (legacy(&[local, "area"]), false),
            ("main".to_owned(), false),
        ] {
            assert_eq!(may_be(&mangled, &BEGINNINGS), made, "{mangled}: {}", shown(&mangled));
        }
        assert!(!is("others::walk::<fn(u8) -> user::__vt_parse::Local>", &BEGINNINGS));
        assert!(is("<fn(u8) -> u8 as user::Shape>::__vt_area", &[BODY]));
        // Values of `const` parameters are no brackets, and of what was not shown nothing is known.
        assert!(is("<user::Of<'<'>>::__vt_area::<'>'>", &[BODY]));
        assert!(is("<user::Of<user::__vt_parse::{closure#0}, {recursion limit reached}>>::?", &[BODY]));
    }

    #[test]
    fn the_runtime_s_functions_are_told_by_their_crate() {
        for (name, of) in [
            ("vthread::call::on_chunk", "vthread"),
            ("<vthread::sched::Task<T> as core::ops::drop::Drop>::drop", "vthread"),
            ("<&vthread::sched::Task as core::fmt::Debug>::fmt", "vthread"),
            ("vthreads::walk", "vthreads"),
            ("main", "main"),
        ] {
            assert_eq!(first_crate(name), of);
        }
    }

    /// The macro is another crate: this fails when it gives other names.
    #[test]
    fn these_are_the_macro_s_names() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../macros/src/names.rs");
        let text = std::fs::read_to_string(path).expect("the macro's names");
        let given = text.split("format_ident!(\"").skip(1).filter_map(|rest| rest.split_once("{}\""));
        let functions: Vec<&str> =
            given.map(|(beginning, _)| beginning).filter(|b| b.len() > 2 && b.starts_with("__")).collect();
        assert_eq!(functions, BEGINNINGS);
    }
}
