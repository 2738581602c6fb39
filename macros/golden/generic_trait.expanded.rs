mod conversions {
    pub trait Convert<A> {
        #[doc(hidden)]
        #[allow(non_upper_case_globals)]
        const write_vthread_dyn_use_to_name_dyn_here: bool = false;
        #[doc(hidden)]
        #[allow(warnings)]
        fn write_vthread_above_this_impl()
        where
            Self: Sized;
        type Out;
        #[allow(deprecated)]
        #[inline]
        fn convert(&self, a: A) -> Self::Out {
            <Self as Convert<A>>::__vt_convert(self, ::vthread::__private::current!(), a)
        }
        #[doc(hidden)]
        fn __vt_convert(&self, is_concurrent: i64, a: A) -> Self::Out;
        #[doc(hidden)]
        #[allow(warnings)]
        #[inline]
        fn __rec_convert(&self, is_concurrent: i64, a: A) -> Self::Out {
            if <Self as Convert<A>>::write_vthread_dyn_use_to_name_dyn_here {
                <Self as Convert<A>>::__vt_convert(self, is_concurrent, a)
            } else if is_concurrent & 1 == 0 {
                ::vthread::__private::plain_only!();
                <Self as Convert<A>>::__vt_convert(self, is_concurrent, a)
            } else {
                ::vthread::__private::on_chunk(move || <Self as Convert<
                    A,
                >>::__vt_convert(self, 1, a))
            }
        }
    }
    #[doc(hidden)]
    #[allow(warnings)]
    pub trait __ConvertTable<A>: Convert<A> + Sized {
        const PAIRS: &'static [*const (); 2usize] = &[
            <Self as Convert<A>>::__vt_convert as *const (),
            <Self as __ConvertTable<A>>::__chunk_convert as *const (),
        ];
        #[inline(never)]
        fn __chunk_convert(&self, is_concurrent: i64, a: A) -> Self::Out {
            ::vthread::__private::enter_on_chunk!(
                false, (self, a,), < Self as __ConvertTable < A > > ::__enter_convert
            )
        }
        ::vthread::__private::entry!(
            __enter_convert, (argument_0), < Self as Convert < A > > ::__vt_convert
        );
        fn __one_signature() {
            let _ = [
                <Self as Convert<A>>::__vt_convert,
                <Self as __ConvertTable<A>>::__chunk_convert,
            ];
        }
    }
    #[allow(warnings)]
    impl<A, __T: Convert<A>> __ConvertTable<A> for __T {}
    #[doc(hidden)]
    #[allow(warnings)]
    pub trait __ConvertObj<A> {
        type Out;
        fn __slot_convert(&self, is_concurrent: i64, a: A) -> Self::Out;
    }
    #[allow(warnings)]
    impl<A, __T: Convert<A>> __ConvertObj<A> for __T {
        type Out = <__T as Convert<A>>::Out;
        fn __slot_convert(&self, is_concurrent: i64, a: A) -> Self::Out {
            let is_concurrent: i64 = ::vthread::__private::bit!(is_concurrent);
            let entry = ::vthread::__private::select!(
                ::core::concat!(::core::module_path!(), "::Convert::convert"), < Self as
                __ConvertTable < A > > ::PAIRS, 0usize, is_concurrent, < Self as
                __ConvertTable < A > > ::__chunk_convert
            );
            let entry: fn(_, i64, _) -> _ = unsafe { ::core::mem::transmute(entry) };
            entry(self, is_concurrent, a)
        }
    }
    #[allow(warnings)]
    impl<A, __Out> Convert<A> for dyn __ConvertObj<A, Out = __Out> + '_ {
        const write_vthread_dyn_use_to_name_dyn_here: bool = true;
        type Out = __Out;
        #[inline]
        fn __vt_convert(&self, is_concurrent: i64, a: A) -> Self::Out {
            let object: &Self = ::vthread::__private::tag!(
                ::core::concat!(::core::module_path!(), "::Convert::convert"), self
            );
            <Self as __ConvertObj<A>>::__slot_convert(object, is_concurrent, a)
        }
    }
    #[doc(hidden)]
    #[allow(warnings)]
    impl<A, __Out> dyn __ConvertObj<A, Out = __Out> + '_ {
        #[inline]
        pub fn convert(&self, a: A) -> <Self as Convert<A>>::Out {
            <Self as Convert<A>>::convert(self, a)
        }
        #[inline]
        pub fn __vt_convert(
            &self,
            is_concurrent: i64,
            a: A,
        ) -> <Self as Convert<A>>::Out {
            <Self as Convert<A>>::__vt_convert(self, is_concurrent, a)
        }
        #[inline]
        pub fn __rec_convert(
            &self,
            is_concurrent: i64,
            a: A,
        ) -> <Self as Convert<A>>::Out {
            <Self as Convert<A>>::__vt_convert(self, is_concurrent, a)
        }
    }
    #[allow(warnings)]
    impl<A, __Out> Convert<A>
    for dyn __ConvertObj<A, Out = __Out> + ::core::marker::Send + '_ {
        const write_vthread_dyn_use_to_name_dyn_here: bool = true;
        type Out = __Out;
        #[inline]
        fn __vt_convert(&self, is_concurrent: i64, a: A) -> Self::Out {
            <dyn __ConvertObj<
                A,
                Out = __Out,
            > as Convert<A>>::__vt_convert(self, is_concurrent, a)
        }
    }
    #[doc(hidden)]
    #[allow(warnings)]
    impl<A, __Out> dyn __ConvertObj<A, Out = __Out> + ::core::marker::Send + '_ {
        #[inline]
        pub fn convert(&self, a: A) -> <Self as Convert<A>>::Out {
            <Self as Convert<A>>::convert(self, a)
        }
        #[inline]
        pub fn __vt_convert(
            &self,
            is_concurrent: i64,
            a: A,
        ) -> <Self as Convert<A>>::Out {
            <Self as Convert<A>>::__vt_convert(self, is_concurrent, a)
        }
        #[inline]
        pub fn __rec_convert(
            &self,
            is_concurrent: i64,
            a: A,
        ) -> <Self as Convert<A>>::Out {
            <Self as Convert<A>>::__vt_convert(self, is_concurrent, a)
        }
    }
    #[allow(warnings)]
    impl<A, __Out> Convert<A>
    for dyn __ConvertObj<A, Out = __Out> + ::core::marker::Sync + '_ {
        const write_vthread_dyn_use_to_name_dyn_here: bool = true;
        type Out = __Out;
        #[inline]
        fn __vt_convert(&self, is_concurrent: i64, a: A) -> Self::Out {
            <dyn __ConvertObj<
                A,
                Out = __Out,
            > as Convert<A>>::__vt_convert(self, is_concurrent, a)
        }
    }
    #[doc(hidden)]
    #[allow(warnings)]
    impl<A, __Out> dyn __ConvertObj<A, Out = __Out> + ::core::marker::Sync + '_ {
        #[inline]
        pub fn convert(&self, a: A) -> <Self as Convert<A>>::Out {
            <Self as Convert<A>>::convert(self, a)
        }
        #[inline]
        pub fn __vt_convert(
            &self,
            is_concurrent: i64,
            a: A,
        ) -> <Self as Convert<A>>::Out {
            <Self as Convert<A>>::__vt_convert(self, is_concurrent, a)
        }
        #[inline]
        pub fn __rec_convert(
            &self,
            is_concurrent: i64,
            a: A,
        ) -> <Self as Convert<A>>::Out {
            <Self as Convert<A>>::__vt_convert(self, is_concurrent, a)
        }
    }
    #[allow(warnings)]
    impl<A, __Out> Convert<A>
    for dyn __ConvertObj<
        A,
        Out = __Out,
    > + ::core::marker::Send + ::core::marker::Sync + '_ {
        const write_vthread_dyn_use_to_name_dyn_here: bool = true;
        type Out = __Out;
        #[inline]
        fn __vt_convert(&self, is_concurrent: i64, a: A) -> Self::Out {
            <dyn __ConvertObj<
                A,
                Out = __Out,
            > as Convert<A>>::__vt_convert(self, is_concurrent, a)
        }
    }
    #[doc(hidden)]
    #[allow(warnings)]
    impl<
        A,
        __Out,
    > dyn __ConvertObj<
        A,
        Out = __Out,
    > + ::core::marker::Send + ::core::marker::Sync + '_ {
        #[inline]
        pub fn convert(&self, a: A) -> <Self as Convert<A>>::Out {
            <Self as Convert<A>>::convert(self, a)
        }
        #[inline]
        pub fn __vt_convert(
            &self,
            is_concurrent: i64,
            a: A,
        ) -> <Self as Convert<A>>::Out {
            <Self as Convert<A>>::__vt_convert(self, is_concurrent, a)
        }
        #[inline]
        pub fn __rec_convert(
            &self,
            is_concurrent: i64,
            a: A,
        ) -> <Self as Convert<A>>::Out {
            <Self as Convert<A>>::__vt_convert(self, is_concurrent, a)
        }
    }
    #[allow(warnings)]
    impl Convert<u32> for dyn __TwiceObj + '_ {
        const write_vthread_dyn_use_to_name_dyn_here: bool = true;
        type Out = u64;
        #[inline]
        fn __vt_convert(&self, is_concurrent: i64, a: u32) -> Self::Out {
            let object: &Self = ::vthread::__private::tag!(
                ::core::concat!(::core::module_path!(), "::Convert::convert"), self
            );
            <Self as __ConvertObj<u32>>::__slot_convert(object, is_concurrent, a)
        }
    }
    #[doc(hidden)]
    #[allow(warnings)]
    impl dyn __TwiceObj + '_ {
        #[inline]
        pub fn convert(&self, a: u32) -> <Self as Convert<u32>>::Out {
            <Self as Convert<u32>>::convert(self, a)
        }
        #[inline]
        pub fn __vt_convert(
            &self,
            is_concurrent: i64,
            a: u32,
        ) -> <Self as Convert<u32>>::Out {
            <Self as Convert<u32>>::__vt_convert(self, is_concurrent, a)
        }
        #[inline]
        pub fn __rec_convert(
            &self,
            is_concurrent: i64,
            a: u32,
        ) -> <Self as Convert<u32>>::Out {
            <Self as Convert<u32>>::__vt_convert(self, is_concurrent, a)
        }
    }
    #[allow(warnings)]
    impl Convert<u32> for dyn __TwiceObj + ::core::marker::Send + '_ {
        const write_vthread_dyn_use_to_name_dyn_here: bool = true;
        type Out = u64;
        #[inline]
        fn __vt_convert(&self, is_concurrent: i64, a: u32) -> Self::Out {
            <dyn __TwiceObj as Convert<u32>>::__vt_convert(self, is_concurrent, a)
        }
    }
    #[doc(hidden)]
    #[allow(warnings)]
    impl dyn __TwiceObj + ::core::marker::Send + '_ {
        #[inline]
        pub fn convert(&self, a: u32) -> <Self as Convert<u32>>::Out {
            <Self as Convert<u32>>::convert(self, a)
        }
        #[inline]
        pub fn __vt_convert(
            &self,
            is_concurrent: i64,
            a: u32,
        ) -> <Self as Convert<u32>>::Out {
            <Self as Convert<u32>>::__vt_convert(self, is_concurrent, a)
        }
        #[inline]
        pub fn __rec_convert(
            &self,
            is_concurrent: i64,
            a: u32,
        ) -> <Self as Convert<u32>>::Out {
            <Self as Convert<u32>>::__vt_convert(self, is_concurrent, a)
        }
    }
    #[allow(warnings)]
    impl Convert<u32> for dyn __TwiceObj + ::core::marker::Sync + '_ {
        const write_vthread_dyn_use_to_name_dyn_here: bool = true;
        type Out = u64;
        #[inline]
        fn __vt_convert(&self, is_concurrent: i64, a: u32) -> Self::Out {
            <dyn __TwiceObj as Convert<u32>>::__vt_convert(self, is_concurrent, a)
        }
    }
    #[doc(hidden)]
    #[allow(warnings)]
    impl dyn __TwiceObj + ::core::marker::Sync + '_ {
        #[inline]
        pub fn convert(&self, a: u32) -> <Self as Convert<u32>>::Out {
            <Self as Convert<u32>>::convert(self, a)
        }
        #[inline]
        pub fn __vt_convert(
            &self,
            is_concurrent: i64,
            a: u32,
        ) -> <Self as Convert<u32>>::Out {
            <Self as Convert<u32>>::__vt_convert(self, is_concurrent, a)
        }
        #[inline]
        pub fn __rec_convert(
            &self,
            is_concurrent: i64,
            a: u32,
        ) -> <Self as Convert<u32>>::Out {
            <Self as Convert<u32>>::__vt_convert(self, is_concurrent, a)
        }
    }
    #[allow(warnings)]
    impl Convert<u32>
    for dyn __TwiceObj + ::core::marker::Send + ::core::marker::Sync + '_ {
        const write_vthread_dyn_use_to_name_dyn_here: bool = true;
        type Out = u64;
        #[inline]
        fn __vt_convert(&self, is_concurrent: i64, a: u32) -> Self::Out {
            <dyn __TwiceObj as Convert<u32>>::__vt_convert(self, is_concurrent, a)
        }
    }
    #[doc(hidden)]
    #[allow(warnings)]
    impl dyn __TwiceObj + ::core::marker::Send + ::core::marker::Sync + '_ {
        #[inline]
        pub fn convert(&self, a: u32) -> <Self as Convert<u32>>::Out {
            <Self as Convert<u32>>::convert(self, a)
        }
        #[inline]
        pub fn __vt_convert(
            &self,
            is_concurrent: i64,
            a: u32,
        ) -> <Self as Convert<u32>>::Out {
            <Self as Convert<u32>>::__vt_convert(self, is_concurrent, a)
        }
        #[inline]
        pub fn __rec_convert(
            &self,
            is_concurrent: i64,
            a: u32,
        ) -> <Self as Convert<u32>>::Out {
            <Self as Convert<u32>>::__vt_convert(self, is_concurrent, a)
        }
    }
    pub trait Twice: Convert<u32, Out = u64> {
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
        fn twice(&self, a: u32) -> u64 {
            <Self as Twice>::__vt_twice(self, ::vthread::__private::current!(), a)
        }
        #[doc(hidden)]
        fn __vt_twice(&self, is_concurrent: i64, a: u32) -> u64 {
            self.__vt_convert(is_concurrent, a) * 2
        }
        #[doc(hidden)]
        #[allow(warnings)]
        #[inline]
        fn __rec_twice(&self, is_concurrent: i64, a: u32) -> u64 {
            if <Self as Twice>::write_vthread_dyn_use_to_name_dyn_here {
                <Self as Twice>::__vt_twice(self, is_concurrent, a)
            } else if is_concurrent & 1 == 0 {
                ::vthread::__private::plain_only!();
                <Self as Twice>::__vt_twice(self, is_concurrent, a)
            } else {
                ::vthread::__private::on_chunk(move || <Self as Twice>::__vt_twice(
                    self,
                    1,
                    a,
                ))
            }
        }
    }
    #[doc(hidden)]
    #[allow(warnings)]
    pub trait __TwiceTable: Twice + Sized {
        const PAIRS: &'static [*const (); 2usize] = &[
            <Self as Twice>::__vt_twice as *const (),
            <Self as __TwiceTable>::__chunk_twice as *const (),
        ];
        #[inline(never)]
        fn __chunk_twice(&self, is_concurrent: i64, a: u32) -> u64 {
            ::vthread::__private::enter_on_chunk!(
                false, (self, a,), < Self as __TwiceTable > ::__enter_twice
            )
        }
        ::vthread::__private::entry!(
            __enter_twice, (argument_0), < Self as Twice > ::__vt_twice
        );
        fn __one_signature() {
            let _ = [<Self as Twice>::__vt_twice, <Self as __TwiceTable>::__chunk_twice];
        }
    }
    #[allow(warnings)]
    impl<__T: Twice> __TwiceTable for __T {}
    #[doc(hidden)]
    #[allow(warnings)]
    pub trait __TwiceObj: __ConvertObj<u32, Out = u64> {
        fn __slot_twice(&self, is_concurrent: i64, a: u32) -> u64;
    }
    #[allow(warnings)]
    impl<__T: Twice> __TwiceObj for __T {
        fn __slot_twice(&self, is_concurrent: i64, a: u32) -> u64 {
            let is_concurrent: i64 = ::vthread::__private::bit!(is_concurrent);
            let entry = ::vthread::__private::select!(
                ::core::concat!(::core::module_path!(), "::Twice::twice"), < Self as
                __TwiceTable > ::PAIRS, 0usize, is_concurrent, < Self as __TwiceTable >
                ::__chunk_twice
            );
            let entry: fn(_, i64, _) -> _ = unsafe { ::core::mem::transmute(entry) };
            entry(self, is_concurrent, a)
        }
    }
    #[allow(warnings)]
    impl Twice for dyn __TwiceObj + '_ {
        const write_vthread_dyn_use_to_name_dyn_here: bool = true;
        #[inline]
        fn __vt_twice(&self, is_concurrent: i64, a: u32) -> u64 {
            let object: &Self = ::vthread::__private::tag!(
                ::core::concat!(::core::module_path!(), "::Twice::twice"), self
            );
            <Self as __TwiceObj>::__slot_twice(object, is_concurrent, a)
        }
    }
    #[doc(hidden)]
    #[allow(warnings)]
    impl dyn __TwiceObj + '_ {
        #[inline]
        pub fn twice(&self, a: u32) -> u64 {
            <Self as Twice>::twice(self, a)
        }
        #[inline]
        pub fn __vt_twice(&self, is_concurrent: i64, a: u32) -> u64 {
            <Self as Twice>::__vt_twice(self, is_concurrent, a)
        }
        #[inline]
        pub fn __rec_twice(&self, is_concurrent: i64, a: u32) -> u64 {
            <Self as Twice>::__vt_twice(self, is_concurrent, a)
        }
    }
    #[allow(warnings)]
    impl Twice for dyn __TwiceObj + ::core::marker::Send + '_ {
        const write_vthread_dyn_use_to_name_dyn_here: bool = true;
        #[inline]
        fn __vt_twice(&self, is_concurrent: i64, a: u32) -> u64 {
            <dyn __TwiceObj as Twice>::__vt_twice(self, is_concurrent, a)
        }
    }
    #[doc(hidden)]
    #[allow(warnings)]
    impl dyn __TwiceObj + ::core::marker::Send + '_ {
        #[inline]
        pub fn twice(&self, a: u32) -> u64 {
            <Self as Twice>::twice(self, a)
        }
        #[inline]
        pub fn __vt_twice(&self, is_concurrent: i64, a: u32) -> u64 {
            <Self as Twice>::__vt_twice(self, is_concurrent, a)
        }
        #[inline]
        pub fn __rec_twice(&self, is_concurrent: i64, a: u32) -> u64 {
            <Self as Twice>::__vt_twice(self, is_concurrent, a)
        }
    }
    #[allow(warnings)]
    impl Twice for dyn __TwiceObj + ::core::marker::Sync + '_ {
        const write_vthread_dyn_use_to_name_dyn_here: bool = true;
        #[inline]
        fn __vt_twice(&self, is_concurrent: i64, a: u32) -> u64 {
            <dyn __TwiceObj as Twice>::__vt_twice(self, is_concurrent, a)
        }
    }
    #[doc(hidden)]
    #[allow(warnings)]
    impl dyn __TwiceObj + ::core::marker::Sync + '_ {
        #[inline]
        pub fn twice(&self, a: u32) -> u64 {
            <Self as Twice>::twice(self, a)
        }
        #[inline]
        pub fn __vt_twice(&self, is_concurrent: i64, a: u32) -> u64 {
            <Self as Twice>::__vt_twice(self, is_concurrent, a)
        }
        #[inline]
        pub fn __rec_twice(&self, is_concurrent: i64, a: u32) -> u64 {
            <Self as Twice>::__vt_twice(self, is_concurrent, a)
        }
    }
    #[allow(warnings)]
    impl Twice for dyn __TwiceObj + ::core::marker::Send + ::core::marker::Sync + '_ {
        const write_vthread_dyn_use_to_name_dyn_here: bool = true;
        #[inline]
        fn __vt_twice(&self, is_concurrent: i64, a: u32) -> u64 {
            <dyn __TwiceObj as Twice>::__vt_twice(self, is_concurrent, a)
        }
    }
    #[doc(hidden)]
    #[allow(warnings)]
    impl dyn __TwiceObj + ::core::marker::Send + ::core::marker::Sync + '_ {
        #[inline]
        pub fn twice(&self, a: u32) -> u64 {
            <Self as Twice>::twice(self, a)
        }
        #[inline]
        pub fn __vt_twice(&self, is_concurrent: i64, a: u32) -> u64 {
            <Self as Twice>::__vt_twice(self, is_concurrent, a)
        }
        #[inline]
        pub fn __rec_twice(&self, is_concurrent: i64, a: u32) -> u64 {
            <Self as Twice>::__vt_twice(self, is_concurrent, a)
        }
    }
    #[allow(dead_code, deprecated)]
    #[inline]
    pub fn use_them(
        one: &dyn __ConvertObj<u8, Out = String>,
        two: &dyn __TwiceObj,
    ) -> String {
        __vt_use_them(::vthread::__private::current!(), one, two)
    }
    #[doc(hidden)]
    pub fn __vt_use_them(
        is_concurrent: i64,
        one: &dyn __ConvertObj<u8, Out = String>,
        two: &dyn __TwiceObj,
    ) -> String {
        format!(
            "{}{}{}", one.__vt_convert(is_concurrent, 1), two.__vt_twice(is_concurrent,
            2), two.__vt_convert(is_concurrent, 3)
        )
    }
    #[diagnostic::on_unimplemented(
        message = "#[vthread]: this `convert` is not the vthread one: `{Self}` has none",
        label = "write the type of the receiver down, or `#[plain]` before the call"
    )]
    #[doc(hidden)]
    #[allow(warnings)]
    trait has_vthread_convert {}
    #[doc(hidden)]
    #[allow(warnings)]
    trait calls_vthread_convert {
        fn __vt_convert(&self) {}
    }
    #[doc(hidden)]
    #[allow(warnings)]
    impl<__T: has_vthread_convert + ?Sized> calls_vthread_convert for __T {}
    #[diagnostic::on_unimplemented(
        message = "#[vthread]: this `twice` is not the vthread one: `{Self}` has none",
        label = "write the type of the receiver down, or `#[plain]` before the call"
    )]
    #[doc(hidden)]
    #[allow(warnings)]
    trait has_vthread_twice {}
    #[doc(hidden)]
    #[allow(warnings)]
    trait calls_vthread_twice {
        fn __vt_twice(&self) {}
    }
    #[doc(hidden)]
    #[allow(warnings)]
    impl<__T: has_vthread_twice + ?Sized> calls_vthread_twice for __T {}
}
