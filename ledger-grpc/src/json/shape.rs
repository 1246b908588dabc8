//! Shape: the messages of an event as the reader wants them, compiled once from the descriptor.

use super::POOL;
use prost_reflect::{EnumDescriptor, FieldDescriptor, Kind as Described, MessageDescriptor};
use std::collections::HashMap;
use std::sync::LazyLock;

/// Fields whose value is not the default of the proto where JSON leaves them out. The comments of the proto say
/// so too. A test holds that each name is that of a field.
pub(super) const LEFT_OUT: [(&str, u64); 1] = [("ledger.v1.Line.quantity", 1)];
/// Most fields of one message: the reader keeps in one number which of them have come.
pub(super) const FIELDS_MAX: usize = 128;
/// More than an event has names.
const BUCKETS: usize = 128;

/// The shape of an event and of all that is in it.
pub(super) static SHAPES: LazyLock<Shapes> = LazyLock::new(|| Shapes::of(&POOL.event));

/// Messages and enums, which name each other by place.
pub(super) struct Shapes {
    messages: Vec<Shape>,
    enums: Vec<Words>,
}

/// A message.
#[derive(Default)]
pub(super) struct Shape {
    /// Its fields, in the order of the proto.
    pub(super) fields: Vec<Field>,
    names: Names,
    /// The places of fields that have a value where they are left out, and the value.
    pub(super) left_out: Vec<(usize, u64)>,
}

/// The places of fields by both of their names, which is asked for each name of each message: in buckets by what is
/// quick to see of a name.
struct Names([Vec<(Box<str>, usize)>; BUCKETS]);

impl Default for Names {
    fn default() -> Names {
        Names(std::array::from_fn(|_| Vec::new()))
    }
}

impl Names {
    fn bucket(name: &[u8]) -> usize {
        let (first, last) = (name.first().copied().unwrap_or(0), name.last().copied().unwrap_or(0));
        (name.len() * 7 + usize::from(first) + usize::from(last) * 3) % BUCKETS
    }

    fn insert(&mut self, name: &str, place: usize) {
        if self.get(name).is_none() {
            self.0[Names::bucket(name.as_bytes())].push((name.into(), place));
        }
    }

    fn get(&self, name: &str) -> Option<usize> {
        let bucket = &self.0[Names::bucket(name.as_bytes())];
        bucket.iter().find(|(known, _)| **known == *name).map(|(_, place)| *place)
    }
}

/// A field of a message.
pub(super) struct Field {
    /// Its name in the proto.
    pub(super) name: Box<str>,
    /// What stands before its value on the wire: its number and how the value is written.
    pub(super) key: u64,
    /// What it holds.
    pub(super) kind: Kind,
    /// Whether it holds any number of that.
    pub(super) list: bool,
    /// The choice it is one of, by its place in the message.
    pub(super) choice: Option<usize>,
}

/// What a field holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    Bool,
    Int32,
    Int64,
    Uint32,
    Uint64,
    /// A number of 32 bits that may have a point: the key of the field that says how many digits stand behind it, and
    /// its place.
    Decimal(u64, usize),
    Instant,
    Span,
    Enum(usize),
    Message(usize),
    /// Nothing that an event holds today.
    Other,
}

impl Kind {
    fn wire_type(self) -> u64 {
        match self {
            Kind::Bool | Kind::Int32 | Kind::Int64 | Kind::Uint32 | Kind::Uint64 => 0,
            Kind::Decimal(..) | Kind::Enum(_) => 0,
            Kind::Text | Kind::Instant | Kind::Span | Kind::Message(_) | Kind::Other => 2,
        }
    }
}

/// The values of an enum.
#[derive(Default)]
pub(super) struct Words {
    /// The names of the proto and their numbers.
    names: Vec<(Box<str>, i32)>,
    /// What stands before every name: `FREEZE_SCOPE_`.
    prefix: Box<str>,
}

impl Words {
    fn of(described: &EnumDescriptor) -> Words {
        let names: Vec<(Box<str>, i32)> =
            described.values().map(|value| (value.name().into(), value.number())).collect();
        let first = names.first().map_or("", |(name, _)| name);
        let prefix = first.strip_suffix("UNSPECIFIED").unwrap_or_default().into();
        Words { names, prefix }
    }

