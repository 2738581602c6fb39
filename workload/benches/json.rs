//! The JSON matcher against what else could do its job: is the needle in a string value, and is this JSON at all?
//!
//! All peers read the same bytes from memory in one run, and each answer is asserted before it is timed. Compare
//! throughputs as ratios within one run only.
//!
//! Bias: the documents are made here, so that they need no files; they are of one kind each, where real ones are mixed.
//! The peers build or hand out values that the job does not need; that is what the matcher saves. `simd-json` reads in
//! place, so its time includes a copy of the document. The matcher sees windows of 64 KiB, as the search program shows
//! them; the peers see each document whole, which helps them. Each document holds the needle once, in its last string.

#![allow(missing_docs, reason = "`criterion_group!` makes a public function")]

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use memchr::memmem;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use std::fmt::{self, Write as _};
use std::hint::black_box;
use std::ops::ControlFlow::Continue;
use zork::matcher::json::Backend;
use zork::matcher::{Detail, JsonMatcher, Matcher, Needle, Progress};

const NEEDLE: &str = "zork";
const WINDOW: usize = 64 << 10;

/// Xorshift (Marsaglia, 2003).
struct Random(u64);

impl Random {
    fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % end
    }

    fn word(&mut self) -> &'static str {
        const WORDS: [&str; 12] =
            ["lorem", "ipsum", "dolor", "sit", "amet", "user", "https:", "time", "a", "profile", "von", "is"];
        WORDS[self.below(12) as usize]
    }
}

/// Coordinates: almost nothing but numbers.
fn numbers(random: &mut Random, size: usize) -> String {
    let mut text = "{\"coordinates\":[".to_owned();
    while text.len() < size {
        let (x, y) = (random.below(180), random.below(90));
        let _ = write!(text, "[-{x}.{:015},{y}.{:014}],", random.below(1 << 49), random.below(1 << 46));
    }
    text + "[]],\"name\":\"zork\"}"
}

/// Messages: strings of some length, some escapes, some letters that are not ASCII.
fn strings(random: &mut Random, size: usize) -> String {
    let mut text = "[".to_owned();
    while text.len() < size {
        let _ = write!(text, "{{\"id\": {}, \"text\": \"", random.below(1 << 40));
        for _ in 0..random.below(30) {
            text.push_str(random.word());
            text.push_str(match random.below(20) {
                0 => "\\n",
                1 => "ü",
                2 => "\\u00e9",
                _ => " ",
            });
        }
        let _ = writeln!(text, "\", \"lang\": \"{}\"}},", random.word());
    }
    text + "\"zork\"]"
}

/// Records with short keys and values: a token every few bytes.
fn structure(random: &mut Random, size: usize) -> String {
    let mut text = "[".to_owned();
    while text.len() < size {
        let (a, b) = (random.below(100), random.below(2) == 0);
        let _ = write!(text, "{{\"a\":{a},\"b\":[{b},null,[]],\"c\":{{\"{}\":\"\"}}}},", random.word());
    }
    text + "\"zork\"]"
}

/// Records as people read them.
fn pretty(random: &mut Random, size: usize) -> String {
    let mut text = "[\n".to_owned();
    while text.len() < size {
        let (name, id) = (random.word(), random.below(100_000));
        let _ = write!(
            text,
            "    {{\n        \"name\": \"{name}\",\n        \"id\": {id},\n        \"tags\": [\n            \"{}\",\n            \
             \"{}\"\n        ],\n        \"active\": true\n    }},\n",
            random.word(),
            random.word()
        );
    }
    text + "    \"zork\"\n]\n"
}

/// The matcher, as the search program uses it.
fn matcher(matcher: &mut JsonMatcher, document: &[u8]) -> usize {
    matcher.start();
    let mut found = 0;
    let mut windows = document.chunks(WINDOW).peekable();
    while let Some(window) = windows.next() {
        let mut on = |_: zork::matcher::Found<'_>| {
            found += 1;
            Continue(())
        };
        let progress = matcher.scan(window, windows.peek().is_none(), &mut on).expect("well-formed");
        assert_eq!(progress, Progress::Consumed(window.len()));
    }
    found
}

/// Counts the strings that hold the needle.
struct Strings<'a>(&'a memmem::Finder<'static>, &'a mut usize);

