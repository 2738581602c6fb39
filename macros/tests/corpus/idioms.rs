//! Idioms of larger programs: libraries in small that lean on the type system.

// A parser library: combinators that borrow their input, boxed where the types recurse, closures that are parsers.
program!(parser_combinators {
    use std::fmt;
    use std::marker::PhantomData;

    #[derive(Debug, Clone, PartialEq)]
    pub enum Fault<'a> {
        Expected { what: &'static str, at: &'a str },
        Trailing(&'a str),
    }
    impl fmt::Display for Fault<'_> {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            match self {
                Self::Expected { what, at } => write!(f, "{what} expected at {:?}", shorten(at)),
                Self::Trailing(rest) => write!(f, "{:?} is too much", shorten(rest)),
            }
        }
    }
    fn shorten(text: &str) -> &str {
        text.char_indices().nth(4).map_or(text, |(end, _)| &text[..end])
    }
    pub type Parsed<'a, T> = Result<(T, &'a str), Fault<'a>>;

    pub trait Parser<'a> {
        type Output;
        fn parse(&self, input: &'a str) -> Parsed<'a, Self::Output>;
        fn map<F, B>(self, f: F) -> Map<Self, F>
        where
            Self: Sized,
            F: Fn(Self::Output) -> B,
        {
            Map { inner: self, f }
        }
        fn then<P: Parser<'a>>(self, next: P) -> Then<Self, P>
        where
            Self: Sized,
        {
            Then(self, next)
        }
        fn or<P>(self, other: P) -> Or<'a, Self, P>
        where
            Self: Sized,
            P: Parser<'a, Output = Self::Output>,
        {
            Or(self, other, PhantomData)
        }
        fn boxed(self) -> Boxed<'a, Self::Output>
        where
            Self: Sized + 'a,
        {
            Box::new(self)
        }
        fn all(&self, input: &'a str) -> Result<Self::Output, Fault<'a>> {
            match self.parse(input)? {
                (value, "") => Ok(value),
                (_, rest) => Err(Fault::Trailing(rest)),
            }
        }
    }
    pub type Boxed<'a, T> = Box<dyn Parser<'a, Output = T> + 'a>;
    impl<'a, T> Parser<'a> for Boxed<'a, T> {
        type Output = T;
        fn parse(&self, input: &'a str) -> Parsed<'a, T> {
            (**self).parse(input)
        }
    }
    pub struct Function<F>(F);
    impl<'a, F, T> Parser<'a> for Function<F>
    where
        F: Fn(&'a str) -> Parsed<'a, T>,
    {
        type Output = T;
        fn parse(&self, input: &'a str) -> Parsed<'a, T> {
            (self.0)(input)
        }
    }
    pub struct Map<P, F> {
        inner: P,
        f: F,
    }
    impl<'a, P: Parser<'a>, B, F: Fn(P::Output) -> B> Parser<'a> for Map<P, F> {
        type Output = B;
        fn parse(&self, input: &'a str) -> Parsed<'a, B> {
            let (value, rest) = self.inner.parse(input)?;
            Ok(((self.f)(value), rest))
        }
    }
    pub struct Then<A, B>(A, B);
    impl<'a, A: Parser<'a>, B: Parser<'a>> Parser<'a> for Then<A, B> {
        type Output = (A::Output, B::Output);
        fn parse(&self, input: &'a str) -> Parsed<'a, Self::Output> {
            let (a, rest) = self.0.parse(input)?;
            self.1.parse(rest).map(|(b, rest)| ((a, b), rest))
        }
    }
    pub struct Or<'a, A, B>(A, B, PhantomData<&'a str>);
    impl<'a, A, B> Parser<'a> for Or<'a, A, B>
    where
        A: Parser<'a>,
        B: Parser<'a, Output = A::Output>,
    {
        type Output = A::Output;
        fn parse(&self, input: &'a str) -> Parsed<'a, Self::Output> {
            self.0.parse(input).or_else(|_| self.1.parse(input))
        }
    }
    fn token<'a>(what: &'static str) -> impl Parser<'a, Output = &'a str> {
        Function(move |input: &'a str| match input.trim_start().strip_prefix(what) {
            Some(rest) => Ok((what, rest)),
            None => Err(Fault::Expected { what, at: input }),
        })
    }
    fn number<'a>() -> impl Parser<'a, Output = f64> {
        Function(|input: &'a str| {
            let text = input.trim_start();
            let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
            let value = text[..end].parse().map_err(|_| Fault::Expected { what: "number", at: text })?;
            Ok((value, &text[end..]))
        })
    }
    fn many<'a, P: Parser<'a>>(p: P) -> impl Parser<'a, Output = Vec<P::Output>> {
        Function(move |mut input: &'a str| {
            let mut all = vec![];
            while let Ok((one, rest)) = p.parse(input) {
                all.push(one);
                input = rest;
            }
            Ok((all, input))
        })
    }
    fn factor<'a>() -> Boxed<'a, f64> {
        let group = Function(|input| {
            let (_, rest) = token("(").parse(input)?;
            let (value, rest) = sum().parse(rest)?;
            token(")").parse(rest).map(|(_, rest)| (value, rest))
        });
        number().or(group).or(token("-").then(Function(|input| factor().parse(input))).map(|(_, n)| -n)).boxed()
    }
    fn product<'a>() -> Boxed<'a, f64> {
        let sign = token("*").or(token("/"));
        factor().then(many(sign.then(factor()))).map(|(n, more)| more.into_iter().fold(n, |n, (sign, m)| if sign == "*" { n * m } else { n / m })).boxed()
    }
    fn sum<'a>() -> Boxed<'a, f64> {
        let step = |n: f64, (sign, m): (&str, f64)| match sign {
            "+" => n + m,
            _ => n - m,
        };
        product().then(many(token("+").or(token("-")).then(product()))).map(move |(n, more)| more.into_iter().fold(n, step)).boxed()
    }
    pub fn run() -> String {
        let texts = ["1 + 2 * 3", "-(4 - 6) * 2.5", "((((7))))", "8 / 2 / 2 - -1", "2 * (3", "1 2 34 56", "x"];
        let all: Vec<String> = texts.iter().map(|t| sum().all(t).map_or_else(|e| e.to_string(), |n| n.to_string())).collect();
        all.join("; ")
    }
});

