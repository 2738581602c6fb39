//! The link step. Nothing is here yet: the contract it will keep is the crate `vale-threads-abi`.
