//! The marks that `#[vthread]` emits, each one instruction with a record about it.

/// The context word where it is known when the program is compiled: it costs no register and no test.
#[derive(Clone, Copy, Debug)]
pub struct Known<const CONCURRENT: bool>;

/// `table[2 * index + (flag & 1)]`, marked: on a chunk it is `concurrent`, and the function that it stands in is a
/// member of `marker`.
///
/// `table` is a `&[*const (); N]`, `index` a number below `N / 2`.
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
                // The address of the pair is a constant.
                table = in(reg) $table.as_ptr().wrapping_add(2 * ($index)),
                index = in(reg) $flag & 1,
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
        // SAFETY: both words come back as they went in.
        unsafe {
            let mut words: [*const (); 2] = ::core::mem::transmute($object);
            #[allow(clippy::pointers_in_nomem_asm_block, reason = "nothing reads what it points to")]
            {
                ::core::arch::asm!(
                    "771: mov {word}, {word}",
                    $crate::__private::abi::record!(3, "771b", "0", "0", "0", $marker),
                    word = inout(reg) words[$crate::__private::VTABLE],
                    options(pure, nomem, nostack, preserves_flags),
                );
            }
            ::core::mem::transmute(words)
        }
    }};
}

/// Which word of a reference to a `dyn` value leads to its functions.
#[cfg(vthread_native)]
pub const VTABLE: usize = {
    trait Any {}
    impl Any for () {}
    let object: *const dyn Any = core::ptr::null::<()>();
    // SAFETY: a pointer to a `dyn` value is two pointers, one of them to the value.
    let words: [*const (); 2] = unsafe { core::mem::transmute(object) };
    if words[0].is_null() { 1 } else { 0 }
};

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

/// Stands first in a method that calls vthread code, of a trait that is not annotated: who calls it knows nothing of chunks. The link step takes a circle of calls with this in
/// it for one that goes by way of such code, as nothing of that may be left.
#[cfg(vthread_native)]
#[doc(hidden)]
#[macro_export]
macro_rules! __by_others {
    () => {
        // SAFETY: no instruction.
        unsafe {
            ::core::arch::asm!(
                "771:",
                $crate::__private::abi::record!(13, "771b", "0", "0", "0", ""),
                options(nomem, nostack, preserves_flags),
            );
        }
    };
}

/// `plain` where the caller is not on a chunk, else `chunk`. The jumps are the marks: no path on a chunk takes them, so the link step
/// follows no call in `plain`. That stands where the jumps go, with no answer in between that could be tested later, so it is so without
/// optimisation, too.
#[cfg(vthread_native)]
#[doc(hidden)]
#[macro_export]
macro_rules! __by_stack {
    // Where `plain` may be done on a chunk, too, if what it calls is small (`flags::IN_PLACE`).
    (in place $plain:expr, $chunk:expr) => {
        $crate::__by_stack!(@ "1", $plain, $chunk)
    };
    ($plain:expr, $chunk:expr) => {
        $crate::__by_stack!(@ "0", $plain, $chunk)
    };
    (@ $flags:literal, $plain:expr, $chunk:expr) => {
        'by_stack: {
            // SAFETY: compares as `on_chunk_now` does, and jumps to `plain` with the stack as it is.
            unsafe {
                ::core::arch::asm!(
                    "cmp rsp, qword ptr [rip + {region} + 16]",
                    "771: jae {off}",
                    $crate::__private::abi::record!(11, "771b", "0", "0", $flags, ""),
                    "cmp rsp, qword ptr [rip + {region}]",
                    "773: jb {off}",
                    $crate::__private::abi::record!(11, "773b", "0", "0", "0", ""),
                    region = sym $crate::__private::REGION,
                    off = label { break 'by_stack $plain },
                    options(readonly, nostack),
                );
            }
            $chunk
        }
    };
}

/// [`current`](crate::__private::current) without a call, beside which the compiler would keep code for the case that it unwinds: without optimisation no path
/// leads there, and the function would have no bound.
#[cfg(vthread_native)]
#[doc(hidden)]
#[macro_export]
macro_rules! __current {
    () => {
        'current: {
            // SAFETY: as in `on_chunk_now`.
            unsafe {
                ::core::arch::asm!(
                    "cmp rsp, qword ptr [rip + {region} + 16]",
                    "jae {off}",
                    "cmp rsp, qword ptr [rip + {region}]",
                    "jb {off}",
                    region = sym $crate::__private::REGION,
                    off = label { break 'current 0_i64 },
                    options(readonly, nostack),
                );
            }
            1_i64
        }
    };
}

