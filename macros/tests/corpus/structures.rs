//! Data structures: lists, trees, heaps, caches, graphs, strings.

program!(binary_search_tree {
    use std::cmp::Ordering;
    #[derive(Debug, Default)] enum Tree<K, V> { #[default] Empty, Node(Box<Node<K, V>>) }
    #[derive(Debug)] struct Node<K, V> { key: K, value: V, left: Tree<K, V>, right: Tree<K, V> }
    impl<K: Ord + Clone, V: Clone> Tree<K, V> {
        fn put(&mut self, key: K, value: V) -> Option<V> {
            match self {
                Tree::Empty => { *self = Tree::Node(Box::new(Node { key, value, left: Tree::Empty, right: Tree::Empty })); None }
                Tree::Node(n) => match key.cmp(&n.key) { Ordering::Less => n.left.put(key, value), Ordering::Greater => n.right.put(key, value), Ordering::Equal => Some(std::mem::replace(&mut n.value, value)) },
            }
        }
        fn find(&self, key: &K) -> Option<&V> { let Tree::Node(n) = self else { return None }; match key.cmp(&n.key) { Ordering::Less => n.left.find(key), Ordering::Greater => n.right.find(key), Ordering::Equal => Some(&n.value) } }
        fn take_least(&mut self) -> Option<(K, V)> {
            let Tree::Node(n) = self else { return None };
            if let Some(found) = n.left.take_least() { return Some(found); }
            let Tree::Node(n) = std::mem::take(self) else { unreachable!() };
            let Node { key, value, right, .. } = *n;
            *self = right;
            Some((key, value))
        }
        fn delete(&mut self, key: &K) -> Option<V> {
            let Tree::Node(n) = self else { return None };
            match key.cmp(&n.key) {
                Ordering::Less => n.left.delete(key),
                Ordering::Greater => n.right.delete(key),
                Ordering::Equal => {
                    let value = n.value.clone();
                    match n.right.take_least() { Some((k, v)) => { n.key = k; n.value = v; } None => { let left = std::mem::take(&mut n.left); *self = left; } }
                    Some(value)
                }
            }
        }
        fn each<'t>(&'t self, f: &mut impl FnMut(&'t K, &'t V)) { if let Tree::Node(n) = self { n.left.each(f); f(&n.key, &n.value); n.right.each(f); } }
        fn height(&self) -> usize { match self { Tree::Empty => 0, Tree::Node(n) => 1 + n.left.height().max(n.right.height()) } }
    }
    pub fn run() -> String {
        let mut t = Tree::default();
        let old: Vec<_> = [5, 2, 8, 1, 9, 2, 7, 5].iter().enumerate().map(|(i, k)| t.put(*k, i)).collect();
        let gone: Vec<_> = [5, 4, 1].iter().map(|k| t.delete(k)).collect();
        let mut all = vec![];
        t.each(&mut |k, v| all.push((*k, *v)));
        format!("{old:?} {gone:?} {all:?} {:?} {}", t.find(&9), t.height())
    }
});

