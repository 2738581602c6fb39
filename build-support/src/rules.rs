//! Rules for code that is not ours: data in `rules.txt`, read here.

use std::collections::HashMap;
use std::sync::LazyLock;

const TEXT: &str = include_str!("rules.txt");

/// The rules, ready to be asked.
#[derive(Debug)]
pub struct Rules {
    noreturn: Vec<&'static str>,
    ends: Vec<&'static str>,
    twice: Vec<&'static str>,
    hop: Vec<(&'static str, &'static str)>,
    words: HashMap<&'static str, u64>,
    blocks: Vec<&'static str>,
    pins: Vec<PinRule>,
}

#[derive(Debug)]
struct PinRule {
    path: &'static str,
    /// Its parts, as they stand in mangled names.
    parts: Vec<String>,
    reason: &'static str,
}

impl PinRule {
    fn matches(&self, mangled: &str) -> bool {
        // The older mangling begins with the crate: nearly all names are done with here.
        if let (Some(path), Some(first)) = (mangled.strip_prefix("_ZN"), self.parts.first())
            && !path.starts_with(first.as_str())
        {
            return false;
        }
        let mut rest = Some(mangled);
        for part in &self.parts {
            rest = rest.and_then(|rest| rest.split_once(part.as_str())).map(|(_, rest)| rest);
        }
        rest.is_some() && !is_piece(mangled)
    }
}

/// Does this name a piece of a function that stands apart from it? Such a one is not entered by calls, or has arguments of its own making.
fn is_piece(mangled: &str) -> bool {
    // What compilers add stands behind the mangled name; the older mangling has dots within, too.
    let added = match mangled.strip_prefix("_ZN") {
        Some(path) => path.rsplit_once('E').map(|(_, added)| added),
        None => mangled.split_once('.').map(|(_, added)| added),
    };
    added.is_some_and(|added| added.split('.').any(|word| word == "cold" || word == "__part"))
}

impl Default for Rules {
    fn default() -> Self {
        let mut rules = Rules {
            noreturn: Vec::new(),
            ends: Vec::new(),
            twice: Vec::new(),
            hop: Vec::new(),
            words: HashMap::new(),
            blocks: Vec::new(),
            pins: Vec::new(),
        };
        for line in TEXT.lines().filter(|l| !l.starts_with('#') && !l.trim().is_empty()) {
            // A rule that does not read is caught by the tests of this module.
            let Some((rule, reason)) = line.split_once(" : ") else { continue };
            let words: Vec<&str> = rule.split_whitespace().collect();
            match *words {
                ["noreturn", ref crates @ ..] => rules.noreturn.extend(crates),
                ["ends", ref imports @ ..] => rules.ends.extend(imports),
                ["twice", ref imports @ ..] => rules.twice.extend(imports),
                ["hop", ..] => rules.hop.push((rule.trim_start_matches("hop").trim(), reason.trim())),
                ["words", import, count] => {
                    rules.words.extend(count.parse().ok().map(|count: u64| (import, count)));
                }
                ["blocks", ref imports @ ..] => rules.blocks.extend(imports),
                ["pin", ref path @ ..] => {
                    let parts = path.iter().map(|part| format!("{}{part}", part.len())).collect();
                    let path = rule.trim_start_matches("pin").trim();
                    rules.pins.push(PinRule { path, parts, reason: reason.trim() });
                }
                _ => {}
            }
        }
        rules
    }
}

