#[allow(dead_code, deprecated)]
#[inline]
pub fn fibonacci(n: u64) -> u64 {
    let entry = ::vthread::__private::callee_here!(
        __body_fibonacci:: < false >, __chunk_fibonacci, fn (_, _) -> _
    );
    entry(::vthread::__private::Known::<false>, n)
}
#[doc(hidden)]
pub fn __body_fibonacci<const __CONCURRENT: bool>(
    #[allow(unused_variables)]
    known: ::vthread::__private::Known<__CONCURRENT>,
    n: u64,
) -> u64 {
    if n < 2 {
        n
    } else {
        __step_fibonacci(known, n - 1) + __step_fibonacci(known, n - 2)
    }
}
#[doc(hidden)]
#[allow(warnings)]
#[inline(always)]
pub fn __vt_fibonacci(is_concurrent: i64, n: u64) -> u64 {
    if is_concurrent & 1 == 0 {
        ::vthread::__private::plain_only!();
        __body_fibonacci(::vthread::__private::Known::<false>, n)
    } else {
        __body_fibonacci(::vthread::__private::Known::<true>, n)
    }
}
#[doc(hidden)]
#[allow(warnings)]
#[inline(always)]
pub fn __step_fibonacci<const __CONCURRENT: bool>(
    #[allow(unused_variables)]
    known: ::vthread::__private::Known<__CONCURRENT>,
    n: u64,
) -> u64 {
    if __CONCURRENT {
        __chunk_fibonacci(::vthread::__private::Known::<true>, n)
    } else {
        __body_fibonacci(::vthread::__private::Known::<false>, n)
    }
}
#[doc(hidden)]
#[allow(warnings)]
#[inline(always)]
pub fn __rec_fibonacci(is_concurrent: i64, n: u64) -> u64 {
    if is_concurrent & 1 == 0 {
        ::vthread::__private::plain_only!();
        __body_fibonacci(::vthread::__private::Known::<false>, n)
    } else {
        __chunk_fibonacci(::vthread::__private::Known::<true>, n)
    }
}
#[doc(hidden)]
#[allow(warnings)]
#[inline(never)]
pub fn __chunk_fibonacci(
    #[allow(unused_variables)]
    known: ::vthread::__private::Known<true>,
    n: u64,
) -> u64 {
    ::vthread::__private::on_chunk(move || __body_fibonacci(
        ::vthread::__private::Known::<true>,
        n,
    ))
}
#[allow(dead_code, deprecated)]
#[inline]
pub fn descend(f: &mut dyn FnMut()) {
    ::vthread::__private::with_room(move || {
        let entry = ::vthread::__private::callee_here!(
            __body_descend:: < false >, __chunk_descend, fn (_, _) -> _
        );
        entry(::vthread::__private::Known::<false>, f)
    })
}
#[doc(hidden)]
pub fn __body_descend<const __CONCURRENT: bool>(
    #[allow(unused_variables)]
    known: ::vthread::__private::Known<__CONCURRENT>,
    f: &mut dyn FnMut(),
) {
    ::vthread::__private::after_call!({ ::vthread::__private::before_call!(); f() });
}
#[doc(hidden)]
#[allow(warnings)]
#[inline(always)]
pub fn __vt_descend(is_concurrent: i64, f: &mut dyn FnMut()) {
    if is_concurrent & 1 == 0 {
        ::vthread::__private::plain_only!();
        __body_descend(::vthread::__private::Known::<false>, f)
    } else {
        __body_descend(::vthread::__private::Known::<true>, f)
    }
}
#[doc(hidden)]
#[allow(warnings)]
#[inline(always)]
pub fn __step_descend<const __CONCURRENT: bool>(
    #[allow(unused_variables)]
    known: ::vthread::__private::Known<__CONCURRENT>,
    f: &mut dyn FnMut(),
) {
    if __CONCURRENT {
        __chunk_descend(::vthread::__private::Known::<true>, f)
    } else {
        __body_descend(::vthread::__private::Known::<false>, f)
    }
}
#[doc(hidden)]
#[allow(warnings)]
#[inline(always)]
pub fn __rec_descend(is_concurrent: i64, f: &mut dyn FnMut()) {
    if is_concurrent & 1 == 0 {
        ::vthread::__private::plain_only!();
        __body_descend(::vthread::__private::Known::<false>, f)
    } else {
        __chunk_descend(::vthread::__private::Known::<true>, f)
    }
}
#[doc(hidden)]
#[allow(warnings)]
#[inline(never)]
pub fn __chunk_descend(
    #[allow(unused_variables)]
    known: ::vthread::__private::Known<true>,
    f: &mut dyn FnMut(),
) {
    ::vthread::__private::on_chunk(move || __body_descend(
        ::vthread::__private::Known::<true>,
        f,
    ))
}
pub trait Visitor {
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
    fn visit(&mut self, n: u64) {
        <Self as Visitor>::__vt_visit(self, ::vthread::__private::current!(), n)
    }
    #[doc(hidden)]
    fn __vt_visit(&mut self, is_concurrent: i64, n: u64);
    #[doc(hidden)]
    #[allow(warnings)]
    #[inline]
    fn __rec_visit(&mut self, is_concurrent: i64, n: u64) {
        if <Self as Visitor>::write_vthread_dyn_use_to_name_dyn_here {
            <Self as Visitor>::__vt_visit(self, is_concurrent, n)
        } else if is_concurrent & 1 == 0 {
            ::vthread::__private::plain_only!();
            <Self as Visitor>::__vt_visit(self, is_concurrent, n)
        } else {
            ::vthread::__private::on_chunk(move || <Self as Visitor>::__vt_visit(
                self,
                1,
                n,
            ))
        }
    }
}
#[doc(hidden)]
#[allow(warnings)]
pub trait __VisitorTable: Visitor + Sized {
    const PAIRS: &'static [*const (); 2usize] = &[
        <Self as Visitor>::__vt_visit as *const (),
        <Self as __VisitorTable>::__chunk_visit as *const (),
    ];
    #[inline(never)]
    fn __chunk_visit(&mut self, is_concurrent: i64, n: u64) {
        ::vthread::__private::enter_on_chunk!(
            false, (self, n,), < Self as __VisitorTable > ::__enter_visit
        )
    }
    ::vthread::__private::entry!(
        __enter_visit, (argument_0), < Self as Visitor > ::__vt_visit
    );
    fn __one_signature() {
        let _ = [<Self as Visitor>::__vt_visit, <Self as __VisitorTable>::__chunk_visit];
    }
}
#[allow(warnings)]
impl<__T: Visitor> __VisitorTable for __T {}
#[doc(hidden)]
#[allow(warnings)]
pub trait __VisitorObj {
    fn __slot_visit(&mut self, is_concurrent: i64, n: u64);
}
#[allow(warnings)]
impl<__T: Visitor> __VisitorObj for __T {
    fn __slot_visit(&mut self, is_concurrent: i64, n: u64) {
        let is_concurrent: i64 = ::vthread::__private::bit!(is_concurrent);
        let entry = ::vthread::__private::select!(
            ::core::concat!(::core::module_path!(), "::Visitor::visit"), < Self as
            __VisitorTable > ::PAIRS, 0usize, is_concurrent, < Self as __VisitorTable >
            ::__chunk_visit
        );
        let entry: fn(_, i64, _) -> _ = unsafe { ::core::mem::transmute(entry) };
        entry(self, is_concurrent, n)
    }
}
#[allow(warnings)]
impl Visitor for dyn __VisitorObj + '_ {
    const write_vthread_dyn_use_to_name_dyn_here: bool = true;
    #[inline]
    fn __vt_visit(&mut self, is_concurrent: i64, n: u64) {
        let object: &mut Self = ::vthread::__private::tag!(
            ::core::concat!(::core::module_path!(), "::Visitor::visit"), self
        );
        <Self as __VisitorObj>::__slot_visit(object, is_concurrent, n)
    }
}
#[doc(hidden)]
#[allow(warnings)]
impl dyn __VisitorObj + '_ {
    #[inline]
    pub fn visit(&mut self, n: u64) {
        <Self as Visitor>::visit(self, n)
    }
    #[inline]
    pub fn __vt_visit(&mut self, is_concurrent: i64, n: u64) {
        <Self as Visitor>::__vt_visit(self, is_concurrent, n)
    }
    #[inline]
    pub fn __rec_visit(&mut self, is_concurrent: i64, n: u64) {
        <Self as Visitor>::__vt_visit(self, is_concurrent, n)
    }
}
#[allow(warnings)]
impl Visitor for dyn __VisitorObj + ::core::marker::Send + '_ {
    const write_vthread_dyn_use_to_name_dyn_here: bool = true;
    #[inline]
    fn __vt_visit(&mut self, is_concurrent: i64, n: u64) {
        <dyn __VisitorObj as Visitor>::__vt_visit(self, is_concurrent, n)
    }
}
#[doc(hidden)]
#[allow(warnings)]
impl dyn __VisitorObj + ::core::marker::Send + '_ {
    #[inline]
    pub fn visit(&mut self, n: u64) {
        <Self as Visitor>::visit(self, n)
    }
    #[inline]
    pub fn __vt_visit(&mut self, is_concurrent: i64, n: u64) {
        <Self as Visitor>::__vt_visit(self, is_concurrent, n)
    }
    #[inline]
    pub fn __rec_visit(&mut self, is_concurrent: i64, n: u64) {
        <Self as Visitor>::__vt_visit(self, is_concurrent, n)
    }
}
#[allow(warnings)]
impl Visitor for dyn __VisitorObj + ::core::marker::Sync + '_ {
    const write_vthread_dyn_use_to_name_dyn_here: bool = true;
    #[inline]
    fn __vt_visit(&mut self, is_concurrent: i64, n: u64) {
        <dyn __VisitorObj as Visitor>::__vt_visit(self, is_concurrent, n)
    }
}
#[doc(hidden)]
#[allow(warnings)]
impl dyn __VisitorObj + ::core::marker::Sync + '_ {
    #[inline]
    pub fn visit(&mut self, n: u64) {
        <Self as Visitor>::visit(self, n)
    }
    #[inline]
    pub fn __vt_visit(&mut self, is_concurrent: i64, n: u64) {
        <Self as Visitor>::__vt_visit(self, is_concurrent, n)
    }
    #[inline]
    pub fn __rec_visit(&mut self, is_concurrent: i64, n: u64) {
        <Self as Visitor>::__vt_visit(self, is_concurrent, n)
    }
}
#[allow(warnings)]
impl Visitor for dyn __VisitorObj + ::core::marker::Send + ::core::marker::Sync + '_ {
    const write_vthread_dyn_use_to_name_dyn_here: bool = true;
    #[inline]
    fn __vt_visit(&mut self, is_concurrent: i64, n: u64) {
        <dyn __VisitorObj as Visitor>::__vt_visit(self, is_concurrent, n)
    }
}
#[doc(hidden)]
#[allow(warnings)]
impl dyn __VisitorObj + ::core::marker::Send + ::core::marker::Sync + '_ {
    #[inline]
    pub fn visit(&mut self, n: u64) {
        <Self as Visitor>::visit(self, n)
    }
    #[inline]
    pub fn __vt_visit(&mut self, is_concurrent: i64, n: u64) {
        <Self as Visitor>::__vt_visit(self, is_concurrent, n)
    }
    #[inline]
    pub fn __rec_visit(&mut self, is_concurrent: i64, n: u64) {
        <Self as Visitor>::__vt_visit(self, is_concurrent, n)
    }
}
pub struct Sum(u64);
impl Visitor for Sum {
    #[doc(hidden)]
    fn __vt_visit(&mut self, _is_concurrent: i64, n: u64) {
        self.0 += fibonacci(n);
    }
    #[doc(hidden)]
    #[allow(warnings)]
    #[inline]
    fn write_vthread_above_this_impl() {}
}
#[allow(dead_code, deprecated)]
#[inline]
pub fn drive(visitor: &mut dyn __VisitorObj) {
    __vt_drive(::vthread::__private::current!(), visitor)
}
#[doc(hidden)]
pub fn __vt_drive(is_concurrent: i64, visitor: &mut dyn __VisitorObj) {
    visitor.visit(__vt_fibonacci(is_concurrent, 10));
}