program!(balanced_tree {
    #[derive(Debug, Clone, Copy, PartialEq)] enum Colour { Red, Black }
    use Colour::*;
    #[derive(Debug, Clone)] enum Set { Leaf, Node(Colour, Box<Set>, i32, Box<Set>) }
    use Set::{Leaf, Node as N};
    fn node(c: Colour, l: Set, v: i32, r: Set) -> Set { N(c, Box::new(l), v, Box::new(r)) }
    fn rebalance(l: Set, v: i32, r: Set) -> Set {
        match (l, r) {
            (N(Red, a, x, b), r) if is_red(&a) => node(Red, paint(*a, Black), x, node(Black, *b, v, r)),
            (N(Red, a, x, b), r) if is_red(&b) => { let N(_, b1, y, b2) = *b else { unreachable!() }; node(Red, node(Black, *a, x, *b1), y, node(Black, *b2, v, r)) }
            (l, N(Red, b, y, c)) if is_red(&b) => { let N(_, b1, x, b2) = *b else { unreachable!() }; node(Red, node(Black, l, v, *b1), x, node(Black, *b2, y, *c)) }
            (l, N(Red, b, y, c)) if is_red(&c) => node(Red, node(Black, l, v, *b), y, paint(*c, Black)),
            (l, r) => node(Black, l, v, r),
        }
    }
    fn is_red(s: &Set) -> bool { matches!(s, N(Red, ..)) }
    fn paint(s: Set, c: Colour) -> Set { match s { Leaf => Leaf, N(_, l, v, r) => N(c, l, v, r) } }
    fn put(s: Set, v: i32) -> Set {
        fn down(s: Set, v: i32) -> Set {
            match s {
                Leaf => node(Red, Leaf, v, Leaf),
                N(c, l, x, r) if v < x => if c == Black { rebalance(down(*l, v), x, *r) } else { node(c, down(*l, v), x, *r) },
                N(c, l, x, r) if v > x => if c == Black { rebalance(*l, x, down(*r, v)) } else { node(c, *l, x, down(*r, v)) },
                same => same,
            }
        }
        paint(down(s, v), Black)
    }
    fn blacks(s: &Set) -> Result<u32, String> { match s { Leaf => Ok(1), N(c, l, v, r) => { let (a, b) = (blacks(l)?, blacks(r)?); if a != b { return Err(format!("{a} and {b} at {v}")); } Ok(a + u32::from(*c == Black)) } } }
    fn list(s: &Set) -> Vec<i32> { match s { Leaf => vec![], N(_, l, v, r) => { let mut all = list(l); all.push(*v); all.extend(list(r)); all } } }
    pub fn run() -> String { let s = (0..40).map(|i| i * 17 % 41).fold(Leaf, put); format!("{:?} {:?}", blacks(&s), list(&s)) }
});

program!(linked_list {
    #[derive(Debug)] struct List<T> { head: Link<T>, len: usize }
    type Link<T> = Option<Box<Cell<T>>>;
    #[derive(Debug)] struct Cell<T> { value: T, next: Link<T> }
    pub struct Iter<'a, T> { at: Option<&'a Cell<T>> }
    pub struct IntoIter<T>(List<T>);
    impl<T> List<T> {
        fn new() -> Self { List { head: None, len: 0 } }
        fn push(&mut self, value: T) -> &mut Self { let next = self.head.take(); self.head = Some(Box::new(Cell { value, next })); self.len += 1; self }
        fn pop(&mut self) -> Option<T> { self.head.take().map(|c| { self.head = c.next; self.len -= 1; c.value }) }
        fn reverse(&mut self) { let mut done = None; let mut rest = self.head.take(); while let Some(mut c) = rest { rest = c.next.take(); c.next = done; done = Some(c); } self.head = done; }
        fn iter(&self) -> Iter<'_, T> { Iter { at: self.head.as_deref() } }
        fn nth_mut(&mut self, n: usize) -> Option<&mut T> { fn at<T>(link: &mut Link<T>, n: usize) -> Option<&mut T> { let c = link.as_mut()?; if n == 0 { Some(&mut c.value) } else { at(&mut c.next, n - 1) } } at(&mut self.head, n) }
        fn retain(&mut self, keep: impl Fn(&T) -> bool) { let mut link = &mut self.head; let mut gone = 0; while let Some(c) = link.take() { if keep(&c.value) { link = &mut link.insert(c).next; } else { *link = c.next; gone += 1; } } self.len -= gone; }
    }
    impl<'a, T> Iterator for Iter<'a, T> { type Item = &'a T; fn next(&mut self) -> Option<&'a T> { let c = self.at?; self.at = c.next.as_deref(); Some(&c.value) } }
    impl<T> Iterator for IntoIter<T> { type Item = T; fn next(&mut self) -> Option<T> { self.0.pop() } fn size_hint(&self) -> (usize, Option<usize>) { (self.0.len, Some(self.0.len)) } }
    impl<T> IntoIterator for List<T> { type Item = T; type IntoIter = IntoIter<T>; fn into_iter(self) -> IntoIter<T> { IntoIter(self) } }
    impl<T> FromIterator<T> for List<T> { fn from_iter<I: IntoIterator<Item = T>>(all: I) -> Self { let mut l = List::new(); for t in all { l.push(t); } l.reverse(); l } }
    impl<T> Extend<T> for List<T> { fn extend<I: IntoIterator<Item = T>>(&mut self, all: I) { all.into_iter().for_each(|t| { self.push(t); }); } }
    pub fn run() -> String {
        let mut l: List<u32> = (1..=6).collect();
        if let Some(v) = l.nth_mut(2) { *v *= 10; }
        l.retain(|v| v % 2 == 0);
        l.extend([7, 8]);
        let seen: Vec<_> = l.iter().copied().collect();
        let (top, none) = (l.pop(), l.nth_mut(99).is_none());
        format!("{seen:?} {top:?} {none} {:?} {}", l.into_iter().map(|v| v + 1).collect::<Vec<_>>(), List::<u8>::new().len)
    }
});

