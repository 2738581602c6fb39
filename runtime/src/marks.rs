//! The marks that `#[vthread]` emits, each one instruction with a record about it.

/// `table[2 * index + (flag & 1)]`, marked: on a chunk it is `concurrent`, and the function that it stands in is a
/// member of `marker`.
///
/// `table` is a `&[*const (); N]` or a pointer to its first element, `index` a number below `N / 2`.
#[cfg(vthread_native)]
#[doc(hidden)]
#[macro_export]
macro_rules! __select {
    ($marker:expr, $table:expr, $index:expr, $flag:expr, $($concurrent:tt)+) => {{
        let entry: *const ();
        // SAFETY: the macro that writes this numbers the methods of the table, so `2 * index + 1` is inside it.
        unsafe {
            ::core::arch::asm!(
                "771: mov {entry}, qword ptr [{table} + 8*{index}]",
                $crate::__private::abi::record!(2, "771b", "{concurrent}", "0", "0", $marker),
                entry = lateout(reg) entry,
                table = in(reg) $table,
                index = in(reg) 2 * $index + ($flag as usize & 1),
                concurrent = sym $($concurrent)+,
                options(pure, readonly, nostack, preserves_flags),
            );
        }
        entry
    }};
}

/// Passes a reference to a `dyn` value through, marked: the call that is made with it enters a member of `marker`.
#[cfg(vthread_native)]
#[doc(hidden)]
#[macro_export]
macro_rules! __tag {
    ($marker:expr, $object:expr) => {{
        // SAFETY: both words come back as they went in, so nothing is assumed about which is which.
        unsafe {
            let [mut one, mut other]: [*const (); 2] = ::core::mem::transmute($object);
            ::core::arch::asm!(
                "771: mov {one}, {one}",
                $crate::__private::abi::record!(3, "771b", "0", "0", "0", $marker),
                "773: mov {other}, {other}",
                $crate::__private::abi::record!(3, "773b", "0", "0", "0", $marker),
                one = inout(reg) one,
                other = inout(reg) other,
                options(pure, readonly, nostack, preserves_flags),
            );
            ::core::mem::transmute([one, other])
        }
    }};
}

/// Stands first in an arm that runs only while the stack pointer is not on a chunk: the link step follows no call in it.
///
/// In debug builds it checks that.
#[cfg(vthread_native)]
#[doc(hidden)]
#[macro_export]
macro_rules! __plain_only {
    () => {{
        // SAFETY: a nop.
        unsafe {
            ::core::arch::asm!(
                "771: nop",
                $crate::__private::abi::record!(4, "771b", "0", "0", "0", ""),
                options(nostack, preserves_flags),
            );
        }
        // Behind the mark, so that no bound is asked of the check.
        ::core::debug_assert!($crate::__private::current() & 1 == 0, "a plain arm runs on a chunk");
    }};
}

/// Without virtual threads of their own: always the plain entry.
#[cfg(not(vthread_native))]
#[doc(hidden)]
#[macro_export]
macro_rules! __select {
    ($marker:expr, $table:expr, $index:expr, $flag:expr, $($concurrent:tt)+) => {{
        let _: (&str, i64) = ($marker, $flag);
        let _ = $($concurrent)+ as *const ();
        let entry: *const () = $table[2 * $index];
        entry
    }};
}

/// Without virtual threads of their own: the reference.
#[cfg(not(vthread_native))]
#[doc(hidden)]
#[macro_export]
macro_rules! __tag {
    ($marker:expr, $object:expr) => {{
        let _: &str = $marker;
        $object
    }};
}

/// Without virtual threads of their own: nothing.
#[cfg(not(vthread_native))]
#[doc(hidden)]
#[macro_export]
macro_rules! __plain_only {
    () => {{}};
}
