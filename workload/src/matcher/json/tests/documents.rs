//! Documents with everything in them that JSON allows, and documents that are nearly so.

use proptest::collection::vec;
use proptest::prelude::*;

/// Needles that are hard on a prefilter.
pub fn needle() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        Just("zork"),
        Just("z"),
        Just("zz"),
        Just("zorkzo"),
        Just("é"),
        Just("𝄞"),
        Just("o𝄞"),
        Just("/"),
        Just("a\nb"),
        Just("\""),
        Just("\\"),
        Just("\u{0}"),
        Just("\u{7F}"),
        Just(","),
        Just("\": \""),
        Just("\\u007aork"),
        Just("u"),
        Just("\u{FFFD}"),
        Just("\t"),
        Just("rk\u{8}"),
    ]
    .prop_map(|text| text.as_bytes().to_vec())
    .boxed()
    .prop_union(
        prop_oneof![Just(b"\xED\xA0\xB4".to_vec()), Just(b"\xFF".to_vec()), Just(b"\x9E".to_vec())].boxed(),
    )
}

/// Something that may stand in a string.
fn piece() -> impl Strategy<Value = String> {
    prop_oneof![
        8 => prop_oneof![Just("zork"), Just("z"), Just("zo"), Just("rk"), Just("o"), Just("zzz")].prop_map(str::to_owned),
        4 => prop_oneof![
            Just("\\u007aork"), Just("z\\u006Frk"), Just("\\\\u007aork"), Just("zor\\u006b"), Just("\\u007a\\u006f\\u0072\\u006B"),
            Just("\\/"), Just("/"), Just("\\n"), Just("a\\nb"), Just("\\\""), Just("\\\\"), Just("\\t"), Just("\\b"), Just("\\f"),
            Just("\\r"), Just("\\u0000"), Just("\\u007f"), Just("\\u002f"), Just("\\u0022"), Just("\\u005C"), Just("\\\\\\\\"),
        ].prop_map(str::to_owned),
        2 => prop_oneof![
            Just("é"), Just("\\u00e9"), Just("\\u00E9"), Just("𝄞"), Just("\\uD834\\uDD1E"), Just("\\ud834\\udd1e"),
            Just("\u{FFFD}"), Just("ß"), Just("中文"), Just("\\uFFFD"), Just("\u{7F}"), Just("\\uDBFF\\uDFFF"), Just("\\uD834"),
        ].prop_map(str::to_owned),
        2 => prop_oneof![Just(","), Just(":"), Just("{}"), Just("[\\\"]"), Just("\\\": \\\""), Just(" ")].prop_map(str::to_owned),
        1 => any::<u16>().prop_map(|unit| format!("\\u{unit:04x}")),
        1 => "[ -!#-\\[\\]-~]{0,9}".prop_map(|text| text),
        1 => (1usize..150).prop_map(|n| "x".repeat(n)),
        1 => (1usize..70).prop_map(|n| "\\\\".repeat(n)),
    ]
}

fn string() -> impl Strategy<Value = String> {
    vec(piece(), 0..6).prop_map(|pieces| format!("\"{}\"", pieces.concat()))
}

fn space() -> impl Strategy<Value = String> {
    prop_oneof![6 => Just(String::new()), 2 => Just(" ".to_owned()), 2 => "[ \t\r\n]{0,5}", 1 => " {60,70}"]
}

fn scalar() -> impl Strategy<Value = String> {
    prop_oneof![
        5 => string(),
        1 => prop_oneof![Just("true"), Just("false"), Just("null")].prop_map(str::to_owned),
        1 => "-?(0|[1-9][0-9]{0,20})([.][0-9]{1,20})?([eE][+-]?[0-9]{1,2})?",
    ]
}

/// A well-formed document.
pub fn document() -> impl Strategy<Value = String> {
    let value = scalar().prop_recursive(4, 40, 6, |value| {
        let element = (space(), value.clone(), space())
            .prop_map(|(before, value, after)| before + &value + &after)
            .boxed();
        let key = prop_oneof![Just("\"k\"".to_owned()), Just("\"a~/b\"".to_owned()), string()];
        let member = (space(), key, space(), element.clone())
            .prop_map(|(before, key, after, value)| format!("{before}{key}{after}:{value}"));
        prop_oneof![
            (vec(element, 0..6), space()).prop_map(|(all, space)| if all.is_empty() {
                format!("[{space}]")
            } else {
                format!("[{}]", all.join(","))
            }),
            (vec(member, 0..6), space()).prop_map(|(all, space)| if all.is_empty() {
                format!("{{{space}}}")
            } else {
                format!("{{{}}}", all.join(","))
            }),
        ]
    });
    (space(), value, space()).prop_map(|(before, value, after)| before + &value + &after)
}

/// A document with some bytes changed, most likely not well-formed any more.
pub fn nearly() -> impl Strategy<Value = Vec<u8>> {
    let byte = prop_oneof![
        3 => proptest::sample::select(b"{}[]:,\"\\/ \n\r\ttfnu019-+.eEzork\x0C\x1A\x00\x1F\x7F".to_vec()),
        1 => any::<u8>(),
        1 => proptest::sample::select(b"\xC2\xC0\xE0\xED\xEF\xBB\xBF\xF0\xF4\x80\x90\xA0\x9F".to_vec()),
    ];
    // Anywhere, or near the end, where the fast way hands over.
    let place = (any::<proptest::sample::Index>(), proptest::option::of(0..8usize));
    let fragment = proptest::sample::select(vec![
        "\\u", "\\u1", "\\uD83", "\\uD834", "\\", "\"\"", "tru", "falsy", "1e", "-", "\u{FEFF}", "1.",
        "\"\",", "{}",
    ]);
    let change = (place, 0..8u8, byte, fragment);
    (document(), vec(change, 0..3)).prop_map(|(document, changes)| {
        let mut bytes = document.into_bytes();
        for ((anywhere, from_end), how, byte, fragment) in changes {
            let at = from_end.map_or(anywhere.index(bytes.len() + 1), |n| bytes.len().saturating_sub(n));
            match how {
                0 => bytes.insert(at, byte),
                1 if at < bytes.len() => bytes[at] = byte,
                2 if at < bytes.len() => drop(bytes.remove(at)),
                3 => bytes.truncate(at),
                4 => drop(bytes.splice(at..at, [byte, byte])),
                _ => drop(bytes.splice(at..at, fragment.bytes())),
            }
        }
        bytes
    })
}
