mod clocks {
    pub trait Clock {
        #[doc(hidden)]
        #[allow(non_upper_case_globals)]
        const write_vthread_dyn_use_to_name_dyn_here: bool = false;
        #[doc(hidden)]
        #[allow(warnings)]
        fn write_vthread_above_this_impl()
        where
            Self: Sized;
        #[cfg(unix)]
        #[allow(deprecated)]
        #[inline]
        fn ticks(&self) -> u64 {
            <Self as Clock>::__vt_ticks(self, ::vthread::__private::current!())
        }
        #[doc(hidden)]
        #[cfg(unix)]
        fn __vt_ticks(&self, is_concurrent: i64) -> u64;
        #[doc(hidden)]
        #[allow(warnings)]
        #[cfg(unix)]
        #[inline]
        fn __rec_ticks(&self, is_concurrent: i64) -> u64 {
            if <Self as Clock>::write_vthread_dyn_use_to_name_dyn_here {
                <Self as Clock>::__vt_ticks(self, is_concurrent)
            } else if is_concurrent & 1 == 0 {
                ::vthread::__private::plain_only!();
                <Self as Clock>::__vt_ticks(self, is_concurrent)
            } else {
                ::vthread::__private::on_chunk(move || <Self as Clock>::__vt_ticks(
                    self,
                    1,
                ))
            }
        }
        #[cfg(not(unix))]
        #[allow(deprecated)]
        #[inline]
        fn ticks(&self, since: u64) -> u64 {
            <Self as Clock>::__vt_ticks(self, ::vthread::__private::current!(), since)
        }
        #[doc(hidden)]
        #[cfg(not(unix))]
        fn __vt_ticks(&self, is_concurrent: i64, since: u64) -> u64;
        #[doc(hidden)]
        #[allow(warnings)]
        #[cfg(not(unix))]
        #[inline]
        fn __rec_ticks(&self, is_concurrent: i64, since: u64) -> u64 {
            if <Self as Clock>::write_vthread_dyn_use_to_name_dyn_here {
                <Self as Clock>::__vt_ticks(self, is_concurrent, since)
            } else if is_concurrent & 1 == 0 {
                ::vthread::__private::plain_only!();
                <Self as Clock>::__vt_ticks(self, is_concurrent, since)
            } else {
                ::vthread::__private::on_chunk(move || <Self as Clock>::__vt_ticks(
                    self,
                    1,
                    since,
                ))
            }
        }
        #[allow(deprecated)]
        #[inline]
        fn hours(&self) -> u64 {
            <Self as Clock>::__vt_hours(self, ::vthread::__private::current!())
        }
        #[doc(hidden)]
        fn __vt_hours(&self, is_concurrent: i64) -> u64;
        #[doc(hidden)]
        #[allow(warnings)]
        #[inline]
        fn __rec_hours(&self, is_concurrent: i64) -> u64 {
            if <Self as Clock>::write_vthread_dyn_use_to_name_dyn_here {
                <Self as Clock>::__vt_hours(self, is_concurrent)
            } else if is_concurrent & 1 == 0 {
                ::vthread::__private::plain_only!();
                <Self as Clock>::__vt_hours(self, is_concurrent)
            } else {
                ::vthread::__private::on_chunk(move || <Self as Clock>::__vt_hours(
                    self,
                    1,
                ))
            }
        }
    }
    #[doc(hidden)]
    #[allow(warnings)]
    pub trait __ClockTable: Clock + Sized {
        const PAIRS: &'static [*const (); 2
            * (1usize + ::core::cfg!(all(unix)) as usize
                + ::core::cfg!(all(not(unix))) as usize)] = &[
            #[cfg(unix)]
            (<Self as Clock>::__vt_ticks as *const ()),
            #[cfg(unix)]
            (<Self as __ClockTable>::__chunk_ticks as *const ()),
            #[cfg(not(unix))]
            (<Self as Clock>::__vt_ticks as *const ()),
            #[cfg(not(unix))]
            (<Self as __ClockTable>::__chunk_ticks as *const ()),
            <Self as Clock>::__vt_hours as *const (),
            <Self as __ClockTable>::__chunk_hours as *const (),
        ];
        #[cfg(unix)]
        #[inline(never)]
        fn __chunk_ticks(&self, is_concurrent: i64) -> u64 {
            ::vthread::__private::enter_on_chunk!(
                false, (self,), < Self as __ClockTable > ::__enter_ticks
            )
        }
        #[cfg(unix)]
        ::vthread::__private::entry!(__enter_ticks, (), < Self as Clock > ::__vt_ticks);
        #[cfg(not(unix))]
        #[inline(never)]
        fn __chunk_ticks(&self, is_concurrent: i64, since: u64) -> u64 {
            ::vthread::__private::enter_on_chunk!(
                false, (self, since,), < Self as __ClockTable > ::__enter_ticks
            )
        }
        #[cfg(not(unix))]
        ::vthread::__private::entry!(
            __enter_ticks, (argument_0), < Self as Clock > ::__vt_ticks
        );
        #[inline(never)]
        fn __chunk_hours(&self, is_concurrent: i64) -> u64 {
            ::vthread::__private::enter_on_chunk!(
                false, (self,), < Self as __ClockTable > ::__enter_hours
            )
        }
        ::vthread::__private::entry!(__enter_hours, (), < Self as Clock > ::__vt_hours);
        fn __one_signature() {
            #[cfg(unix)]
            let _ = [<Self as Clock>::__vt_ticks, <Self as __ClockTable>::__chunk_ticks];
            #[cfg(not(unix))]
            let _ = [<Self as Clock>::__vt_ticks, <Self as __ClockTable>::__chunk_ticks];
            let _ = [<Self as Clock>::__vt_hours, <Self as __ClockTable>::__chunk_hours];
        }
    }
    #[allow(warnings)]
    impl<__T: Clock> __ClockTable for __T {}
    #[doc(hidden)]
    #[allow(warnings)]
    pub trait __ClockObj {
        #[cfg(unix)]
        fn __slot_ticks(&self, is_concurrent: i64) -> u64;
        #[cfg(not(unix))]
        fn __slot_ticks(&self, is_concurrent: i64, since: u64) -> u64;
        fn __slot_hours(&self, is_concurrent: i64) -> u64;
    }
    #[allow(warnings)]
    impl<__T: Clock> __ClockObj for __T {
        #[cfg(unix)]
        fn __slot_ticks(&self, is_concurrent: i64) -> u64 {
            let is_concurrent: i64 = ::vthread::__private::bit!(is_concurrent);
            let entry = ::vthread::__private::select!(
                ::core::concat!(::core::module_path!(), "::Clock::ticks"), < Self as
                __ClockTable > ::PAIRS, 0usize, is_concurrent, < Self as __ClockTable >
                ::__chunk_ticks
            );
            let entry: fn(_, i64) -> _ = unsafe { ::core::mem::transmute(entry) };
            entry(self, is_concurrent)
        }
        #[cfg(not(unix))]
        fn __slot_ticks(&self, is_concurrent: i64, since: u64) -> u64 {
            let is_concurrent: i64 = ::vthread::__private::bit!(is_concurrent);
            let entry = ::vthread::__private::select!(
                ::core::concat!(::core::module_path!(), "::Clock::ticks"), < Self as
                __ClockTable > ::PAIRS, 0usize + ::core::cfg!(all(unix)) as usize,
                is_concurrent, < Self as __ClockTable > ::__chunk_ticks
            );
            let entry: fn(_, i64, _) -> _ = unsafe { ::core::mem::transmute(entry) };
            entry(self, is_concurrent, since)
        }
        fn __slot_hours(&self, is_concurrent: i64) -> u64 {
            let is_concurrent: i64 = ::vthread::__private::bit!(is_concurrent);
            let entry = ::vthread::__private::select!(
                ::core::concat!(::core::module_path!(), "::Clock::hours"), < Self as
                __ClockTable > ::PAIRS, 0usize + ::core::cfg!(all(unix)) as usize +
                ::core::cfg!(all(not(unix))) as usize, is_concurrent, < Self as
                __ClockTable > ::__chunk_hours
            );
            let entry: fn(_, i64) -> _ = unsafe { ::core::mem::transmute(entry) };
            entry(self, is_concurrent)
        }
    }
    #[allow(warnings)]
    impl Clock for dyn __ClockObj + '_ {
        const write_vthread_dyn_use_to_name_dyn_here: bool = true;
        #[cfg(unix)]
        #[inline]
        fn __vt_ticks(&self, is_concurrent: i64) -> u64 {
            let object: &Self = ::vthread::__private::tag!(
                ::core::concat!(::core::module_path!(), "::Clock::ticks"), self
            );
            <Self as __ClockObj>::__slot_ticks(object, is_concurrent)
        }
        #[cfg(not(unix))]
        #[inline]
        fn __vt_ticks(&self, is_concurrent: i64, since: u64) -> u64 {
            let object: &Self = ::vthread::__private::tag!(
                ::core::concat!(::core::module_path!(), "::Clock::ticks"), self
            );
            <Self as __ClockObj>::__slot_ticks(object, is_concurrent, since)
        }
        #[inline]
        fn __vt_hours(&self, is_concurrent: i64) -> u64 {
            let object: &Self = ::vthread::__private::tag!(
                ::core::concat!(::core::module_path!(), "::Clock::hours"), self
            );
            <Self as __ClockObj>::__slot_hours(object, is_concurrent)
        }
    }
    #[doc(hidden)]
    #[allow(warnings)]
    impl dyn __ClockObj + '_ {
        #[cfg(unix)]
        #[inline]
        pub fn ticks(&self) -> u64 {
            <Self as Clock>::ticks(self)
        }
        #[cfg(unix)]
        #[inline]
        pub fn __vt_ticks(&self, is_concurrent: i64) -> u64 {
            <Self as Clock>::__vt_ticks(self, is_concurrent)
        }
        #[cfg(unix)]
        #[inline]
        pub fn __rec_ticks(&self, is_concurrent: i64) -> u64 {
            <Self as Clock>::__vt_ticks(self, is_concurrent)
        }
        #[cfg(not(unix))]
        #[inline]
        pub fn ticks(&self, since: u64) -> u64 {
            <Self as Clock>::ticks(self, since)
        }
        #[cfg(not(unix))]
        #[inline]
        pub fn __vt_ticks(&self, is_concurrent: i64, since: u64) -> u64 {
            <Self as Clock>::__vt_ticks(self, is_concurrent, since)
        }
        #[cfg(not(unix))]
        #[inline]
        pub fn __rec_ticks(&self, is_concurrent: i64, since: u64) -> u64 {
            <Self as Clock>::__vt_ticks(self, is_concurrent, since)
        }
        #[inline]
        pub fn hours(&self) -> u64 {
            <Self as Clock>::hours(self)
        }
        #[inline]
        pub fn __vt_hours(&self, is_concurrent: i64) -> u64 {
            <Self as Clock>::__vt_hours(self, is_concurrent)
        }
        #[inline]
        pub fn __rec_hours(&self, is_concurrent: i64) -> u64 {
            <Self as Clock>::__vt_hours(self, is_concurrent)
        }
    }
    #[allow(warnings)]
    impl Clock for dyn __ClockObj + ::core::marker::Send + '_ {
        const write_vthread_dyn_use_to_name_dyn_here: bool = true;
        #[cfg(unix)]
        #[inline]
        fn __vt_ticks(&self, is_concurrent: i64) -> u64 {
            <dyn __ClockObj as Clock>::__vt_ticks(self, is_concurrent)
        }
        #[cfg(not(unix))]
        #[inline]
        fn __vt_ticks(&self, is_concurrent: i64, since: u64) -> u64 {
            <dyn __ClockObj as Clock>::__vt_ticks(self, is_concurrent, since)
        }
        #[inline]
        fn __vt_hours(&self, is_concurrent: i64) -> u64 {
            <dyn __ClockObj as Clock>::__vt_hours(self, is_concurrent)
        }
    }
    #[doc(hidden)]
    #[allow(warnings)]
    impl dyn __ClockObj + ::core::marker::Send + '_ {
        #[cfg(unix)]
        #[inline]
        pub fn ticks(&self) -> u64 {
            <Self as Clock>::ticks(self)
        }
        #[cfg(unix)]
        #[inline]
        pub fn __vt_ticks(&self, is_concurrent: i64) -> u64 {
            <Self as Clock>::__vt_ticks(self, is_concurrent)
        }
        #[cfg(unix)]
        #[inline]
        pub fn __rec_ticks(&self, is_concurrent: i64) -> u64 {
            <Self as Clock>::__vt_ticks(self, is_concurrent)
        }
        #[cfg(not(unix))]
        #[inline]
        pub fn ticks(&self, since: u64) -> u64 {
            <Self as Clock>::ticks(self, since)
        }
        #[cfg(not(unix))]
        #[inline]
        pub fn __vt_ticks(&self, is_concurrent: i64, since: u64) -> u64 {
            <Self as Clock>::__vt_ticks(self, is_concurrent, since)
        }
        #[cfg(not(unix))]
        #[inline]
        pub fn __rec_ticks(&self, is_concurrent: i64, since: u64) -> u64 {
            <Self as Clock>::__vt_ticks(self, is_concurrent, since)
        }
        #[inline]
        pub fn hours(&self) -> u64 {
            <Self as Clock>::hours(self)
        }
        #[inline]
        pub fn __vt_hours(&self, is_concurrent: i64) -> u64 {
            <Self as Clock>::__vt_hours(self, is_concurrent)
        }
        #[inline]
        pub fn __rec_hours(&self, is_concurrent: i64) -> u64 {
            <Self as Clock>::__vt_hours(self, is_concurrent)
        }
    }
    #[allow(warnings)]
    impl Clock for dyn __ClockObj + ::core::marker::Sync + '_ {
        const write_vthread_dyn_use_to_name_dyn_here: bool = true;
        #[cfg(unix)]
        #[inline]
        fn __vt_ticks(&self, is_concurrent: i64) -> u64 {
            <dyn __ClockObj as Clock>::__vt_ticks(self, is_concurrent)
        }
        #[cfg(not(unix))]
        #[inline]
        fn __vt_ticks(&self, is_concurrent: i64, since: u64) -> u64 {
            <dyn __ClockObj as Clock>::__vt_ticks(self, is_concurrent, since)
        }
        #[inline]
        fn __vt_hours(&self, is_concurrent: i64) -> u64 {
            <dyn __ClockObj as Clock>::__vt_hours(self, is_concurrent)
        }
    }
    #[doc(hidden)]
    #[allow(warnings)]
    impl dyn __ClockObj + ::core::marker::Sync + '_ {
        #[cfg(unix)]
        #[inline]
        pub fn ticks(&self) -> u64 {
            <Self as Clock>::ticks(self)
        }
        #[cfg(unix)]
        #[inline]
        pub fn __vt_ticks(&self, is_concurrent: i64) -> u64 {
            <Self as Clock>::__vt_ticks(self, is_concurrent)
        }
        #[cfg(unix)]
        #[inline]
        pub fn __rec_ticks(&self, is_concurrent: i64) -> u64 {
            <Self as Clock>::__vt_ticks(self, is_concurrent)
        }
        #[cfg(not(unix))]
        #[inline]
        pub fn ticks(&self, since: u64) -> u64 {
            <Self as Clock>::ticks(self, since)
        }
        #[cfg(not(unix))]
        #[inline]
        pub fn __vt_ticks(&self, is_concurrent: i64, since: u64) -> u64 {
            <Self as Clock>::__vt_ticks(self, is_concurrent, since)
        }
        #[cfg(not(unix))]
        #[inline]
        pub fn __rec_ticks(&self, is_concurrent: i64, since: u64) -> u64 {
            <Self as Clock>::__vt_ticks(self, is_concurrent, since)
        }
        #[inline]
        pub fn hours(&self) -> u64 {
            <Self as Clock>::hours(self)
        }
        #[inline]
        pub fn __vt_hours(&self, is_concurrent: i64) -> u64 {
            <Self as Clock>::__vt_hours(self, is_concurrent)
        }
        #[inline]
        pub fn __rec_hours(&self, is_concurrent: i64) -> u64 {
            <Self as Clock>::__vt_hours(self, is_concurrent)
        }
    }
    #[allow(warnings)]
    impl Clock for dyn __ClockObj + ::core::marker::Send + ::core::marker::Sync + '_ {
        const write_vthread_dyn_use_to_name_dyn_here: bool = true;
        #[cfg(unix)]
        #[inline]
        fn __vt_ticks(&self, is_concurrent: i64) -> u64 {
            <dyn __ClockObj as Clock>::__vt_ticks(self, is_concurrent)
        }
        #[cfg(not(unix))]
        #[inline]
        fn __vt_ticks(&self, is_concurrent: i64, since: u64) -> u64 {
            <dyn __ClockObj as Clock>::__vt_ticks(self, is_concurrent, since)
        }
        #[inline]
        fn __vt_hours(&self, is_concurrent: i64) -> u64 {
            <dyn __ClockObj as Clock>::__vt_hours(self, is_concurrent)
        }
    }
    #[doc(hidden)]
    #[allow(warnings)]
    impl dyn __ClockObj + ::core::marker::Send + ::core::marker::Sync + '_ {
        #[cfg(unix)]
        #[inline]
        pub fn ticks(&self) -> u64 {
            <Self as Clock>::ticks(self)
        }
        #[cfg(unix)]
        #[inline]
        pub fn __vt_ticks(&self, is_concurrent: i64) -> u64 {
            <Self as Clock>::__vt_ticks(self, is_concurrent)
        }
        #[cfg(unix)]
        #[inline]
        pub fn __rec_ticks(&self, is_concurrent: i64) -> u64 {
            <Self as Clock>::__vt_ticks(self, is_concurrent)
        }
        #[cfg(not(unix))]
        #[inline]
        pub fn ticks(&self, since: u64) -> u64 {
            <Self as Clock>::ticks(self, since)
        }
        #[cfg(not(unix))]
        #[inline]
        pub fn __vt_ticks(&self, is_concurrent: i64, since: u64) -> u64 {
            <Self as Clock>::__vt_ticks(self, is_concurrent, since)
        }
        #[cfg(not(unix))]
        #[inline]
        pub fn __rec_ticks(&self, is_concurrent: i64, since: u64) -> u64 {
            <Self as Clock>::__vt_ticks(self, is_concurrent, since)
        }
        #[inline]
        pub fn hours(&self) -> u64 {
            <Self as Clock>::hours(self)
        }
        #[inline]
        pub fn __vt_hours(&self, is_concurrent: i64) -> u64 {
            <Self as Clock>::__vt_hours(self, is_concurrent)
        }
        #[inline]
        pub fn __rec_hours(&self, is_concurrent: i64) -> u64 {
            <Self as Clock>::__vt_hours(self, is_concurrent)
        }
    }
    pub struct Sun;
    impl Clock for Sun {
        #[doc(hidden)]
        #[cfg(unix)]
        fn __vt_ticks(&self, _is_concurrent: i64) -> u64 {
            7
        }
        #[doc(hidden)]
        #[cfg(not(unix))]
        fn __vt_ticks(&self, _is_concurrent: i64, since: u64) -> u64 {
            7 - since
        }
        #[doc(hidden)]
        fn __vt_hours(&self, _is_concurrent: i64) -> u64 {
            12
        }
        #[doc(hidden)]
        #[allow(warnings)]
        #[inline]
        fn write_vthread_above_this_impl() {}
    }
    #[cfg(unix)]
    #[allow(dead_code, deprecated)]
    #[inline]
    pub fn halves(n: u64) -> u64 {
        let entry = ::vthread::__private::callee_here!(
            __body_halves:: < false >, __chunk_halves, fn (_, _) -> _
        );
        entry(::vthread::__private::Known::<false>, n)
    }
    #[doc(hidden)]
    #[cfg(unix)]
    pub fn __body_halves<const __CONCURRENT: bool>(
        #[allow(unused_variables)]
        known: ::vthread::__private::Known<__CONCURRENT>,
        n: u64,
    ) -> u64 {
        if n == 0 { 0 } else { 1 + __step_halves(known, n / 2) }
    }
    #[doc(hidden)]
    #[allow(warnings)]
    #[cfg(unix)]
    #[inline(always)]
    pub fn __vt_halves(is_concurrent: i64, n: u64) -> u64 {
        if is_concurrent & 1 == 0 {
            ::vthread::__private::plain_only!();
            __body_halves(::vthread::__private::Known::<false>, n)
        } else {
            __body_halves(::vthread::__private::Known::<true>, n)
        }
    }
    #[doc(hidden)]
    #[allow(warnings)]
    #[cfg(unix)]
    #[inline(always)]
    pub fn __step_halves<const __CONCURRENT: bool>(
        #[allow(unused_variables)]
        known: ::vthread::__private::Known<__CONCURRENT>,
        n: u64,
    ) -> u64 {
        if __CONCURRENT {
            __chunk_halves(::vthread::__private::Known::<true>, n)
        } else {
            __body_halves(::vthread::__private::Known::<false>, n)
        }
    }
    #[doc(hidden)]
    #[allow(warnings)]
    #[cfg(unix)]
    #[inline(always)]
    pub fn __rec_halves(is_concurrent: i64, n: u64) -> u64 {
        if is_concurrent & 1 == 0 {
            ::vthread::__private::plain_only!();
            __body_halves(::vthread::__private::Known::<false>, n)
        } else {
            __chunk_halves(::vthread::__private::Known::<true>, n)
        }
    }
    #[doc(hidden)]
    #[allow(warnings)]
    #[cfg(unix)]
    #[inline(never)]
    pub fn __chunk_halves(
        #[allow(unused_variables)]
        known: ::vthread::__private::Known<true>,
        n: u64,
    ) -> u64 {
        ::vthread::__private::on_chunk(move || __body_halves(
            ::vthread::__private::Known::<true>,
            n,
        ))
    }
    #[cfg(not(unix))]
    #[allow(dead_code, deprecated)]
    #[inline]
    pub fn halves(n: u64) -> u64 {
        __vt_halves(::vthread::__private::current!(), n)
    }
    #[doc(hidden)]
    #[cfg(not(unix))]
    pub fn __body_halves<const __CONCURRENT: bool>(
        #[allow(unused_variables)]
        known: ::vthread::__private::Known<__CONCURRENT>,
        n: u64,
    ) -> u64 {
        n
    }
    #[doc(hidden)]
    #[allow(warnings)]
    #[cfg(not(unix))]
    #[inline(always)]
    pub fn __vt_halves(is_concurrent: i64, n: u64) -> u64 {
        if is_concurrent & 1 == 0 {
            ::vthread::__private::plain_only!();
            __body_halves(::vthread::__private::Known::<false>, n)
        } else {
            __body_halves(::vthread::__private::Known::<true>, n)
        }
    }
    #[doc(hidden)]
    #[allow(warnings)]
    #[cfg(not(unix))]
    #[inline(always)]
    pub fn __step_halves<const __CONCURRENT: bool>(
        #[allow(unused_variables)]
        known: ::vthread::__private::Known<__CONCURRENT>,
        n: u64,
    ) -> u64 {
        if __CONCURRENT {
            __chunk_halves(::vthread::__private::Known::<true>, n)
        } else {
            __body_halves(::vthread::__private::Known::<false>, n)
        }
    }
    #[doc(hidden)]
    #[allow(warnings)]
    #[cfg(not(unix))]
    #[inline(always)]
    pub fn __rec_halves(is_concurrent: i64, n: u64) -> u64 {
        if is_concurrent & 1 == 0 {
            ::vthread::__private::plain_only!();
            __body_halves(::vthread::__private::Known::<false>, n)
        } else {
            __chunk_halves(::vthread::__private::Known::<true>, n)
        }
    }
    #[doc(hidden)]
    #[allow(warnings)]
    #[cfg(not(unix))]
    #[inline(never)]
    pub fn __chunk_halves(
        #[allow(unused_variables)]
        known: ::vthread::__private::Known<true>,
        n: u64,
    ) -> u64 {
        ::vthread::__private::on_chunk(move || __body_halves(
            ::vthread::__private::Known::<true>,
            n,
        ))
    }
    #[allow(dead_code, deprecated)]
    #[inline]
    pub fn day(clock: &dyn __ClockObj) -> u64 {
        __vt_day(::vthread::__private::current!(), clock)
    }
    #[doc(hidden)]
    pub fn __vt_day(is_concurrent: i64, clock: &dyn __ClockObj) -> u64 {
        clock.__vt_hours(is_concurrent) + __vt_halves(is_concurrent, 8)
    }
    #[diagnostic::on_unimplemented(
        message = "#[vthread]: this `hours` is not the vthread one: `{Self}` has none",
        label = "write the type of the receiver down, or `#[plain]` before the call"
    )]
    #[doc(hidden)]
    #[allow(warnings)]
    trait has_vthread_hours {}
    #[doc(hidden)]
    #[allow(warnings)]
    trait calls_vthread_hours {
        fn __vt_hours(&self) {}
    }
    #[doc(hidden)]
    #[allow(warnings)]
    impl<__T: has_vthread_hours + ?Sized> calls_vthread_hours for __T {}
}
