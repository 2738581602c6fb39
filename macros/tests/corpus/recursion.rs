//! Recursion, direct and mutual, through functions, methods, traits and closures.

program!(classics {
    fn factorial(n: u64) -> u64 { if n == 0 { 1 } else { n * factorial(n - 1) } }
    fn fibonacci(n: u64) -> u64 { match n { 0 | 1 => n, _ => fibonacci(n - 1) + fibonacci(n - 2) } }
    fn ackermann(m: u64, n: u64) -> u64 {
        match (m, n) { (0, n) => n + 1, (m, 0) => ackermann(m - 1, 1), (m, n) => ackermann(m - 1, ackermann(m, n - 1)) }
    }
    fn hanoi(n: u32, from: char, to: char, via: char, moves: &mut Vec<(char, char)>) {
        if n == 0 { return; }
        hanoi(n - 1, from, via, to, moves);
        moves.push((from, to));
        hanoi(n - 1, via, to, from, moves);
    }
    fn permutations(items: &mut Vec<u8>, at: usize, out: &mut Vec<String>) {
        if at == items.len() { out.push(String::from_utf8(items.clone()).unwrap()); return; }
        for i in at..items.len() { items.swap(at, i); permutations(items, at + 1, out); items.swap(at, i); }
    }
    fn subsets(of: &[u32]) -> Vec<Vec<u32>> {
        let [first, rest @ ..] = of else { return vec![vec![]] };
        let without = subsets(rest);
        without.iter().cloned().chain(without.iter().map(|s| { let mut s = s.clone(); s.insert(0, *first); s })).collect()
    }
    fn palindrome(s: &[u8]) -> bool { match s { [a, middle @ .., b] => a == b && palindrome(middle), _ => true } }
    fn partitions(n: i64, most: i64) -> u64 {
        if n == 0 { 1 } else if n < 0 || most == 0 { 0 } else { partitions(n, most - 1) + partitions(n - most, most) }
    }
    pub fn run() -> String {
        let mut moves = vec![];
        hanoi(4, 'a', 'b', 'c', &mut moves);
        let mut all = vec![];
        permutations(&mut b"abc".to_vec(), 0, &mut all);
        format!("{} {} {} {} {:?} {:?} {} {}", factorial(12), fibonacci(15), ackermann(2, 3), moves.len(), all,
            subsets(&[1, 2, 3]), palindrome(b"racecar"), partitions(20, 20))
    }
});

program!(mutual {
    fn even(n: u32) -> bool { if n == 0 { true } else { odd(n - 1) } }
    fn odd(n: u32) -> bool { if n == 0 { false } else { even(n - 1) } }
    fn female(n: u32) -> u32 { if n == 0 { 1 } else { n - male(female(n - 1)) } }
    fn male(n: u32) -> u32 { if n == 0 { 0 } else { n - female(male(n - 1)) } }
    fn a(n: u32) -> String { if n == 0 { "a".into() } else { format!("a{}", b(n - 1)) } }
    fn b(n: u32) -> String { if n % 2 == 0 { c(n) } else { format!("b{}", c(n - 1)) } }
    fn c(n: u32) -> String { if n == 0 { "c".into() } else { format!("c{}", a(n - 1)) } }
    pub fn run() -> String {
        format!("{} {} {:?} {}", even(11), odd(11), (0..12).map(|n| (female(n), male(n))).collect::<Vec<_>>(), a(9))
    }
});

