//! Read: JSON to the bytes of an event, field by field as the descriptor says.
//!
//! What is read is the JSON of proto3, in both spellings of names, 64-bit integers as numbers or texts, enums by
//! name or number, null as absent; and beside it only what the shape names. An unknown name, a name that comes
//! twice, a fraction and a second thing said are faults, named by the path of the field.

use super::shape::{FIELDS_MAX, Field, Kind, SHAPES, Shape};
use super::{Fault, says_one_thing};
use crate::instant;
use crate::proto;
use ledger_core::quantity::{QUANTITY_DIGITS_MAX, Quantity};
use prost::Message as _;
use prost_types::Duration;
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Unexpected, Visitor};
use serde_json::Value;
use std::cell::{Cell, RefCell};
use std::fmt;

/// Whole numbers that a floating-point number of 64 bits tells from their neighbours.
const EXACT_MAX: f64 = 9_007_199_254_740_992.0;
/// Digits of a fraction of a second.
const NANO_DIGITS: usize = 9;

/// Reads an event from JSON text.
///
/// # Errors
/// The first thing that is wrong.
pub fn read(text: &str) -> Result<proto::Event, Fault> {
    let mut input = serde_json::Deserializer::from_str(text);
    let event = event(&mut input, text.len())?;
    input.end().map_err(|error| Fault::of(&error, String::new()))?;
    Ok(event)
}

/// Reads an event from JSON that is parsed already.
///
/// # Errors
/// The first thing that is wrong.
pub fn read_value(value: Value) -> Result<proto::Event, Fault> {
    event(value, 256)
}

fn event<'de, D: Deserializer<'de, Error = serde_json::Error>>(input: D, bytes: usize) -> Result<proto::Event, Fault> {
    let reading = Reading { path: RefCell::new(Vec::new()), point: Cell::new(None) };
    let mut out = Vec::with_capacity(bytes);
    let seed = Message { shape: SHAPES.event(), out: &mut out, reading: &reading };
    input.deserialize_any(seed).map_err(|error| Fault::of(&error, reading.path()))?;
    let event = proto::Event::decode(out.as_slice()).map_err(|error| Fault::at("", error.to_string()))?;
    if event.body.is_none() {
        return Err(Fault::at("", says_one_thing()));
    }
    Ok(event)
}

/// The way from a fault outwards: nothing as long as there is none.
struct Reading {
    path: RefCell<Vec<Step>>,
    /// The place of the digits of the number that was read last, if it has a point.
    point: Cell<Option<usize>>,
}

#[derive(Clone, Copy)]
enum Step {
    Field(&'static str),
    Item(usize),
}

impl Reading {
    fn within<T, E>(&self, step: Step, read: Result<T, E>) -> Result<T, E> {
        if read.is_err() {
            self.path.borrow_mut().push(step);
        }
        read
    }

    fn path(&self) -> String {
        let mut path = String::new();
        for step in self.path.borrow().iter().rev() {
            match step {
                Step::Field(name) if path.is_empty() => path.push_str(name),
                Step::Field(name) => path.extend([".", name]),
                Step::Item(at) => path.push_str(&format!("[{at}]")),
            }
        }
        path
    }
}

/// Reads the fields of a message.
struct Message<'a> {
    shape: &'static Shape,
    out: &'a mut Vec<u8>,
    reading: &'a Reading,
}

