//! What macros make of macros, and methods of trait objects. Under the stand-in alone: not yet tried under the link step, optimised.

// Macros whose syntax has impls in it, that eat tokens one after the other, that write macros, call others back, and repeat within repetitions.
program!(macros_upon_macros {
    pub trait Shape {
        fn area(&self) -> u32;
        fn twice(&self) -> u32 {
            2 * self.area()
        }
    }
    macro_rules! shapes {
        (impl Shape for $($t:ident = $e:expr),* $(,)?) => { $( shapes!(@one impl Shape for $t { $e }); )* };
        (@one impl Shape for $t:ident { $e:expr }) => {
            pub struct $t;
            impl Shape for $t { fn area(&self) -> u32 { helper($e * 2) } }
        };
    }
    shapes!(impl Shape for A = 1 + 1, B = 3);
    macro_rules! munch {
        (@done [$($acc:tt)*]) => { $($acc)* };
        (@go [$($acc:tt)*] $t:ident $($rest:ident)*) => { munch!(@go [$($acc)* pub struct $t(pub u32); impl Shape for $t { fn area(&self) -> u32 { helper(self.0) } }] $($rest)*); };
        (@go [$($acc:tt)*]) => { munch!(@done [$($acc)*]); };
    }
    munch!(@go [] M N);
    macro_rules! outer {
        ($name:ident, $d:tt) => {
            macro_rules! $name {
                (impl Shape for $d t:ident) => { pub struct $d t; impl Shape for $d t { fn area(&self) -> u32 { helper(7) } } };
            }
        };
    }
    outer!(inner, $);
    inner!(impl Shape for C);
    macro_rules! callback { ($cb:ident ! $($args:tt)*) => { $cb! { $($args)* } } }
    callback!(shapes ! impl Shape for D = 9);
    macro_rules! items { ($($i:item)*) => { $($i)* } }
    items! { pub struct E; pub fn of_e(_: &E) -> u32 { 5 } }
    macro_rules! generic { ($($n:ident < $($g:ident : $b:path),* >);* $(;)?) => { $(
        pub struct $n<$($g),*>($(pub $g),*);
        impl<$($g: $b),*> Shape for $n<$($g),*> { #[allow(non_snake_case)] fn area(&self) -> u32 { let $n($(ref $g),*) = *self; 0 $(+ { $g.area() })* } }
    )* } }
    generic!(P<X: Shape, Y: Shape>; Q<Z: Shape>;);
    fn helper(n: u32) -> u32 {
        if n == 0 { 0 } else { 1 + helper(n - 1) }
    }
    pub fn run() -> String {
        let all: Vec<Box<dyn Shape>> = vec![
            Box::new(A),
            Box::new(B),
            Box::new(M(4)),
            Box::new(N(5)),
            Box::new(C),
            Box::new(D),
            Box::new(P(A, M(1))),
            Box::new(Q(B)),
        ];
        macro_rules! local {
            ($t:ty, $e:expr) => {
                impl Shape for $t {
                    fn area(&self) -> u32 {
                        format!("{}", $e * 2).len() as u32 + helper($e * 3)
                    }
                }
            };
        }
        pub struct L;
        local!(L, 40 + 20);
        format!("{:?} {} {}", all.iter().map(|s| s.twice()).collect::<Vec<_>>(), of_e(&E), L.twice())
    }
});

// A trait with constants, types, unsafe and generic methods, whose impls a macro writes.
program!(whole_traits_by_macros {
    pub trait T {
        const K: u32;
        type O;
        fn v(&self) -> u32;
        fn o(&self) -> Self::O;
        // SAFETY: callers owe nothing.
        unsafe fn u(&self) -> u32;
        fn g<A: Into<u32>>(&self, a: A) -> u32
        where
            Self: Sized,
        {
            a.into() + self.v()
        }
        fn new(n: u32) -> Self
        where
            Self: Sized;
        fn dflt() -> u32
        where
            Self: Sized,
        {
            Self::K
        }
    }
    macro_rules! t { ($($(#[$m:meta])* $t:ident($v:vis $i:ty) = $k:literal),*) => { $(
        $(#[$m])* pub struct $t($v $i);
        impl T for $t {
            const K: u32 = $k;
            type O = ($i, u32);
            fn v(&self) -> u32 { self.0 as u32 + Self::K }
            fn o(&self) -> Self::O { (self.0, if self.0 as u32 == 0 { 0 } else { Self::new(self.0 as u32 - 1).o().1 + 1 }) }
            // SAFETY: as above.
            unsafe fn u(&self) -> u32 { self.v() }
            fn new(n: u32) -> Self { Self(n as $i) }
        }
        impl $t { pub const X: u32 = $k * 2; fn own(&self) -> u32 { self.v() + Self::X } }
    )* } }
    t!(#[derive(Debug)] A(pub u8) = 1, B(pub(crate) u64) = 2);
    pub fn run() -> String {
        let a = A::new(3);
        let b = <B as T>::new(4);
        format!(
            "{:?} {:?} {} {} {} {} {}",
            a.o(),
            b.o(),
            // SAFETY: as above.
            unsafe { a.u() },
            a.g(7u8),
            B::dflt(),
            a.own(),
            b.own()
        )
    }
});

// Methods that types give trait objects, names that several traits have, receivers, lifetimes and names that std has: nothing is imported.
program!(methods_of_objects {
    pub mod t {
        use std::pin::Pin;
        use std::rc::Rc;
        pub trait Base {
            fn id(&self) -> u32;
            fn name(&self) -> String {
                format!("base{}", self.id())
            }
        }
        pub trait Sub: Base {
            fn sub(&self) -> u32 {
                self.id() + 1
            }
            fn name2(&self) -> String {
                Base::name(self)
            }
        }
        pub trait Other {
            fn id(&self) -> u32 {
                100
            }
            fn only(&self) -> u32 {
                Other::id(self) + 1
            }
        }
        pub trait Both: Sub + Other {
            fn both(&self) -> u32 {
                Base::id(self) + Other::id(self)
            }
        }
        impl dyn Base {
            pub fn helper(&self) -> u32 {
                self.id() * 2
            }
            pub fn make(n: u32) -> Box<dyn Base> {
                Box::new(super::X(n))
            }
        }
        impl dyn Sub + Send + '_ {
            pub fn helper(&self) -> u32 {
                self.id() * 3
            }
        }
        impl<'a> dyn Both + 'a {
            pub fn of<'b>(x: &'b super::X) -> &'b (dyn Both + 'a)
            where
                'a: 'b,
            {
                x
            }
        }
        pub trait G<T> {
            type Out;
            fn get(&self, t: T) -> Self::Out;
            // SAFETY: callers have a `T` there.
            unsafe fn raw(&self, p: *const T) -> u32;
            fn eat(self: Box<Self>) -> u32;
            fn rc(self: Rc<Self>) -> u32;
            fn pin(self: Pin<&mut Self>, n: u32) -> u32;
        }
        impl<T: Copy + Into<u32>> G<T> for super::X {
            type Out = u64;
            fn get(&self, t: T) -> u64 {
                let n: u32 = t.into();
                u64::from(self.0 + n)
            }
            // SAFETY: as above, and a `T` is `Copy`.
            unsafe fn raw(&self, p: *const T) -> u32 {
                // SAFETY: as above.
                unsafe { (*p).into() }
            }
            fn eat(self: Box<Self>) -> u32 {
                self.0
            }
            fn rc(self: Rc<Self>) -> u32 {
                Rc::strong_count(&self) as u32
            }
            fn pin(mut self: Pin<&mut Self>, n: u32) -> u32 {
                self.0 += n;
                self.0
            }
        }
        pub trait Life<'a>: 'a {
            fn word(&self) -> &'a str;
            fn pick<'b>(&'b self, o: &'b str) -> &'b str
            where
                'a: 'b;
            fn it(&self) -> Box<dyn Iterator<Item = &'a str> + '_>;
        }
        pub struct W<'a>(pub &'a str);
        impl<'a> Life<'a> for W<'a> {
            fn word(&self) -> &'a str {
                self.0
            }
            fn pick<'b>(&'b self, o: &'b str) -> &'b str
            where
                'a: 'b,
            {
                if o.len() > self.0.len() { o } else { self.0 }
            }
            fn it(&self) -> Box<dyn Iterator<Item = &'a str> + '_> {
                Box::new(self.0.split(' '))
            }
        }
        pub trait R {
            fn r#type(&self) -> u32;
            fn len(&self) -> usize {
                3
            }
            fn clone(&self) -> u32 {
                9
            }
            fn fmt(&self) -> u32 {
                11
            }
            fn to_string(&self) -> String {
                "own".into()
            }
            fn borrow(&self) -> u32 {
                12
            }
        }
        impl R for super::X {
            fn r#type(&self) -> u32 {
                self.0
            }
        }
    }
    #[derive(Debug)]
    pub struct X(pub u32);
    impl t::Base for X {
        fn id(&self) -> u32 {
            if self.0 == 0 { 0 } else { 1 + t::Base::id(&X(self.0 - 1)) }
        }
    }
    impl t::Sub for X {}
    impl t::Other for X {}
    impl t::Both for X {}
    mod far {
        use super::X;
        use super::t;
        pub fn go() -> String {
            let b: Box<dyn t::Base> = <dyn t::Base>::make(5);
            let s: Box<dyn t::Sub + Send> = Box::new(X(6));
            let a: std::sync::Arc<dyn t::Both + Send + Sync> = std::sync::Arc::new(X(7));
            let g: Box<dyn t::G<u8, Out = u64>> = Box::new(X(8));
            let n = 9u8;
            let rc: std::rc::Rc<dyn t::G<u16, Out = u64>> = std::rc::Rc::new(X(1));
            let mut pin: std::pin::Pin<Box<dyn t::G<u8, Out = u64>>> = Box::pin(X(1));
            let text = String::from("a bb c");
            let w = t::W(&text);
            let l: &dyn t::Life<'_> = &w;
            let r: &(dyn t::R + Sync) = &X(3);
            let x = X(2);
            let both = <dyn t::Both>::of(&x);
            format!(
                "{} {} {} {} {} {} {} {} {} {} {} {} {} {} {:?} {} {} {} {} {} {} {} {} {}",
                b.helper(),
                b.name(),
                b.id(),
                s.helper(),
                s.sub(),
                s.name2(),
                s.name(),
                a.both(),
                a.only(),
                g.get(n),
                // SAFETY: `n` is there.
                unsafe { g.raw(&n) },
                g.eat(),
                rc.clone().rc(),
                pin.as_mut().pin(4),
                l.it().collect::<Vec<_>>(),
                l.word(),
                l.pick("longer than"),
                r.r#type(),
                r.len(),
                described(r),
                r.fmt(),
                both.both(),
                <dyn t::Base>::id(&*b),
                both.only()
            )
        }
        fn described(r: &(dyn t::R + Sync)) -> String {
            format!("{} {}", r.to_string(), r.borrow())
        }
    }
    pub fn run() -> String {
        far::go()
    }
});

