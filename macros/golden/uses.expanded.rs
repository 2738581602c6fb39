#[allow(unused_imports)]
pub use crate::shapes::{Shape, total};
#[allow(unused_imports)]
#[doc(hidden)]
pub use crate::shapes::{__ShapeObj, __vt_total};
mod user {
    mod inner {
        #[allow(dead_code, deprecated)]
        #[inline]
        pub fn helper(n: u32) -> u32 {
            __vt_helper(::vthread::__private::current!(), n)
        }
        #[doc(hidden)]
        pub fn __vt_helper(_is_concurrent: i64, n: u32) -> u32 {
            n
        }
        pub trait Tool {
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
            fn apply(&self) -> u32 {
                <Self as Tool>::__vt_apply(self, ::vthread::__private::current!())
            }
            #[doc(hidden)]
            fn __vt_apply(&self, is_concurrent: i64) -> u32;
            #[doc(hidden)]
            #[allow(warnings)]
            #[inline]
            fn __rec_apply(&self, is_concurrent: i64) -> u32 {
                if <Self as Tool>::write_vthread_dyn_use_to_name_dyn_here {
                    <Self as Tool>::__vt_apply(self, is_concurrent)
                } else if is_concurrent & 1 == 0 {
                    ::vthread::__private::plain_only!();
                    <Self as Tool>::__vt_apply(self, is_concurrent)
                } else {
                    ::vthread::__private::on_chunk(move || <Self as Tool>::__vt_apply(
                        self,
                        1,
                    ))
                }
            }
        }
        #[doc(hidden)]
        #[allow(warnings)]
        pub trait __ToolTable: Tool + Sized {
            const PAIRS: &'static [*const (); 2usize] = &[
                <Self as Tool>::__vt_apply as *const (),
                <Self as __ToolTable>::__chunk_apply as *const (),
            ];
            #[inline(never)]
            fn __chunk_apply(&self, is_concurrent: i64) -> u32 {
                ::vthread::__private::enter_on_chunk!(
                    false, (self,), < Self as __ToolTable > ::__enter_apply
                )
            }
            ::vthread::__private::entry!(
                __enter_apply, (), < Self as Tool > ::__vt_apply
            );
            fn __one_signature() {
                let _ = [
                    <Self as Tool>::__vt_apply,
                    <Self as __ToolTable>::__chunk_apply,
                ];
            }
        }
        #[allow(warnings)]
        impl<__T: Tool> __ToolTable for __T {}
        #[doc(hidden)]
        #[allow(warnings)]
        pub trait __ToolObj {
            fn __slot_apply(&self, is_concurrent: i64) -> u32;
        }
        #[allow(warnings)]
        impl<__T: Tool> __ToolObj for __T {
            fn __slot_apply(&self, is_concurrent: i64) -> u32 {
                let is_concurrent: i64 = ::vthread::__private::bit!(is_concurrent);
                let entry = ::vthread::__private::select!(
                    ::core::concat!(::core::module_path!(), "::Tool::apply"), < Self as
                    __ToolTable > ::PAIRS, 0usize, is_concurrent, < Self as __ToolTable >
                    ::__chunk_apply
                );
                let entry: fn(_, i64) -> _ = unsafe { ::core::mem::transmute(entry) };
                entry(self, is_concurrent)
            }
        }
        #[allow(warnings)]
        impl Tool for dyn __ToolObj + '_ {
            const write_vthread_dyn_use_to_name_dyn_here: bool = true;
            #[inline]
            fn __vt_apply(&self, is_concurrent: i64) -> u32 {
                let object: &Self = ::vthread::__private::tag!(
                    ::core::concat!(::core::module_path!(), "::Tool::apply"), self
                );
                <Self as __ToolObj>::__slot_apply(object, is_concurrent)
            }
        }
        #[doc(hidden)]
        #[allow(warnings)]
        impl dyn __ToolObj + '_ {
            #[inline]
            pub fn apply(&self) -> u32 {
                <Self as Tool>::apply(self)
            }
            #[inline]
            pub fn __vt_apply(&self, is_concurrent: i64) -> u32 {
                <Self as Tool>::__vt_apply(self, is_concurrent)
            }
            #[inline]
            pub fn __rec_apply(&self, is_concurrent: i64) -> u32 {
                <Self as Tool>::__vt_apply(self, is_concurrent)
            }
        }
        #[allow(warnings)]
        impl Tool for dyn __ToolObj + ::core::marker::Send + '_ {
            const write_vthread_dyn_use_to_name_dyn_here: bool = true;
            #[inline]
            fn __vt_apply(&self, is_concurrent: i64) -> u32 {
                <dyn __ToolObj as Tool>::__vt_apply(self, is_concurrent)
            }
        }
        #[doc(hidden)]
        #[allow(warnings)]
        impl dyn __ToolObj + ::core::marker::Send + '_ {
            #[inline]
            pub fn apply(&self) -> u32 {
                <Self as Tool>::apply(self)
            }
            #[inline]
            pub fn __vt_apply(&self, is_concurrent: i64) -> u32 {
                <Self as Tool>::__vt_apply(self, is_concurrent)
            }
            #[inline]
            pub fn __rec_apply(&self, is_concurrent: i64) -> u32 {
                <Self as Tool>::__vt_apply(self, is_concurrent)
            }
        }
        #[allow(warnings)]
        impl Tool for dyn __ToolObj + ::core::marker::Sync + '_ {
            const write_vthread_dyn_use_to_name_dyn_here: bool = true;
            #[inline]
            fn __vt_apply(&self, is_concurrent: i64) -> u32 {
                <dyn __ToolObj as Tool>::__vt_apply(self, is_concurrent)
            }
        }
        #[doc(hidden)]
        #[allow(warnings)]
        impl dyn __ToolObj + ::core::marker::Sync + '_ {
            #[inline]
            pub fn apply(&self) -> u32 {
                <Self as Tool>::apply(self)
            }
            #[inline]
            pub fn __vt_apply(&self, is_concurrent: i64) -> u32 {
                <Self as Tool>::__vt_apply(self, is_concurrent)
            }
            #[inline]
            pub fn __rec_apply(&self, is_concurrent: i64) -> u32 {
                <Self as Tool>::__vt_apply(self, is_concurrent)
            }
        }
        #[allow(warnings)]
        impl Tool for dyn __ToolObj + ::core::marker::Send + ::core::marker::Sync + '_ {
            const write_vthread_dyn_use_to_name_dyn_here: bool = true;
            #[inline]
            fn __vt_apply(&self, is_concurrent: i64) -> u32 {
                <dyn __ToolObj as Tool>::__vt_apply(self, is_concurrent)
            }
        }
        #[doc(hidden)]
        #[allow(warnings)]
        impl dyn __ToolObj + ::core::marker::Send + ::core::marker::Sync + '_ {
            #[inline]
            pub fn apply(&self) -> u32 {
                <Self as Tool>::apply(self)
            }
            #[inline]
            pub fn __vt_apply(&self, is_concurrent: i64) -> u32 {
                <Self as Tool>::__vt_apply(self, is_concurrent)
            }
            #[inline]
            pub fn __rec_apply(&self, is_concurrent: i64) -> u32 {
                <Self as Tool>::__vt_apply(self, is_concurrent)
            }
        }
    }
    #[allow(unused_imports)]
    use inner::helper as assist;
    #[allow(unused_imports)]
    #[doc(hidden)]
    use inner::__vt_helper as __vt_assist;
    #[allow(unused_imports)]
    use inner::Tool;
    #[allow(unused_imports)]
    #[doc(hidden)]
    use inner::__ToolObj;
    #[allow(unused_imports)]
    use crate::shapes::{Shape, total};
    #[allow(unused_imports)]
    #[doc(hidden)]
    use crate::shapes::{__ShapeObj, __vt_total};
    #[allow(dead_code, deprecated)]
    #[inline]
    pub fn run(tool: &dyn __ToolObj, shape: &dyn __ShapeObj) -> f64 {
        __vt_run(::vthread::__private::current!(), tool, shape)
    }
    #[doc(hidden)]
    pub fn __vt_run(
        is_concurrent: i64,
        tool: &dyn __ToolObj,
        shape: &dyn __ShapeObj,
    ) -> f64 {
        f64::from(__vt_assist(is_concurrent, tool.__vt_apply(is_concurrent)))
            + shape.__vt_area(is_concurrent) + __vt_total(is_concurrent)
    }
    #[diagnostic::on_unimplemented(
        message = "#[vthread]: this `apply` is not the vthread one: `{Self}` has none",
        label = "write the type of the receiver down, or `#[plain]` before the call"
    )]
    #[doc(hidden)]
    #[allow(warnings)]
    trait has_vthread_apply {}
    #[doc(hidden)]
    #[allow(warnings)]
    trait calls_vthread_apply {
        fn __vt_apply(&self) {}
    }
    #[doc(hidden)]
    #[allow(warnings)]
    impl<__T: has_vthread_apply + ?Sized> calls_vthread_apply for __T {}
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
