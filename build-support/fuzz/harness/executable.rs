//! What is done with a damaged executable by the fuzz target `executable` and by the bounded, repeatable runs in `tests/damaged.rs`: nothing may panic, or take for ever.

use vale_threads_build::program::Loaded;
use vale_threads_build::{link, report};

/// Everything that is done with an executable: all reports, and the link step.
pub fn executable(data: &[u8]) {
    if let Ok(loaded) = Loaded::read(data) {
        let solved = loaded.every_function();
        let every = report::every_function(&loaded, &solved);
        let _ = report::table(&every);
        let _ = report::entries(&loaded);
        for function in loaded.functions.iter() {
            let _ = loaded.functions.rows(function);
        }
    }
    let _ = link::process(std::path::Path::new("damaged"), data);
}