/// [`current_here`](crate::__private::current_here), likewise.
#[cfg(vthread_native)]
#[doc(hidden)]
#[macro_export]
macro_rules! __current_here {
    () => {{
        let word: i64;
        // SAFETY: `pure` and `nomem`, because within one activation the answer is always the same: its frame stays where it is (a switch
        // comes back to the stack that it left), and both words were written before there was a chunk, so what an earlier look
        // would have said of this frame is true now.
        unsafe {
            ::core::arch::asm!(
                // Before the comparisons, whose flags it would change.
                "xor {word:e}, {word:e}",
                "cmp rsp, qword ptr [rip + {region} + 16]",
                "jae 2f",
                "cmp rsp, qword ptr [rip + {region}]",
                "setae {word:l}",
                "2:",
                word = out(reg) word,
                region = sym $crate::__private::REGION,
                options(pure, nomem, nostack),
            );
        }
        word
    }};
}

/// Around the last argument of a call by a pointer, or just before one: bytes that the link step may overwrite. Such a call takes two, and a call of what
/// goes over to the hop stack takes five; without them it would depend on what stands before the call whether there is a bound.
#[cfg(vthread_native)]
#[doc(hidden)]
#[macro_export]
macro_rules! __before_call {
    ($argument:expr) => {
        match $argument {
            argument => {
                $crate::__private::before_call!();
                argument
            }
        }
    };
    () => {
        // SAFETY: one instruction that does nothing, of three bytes. Not `nomem`: so no store stays behind it, which might be one of an argument.
        unsafe {
            ::core::arch::asm!("nop dword ptr [rax]", options(nostack, preserves_flags));
        }
    };
}

/// A call by a pointer, of which the compiler makes no jump, because something follows. What has been popped before a jump could not be found again.
#[cfg(vthread_native)]
#[doc(hidden)]
#[macro_export]
macro_rules! __after_call {
    ($call:expr) => {
        match $call {
            result => {
                // SAFETY: no instruction at all.
                unsafe {
                    ::core::arch::asm!("", options(nomem, nostack, preserves_flags));
                }
                result
            }
        }
    };
}

/// Calls `entry` with `arguments` on a fresh chunk: the address of the function, which `#[vthread]` writes, and its size come from one
/// piece of assembly. `exact`: the link step refuses it without a bound.
#[cfg(vthread_native)]
#[doc(hidden)]
#[macro_export]
macro_rules! __enter_on_chunk {
    ($exact:literal, $arguments:expr, $($entry:tt)+) => {{
        let (size, entry) = $crate::__private::sized_entry!(
            ($($entry)+),
            0,
            if $exact { $crate::__private::abi::flags::EXACT } else { 0 }
        );
        // SAFETY: the macro writes `entry` beside this for these arguments and this result, and has the compiler compare the signatures.
        unsafe {
            $crate::__private::enter_on_chunk(size, entry, $($entry)+, ::core::any::type_name::<Self>, $arguments)
        }
    }};
}

/// A function that [`enter_on_chunk`](crate::__private::enter_on_chunk) enters: it calls `body`, a method with these arguments after its receiver. What types they
/// are of is inferred from that. It stands here so that expansions stay short.
#[doc(hidden)]
#[macro_export]
macro_rules! __entry {
    ($enter:ident, ($($argument:ident)*), $($body:tt)+) => {
        // SAFETY: `enter_on_chunk` calls it, with the words that its arguments have become.
        #[inline(never)]
        unsafe extern "C-unwind" fn $enter(
            a: $crate::__private::Word,
            b: $crate::__private::Word,
            c: $crate::__private::Word,
        ) -> $crate::__private::Pair {
            // SAFETY: these are the words that it is entered with, and its arguments are those that `body` takes, because what
            // enters it has the signature of that: `__one_signature` beside it compiles only then. Types are inferred from calls of `body` alone, as
            // nothing is coerced whose type is not known yet.
            unsafe {
                let (answer, (this, $($argument,)*)) = $crate::__private::entered(a, b, c);
                $crate::__private::give(answer, $($body)+(this, 1 $(, $argument)*))
            }
        }
    };
}

/// Stands first in a body that is compiled for each word: tells the compiler where the body for ordinary stacks runs. So all that is inlined there and asks
/// ([`current_here`](crate::__private::current_here), `__callee_here`), closures above all, has its answer when the program is compiled.
#[cfg(vthread_native)]
#[doc(hidden)]
#[macro_export]
macro_rules! __known_here {
    ($concurrent:expr) => {
        if !$concurrent {
            if ::core::cfg!(debug_assertions) {
                ::core::assert!($crate::__private::current() & 1 == 0, "a plain body runs on a chunk");
            } else {
                // SAFETY: those who are not on a chunk enter this body, or it itself, and its frame stays where it is. Nothing is said of the body for
                // chunks: the link step may have that carried out elsewhere.
                unsafe { ::core::hint::assert_unchecked($crate::__private::current_here() == 0) };
            }
        }
    };
}

