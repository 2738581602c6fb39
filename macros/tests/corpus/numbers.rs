//! Numbers: big integers, fractions, matrices, polynomials, dynamic programming, geometry, random numbers.

program!(big_integers {
    use std::ops::{Add, Mul, Sub};
    #[derive(Clone, Debug, PartialEq, Eq)] struct Big(Vec<u32>);
    impl From<u64> for Big { fn from(n: u64) -> Big { Big(vec![n as u32, (n >> 32) as u32]).trimmed() } }
    impl Big {
        fn trimmed(mut self) -> Self { while self.0.last() == Some(&0) { self.0.pop(); } self }
        fn small(&self) -> bool { self.0.len() < 2 }
        fn halves(&self, at: usize) -> (Big, Big) { let (low, high) = self.0.split_at(at.min(self.0.len())); (Big(low.to_vec()).trimmed(), Big(high.to_vec()).trimmed()) }
        fn shifted(mut self, words: usize) -> Big { if !self.0.is_empty() { self.0.splice(0..0, std::iter::repeat_n(0, words)); } self }
        fn times(&self, o: &Big) -> Big {
            if self.small() || o.small() { let mut all = Big(vec![]); for (i, a) in self.0.iter().enumerate() { let mut carry = 0u64; let mut row = vec![0; i]; for b in &o.0 { carry += u64::from(*a) * u64::from(*b); row.push(carry as u32); carry >>= 32; } row.push(carry as u32); all = &all + &Big(row).trimmed(); } return all; }
            let at = self.0.len().max(o.0.len()) / 2;
            let ((a, b), (c, d)) = (self.halves(at), o.halves(at));
            let (low, high) = (a.times(&c), b.times(&d));
            let middle = &(&(&a + &b).times(&(&c + &d)) - &low) - &high;
            &(&low + &middle.shifted(at)) + &high.shifted(2 * at)
        }
        fn power(&self, n: u32) -> Big { match n { 0 => Big::from(1), n if n % 2 == 1 => self * &self.power(n - 1), n => { let h = self.power(n / 2); &h * &h } } }
        fn divided(&self, by: u32) -> (Big, u32) { let mut rest = 0u64; let mut out: Vec<u32> = self.0.iter().rev().map(|w| { rest = rest << 32 | u64::from(*w); let q = rest / u64::from(by); rest %= u64::from(by); q as u32 }).collect(); out.reverse(); (Big(out).trimmed(), rest as u32) }
        fn decimal(&self) -> String { let (q, r) = self.divided(1_000_000_000); if q.0.is_empty() { r.to_string() } else { format!("{}{r:09}", q.decimal()) } }
    }
    impl Add for &Big { type Output = Big; fn add(self, o: &Big) -> Big { let n = self.0.len().max(o.0.len()); let mut carry = 0; let mut out: Vec<u32> = (0..n).map(|i| { carry += u64::from(self.0.get(i).copied().unwrap_or(0)) + u64::from(o.0.get(i).copied().unwrap_or(0)); let w = carry as u32; carry >>= 32; w }).collect(); out.push(carry as u32); Big(out).trimmed() } }
    impl Sub for &Big { type Output = Big; fn sub(self, o: &Big) -> Big { let mut borrow = 0i64; Big(self.0.iter().enumerate().map(|(i, w)| { let d = i64::from(*w) - i64::from(o.0.get(i).copied().unwrap_or(0)) + borrow; borrow = d >> 32; d as u32 }).collect()).trimmed() } }
    impl Mul for &Big { type Output = Big; fn mul(self, o: &Big) -> Big { self.times(o) } }
    fn factorial(n: u64) -> Big { fn product(from: u64, to: u64) -> Big { if from == to { Big::from(from) } else { let m = from.midpoint(to); &product(from, m) * &product(m + 1, to) } } product(1, n.max(1)) }
    pub fn run() -> String { format!("{} {} {}", factorial(30).decimal(), Big::from(3).power(200).decimal(), (&Big::from(1 << 63) - &Big::from(1)).decimal()) }
});

