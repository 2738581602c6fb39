//! Recursion by way of code that is not annotated, of which nothing is left as all of it is inlined.

/// As `serde` is to `serde_json`: what drives, and knows nothing of virtual threads.
#[allow(clippy::inline_always, reason = "nothing of it is to be left, without optimisation, too")]
mod driver {
    pub trait Source: Sized {
        fn drive<V: Visitor>(self, visitor: V) -> u64;
    }

    pub trait Visitor: Sized {
        fn number(self, n: u64) -> u64;
        fn list<L: List>(self, list: L) -> u64;
    }

    pub trait List {
        fn next<V: Visitor>(&mut self, visitor: V) -> Option<u64>;
    }

    #[inline(always)]
    pub fn drive<S: Source, V: Visitor>(source: S, visitor: V) -> u64 {
        source.drive(visitor)
    }

    pub struct Sum;

    impl Visitor for Sum {
        #[inline(always)]
        fn number(self, n: u64) -> u64 {
            n
        }

        #[inline(always)]
        fn list<L: List>(self, mut list: L) -> u64 {
            let mut sum = 1;
            while let Some(n) = list.next(Sum) {
                sum += n;
            }
            sum
        }
    }
}

program!(a_visitor_of_lists {
    use super::super::driver::{List, Source, Sum, Visitor, drive};

    pub enum Value {
        Number(u64),
        List(Vec<Value>),
    }

    struct Items(std::vec::IntoIter<Value>);

    impl List for Items {
        #[inline(always)]
        fn next<V: Visitor>(&mut self, visitor: V) -> Option<u64> {
            match self.0.next() {
                Some(item) => Some(drive(item, visitor)),
                None => None,
            }
        }
    }

    #[inline(never)]
    fn visit_list<V: Visitor>(list: Vec<Value>, visitor: V) -> u64 {
        visitor.list(Items(list.into_iter()))
    }

    impl Source for Value {
        #[inline(always)]
        fn drive<V: Visitor>(self, visitor: V) -> u64 {
            match self {
                Value::Number(n) => visitor.number(n),
                Value::List(list) => visit_list(list, visitor),
            }
        }
    }

    pub fn run() -> String {
        let mut value = Value::List(vec![Value::Number(3), Value::List(vec![])]);
        for n in 0..200 {
            value = Value::List(vec![value, Value::Number(n)]);
        }
        drive(value, Sum).to_string()
    }
});