// Stages whose types fit together, checked when compiled or chosen at run time; any of them by what it is.
program!(typed_pipeline {
    use std::any::{Any, TypeId};
    use std::collections::HashMap;
    use std::fmt::Debug;
    use std::marker::PhantomData;

    pub trait Stage: Any {
        type In;
        type Out: Debug;
        const NAME: &'static str;
        fn feed(&mut self, item: Self::In) -> Option<Self::Out>;
        fn finish(&mut self) -> Vec<Self::Out> {
            Vec::new()
        }
    }
    pub struct Each<A, B, F>(F, PhantomData<fn(A) -> B>);
    impl<A: 'static, B: Debug + 'static, F: FnMut(A) -> B + 'static> Stage for Each<A, B, F> {
        type In = A;
        type Out = B;
        const NAME: &'static str = "each";
        fn feed(&mut self, item: A) -> Option<B> {
            Some((self.0)(item))
        }
    }
    #[derive(Default)]
    pub struct Pairs<T> {
        half: Option<T>,
    }
    impl<T: Debug + 'static> Stage for Pairs<T> {
        type In = T;
        type Out = (T, Option<T>);
        const NAME: &'static str = "pairs";
        fn feed(&mut self, item: T) -> Option<(T, Option<T>)> {
            match self.half.take() {
                Some(first) => Some((first, Some(item))),
                None => {
                    self.half = Some(item);
                    None
                }
            }
        }
        fn finish(&mut self) -> Vec<(T, Option<T>)> {
            self.half.take().into_iter().map(|first| (first, None)).collect()
        }
    }
    pub struct Joined<A, B> {
        first: A,
        second: B,
    }
    impl<A: Stage, B: Stage<In = A::Out>> Stage for Joined<A, B> {
        type In = A::In;
        type Out = B::Out;
        const NAME: &'static str = B::NAME;
        fn feed(&mut self, item: A::In) -> Option<B::Out> {
            self.first.feed(item).and_then(|between| self.second.feed(between))
        }
        fn finish(&mut self) -> Vec<B::Out> {
            let late = self.first.finish();
            let mut out: Vec<_> = late.into_iter().filter_map(|item| self.second.feed(item)).collect();
            out.extend(self.second.finish());
            out
        }
    }
    pub trait StageExt: Stage + Sized {
        fn pipe<B: Stage<In = Self::Out>>(self, second: B) -> Joined<Self, B> {
            Joined { first: self, second }
        }
        fn drive(mut self, items: impl IntoIterator<Item = Self::In>) -> Vec<Self::Out> {
            let mut out: Vec<Self::Out> = items.into_iter().filter_map(|item| self.feed(item)).collect();
            out.append(&mut self.finish());
            out
        }
    }
    impl<S: Stage> StageExt for S {}

    // The same behind an object: what a stage is made of is not its user's business.
    pub trait AnyStage {
        fn feed_text(&mut self, text: &str) -> String;
        fn as_any(&self) -> &dyn Any;
        fn kind(&self) -> &'static str;
    }
    impl<S> AnyStage for S
    where
        S: Stage,
        S::In: for<'x> From<&'x str>,
    {
        fn feed_text(&mut self, text: &str) -> String {
            let fed = self.feed(text.into());
            format!("{fed:?}")
        }
        fn as_any(&self) -> &dyn Any {
            self
        }
        fn kind(&self) -> &'static str {
            S::NAME
        }
    }
    struct Registry {
        stages: HashMap<TypeId, Box<dyn AnyStage>>,
        order: Vec<TypeId>,
    }
    impl Registry {
        fn add<S: AnyStage + 'static>(&mut self, stage: S) -> &mut Self {
            self.stages.insert(TypeId::of::<S>(), Box::new(stage));
            self.order.push(TypeId::of::<S>());
            self
        }
        fn get<S: AnyStage + 'static>(&self) -> Option<&S> {
            self.stages.get(&TypeId::of::<S>())?.as_any().downcast_ref()
        }
        fn feed(&mut self, text: &str) -> Vec<String> {
            let Self { stages, order } = self;
            order.iter().filter_map(|id| stages.get_mut(id).map(|s| format!("{}:{}", s.kind(), s.feed_text(text)))).collect()
        }
    }
    fn each<A, B, F: FnMut(A) -> B>(f: F) -> Each<A, B, F> {
        Each(f, PhantomData)
    }
    pub fn run() -> String {
        let square = each(|n: u32| u64::from(n) * u64::from(n));
        let label = each(|(a, b): (u64, Option<u64>)| match b {
            Some(b) => format!("{a}+{b}"),
            None => format!("{a} alone"),
        });
        let typed = square.pipe(Pairs::default()).pipe(label).drive(1..=5);
        let mut registry = Registry { stages: HashMap::new(), order: vec![] };
        registry.add(Pairs::<String>::default()).add(each(|s: String| s.len()));
        let (one, two) = (registry.feed("a"), registry.feed("bcd"));
        let half = registry.get::<Pairs<String>>().map(|p| p.half.is_some());
        format!("{typed:?} {one:?} {two:?} {half:?} {}", registry.get::<Each<String, usize, fn(String) -> usize>>().is_none())
    }
});
