mod scalars {
    pub trait Scalar: Copy {
        #[doc(hidden)]
        #[allow(warnings)]
        fn write_vthread_above_this_impl()
        where
            Self: Sized;
        #[allow(deprecated)]
        #[inline]
        fn halves(self) -> u32
        where
            Self: Sized,
        {
            <Self as Scalar>::__vt_halves(self, ::vthread::__private::current!())
        }
        #[doc(hidden)]
        fn __vt_halves(self, is_concurrent: i64) -> u32
        where
            Self: Sized;
        #[doc(hidden)]
        #[allow(warnings)]
        #[inline]
        fn __rec_halves(self, is_concurrent: i64) -> u32
        where
            Self: Sized,
        {
            if is_concurrent & 1 == 0 {
                ::vthread::__private::plain_only!();
                <Self as Scalar>::__vt_halves(self, is_concurrent)
            } else {
                ::vthread::__private::on_chunk(move || <Self as Scalar>::__vt_halves(
                    self,
                    1,
                ))
            }
        }
        fn bits(self) -> u32 {
            8
        }
    }
    macro_rules! scalar {
        ($($t:ty),*) => {
            $(#[::vthread::vthread] impl Scalar for $t { fn halves(self) -> u32 { if self
            == 0 { 0 } else { 1 + (self / 2).halves() } } #[plain] fn bits(self) -> u32 {
            <$t >::BITS } })*
        };
        (@ display $t:ty) => {
            impl std::fmt::Display for $t { fn fmt(& self, f : & mut std::fmt::Formatter
            <'_ >) -> std::fmt::Result { f.write_str("it") } }
        };
    }
    scalar!(u32, i64);
}