program!(trees {
    #[derive(Default, Debug)]
    pub struct Tree { root: Option<Box<Node>>, len: usize }
    #[derive(Debug)]
    struct Node { key: i32, left: Option<Box<Node>>, right: Option<Box<Node>> }
    impl Tree {
        fn new() -> Self { Tree { root: None, len: 0 } }
        fn insert(&mut self, key: i32) -> bool {
            let new = Node::insert(&mut self.root, key);
            if new { self.len += 1; }
            new
        }
        fn len(&self) -> usize { self.len }
        fn height(&self) -> usize { self.root.as_ref().map_or(0, |n| n.height()) }
        fn sorted(&self) -> Vec<i32> { let mut all = vec![]; if let Some(n) = &self.root { n.walk(&mut all); } all }
        fn contains(&self, key: i32) -> bool { Node::find(&self.root, key).is_some() }
    }
    impl Node {
        fn insert(at: &mut Option<Box<Node>>, key: i32) -> bool {
            match at {
                None => { *at = Some(Box::new(Node { key, left: None, right: None })); true }
                Some(n) if key < n.key => Node::insert(&mut n.left, key),
                Some(n) if key > n.key => Self::insert(&mut n.right, key),
                Some(_) => false,
            }
        }
        fn height(&self) -> usize {
            let of = |n: &Option<Box<Node>>| n.as_ref().map_or(0, |n| n.height());
            1 + of(&self.left).max(of(&self.right))
        }
        fn walk(&self, into: &mut Vec<i32>) {
            if let Some(left) = &self.left { left.walk(into); }
            into.push(self.key);
            if let Some(right) = self.right.as_deref() { right.walk(into); }
        }
        fn find(at: &Option<Box<Node>>, key: i32) -> Option<&Node> {
            let n = at.as_deref()?;
            match key.cmp(&n.key) {
                std::cmp::Ordering::Less => Node::find(&n.left, key),
                std::cmp::Ordering::Greater => Node::find(&n.right, key),
                std::cmp::Ordering::Equal => Some(n),
            }
        }
    }
    pub fn run() -> String {
        let mut tree = Tree::new();
        let new: Vec<bool> = [5, 2, 8, 1, 9, 3, 5].into_iter().map(|k| tree.insert(k)).collect();
        format!("{:?} {} {} {:?} {} {}", new, tree.len(), tree.height(), tree.sorted(), tree.contains(9), tree.contains(7))
    }
});

program!(sorting {
    fn merge_sort<T: Ord + Clone>(of: &[T]) -> Vec<T> {
        if of.len() < 2 { return of.to_vec(); }
        let (a, b) = of.split_at(of.len() / 2);
        merge(merge_sort(a), merge_sort(b))
    }
    fn merge<T: Ord>(a: Vec<T>, b: Vec<T>) -> Vec<T> {
        let (mut a, mut b) = (a.into_iter().peekable(), b.into_iter().peekable());
        let mut all = vec![];
        loop {
            match (a.peek(), b.peek()) {
                (Some(x), Some(y)) => if x <= y { all.extend(a.next()) } else { all.extend(b.next()) },
                (Some(_), None) => all.extend(a.by_ref()),
                (None, Some(_)) => all.extend(b.by_ref()),
                (None, None) => return all,
            }
        }
    }
    fn quick_sort<T, F>(of: &mut [T], less: &F) where F: Fn(&T, &T) -> bool {
        if of.len() < 2 { return; }
        let last = of.len() - 1;
        let mut at = 0;
        for i in 0..last { if less(&of[i], &of[last]) { of.swap(i, at); at += 1; } }
        of.swap(at, last);
        let (low, high) = of.split_at_mut(at);
        quick_sort(low, less);
        quick_sort(&mut high[1..], less);
    }
    fn binary_search(of: &[i32], key: i32, low: usize, high: usize) -> Option<usize> {
        if low >= high { return None; }
        let middle = low + (high - low) / 2;
        if of[middle] == key { Some(middle) } else if of[middle] < key { binary_search(of, key, middle + 1, high) } else { binary_search(of, key, low, middle) }
    }
    pub fn run() -> String {
        let mut v = vec![9, 4, 7, 1, 8, 2, 2, 6];
        let sorted = merge_sort(&v);
        quick_sort(&mut v, &|a, b| a > b);
        format!("{sorted:?} {v:?} {:?} {:?}", binary_search(&sorted, 7, 0, sorted.len()), binary_search(&sorted, 5, 0, sorted.len()))
    }
});