impl Rules {
    /// Those of `rules.txt`, read once.
    pub fn ours() -> &'static Self {
        static OURS: LazyLock<Rules> = LazyLock::new(Rules::default);
        &OURS
    }

    /// Are functions of this demangled name carried out elsewhere if they never return?
    pub fn noreturn_hops(&self, name: &str) -> bool {
        // `<core::cell::RefCell<T>>::borrow::panic` and the like belong to the crate of the type.
        let path = name.trim_start_matches(['<', '&']);
        let first = path.split("::").next().unwrap_or("");
        path.contains("::") && self.noreturn.contains(&first)
    }

    /// As [`noreturn_hops`](Self::noreturn_hops), asked before a name is demangled: no only if the demangled name would say no.
    pub fn noreturn_may_hop(&self, mangled: &str) -> bool {
        let Some(rest) = mangled.strip_prefix("_ZN") else { return true };
        let mut path = rest.trim_start_matches(|c: char| c.is_ascii_digit());
        // `<` and `&`, as the first path of an implementation begins.
        path = path.strip_prefix('_').unwrap_or(path);
        while let Some(rest) = path.strip_prefix("$LT$").or_else(|| path.strip_prefix("$RF$")) {
            path = rest;
        }
        self.noreturn.iter().any(|name| path.starts_with(name))
    }

    /// Asked before a name is demangled: no only if no rule names the function.
    pub fn may_be_named(&self, mangled: &str) -> bool {
        self.hop.iter().any(|(pattern, _)| may_match(pattern, mangled))
    }

    /// Is this an import that control never comes back from? Of all others it may.
    pub fn import_never_returns(&self, import: &str) -> bool {
        self.ends.contains(&import)
    }

    /// Does this import return more than once to who has called it?
    pub fn returns_twice(&self, import: &str) -> bool {
        self.twice.contains(&import)
    }

    /// Why the function of this demangled name is carried out elsewhere, if a rule says so.
    pub fn hop(&self, name: &str) -> Option<&'static str> {
        self.hop.iter().find(|(pattern, _)| matches(pattern, name)).map(|(_, reason)| *reason)
    }

    /// Why nobody may park while the function of this mangled name runs, if a rule says so. Both manglings have the parts of a path as they stand,
    /// each with its length before it.
    pub fn pin(&self, mangled: &str) -> Option<&'static str> {
        self.pins.iter().find(|rule| rule.matches(mangled)).map(|rule| rule.reason)
    }

    /// The paths of functions in which nobody may park that no function of a program has, by mangled names.
    pub fn unmatched_pins(&self, names: &[&str]) -> impl Iterator<Item = &'static str> {
        let missing = |rule: &&PinRule| !names.iter().any(|name| rule.matches(name));
        self.pins.iter().filter(missing).map(|rule| rule.path)
    }

    /// How many words of stack arguments an import takes at most.
    pub fn stack_words(&self, import: &str) -> Option<u64> {
        self.words.get(import).copied()
    }

    /// Can this import block the thread that calls it for long?
    pub fn blocks(&self, import: &str) -> bool {
        self.blocks.contains(&import)
    }

    /// The names that no function of a program has: perhaps std calls them otherwise now.
    pub fn unmatched(&self, names: &dyn Fn() -> Vec<String>) -> Vec<&'static str> {
        if self.hop.is_empty() {
            return Vec::new();
        }
        let names = names();
        let missing = |pattern: &str| !names.iter().any(|name| matches(pattern, name));
        self.hop.iter().map(|(pattern, _)| *pattern).filter(|p| missing(p)).collect()
    }
}

fn matches(pattern: &str, name: &str) -> bool {
    pattern.strip_suffix('*').map_or(name == pattern, |start| name.starts_with(start))
}

