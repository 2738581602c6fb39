mod recursion {
    #[allow(dead_code, deprecated)]
    #[inline]
    pub fn even(n: u32) -> bool {
        __rec_even(::vthread::__private::current(), n)
    }
    #[doc(hidden)]
    pub fn __vt_even(is_concurrent: i64, n: u32) -> bool {
        n == 0 || __vt_odd(is_concurrent, n - 1)
    }
    #[doc(hidden)]
    #[allow(warnings)]
    #[inline(always)]
    pub fn __rec_even(is_concurrent: i64, n: u32) -> bool {
        if is_concurrent & 1 == 0 {
            ::vthread::__private::plain_only!();
            __vt_even(is_concurrent, n)
        } else {
            __chunk_even(is_concurrent, n)
        }
    }
    #[doc(hidden)]
    #[allow(warnings)]
    #[inline(never)]
    pub fn __chunk_even(is_concurrent: i64, n: u32) -> bool {
        ::vthread::__private::on_chunk(move || __vt_even(is_concurrent, n))
    }
    #[allow(dead_code, deprecated)]
    #[inline]
    pub fn odd(n: u32) -> bool {
        __rec_odd(::vthread::__private::current(), n)
    }
    #[doc(hidden)]
    pub fn __vt_odd(is_concurrent: i64, n: u32) -> bool {
        n != 0 && __rec_even(is_concurrent, n - 1)
    }
    #[doc(hidden)]
    #[allow(warnings)]
    #[inline(always)]
    pub fn __rec_odd(is_concurrent: i64, n: u32) -> bool {
        if is_concurrent & 1 == 0 {
            ::vthread::__private::plain_only!();
            __vt_odd(is_concurrent, n)
        } else {
            __chunk_odd(is_concurrent, n)
        }
    }
    #[doc(hidden)]
    #[allow(warnings)]
    #[inline(never)]
    pub fn __chunk_odd(is_concurrent: i64, n: u32) -> bool {
        ::vthread::__private::on_chunk(move || __vt_odd(is_concurrent, n))
    }
    pub enum Expr {
        Number(i64),
        Add(Box<Expr>, Box<Expr>),
    }
    impl Expr {
        #[allow(dead_code, deprecated)]
        #[inline]
        pub fn eval(&self) -> i64 {
            Self::__rec_eval(self, ::vthread::__private::current())
        }
        #[doc(hidden)]
        pub fn __vt_eval(&self, is_concurrent: i64) -> i64 {
            match self {
                Expr::Number(n) => *n,
                Expr::Add(a, b) => {
                    a.__rec_eval(is_concurrent) + b.__rec_eval(is_concurrent)
                }
            }
        }
        #[doc(hidden)]
        #[allow(warnings)]
        #[inline(always)]
        pub fn __rec_eval(&self, is_concurrent: i64) -> i64 {
            if is_concurrent & 1 == 0 {
                ::vthread::__private::plain_only!();
                Self::__vt_eval(self, is_concurrent)
            } else {
                Self::__chunk_eval(self, is_concurrent)
            }
        }
        #[doc(hidden)]
        #[allow(warnings)]
        #[inline(never)]
        pub fn __chunk_eval(&self, is_concurrent: i64) -> i64 {
            ::vthread::__private::on_chunk(move || Self::__vt_eval(self, is_concurrent))
        }
    }
    #[allow(dead_code, deprecated)]
    #[inline]
    pub fn straight(n: u32) -> bool {
        __vt_straight(::vthread::__private::current(), n)
    }
    #[doc(hidden)]
    pub fn __vt_straight(is_concurrent: i64, n: u32) -> bool {
        __vt_even(is_concurrent, n) && !__vt_odd(is_concurrent, n)
    }
}