/// The function to call: `$plain` where the caller is not on a chunk, else `$chunk`, both as a `$entry`. They differ in what they take for a word, of which nothing is passed.
/// As in `__by_stack` the jumps are the marks: no path on a chunk takes them, so there the link step finds `$chunk` alone. In a body that
/// is known to run elsewhere (`__known_here`) nothing is left of it.
#[cfg(vthread_native)]
#[doc(hidden)]
#[macro_export]
macro_rules! __callee_here {
    // Paths, because rust-analyzer takes no expression behind `sym`.
    ($plain:path, $chunk:path, $entry:ty) => {{
        // A number, because the compiler does not take one address of a function for another. It goes through no memory but a variable's, where the
        // link step finds it without optimisation, too.
        let address: usize;
        // SAFETY: compares as `on_chunk_now` does; `pure` and `nomem` for the reasons that `on_chunk_here` gives.
        unsafe {
            ::core::arch::asm!(
                // The answer, if the next jump is taken, as it mostly is off the chunks.
                "lea {address}, [rip + {plain}]",
                "cmp rsp, qword ptr [rip + {region} + 16]",
                "771: jae 2f",
                $crate::__private::abi::record!(11, "771b", "0", "0", "0", ""),
                "cmp rsp, qword ptr [rip + {region}]",
                "773: jb 2f",
                $crate::__private::abi::record!(11, "773b", "0", "0", "0", ""),
                "lea {address}, [rip + {chunk}]",
                "2:",
                address = out(reg) address,
                region = sym $crate::__private::REGION,
                plain = sym $plain,
                chunk = sym $chunk,
                options(pure, nomem, nostack),
            );
        }
        let mut entry = $plain as $entry;
        // Without optimisation nothing would come of it.
        if !::core::cfg!(debug_assertions) {
            // SAFETY: both ask for the place of this activation, and where that is no chunk the instructions above load the address of the same symbol.
            unsafe {
                ::core::hint::assert_unchecked(
                    ($crate::__private::current_here() != 0) | (address == entry as *const () as usize),
                );
            }
        }
        // SAFETY: the address of `$plain` or of `$chunk`, whose signatures are the same but for a word of no bytes, and such are passed alike.
        entry = unsafe { ::core::mem::transmute(address as *const ()) };
        entry
    }};
}

/// All that the context word says: bit 0, as an index. Words are made here, and are 0 or 1: knowing that spares the mask.
#[cfg(vthread_native)]
#[doc(hidden)]
#[macro_export]
macro_rules! __bit {
    ($word:expr) => {{
        // Where it is checked, it would only lengthen what is called on chunks.
        if !::core::cfg!(debug_assertions) {
            // SAFETY: a word comes from `current`, `current_here`, a `Known` or a literal of the expansion, and no other code names
            // the functions that take one.
            unsafe { ::core::hint::assert_unchecked($word == 0 || $word == 1) };
        }
        $word & 1
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

/// Without virtual threads of their own: `plain`.
#[cfg(not(vthread_native))]
#[doc(hidden)]
#[macro_export]
macro_rules! __by_stack {
    ($plain:expr, $chunk:expr) => {
        if $crate::__private::current() == 0 { $plain } else { $chunk }
    };
}

/// Without virtual threads of their own: nothing.
#[cfg(not(vthread_native))]
#[doc(hidden)]
#[macro_export]
macro_rules! __by_others {
    () => {};
}

/// Without virtual threads of their own: nothing.
#[cfg(not(vthread_native))]
#[doc(hidden)]
#[macro_export]
macro_rules! __known_here {
    ($concurrent:expr) => {{}};
}

/// Without virtual threads of their own: `plain`.
#[cfg(not(vthread_native))]
#[doc(hidden)]
#[macro_export]
macro_rules! __callee_here {
    ($plain:path, $chunk:path, $entry:ty) => {{
        let _ = $chunk;
        $plain as $entry
    }};
}

/// Without virtual threads of their own: the plain word.
#[cfg(not(vthread_native))]
#[doc(hidden)]
#[macro_export]
macro_rules! __current {
    () => {
        $crate::__private::current()
    };
}

/// Without virtual threads of their own: the plain word.
#[cfg(not(vthread_native))]
#[doc(hidden)]
#[macro_export]
macro_rules! __current_here {
    () => {
        $crate::__private::current()
    };
}

/// Without virtual threads of their own: the argument.
#[cfg(not(vthread_native))]
#[doc(hidden)]
#[macro_export]
macro_rules! __before_call {
    ($argument:expr) => {
        $argument
    };
    () => {};
}

/// Without virtual threads of their own: the call.
#[cfg(not(vthread_native))]
#[doc(hidden)]
#[macro_export]
macro_rules! __after_call {
    ($call:expr) => {
        $call
    };
}

/// Without virtual threads of their own: the same without a size.
#[cfg(not(vthread_native))]
#[doc(hidden)]
#[macro_export]
macro_rules! __enter_on_chunk {
    ($exact:literal, $arguments:expr, $entry:expr) => {{
        let _: bool = $exact;
        // SAFETY: the macro writes `entry` beside this for these arguments and this result, and has the compiler compare the signatures.
        unsafe { $crate::__private::enter_on_chunk($entry, $arguments) }
    }};
}

/// Without virtual threads of their own: bit 0.
#[cfg(not(vthread_native))]
#[doc(hidden)]
#[macro_export]
macro_rules! __bit {
    ($word:expr) => {
        $word & 1
    };
}
