pub mod animals {
    pub trait Animal {
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
        fn name(&self) -> &str {
            <Self as Animal>::__vt_name(self, ::vthread::__private::current!())
        }
        #[doc(hidden)]
        fn __vt_name(&self, is_concurrent: i64) -> &str;
        #[doc(hidden)]
        #[allow(warnings)]
        #[inline]
        fn __rec_name(&self, is_concurrent: i64) -> &str {
            if <Self as Animal>::write_vthread_dyn_use_to_name_dyn_here {
                <Self as Animal>::__vt_name(self, is_concurrent)
            } else if is_concurrent & 1 == 0 {
                ::vthread::__private::plain_only!();
                <Self as Animal>::__vt_name(self, is_concurrent)
            } else {
                ::vthread::__private::on_chunk(move || <Self as Animal>::__vt_name(
                    self,
                    1,
                ))
            }
        }
        #[allow(deprecated)]
        #[inline]
        fn speak(&self, times: u32) -> String {
            <Self as Animal>::__vt_speak(self, ::vthread::__private::current!(), times)
        }
        #[doc(hidden)]
        fn __vt_speak(&self, is_concurrent: i64, times: u32) -> String {
            self.__vt_name(is_concurrent).repeat(times as usize)
        }
        #[doc(hidden)]
        #[allow(warnings)]
        #[inline]
        fn __rec_speak(&self, is_concurrent: i64, times: u32) -> String {
            if <Self as Animal>::write_vthread_dyn_use_to_name_dyn_here {
                <Self as Animal>::__vt_speak(self, is_concurrent, times)
            } else if is_concurrent & 1 == 0 {
                ::vthread::__private::plain_only!();
                <Self as Animal>::__vt_speak(self, is_concurrent, times)
            } else {
                ::vthread::__private::on_chunk(move || <Self as Animal>::__vt_speak(
                    self,
                    1,
                    times,
                ))
            }
        }
    }
    #[doc(hidden)]
    #[allow(warnings)]
    pub trait __AnimalTable: Animal + Sized {
        const PAIRS: &'static [*const (); 4usize] = &[
            <Self as Animal>::__vt_name as *const (),
            <Self as __AnimalTable>::__chunk_name as *const (),
            <Self as Animal>::__vt_speak as *const (),
            <Self as __AnimalTable>::__chunk_speak as *const (),
        ];
        #[inline(never)]
        fn __chunk_name(&self, is_concurrent: i64) -> &str {
            ::vthread::__private::enter_on_chunk!(
                false, (self,), < Self as __AnimalTable > ::__enter_name
            )
        }
        ::vthread::__private::entry!(__enter_name, (), < Self as Animal > ::__vt_name);
        #[inline(never)]
        fn __chunk_speak(&self, is_concurrent: i64, times: u32) -> String {
            ::vthread::__private::enter_on_chunk!(
                false, (self, times,), < Self as __AnimalTable > ::__enter_speak
            )
        }
        ::vthread::__private::entry!(
            __enter_speak, (argument_0), < Self as Animal > ::__vt_speak
        );
        fn __one_signature() {
            let _ = [<Self as Animal>::__vt_name, <Self as __AnimalTable>::__chunk_name];
            let _ = [
                <Self as Animal>::__vt_speak,
                <Self as __AnimalTable>::__chunk_speak,
            ];
        }
    }
    #[allow(warnings)]
    impl<__T: Animal> __AnimalTable for __T {}
    #[doc(hidden)]
    #[allow(warnings)]
    pub trait __AnimalObj {
        fn __slot_name(&self, is_concurrent: i64) -> &str;
        fn __slot_speak(&self, is_concurrent: i64, times: u32) -> String;
    }
    #[allow(warnings)]
    impl<__T: Animal> __AnimalObj for __T {
        fn __slot_name(&self, is_concurrent: i64) -> &str {
            let is_concurrent: i64 = ::vthread::__private::bit!(is_concurrent);
            let entry = ::vthread::__private::select!(
                ::core::concat!(::core::module_path!(), "::Animal::name"), < Self as
                __AnimalTable > ::PAIRS, 0usize, is_concurrent, < Self as __AnimalTable >
                ::__chunk_name
            );
            let entry: fn(_, i64) -> _ = unsafe { ::core::mem::transmute(entry) };
            entry(self, is_concurrent)
        }
        fn __slot_speak(&self, is_concurrent: i64, times: u32) -> String {
            let is_concurrent: i64 = ::vthread::__private::bit!(is_concurrent);
            let entry = ::vthread::__private::select!(
                ::core::concat!(::core::module_path!(), "::Animal::speak"), < Self as
                __AnimalTable > ::PAIRS, 1usize, is_concurrent, < Self as __AnimalTable >
                ::__chunk_speak
            );
            let entry: fn(_, i64, _) -> _ = unsafe { ::core::mem::transmute(entry) };
            entry(self, is_concurrent, times)
        }
    }
    #[allow(warnings)]
    impl Animal for dyn __AnimalObj + '_ {
        const write_vthread_dyn_use_to_name_dyn_here: bool = true;
        #[inline]
        fn __vt_name(&self, is_concurrent: i64) -> &str {
            let object: &Self = ::vthread::__private::tag!(
                ::core::concat!(::core::module_path!(), "::Animal::name"), self
            );
            <Self as __AnimalObj>::__slot_name(object, is_concurrent)
        }
        #[inline]
        fn __vt_speak(&self, is_concurrent: i64, times: u32) -> String {
            let object: &Self = ::vthread::__private::tag!(
                ::core::concat!(::core::module_path!(), "::Animal::speak"), self
            );
            <Self as __AnimalObj>::__slot_speak(object, is_concurrent, times)
        }
    }
    #[doc(hidden)]
    #[allow(warnings)]
    impl dyn __AnimalObj + '_ {
        #[inline]
        pub fn name(&self) -> &str {
            <Self as Animal>::name(self)
        }
        #[inline]
        pub fn __vt_name(&self, is_concurrent: i64) -> &str {
            <Self as Animal>::__vt_name(self, is_concurrent)
        }
        #[inline]
        pub fn __rec_name(&self, is_concurrent: i64) -> &str {
            <Self as Animal>::__vt_name(self, is_concurrent)
        }
        #[inline]
        pub fn speak(&self, times: u32) -> String {
            <Self as Animal>::speak(self, times)
        }
        #[inline]
        pub fn __vt_speak(&self, is_concurrent: i64, times: u32) -> String {
            <Self as Animal>::__vt_speak(self, is_concurrent, times)
        }
        #[inline]
        pub fn __rec_speak(&self, is_concurrent: i64, times: u32) -> String {
            <Self as Animal>::__vt_speak(self, is_concurrent, times)
        }
    }
    #[allow(warnings)]
    impl Animal for dyn __AnimalObj + ::core::marker::Send + '_ {
        const write_vthread_dyn_use_to_name_dyn_here: bool = true;
        #[inline]
        fn __vt_name(&self, is_concurrent: i64) -> &str {
            <dyn __AnimalObj as Animal>::__vt_name(self, is_concurrent)
        }
        #[inline]
        fn __vt_speak(&self, is_concurrent: i64, times: u32) -> String {
            <dyn __AnimalObj as Animal>::__vt_speak(self, is_concurrent, times)
        }
    }
    #[doc(hidden)]
    #[allow(warnings)]
    impl dyn __AnimalObj + ::core::marker::Send + '_ {
        #[inline]
        pub fn name(&self) -> &str {
            <Self as Animal>::name(self)
        }
        #[inline]
        pub fn __vt_name(&self, is_concurrent: i64) -> &str {
            <Self as Animal>::__vt_name(self, is_concurrent)
        }
        #[inline]
        pub fn __rec_name(&self, is_concurrent: i64) -> &str {
            <Self as Animal>::__vt_name(self, is_concurrent)
        }
        #[inline]
        pub fn speak(&self, times: u32) -> String {
            <Self as Animal>::speak(self, times)
        }
        #[inline]
        pub fn __vt_speak(&self, is_concurrent: i64, times: u32) -> String {
            <Self as Animal>::__vt_speak(self, is_concurrent, times)
        }
        #[inline]
        pub fn __rec_speak(&self, is_concurrent: i64, times: u32) -> String {
            <Self as Animal>::__vt_speak(self, is_concurrent, times)
        }
    }
    #[allow(warnings)]
    impl Animal for dyn __AnimalObj + ::core::marker::Sync + '_ {
        const write_vthread_dyn_use_to_name_dyn_here: bool = true;
        #[inline]
        fn __vt_name(&self, is_concurrent: i64) -> &str {
            <dyn __AnimalObj as Animal>::__vt_name(self, is_concurrent)
        }
        #[inline]
        fn __vt_speak(&self, is_concurrent: i64, times: u32) -> String {
            <dyn __AnimalObj as Animal>::__vt_speak(self, is_concurrent, times)
        }
    }
    #[doc(hidden)]
    #[allow(warnings)]
    impl dyn __AnimalObj + ::core::marker::Sync + '_ {
        #[inline]
        pub fn name(&self) -> &str {
            <Self as Animal>::name(self)
        }
        #[inline]
        pub fn __vt_name(&self, is_concurrent: i64) -> &str {
            <Self as Animal>::__vt_name(self, is_concurrent)
        }
        #[inline]
        pub fn __rec_name(&self, is_concurrent: i64) -> &str {
            <Self as Animal>::__vt_name(self, is_concurrent)
        }
        #[inline]
        pub fn speak(&self, times: u32) -> String {
            <Self as Animal>::speak(self, times)
        }
        #[inline]
        pub fn __vt_speak(&self, is_concurrent: i64, times: u32) -> String {
            <Self as Animal>::__vt_speak(self, is_concurrent, times)
        }
        #[inline]
        pub fn __rec_speak(&self, is_concurrent: i64, times: u32) -> String {
            <Self as Animal>::__vt_speak(self, is_concurrent, times)
        }
    }
    #[allow(warnings)]
    impl Animal for dyn __AnimalObj + ::core::marker::Send + ::core::marker::Sync + '_ {
        const write_vthread_dyn_use_to_name_dyn_here: bool = true;
        #[inline]
        fn __vt_name(&self, is_concurrent: i64) -> &str {
            <dyn __AnimalObj as Animal>::__vt_name(self, is_concurrent)
        }
        #[inline]
        fn __vt_speak(&self, is_concurrent: i64, times: u32) -> String {
            <dyn __AnimalObj as Animal>::__vt_speak(self, is_concurrent, times)
        }
    }
    #[doc(hidden)]
    #[allow(warnings)]
    impl dyn __AnimalObj + ::core::marker::Send + ::core::marker::Sync + '_ {
        #[inline]
        pub fn name(&self) -> &str {
            <Self as Animal>::name(self)
        }
        #[inline]
        pub fn __vt_name(&self, is_concurrent: i64) -> &str {
            <Self as Animal>::__vt_name(self, is_concurrent)
        }
        #[inline]
        pub fn __rec_name(&self, is_concurrent: i64) -> &str {
            <Self as Animal>::__vt_name(self, is_concurrent)
        }
        #[inline]
        pub fn speak(&self, times: u32) -> String {
            <Self as Animal>::speak(self, times)
        }
        #[inline]
        pub fn __vt_speak(&self, is_concurrent: i64, times: u32) -> String {
            <Self as Animal>::__vt_speak(self, is_concurrent, times)
        }
        #[inline]
        pub fn __rec_speak(&self, is_concurrent: i64, times: u32) -> String {
            <Self as Animal>::__vt_speak(self, is_concurrent, times)
        }
    }
    pub struct Dog;
    impl Animal for Dog {
        #[doc(hidden)]
        fn __vt_name(&self, _is_concurrent: i64) -> &str {
            "dog"
        }
        #[doc(hidden)]
        #[allow(warnings)]
        #[inline]
        fn write_vthread_above_this_impl() {}
    }
    #[allow(dead_code, deprecated)]
    #[inline]
    pub fn chorus(all: &[Box<dyn __AnimalObj + Send>]) -> String {
        __vt_chorus(::vthread::__private::current!(), all)
    }
    #[doc(hidden)]
    pub fn __vt_chorus(
        is_concurrent: i64,
        all: &[Box<dyn __AnimalObj + Send>],
    ) -> String {
        let mut text = String::new();
        for animal in all {
            text += &animal.__vt_speak(is_concurrent, 2);
        }
        text
    }
    #[diagnostic::on_unimplemented(
        message = "#[vthread]: this `speak` is not the vthread one: `{Self}` has none",
        label = "write the type of the receiver down, or `#[plain]` before the call"
    )]
    #[doc(hidden)]
    #[allow(warnings)]
    trait has_vthread_speak {}
    #[doc(hidden)]
    #[allow(warnings)]
    trait calls_vthread_speak {
        fn __vt_speak(&self) {}
    }
    #[doc(hidden)]
    #[allow(warnings)]
    impl<__T: has_vthread_speak + ?Sized> calls_vthread_speak for __T {}
}