program!(fractions {
    use std::cmp::Ordering;
    use std::ops::{Add, AddAssign, Div, Mul, Neg, Sub};
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)] struct Ratio { over: i64, under: i64 }
    fn gcd(a: i64, b: i64) -> i64 { if b == 0 { a.abs() } else { gcd(b, a % b) } }
    impl Ratio { fn new(over: i64, under: i64) -> Option<Ratio> { if under == 0 { return None; } let g = gcd(over, under) * under.signum(); Some(Ratio { over: over / g, under: under / g }) } fn whole(n: i64) -> Ratio { Ratio { over: n, under: 1 } } fn inverse(self) -> Option<Self> { Ratio::new(self.under, self.over) } }
    impl Add for Ratio { type Output = Ratio; fn add(self, o: Ratio) -> Ratio { Ratio::new(self.over * o.under + o.over * self.under, self.under * o.under).unwrap() } }
    impl Neg for Ratio { type Output = Self; fn neg(self) -> Self { Ratio { over: -self.over, ..self } } }
    impl Sub for Ratio { type Output = Ratio; fn sub(self, o: Ratio) -> Ratio { self + -o } }
    impl Mul for Ratio { type Output = Ratio; fn mul(self, o: Ratio) -> Ratio { Ratio::new(self.over * o.over, self.under * o.under).unwrap() } }
    impl Div for Ratio { type Output = Option<Ratio>; fn div(self, o: Ratio) -> Option<Ratio> { Some(self * o.inverse()?) } }
    impl AddAssign<i64> for Ratio { fn add_assign(&mut self, n: i64) { *self = *self + Ratio::whole(n); } }
    impl PartialOrd for Ratio { fn partial_cmp(&self, o: &Self) -> Option<Ordering> { Some(self.cmp(o)) } }
    impl Ord for Ratio { fn cmp(&self, o: &Self) -> Ordering { (self.over * o.under).cmp(&(o.over * self.under)) } }
    impl std::fmt::Display for Ratio { fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result { if self.under == 1 { write!(f, "{}", self.over) } else { write!(f, "{}/{}", self.over, self.under) } } }
    impl TryFrom<&str> for Ratio { type Error = String; fn try_from(s: &str) -> Result<Self, String> { let (a, b) = s.split_once('/').unwrap_or((s, "1")); let n = |t: &str| t.trim().parse::<i64>().map_err(|e| format!("{t:?}: {e}")); Ratio::new(n(a)?, n(b)?).ok_or_else(|| "zero below".into()) } }
    fn continued(of: &[i64]) -> Option<Ratio> { match of { [] => None, [n] => Some(Ratio::whole(*n)), [n, rest @ ..] => { let mut r = continued(rest)?.inverse()?; r += *n; Some(r) } } }
    fn egyptian(r: Ratio) -> Vec<i64> { if r.over <= 0 { return vec![]; } let n = (r.under + r.over - 1) / r.over; let mut all = vec![n]; all.extend(egyptian(r - Ratio::new(1, n).unwrap())); all }
    pub fn run() -> String { let parsed: Vec<Result<Ratio, String>> = ["3/-6", "7", "1/0", "x/2"].map(Ratio::try_from).into(); let mut all = [(1, 2), (1, 3), (-2, 5)].map(|(a, b)| Ratio::new(a, b).unwrap()); all.sort(); format!("{parsed:?} {} {:?} {} {:?} {:?}", all.map(|r| r.to_string()).join("<"), continued(&[3, 7, 15, 1]).map(|r| r.to_string()), all[0] * all[1] - all[2], egyptian(Ratio::new(7, 15).unwrap()), (all[1] / Ratio::whole(0)).is_none()) }
});

