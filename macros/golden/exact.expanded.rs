mod all {
    #[allow(dead_code, deprecated)]
    #[inline]
    pub fn depth(n: u32) -> u32 {
        let entry = ::vthread::__private::callee_here!(
            __body_depth:: < false >, __chunk_depth, fn (_, _) -> _
        );
        entry(::vthread::__private::Known::<false>, n)
    }
    #[doc(hidden)]
    pub fn __body_depth<const __CONCURRENT: bool>(
        #[allow(unused_variables)]
        known: ::vthread::__private::Known<__CONCURRENT>,
        n: u32,
    ) -> u32 {
        if n == 0 { 0 } else { 1 + __step_depth(known, n - 1) }
    }
    #[doc(hidden)]
    #[allow(warnings)]
    #[inline(always)]
    pub fn __vt_depth(is_concurrent: i64, n: u32) -> u32 {
        if is_concurrent & 1 == 0 {
            ::vthread::__private::plain_only!();
            __body_depth(::vthread::__private::Known::<false>, n)
        } else {
            __body_depth(::vthread::__private::Known::<true>, n)
        }
    }
    #[doc(hidden)]
    #[allow(warnings)]
    #[inline(always)]
    pub fn __step_depth<const __CONCURRENT: bool>(
        #[allow(unused_variables)]
        known: ::vthread::__private::Known<__CONCURRENT>,
        n: u32,
    ) -> u32 {
        if __CONCURRENT {
            __chunk_depth(::vthread::__private::Known::<true>, n)
        } else {
            __body_depth(::vthread::__private::Known::<false>, n)
        }
    }
    #[doc(hidden)]
    #[allow(warnings)]
    #[inline(always)]
    pub fn __rec_depth(is_concurrent: i64, n: u32) -> u32 {
        if is_concurrent & 1 == 0 {
            ::vthread::__private::plain_only!();
            __body_depth(::vthread::__private::Known::<false>, n)
        } else {
            __chunk_depth(::vthread::__private::Known::<true>, n)
        }
    }
    #[doc(hidden)]
    #[allow(warnings)]
    #[inline(never)]
    pub fn __chunk_depth(
        #[allow(unused_variables)]
        known: ::vthread::__private::Known<true>,
        n: u32,
    ) -> u32 {
        ::vthread::__private::on_chunk_exact(move || __body_depth(
            ::vthread::__private::Known::<true>,
            n,
        ))
    }
}
mod one {
    pub trait Step {
        #[doc(hidden)]
        #[allow(non_upper_case_globals)]
        const write_vthread_dyn_use_to_name_dyn_here: bool = false;
        #[doc(hidden)]
        #[allow(warnings)]
        fn write_vthread_above_this_impl()
        where
            Self: Sized;
        #[allow(deprecated)]
        #[inline]
        fn step(&self) -> u32 {
            <Self as Step>::__vt_step(self, ::vthread::__private::current!())
        }
        #[doc(hidden)]
        fn __vt_step(&self, is_concurrent: i64) -> u32;
        #[doc(hidden)]
        #[allow(warnings)]
        #[inline]
        fn __rec_step(&self, is_concurrent: i64) -> u32 {
            if <Self as Step>::write_vthread_dyn_use_to_name_dyn_here {
                <Self as Step>::__vt_step(self, is_concurrent)
            } else if is_concurrent & 1 == 0 {
                ::vthread::__private::plain_only!();
                <Self as Step>::__vt_step(self, is_concurrent)
            } else {
                ::vthread::__private::on_chunk_exact(move || <Self as Step>::__vt_step(
                    self,
                    1,
                ))
            }
        }
        #[allow(deprecated)]
        #[inline]
        fn other(&self) -> u32 {
            <Self as Step>::__vt_other(self, ::vthread::__private::current!())
        }
        #[doc(hidden)]
        fn __vt_other(&self, is_concurrent: i64) -> u32;
        #[doc(hidden)]
        #[allow(warnings)]
        #[inline]
        fn __rec_other(&self, is_concurrent: i64) -> u32 {
            if <Self as Step>::write_vthread_dyn_use_to_name_dyn_here {
                <Self as Step>::__vt_other(self, is_concurrent)
            } else if is_concurrent & 1 == 0 {
                ::vthread::__private::plain_only!();
                <Self as Step>::__vt_other(self, is_concurrent)
            } else {
                ::vthread::__private::on_chunk(move || <Self as Step>::__vt_other(
                    self,
                    1,
                ))
            }
        }
    }
    #[doc(hidden)]
    #[allow(warnings)]
    pub trait __StepTable: Step + Sized {
        const PAIRS: &'static [*const (); 4usize] = &[
            <Self as Step>::__vt_step as *const (),
            <Self as __StepTable>::__chunk_step as *const (),
            <Self as Step>::__vt_other as *const (),
            <Self as __StepTable>::__chunk_other as *const (),
        ];
        #[inline(never)]
        fn __chunk_step(&self, is_concurrent: i64) -> u32 {
            ::vthread::__private::enter_on_chunk!(
                true, (self,), < Self as __StepTable > ::__enter_step
            )
        }
        ::vthread::__private::entry!(__enter_step, (), < Self as Step > ::__vt_step);
        #[inline(never)]
        fn __chunk_other(&self, is_concurrent: i64) -> u32 {
            ::vthread::__private::enter_on_chunk!(
                false, (self,), < Self as __StepTable > ::__enter_other
            )
        }
        ::vthread::__private::entry!(__enter_other, (), < Self as Step > ::__vt_other);
        fn __one_signature() {
            let _ = [<Self as Step>::__vt_step, <Self as __StepTable>::__chunk_step];
            let _ = [<Self as Step>::__vt_other, <Self as __StepTable>::__chunk_other];
        }
    }
    #[allow(warnings)]
    impl<__T: Step> __StepTable for __T {}
    #[doc(hidden)]
    #[allow(warnings)]
    pub trait __StepObj {
        fn __slot_step(&self, is_concurrent: i64) -> u32;
        fn __slot_other(&self, is_concurrent: i64) -> u32;
    }
    #[allow(warnings)]
    impl<__T: Step> __StepObj for __T {
        fn __slot_step(&self, is_concurrent: i64) -> u32 {
            let is_concurrent: i64 = ::vthread::__private::bit!(is_concurrent);
            let entry = ::vthread::__private::select!(
                ::core::concat!(::core::module_path!(), "::Step::step"), < Self as
                __StepTable > ::PAIRS, 0usize, is_concurrent, < Self as __StepTable >
                ::__chunk_step
            );
            let entry: fn(_, i64) -> _ = unsafe { ::core::mem::transmute(entry) };
            entry(self, is_concurrent)
        }
        fn __slot_other(&self, is_concurrent: i64) -> u32 {
            let is_concurrent: i64 = ::vthread::__private::bit!(is_concurrent);
            let entry = ::vthread::__private::select!(
                ::core::concat!(::core::module_path!(), "::Step::other"), < Self as
                __StepTable > ::PAIRS, 1usize, is_concurrent, < Self as __StepTable >
                ::__chunk_other
            );
            let entry: fn(_, i64) -> _ = unsafe { ::core::mem::transmute(entry) };
            entry(self, is_concurrent)
        }
    }
    #[allow(warnings)]
    impl Step for dyn __StepObj + '_ {
        const write_vthread_dyn_use_to_name_dyn_here: bool = true;
        #[inline]
        fn __vt_step(&self, is_concurrent: i64) -> u32 {
            let object: &Self = ::vthread::__private::tag!(
                ::core::concat!(::core::module_path!(), "::Step::step"), self
            );
            <Self as __StepObj>::__slot_step(object, is_concurrent)
        }
        #[inline]
        fn __vt_other(&self, is_concurrent: i64) -> u32 {
            let object: &Self = ::vthread::__private::tag!(
                ::core::concat!(::core::module_path!(), "::Step::other"), self
            );
            <Self as __StepObj>::__slot_other(object, is_concurrent)
        }
    }
    #[doc(hidden)]
    #[allow(warnings)]
    impl dyn __StepObj + '_ {
        #[inline]
        pub fn step(&self) -> u32 {
            <Self as Step>::step(self)
        }
        #[inline]
        pub fn __vt_step(&self, is_concurrent: i64) -> u32 {
            <Self as Step>::__vt_step(self, is_concurrent)
        }
        #[inline]
        pub fn __rec_step(&self, is_concurrent: i64) -> u32 {
            <Self as Step>::__vt_step(self, is_concurrent)
        }
        #[inline]
        pub fn other(&self) -> u32 {
            <Self as Step>::other(self)
        }
        #[inline]
        pub fn __vt_other(&self, is_concurrent: i64) -> u32 {
            <Self as Step>::__vt_other(self, is_concurrent)
        }
        #[inline]
        pub fn __rec_other(&self, is_concurrent: i64) -> u32 {
            <Self as Step>::__vt_other(self, is_concurrent)
        }
    }
    #[allow(warnings)]
    impl Step for dyn __StepObj + ::core::marker::Send + '_ {
        const write_vthread_dyn_use_to_name_dyn_here: bool = true;
        #[inline]
        fn __vt_step(&self, is_concurrent: i64) -> u32 {
            <dyn __StepObj as Step>::__vt_step(self, is_concurrent)
        }
        #[inline]
        fn __vt_other(&self, is_concurrent: i64) -> u32 {
            <dyn __StepObj as Step>::__vt_other(self, is_concurrent)
        }
    }
    #[doc(hidden)]
    #[allow(warnings)]
    impl dyn __StepObj + ::core::marker::Send + '_ {
        #[inline]
        pub fn step(&self) -> u32 {
            <Self as Step>::step(self)
        }
        #[inline]
        pub fn __vt_step(&self, is_concurrent: i64) -> u32 {
            <Self as Step>::__vt_step(self, is_concurrent)
        }
        #[inline]
        pub fn __rec_step(&self, is_concurrent: i64) -> u32 {
            <Self as Step>::__vt_step(self, is_concurrent)
        }
        #[inline]
        pub fn other(&self) -> u32 {
            <Self as Step>::other(self)
        }
        #[inline]
        pub fn __vt_other(&self, is_concurrent: i64) -> u32 {
            <Self as Step>::__vt_other(self, is_concurrent)
        }
        #[inline]
        pub fn __rec_other(&self, is_concurrent: i64) -> u32 {
            <Self as Step>::__vt_other(self, is_concurrent)
        }
    }
    #[allow(warnings)]
    impl Step for dyn __StepObj + ::core::marker::Sync + '_ {
        const write_vthread_dyn_use_to_name_dyn_here: bool = true;
        #[inline]
        fn __vt_step(&self, is_concurrent: i64) -> u32 {
            <dyn __StepObj as Step>::__vt_step(self, is_concurrent)
        }
        #[inline]
        fn __vt_other(&self, is_concurrent: i64) -> u32 {
            <dyn __StepObj as Step>::__vt_other(self, is_concurrent)
        }
    }
    #[doc(hidden)]
    #[allow(warnings)]
    impl dyn __StepObj + ::core::marker::Sync + '_ {
        #[inline]
        pub fn step(&self) -> u32 {
            <Self as Step>::step(self)
        }
        #[inline]
        pub fn __vt_step(&self, is_concurrent: i64) -> u32 {
            <Self as Step>::__vt_step(self, is_concurrent)
        }
        #[inline]
        pub fn __rec_step(&self, is_concurrent: i64) -> u32 {
            <Self as Step>::__vt_step(self, is_concurrent)
        }
        #[inline]
        pub fn other(&self) -> u32 {
            <Self as Step>::other(self)
        }
        #[inline]
        pub fn __vt_other(&self, is_concurrent: i64) -> u32 {
            <Self as Step>::__vt_other(self, is_concurrent)
        }
        #[inline]
        pub fn __rec_other(&self, is_concurrent: i64) -> u32 {
            <Self as Step>::__vt_other(self, is_concurrent)
        }
    }
    #[allow(warnings)]
    impl Step for dyn __StepObj + ::core::marker::Send + ::core::marker::Sync + '_ {
        const write_vthread_dyn_use_to_name_dyn_here: bool = true;
        #[inline]
        fn __vt_step(&self, is_concurrent: i64) -> u32 {
            <dyn __StepObj as Step>::__vt_step(self, is_concurrent)
        }
        #[inline]
        fn __vt_other(&self, is_concurrent: i64) -> u32 {
            <dyn __StepObj as Step>::__vt_other(self, is_concurrent)
        }
    }
    #[doc(hidden)]
    #[allow(warnings)]
    impl dyn __StepObj + ::core::marker::Send + ::core::marker::Sync + '_ {
        #[inline]
        pub fn step(&self) -> u32 {
            <Self as Step>::step(self)
        }
        #[inline]
        pub fn __vt_step(&self, is_concurrent: i64) -> u32 {
            <Self as Step>::__vt_step(self, is_concurrent)
        }
        #[inline]
        pub fn __rec_step(&self, is_concurrent: i64) -> u32 {
            <Self as Step>::__vt_step(self, is_concurrent)
        }
        #[inline]
        pub fn other(&self) -> u32 {
            <Self as Step>::other(self)
        }
        #[inline]
        pub fn __vt_other(&self, is_concurrent: i64) -> u32 {
            <Self as Step>::__vt_other(self, is_concurrent)
        }
        #[inline]
        pub fn __rec_other(&self, is_concurrent: i64) -> u32 {
            <Self as Step>::__vt_other(self, is_concurrent)
        }
    }
}
