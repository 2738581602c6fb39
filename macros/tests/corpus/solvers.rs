//! Ported algorithms: searches, solvers, compressors.

program!(sudoku {
    struct Board([[u8; 4]; 4]);
    impl Board {
        fn fits(&self, r: usize, c: usize, v: u8) -> bool { (0..4).all(|i| self.0[r][i] != v && self.0[i][c] != v && self.0[r / 2 * 2 + i / 2][c / 2 * 2 + i % 2] != v) }
        fn hole(&self) -> Option<(usize, usize)> { (0..16).map(|i| (i / 4, i % 4)).find(|&(r, c)| self.0[r][c] == 0) }
        fn solutions(&mut self, found: &mut Vec<String>) {
            let Some((r, c)) = self.hole() else { found.push(self.text()); return };
            for v in 1..=4 { if self.fits(r, c, v) { self.0[r][c] = v; self.solutions(found); self.0[r][c] = 0; } }
        }
        fn text(&self) -> String { self.0.iter().flatten().map(|v| char::from(b'0' + v)).collect() }
    }
    pub fn run() -> String { let mut b = Board([[1, 0, 0, 0], [0, 0, 3, 0], [0, 4, 0, 0], [0, 0, 0, 2]]); let mut found = vec![]; b.solutions(&mut found); let mut none = vec![]; Board([[1, 0, 0, 1], [0; 4], [0; 4], [0; 4]]).solutions(&mut none); format!("{found:?} {}", none.len()) }
});

program!(knights_tour {
    const N: usize = 5;
    type Board = [[u32; N]; N];
    fn moves((r, c): (usize, usize)) -> impl Iterator<Item = (usize, usize)> { [(1, 2), (2, 1), (-1, 2), (-2, 1), (1, -2), (2, -1), (-1, -2), (-2, -1)].into_iter().filter_map(move |(dr, dc): (isize, isize)| Some((r.checked_add_signed(dr).filter(|r| *r < N)?, c.checked_add_signed(dc).filter(|c| *c < N)?))) }
    fn free(b: &Board, at: (usize, usize)) -> usize { moves(at).filter(|&(r, c)| b[r][c] == 0).count() }
    fn tour(b: &mut Board, at: (usize, usize), step: u32) -> bool {
        b[at.0][at.1] = step;
        if step as usize == N * N { return true; }
        let mut next: Vec<_> = moves(at).filter(|&(r, c)| b[r][c] == 0).collect();
        next.sort_by_key(|p| free(b, *p));
        for p in next { if tour(b, p, step + 1) { return true; } }
        b[at.0][at.1] = 0;
        false
    }
    pub fn run() -> String { let mut b = [[0; N]; N]; let done = tour(&mut b, (0, 0), 1); format!("{done} {b:?}") }
});

program!(exact_cover {
    fn covers(options: &[(char, Vec<u32>)], left: &[u32], chosen: &mut String, out: &mut Vec<String>) {
        let Some(item) = left.iter().copied().min_by_key(|i| having(options, *i).count()) else { out.push(chosen.clone()); return };
        for (name, set) in having(options, item).filter(|(_, s)| s.iter().all(|i| left.contains(i))) {
            chosen.push(*name);
            let rest: Vec<u32> = left.iter().copied().filter(|i| !set.contains(i)).collect();
            covers(options, &rest, chosen, out);
            chosen.pop();
        }
    }
    fn having(options: &[(char, Vec<u32>)], item: u32) -> impl Iterator<Item = &(char, Vec<u32>)> { options.iter().filter(move |(_, s)| s.contains(&item)) }
    pub fn run() -> String { let options = vec![('a', vec![1, 4, 7]), ('b', vec![1, 4]), ('c', vec![4, 5, 7]), ('d', vec![3, 5, 6]), ('e', vec![2, 3, 6, 7]), ('f', vec![2, 7])]; let mut out = vec![]; covers(&options, &[1, 2, 3, 4, 5, 6, 7], &mut String::new(), &mut out); out.join("|") }
});