// A method of one name in a type, its trait, and another trait for boxes of both.
program!(one_name_everywhere {
    pub trait Draw {
        fn draw(&self, n: u32) -> u32;
        fn size(&self) -> u32 {
            1
        }
    }
    pub struct A;
    impl A {
        pub fn draw(&self, n: u32) -> u32 {
            if n == 0 { 1000 } else { self.draw(n - 1) + 1 }
        }
        pub fn size(&self) -> u32 {
            50
        }
    }
    impl Draw for A {
        fn draw(&self, n: u32) -> u32 {
            A::draw(self, n) + self.size()
        }
    }
    pub trait Ext {
        fn draw(&self) -> u32;
        fn more(&self) -> u32;
    }
    impl<T: Draw + ?Sized> Ext for Box<T> {
        fn draw(&self) -> u32 {
            (**self).draw(3)
        }
        fn more(&self) -> u32 {
            (**self).size()
        }
    }
    impl Draw for &A {
        fn draw(&self, _: u32) -> u32 {
            5
        }
    }
    impl<T: Draw> Draw for Vec<T> {
        fn draw(&self, n: u32) -> u32 {
            self.iter().map(|d| d.draw(n)).sum()
        }
        fn size(&self) -> u32 {
            self.len() as u32
        }
    }
    impl Draw for Box<dyn Draw + Send> {
        fn draw(&self, n: u32) -> u32 {
            (**self).draw(n) * 2
        }
    }
    fn f<D: Draw + ?Sized>(d: &D) -> u32 {
        d.draw(1) + D::size(d)
    }
    pub fn run() -> String {
        let b: Box<dyn Draw> = Box::new(vec![A, A]);
        let s: Box<dyn Draw + Send> = Box::new(A);
        let v: Vec<Box<dyn Draw + Send>> = vec![Box::new(A)];
        format!(
            "{} {} {} {} {} {} {} {}",
            A.draw(2),
            Draw::draw(&A, 2),
            Ext::draw(&b),
            f(&*b),
            f(&s),
            f(&*s),
            f(&v),
            <dyn Draw as Draw>::size(&*b)
        )
    }
});
