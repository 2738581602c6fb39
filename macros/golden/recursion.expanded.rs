mod recursion {
    #[allow(dead_code, deprecated)]
    #[inline]
    pub fn even(n: u32) -> bool {
        let entry = ::vthread::__private::callee_here!(
            __body_even:: < false >, __chunk_even, fn (_, _) -> _
        );
        entry(::vthread::__private::Known::<false>, n)
    }
    #[doc(hidden)]
    pub fn __body_even<const __CONCURRENT: bool>(
        #[allow(unused_variables)]
        known: ::vthread::__private::Known<__CONCURRENT>,
        n: u32,
    ) -> bool {
        n == 0 || __body_odd(known, n - 1)
    }
    #[doc(hidden)]
    #[allow(warnings)]
    #[inline(always)]
    pub fn __vt_even(is_concurrent: i64, n: u32) -> bool {
        if is_concurrent & 1 == 0 {
            ::vthread::__private::plain_only!();
            __body_even(::vthread::__private::Known::<false>, n)
        } else {
            __body_even(::vthread::__private::Known::<true>, n)
        }
    }
    #[doc(hidden)]
    #[allow(warnings)]
    #[inline(always)]
    pub fn __step_even<const __CONCURRENT: bool>(
        #[allow(unused_variables)]
        known: ::vthread::__private::Known<__CONCURRENT>,
        n: u32,
    ) -> bool {
        if __CONCURRENT {
            __chunk_even(::vthread::__private::Known::<true>, n)
        } else {
            __body_even(::vthread::__private::Known::<false>, n)
        }
    }
    #[doc(hidden)]
    #[allow(warnings)]
    #[inline(always)]
    pub fn __rec_even(is_concurrent: i64, n: u32) -> bool {
        if is_concurrent & 1 == 0 {
            ::vthread::__private::plain_only!();
            __body_even(::vthread::__private::Known::<false>, n)
        } else {
            __chunk_even(::vthread::__private::Known::<true>, n)
        }
    }
    #[doc(hidden)]
    #[allow(warnings)]
    #[inline(never)]
    pub fn __chunk_even(
        #[allow(unused_variables)]
        known: ::vthread::__private::Known<true>,
        n: u32,
    ) -> bool {
        ::vthread::__private::on_chunk(move || __body_even(
            ::vthread::__private::Known::<true>,
            n,
        ))
    }
    #[allow(dead_code, deprecated)]
    #[inline]
    pub fn odd(n: u32) -> bool {
        let entry = ::vthread::__private::callee_here!(
            __body_odd:: < false >, __chunk_odd, fn (_, _) -> _
        );
        entry(::vthread::__private::Known::<false>, n)
    }
    #[doc(hidden)]
    pub fn __body_odd<const __CONCURRENT: bool>(
        #[allow(unused_variables)]
        known: ::vthread::__private::Known<__CONCURRENT>,
        n: u32,
    ) -> bool {
        n != 0 && __step_even(known, n - 1)
    }
    #[doc(hidden)]
    #[allow(warnings)]
    #[inline(always)]
    pub fn __vt_odd(is_concurrent: i64, n: u32) -> bool {
        if is_concurrent & 1 == 0 {
            ::vthread::__private::plain_only!();
            __body_odd(::vthread::__private::Known::<false>, n)
        } else {
            __body_odd(::vthread::__private::Known::<true>, n)
        }
    }
    #[doc(hidden)]
    #[allow(warnings)]
    #[inline(always)]
    pub fn __step_odd<const __CONCURRENT: bool>(
        #[allow(unused_variables)]
        known: ::vthread::__private::Known<__CONCURRENT>,
        n: u32,
    ) -> bool {
        if __CONCURRENT {
            __chunk_odd(::vthread::__private::Known::<true>, n)
        } else {
            __body_odd(::vthread::__private::Known::<false>, n)
        }
    }
    #[doc(hidden)]
    #[allow(warnings)]
    #[inline(always)]
    pub fn __rec_odd(is_concurrent: i64, n: u32) -> bool {
        if is_concurrent & 1 == 0 {
            ::vthread::__private::plain_only!();
            __body_odd(::vthread::__private::Known::<false>, n)
        } else {
            __chunk_odd(::vthread::__private::Known::<true>, n)
        }
    }
    #[doc(hidden)]
    #[allow(warnings)]
    #[inline(never)]
    pub fn __chunk_odd(
        #[allow(unused_variables)]
        known: ::vthread::__private::Known<true>,
        n: u32,
    ) -> bool {
        ::vthread::__private::on_chunk(move || __body_odd(
            ::vthread::__private::Known::<true>,
            n,
        ))
    }
    pub enum Expr {
        Number(i64),
        Add(Box<Expr>, Box<Expr>),
    }
    impl Expr {
        #[allow(dead_code, deprecated)]
        #[inline]
        pub fn eval(&self) -> i64 {
            let entry = ::vthread::__private::callee_here!(
                Self::__body_eval:: < false >, Self::__chunk_eval, fn (_, _) -> _
            );
            entry(self, ::vthread::__private::Known::<false>)
        }
        #[doc(hidden)]
        pub fn __body_eval<const __CONCURRENT: bool>(
            &self,
            #[allow(unused_variables)]
            known: ::vthread::__private::Known<__CONCURRENT>,
        ) -> i64 {
            match self {
                Expr::Number(n) => *n,
                Expr::Add(a, b) => a.__step_eval(known) + b.__step_eval(known),
            }
        }
        #[doc(hidden)]
        #[allow(warnings)]
        #[inline(always)]
        pub fn __vt_eval(&self, is_concurrent: i64) -> i64 {
            if is_concurrent & 1 == 0 {
                ::vthread::__private::plain_only!();
                Self::__body_eval(self, ::vthread::__private::Known::<false>)
            } else {
                Self::__body_eval(self, ::vthread::__private::Known::<true>)
            }
        }
        #[doc(hidden)]
        #[allow(warnings)]
        #[inline(always)]
        pub fn __step_eval<const __CONCURRENT: bool>(
            &self,
            #[allow(unused_variables)]
            known: ::vthread::__private::Known<__CONCURRENT>,
        ) -> i64 {
            if __CONCURRENT {
                Self::__chunk_eval(self, ::vthread::__private::Known::<true>)
            } else {
                Self::__body_eval(self, ::vthread::__private::Known::<false>)
            }
        }
        #[doc(hidden)]
        #[allow(warnings)]
        #[inline(always)]
        pub fn __rec_eval(&self, is_concurrent: i64) -> i64 {
            if is_concurrent & 1 == 0 {
                ::vthread::__private::plain_only!();
                Self::__body_eval(self, ::vthread::__private::Known::<false>)
            } else {
                Self::__chunk_eval(self, ::vthread::__private::Known::<true>)
            }
        }
        #[doc(hidden)]
        #[allow(warnings)]
        #[inline(never)]
        pub fn __chunk_eval(
            &self,
            #[allow(unused_variables)]
            known: ::vthread::__private::Known<true>,
        ) -> i64 {
            ::vthread::__private::on_chunk(move || Self::__body_eval(
                self,
                ::vthread::__private::Known::<true>,
            ))
        }
    }
    #[allow(dead_code, deprecated)]
    #[inline]
    pub fn straight(n: u32) -> bool {
        __vt_straight(::vthread::__private::current!(), n)
    }
    #[doc(hidden)]
    pub fn __vt_straight(is_concurrent: i64, n: u32) -> bool {
        __vt_even(is_concurrent, n) && !__vt_odd(is_concurrent, n)
    }
    #[diagnostic::on_unimplemented(
        message = "#[vthread]: this `eval` is not the vthread one: `{Self}` has none",
        label = "write the type of the receiver down, or `#[plain]` before the call"
    )]
    #[doc(hidden)]
    #[allow(warnings)]
    trait has_vthread_eval {}
    #[doc(hidden)]
    #[allow(warnings)]
    trait calls_vthread_eval {
        fn __step_eval(&self) {}
    }
    #[doc(hidden)]
    #[allow(warnings)]
    impl<__T: has_vthread_eval + ?Sized> calls_vthread_eval for __T {}
}
