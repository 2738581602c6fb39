//! The manual vtable: an array of [plain, concurrent] pairs, indexed with `2 * i + (is_concurrent & 1)`.

#[vthread]
pub mod animals {
    pub trait Animal {
        fn name(&self) -> &str;
        fn speak(&self, times: u32) -> String {
            self.name().repeat(times as usize)
        }
    }

    pub struct Dog;

    impl Animal for Dog {
        fn name(&self) -> &str {
            "dog"
        }
    }

    pub fn chorus(all: &[Box<dyn Animal + Send>]) -> String {
        let mut text = String::new();
        for animal in all {
            text += &animal.speak(2);
        }
        text
    }
}
