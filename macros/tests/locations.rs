//! `#[track_caller]` sees the line of the call, wherever that runs.

#[vthread::vthread]
mod calls {
    use std::panic::Location;

    #[track_caller]
    pub fn line() -> u32 {
        Location::caller().line()
    }

    #[track_caller]
    pub fn line_at(depth: u32) -> u32 {
        if depth == 0 { line() } else { line_at(depth - 1) }
    }

    pub struct Place(pub u32);

    impl Place {
        #[track_caller]
        pub fn told(&self) -> u32 {
            Location::caller().line() + self.0
        }
    }

    pub trait Known {
        fn known(&self) -> u32;

        #[track_caller]
        fn asked(&self) -> u32 {
            Location::caller().line()
        }
    }

    impl Known for Place {
        #[track_caller]
        fn known(&self) -> u32 {
            Location::caller().line() + self.0
        }
    }

    /// What was seen, and what is right.
    pub fn seen() -> Vec<(u32, u32)> {
        vec![
            (line(), line!()),
            (Place(0).told(), line!()),
            (Place::told(&Place(0)), line!()),
            (Place(0).known(), line!()),
            (Known::known(&Place(0)), line!()),
            (Place(0).asked(), line!()),
            (line_at(0), line!()),
            Some(()).map(|()| (line(), line!())).expect("it is there"),
            (format!("{}", line()).parse().expect("a number"), line!()),
        ]
    }

    /// On ordinary stacks: each level that takes a chunk is called by the macro's code.
    pub fn recursive() -> (u32, u32) {
        (line_at(2), line!())
    }
}

#[test]
fn calls_in_annotated_code_are_where_they_stand() {
    for seen in [calls::seen(), vthread::run(calls::seen)] {
        for (index, (seen, right)) in seen.into_iter().enumerate() {
            assert_eq!(seen, right, "number {index}");
        }
    }
}

#[test]
fn so_are_calls_from_elsewhere() {
    assert_eq!(calls::line(), line!());
    assert_eq!(calls::Place(0).told(), line!());
    assert_eq!(calls::line_at(2), line!());
    assert_eq!(vthread::run(|| (calls::line(), line!())), (line!(), line!()));
    let (seen, right) = calls::recursive();
    assert_eq!(seen, right);
}
