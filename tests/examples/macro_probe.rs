//! One kernel of `macros/benches/kernels`, in one form, for so many rounds: `macro_probe KERNEL FORM ROUNDS`. Form 0 is without
//! `#[vthread]`, 1 with it, 2 with it in a vthread. `tests/macro_cost.rs` counts the instructions.
//!
//! `macro_probe places`: where closures run that recursive functions make ([`places`]). `macro_probe aside`: whether methods that make one call by
//! way of a stub answer as they should ([`aside`]). `macro_probe room`: the same of methods that are called where there is room for them ([`room`]). `macro_probe pointers`: of calls by pointers
//! ([`pointers`]).
//!
//! Without arguments it shows what virtual calls cost in time, each form beside the others in every turn.

#[path = "../../macros/benches/kernels/mod.rs"]
mod kernels;

#[path = "../tests/aside/mod.rs"]
#[allow(dead_code, reason = "which methods they are is for the test")]
mod aside;

#[path = "../tests/places/mod.rs"]
mod places;

#[path = "../tests/pointers/mod.rs"]
mod pointers;

#[path = "../tests/room/mod.rs"]
#[allow(dead_code, reason = "which methods they are is for the test")]
mod room;

use kernels::{KERNELS, Limit};
use std::hint::black_box;
use std::time::Instant;

fn main() {
    match std::env::args().nth(1).as_deref() {
        Some("places") => return println!("{:?}", places::on_chunks()),
        Some("pointers") => return println!("{:?}", pointers::answers()),
        Some("room") => return println!("{:?}", room::answers()),
        Some("aside") => return println!("{:?}", aside::answers()),
        _ => {}
    }
    let numbers: Vec<u64> = std::env::args().skip(1).filter_map(|a| a.parse().ok()).collect();
    if let [kernel, form, rounds] = numbers[..] {
        println!("{}", black_box(KERNELS[kernel as usize].forms[form as usize](rounds)));
        return;
    }
    println!(
        "{:<26} {:>12} {:>10} {:>12}  of the time without #[vthread]",
        "", "ns without", "plain", "on a chunk"
    );
    for k in KERNELS.iter().filter(|k| matches!(k.limit, Limit::VirtualCall(_))) {
        let mut best = [f64::INFINITY; 3];
        for _ in 0..50 {
            for (form, best) in k.forms.iter().zip(&mut best) {
                let start = Instant::now();
                black_box(form(10 * k.rounds));
                *best = best.min(start.elapsed().as_secs_f64());
            }
        }
        let once = best[0] / (10 * k.rounds) as f64 * 1e9;
        println!("{:<26} {once:>12.2} {:>10.2} {:>12.2}", k.name, best[1] / best[0], best[2] / best[0]);
    }
}