/// In the older mangling, the parts of a path stand as they are, each with its length before it.
fn may_match(pattern: &str, mangled: &str) -> bool {
    if !mangled.starts_with("_ZN") {
        return true;
    }
    let (path, open) = pattern.strip_suffix('*').map_or((pattern, false), |start| (start, true));
    let last = path.rsplit("::").next().unwrap_or("");
    if last.contains(|c: char| !c.is_ascii_alphanumeric() && c != '_') {
        // Not as it stands.
        return true;
    }
    if open { mangled.contains(last) } else { mangled.contains(&format!("{}{last}", last.len())) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_reads_and_has_its_reason() {
        for line in TEXT.lines().filter(|l| !l.starts_with('#') && !l.trim().is_empty()) {
            let (rule, reason) = line.split_once(" : ").expect(line);
            assert!(!reason.trim().is_empty(), "{line}");
            let words: Vec<&str> = rule.split_whitespace().collect();
            match *words {
                ["noreturn" | "ends" | "twice" | "hop" | "blocks" | "pin", _, ..] => {}
                ["words", _, count] => assert!(count.parse::<u64>().is_ok(), "{line}"),
                _ => panic!("{line}"),
            }
        }
    }

    #[test]
    fn mangled_names_are_not_refused_too_early() {
        let rules = Rules::default();
        let refused = "_ZN7vthread4call5enter17h0123456789abcdefE";
        assert!(!rules.noreturn_may_hop(refused));
        let of = |path: &str| format!("_ZN{}{path}1f17h0123456789abcdefE", path.len());
        let taken = [
            "_ZN4core9panicking9panic_fmt17h0123456789abcdefE".to_owned(),
            of("_$LT$core..cell..Ref$LT$T$GT$$u20$as$u20$X$GT$"),
            of("_$LT$$RF$alloc..string..String$u20$as$u20$X$GT$"),
            "_RNvNtCs0_4core9panicking9panic_fmt".to_owned(),
        ];
        for name in taken {
            assert!(rules.noreturn_may_hop(&name), "{name}");
            let shown = format!("{:#}", rustc_demangle::demangle(&name));
            assert!(rules.noreturn_hops(&shown), "{name}: {shown}");
        }
    }

    #[test]
    fn named_functions_are_found_by_their_mangled_names() {
        let rules = Rules::default();
        let cleanup = "_ZN3std9panicking12catch_unwind7cleanup17h0123456789abcdefE";
        assert!(rules.may_be_named(cleanup));
        assert!(rules.hop(&format!("{:#}", rustc_demangle::demangle(cleanup))).is_some());
        assert!(!rules.may_be_named("_ZN7vthread4call5enter17h0123456789abcdefE"));
        assert!(!rules.may_be_named("_ZN7vthread4call10my_cleanup17h0123456789abcdefE"));
        for (pattern, mangled, may) in [
            ("a::bc", "_ZN1a2bc17h0123456789abcdefE", true),
            ("a::bc", "_ZN1a3bcd17h0123456789abcdefE", false),
            ("a::bc*", "_ZN1a3bcd17h0123456789abcdefE", true),
            ("a::*", "_ZN1a3bcd17h0123456789abcdefE", true),
            ("a::{{closure}}", "_ZN1a28_$u7b$$u7b$closure$u7d$$u7d$17h0123456789abcdefE", true),
            ("a::bc", "_RNvCs0_1a2bc", true),
            ("bc", "bc", true),
        ] {
            assert_eq!(may_match(pattern, mangled), may, "{pattern}, {mangled}");
            let shown = format!("{:#}", rustc_demangle::demangle(mangled));
            assert!(may || !matches(pattern, &shown), "{pattern}, {mangled}: {shown}");
        }
    }

    #[test]
    fn initialisers_are_found_in_both_manglings() {
        let rules = Rules::default();
        let legacy = "_ZN3std3sys12thread_local6native4lazy20Storage$LT$T$C$D$GT$16get_or_init_slow17h0c40b684d96d3411E";
        let new = "_RINvMNtNtNtNtCs0_3std3sys12thread_local6native4lazyINtB3_7StorageNtNtCs1_5alloc6string6StringuE16get_or_init_slowNvNvNtCs2_1t1B27___rust_std_internal_init_fnEB1_";
        assert!(rules.pin(legacy).is_some() && rules.pin(new).is_some());
        let other = "_ZN3std3sys12thread_local6native4lazy7destroy17h02674c634a190125E";
        assert!(rules.pin(other).is_none());
        let users = "_ZN4mine3std3sys12thread_local6native4lazy16get_or_init_slow17h0c40b684d96d3411E";
        assert!(rules.pin(users).is_none());
        for name in [legacy, new] {
            assert!(rules.pin(&format!("{name}.llvm.123")).is_some());
            for piece in [".cold", ".cold.1", ".llvm.123.cold", ".__part.2"] {
                assert!(rules.pin(&format!("{name}{piece}")).is_none(), "{piece}");
            }
        }
        assert_eq!(rules.unmatched_pins(&[other, legacy]).count(), 0);
        assert_eq!(
            rules.unmatched_pins(&[other]).collect::<Vec<_>>(),
            ["std sys thread_local native lazy get_or_init_slow"]
        );
    }

    #[test]
    fn names_match_by_crate() {
        let rules = Rules::default();
        assert!(rules.noreturn_hops("core::panicking::panic_fmt"));
        assert!(rules.noreturn_hops("<core::cell::RefCell<T>>::borrow_mut"));
        assert!(!rules.noreturn_hops("corelib::panicking::panic_fmt"));
        assert!(!rules.noreturn_hops("core"));
        assert_eq!(rules.stack_words("syscall"), Some(1));
    }
}
