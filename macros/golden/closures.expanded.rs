mod closures {
    #[allow(dead_code, deprecated)]
    #[inline]
    fn cost(n: u64) -> u64 {
        __vt_cost(::vthread::__private::current!(), n)
    }
    #[doc(hidden)]
    fn __vt_cost(_is_concurrent: i64, n: u64) -> u64 {
        n + 1
    }
    #[allow(deprecated)]
    #[inline]
    fn cheapest(of: &[u64]) -> Option<u64> {
        __vt_cheapest(::vthread::__private::current!(), of)
    }
    #[doc(hidden)]
    #[allow(dead_code)]
    fn __vt_cheapest(_is_concurrent: i64, of: &[u64]) -> Option<u64> {
        of.iter()
            .copied()
            .min_by_key(|n| {
                let is_concurrent: i64 = ::vthread::__private::current_here!();
                __vt_cost(is_concurrent, *n)
            })
    }
    #[allow(deprecated)]
    #[inline]
    fn adder(by: u64) -> impl Fn(u64) -> u64 {
        __vt_adder(::vthread::__private::current!(), by)
    }
    #[doc(hidden)]
    #[allow(dead_code)]
    fn __vt_adder(_is_concurrent: i64, by: u64) -> impl Fn(u64) -> u64 {
        move |n| {
            let is_concurrent: i64 = ::vthread::__private::current_here!();
            let sum = n + by;
            __vt_cost(is_concurrent, sum)
        }
    }
    #[allow(deprecated)]
    #[inline]
    fn untouched(of: &[u64]) -> u64 {
        __vt_untouched(::vthread::__private::current!(), of)
    }
    #[doc(hidden)]
    #[allow(dead_code)]
    fn __vt_untouched(_is_concurrent: i64, of: &[u64]) -> u64 {
        of.iter().map(|n| n * 2).sum()
    }
}