impl<'de> Visitor<'de> for Message<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let Message { shape, out, reading } = self;
        let (mut come, mut there) = ([0u64; FIELDS_MAX / 64], [0u64; FIELDS_MAX / 64]);
        let (mut chosen, mut next) = (None::<&Field>, 0);
        while let Some(place) = map.next_key_seed(Named { shape, next })? {
            let field = &shape.fields[place];
            next = place + 1;
            let (word, bit) = (&mut come[place / 64], 1 << (place % 64));
            if *word & bit != 0 {
                return Err(Error::custom(format_args!("field `{}` comes twice; send it once", field.name)));
            }
            *word |= bit;
            let value = One { field, out: &mut *out, reading, item: false };
            let said = reading.within(Step::Field(&field.name), map.next_value_seed(value))?;
            if !said {
                continue;
            }
            there[place / 64] |= bit;
            if let Some(digits) = reading.point.take() {
                let (word, bit) = (&mut come[digits / 64], 1 << (digits % 64));
                if *word & bit != 0 {
                    let digits = &shape.fields[digits].name;
                    return Err(Error::custom(format_args!("`{}` has a point, so leave out `{digits}`", field.name)));
                }
                *word |= bit;
            }
            if field.choice.is_some() {
                if let Some(other) = chosen.filter(|other| other.choice == field.choice) {
                    let (one, two) = (&other.name, &field.name);
                    return Err(Error::custom(format_args!("says {one} and {two}; {}", says_one_thing())));
                }
                chosen = Some(field);
            }
        }
        for (place, value) in &shape.left_out {
            if there[place / 64] & 1 << (place % 64) == 0 {
                scalar(out, &shape.fields[*place], *value);
            }
        }
        Ok(())
    }
}

/// Finds the place of a field by its name.
struct Named {
    shape: &'static Shape,
    /// Where it is looked for first, since most send their fields in the order of the proto.
    next: usize,
}

impl<'de> DeserializeSeed<'de> for Named {
    type Value = usize;

    fn deserialize<D: Deserializer<'de>>(self, input: D) -> Result<usize, D::Error> {
        input.deserialize_str(self)
    }
}

impl Visitor<'_> for Named {
    type Value = usize;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name of a field")
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<usize, E> {
        let Named { shape, next } = self;
        if shape.fields.get(next).is_some_and(|field| *field.name == *name) {
            return Ok(next);
        }
        shape.place(name).ok_or_else(|| {
            let known: Vec<&str> = shape.fields.iter().map(|field| &*field.name).collect();
            let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
            E::custom(format_args!("unknown field `{name}`; known here: {known}"))
        })
    }
}

/// Reads a field, or an item of a list; answers whether there was something.
struct One<'a> {
    field: &'static Field,
    out: &'a mut Vec<u8>,
    reading: &'a Reading,
    item: bool,
}

impl<'de> DeserializeSeed<'de> for One<'_> {
    type Value = bool;

    fn deserialize<D: Deserializer<'de>>(self, input: D) -> Result<bool, D::Error> {
        input.deserialize_any(self)
    }
}