    /// The number of a name: that of the proto, or the word behind the prefix in small letters.
    pub(super) fn number(&self, text: &str) -> Option<i32> {
        let is = |name: &str| {
            let word = name.strip_prefix(&*self.prefix).unwrap_or(name);
            name == text || (word.eq_ignore_ascii_case(text) && !text.bytes().any(|byte| byte.is_ascii_uppercase()))
        };
        self.names.iter().find(|(name, _)| is(name)).map(|(_, number)| *number)
    }

    /// Whether a number is that of a name.
    pub(super) fn has(&self, number: i64) -> bool {
        self.names.iter().any(|(_, known)| i64::from(*known) == number)
    }

    /// The names that say something.
    pub(super) fn listed(&self) -> String {
        let said = self.names.iter().filter(|(_, number)| *number != 0).map(|(name, _)| &**name);
        said.collect::<Vec<_>>().join(", ")
    }
}

/// The end of the name of a field that says how many digits of the number of its first name stand behind the point.
const DIGITS: &str = "_digits";

impl Shape {
    /// Finds the numbers that may have a point.
    fn point_to_digits(&mut self) {
        let digits = |(place, field): (usize, &Field)| {
            let number = field.name.strip_suffix(DIGITS)?;
            let number = self.fields.iter().position(|other| *other.name == *number && other.kind == Kind::Uint32)?;
            Some((number, Kind::Decimal(field.key, place)))
        };
        let found: Vec<(usize, Kind)> = self.fields.iter().enumerate().filter_map(digits).collect();
        for (number, kind) in found {
            self.fields[number].kind = kind;
        }
    }

    /// The place of a field, by its name in the proto or in lowerCamelCase.
    pub(super) fn place(&self, name: &str) -> Option<usize> {
        self.names.get(name)
    }
}

impl Shapes {
    /// The event itself.
    pub(super) fn event(&self) -> &Shape {
        self.message(0)
    }

    pub(super) fn message(&self, at: usize) -> &Shape {
        &self.messages[at]
    }

    pub(super) fn words(&self, at: usize) -> &Words {
        &self.enums[at]
    }

    fn of(event: &MessageDescriptor) -> Shapes {
        let mut shapes = Shapes { messages: Vec::new(), enums: Vec::new() };
        shapes.add(event, &mut HashMap::new());
        shapes
    }

    /// Adds a message and all that is in it; answers its place.
    fn add(&mut self, message: &MessageDescriptor, known: &mut HashMap<String, usize>) -> usize {
        if let Some(at) = known.get(message.full_name()) {
            return *at;
        }
        let at = self.messages.len();
        known.insert(message.full_name().to_owned(), at);
        self.messages.push(Shape::default());
        let mut shape = Shape::default();
        for described in message.fields() {
            let field = self.field(&described, known);
            let place = shape.fields.len();
            shape.names.insert(described.name(), place);
            shape.names.insert(described.json_name(), place);
            let left_out = LEFT_OUT.iter().find(|(name, _)| *name == described.full_name());
            shape.left_out.extend(left_out.map(|(_, value)| (place, *value)));
            shape.fields.push(field);
        }
        shape.point_to_digits();
        assert!(shape.fields.len() <= FIELDS_MAX, "{} has more fields than the reader keeps count of", message.name());
        self.messages[at] = shape;
        at
    }

    fn field(&mut self, described: &FieldDescriptor, known: &mut HashMap<String, usize>) -> Field {
        let kind = match described.kind() {
            Described::String => Kind::Text,
            Described::Bool => Kind::Bool,
            Described::Int32 => Kind::Int32,
            Described::Int64 => Kind::Int64,
            Described::Uint32 => Kind::Uint32,
            Described::Uint64 => Kind::Uint64,
            Described::Enum(of) => {
                self.enums.push(Words::of(&of));
                Kind::Enum(self.enums.len() - 1)
            }
            Described::Message(of) => match of.full_name() {
                "google.protobuf.Timestamp" => Kind::Instant,
                "google.protobuf.Duration" => Kind::Span,
                _ => Kind::Message(self.add(&of, known)),
            },
            _ => Kind::Other,
        };
        // An optional field is a choice of one for protobuf alone.
        let choice = described.containing_oneof().filter(|choice| choice.fields().len() > 1);
        Field {
            name: described.name().into(),
            key: u64::from(described.number()) << 3 | kind.wire_type(),
            kind,
            list: described.is_list(),
            choice: choice.map(|choice| choice.path().last().map_or(0, |at| usize::try_from(*at).unwrap_or(0))),
        }
    }
}
