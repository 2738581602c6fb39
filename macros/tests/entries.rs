//! `#[vthread::main]` and `#[vthread::test]`, alone and in annotated modules.
#![forbid(unsafe_code)]

#[vthread::test]
fn the_test_attribute_runs_on_a_chunk() {
    assert_eq!(vthread::__private::current(), 1);
}

#[vthread::test]
fn the_test_attribute_takes_results_that_are_not_send() -> Result<(), Box<dyn std::error::Error>> {
    let shared = std::rc::Rc::new(1);
    vthread::yield_now();
    assert_eq!(vthread::spawn_local(move || *shared).join().expect("no panic"), 1);
    Ok(())
}

#[vthread::test]
#[should_panic(expected = "on purpose")]
fn the_test_attribute_passes_panics_on() {
    panic!("on purpose");
}

#[vthread::test]
fn the_test_attribute_takes_results() -> Result<(), std::num::ParseIntError> {
    assert_eq!("7".parse::<u32>()?, 7);
    Ok(())
}

#[vthread::vthread]
mod tests_of_a_module {
    fn depth(n: u32) -> u32 {
        assert_eq!(vthread::__private::current(), 1);
        if n == 0 { 0 } else { 1 + depth(n - 1) }
    }

    #[vthread::test]
    fn tests_stand_in_annotated_modules() {
        assert_eq!(depth(10), 10);
    }

    #[cfg_attr(all(), vthread::test)]
    fn tests_on_a_condition_too() -> Result<(), std::num::ParseIntError> {
        assert_eq!(depth("7".parse()?), 7);
        Ok(())
    }

    mod deeper {
        use vthread::test as vthread_test;

        #[vthread::test]
        #[should_panic(expected = "on purpose 3")]
        fn tests_stand_in_modules_of_annotated_modules() {
            panic!("on purpose {}", super::depth(3));
        }

        #[vthread_test]
        #[plain]
        fn what_is_a_test_by_another_name_is_plain() {
            assert_eq!(super::depth(3), 3);
        }
    }

    #[cfg_attr(all(), allow(clippy::needless_pass_by_value), inline)]
    #[test]
    fn ordinary_tests_run_what_they_call_on_ordinary_stacks() {
        assert_eq!(vthread::__private::current(), 0);
    }
}

#[vthread::vthread]
mod entry_of_a_module {
    fn depth(n: u32) -> u32 {
        if n == 0 { vthread::__private::current() as u32 } else { depth(n - 1) }
    }

    #[vthread::main]
    pub fn main() {
        assert_eq!(depth(10), 1);
    }
}

#[test]
fn an_entry_stands_in_an_annotated_module() {
    entry_of_a_module::main();
}