impl One<'_> {
    fn is_list(&self) -> bool {
        self.field.list && !self.item
    }

    /// A whole number, as the wire has it.
    fn whole(self, number: i128, unexpected: Unexpected<'_>) -> Result<bool, String> {
        if self.is_list() {
            return Err(format!("invalid type: {unexpected}, expected a list"));
        }
        let (least, most) = match self.field.kind {
            Kind::Int32 => (i32::MIN.into(), i32::MAX.into()),
            Kind::Int64 => (i64::MIN.into(), i64::MAX.into()),
            Kind::Uint32 | Kind::Decimal(..) => (0, u32::MAX.into()),
            Kind::Uint64 => (0, u64::MAX.into()),
            Kind::Enum(at) => {
                let words = SHAPES.words(at);
                return match i64::try_from(number) {
                    Ok(number) if words.has(number) => Ok(scalar(self.out, self.field, number.cast_unsigned())),
                    _ => Err(format!("{number} is not one of {}", words.listed())),
                };
            }
            _ => return Err(format!("invalid type: {unexpected}, expected {self}")),
        };
        if number < least || number > most {
            return Err(format!("{number} is out of range; send {least} to {most}"));
        }
        // The lower 64 bits are what the wire has of a negative number too.
        let bits = u64::try_from(number & i128::from(u64::MAX)).map_err(|error| error.to_string())?;
        Ok(scalar(self.out, self.field, bits))
    }

    /// A number that may have a point.
    fn decimal(self, text: &str) -> Result<bool, String> {
        let Kind::Decimal(digits, place) = self.field.kind else { return Err(format!("{text} has a point")) };
        let quantity = Quantity::read(text).ok_or_else(|| {
            format!("{text:?} is no quantity; send a number with at most {QUANTITY_DIGITS_MAX} digits behind the point")
        })?;
        if quantity.digits() > 0 {
            self.reading.point.set(Some(place));
            varint(self.out, digits);
            varint(self.out, quantity.digits().into());
        }
        Ok(scalar(self.out, self.field, quantity.number().into()))
    }

    /// What is said of a number with a point where there can be none.
    fn fraction(&self, number: &str) -> String {
        let hint = "; points are whole, and money is in cents or other minor units";
        format!("{number} is not a whole number{}", if self.field.kind == Kind::Int64 { hint } else { "" })
    }

    fn text(self, text: &str) -> Result<bool, String> {
        let field = self.field;
        if self.is_list() {
            return Err(format!("invalid type: string {text:?}, expected a list"));
        }
        match field.kind {
            Kind::Instant => {
                let at = instant::read(text)
                    .ok_or_else(|| format!("{text:?} is not an instant; write 2026-01-31T09:00:00Z"))?;
                Ok(within(self.out, field, |out| instant::stamp(at).encode_raw(out)))
            }
            Kind::Span => {
                let span = span(text).ok_or_else(|| format!("{text:?} is not a span; write \"3600s\""))?;
                Ok(within(self.out, field, |out| span.encode_raw(out)))
            }
            Kind::Enum(at) => {
                let words = SHAPES.words(at);
                match words.number(text) {
                    Some(number) => Ok(scalar(self.out, field, i64::from(number).cast_unsigned())),
                    None => Err(format!("{text:?} is not one of {}", words.listed())),
                }
            }
            Kind::Decimal(..) => self.decimal(text),
            Kind::Int32 | Kind::Int64 | Kind::Uint32 | Kind::Uint64 => {
                let number = text.parse::<i128>().ok().filter(|_| !text.starts_with('+'));
                let number = number.or_else(|| number_like(text).then(|| exact(text.parse().ok()?)).flatten());
                let number = number.ok_or_else(|| self.fraction(&format!("{text:?}")))?;
                self.whole(number, Unexpected::Str(text))
            }
            Kind::Text | Kind::Bool | Kind::Message(_) | Kind::Other => {
                Err(format!("invalid type: string {text:?}, expected {self}"))
            }
        }
    }
}

impl fmt::Display for One<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.field.kind {
            _ if self.is_list() => "a list",
            Kind::Text => "a text in quotes",
            Kind::Bool => "true or false",
            Kind::Int32 | Kind::Int64 | Kind::Uint32 | Kind::Uint64 => "a whole number",
            Kind::Decimal(..) => "a number",
            Kind::Instant => "an instant such as \"2026-01-31T09:00:00Z\"",
            Kind::Span => "a span such as \"3600s\"",
            Kind::Enum(_) => "a name in quotes",
            Kind::Message(_) => "an object",
            Kind::Other => "nothing: this field cannot be said in JSON",
        })
    }
}

