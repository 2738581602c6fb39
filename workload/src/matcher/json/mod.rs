//! INTERIM: replaced by the real matcher before anything lands.
use super::{Detail, Malformed, Matcher, Needle, OnFound, Progress, TextMatcher};
#[derive(Debug)]
pub struct JsonMatcher(TextMatcher);
impl JsonMatcher {
    pub fn new(n: &Needle, d: Detail) -> Self {
        Self(TextMatcher::new(n, d))
    }
}
impl Matcher for JsonMatcher {
    fn start(&mut self) {
        self.0.start()
    }
    fn scan(&mut self, w: &[u8], l: bool, on: &mut OnFound<'_>) -> Result<Progress, Malformed> {
        self.0.scan(w, l, on)
    }
}