program!(linear_algebra {
    #[derive(Clone, Debug, PartialEq)] struct Matrix<const R: usize, const C: usize>([[f64; C]; R]);
    impl<const N: usize> Matrix<N, N> {
        fn identity() -> Self { Matrix(std::array::from_fn(|r| std::array::from_fn(|c| f64::from(u8::from(r == c))))) }
        fn power(&self, n: u32) -> Self { if n == 0 { Self::identity() } else if n.is_multiple_of(2) { let h = self.power(n / 2); h.times(&h) } else { self.times(&self.power(n - 1)) } }
        fn solve(mut self, mut b: [f64; N]) -> Option<[f64; N]> {
            'columns: for c in 0..N {
                let pivot = (c..N).max_by(|a, b| self.0[*a][c].abs().total_cmp(&self.0[*b][c].abs()))?;
                if self.0[pivot][c].abs() < 1e-9 { return None; }
                self.0.swap(c, pivot); b.swap(c, pivot);
                for r in 0..N { if r == c { continue; } let f = self.0[r][c] / self.0[c][c]; if f == 0.0 { continue; } for k in c..N { let v = self.0[c][k]; self.0[r][k] -= f * v; } b[r] -= f * b[c]; }
                if c + 1 == N { break 'columns; }
            }
            Some(std::array::from_fn(|i| b[i] / self.0[i][i]))
        }
        fn determinant(&self) -> f64 { minor(&self.0.iter().map(|r| r.to_vec()).collect::<Vec<_>>()) }
    }
    impl<const R: usize, const C: usize> Matrix<R, C> { fn times<const K: usize>(&self, o: &Matrix<C, K>) -> Matrix<R, K> { Matrix(std::array::from_fn(|r| std::array::from_fn(|k| (0..C).map(|c| self.0[r][c] * o.0[c][k]).sum()))) } fn map(self, f: impl Fn(f64) -> f64 + Copy) -> Self { Matrix(self.0.map(|row| row.map(f))) } }
    fn minor(rows: &[Vec<f64>]) -> f64 { if let [row] = rows { return row[0]; } (0..rows.len()).map(|c| { let rest: Vec<Vec<f64>> = rows[1..].iter().map(|r| r.iter().enumerate().filter(|(i, _)| *i != c).map(|(_, v)| *v).collect()).collect(); (if c % 2 == 0 { 1.0 } else { -1.0 }) * rows[0][c] * minor(&rest) }).sum() }
    pub fn run() -> String { let f = Matrix([[1.0, 1.0], [1.0, 0.0]]).power(30); let m = Matrix([[2.0, 1.0, -1.0], [-3.0, -1.0, 2.0], [-2.0, 1.0, 2.0]]); format!("{:?} {:?} {} {:?} {:?}", f.0[0], m.clone().solve([8.0, -11.0, -3.0]).map(|x| x.map(|v| v.round())), m.determinant(), Matrix([[1.0, 2.0], [2.0, 4.0]]).solve([1.0, 1.0]), Matrix([[1.0, 2.0, 3.0]]).times(&Matrix([[1.0], [2.0], [3.0]])).map(|v| v / 2.0)) }
});