program!(satisfiability {
    type Clause = Vec<i32>;
    fn assign(clauses: &[Clause], literal: i32) -> Option<Vec<Clause>> { clauses.iter().filter(|c| !c.contains(&literal)).map(|c| { let c: Clause = c.iter().copied().filter(|l| *l != -literal).collect(); if c.is_empty() { None } else { Some(c) } }).collect() }
    fn unit(clauses: &[Clause]) -> Option<i32> { clauses.iter().find(|c| c.len() == 1).map(|c| c[0]) }
    fn dpll(clauses: Vec<Clause>, mut model: Vec<i32>) -> Option<Vec<i32>> {
        if clauses.is_empty() { model.sort_by_key(|l| l.abs()); return Some(model); }
        if let Some(l) = unit(&clauses) { model.push(l); return dpll(assign(&clauses, l)?, model); }
        let l = clauses[0][0];
        [l, -l].into_iter().find_map(|l| { let mut m = model.clone(); m.push(l); dpll(assign(&clauses, l)?, m) })
    }
    pub fn run() -> String { format!("{:?} {:?}", dpll(vec![vec![1, 2], vec![-1, 3], vec![-2, -3], vec![-3, 4], vec![2, -4]], vec![]), dpll(vec![vec![1, -2, 3], vec![-1, 2], vec![-3, 4], vec![2, 4]], vec![])) }
});

program!(lempel_ziv {
    #[derive(Debug, Clone, Copy)] enum Part { Byte(u8), Copy { back: usize, len: usize } }
    fn longest(data: &[u8], at: usize) -> Option<(usize, usize)> { (at.saturating_sub(32)..at).map(|from| (at - from, common(&data[from..], &data[at..]))).filter(|(_, len)| *len >= 3).max_by_key(|(_, len)| *len) }
    fn common(a: &[u8], b: &[u8]) -> usize { a.iter().zip(b).take_while(|(x, y)| x == y).count() }
    fn pack(data: &[u8]) -> Vec<Part> { let mut out = vec![]; let mut at = 0; while at < data.len() { match longest(data, at) { Some((back, len)) => { out.push(Part::Copy { back, len }); at += len } None => { out.push(Part::Byte(data[at])); at += 1 } } } out }
    fn unpack(parts: &[Part]) -> Vec<u8> { parts.iter().fold(vec![], |mut out, p| { match *p { Part::Byte(b) => out.push(b), Part::Copy { back, len } => for _ in 0..len { out.push(out[out.len() - back]) } } out }) }
    pub fn run() -> String { ["", "aaaaaaaa", "abcabcabcd", "how much wood would a woodchuck chuck"].map(|s| { let p = pack(s.as_bytes()); assert_eq!(unpack(&p), s.as_bytes()); format!("{} {:?}", p.len(), p.last()) }).join(";") }
});

