mod reading {
    trait Read {
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
        fn read(&mut self) -> u32 {
            <Self as Read>::__vt_read(self, ::vthread::__private::current!())
        }
        #[doc(hidden)]
        fn __vt_read(&mut self, is_concurrent: i64) -> u32;
        #[doc(hidden)]
        #[allow(warnings)]
        #[inline]
        fn __rec_read(&mut self, is_concurrent: i64) -> u32 {
            if <Self as Read>::write_vthread_dyn_use_to_name_dyn_here {
                <Self as Read>::__vt_read(self, is_concurrent)
            } else if is_concurrent & 1 == 0 {
                ::vthread::__private::plain_only!();
                <Self as Read>::__vt_read(self, is_concurrent)
            } else {
                ::vthread::__private::on_chunk(move || <Self as Read>::__vt_read(
                    self,
                    1,
                ))
            }
        }
    }
    #[doc(hidden)]
    #[allow(warnings)]
    trait __ReadTable: Read + Sized {
        const PAIRS: &'static [*const (); 2usize] = &[
            <Self as Read>::__vt_read as *const (),
            <Self as __ReadTable>::__chunk_read as *const (),
        ];
        #[inline(never)]
        fn __chunk_read(&mut self, is_concurrent: i64) -> u32 {
            ::vthread::__private::enter_on_chunk!(
                false, (self,), < Self as __ReadTable > ::__enter_read
            )
        }
        ::vthread::__private::entry!(__enter_read, (), < Self as Read > ::__vt_read);
        fn __one_signature() {
            let _ = [<Self as Read>::__vt_read, <Self as __ReadTable>::__chunk_read];
        }
    }
    #[allow(warnings)]
    impl<__T: Read> __ReadTable for __T {}
    #[doc(hidden)]
    #[allow(warnings)]
    trait __ReadObj {
        fn __slot_read(&mut self, is_concurrent: i64) -> u32;
    }
    #[allow(warnings)]
    impl<__T: Read> __ReadObj for __T {
        fn __slot_read(&mut self, is_concurrent: i64) -> u32 {
            let is_concurrent: i64 = ::vthread::__private::bit!(is_concurrent);
            let entry = ::vthread::__private::select!(
                ::core::concat!(::core::module_path!(), "::Read::read"), < Self as
                __ReadTable > ::PAIRS, 0usize, is_concurrent, < Self as __ReadTable >
                ::__chunk_read
            );
            let entry: fn(_, i64) -> _ = unsafe { ::core::mem::transmute(entry) };
            entry(self, is_concurrent)
        }
    }
    #[allow(warnings)]
    impl Read for dyn __ReadObj + '_ {
        const write_vthread_dyn_use_to_name_dyn_here: bool = true;
        #[inline]
        fn __vt_read(&mut self, is_concurrent: i64) -> u32 {
            let object: &mut Self = ::vthread::__private::tag!(
                ::core::concat!(::core::module_path!(), "::Read::read"), self
            );
            <Self as __ReadObj>::__slot_read(object, is_concurrent)
        }
    }
    #[doc(hidden)]
    #[allow(warnings)]
    impl dyn __ReadObj + '_ {
        #[inline]
        pub fn read(&mut self) -> u32 {
            <Self as Read>::read(self)
        }
        #[inline]
        pub fn __vt_read(&mut self, is_concurrent: i64) -> u32 {
            <Self as Read>::__vt_read(self, is_concurrent)
        }
        #[inline]
        pub fn __rec_read(&mut self, is_concurrent: i64) -> u32 {
            <Self as Read>::__vt_read(self, is_concurrent)
        }
    }
    #[allow(warnings)]
    impl Read for dyn __ReadObj + ::core::marker::Send + '_ {
        const write_vthread_dyn_use_to_name_dyn_here: bool = true;
        #[inline]
        fn __vt_read(&mut self, is_concurrent: i64) -> u32 {
            <dyn __ReadObj as Read>::__vt_read(self, is_concurrent)
        }
    }
    #[doc(hidden)]
    #[allow(warnings)]
    impl dyn __ReadObj + ::core::marker::Send + '_ {
        #[inline]
        pub fn read(&mut self) -> u32 {
            <Self as Read>::read(self)
        }
        #[inline]
        pub fn __vt_read(&mut self, is_concurrent: i64) -> u32 {
            <Self as Read>::__vt_read(self, is_concurrent)
        }
        #[inline]
        pub fn __rec_read(&mut self, is_concurrent: i64) -> u32 {
            <Self as Read>::__vt_read(self, is_concurrent)
        }
    }
    #[allow(warnings)]
    impl Read for dyn __ReadObj + ::core::marker::Sync + '_ {
        const write_vthread_dyn_use_to_name_dyn_here: bool = true;
        #[inline]
        fn __vt_read(&mut self, is_concurrent: i64) -> u32 {
            <dyn __ReadObj as Read>::__vt_read(self, is_concurrent)
        }
    }
    #[doc(hidden)]
    #[allow(warnings)]
    impl dyn __ReadObj + ::core::marker::Sync + '_ {
        #[inline]
        pub fn read(&mut self) -> u32 {
            <Self as Read>::read(self)
        }
        #[inline]
        pub fn __vt_read(&mut self, is_concurrent: i64) -> u32 {
            <Self as Read>::__vt_read(self, is_concurrent)
        }
        #[inline]
        pub fn __rec_read(&mut self, is_concurrent: i64) -> u32 {
            <Self as Read>::__vt_read(self, is_concurrent)
        }
    }
    #[allow(warnings)]
    impl Read for dyn __ReadObj + ::core::marker::Send + ::core::marker::Sync + '_ {
        const write_vthread_dyn_use_to_name_dyn_here: bool = true;
        #[inline]
        fn __vt_read(&mut self, is_concurrent: i64) -> u32 {
            <dyn __ReadObj as Read>::__vt_read(self, is_concurrent)
        }
    }
    #[doc(hidden)]
    #[allow(warnings)]
    impl dyn __ReadObj + ::core::marker::Send + ::core::marker::Sync + '_ {
        #[inline]
        pub fn read(&mut self) -> u32 {
            <Self as Read>::read(self)
        }
        #[inline]
        pub fn __vt_read(&mut self, is_concurrent: i64) -> u32 {
            <Self as Read>::__vt_read(self, is_concurrent)
        }
        #[inline]
        pub fn __rec_read(&mut self, is_concurrent: i64) -> u32 {
            <Self as Read>::__vt_read(self, is_concurrent)
        }
    }
    impl<R: Read + ?Sized> Read for &mut R {
        #[doc(hidden)]
        fn __vt_read(&mut self, is_concurrent: i64) -> u32 {
            (**self).__vt_read(is_concurrent)
        }
        #[doc(hidden)]
        #[allow(warnings)]
        #[inline]
        fn write_vthread_above_this_impl() {}
    }
    struct Twice<R>(R);
    impl<R: Read> Read for Twice<R> {
        #[doc(hidden)]
        fn __vt_read(&mut self, is_concurrent: i64) -> u32 {
            self.0.__vt_read(is_concurrent) * 2
        }
        #[doc(hidden)]
        #[allow(warnings)]
        #[inline]
        fn write_vthread_above_this_impl() {}
    }
    struct Both<A, B> {
        left: A,
        right: B,
    }
    impl<Y: Read, X: Read> Read for Both<X, Y> {
        #[doc(hidden)]
        fn __vt_read(&mut self, is_concurrent: i64) -> u32 {
            self.left.__vt_read(is_concurrent) + self.right.__vt_read(is_concurrent)
        }
        #[doc(hidden)]
        #[allow(warnings)]
        #[inline]
        fn write_vthread_above_this_impl() {}
    }
    struct List {
        value: u32,
        next: Option<Box<List>>,
    }
    impl List {
        #[allow(deprecated)]
        #[inline]
        fn sum(&self) -> u32 {
            let entry = ::vthread::__private::callee_here!(
                Self::__body_sum:: < false >, Self::__chunk_sum, fn (_, _) -> _
            );
            entry(self, ::vthread::__private::Known::<false>)
        }
        #[doc(hidden)]
        #[allow(dead_code)]
        fn __body_sum<const __CONCURRENT: bool>(
            &self,
            #[allow(unused_variables)]
            known: ::vthread::__private::Known<__CONCURRENT>,
        ) -> u32 {
            ::vthread::__private::known_here!(__CONCURRENT);
            match &self.next {
                Some(next) => self.value + next.sum(),
                None => self.value,
            }
        }
        #[doc(hidden)]
        #[allow(warnings)]
        #[inline(always)]
        fn __vt_sum(&self, is_concurrent: i64) -> u32 {
            if is_concurrent & 1 == 0 {
                ::vthread::__private::plain_only!();
                Self::__body_sum(self, ::vthread::__private::Known::<false>)
            } else {
                Self::__body_sum(self, ::vthread::__private::Known::<true>)
            }
        }
        #[doc(hidden)]
        #[allow(warnings)]
        #[inline(always)]
        fn __step_sum<const __CONCURRENT: bool>(
            &self,
            #[allow(unused_variables)]
            known: ::vthread::__private::Known<__CONCURRENT>,
        ) -> u32 {
            if __CONCURRENT {
                Self::__chunk_sum(self, ::vthread::__private::Known::<true>)
            } else {
                Self::__body_sum(self, ::vthread::__private::Known::<false>)
            }
        }
        #[doc(hidden)]
        #[allow(warnings)]
        #[inline(always)]
        fn __rec_sum(&self, is_concurrent: i64) -> u32 {
            if is_concurrent & 1 == 0 {
                ::vthread::__private::plain_only!();
                Self::__body_sum(self, ::vthread::__private::Known::<false>)
            } else {
                Self::__chunk_sum(self, ::vthread::__private::Known::<true>)
            }
        }
        #[doc(hidden)]
        #[allow(warnings)]
        #[inline(never)]
        fn __chunk_sum(
            &self,
            #[allow(unused_variables)]
            known: ::vthread::__private::Known<true>,
        ) -> u32 {
            ::vthread::__private::on_chunk(move || Self::__body_sum(
                self,
                ::vthread::__private::Known::<true>,
            ))
        }
    }
    macro_rules! or_nothing {
        ($e:expr) => {
            match $e { Some(value) => value, None => return 0, }
        };
    }
    #[allow(dead_code, deprecated)]
    #[inline]
    fn checked(n: u32) -> Option<u32> {
        __vt_checked(::vthread::__private::current!(), n)
    }
    #[doc(hidden)]
    fn __vt_checked(_is_concurrent: i64, n: u32) -> Option<u32> {
        (n < 100).then_some(n)
    }
    #[allow(deprecated)]
    #[inline]
    fn through_a_macro(n: u32) -> u32 {
        __vt_through_a_macro(::vthread::__private::current!(), n)
    }
    #[doc(hidden)]
    #[allow(dead_code)]
    fn __vt_through_a_macro(is_concurrent: i64, n: u32) -> u32 {
        or_nothing!(__vt_checked(is_concurrent, n)) + 1
    }
    macro_rules! of_half {
        ($e:expr) => {
            halved($e)
        };
    }
    #[allow(dead_code, deprecated)]
    #[inline]
    fn halved(n: u32) -> u32 {
        let entry = ::vthread::__private::callee_here!(
            __body_halved:: < false >, __chunk_halved, fn (_, _) -> _
        );
        entry(::vthread::__private::Known::<false>, n)
    }
    #[doc(hidden)]
    fn __body_halved<const __CONCURRENT: bool>(
        #[allow(unused_variables)]
        known: ::vthread::__private::Known<__CONCURRENT>,
        n: u32,
    ) -> u32 {
        if n == 0 { 0 } else { 1 + __step_halved(known, n / 2) }
    }
    #[doc(hidden)]
    #[allow(warnings)]
    #[inline(always)]
    fn __vt_halved(is_concurrent: i64, n: u32) -> u32 {
        if is_concurrent & 1 == 0 {
            ::vthread::__private::plain_only!();
            __body_halved(::vthread::__private::Known::<false>, n)
        } else {
            __body_halved(::vthread::__private::Known::<true>, n)
        }
    }
    #[doc(hidden)]
    #[allow(warnings)]
    #[inline(always)]
    fn __step_halved<const __CONCURRENT: bool>(
        #[allow(unused_variables)]
        known: ::vthread::__private::Known<__CONCURRENT>,
        n: u32,
    ) -> u32 {
        if __CONCURRENT {
            __chunk_halved(::vthread::__private::Known::<true>, n)
        } else {
            __body_halved(::vthread::__private::Known::<false>, n)
        }
    }
    #[doc(hidden)]
    #[allow(warnings)]
    #[inline(always)]
    fn __rec_halved(is_concurrent: i64, n: u32) -> u32 {
        if is_concurrent & 1 == 0 {
            ::vthread::__private::plain_only!();
            __body_halved(::vthread::__private::Known::<false>, n)
        } else {
            __chunk_halved(::vthread::__private::Known::<true>, n)
        }
    }
    #[doc(hidden)]
    #[allow(warnings)]
    #[inline(never)]
    fn __chunk_halved(
        #[allow(unused_variables)]
        known: ::vthread::__private::Known<true>,
        n: u32,
    ) -> u32 {
        ::vthread::__private::on_chunk(move || __body_halved(
            ::vthread::__private::Known::<true>,
            n,
        ))
    }
    #[allow(deprecated)]
    #[inline]
    fn of_halves(n: u32) -> u32 {
        let entry = ::vthread::__private::callee_here!(
            __body_of_halves:: < false >, __chunk_of_halves, fn (_, _) -> _
        );
        entry(::vthread::__private::Known::<false>, n)
    }
    #[doc(hidden)]
    #[allow(dead_code)]
    fn __body_of_halves<const __CONCURRENT: bool>(
        #[allow(unused_variables)]
        known: ::vthread::__private::Known<__CONCURRENT>,
        n: u32,
    ) -> u32 {
        ::vthread::__private::known_here!(__CONCURRENT);
        if n == 0 { 0 } else { of_half!(n) + __step_of_halves(known, n - 1) }
    }
    #[doc(hidden)]
    #[allow(warnings)]
    #[inline(always)]
    fn __vt_of_halves(is_concurrent: i64, n: u32) -> u32 {
        if is_concurrent & 1 == 0 {
            ::vthread::__private::plain_only!();
            __body_of_halves(::vthread::__private::Known::<false>, n)
        } else {
            __body_of_halves(::vthread::__private::Known::<true>, n)
        }
    }
    #[doc(hidden)]
    #[allow(warnings)]
    #[inline(always)]
    fn __step_of_halves<const __CONCURRENT: bool>(
        #[allow(unused_variables)]
        known: ::vthread::__private::Known<__CONCURRENT>,
        n: u32,
    ) -> u32 {
        if __CONCURRENT {
            __chunk_of_halves(::vthread::__private::Known::<true>, n)
        } else {
            __body_of_halves(::vthread::__private::Known::<false>, n)
        }
    }
    #[doc(hidden)]
    #[allow(warnings)]
    #[inline(always)]
    fn __rec_of_halves(is_concurrent: i64, n: u32) -> u32 {
        if is_concurrent & 1 == 0 {
            ::vthread::__private::plain_only!();
            __body_of_halves(::vthread::__private::Known::<false>, n)
        } else {
            __chunk_of_halves(::vthread::__private::Known::<true>, n)
        }
    }
    #[doc(hidden)]
    #[allow(warnings)]
    #[inline(never)]
    fn __chunk_of_halves(
        #[allow(unused_variables)]
        known: ::vthread::__private::Known<true>,
        n: u32,
    ) -> u32 {
        ::vthread::__private::on_chunk(move || __body_of_halves(
            ::vthread::__private::Known::<true>,
            n,
        ))
    }
    #[allow(deprecated)]
    #[inline]
    fn of_checked(n: u32) -> u32 {
        let entry = ::vthread::__private::callee_here!(
            __body_of_checked:: < false >, __chunk_of_checked, fn (_, _) -> _
        );
        entry(::vthread::__private::Known::<false>, n)
    }
    #[doc(hidden)]
    #[allow(dead_code)]
    fn __body_of_checked<const __CONCURRENT: bool>(
        #[allow(unused_variables)]
        known: ::vthread::__private::Known<__CONCURRENT>,
        n: u32,
    ) -> u32 {
        let is_concurrent: i64 = __CONCURRENT as i64;
        or_nothing!(__vt_checked(is_concurrent, n))
            + or_nothing!(Some(__step_of_checked(known, n + 1)))
    }
    #[doc(hidden)]
    #[allow(warnings)]
    #[inline(always)]
    fn __vt_of_checked(is_concurrent: i64, n: u32) -> u32 {
        if is_concurrent & 1 == 0 {
            ::vthread::__private::plain_only!();
            __body_of_checked(::vthread::__private::Known::<false>, n)
        } else {
            __body_of_checked(::vthread::__private::Known::<true>, n)
        }
    }
    #[doc(hidden)]
    #[allow(warnings)]
    #[inline(always)]
    fn __step_of_checked<const __CONCURRENT: bool>(
        #[allow(unused_variables)]
        known: ::vthread::__private::Known<__CONCURRENT>,
        n: u32,
    ) -> u32 {
        if __CONCURRENT {
            __chunk_of_checked(::vthread::__private::Known::<true>, n)
        } else {
            __body_of_checked(::vthread::__private::Known::<false>, n)
        }
    }
    #[doc(hidden)]
    #[allow(warnings)]
    #[inline(always)]
    fn __rec_of_checked(is_concurrent: i64, n: u32) -> u32 {
        if is_concurrent & 1 == 0 {
            ::vthread::__private::plain_only!();
            __body_of_checked(::vthread::__private::Known::<false>, n)
        } else {
            __chunk_of_checked(::vthread::__private::Known::<true>, n)
        }
    }
    #[doc(hidden)]
    #[allow(warnings)]
    #[inline(never)]
    fn __chunk_of_checked(
        #[allow(unused_variables)]
        known: ::vthread::__private::Known<true>,
        n: u32,
    ) -> u32 {
        ::vthread::__private::on_chunk(move || __body_of_checked(
            ::vthread::__private::Known::<true>,
            n,
        ))
    }
}