program!(lru_cache {
    use std::collections::HashMap;
    trait Source { fn fetch(&mut self, key: u32) -> Option<String>; fn calls(&self) -> u32; }
    struct Squares { calls: u32 }
    impl Source for Squares { fn fetch(&mut self, key: u32) -> Option<String> { self.calls += 1; (key < 100).then(|| (key * key).to_string()) } fn calls(&self) -> u32 { self.calls } }
    struct Entry { value: String, before: Option<u32>, after: Option<u32> }
    struct Cache<'s> { most: usize, entries: HashMap<u32, Entry>, newest: Option<u32>, oldest: Option<u32>, source: &'s mut dyn Source }
    impl<'s> Cache<'s> {
        fn over(source: &'s mut dyn Source, most: usize) -> Self { Cache { most, entries: HashMap::new(), newest: None, oldest: None, source } }
        fn look(&mut self, key: u32) -> Option<&str> {
            if self.entries.contains_key(&key) { self.unlink(key); } else {
                let value = self.source.fetch(key)?;
                if self.entries.len() == self.most { self.evict(); }
                self.entries.insert(key, Entry { value, before: None, after: None });
            }
            self.link(key);
            self.entries.get(&key).map(|e| e.value.as_str())
        }
        fn link(&mut self, key: u32) { let newest = self.newest.replace(key); if let Some(n) = newest { self.at(n).before = Some(key); } else { self.oldest = Some(key); } let e = self.at(key); e.after = newest; e.before = None; }
        fn unlink(&mut self, key: u32) { let (b, a) = { let e = self.at(key); (e.before.take(), e.after.take()) }; match b { Some(b) => self.at(b).after = a, None => self.newest = a } match a { Some(a) => self.at(a).before = b, None => self.oldest = b } }
        fn evict(&mut self) { if let Some(key) = self.oldest { self.unlink(key); self.entries.remove(&key); } }
        fn at(&mut self, key: u32) -> &mut Entry { self.entries.get_mut(&key).unwrap() }
        fn order(&self) -> Vec<u32> { std::iter::successors(self.newest, |k| self.entries[k].after).collect() }
    }
    pub fn run() -> String {
        let mut s = Squares { calls: 0 };
        let mut c = Cache::over(&mut s, 3);
        let got: Vec<Option<String>> = [1, 2, 3, 1, 4, 2, 500, 1].map(|k| c.look(k).map(str::to_owned)).into();
        let order = c.order();
        format!("{got:?} {order:?} {}", c.source.calls())
    }
});

