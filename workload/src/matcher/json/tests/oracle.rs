//! `serde_json`'s opinion, by a visitor that sees every value, also those under duplicate keys.

use serde::de::{Deserialize, DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use std::fmt;

/// Every string value with its pointer, or `serde_json`'s refusal.
pub fn strings(bytes: &[u8]) -> Result<Vec<(String, String)>, serde_json::Error> {
    let mut strings = vec![];
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    Collect { path: String::new(), strings: &mut strings }.deserialize(&mut reader)?;
    reader.end()?;
    Ok(strings)
}

struct Collect<'a> {
    path: String,
    strings: &'a mut Vec<(String, String)>,
}

impl Collect<'_> {
    fn below(&mut self, token: &str) -> Collect<'_> {
        let token = token.replace('~', "~0").replace('/', "~1");
        Collect { path: format!("{}/{token}", self.path), strings: self.strings }
    }
}

impl<'de> DeserializeSeed<'de> for Collect<'_> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Collect<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }
    fn visit_str<E: Error>(self, text: &str) -> Result<(), E> {
        self.strings.push((self.path, text.to_owned()));
        Ok(())
    }
    fn visit_bool<E: Error>(self, _: bool) -> Result<(), E> {
        Ok(())
    }
    fn visit_i64<E: Error>(self, _: i64) -> Result<(), E> {
        Ok(())
    }
    fn visit_u64<E: Error>(self, _: u64) -> Result<(), E> {
        Ok(())
    }
    fn visit_f64<E: Error>(self, _: f64) -> Result<(), E> {
        Ok(())
    }
    fn visit_unit<E: Error>(self) -> Result<(), E> {
        Ok(())
    }
    fn visit_seq<A: SeqAccess<'de>>(mut self, mut elements: A) -> Result<(), A::Error> {
        for index in 0.. {
            if elements.next_element_seed(self.below(&index.to_string()))?.is_none() {
                break;
            }
        }
        Ok(())
    }
    fn visit_map<A: MapAccess<'de>>(mut self, mut members: A) -> Result<(), A::Error> {
        while let Some(key) = members.next_key_seed(Key)? {
            members.next_value_seed(self.below(&key))?;
        }
        Ok(())
    }
}

struct Key;

impl<'de> DeserializeSeed<'de> for Key {
    type Value = String;
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<String, D::Error> {
        String::deserialize(deserializer)
    }
}
