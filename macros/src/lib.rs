//! The attribute `#[vthread]`. Nothing is here yet.