program!(polynomials_and_derivatives {
    use std::rc::Rc;
    trait Function { fn at(&self, x: f64) -> f64; fn derive(&self) -> Rc<dyn Function>; fn show(&self) -> String; fn root(&self, mut x: f64) -> Option<f64> { let d = self.derive(); for _ in 0..40 { let v = self.at(x); if v.abs() < 1e-12 { return Some(x); } x -= v / d.at(x); } None } }
    struct Constant(f64); struct Identity; struct Sum(Rc<dyn Function>, Rc<dyn Function>); struct Product(Rc<dyn Function>, Rc<dyn Function>); struct Of { outer: fn(f64) -> f64, prime: fn(f64) -> f64, name: &'static str, inner: Rc<dyn Function> }
    impl Function for Constant { fn at(&self, _: f64) -> f64 { self.0 } fn derive(&self) -> Rc<dyn Function> { Rc::new(Constant(0.0)) } fn show(&self) -> String { self.0.to_string() } }
    impl Function for Identity { fn at(&self, x: f64) -> f64 { x } fn derive(&self) -> Rc<dyn Function> { Rc::new(Constant(1.0)) } fn show(&self) -> String { "x".into() } }
    impl Function for Sum { fn at(&self, x: f64) -> f64 { self.0.at(x) + self.1.at(x) } fn derive(&self) -> Rc<dyn Function> { sum(self.0.derive(), self.1.derive()) } fn show(&self) -> String { format!("({} + {})", self.0.show(), self.1.show()) } }
    impl Function for Product { fn at(&self, x: f64) -> f64 { self.0.at(x) * self.1.at(x) } fn derive(&self) -> Rc<dyn Function> { sum(product(self.0.derive(), self.1.clone()), product(self.0.clone(), self.1.derive())) } fn show(&self) -> String { format!("{}*{}", self.0.show(), self.1.show()) } }
    impl Function for Of { fn at(&self, x: f64) -> f64 { (self.outer)(self.inner.at(x)) } fn derive(&self) -> Rc<dyn Function> { product(Rc::new(Of { outer: self.prime, prime: |_| f64::NAN, name: "d", inner: self.inner.clone() }), self.inner.derive()) } fn show(&self) -> String { format!("{}({})", self.name, self.inner.show()) } }
    fn sum(a: Rc<dyn Function>, b: Rc<dyn Function>) -> Rc<dyn Function> { match (a.show().as_str(), b.show().as_str()) { ("0", _) => b, (_, "0") => a, _ => Rc::new(Sum(a, b)) } }
    fn product(a: Rc<dyn Function>, b: Rc<dyn Function>) -> Rc<dyn Function> { match (a.show().as_str(), b.show().as_str()) { ("0", _) | (_, "0") => Rc::new(Constant(0.0)), ("1", _) => b, (_, "1") => a, _ => Rc::new(Product(a, b)) } }
    fn polynomial(of: &[f64]) -> Rc<dyn Function> { match of.split_first() { None => Rc::new(Constant(0.0)), Some((c, rest)) => sum(Rc::new(Constant(*c)), product(Rc::new(Identity), polynomial(rest))) } }
    pub fn run() -> String { let p = polynomial(&[-2.0, 0.0, 1.0]); let s: Rc<dyn Function> = Rc::new(Of { outer: f64::sin, prime: f64::cos, name: "sin", inner: product(Rc::new(Constant(2.0)), Rc::new(Identity)) }); format!("{} {} {:.6?} {:.4} {} {:?}", p.show(), p.derive().show(), p.root(1.0), s.derive().at(0.5), s.derive().show(), polynomial(&[1.0, 0.0, 1.0]).root(0.5).is_some()) }
});

program!(dynamic_programming {
    use std::collections::HashMap;
    fn change(coins: &[u32], amount: u32, memo: &mut HashMap<(usize, u32), u64>) -> u64 { if amount == 0 { return 1; } let Some((first, rest)) = coins.split_first() else { return 0 }; if let Some(n) = memo.get(&(coins.len(), amount)) { return *n; } let with = amount.checked_sub(*first).map_or(0, |left| change(coins, left, memo)); let n = with + change(rest, amount, memo); memo.insert((coins.len(), amount), n); n }
    fn knapsack(items: &[(usize, u32)], room: usize) -> (u32, Vec<usize>) { let mut best = vec![vec![0; room + 1]; items.len() + 1]; for (i, &(w, v)) in items.iter().enumerate() { for r in 0..=room { best[i + 1][r] = best[i][r].max(if w <= r { best[i][r - w] + v } else { 0 }); } } let mut r = room; let mut taken: Vec<usize> = (0..items.len()).rev().filter(|&i| { let t = best[i + 1][r] != best[i][r]; if t { r -= items[i].0; } t }).collect(); taken.reverse(); (best[items.len()][room], taken) }
    struct Memo<A, R, F> { seen: HashMap<A, R>, f: F, asked: u32 }
    impl<A: Clone + Eq + std::hash::Hash, R: Clone, F: Fn(&mut dyn FnMut(A) -> R, A) -> R + Clone> Memo<A, R, F> { fn of(&mut self, a: A) -> R { self.asked += 1; if let Some(r) = self.seen.get(&a) { return r.clone(); } let f = self.f.clone(); let r = f(&mut |b| self.of(b), a.clone()); self.seen.insert(a, r.clone()); r } }
    fn longest_rise(of: &[i32]) -> Vec<i32> { let mut ends: Vec<Vec<i32>> = vec![]; for v in of { let at = ends.partition_point(|e| e.last().is_some_and(|l| l < v)); let mut chain = if at == 0 { vec![] } else { ends[at - 1].clone() }; chain.push(*v); if at == ends.len() { ends.push(chain); } else { ends[at] = chain; } } ends.pop().unwrap_or_default() }
    fn brackets(dims: &[u64]) -> (u64, String) { fn best(d: &[u64], i: usize, j: usize, memo: &mut HashMap<(usize, usize), (u64, String)>) -> (u64, String) { if j == i + 1 { return (0, char::from(b'A' + i as u8).to_string()); } if let Some(known) = memo.get(&(i, j)) { return known.clone(); } let found = (i + 1..j).map(|k| { let ((a, l), (b, r)) = (best(d, i, k, memo), best(d, k, j, memo)); (a + b + d[i] * d[k] * d[j], format!("({l}{r})")) }).min_by_key(|(n, _)| *n).unwrap(); memo.insert((i, j), found.clone()); found } best(dims, 0, dims.len() - 1, &mut HashMap::new()) }
    pub fn run() -> String { let mut grid = Memo { seen: HashMap::new(), f: |rec: &mut dyn FnMut((u32, u32)) -> u64, (r, c): (u32, u32)| if r == 0 || c == 0 { 1 } else { rec((r - 1, c)) + rec((r, c - 1)) }, asked: 0 }; let paths = grid.of((8, 8)); format!("{} {:?} {paths} {} {:?} {:?}", change(&[50, 20, 10, 5, 2, 1], 100, &mut HashMap::new()), knapsack(&[(3, 4), (4, 5), (2, 3), (5, 8)], 9), grid.asked, longest_rise(&[3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5]), brackets(&[10, 30, 5, 60, 10])) }
});

program!(random_and_statistics {
    trait Rng { fn next_u32(&mut self) -> u32; fn below(&mut self, n: u32) -> u32 { ((u64::from(self.next_u32()) * u64::from(n)) >> 32) as u32 } fn unit(&mut self) -> f64 { f64::from(self.next_u32()) / f64::from(u32::MAX) } fn shuffle<T>(&mut self, of: &mut [T]) where Self: Sized { for i in (1..of.len()).rev() { of.swap(i, self.below(i as u32 + 1) as usize); } } fn pick<'t, T>(&mut self, of: &'t [T]) -> Option<&'t T> where Self: Sized { if of.is_empty() { None } else { of.get(self.below(of.len() as u32) as usize) } } }
    struct Lcg(u64); struct XorShift(u32); struct Replay<'a>(&'a [u32], usize);
    impl Rng for Lcg { fn next_u32(&mut self) -> u32 { self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407); (self.0 >> 33) as u32 } }
    impl Rng for XorShift { fn next_u32(&mut self) -> u32 { self.0 ^= self.0 << 13; self.0 ^= self.0 >> 17; self.0 ^= self.0 << 5; self.0 } }
    impl Rng for Replay<'_> { fn next_u32(&mut self) -> u32 { let v = self.0[self.1 % self.0.len()]; self.1 += 1; v } }
    impl<R: Rng + ?Sized> Rng for Box<R> { fn next_u32(&mut self) -> u32 { (**self).next_u32() } }
    fn dice(r: &mut dyn Rng, n: usize) -> [usize; 6] { let mut counts = [0; 6]; (0..n).for_each(|_| counts[r.below(6) as usize] += 1); counts }
    fn quickselect<T: Copy + PartialOrd>(of: &mut Vec<T>, k: usize, r: &mut impl Rng) -> Option<T> { let p = *r.pick(of)?; let less: Vec<T> = of.iter().copied().filter(|v| *v < p).collect(); let same = of.iter().filter(|v| **v == p).count(); if k < less.len() { quickselect(&mut { less }, k, r) } else if k < less.len() + same { Some(p) } else { let skip = less.len() + same; let mut more: Vec<T> = of.iter().copied().filter(|v| *v > p).collect(); quickselect(&mut more, k - skip, r) } }
    struct Moments { n: u32, mean: f64, m2: f64 }
    impl Extend<f64> for Moments { fn extend<I: IntoIterator<Item = f64>>(&mut self, all: I) { for v in all { self.add(v); } } }
    impl Moments { fn add(&mut self, v: f64) { self.n += 1; let d = v - self.mean; self.mean += d / f64::from(self.n); self.m2 += d * (v - self.mean); } fn variance(&self) -> Option<f64> { (self.n > 1).then(|| self.m2 / f64::from(self.n - 1)) } }
    pub fn run() -> String { let mut all: Vec<(&str, Box<dyn Rng>)> = vec![("lcg", Box::new(Lcg(42))), ("xor", Box::new(XorShift(7))), ("fixed", Box::new(Replay(&[0, u32::MAX, 1 << 31], 0)))]; let rolls: Vec<_> = all.iter_mut().map(|(n, r)| (*n, dice(r.as_mut(), 60))).collect(); let mut cards: Vec<u8> = (0..10).collect(); all[0].1.shuffle(&mut cards); let median = quickselect(&mut vec![5, 3, 9, 1, 7, 3, 8], 3, &mut Lcg(1)); let mut m = Moments { n: 0, mean: 0.0, m2: 0.0 }; m.extend([2.0, 4.0, 4.0, 5.0, 7.0]); format!("{rolls:?} {cards:?} {median:?} {:.3?} {:.4}", m.variance(), all[1].1.unit()) }
});

