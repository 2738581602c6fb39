mod shapes {
    pub trait Named: std::fmt::Debug {
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
        fn name(&self) -> String {
            <Self as Named>::__vt_name(self, ::vthread::__private::current!())
        }
        #[doc(hidden)]
        fn __vt_name(&self, is_concurrent: i64) -> String;
        #[doc(hidden)]
        #[allow(warnings)]
        #[inline]
        fn __rec_name(&self, is_concurrent: i64) -> String {
            if <Self as Named>::write_vthread_dyn_use_to_name_dyn_here {
                <Self as Named>::__vt_name(self, is_concurrent)
            } else if is_concurrent & 1 == 0 {
                ::vthread::__private::plain_only!();
                <Self as Named>::__vt_name(self, is_concurrent)
            } else {
                ::vthread::__private::on_chunk(move || <Self as Named>::__vt_name(
                    self,
                    1,
                ))
            }
        }
    }
    #[doc(hidden)]
    #[allow(warnings)]
    pub trait __NamedTable: Named + Sized {
        const PAIRS: &'static [*const (); 2usize] = &[
            <Self as Named>::__vt_name as *const (),
            <Self as __NamedTable>::__chunk_name as *const (),
        ];
        #[inline(never)]
        fn __chunk_name(&self, is_concurrent: i64) -> String {
            ::vthread::__private::enter_on_chunk!(
                false, (self,), < Self as __NamedTable > ::__enter_name
            )
        }
        ::vthread::__private::entry!(__enter_name, (), < Self as Named > ::__vt_name);
        fn __one_signature() {
            let _ = [<Self as Named>::__vt_name, <Self as __NamedTable>::__chunk_name];
        }
    }
    #[allow(warnings)]
    impl<__T: Named> __NamedTable for __T {}
    #[doc(hidden)]
    #[allow(warnings)]
    pub trait __NamedObj: std::fmt::Debug {
        fn __slot_name(&self, is_concurrent: i64) -> String;
    }
    #[allow(warnings)]
    impl<__T: Named> __NamedObj for __T {
        fn __slot_name(&self, is_concurrent: i64) -> String {
            let is_concurrent: i64 = ::vthread::__private::bit!(is_concurrent);
            let entry = ::vthread::__private::select!(
                ::core::concat!(::core::module_path!(), "::Named::name"), < Self as
                __NamedTable > ::PAIRS, 0usize, is_concurrent, < Self as __NamedTable >
                ::__chunk_name
            );
            let entry: fn(_, i64) -> _ = unsafe { ::core::mem::transmute(entry) };
            entry(self, is_concurrent)
        }
    }
    #[allow(warnings)]
    impl Named for dyn __NamedObj + '_ {
        const write_vthread_dyn_use_to_name_dyn_here: bool = true;
        #[inline]
        fn __vt_name(&self, is_concurrent: i64) -> String {
            let object: &Self = ::vthread::__private::tag!(
                ::core::concat!(::core::module_path!(), "::Named::name"), self
            );
            <Self as __NamedObj>::__slot_name(object, is_concurrent)
        }
    }
    #[doc(hidden)]
    #[allow(warnings)]
    impl dyn __NamedObj + '_ {
        #[inline]
        pub fn name(&self) -> String {
            <Self as Named>::name(self)
        }
        #[inline]
        pub fn __vt_name(&self, is_concurrent: i64) -> String {
            <Self as Named>::__vt_name(self, is_concurrent)
        }
        #[inline]
        pub fn __rec_name(&self, is_concurrent: i64) -> String {
            <Self as Named>::__vt_name(self, is_concurrent)
        }
    }
    #[allow(warnings)]
    impl Named for dyn __NamedObj + ::core::marker::Send + '_ {
        const write_vthread_dyn_use_to_name_dyn_here: bool = true;
        #[inline]
        fn __vt_name(&self, is_concurrent: i64) -> String {
            <dyn __NamedObj as Named>::__vt_name(self, is_concurrent)
        }
    }
    #[doc(hidden)]
    #[allow(warnings)]
    impl dyn __NamedObj + ::core::marker::Send + '_ {
        #[inline]
        pub fn name(&self) -> String {
            <Self as Named>::name(self)
        }
        #[inline]
        pub fn __vt_name(&self, is_concurrent: i64) -> String {
            <Self as Named>::__vt_name(self, is_concurrent)
        }
        #[inline]
        pub fn __rec_name(&self, is_concurrent: i64) -> String {
            <Self as Named>::__vt_name(self, is_concurrent)
        }
    }
    #[allow(warnings)]
    impl Named for dyn __NamedObj + ::core::marker::Sync + '_ {
        const write_vthread_dyn_use_to_name_dyn_here: bool = true;
        #[inline]
        fn __vt_name(&self, is_concurrent: i64) -> String {
            <dyn __NamedObj as Named>::__vt_name(self, is_concurrent)
        }
    }
    #[doc(hidden)]
    #[allow(warnings)]
    impl dyn __NamedObj + ::core::marker::Sync + '_ {
        #[inline]
        pub fn name(&self) -> String {
            <Self as Named>::name(self)
        }
        #[inline]
        pub fn __vt_name(&self, is_concurrent: i64) -> String {
            <Self as Named>::__vt_name(self, is_concurrent)
        }
        #[inline]
        pub fn __rec_name(&self, is_concurrent: i64) -> String {
            <Self as Named>::__vt_name(self, is_concurrent)
        }
    }
    #[allow(warnings)]
    impl Named for dyn __NamedObj + ::core::marker::Send + ::core::marker::Sync + '_ {
        const write_vthread_dyn_use_to_name_dyn_here: bool = true;
        #[inline]
        fn __vt_name(&self, is_concurrent: i64) -> String {
            <dyn __NamedObj as Named>::__vt_name(self, is_concurrent)
        }
    }
    #[doc(hidden)]
    #[allow(warnings)]
    impl dyn __NamedObj + ::core::marker::Send + ::core::marker::Sync + '_ {
        #[inline]
        pub fn name(&self) -> String {
            <Self as Named>::name(self)
        }
        #[inline]
        pub fn __vt_name(&self, is_concurrent: i64) -> String {
            <Self as Named>::__vt_name(self, is_concurrent)
        }
        #[inline]
        pub fn __rec_name(&self, is_concurrent: i64) -> String {
            <Self as Named>::__vt_name(self, is_concurrent)
        }
    }
    #[allow(warnings)]
    impl Named for dyn __ShapeObj + '_ {
        const write_vthread_dyn_use_to_name_dyn_here: bool = true;
        #[inline]
        fn __vt_name(&self, is_concurrent: i64) -> String {
            let object: &Self = ::vthread::__private::tag!(
                ::core::concat!(::core::module_path!(), "::Named::name"), self
            );
            <Self as __NamedObj>::__slot_name(object, is_concurrent)
        }
    }
    #[doc(hidden)]
    #[allow(warnings)]
    impl dyn __ShapeObj + '_ {
        #[inline]
        pub fn name(&self) -> String {
            <Self as Named>::name(self)
        }
        #[inline]
        pub fn __vt_name(&self, is_concurrent: i64) -> String {
            <Self as Named>::__vt_name(self, is_concurrent)
        }
        #[inline]
        pub fn __rec_name(&self, is_concurrent: i64) -> String {
            <Self as Named>::__vt_name(self, is_concurrent)
        }
    }
    #[allow(warnings)]
    impl Named for dyn __ShapeObj + ::core::marker::Send + '_ {
        const write_vthread_dyn_use_to_name_dyn_here: bool = true;
        #[inline]
        fn __vt_name(&self, is_concurrent: i64) -> String {
            <dyn __ShapeObj as Named>::__vt_name(self, is_concurrent)
        }
    }
    #[doc(hidden)]
    #[allow(warnings)]
    impl dyn __ShapeObj + ::core::marker::Send + '_ {
        #[inline]
        pub fn name(&self) -> String {
            <Self as Named>::name(self)
        }
        #[inline]
        pub fn __vt_name(&self, is_concurrent: i64) -> String {
            <Self as Named>::__vt_name(self, is_concurrent)
        }
        #[inline]
        pub fn __rec_name(&self, is_concurrent: i64) -> String {
            <Self as Named>::__vt_name(self, is_concurrent)
        }
    }
    #[allow(warnings)]
    impl Named for dyn __ShapeObj + ::core::marker::Sync + '_ {
        const write_vthread_dyn_use_to_name_dyn_here: bool = true;
        #[inline]
        fn __vt_name(&self, is_concurrent: i64) -> String {
            <dyn __ShapeObj as Named>::__vt_name(self, is_concurrent)
        }
    }
    #[doc(hidden)]
    #[allow(warnings)]
    impl dyn __ShapeObj + ::core::marker::Sync + '_ {
        #[inline]
        pub fn name(&self) -> String {
            <Self as Named>::name(self)
        }
        #[inline]
        pub fn __vt_name(&self, is_concurrent: i64) -> String {
            <Self as Named>::__vt_name(self, is_concurrent)
        }
        #[inline]
        pub fn __rec_name(&self, is_concurrent: i64) -> String {
            <Self as Named>::__vt_name(self, is_concurrent)
        }
    }
    #[allow(warnings)]
    impl Named for dyn __ShapeObj + ::core::marker::Send + ::core::marker::Sync + '_ {
        const write_vthread_dyn_use_to_name_dyn_here: bool = true;
        #[inline]
        fn __vt_name(&self, is_concurrent: i64) -> String {
            <dyn __ShapeObj as Named>::__vt_name(self, is_concurrent)
        }
    }
    #[doc(hidden)]
    #[allow(warnings)]
    impl dyn __ShapeObj + ::core::marker::Send + ::core::marker::Sync + '_ {
        #[inline]
        pub fn name(&self) -> String {
            <Self as Named>::name(self)
        }
        #[inline]
        pub fn __vt_name(&self, is_concurrent: i64) -> String {
            <Self as Named>::__vt_name(self, is_concurrent)
        }
        #[inline]
        pub fn __rec_name(&self, is_concurrent: i64) -> String {
            <Self as Named>::__vt_name(self, is_concurrent)
        }
    }
    pub trait Shape: Named {
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
        fn area(&self) -> f64 {
            <Self as Shape>::__vt_area(self, ::vthread::__private::current!())
        }
        #[doc(hidden)]
        fn __vt_area(&self, is_concurrent: i64) -> f64;
        #[doc(hidden)]
        #[allow(warnings)]
        #[inline]
        fn __rec_area(&self, is_concurrent: i64) -> f64 {
            if <Self as Shape>::write_vthread_dyn_use_to_name_dyn_here {
                <Self as Shape>::__vt_area(self, is_concurrent)
            } else if is_concurrent & 1 == 0 {
                ::vthread::__private::plain_only!();
                <Self as Shape>::__vt_area(self, is_concurrent)
            } else {
                ::vthread::__private::on_chunk(move || <Self as Shape>::__vt_area(
                    self,
                    1,
                ))
            }
        }
    }
    #[doc(hidden)]
    #[allow(warnings)]
    pub trait __ShapeTable: Shape + Sized {
        const PAIRS: &'static [*const (); 2usize] = &[
            <Self as Shape>::__vt_area as *const (),
            <Self as __ShapeTable>::__chunk_area as *const (),
        ];
        #[inline(never)]
        fn __chunk_area(&self, is_concurrent: i64) -> f64 {
            ::vthread::__private::enter_on_chunk!(
                false, (self,), < Self as __ShapeTable > ::__enter_area
            )
        }
        ::vthread::__private::entry!(__enter_area, (), < Self as Shape > ::__vt_area);
        fn __one_signature() {
            let _ = [<Self as Shape>::__vt_area, <Self as __ShapeTable>::__chunk_area];
        }
    }
    #[allow(warnings)]
    impl<__T: Shape> __ShapeTable for __T {}
    #[doc(hidden)]
    #[allow(warnings)]
    pub trait __ShapeObj: __NamedObj {
        fn __slot_area(&self, is_concurrent: i64) -> f64;
    }
    #[allow(warnings)]
    impl<__T: Shape> __ShapeObj for __T {
        fn __slot_area(&self, is_concurrent: i64) -> f64 {
            let is_concurrent: i64 = ::vthread::__private::bit!(is_concurrent);
            let entry = ::vthread::__private::select!(
                ::core::concat!(::core::module_path!(), "::Shape::area"), < Self as
                __ShapeTable > ::PAIRS, 0usize, is_concurrent, < Self as __ShapeTable >
                ::__chunk_area
            );
            let entry: fn(_, i64) -> _ = unsafe { ::core::mem::transmute(entry) };
            entry(self, is_concurrent)
        }
    }
    #[allow(warnings)]
    impl Shape for dyn __ShapeObj + '_ {
        const write_vthread_dyn_use_to_name_dyn_here: bool = true;
        #[inline]
        fn __vt_area(&self, is_concurrent: i64) -> f64 {
            let object: &Self = ::vthread::__private::tag!(
                ::core::concat!(::core::module_path!(), "::Shape::area"), self
            );
            <Self as __ShapeObj>::__slot_area(object, is_concurrent)
        }
    }
    #[doc(hidden)]
    #[allow(warnings)]
    impl dyn __ShapeObj + '_ {
        #[inline]
        pub fn area(&self) -> f64 {
            <Self as Shape>::area(self)
        }
        #[inline]
        pub fn __vt_area(&self, is_concurrent: i64) -> f64 {
            <Self as Shape>::__vt_area(self, is_concurrent)
        }
        #[inline]
        pub fn __rec_area(&self, is_concurrent: i64) -> f64 {
            <Self as Shape>::__vt_area(self, is_concurrent)
        }
    }
    #[allow(warnings)]
    impl Shape for dyn __ShapeObj + ::core::marker::Send + '_ {
        const write_vthread_dyn_use_to_name_dyn_here: bool = true;
        #[inline]
        fn __vt_area(&self, is_concurrent: i64) -> f64 {
            <dyn __ShapeObj as Shape>::__vt_area(self, is_concurrent)
        }
    }
    #[doc(hidden)]
    #[allow(warnings)]
    impl dyn __ShapeObj + ::core::marker::Send + '_ {
        #[inline]
        pub fn area(&self) -> f64 {
            <Self as Shape>::area(self)
        }
        #[inline]
        pub fn __vt_area(&self, is_concurrent: i64) -> f64 {
            <Self as Shape>::__vt_area(self, is_concurrent)
        }
        #[inline]
        pub fn __rec_area(&self, is_concurrent: i64) -> f64 {
            <Self as Shape>::__vt_area(self, is_concurrent)
        }
    }
    #[allow(warnings)]
    impl Shape for dyn __ShapeObj + ::core::marker::Sync + '_ {
        const write_vthread_dyn_use_to_name_dyn_here: bool = true;
        #[inline]
        fn __vt_area(&self, is_concurrent: i64) -> f64 {
            <dyn __ShapeObj as Shape>::__vt_area(self, is_concurrent)
        }
    }
    #[doc(hidden)]
    #[allow(warnings)]
    impl dyn __ShapeObj + ::core::marker::Sync + '_ {
        #[inline]
        pub fn area(&self) -> f64 {
            <Self as Shape>::area(self)
        }
        #[inline]
        pub fn __vt_area(&self, is_concurrent: i64) -> f64 {
            <Self as Shape>::__vt_area(self, is_concurrent)
        }
        #[inline]
        pub fn __rec_area(&self, is_concurrent: i64) -> f64 {
            <Self as Shape>::__vt_area(self, is_concurrent)
        }
    }
    #[allow(warnings)]
    impl Shape for dyn __ShapeObj + ::core::marker::Send + ::core::marker::Sync + '_ {
        const write_vthread_dyn_use_to_name_dyn_here: bool = true;
        #[inline]
        fn __vt_area(&self, is_concurrent: i64) -> f64 {
            <dyn __ShapeObj as Shape>::__vt_area(self, is_concurrent)
        }
    }
    #[doc(hidden)]
    #[allow(warnings)]
    impl dyn __ShapeObj + ::core::marker::Send + ::core::marker::Sync + '_ {
        #[inline]
        pub fn area(&self) -> f64 {
            <Self as Shape>::area(self)
        }
        #[inline]
        pub fn __vt_area(&self, is_concurrent: i64) -> f64 {
            <Self as Shape>::__vt_area(self, is_concurrent)
        }
        #[inline]
        pub fn __rec_area(&self, is_concurrent: i64) -> f64 {
            <Self as Shape>::__vt_area(self, is_concurrent)
        }
    }
    #[allow(dead_code, deprecated)]
    #[inline]
    pub fn describe(shape: &dyn __ShapeObj) -> String {
        __vt_describe(::vthread::__private::current!(), shape)
    }
    #[doc(hidden)]
    pub fn __vt_describe(is_concurrent: i64, shape: &dyn __ShapeObj) -> String {
        format!("{} {}", shape.name(), shape.__vt_area(is_concurrent))
    }
    #[diagnostic::on_unimplemented(
        message = "#[vthread]: this `area` is not the vthread one: `{Self}` has none",
        label = "write the type of the receiver down, or `#[plain]` before the call"
    )]
    #[doc(hidden)]
    #[allow(warnings)]
    trait has_vthread_area {}
    #[doc(hidden)]
    #[allow(warnings)]
    trait calls_vthread_area {
        fn __vt_area(&self) {}
    }
    #[doc(hidden)]
    #[allow(warnings)]
    impl<__T: has_vthread_area + ?Sized> calls_vthread_area for __T {}
}
