mod geometry {
    /// A point.
    pub struct Point {
        x: f64,
        y: f64,
    }
    impl Point {
        #[allow(dead_code, deprecated)]
        #[inline]
        pub fn new(x: f64, y: f64) -> Self {
            Self::__vt_new(::vthread::__private::current!(), x, y)
        }
        #[doc(hidden)]
        pub fn __vt_new(_is_concurrent: i64, x: f64, y: f64) -> Self {
            Self { x, y }
        }
        #[allow(dead_code, deprecated)]
        #[inline]
        pub fn length(&self) -> f64 {
            Self::__vt_length(self, ::vthread::__private::current!())
        }
        #[doc(hidden)]
        pub fn __vt_length(&self, is_concurrent: i64) -> f64 {
            __vt_hypotenuse(is_concurrent, self.x, self.y)
        }
        pub fn is_zero(&self) -> bool {
            self.length() == 0.0
        }
    }
    /// Docs stay on the function that people see.
    #[allow(dead_code, deprecated)]
    #[inline]
    pub fn hypotenuse(a: f64, b: f64) -> f64 {
        __vt_hypotenuse(::vthread::__private::current!(), a, b)
    }
    #[doc(hidden)]
    #[inline]
    pub fn __vt_hypotenuse(_is_concurrent: i64, a: f64, b: f64) -> f64 {
        (a * a + b * b).sqrt()
    }
    pub const fn square(n: u64) -> u64 {
        n * n
    }
    #[allow(dead_code, deprecated)]
    #[inline]
    pub fn far(__argument_0: (f64, f64), limit: f64) -> Result<f64, String> {
        __vt_far(::vthread::__private::current!(), __argument_0, limit)
    }
    #[doc(hidden)]
    pub fn __vt_far(
        is_concurrent: i64,
        (x, y): (f64, f64),
        limit: f64,
    ) -> Result<f64, String> {
        let point = Point::__vt_new(is_concurrent, x, y);
        let length = point.__vt_length(is_concurrent);
        if length > limit {
            return Err(
                format!("{} is too far, {limit}", point.__vt_length(is_concurrent)),
            );
        }
        let shadow = |a: f64, b: f64| a + b;
        let hypotenuse = shadow;
        Ok(hypotenuse(length, square(2) as f64))
    }
    impl std::fmt::Display for Point {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            ::vthread::__private::by_others!();
            let is_concurrent: i64 = ::vthread::__private::current_here!();
            write!(
                f, "({}, {}) of length {}", self.x, self.y, self
                .__vt_length(is_concurrent)
            )
        }
    }
}