program!(geometry_visitors {
    #[derive(Clone, Copy, Debug, PartialEq)] struct P(f64, f64);
    enum Shape { Circle { at: P, r: f64 }, Polygon(Vec<P>), Group(Vec<Shape>), Moved(Box<Shape>, P) }
    trait Visitor { type Out; fn circle(&mut self, at: P, r: f64) -> Self::Out; fn polygon(&mut self, points: &[P]) -> Self::Out; fn group(&mut self, parts: Vec<Self::Out>) -> Self::Out; fn moved(&mut self, inner: Self::Out, by: P) -> Self::Out; }
    impl Shape { fn accept<V: Visitor>(&self, v: &mut V) -> V::Out { match self { Shape::Circle { at, r } => v.circle(*at, *r), Shape::Polygon(points) => v.polygon(points), Shape::Group(all) => { let parts = all.iter().map(|s| s.accept(v)).collect(); v.group(parts) } Shape::Moved(s, by) => { let inner = s.accept(v); v.moved(inner, *by) } } } }
    struct Area; struct Bounds; struct Count { depth: usize, most: usize }
    impl Visitor for Area { type Out = f64; fn circle(&mut self, _: P, r: f64) -> f64 { 3.0 * r * r } fn polygon(&mut self, p: &[P]) -> f64 { p.iter().zip(p.iter().cycle().skip(1)).map(|(a, b)| a.0 * b.1 - b.0 * a.1).sum::<f64>().abs() / 2.0 } fn group(&mut self, parts: Vec<f64>) -> f64 { parts.iter().sum() } fn moved(&mut self, a: f64, _: P) -> f64 { a } }
    impl Visitor for Bounds { type Out = Option<(P, P)>; fn circle(&mut self, at: P, r: f64) -> Self::Out { Some((P(at.0 - r, at.1 - r), P(at.0 + r, at.1 + r))) } fn polygon(&mut self, p: &[P]) -> Self::Out { self.group(p.iter().map(|p| Some((*p, *p))).collect()) } fn group(&mut self, parts: Vec<Self::Out>) -> Self::Out { parts.into_iter().flatten().reduce(|(a, b), (c, d)| (P(a.0.min(c.0), a.1.min(c.1)), P(b.0.max(d.0), b.1.max(d.1)))) } fn moved(&mut self, b: Self::Out, by: P) -> Self::Out { let m = |p: P| P(p.0 + by.0, p.1 + by.1); b.map(|(a, b)| (m(a), m(b))) } }
    impl Visitor for Count { type Out = usize; fn circle(&mut self, _: P, _: f64) -> usize { self.leaf() } fn polygon(&mut self, _: &[P]) -> usize { self.leaf() } fn group(&mut self, parts: Vec<usize>) -> usize { self.depth += 1; self.most = self.most.max(parts.len()); parts.into_iter().sum() } fn moved(&mut self, n: usize, _: P) -> usize { n } }
    impl Count { fn leaf(&mut self) -> usize { 1 } }
    pub fn run() -> String { let s = Shape::Group(vec![Shape::Circle { at: P(0.0, 0.0), r: 2.0 }, Shape::Moved(Box::new(Shape::Group(vec![Shape::Polygon(vec![P(0.0, 0.0), P(4.0, 0.0), P(4.0, 3.0)]), Shape::Group(vec![])])), P(5.0, -1.0))]); let mut c = Count { depth: 0, most: 0 }; let n = s.accept(&mut c); format!("{} {:?} {n} {} {}", s.accept(&mut Area), s.accept(&mut Bounds), c.depth, c.most) }
});