program!(graphs {
    use std::collections::{BTreeMap, BTreeSet, HashMap};
    #[derive(Default)]
    struct Graph { edges: BTreeMap<u32, Vec<u32>> }
    impl Graph {
        fn from(pairs: &[(u32, u32)]) -> Self { let mut g = Graph::default(); for (a, b) in pairs { g.edge(*a, *b); } g }
        fn edge(&mut self, a: u32, b: u32) { self.edges.entry(a).or_default().push(b); self.edges.entry(b).or_default(); }
        fn depth_first(&self, at: u32, seen: &mut BTreeSet<u32>, order: &mut Vec<u32>) {
            if !seen.insert(at) { return; }
            for next in &self.edges[&at] { self.depth_first(*next, seen, order); }
            order.push(at);
        }
        fn topological(&self) -> Vec<u32> {
            let (mut seen, mut order) = (BTreeSet::new(), vec![]);
            for node in self.edges.keys() { self.depth_first(*node, &mut seen, &mut order); }
            order.reverse();
            order
        }
        fn paths(&self, from: u32, to: u32, memo: &mut HashMap<u32, u64>) -> u64 {
            if from == to { return 1; }
            if let Some(known) = memo.get(&from) { return *known; }
            let n = self.edges[&from].iter().map(|next| self.paths(*next, to, memo)).sum();
            memo.insert(from, n);
            n
        }
        fn has_cycle(&self) -> bool { self.edges.keys().any(|n| self.reaches(*n, *n, &mut BTreeSet::new())) }
        fn reaches(&self, from: u32, goal: u32, seen: &mut BTreeSet<u32>) -> bool {
            self.edges[&from].iter().any(|n| *n == goal || seen.insert(*n) && self.reaches(*n, goal, seen))
        }
    }
    struct Components<'g> { graph: &'g Graph, index: BTreeMap<u32, usize>, low: BTreeMap<u32, usize>, stack: Vec<u32>, found: Vec<Vec<u32>> }
    impl<'g> Components<'g> {
        fn of(graph: &'g Graph) -> Vec<Vec<u32>> {
            let mut c = Components { graph, index: BTreeMap::new(), low: BTreeMap::new(), stack: vec![], found: vec![] };
            for n in graph.edges.keys() { if !c.index.contains_key(n) { c.visit(*n); } }
            c.found
        }
        fn visit(&mut self, n: u32) {
            let i = self.index.len();
            self.index.insert(n, i);
            self.low.insert(n, i);
            self.stack.push(n);
            for m in self.graph.edges[&n].clone() {
                if !self.index.contains_key(&m) { self.visit(m); let l = self.low[&m].min(self.low[&n]); self.low.insert(n, l); }
                else if self.stack.contains(&m) { let l = self.index[&m].min(self.low[&n]); self.low.insert(n, l); }
            }
            if self.low[&n] == i { let at = self.stack.iter().position(|x| *x == n).unwrap(); self.found.push(self.stack.split_off(at)); }
        }
    }
    pub fn run() -> String {
        let dag = Graph::from(&[(1, 2), (1, 3), (2, 4), (3, 4), (4, 5), (3, 5)]);
        let ring = Graph::from(&[(1, 2), (2, 3), (3, 1), (3, 4), (4, 5), (5, 4)]);
        format!("{:?} {} {} {} {:?}", dag.topological(), dag.paths(1, 5, &mut HashMap::new()), dag.has_cycle(), ring.has_cycle(), Components::of(&ring))
    }
});

program!(backtracking {
    fn queens(n: usize, row: usize, placed: &mut Vec<usize>) -> u32 {
        if row == n { return 1; }
        (0..n).map(|column| {
            if !safe(placed, row, column) { return 0; }
            placed.push(column);
            let found = queens(n, row + 1, placed);
            placed.pop();
            found
        }).sum()
    }
    fn safe(placed: &[usize], row: usize, column: usize) -> bool {
        placed.iter().enumerate().all(|(r, c)| *c != column && row - r != column.abs_diff(*c))
    }
    type Board = [[u8; 4]; 4];
    fn sudoku(board: &mut Board) -> bool {
        for r in 0..4 { for c in 0..4 { if board[r][c] == 0 {
            for v in 1..=4 {
                if fits(board, r, c, v) { board[r][c] = v; if sudoku(board) { return true; } board[r][c] = 0; }
            }
            return false;
        } } }
        true
    }
    fn fits(board: &Board, r: usize, c: usize, v: u8) -> bool {
        (0..4).all(|i| board[r][i] != v && board[i][c] != v && board[r / 2 * 2 + i / 2][c / 2 * 2 + i % 2] != v)
    }
    fn change(amount: i32, coins: &[i32]) -> Option<Vec<i32>> {
        if amount == 0 { return Some(vec![]); }
        coins.iter().filter(|c| **c <= amount).find_map(|c| { let mut rest = change(amount - c, coins)?; rest.push(*c); Some(rest) })
    }
    fn maze(grid: &mut [Vec<u8>], (r, c): (usize, usize)) -> bool {
        if grid[r][c] == b'E' { return true; }
        if grid[r][c] != b' ' { return false; }
        grid[r][c] = b'.';
        let found = maze(grid, (r + 1, c)) || maze(grid, (r, c + 1)) || maze(grid, (r, c - 1)) || maze(grid, (r - 1, c));
        if !found { grid[r][c] = b'x'; }
        found
    }
    pub fn run() -> String {
        let mut board = [[1, 0, 0, 0], [0, 0, 3, 0], [0, 0, 0, 2], [0, 4, 0, 0]];
        let solved = sudoku(&mut board);
        let mut grid: Vec<Vec<u8>> = ["#####", "#  ##", "## ##", "#  E#", "#####"].iter().map(|l| l.bytes().collect()).collect();
        let out = maze(&mut grid, (1, 1));
        let text: Vec<String> = grid.into_iter().map(|l| String::from_utf8(l).unwrap()).collect();
        format!("{} {solved} {board:?} {:?} {out} {text:?}", queens(6, 0, &mut vec![]), change(11, &[5, 3]))
    }
});