program!(ordered_heap {
    struct Heap<T, F> { items: Vec<T>, before: F }
    impl<T, F: Fn(&T, &T) -> bool> Heap<T, F> {
        fn by(before: F) -> Self { Heap { items: vec![], before } }
        fn add(&mut self, t: T) { self.items.push(t); self.up(self.items.len() - 1); }
        fn up(&mut self, at: usize) { if at > 0 { let above = (at - 1) / 2; if (self.before)(&self.items[at], &self.items[above]) { self.items.swap(at, above); self.up(above); } } }
        fn down(&mut self, at: usize) { let best = [2 * at + 1, 2 * at + 2].into_iter().filter(|c| *c < self.items.len()).fold(at, |b, c| if (self.before)(&self.items[c], &self.items[b]) { c } else { b }); if best != at { self.items.swap(at, best); self.down(best); } }
        fn first_out(&mut self) -> Option<T> { if self.items.is_empty() { return None; } let t = self.items.swap_remove(0); if !self.items.is_empty() { self.down(0); } Some(t) }
        fn drain_sorted(mut self) -> Vec<T> { let mut all = Vec::with_capacity(self.items.len()); while let Some(t) = self.first_out() { all.push(t); } all }
    }
    fn longest(words: &[&'static str]) -> Vec<&'static str> { let mut h = Heap::by(|a: &&str, b: &&str| (a.len(), b) > (b.len(), a)); words.iter().for_each(|w| h.add(*w)); h.drain_sorted() }
    pub fn run() -> String { let mut h = Heap::by(|a: &(u32, char), b: &(u32, char)| a < b); for (i, c) in "heaps".chars().enumerate() { h.add(((i as u32 * 7) % 5, c)); } let first = h.first_out(); format!("{first:?} {:?} {:?}", h.drain_sorted(), longest(&["a", "ccc", "bb", "dd", "e"])) }
});

program!(graph_with_weak_parents {
    use std::cell::RefCell;
    use std::rc::{Rc, Weak};
    struct Node { name: String, parent: RefCell<Weak<Node>>, children: RefCell<Vec<Rc<Node>>> }
    impl Node {
        fn make(name: &str) -> Rc<Node> { Rc::new(Node { name: name.into(), parent: RefCell::default(), children: RefCell::default() }) }
        fn adopt(self: &Rc<Self>, child: Rc<Node>) -> Rc<Node> { *child.parent.borrow_mut() = Rc::downgrade(self); self.children.borrow_mut().push(child.clone()); child }
        fn path(&self) -> String { match self.parent.borrow().upgrade() { Some(p) => p.path() + "/" + &self.name, None => self.name.clone() } }
        fn depth(self: Rc<Self>) -> usize { let above = self.parent.borrow().upgrade(); above.map_or(0, |p| 1 + p.depth()) }
        fn count(&self) -> usize { 1 + self.children.borrow().iter().map(|c| c.count()).sum::<usize>() }
        fn search<'a>(self: &'a Rc<Self>, name: &str) -> Option<Rc<Node>> { if self.name == name { return Some(self.clone()); } self.children.borrow().iter().find_map(|c| c.search(name)) }
    }
    pub fn run() -> String { let root = Node::make("root"); let a = root.adopt(Node::make("a")); let b = a.adopt(Node::make("b")); root.adopt(Node::make("c")); let p = b.path(); let d = b.clone().depth(); let found = root.search("b").map(|n| Rc::ptr_eq(&n, &b)); let n = root.count(); drop(root); format!("{p} {d} {found:?} {n} {}", a.path()) }
});

program!(segment_tree {
    trait Operation { type Value: Copy + std::fmt::Debug; const EMPTY: Self::Value; fn join(a: Self::Value, b: Self::Value) -> Self::Value; }
    struct Largest; struct Total;
    impl Operation for Largest { type Value = i64; const EMPTY: i64 = i64::MIN; fn join(a: i64, b: i64) -> i64 { a.max(b) } }
    impl Operation for Total { type Value = i64; const EMPTY: i64 = 0; fn join(a: i64, b: i64) -> i64 { a + b } }
    struct Segments<O: Operation> { size: usize, nodes: Vec<O::Value> }
    impl<O: Operation> Segments<O> {
        fn over(values: &[O::Value]) -> Self { let size = values.len().next_power_of_two(); let mut s = Segments { size, nodes: vec![O::EMPTY; 2 * size] }; s.nodes[size..size + values.len()].copy_from_slice(values); s.build(1); s }
        fn build(&mut self, at: usize) { if at < self.size { self.build(2 * at); self.build(2 * at + 1); self.nodes[at] = O::join(self.nodes[2 * at], self.nodes[2 * at + 1]); } }
        fn set_at(&mut self, i: usize, v: O::Value) { let mut at = i + self.size; self.nodes[at] = v; while at > 1 { at /= 2; self.nodes[at] = O::join(self.nodes[2 * at], self.nodes[2 * at + 1]); } }
        fn query(&self, range: std::ops::Range<usize>) -> O::Value { self.part(1, 0..self.size, &range) }
        fn part(&self, at: usize, own: std::ops::Range<usize>, want: &std::ops::Range<usize>) -> O::Value {
            if own.start >= want.end || own.end <= want.start { return O::EMPTY; }
            if want.start <= own.start && own.end <= want.end { return self.nodes[at]; }
            let middle = own.start.midpoint(own.end);
            O::join(self.part(2 * at, own.start..middle, want), self.part(2 * at + 1, middle..own.end, want))
        }
    }
    pub fn run() -> String { let v: Vec<i64> = (0..11).map(|i| i * 7 % 11).collect(); let (mut l, mut t) = (Segments::<Largest>::over(&v), Segments::<Total>::over(&v)); let before = (l.query(2..6), t.query(2..6), t.query(0..11)); l.set_at(3, 100); t.set_at(3, 100); format!("{before:?} {} {} {}", l.query(0..3), l.query(3..4), t.query(1..9)) }
});

program!(rope {
    #[derive(Debug, Clone)] enum Rope { Text(String), Join { left: Box<Rope>, right: Box<Rope>, weight: usize } }
    impl From<&str> for Rope { fn from(s: &str) -> Self { Rope::Text(s.to_owned()) } }
    impl std::ops::Add for Rope { type Output = Rope; fn add(self, right: Rope) -> Rope { let weight = self.length(); Rope::Join { left: Box::new(self), right: Box::new(right), weight } } }
    impl Rope {
        fn length(&self) -> usize { match self { Rope::Text(s) => s.len(), Rope::Join { right, weight, .. } => weight + right.length() } }
        fn byte(&self, i: usize) -> Option<u8> { match self { Rope::Text(s) => s.as_bytes().get(i).copied(), Rope::Join { left, weight, .. } if i < *weight => left.byte(i), Rope::Join { right, weight, .. } => right.byte(i - weight) } }
        fn divide(self, at: usize) -> (Rope, Rope) {
            match self {
                Rope::Text(mut s) => { let right = s.split_off(at.min(s.len())); (Rope::Text(s), Rope::Text(right)) }
                Rope::Join { left, right, weight } if at < weight => { let (a, b) = left.divide(at); (a, b + *right) }
                Rope::Join { left, right, weight } => { let (a, b) = right.divide(at - weight); (*left + a, b) }
            }
        }
        fn inserted(self, at: usize, text: &str) -> Rope { let (a, b) = self.divide(at); a + Rope::from(text) + b }
        fn leaves<'r>(&'r self) -> Box<dyn Iterator<Item = &'r str> + 'r> { match self { Rope::Text(s) => Box::new(std::iter::once(s.as_str())), Rope::Join { left, right, .. } => Box::new(left.leaves().chain(right.leaves())) } }
    }
    impl std::fmt::Display for Rope { fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result { self.leaves().try_for_each(|s| f.write_str(s)) } }
    pub fn run() -> String { let r = (Rope::from("Hello ") + "wide".into() + " world".into()).inserted(6, "very ").inserted(0, "> "); format!("{r} {} {:?} {:?} {:?}", r.length(), r.byte(3).map(char::from), r.byte(999), r.leaves().collect::<Vec<_>>()) }
});

