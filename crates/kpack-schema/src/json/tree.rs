use std::cell::RefCell;
use std::collections::HashSet;
use std::fmt;

use serde::Deserializer;
use serde::de::{DeserializeSeed, MapAccess, SeqAccess, Visitor};
use serde_json::Number;
use serde_json::error::Category;

use super::error::push_segment;
use super::{JsonError, JsonErrorKind, Limits};

/// A JSON value in which no object holds a key twice.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Tree {
    Null,
    Bool(bool),
    Number(Number),
    String(String),
    Array(Vec<Self>),
    Object(Vec<(String, Self)>),
}

pub(super) fn parse(text: &str, limits: Limits) -> Result<Tree, JsonError> {
    let whole = |kind| JsonError::new(String::new(), kind);
    if text.len() > limits.max_bytes {
        let kind = JsonErrorKind::TooLarge {
            bytes: text.len(),
            max_bytes: limits.max_bytes,
        };
        return Err(whole(kind));
    }
    let refusal = RefCell::new(None);
    let mut reader = serde_json::Deserializer::from_str(text);
    let seed = TreeSeed {
        limits,
        depth: 0,
        pointer: &RefCell::new(String::new()),
        refusal: &refusal,
    };
    let tree = seed.deserialize(&mut reader).map_err(|error| {
        refusal.take().unwrap_or_else(|| {
            whole(JsonErrorKind::Syntax {
                message: error.to_string(),
            })
        })
    })?;
    reader.end().map_err(|error| {
        debug_assert_ne!(error.classify(), Category::Data);
        whole(JsonErrorKind::TrailingData {
            message: error.to_string(),
        })
    })?;
    Ok(tree)
}

/// Builds a [`Tree`] while serde_json parses. A refusal of ours is kept aside, since serde_json's
/// error can carry only words.
#[derive(Clone, Copy)]
struct TreeSeed<'a> {
    limits: Limits,
    depth: usize,
    pointer: &'a RefCell<String>,
    refusal: &'a RefCell<Option<JsonError>>,
}

impl<'a> TreeSeed<'a> {
    fn refuse<E: serde::de::Error>(&self, kind: JsonErrorKind) -> E {
        let error = JsonError::new(self.pointer.borrow().clone(), kind);
        let words = E::custom(&error);
        self.refusal.replace(Some(error));
        words
    }

    fn deeper<E: serde::de::Error>(self) -> Result<Self, E> {
        if self.depth >= self.limits.max_depth {
            return Err(self.refuse(JsonErrorKind::TooDeep {
                max_depth: self.limits.max_depth,
            }));
        }
        Ok(Self {
            depth: self.depth + 1,
            ..self
        })
    }

    /// Runs `read` with the pointer one segment longer; a refusal inside keeps the longer pointer.
    fn within<T>(&self, segment: &str, read: impl FnOnce() -> T) -> T {
        let outer = self.pointer.borrow().len();
        push_segment(&mut self.pointer.borrow_mut(), segment);
        let result = read();
        self.pointer.borrow_mut().truncate(outer);
        result
    }
}

impl<'de> DeserializeSeed<'de> for TreeSeed<'_> {
    type Value = Tree;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Tree, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for TreeSeed<'_> {
    type Value = Tree;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Tree, E> {
        Ok(Tree::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Tree, E> {
        Ok(Tree::Bool(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Tree, E> {
        Ok(Tree::Number(value.into()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Tree, E> {
        Ok(Tree::Number(value.into()))
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Tree, E> {
        let number = Number::from_f64(value).ok_or_else(|| E::custom("a number must be finite"))?;
        Ok(Tree::Number(number))
    }

    fn visit_str<E>(self, value: &str) -> Result<Tree, E> {
        Ok(Tree::String(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Tree, E> {
        Ok(Tree::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Tree, A::Error> {
        let inner = self.deeper()?;
        let mut array = Vec::new();
        loop {
            let segment = array.len().to_string();
            match self.within(&segment, || elements.next_element_seed(inner))? {
                Some(element) => array.push(element),
                None => return Ok(Tree::Array(array)),
            }
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Tree, A::Error> {
        let inner = self.deeper()?;
        let mut keys = HashSet::new();
        let mut object = Vec::new();
        while let Some(key) = entries.next_key::<String>()? {
            if !keys.insert(key.clone()) {
                return Err(self.within(&key, || self.refuse(JsonErrorKind::DuplicateKey)));
            }
            let value = self.within(&key, || entries.next_value_seed(inner))?;
            object.push((key, value));
        }
        Ok(Tree::Object(object))
    }
}