program!(recursion_through_closures {
    fn walk(n: u32, visit: &mut dyn FnMut(u32)) { visit(n); if n > 0 { walk(n - 1, visit); } }
    fn apply<R>(f: impl FnOnce() -> R) -> R { f() }
    fn count(n: u32) -> u32 { if n == 0 { 0 } else { apply(|| 1 + count(n - 1)) } }
    fn boxed(n: u32) -> Box<dyn Fn() -> u32> { if n == 0 { Box::new(|| 0) } else { let inner = boxed(n - 1); Box::new(move || inner() + n) } }
    fn fix(f: &dyn Fn(&dyn Fn(u64) -> u64, u64) -> u64, n: u64) -> u64 { f(&|m| fix(f, m), n) }
    fn flatten(of: &[Nest]) -> Vec<i32> { of.iter().flat_map(|n| match n { Nest::One(i) => vec![*i], Nest::Many(m) => flatten(m) }).collect() }
    enum Nest { One(i32), Many(Vec<Nest>) }
    pub fn run() -> String {
        let mut seen = vec![];
        walk(5, &mut |n| seen.push(n * 2));
        let nest = [Nest::One(1), Nest::Many(vec![Nest::One(2), Nest::Many(vec![Nest::One(3)])]), Nest::One(4)];
        format!("{seen:?} {} {} {} {:?}", count(12), boxed(6)(), fix(&|me, n| if n == 0 { 1 } else { n * me(n - 1) }, 6), flatten(&nest))
    }
});

program!(recursion_through_traits {
    trait Depth { fn depth(&self) -> u32; fn describe(&self) -> String { format!("depth {}", self.depth()) } }
    struct Leaf;
    struct Pair<A, B>(A, B);
    struct Chain { next: Option<Box<Chain>> }
    struct Forest { trees: Vec<Box<dyn Depth>> }
    impl Depth for Leaf { fn depth(&self) -> u32 { 0 } }
    impl<A: Depth, B: Depth> Depth for Pair<A, B> { fn depth(&self) -> u32 { 1 + self.0.depth().max(self.1.depth()) } }
    impl Depth for Chain { fn depth(&self) -> u32 { self.next.as_ref().map_or(0, |n| 1 + n.depth()) } }
    impl Depth for Forest {
        fn depth(&self) -> u32 { 1 + self.trees.iter().map(|t| t.depth()).max().unwrap_or(0) }
        fn describe(&self) -> String { self.trees.iter().map(|t| t.describe()).collect::<Vec<_>>().join(", ") }
    }
    fn chain(n: u32) -> Chain { Chain { next: (n > 0).then(|| Box::new(chain(n - 1))) } }
    trait Fold { fn fold(&self, f: &mut dyn FnMut(i64)); fn sum(&self) -> i64 { let mut s = 0; self.fold(&mut |n| s += n); s } }
    enum List { Nil, Cons(i64, Box<List>) }
    impl Fold for List { fn fold(&self, f: &mut dyn FnMut(i64)) { if let List::Cons(n, rest) = self { f(*n); rest.fold(f); } } }
    impl List { fn up_to(n: i64) -> List { if n == 0 { List::Nil } else { List::Cons(n, Box::new(List::up_to(n - 1))) } } }
    pub fn run() -> String {
        let forest = Forest { trees: vec![Box::new(Leaf), Box::new(Pair(Leaf, Pair(Leaf, Leaf))), Box::new(chain(4)), Box::new(Forest { trees: vec![Box::new(chain(2))] })] };
        format!("{} {} {}", forest.depth(), forest.describe(), List::up_to(10).sum())
    }
});