program!(interval_map {
    use std::collections::BTreeMap;
    use std::ops::{Index, Range};
    #[derive(Debug, Clone)] struct Intervals<V> { starts: BTreeMap<i32, V>, default: V }
    impl<V: Clone + PartialEq> Intervals<V> {
        fn new(default: V) -> Self { Self { starts: BTreeMap::new(), default } }
        fn at(&self, k: i32) -> &V { self.starts.range(..=k).next_back().map_or(&self.default, |(_, v)| v) }
        fn paint(&mut self, over: Range<i32>, v: V) -> &mut Self {
            if over.is_empty() { return self; }
            let after = self.at(over.end).clone();
            let inside: Vec<i32> = self.starts.range(over.clone()).map(|(k, _)| *k).collect();
            inside.into_iter().for_each(|k| { self.starts.remove(&k); });
            if *self.at(over.start) != v { self.starts.insert(over.start, v.clone()); }
            if v != after { self.starts.insert(over.end, after); } else { self.starts.remove(&over.end); }
            self
        }
    }
    impl<V: Clone + PartialEq> Index<i32> for Intervals<V> { type Output = V; fn index(&self, k: i32) -> &V { self.at(k) } }
    pub fn run() -> String { let mut m = Intervals::new('.'); m.paint(3..9, 'a').paint(5..6, 'b').paint(8..12, 'c').paint(2..4, 'a').paint(20..20, 'z'); let line: String = (0..14).map(|k| m[k]).collect(); format!("{line} {}", m.starts.len()) }
});

