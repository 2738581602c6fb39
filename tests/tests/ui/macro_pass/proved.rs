//! The link step has run on this program: recursion and virtual calls get chunks of proved sizes, from the free lists.

#[vthread::vthread(exact)]
mod trees {
    pub trait Shape {
        fn depth(&self, n: u32) -> u32;
    }

    pub struct Chain;

    impl Shape for Chain {
        fn depth(&self, n: u32) -> u32 {
            if n == 0 { 0 } else { 1 + through(self, n - 1) }
        }
    }

    pub fn through(shape: &dyn Shape, n: u32) -> u32 {
        shape.depth(n)
    }

    pub fn halvings(n: u64) -> u32 {
        if n == 0 { 0 } else { 1 + halvings(n / 2) }
    }
}

fn main() {
    vthread::run(|| {
        let once = || (trees::through(&trees::Chain, 200), trees::halvings(u64::MAX));
        let first = once();
        let slowly = vthread::__private::chunks_taken();
        assert_eq!((first, once()), ((200, 64), (200, 64)));
        assert_eq!(vthread::__private::current() & 1, 1, "this runs on a chunk");
        let more = vthread::__private::chunks_taken() - slowly;
        assert_eq!(more, 0, "stacks that the link step has not sized are handed out slowly");
    });
}