program!(recursion_through_generics {
    trait Visitor { fn visit(&mut self, n: &Node); fn leave(&mut self, _: &Node) {} }
    pub struct Node { name: &'static str, children: Vec<Node> }
    fn drive<V: Visitor>(v: &mut V, n: &Node) { v.visit(n); v.leave(n); }
    struct Names(Vec<String>);
    impl Visitor for Names {
        fn visit(&mut self, n: &Node) { self.0.push(n.name.to_string()); for c in &n.children { drive(self, c); } }
        fn leave(&mut self, n: &Node) { self.0.push(format!("/{}", n.name)); }
    }
    struct Count(usize);
    impl Visitor for Count { fn visit(&mut self, n: &Node) { self.0 += 1; n.children.iter().for_each(|c| self.visit(c)); } }
    pub fn run() -> String {
        let leaf = |name| Node { name, children: vec![] };
        let tree = Node { name: "a", children: vec![leaf("b"), Node { name: "c", children: vec![leaf("d")] }] };
        let (mut names, mut count) = (Names(vec![]), Count(0));
        drive(&mut names, &tree);
        drive(&mut count, &tree);
        format!("{} {}", names.0.join(" "), count.0)
    }
});

// Circles of two and three among functions, inherent methods, trait methods and closures, each kind by itself and mixed.
program!(circles_of_every_kind {
    fn ping(n: u32) -> u32 { if n == 0 { 0 } else { 1 + pong(n - 1) } }
    fn pong(n: u32) -> u32 { if n == 0 { 10 } else { 2 + pang(n - 1) } }
    fn pang(n: u32) -> u32 { if n == 0 { 20 } else { 3 + ping(n - 1) } }
    struct Walker { steps: u32 }
    impl Walker {
        fn left(&mut self, n: u32) -> u32 { self.steps += 1; if n == 0 { 0 } else { self.right(n - 1) + 1 } }
        fn right(&mut self, n: u32) -> u32 { self.steps += 10; if n == 0 { 5 } else { Self::left(self, n - 1) } }
        fn consumed(self, n: u32) -> u32 { if n == 0 { self.steps } else { Box::new(Walker { steps: self.steps * 2 }).handed(n - 1) } }
        fn handed(self: Box<Self>, n: u32) -> u32 { (*self).consumed(n) }
    }
    impl Walker { fn boxed(n: u32) -> u32 { if n == 0 { 1 } else { Box::new(Walker { steps: n }).handed(0) + Self::boxed(n - 1) } } }
    trait Turn { fn even(&self, n: u32) -> bool { n == 0 || self.odd(n - 1) } fn odd(&self, n: u32) -> bool; fn step(&self, by: &dyn Turn, n: u32) -> u32 { if n == 0 { 0 } else { 1 + by.step(by, n - 1) } } }
    struct Plain; struct Counted<'c>(&'c std::cell::Cell<u32>);
    impl Turn for Plain { fn odd(&self, n: u32) -> bool { n != 0 && self.even(n - 1) } }
    impl Turn for Counted<'_> { fn odd(&self, n: u32) -> bool { self.0.set(self.0.get() + 1); if n == 0 { false } else { Plain.even(n - 1) } } fn step(&self, by: &dyn Turn, n: u32) -> u32 { self.0.set(self.0.get() + 1); if n < 2 { n } else { by.step(self, n - 2) + 7 } } }
    fn by_closures(n: u32) -> u32 {
        fn first(n: u32, second: &dyn Fn(u32) -> u32) -> u32 { if n == 0 { 0 } else { second(n - 1) + 1 } }
        fn second(n: u32) -> u32 { let f = |m: u32| if m == 0 { 100 } else { second(m - 1) + 1 }; first(n, &f) }
        second(n)
    }
    fn fix<A: Copy, R>(f: &dyn Fn(&dyn Fn(A) -> R, A) -> R, a: A) -> R { f(&|a| fix(f, a), a) }
    fn mixed(n: u32) -> u32 { let next = |k: u32| Mixed(k).go(); (0..n.min(2)).map(|k| next(n - 1 - k)).sum::<u32>() + 1 }
    struct Mixed(u32);
    trait Go { fn go(&self) -> u32; }
    impl Go for Mixed { fn go(&self) -> u32 { if self.0 < 2 { self.0 } else { let boxed: Box<dyn Go> = Box::new(Mixed(self.0 - 1)); boxed.go() + mixed(self.0 - 2) } } }
    pub fn run() -> String {
        let mut w = Walker { steps: 0 };
        let cell = std::cell::Cell::new(0);
        let turns: [&dyn Turn; 2] = [&Plain, &Counted(&cell)];
        let factorial = fix(&|again: &dyn Fn(u64) -> u64, n: u64| if n < 2 { 1 } else { n * again(n - 1) }, 12);
        format!("{} {} {} {} {:?} {} {factorial} {} {}", ping(20), w.left(9), w.steps, Walker::boxed(5), turns.map(|t| (t.even(11), t.odd(8), t.step(turns[1], 9))), by_closures(15), mixed(9), cell.get())
    }
});
