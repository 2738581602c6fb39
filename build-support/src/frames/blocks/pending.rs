//! Which blocks are still to be walked.

/// Blocks that are to be walked, the first in the code first: most code runs forwards, so what leads to a block has mostly been
/// seen when its turn comes.
#[derive(Default)]
pub(super) struct Pending {
    bits: Vec<u64>,
    /// No bit is set in the words before this one.
    from: usize,
}

impl Pending {
    pub(super) fn push(&mut self, index: usize) {
        let word = index / 64;
        if word >= self.bits.len() {
            self.bits.resize(word + 1, 0);
        }
        self.bits[word] |= 1 << (index % 64);
        if word < self.from {
            self.from = word;
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.bits.iter().all(|word| *word == 0)
    }

    pub(super) fn pop(&mut self) -> Option<usize> {
        while self.from < self.bits.len() {
            let word = self.bits[self.from];
            if word != 0 {
                self.bits[self.from] = word & (word - 1);
                return Some(64 * self.from + word.trailing_zeros() as usize);
            }
            self.from += 1;
        }
        None
    }
}
