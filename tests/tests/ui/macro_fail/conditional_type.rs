#[vthread::vthread]
mod stores {
    pub trait Store {
        #[cfg(unix)]
        type Key;
        fn size(&self) -> usize;
    }

    #[cfg(unix)]
    pub fn sizes(all: &[&dyn Store<Key = u8>]) -> usize {
        all.iter().map(|s| s.size()).sum()
    }
}

fn main() {}
