//! The bounds as a source file of constants.

use super::{Certainty, Report};
use std::collections::HashMap;
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
    let mut seen: HashMap<String, u32> = HashMap::new();
    for line in &report.lines {
        let mut name = identifier(&line.name);
        let count = seen.entry(name.clone()).or_insert(0);
        *count += 1;
        if *count > 1 {
            let _ = write!(name, "_{count}");
        }
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