impl<'de> Visitor<'de> for One<'_> {
    type Value = bool;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }

    fn visit_unit<E: Error>(self) -> Result<bool, E> {
        if self.item { Err(E::invalid_type(Unexpected::Unit, &self)) } else { Ok(false) }
    }

    fn visit_bool<E: Error>(self, yes: bool) -> Result<bool, E> {
        if self.field.kind == Kind::Bool && !self.is_list() {
            return Ok(scalar(self.out, self.field, yes.into()));
        }
        Err(E::invalid_type(Unexpected::Bool(yes), &self))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<bool, E> {
        self.whole(number.into(), Unexpected::Signed(number)).map_err(E::custom)
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<bool, E> {
        // Nearly every number is one of these.
        let is_usual = matches!(self.field.kind, Kind::Int64 | Kind::Uint32 | Kind::Decimal(..));
        if is_usual && number <= u32::MAX.into() && !self.is_list() {
            return Ok(scalar(self.out, self.field, number));
        }
        self.whole(number.into(), Unexpected::Unsigned(number)).map_err(E::custom)
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<bool, E> {
        match exact(number) {
            Some(whole) => self.whole(whole, Unexpected::Float(number)).map_err(E::custom),
            None if self.is_list() => Err(E::invalid_type(Unexpected::Float(number), &self)),
            None => match self.field.kind {
                // Beyond this no number of 32 bits is left, and a text of it would be long.
                Kind::Decimal(..) if number.abs() < EXACT_MAX => self.decimal(&number.to_string()).map_err(E::custom),
                Kind::Int64 => Err(E::custom(self.fraction(&number.to_string()))),
                _ => Err(E::invalid_type(Unexpected::Float(number), &self)),
            },
        }
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<bool, E> {
        // Nearly every text is one of these.
        if self.field.kind == Kind::Text && !self.is_list() {
            return Ok(delimited(self.out, self.field, text.as_bytes()));
        }
        self.text(text).map_err(E::custom)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<bool, A::Error> {
        if !self.is_list() {
            return Err(Error::invalid_type(Unexpected::Seq, &self));
        }
        let One { field, out, reading, .. } = self;
        let mut at = 0;
        loop {
            let one = One { field, out: &mut *out, reading, item: true };
            match reading.within(Step::Item(at), items.next_element_seed(one))? {
                Some(_) => at += 1,
                None => return Ok(true),
            }
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<bool, A::Error> {
        let Kind::Message(at) = self.field.kind else { return Err(Error::invalid_type(Unexpected::Map, &self)) };
        if self.is_list() {
            return Err(Error::invalid_type(Unexpected::Map, &self));
        }
        let One { field, out, reading, .. } = self;
        let mut read = Ok(());
        within(out, field, |out| read = Message { shape: SHAPES.message(at), out, reading }.visit_map(map));
        read.map(|()| true)
    }
}

/// The whole number that a floating-point number is, if it is one and told exactly.
#[allow(clippy::cast_possible_truncation)]
fn exact(number: f64) -> Option<i128> {
    (number.fract() == 0.0 && number.abs() < EXACT_MAX).then_some(number as i128)
}

/// Whether a text is a number as JSON writes one.
fn number_like(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit() || b"-+.eE".contains(&byte))
        && text.bytes().next_back().is_some_and(|byte| byte.is_ascii_digit())
        && text.bytes().next().is_some_and(|byte| byte.is_ascii_digit() || byte == b'-')
}

/// `"3600s"`, `"-0.5s"`.
fn span(text: &str) -> Option<Duration> {
    let digits = text.strip_suffix('s')?;
    let (sign, digits) = digits.strip_prefix('-').map_or((1, digits), |digits| (-1, digits));
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
    let plain = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !plain(whole) || !plain(fraction) || fraction.len() > NANO_DIGITS {
        return None;
    }
    let nanos: i32 = format!("{fraction:0<9}").parse().ok()?;
    Some(Duration { seconds: sign * whole.parse::<i64>().ok()?, nanos: nanos * i32::try_from(sign).ok()? })
}

#[inline]
fn varint(out: &mut Vec<u8>, mut number: u64) {
    if number < 0x80 {
        return out.push(number as u8);
    }
    while number >= 0x80 {
        out.push((number & 0x7f) as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

/// A field of a number; true, because there is something then.
fn scalar(out: &mut Vec<u8>, field: &Field, value: u64) -> bool {
    varint(out, field.key);
    varint(out, value);
    true
}

/// A field of whatever is written; true, because there is something then.
fn within(out: &mut Vec<u8>, field: &Field, write: impl FnOnce(&mut Vec<u8>)) -> bool {
    varint(out, field.key);
    out.push(0);
    let begin = out.len();
    write(out);
    // How long it is stands before it, and is known behind it: mostly one byte, for which there is room.
    let length = out.len() - begin;
    match u8::try_from(length) {
        Ok(length) if length < 0x80 => out[begin - 1] = length,
        _ => {
            let mut bytes = Vec::with_capacity(5);
            varint(&mut bytes, length as u64);
            out.splice(begin - 1..begin, bytes);
        }
    }
    true
}

/// A field of bytes; true, because there is something then.
fn delimited(out: &mut Vec<u8>, field: &Field, bytes: &[u8]) -> bool {
    varint(out, field.key);
    varint(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
    true
}
