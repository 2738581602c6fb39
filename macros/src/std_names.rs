//! Method names of std. A call of one of them on an unknown receiver is likely to be std's, so it stays as it is; a user's
//! method of such a name is then reached through its ordinary name.

/// Whether types of std have a method of this name.
pub(crate) fn is_method(name: &str) -> bool {
    METHODS.binary_search(&name).is_ok()
}

#[rustfmt::skip]
const METHODS: &[&str] = &[
    "abs", "abs_diff", "accept", "access", "acos", "add", "advance", "align_to", "all", "and", "and_then",
    "any", "append", "arg", "args", "array_chunks", "array_windows", "as_bytes", "as_chunks", "as_deref",
    "as_deref_mut", "as_mut", "as_mut_ptr", "as_mut_slice", "as_os_str", "as_path", "as_ptr", "as_ref",
    "as_secs", "as_secs_f64", "as_slice", "as_str", "asin", "assume_init", "atan", "atan2", "back",
    "back_mut", "binary_search", "binary_search_by", "binary_search_by_key", "bit_and", "bitand", "bitor",
    "bitxor", "borrow", "borrow_mut", "by_ref", "bytes", "call", "call_mut", "call_once", "canonicalize",
    "capacity", "cbrt", "ceil", "chain", "char_indices", "chars", "checked_add", "checked_div",
    "checked_mul", "checked_neg", "checked_pow", "checked_rem", "checked_shl", "checked_shr", "checked_sub",
    "chunk_by", "chunks", "chunks_exact", "chunks_mut", "clamp", "clear", "clone", "clone_from", "cloned",
    "cmp", "cmp_by", "collect", "compare_exchange", "compare_exchange_weak", "components", "concat",
    "connect", "contains", "contains_key", "copied", "copy_from_slice", "copy_within", "copysign", "cos",
    "cosh", "count", "count_ones", "count_zeros", "create", "current_dir", "cycle", "debug_list",
    "debug_map", "debug_set", "debug_struct", "debug_tuple", "dedup", "dedup_by", "dedup_by_key", "default",
    "deref", "deref_mut", "description", "difference", "display", "div", "div_ceil", "div_euclid",
    "div_rem", "downcast", "downcast_mut", "downcast_ref", "downgrade", "drain", "drop", "duration_since",
    "elapsed", "end", "ends_with", "entries", "entry", "enumerate", "env", "eq", "eq_ignore_ascii_case",
    "err", "escape_debug", "escape_default", "exists", "exp", "exp2", "expect", "expect_err", "extend",
    "extend_from_slice", "extend_from_within", "extension", "fetch_add", "fetch_and", "fetch_max",
    "fetch_min", "fetch_or", "fetch_sub", "fetch_update", "fetch_xor", "field", "file_name", "file_stem",
    "file_type", "fill", "fill_buf", "fill_with", "filter", "filter_map", "find", "find_map", "finish",
    "first", "first_chunk", "first_key_value", "first_mut", "flat_map", "flatten", "floor", "flush", "fmt",
    "fold", "for_each", "fract", "from", "from_iter", "from_str", "front", "front_mut", "fuse", "ge", "get",
    "get_key_value", "get_many_mut", "get_mut", "get_or_init", "get_or_insert", "get_or_insert_with",
    "get_unchecked", "get_unchecked_mut", "gt", "hash", "hypot", "id", "ilog10", "ilog2", "increment",
    "index", "index_mut", "init", "insert", "insert_str", "inspect", "inspect_err", "intersection",
    "intersperse", "into", "into_boxed_slice", "into_boxed_str", "into_bytes", "into_inner", "into_iter",
    "into_keys", "into_sorted_vec", "into_string", "into_values", "is_absolute", "is_alphabetic",
    "is_alphanumeric", "is_ascii", "is_ascii_alphabetic", "is_ascii_alphanumeric", "is_ascii_digit",
    "is_ascii_hexdigit", "is_ascii_lowercase", "is_ascii_punctuation", "is_ascii_uppercase",
    "is_ascii_whitespace", "is_char_boundary", "is_control", "is_digit", "is_dir", "is_disjoint",
    "is_empty", "is_err", "is_err_and", "is_file", "is_finite", "is_infinite", "is_lowercase",
    "is_multiple_of", "is_nan", "is_negative", "is_none", "is_none_or", "is_null", "is_numeric", "is_ok",
    "is_ok_and", "is_positive", "is_power_of_two", "is_relative", "is_some", "is_some_and", "is_sorted",
    "is_subset", "is_superset", "is_symlink", "is_uppercase", "is_whitespace", "isqrt", "iter", "iter_mut",
    "join", "key", "keys", "kind", "last", "last_key_value", "last_mut", "last_os_error", "le",
    "leading_zeros", "leak", "len", "len_utf8", "lines", "ln", "load", "local_addr", "lock", "log", "log10",
    "log2", "lower_bound", "lt", "make_ascii_lowercase", "make_ascii_uppercase", "make_mut", "map",
    "map_err", "map_or", "map_or_else", "map_while", "match_indices", "matches", "max", "max_by",
    "max_by_key", "merge", "metadata", "min", "min_by", "min_by_key", "mul", "mul_add", "name", "ne", "neg",
    "new", "next", "next_back", "next_if", "next_if_eq", "next_line", "next_multiple_of",
    "next_power_of_two", "not", "notify_all", "notify_one", "nth", "nth_back", "ok", "ok_or", "ok_or_else",
    "open", "or", "or_default", "or_else", "or_insert", "or_insert_with", "or_insert_with_key", "output",
    "pad", "parent", "park", "parse", "partial_cmp", "partition", "partition_in_place", "partition_point",
    "path", "peek", "peek_mut", "peekable", "permissions", "poll", "pop", "pop_back", "pop_first",
    "pop_front", "pop_last", "position", "pow", "powf", "powi", "product", "push", "push_back",
    "push_front", "push_str", "range", "range_mut", "raw_os_error", "rchunks", "read", "read_exact",
    "read_line", "read_to_end", "read_to_string", "recip", "recv", "recv_timeout", "reduce", "rem",
    "rem_euclid", "remove", "remove_entry", "repeat", "replace", "replace_range", "replace_with",
    "replacen", "reserve", "reserve_exact", "resize", "resize_with", "retain", "retain_mut", "rev",
    "reverse", "rewind", "rfind", "rfold", "rmatches", "rotate_left", "rotate_right", "round", "rposition",
    "rsplit", "rsplit_once", "rsplitn", "saturating_add", "saturating_mul", "saturating_pow",
    "saturating_sub", "scan", "seek", "select_nth_unstable", "send", "set", "set_extension",
    "set_file_name", "set_len", "shl", "shr", "shrink_to", "shrink_to_fit", "shutdown", "signum", "sin",
    "sinh", "size_hint", "skip", "skip_while", "sleep", "sort", "sort_by", "sort_by_cached_key",
    "sort_by_key", "sort_unstable", "sort_unstable_by", "sort_unstable_by_key", "source", "spawn", "splice",
    "split", "split_ascii_whitespace", "split_at", "split_at_mut", "split_first", "split_inclusive",
    "split_last", "split_mut", "split_off", "split_once", "split_terminator", "split_whitespace", "splitn",
    "sqrt", "start", "starts_with", "status", "stem", "step_by", "store", "strip_prefix", "strip_suffix",
    "sub", "subsec_nanos", "sum", "swap", "swap_remove", "symmetric_difference", "take", "take_if",
    "take_while", "tan", "tanh", "then", "then_some", "then_with", "to_ascii_lowercase",
    "to_ascii_uppercase", "to_be_bytes", "to_bits", "to_digit", "to_le_bytes", "to_lowercase",
    "to_ne_bytes", "to_owned", "to_path_buf", "to_socket_addrs", "to_str", "to_string", "to_string_lossy",
    "to_uppercase", "to_vec", "total_cmp", "trailing_zeros", "transpose", "trim", "trim_end",
    "trim_end_matches", "trim_matches", "trim_start", "trim_start_matches", "truncate", "try_borrow",
    "try_borrow_mut", "try_fold", "try_for_each", "try_from", "try_into", "try_lock", "try_recv",
    "try_reserve", "try_send", "try_unwrap", "type_id", "union", "unpark", "unwrap", "unwrap_err",
    "unwrap_or", "unwrap_or_default", "unwrap_or_else", "unzip", "update", "upgrade", "value", "values",
    "values_mut", "wait", "wait_timeout", "wait_while", "wake", "wake_by_ref", "windows", "with",
    "with_borrow", "with_borrow_mut", "with_capacity", "with_extension", "with_file_name", "wrapping_add",
    "wrapping_mul", "wrapping_neg", "wrapping_sub", "write", "write_all", "write_char", "write_fmt",
    "write_str", "xor", "zip",
];

#[cfg(test)]
mod tests {
    #[test]
    fn names_are_sorted() {
        assert!(super::METHODS.is_sorted());
        assert!(super::is_method("map") && super::is_method("zip") && !super::is_method("eval"));
    }
}
