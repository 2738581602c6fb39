//! Tests that cross crates live in `tests/` of this package. Those of the search alone are in `workload/tests`.
