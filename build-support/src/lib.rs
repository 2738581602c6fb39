//! The link step.
pub mod bounds;
pub mod elf;
pub mod error;
pub mod explain;
pub mod frames;
pub mod functions;
pub mod graph;
pub mod groups;
pub mod lsda;
pub mod pools;
pub mod program;
pub mod records;
pub mod rules;
pub mod link;
pub use link::{LinkStep, link_step};
