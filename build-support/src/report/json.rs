//! For other programs.

use super::{Certainty, Line, Report, Written};
use serde_json::{Value, json};

/// The report as one JSON object.
pub fn json(report: &Report) -> String {
    let value = json!({
        "functions": report.lines.iter().map(line).collect::<Vec<_>>(),
        "hopped": report.hopped.iter().map(|(name, why)| json!({ "name": name, "why": why })).collect::<Vec<_>>(),
        "hopped_imports": report.imports,
        "blocking_imports": report.blocking,
        "parks_off_the_chunks": report.parks,
        "histogram": super::buckets(report).into_iter().map(|(from, below, count)| json!({ "from": from, "below": below, "count": count }))
            .collect::<Vec<_>>(),
        "notes": report.notes,
    });
    format!("{value:#}\n")
}

fn line(line: &Line) -> Value {
    let (certainty, why) = match &line.certainty {
        Certainty::Exact => ("exact", Value::Null),
        Certainty::AtMost => ("at most", Value::Null),
        Certainty::Unknown(why) => ("unknown", json!(why)),
    };
    let chunk = match line.written {
        Some(Written::Size(size)) => json!(size),
        Some(Written::Unproved) => json!("guarded"),
        Some(Written::Unpatched) => json!("unwritten"),
        None => Value::Null,
    };
    let chain = line.chain.iter().map(|l| {
        json!({
            "name": l.name, "address": l.address, "bytes": l.bytes, "call": l.call, "source": l.source,
        })
    });
    let switches = line.switches.iter().map(|(name, at)| json!({ "function": name, "at": at }));
    json!({
        "name": line.name,
        "address": line.address,
        "bytes": line.bytes,
        "certainty": certainty,
        "why": why,
        "chunk": chunk,
        "chain": chain.collect::<Vec<_>>(),
        "blocking_imports": line.blocking,
        "switches": switches.collect::<Vec<_>>(),
    })
}
