//! The bounds as a source file of constants.

use super::{Certainty, Report};
use std::collections::{HashMap, HashSet};
use std::fmt::Write as _;

/// What the constants are written in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Language {
    /// A header.
    C,
    /// A module.
    Rust,
}

/// One constant for each line with a bound; those without are comments.
pub fn constants(report: &Report, language: Language) -> String {
    let mut text =
        String::from("// Stack bounds in bytes, return address included. Made by vthread-bounds.\n");
    if language == Language::C {
        text.push_str("#pragma once\n#include <stddef.h>\n");
    }
    let mut names = Names::default();
    for line in &report.lines {
        let name = names.give(&line.name);
        let shown = line.name.replace(['\n', '\r'], " ");
        let _ = match (&line.certainty, language) {
            (Certainty::Unknown(why), _) => {
                writeln!(text, "// {name}: unknown: {}", why.replace(['\n', '\r'], " "))
            }
            (_, Language::C) => writeln!(
                text,
                "/* {} */\nstatic const size_t {name} = {};",
                shown.replace("*/", "* /"),
                line.bytes
            ),
            (_, Language::Rust) => writeln!(text, "/// `{shown}`\npub const {name}: usize = {};", line.bytes),
        };
    }
    text
}

/// Identifiers that were given away.
#[derive(Default)]
struct Names {
    /// How many functions wanted each.
    wanted: HashMap<String, u32>,
    given: HashSet<String>,
}

impl Names {
    /// One for this function: with a number, if another one has it.
    fn give(&mut self, function: &str) -> String {
        let plain = identifier(function);
        let count = self.wanted.entry(plain.clone()).or_insert(0);
        loop {
            *count += 1;
            let name = if *count == 1 { plain.clone() } else { format!("{plain}_{count}") };
            // A function may be called like what another one gets with its number.
            if self.given.insert(name.clone()) {
                return name;
            }
        }
    }
}

/// `search::Tree::<T>::walk` becomes `STACK_SEARCH_TREE_T_WALK`.
fn identifier(name: &str) -> String {
    let mut found = String::from("STACK");
    let mut gap = true;
    for c in name.chars() {
        if c.is_ascii_alphanumeric() {
            if std::mem::replace(&mut gap, false) {
                found.push('_');
            }
            found.push(c.to_ascii_uppercase());
        } else {
            gap = true;
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::Names;

    #[test]
    fn no_identifier_is_given_twice() {
        let mut names = Names::default();
        let given = ["a::f", "a::f", "a::f_2", "a_f", "a::f"].map(|function| names.give(function));
        assert_eq!(given, ["STACK_A_F", "STACK_A_F_2", "STACK_A_F_2_2", "STACK_A_F_3", "STACK_A_F_4"]);
    }
}