impl<'de> DeserializeSeed<'de> for Strings<'_> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strings<'_> {
    type Value = ();
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }
    fn visit_str<E>(self, text: &str) -> Result<(), E> {
        *self.1 += usize::from(self.0.find(text.as_bytes()).is_some());
        Ok(())
    }
    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }
    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }
    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }
    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }
    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<(), A::Error> {
        while elements.next_element_seed(Strings(self.0, self.1))?.is_some() {}
        Ok(())
    }
    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        while members.next_key::<IgnoredAny>()?.is_some() {
            members.next_value_seed(Strings(self.0, self.1))?;
        }
        Ok(())
    }
}

fn serde_visitor(finder: &memmem::Finder<'static>, document: &[u8]) -> usize {
    let mut found = 0;
    let mut reader = serde_json::Deserializer::from_slice(document);
    Strings(finder, &mut found).deserialize(&mut reader).expect("well-formed");
    reader.end().expect("well-formed");
    found
}

fn serde_value(finder: &memmem::Finder<'static>, document: &[u8]) -> usize {
    fn count(finder: &memmem::Finder<'static>, value: &serde_json::Value) -> usize {
        match value {
            serde_json::Value::String(text) => usize::from(finder.find(text.as_bytes()).is_some()),
            serde_json::Value::Array(elements) => elements.iter().map(|value| count(finder, value)).sum(),
            serde_json::Value::Object(members) => members.values().map(|value| count(finder, value)).sum(),
            _ => 0,
        }
    }
    count(finder, &serde_json::from_slice(document).expect("well-formed"))
}

/// Goes through the tape flat: keys are searched, too, which no document here has the needle in.
fn simd_tape(
    finder: &memmem::Finder<'static>,
    buffers: &mut simd_json::Buffers,
    copy: &mut Vec<u8>,
    document: &[u8],
) -> usize {
    copy.clear();
    copy.extend_from_slice(document);
    let tape = simd_json::to_tape_with_buffers(copy, buffers).expect("well-formed");
    let holds = |node: &&simd_json::Node<'_>| match node {
        simd_json::Node::String(text) => finder.find(text.as_bytes()).is_some(),
        _ => false,
    };
    tape.0.iter().filter(holds).count()
}

fn peers(c: &mut Criterion) {
    let needle = Needle::new(NEEDLE.as_bytes()).expect("not empty");
    let finder = needle.finder();
    let large = 4 << 20;
    let mut random = Random(0x2545_F491_4F6C_DD1D);
    let small = |make: fn(&mut Random, usize) -> String, random: &mut Random| -> Vec<String> {
        (0..400).map(|i| make(random, 600 + i * 8)).collect()
    };
    let groups = [
        ("numbers", vec![numbers(&mut random, large)]),
        ("strings", vec![strings(&mut random, large)]),
        ("structure", vec![structure(&mut random, large)]),
        ("pretty", vec![pretty(&mut random, large)]),
        ("small strings", small(strings, &mut random)),
        ("small pretty", small(pretty, &mut random)),
    ];
    for (name, documents) in &groups {
        let mut group = c.benchmark_group(format!("json {name}"));
        group.throughput(Throughput::Bytes(documents.iter().map(|document| document.len() as u64).sum()));
        group.sample_size(20);
        let mut bench = |peer: &str, search: &mut dyn FnMut(&[u8]) -> usize| {
            for document in documents {
                assert_eq!(search(document.as_bytes()), 1, "{peer}");
            }
            group.bench_function(peer, |bencher| {
                bencher.iter(|| {
                    documents.iter().map(|document| search(black_box(document.as_bytes()))).sum::<usize>()
                });
            });
        };
        for backend in Backend::all() {
            let mut first = JsonMatcher::with_backend(&needle, Detail::First, backend);
            bench(&format!("first {backend:?}"), &mut |document| matcher(&mut first, document));
        }
        let mut locations = JsonMatcher::new(&needle, Detail::Locations);
        bench("locations", &mut |document| matcher(&mut locations, document));
        let (mut buffers, mut copy) = (simd_json::Buffers::default(), vec![]);
        bench("simd-json tape", &mut |document| simd_tape(finder, &mut buffers, &mut copy, document));
        bench("serde_json visitor", &mut |document| serde_visitor(finder, document));
        bench("serde_json Value", &mut |document| serde_value(finder, document));
        group.finish();
    }
}

criterion_group!(benches, peers);
criterion_main!(benches);
