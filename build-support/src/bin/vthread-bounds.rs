//! x
use std::collections::BTreeMap;
use vale_threads_build::*;
fn main() {
    let a: Vec<String> = std::env::args().collect();
    let data = std::fs::read(&a[1]).unwrap();
    let t = std::time::Instant::now();
    let l = match program::Loaded::read(&data) {
        Ok(l) => l,
        Err(e) => {
            eprintln!("{e}");
            std::process::exit(2)
        }
    };
    eprintln!("load {:?} {} functions {:?}", t.elapsed(), l.functions.len(), l.functions.damage);
    if a.get(2).map(String::as_str) == Some("--fn") {
        for f in l.functions.iter() {
            let n = functions::display_name(&l.image, f.start);
            if n.contains(&a[3]) {
                let fr = frames::analyse(l.program(), f, frames::Place::Anywhere);
                println!(
                    "{n} {:#x}..{:#x} frame {} rz {} pad {} {:?} {:?}",
                    f.start, f.end, fr.frame, fr.red_zone, fr.padding, fr.incoming, fr.problems
                );
                for s in &fr.sites {
                    println!(
                        "   {:#x} depth {} tail {} {:?} {:?} {:?}",
                        s.at, s.depth, s.tail, s.form, s.callee, s.arguments
                    );
                }
            }
        }
        return;
    }
    let mut hist: BTreeMap<String, (usize, Vec<String>)> = BTreeMap::new();
    let mut frames_n = 0;
    let mut rowbad = 0;
    let mut rowok = 0;
    let mut badf = 0;
    let mut sites = 0;
    let mut unk = 0;
    let t = std::time::Instant::now();
    for f in l.functions.iter() {
        let fr = frames::analyse_points(l.program(), f, frames::Place::Anywhere);
        frames_n += 1;
        for p in &fr.problems {
            let k = format!("{p:?}");
            let k = k.split('(').next().unwrap().split('{').next().unwrap().to_string();
            let e = hist.entry(k).or_default();
            e.0 += 1;
            if e.1.len() < 6 {
                e.1.push(format!("{}@{:#x} {p}", functions::display_name(&l.image, f.start), f.start));
            }
        }
        sites += fr.sites.len();
        unk += fr.sites.iter().filter(|s| matches!(s.callee, frames::Callee::Unknown(_))).count();
        let rows = l.functions.rows(f);
        let mut bad = 0;
        for (at, lo) in &fr.points {
            if let Some(r) = rows.iter().find(|r| r.range.contains(at))
                && let Some(o) = r.rsp_offset
            {
                if 8 - o == *lo {
                    rowok += 1
                } else {
                    bad += 1;
                    if std::env::var_os("ROWS").is_some() {
                        println!("row {:#x} ours {lo} table {}", at, 8 - o)
                    }
                }
            }
        }
        if bad > 0 {
            badf += 1;
            if badf < 8 {
                println!(
                    "rows differ in {} {:#x}: {bad}",
                    functions::display_name(&l.image, f.start),
                    f.start
                )
            }
        }
        rowbad += bad;
    }
    println!(
        "{frames_n} functions in {:?}; rows ok {rowok} bad {rowbad} in {badf}; sites {sites} unknown {unk}",
        t.elapsed()
    );
    for (k, (n, e)) in hist {
        println!("{n:6} {k}");
        for e in e {
            println!("          {e}")
        }
    }
    let t = std::time::Instant::now();
    let s = l.every_function();
    let known = s.needs.iter().filter(|n| n.bound().is_some()).count();
    println!("bounds for {known} of {} nodes in {:?}", s.needs.len(), t.elapsed());
}
