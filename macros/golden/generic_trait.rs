//! Generic traits, associated types, and both behind `dyn`.

#[vthread]
mod conversions {
    pub trait Convert<A> {
        type Out;
        fn convert(&self, a: A) -> Self::Out;
    }
    pub trait Twice: Convert<u32, Out = u64> {
        fn twice(&self, a: u32) -> u64 {
            self.convert(a) * 2
        }
    }
    pub fn use_them(one: &dyn Convert<u8, Out = String>, two: &dyn Twice) -> String {
        format!("{}{}{}", one.convert(1), two.twice(2), two.convert(3))
    }
}