program!(sieves_and_sequences {
    fn primes() -> impl Iterator<Item = u32> { let mut found: Vec<u32> = vec![]; (2..).filter(move |n| { let p = is_prime(*n, &found); if p { found.push(*n); } p }) }
    fn is_prime(n: u32, below: &[u32]) -> bool { below.iter().take_while(|p| *p * *p <= n).all(|p| n % p != 0) }
    fn factors(n: u32) -> Vec<(u32, u32)> { fn go(n: u32, from: u32, out: &mut Vec<(u32, u32)>) { if n == 1 { return; } let p = (from..).find(|p| n % p == 0 || p * p > n).map_or(n, |p| if n % p == 0 { p } else { n }); let mut rest = n; let mut e = 0; while rest % p == 0 { rest /= p; e += 1; } out.push((p, e)); go(rest, p + 1, out) } let mut out = vec![]; go(n, 2, &mut out); out }
    struct LookAndSay(String);
    impl Iterator for LookAndSay { type Item = String; fn next(&mut self) -> Option<String> { let next = describe(&self.0); Some(std::mem::replace(&mut self.0, next)) } }
    fn describe(s: &str) -> String { let b = s.as_bytes(); b.chunk_by(|a, b| a == b).map(|run| format!("{}{}", run.len(), run[0] as char)).collect() }
    fn pascal(n: usize) -> Vec<Vec<u32>> { std::iter::successors(Some(vec![1]), |row: &Vec<u32>| { let mut next = vec![1]; next.extend(row.windows(2).map(|w| w[0] + w[1])); next.push(1); Some(next) }).take(n).collect() }
    fn totient(n: u32) -> u32 { factors(n).iter().fold(n, |t, (p, _)| t / p * (p - 1)) }
    fn partitions(n: u32, most: u32) -> u32 { match (n, most) { (0, _) => 1, (_, 0) => 0, (n, m) if m > n => partitions(n, n), (n, m) => partitions(n - m, m) + partitions(n, m - 1) } }
    fn hofstadter(n: u32) -> (u32, u32) { fn f(n: u32) -> u32 { if n == 0 { 1 } else { n - m(f(n - 1)) } } fn m(n: u32) -> u32 { if n == 0 { 0 } else { n - f(m(n - 1)) } } (f(n), m(n)) }
    pub fn run() -> String { format!("{:?} {:?} {:?} {:?} {} {} {:?}", primes().skip(5).step_by(3).take(5).collect::<Vec<_>>(), factors(9828), LookAndSay("1".into()).take(6).collect::<Vec<_>>(), pascal(5).last(), totient(360), partitions(18, 18), (0..8).map(hofstadter).collect::<Vec<_>>()) }
});