program!(bloom_and_bits {
    #[derive(Clone, Debug, PartialEq, Eq, Default)] struct Bits<const N: usize = 2>([u64; N]) where [u64; N]: Default;
    trait BitSet { fn bit(&self, i: usize) -> bool; fn flip(&mut self, i: usize); fn ones(&self) -> u32; fn list(&self) -> Vec<usize> where Self: Sized { collect_bits(self) } }
    fn collect_bits(b: &dyn BitSet) -> Vec<usize> { (0..128).filter(|i| b.bit(*i)).collect() }
    impl BitSet for Bits<2> { fn bit(&self, i: usize) -> bool { self.0[i / 64] >> (i % 64) & 1 == 1 } fn flip(&mut self, i: usize) { self.0[i / 64] ^= 1 << (i % 64); } fn ones(&self) -> u32 { self.0.iter().map(|w| w.count_ones()).sum() } }
    impl std::ops::BitOr for &Bits<2> { type Output = Bits<2>; fn bitor(self, o: &Bits<2>) -> Bits<2> { Bits(std::array::from_fn(|i| self.0[i] | o.0[i])) } }
    impl std::ops::Not for Bits<2> { type Output = Bits<2>; fn not(self) -> Bits<2> { Bits(self.0.map(|w| !w)) } }
    fn hashes(s: &str) -> [usize; 3] { let h = s.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |h, b| (h ^ u64::from(b)).wrapping_mul(0x100_0000_01b3)); [h as usize % 128, (h >> 20) as usize % 128, (h >> 40) as usize % 128] }
    struct Bloom { bits: Box<dyn BitSet> }
    impl Bloom { fn add(&mut self, s: &str) -> bool { let fresh = !self.may_have(s); for i in hashes(s) { if !self.bits.bit(i) { self.bits.flip(i); } } fresh } fn may_have(&self, s: &str) -> bool { hashes(s).iter().all(|&i| self.bits.bit(i)) } }
    pub fn run() -> String { let mut b = Bloom { bits: Box::new(Bits::<2>::default()) }; let fresh: Vec<bool> = ["ant", "bee", "ant", "cow"].map(|w| b.add(w)).into(); let mut x = Bits([0; 2]); let mut y = x.clone(); x.flip(3); y.flip(70); format!("{fresh:?} {} {} {:?} {}", b.may_have("bee"), b.bits.ones() <= 9, (&x | &y).list(), (!x).ones()) }
});
