// Inside of a module, a method name that is a vthread one counts as one: `#[plain]` on the call says otherwise.
#[vthread::vthread]
mod m {
    struct Ours;

    impl Ours {
        fn launch(&self) {}
    }

    pub fn f(theirs: impl Fn() -> super::Theirs) {
        theirs().launch();
        #[plain]
        theirs().launch();
        Ours.launch();
    }
}

pub struct Theirs;

impl Theirs {
    pub fn launch(&self) {}
}

fn main() {}
