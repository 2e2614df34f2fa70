//! The values that templates see.

use std::{collections::BTreeMap, fmt, sync::Arc};

/// A value. Cloning is cheap: what is large is shared.
#[derive(Clone, Debug, Default)]
pub enum Value {
    /// No value, and Go's `nil`.
    #[default]
    Nil,
    Bool(bool),
    Int(i64),
    Float(f64),
    String(Arc<str>),
    /// Text that must not be escaped again where output is escaped.
    Html(Arc<str>),
    List(Arc<List>),
    Map(Arc<Map>),
    Object(Arc<dyn Object>),
}

/// A list, which knows its size.
#[derive(Debug, Default)]
pub struct List {
    items: Vec<Value>,
    shape: Shape,
}

/// A map with keys in order, which knows its size.
#[derive(Debug, Default)]
pub struct Map {
    entries: BTreeMap<String, Value>,
    zero: Value,
    shape: Shape,
}

/// A thing with fields, methods and a text, such as a sample, a time or an alert.
pub trait Object: fmt::Debug + Send + Sync {
    /// The name of the type in error messages.
    fn type_name(&self) -> &str;

    /// What is printed.
    fn text(&self) -> String;

    /// A field, or a method without arguments.
    fn field(&self, name: &str) -> Option<Value>;

    /// A method with arguments; `None` if there is none of that name.
    fn call(&self, _name: &str, _args: &[Value]) -> Option<Result<Value, String>> {
        None
    }

    /// What `range`, `index` and `len` see, if it is a list.
    fn items(&self) -> Option<Vec<Value>> {
        None
    }
}

/// How deep and how large a value is, shared parts counted each time they appear: what is small
/// in memory can still be large in print.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Shape {
    pub(crate) depth: u32,
    pub(crate) weight: usize,
}

impl Shape {
    fn over<'a>(own: usize, children: impl Iterator<Item = &'a Value>) -> Self {
        children.fold(Self { depth: 1, weight: own }, |shape, child| {
            let child = child.shape();
            Self {
                depth: shape.depth.max(child.depth.saturating_add(1)),
                weight: shape.weight.saturating_add(child.weight).saturating_add(1),
            }
        })
    }
}

impl List {
    pub fn items(&self) -> &[Value] {
        &self.items
    }
}

impl Map {
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.entries.get(key)
    }

    /// In order of key.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.entries.iter().map(|(key, value)| (key.as_str(), value))
    }

    pub fn len(&self) -> usize {
        self.entries.len()
    }

    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// What missing keys give where that is asked for.
    pub fn zero(&self) -> &Value {
        &self.zero
    }
}

impl Value {
    pub fn string(text: impl AsRef<str>) -> Self {
        Self::String(Arc::from(text.as_ref()))
    }

    pub fn list(items: Vec<Self>) -> Self {
        let shape = Shape::over(2, items.iter());
        Self::List(Arc::new(List { items, shape }))
    }

    /// A map of values of any kind.
    pub fn map<K: Into<String>>(entries: impl IntoIterator<Item = (K, Self)>) -> Self {
        Self::map_with_zero(entries, Self::Nil)
    }

    /// A map of strings, such as labels: a missing key is an empty string.
    pub fn string_map<K: Into<String>, V: AsRef<str>>(
        entries: impl IntoIterator<Item = (K, V)>,
    ) -> Self {
        let entries = entries.into_iter().map(|(key, value)| (key, Self::string(value)));
        Self::map_with_zero(entries, Self::string(""))
    }

    fn map_with_zero<K: Into<String>>(
        entries: impl IntoIterator<Item = (K, Self)>,
        zero: Self,
    ) -> Self {
        let entries: BTreeMap<String, Self> =
            entries.into_iter().map(|(key, value)| (key.into(), value)).collect();
        let keys = entries.keys().map(|key| key.len() + 1).sum::<usize>();
        let shape = Shape::over(keys.saturating_add(5), entries.values());
        Self::Map(Arc::new(Map { entries, zero, shape }))
    }

    pub fn object(object: impl Object + 'static) -> Self {
        Self::Object(Arc::new(object))
    }

    /// The text of a string, safe or not.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::String(text) | Self::Html(text) => Some(text),
            _ => None,
        }
    }

    pub fn as_list(&self) -> Option<&[Self]> {
        match self {
            Self::List(list) => Some(list.items()),
            _ => None,
        }
    }

    pub fn as_map(&self) -> Option<&Map> {
        match self {
            Self::Map(map) => Some(map),
            _ => None,
        }
    }

    /// Whether `if` takes it as true: everything but nothing, zero, false and what is empty.
    pub fn is_true(&self) -> bool {
        match self {
            Self::Nil => false,
            Self::Bool(value) => *value,
            Self::Int(value) => *value != 0,
            Self::Float(value) => *value != 0.0,
            Self::String(text) | Self::Html(text) => !text.is_empty(),
            Self::List(list) => !list.items.is_empty(),
            Self::Map(map) => !map.entries.is_empty(),
            Self::Object(object) => object.items().is_none_or(|items| !items.is_empty()),
        }
    }

    /// The name of the type as Go writes it.
    pub fn type_name(&self) -> &str {
        match self {
            Self::Nil => "nil",
            Self::Bool(_) => "bool",
            Self::Int(_) => "int",
            Self::Float(_) => "float64",
            Self::String(_) => "string",
            Self::Html(_) => "template.HTML",
            Self::List(_) => "[]interface {}",
            Self::Map(map) if matches!(map.zero, Self::String(_)) => "map[string]string",
            Self::Map(_) => "map[string]interface {}",
            Self::Object(object) => object.type_name(),
        }
    }

    pub(crate) fn shape(&self) -> Shape {
        let leaf = |weight| Shape { depth: 0, weight };
        match self {
            Self::Nil | Self::Bool(_) | Self::Int(_) => leaf(8),
            Self::Float(_) | Self::Object(_) => leaf(24),
            Self::String(text) | Self::Html(text) => leaf(text.len()),
            Self::List(list) => list.shape,
            Self::Map(map) => map.shape,
        }
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::string(text)
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::String(text.into())
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Self::Int(value)
    }
}

impl From<f64> for Value {
    fn from(value: f64) -> Self {
        Self::Float(value)
    }
}