program!(trie {
    use std::collections::BTreeMap;
    #[derive(Default)] struct Trie { next: BTreeMap<char, Trie>, word: bool }
    impl Trie {
        fn insert(&mut self, mut word: std::str::Chars<'_>) { match word.next() { None => self.word = true, Some(c) => self.next.entry(c).or_default().insert(word) } }
        fn find(&self, mut prefix: std::str::Chars<'_>) -> Option<&Trie> { match prefix.next() { None => Some(self), Some(c) => self.next.get(&c)?.find(prefix) } }
        fn visit(&self, so_far: &mut String, f: &mut dyn FnMut(&str)) { if self.word { f(so_far); } for (c, t) in &self.next { so_far.push(*c); t.visit(so_far, f); so_far.pop(); } }
        fn remove(&mut self, word: &[char]) -> bool { match word { [] => self.word = false, [c, rest @ ..] => { let Some(t) = self.next.get_mut(c) else { return false }; if t.remove(rest) { self.next.remove(c); } } } !self.word && self.next.is_empty() }
        fn nodes(&self) -> usize { 1 + self.next.values().map(Trie::nodes).sum::<usize>() }
    }
    pub fn run() -> String {
        let mut t = Trie::default();
        for w in ["car", "cart", "cat", "dog", "do"] { t.insert(w.chars()); }
        let complete = |t: &Trie, p: &str| { let mut all = vec![]; if let Some(n) = t.find(p.chars()) { n.visit(&mut p.to_string(), &mut |w| all.push(w.to_uppercase())); } all };
        let (a, n) = (complete(&t, "ca"), t.nodes());
        t.remove(&['c', 'a', 'r', 't']); t.remove(&['d', 'o']); t.remove(&['x']);
        format!("{a:?} {n} {} {:?} {:?}", t.nodes(), complete(&t, ""), complete(&t, "z"))
    }
});

program!(union_find {
    struct Sets { parent: Vec<usize>, size: Vec<u32> }
    impl Sets {
        fn new(n: usize) -> Self { Sets { parent: (0..n).collect(), size: vec![1; n] } }
        fn root(&mut self, n: usize) -> usize { let p = self.parent[n]; if p == n { n } else { let r = self.root(p); self.parent[n] = r; r } }
        fn join(&mut self, a: usize, b: usize) -> bool { let (a, b) = (self.root(a), self.root(b)); if a == b { return false; } let (big, small) = if self.size[a] < self.size[b] { (b, a) } else { (a, b) }; self.parent[small] = big; self.size[big] += self.size[small]; true }
    }
    fn kruskal(n: usize, mut edges: Vec<(u32, usize, usize)>) -> (u32, Vec<(usize, usize)>) { edges.sort(); let mut s = Sets::new(n); edges.into_iter().filter(|&(_, a, b)| s.join(a, b)).fold((0, vec![]), |(sum, mut v), (w, a, b)| { v.push((a, b)); (sum + w, v) }) }
    pub fn run() -> String { format!("{:?}", kruskal(6, vec![(7, 0, 1), (3, 0, 2), (1, 1, 2), (2, 1, 3), (8, 2, 3), (4, 3, 4), (9, 4, 5), (5, 3, 5)])) }
});

program!(alignment {
    fn distance(a: &[u8], b: &[u8], memo: &mut Vec<Vec<Option<u32>>>) -> u32 {
        if let Some(d) = memo[a.len()][b.len()] { return d; }
        let d = match (a, b) { ([], rest) | (rest, []) => rest.len() as u32, ([x, xs @ ..], [y, ys @ ..]) if x == y => distance(xs, ys, memo), ([_, xs @ ..], [_, ys @ ..]) => 1 + distance(xs, ys, memo).min(distance(a, ys, memo)).min(distance(xs, b, memo)) };
        memo[a.len()][b.len()] = Some(d);
        d
    }
    fn edit(a: &str, b: &str) -> u32 { distance(a.as_bytes(), b.as_bytes(), &mut vec![vec![None; b.len() + 1]; a.len() + 1]) }
    fn common<'a>(a: &'a str, b: &str) -> String { let (Some(x), Some(y)) = (a.chars().next(), b.chars().next()) else { return String::new() }; if x == y { format!("{x}{}", common(&a[1..], &b[1..])) } else { let (p, q) = (common(a, &b[1..]), common(&a[1..], b)); if p.len() > q.len() { p } else { q } } }
    pub fn run() -> String { format!("{:?} {}", [("kitten", "sitting"), ("", "abc"), ("same", "same"), ("flaw", "lawn")].map(|(a, b)| edit(a, b)), common("agcat", "gac")) }
});

program!(tarjan {
    #[derive(Default)] struct Walk { index: Vec<Option<usize>>, low: Vec<usize>, stack: Vec<usize>, on: Vec<bool>, next: usize, components: Vec<Vec<usize>> }
    impl Walk {
        fn visit(&mut self, edges: &[Vec<usize>], v: usize) {
            self.index[v] = Some(self.next); self.low[v] = self.next; self.next += 1;
            self.stack.push(v); self.on[v] = true;
            for &w in &edges[v] { match self.index[w] { None => { self.visit(edges, w); self.low[v] = self.low[v].min(self.low[w]) } Some(i) if self.on[w] => self.low[v] = self.low[v].min(i), Some(_) => {} } }
            if Some(self.low[v]) == self.index[v] { let mut c = vec![]; loop { let w = self.stack.pop().unwrap(); self.on[w] = false; c.push(w); if w == v { break; } } c.sort_unstable(); self.components.push(c); }
        }
        fn all(edges: &[Vec<usize>]) -> Vec<Vec<usize>> { let n = edges.len(); let mut w = Walk { index: vec![None; n], low: vec![0; n], on: vec![false; n], ..Default::default() }; for v in 0..n { if w.index[v].is_none() { w.visit(edges, v); } } w.components }
    }
    pub fn run() -> String { format!("{:?}", Walk::all(&[vec![1], vec![2], vec![0, 3], vec![4], vec![5, 3], vec![], vec![5, 6]])) }
});

program!(convex_hull {
    #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)] struct P(i32, i32);
    impl std::ops::Sub for P { type Output = P; fn sub(self, o: P) -> P { P(self.0 - o.0, self.1 - o.1) } }
    impl P { fn cross(self, o: P) -> i32 { self.0 * o.1 - self.1 * o.0 } fn left_of(self, a: P, b: P) -> i32 { (b - a).cross(self - a) } }
    fn side(points: &[P], a: P, b: P) -> Vec<P> { let out: Vec<P> = points.iter().copied().filter(|p| p.left_of(a, b) > 0).collect(); let Some(&far) = out.iter().max_by_key(|p| (p.left_of(a, b), p.0)) else { return vec![] }; [side(&out, a, far), vec![far], side(&out, far, b)].concat() }
    fn hull(points: &[P]) -> Vec<P> { let (Some(&a), Some(&b)) = (points.iter().min(), points.iter().max()) else { return vec![] }; [vec![a], side(points, a, b), vec![b], side(points, b, a)].concat() }
    pub fn run() -> String { let ps: Vec<P> = [(0, 0), (4, 0), (4, 4), (0, 4), (2, 2), (1, 3), (6, 2)].map(|(x, y)| P(x, y)).into(); let h = hull(&ps); let twice: i32 = (0..h.len()).map(|i| h[i].cross(h[(i + 1) % h.len()])).sum(); format!("{h:?} {twice} {:?}", hull(&[])) }
});

program!(matrix {
    #[derive(Debug, Clone, PartialEq)] struct Matrix<const R: usize, const C: usize>([[i64; C]; R]);
    impl<const R: usize, const K: usize> Matrix<R, K> {
        fn times<const C: usize>(&self, o: &Matrix<K, C>) -> Matrix<R, C> { Matrix(std::array::from_fn(|r| std::array::from_fn(|c| (0..K).map(|k| self.0[r][k] * o.0[k][c]).sum()))) }
        fn turned(&self) -> Matrix<K, R> { Matrix(std::array::from_fn(|r| std::array::from_fn(|c| self.0[c][r]))) }
    }
    impl<const N: usize> Matrix<N, N> { fn one() -> Self { Matrix(std::array::from_fn(|r| std::array::from_fn(|c| i64::from(r == c)))) } fn power(&self, n: u32) -> Self { match n { 0 => Self::one(), n if n % 2 == 0 => { let h = self.power(n / 2); h.times(&h) } n => self.times(&self.power(n - 1)) } } }
    fn determinant(m: &[Vec<i64>]) -> i64 { if m.len() == 1 { return m[0][0]; } (0..m.len()).map(|c| { let minor: Vec<Vec<i64>> = m[1..].iter().map(|r| r.iter().enumerate().filter(|(i, _)| *i != c).map(|(_, v)| *v).collect()).collect(); m[0][c] * determinant(&minor) * if c % 2 == 0 { 1 } else { -1 } }).sum() }
    pub fn run() -> String { let f = Matrix([[1, 1], [1, 0]]); format!("{:?} {:?} {:?} {}", f.power(30).0, Matrix([[1, 2, 3]]).times(&Matrix([[1, 2, 3]]).turned()), Matrix([[1, 2], [3, 4], [5, 6]]).turned(), determinant(&[vec![2, 0, 1], vec![1, 3, 2], vec![1, 1, 1]])) }
});

program!(skyline_and_merge {
    type Line = Vec<(i32, i32)>;
    fn merge(a: &[(i32, i32)], b: &[(i32, i32)], (ha, hb): (i32, i32), out: &mut Line) {
        let (x, ha, hb, a, b) = match (a, b) { ([], []) => return, ([(x, h), ra @ ..], []) => (*x, *h, hb, ra, b), ([], [(x, h), rb @ ..]) => (*x, ha, *h, a, rb), ([(x, h), ra @ ..], [(y, _), ..]) if x < y => (*x, *h, hb, ra, b), ([(x, _), ..], [(y, h), rb @ ..]) if y < x => (*y, ha, *h, a, rb), ([(x, h), ra @ ..], [(_, k), rb @ ..]) => (*x, *h, *k, ra, rb) };
        let h = ha.max(hb);
        if out.last().map_or(0, |l| l.1) != h { out.push((x, h)); }
        merge(a, b, (ha, hb), out)
    }
    fn skyline(of: &[(i32, i32, i32)]) -> Line { match of { [] => vec![], [(l, h, r)] => vec![(*l, *h), (*r, 0)], _ => { let (a, b) = of.split_at(of.len() / 2); let mut out = vec![]; merge(&skyline(a), &skyline(b), (0, 0), &mut out); out } } }
    pub fn run() -> String { format!("{:?}", skyline(&[(1, 11, 5), (2, 6, 7), (3, 13, 9), (12, 7, 16), (14, 3, 25), (19, 18, 22), (23, 13, 29)])) }
});

program!(minimax {
    #[derive(Clone, Copy, PartialEq, Debug)] enum Mark { X, O }
    impl Mark { fn other(self) -> Self { match self { Mark::X => Mark::O, Mark::O => Mark::X } } }
    #[derive(Clone, Default)] struct Board([Option<Mark>; 9]);
    impl Board {
        const LINES: [[usize; 3]; 8] = [[0, 1, 2], [3, 4, 5], [6, 7, 8], [0, 3, 6], [1, 4, 7], [2, 5, 8], [0, 4, 8], [2, 4, 6]];
        fn winner(&self) -> Option<Mark> { Self::LINES.iter().find_map(|[a, b, c]| self.0[*a].filter(|m| self.0[*b] == Some(*m) && self.0[*c] == Some(*m))) }
        fn free(&self) -> impl Iterator<Item = usize> + '_ { (0..9).filter(|i| self.0[*i].is_none()) }
        fn play(&self, at: usize, m: Mark) -> Board { let mut b = self.clone(); b.0[at] = Some(m); b }
        fn score(&self, to_move: Mark, visited: &mut u32) -> i32 { *visited += 1; match self.winner() { Some(w) if w == to_move => 1, Some(_) => -1, None => self.free().map(|i| -self.play(i, to_move).score(to_move.other(), visited)).max().unwrap_or(0) } }
        fn best(&self, m: Mark, visited: &mut u32) -> Option<usize> { self.free().max_by_key(|i| (-self.play(*i, m).score(m.other(), visited), 9 - *i)) }
    }
    pub fn run() -> String { let mut b = Board::default().play(0, Mark::X).play(4, Mark::O).play(8, Mark::X); let (mut m, mut log, mut visited) = (Mark::O, vec![], 0); while b.winner().is_none() { let Some(i) = b.best(m, &mut visited) else { break }; log.push((m, i)); b = b.play(i, m); m = m.other(); } format!("{log:?} {:?} {visited}", b.winner()) }
});

program!(topological_plan {
    use std::collections::{BTreeMap, BTreeSet};
    #[derive(Debug, PartialEq)] enum Problem<'a> { Circle(Vec<&'a str>), Unknown(&'a str) }
    #[derive(Clone, Copy, PartialEq)] enum Colour { Grey, Black }
    struct Plan<'a> { needs: BTreeMap<&'a str, Vec<&'a str>>, colour: BTreeMap<&'a str, Colour>, path: Vec<&'a str>, order: Vec<&'a str> }
    impl<'a> Plan<'a> {
        fn new(text: &'a str) -> Self { Plan { needs: text.lines().filter_map(|l| l.split_once(':')).map(|(t, n)| (t.trim(), n.split_whitespace().collect())).collect(), colour: BTreeMap::new(), path: vec![], order: vec![] } }
        fn build(&mut self, target: &'a str) -> Result<(), Problem<'a>> {
            match self.colour.get(target) { Some(Colour::Black) => return Ok(()), Some(Colour::Grey) => { let from = self.path.iter().position(|p| *p == target).unwrap_or(0); return Err(Problem::Circle(self.path[from..].to_vec())); } None => {} }
            let needs = self.needs.get(target).ok_or(Problem::Unknown(target))?.clone();
            self.colour.insert(target, Colour::Grey); self.path.push(target);
            needs.into_iter().try_for_each(|n| self.build(n))?;
            self.path.pop(); self.colour.insert(target, Colour::Black); self.order.push(target);
            Ok(())
        }
    }
    fn plan(text: &str) -> String { let mut p = Plan::new(text); let roots: BTreeSet<&str> = p.needs.keys().copied().collect(); let r: Result<(), Problem<'_>> = roots.into_iter().try_for_each(|t| p.build(t)); format!("{r:?} {}", p.order.join(">")) }
    pub fn run() -> String { ["app: lib main\nlib: base\nmain: base\nbase:", "a: b\nb: c\nc: a", "a: b"].map(plan).join("; ") }
});
