//! Seeded directory trees, with the answers that the search must give. Nothing is here yet.
