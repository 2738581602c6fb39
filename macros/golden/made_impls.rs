#[vthread]
mod scalars {
    pub trait Scalar: Copy {
        fn halves(self) -> u32;
        #[plain]
        fn bits(self) -> u32 {
            8
        }
    }
    macro_rules! scalar {
        ($($t:ty),*) => {
            $(impl Scalar for $t {
                fn halves(self) -> u32 { if self == 0 { 0 } else { 1 + (self / 2).halves() } }
                fn bits(self) -> u32 { <$t>::BITS }
            })*
        };
        (@display $t:ty) => {
            impl std::fmt::Display for $t {
                fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result { f.write_str("it") }
            }
        };
    }
    scalar!(u32, i64);
}
