//! Rules: the tables `[[topic.event]]` of the config as a mapping, every fault with its line.
//!
//! Which fields there are, and what each holds, comes from the descriptor: a name that is none, or a reading that a
//! field cannot take, is found before a message comes.

use super::decimal::Round;
use super::place::{Each, Number, Place, Places, Renames};
use super::{Condition, Mapping, Pointer, Rule, Then, Wanted};
use crate::json;
use crate::kafka::config::{Reading, Section};
use ledger_core::calendar::Calendar;
use prost_reflect::{FieldDescriptor, Kind, MessageDescriptor};
use serde_json::Value;
use toml::de::{DeTable, DeValue};

/// Most digits behind the point that are units.
const DIGITS_MAX: u32 = 9;
/// Digits behind the point of an amount in major units, unless it says otherwise.
const MINOR_DIGITS: u32 = 2;
/// How a value is read.
const READINGS: [&str; 7] = ["text", "number", "major", "millis", "seconds", "local", "literal"];

/// The mapping of a topic: its tables `[[topic.event]]`, and what no rule matches.
pub(crate) fn mapping(reading: &mut Reading<'_>, topic: &mut Section<'_>) -> Mapping {
    let sections = reading.tables(topic, "event");
    if sections.is_empty() {
        reading.fault(topic.at, &topic.field("event"), "is missing; write [[topic.event]] with says = \"purchase\"");
    }
    let skip_unmatched = reading.choice(topic, "unmatched", "skip", "dead_letter");
    let (mut rules, mut taker) = (Vec::new(), None::<usize>);
    for (at, mut section) in sections.into_iter().enumerate() {
        if let Some(taker) = taker {
            let problem = format!("is never asked: event[{taker}] has no `when` and takes every message; put it last");
            reading.fault(section.at, &section.path.clone(), problem);
        }
        let when = conditions(reading, &mut section);
        if when.is_empty() && section.table.get("when").is_none() {
            taker = taker.or(Some(at));
        }
        let then = then(reading, &mut section);
        reading.end(&section);
        rules.extend(then.map(|then| Rule { name: format!("event[{at}]"), when, then }));
    }
    Mapping { rules, skip_unmatched }
}

/// What must be so of a message, or of an item of a list: the table `when`.
fn conditions(reading: &mut Reading<'_>, section: &mut Section<'_>) -> Vec<Condition> {
    let Some(table) = reading.table(section, "when") else { return Vec::new() };
    let mut conditions = Vec::new();
    for (pointer, value) in table.table.iter() {
        let (at, field) = (value.span().start, table.field(pointer.get_ref()));
        let wanted = match value.get_ref() {
            DeValue::Array(items) => {
                let items = items.iter().map(|item| constant(item.get_ref()));
                items.collect::<Option<Vec<Value>>>().filter(|items| !items.is_empty()).map(Wanted::OneOf)
            }
            DeValue::Table(table) => presence(table),
            value => constant(value).map(|value| Wanted::OneOf(vec![value])),
        };
        match (Pointer::read(pointer.get_ref()), wanted) {
            (Some(at), Some(wanted)) => conditions.push(Condition { at, wanted }),
            _ => reading.fault(
                at,
                &field,
                "must be a pointer and what is there: \"/kind\" = \"SALE\", = [\"SALE\", \"ORDER\"] or \
                 = { present = true }",
            ),
        }
    }
    conditions
}

fn presence(table: &DeTable<'_>) -> Option<Wanted> {
    match table.iter().next() {
        Some((key, value)) if table.len() == 1 && key.get_ref() == "present" => match value.get_ref() {
            DeValue::Boolean(yes) => Some(Wanted::Present(*yes)),
            _ => None,
        },
        _ => None,
    }
}

fn then(reading: &mut Reading<'_>, section: &mut Section<'_>) -> Option<Then> {
    if section.table.get("skip").is_some() {
        return reading.text(section, "skip", "\"test receipts\"").map(Then::Skip);
    }
    let says = reading.text(section, "says", "\"purchase\", or skip = \"why\"");
    let at = section.table.get("says").map_or(section.at, |value| value.span().start);
    let kind = says.as_ref().and_then(|said| json::kinds().iter().find(|kind| ***kind == **said).map(|kind| &**kind));
    if let (Some(said), None) = (&says, kind) {
        let problem = format!("{said:?} is no event; write one of {}", json::kinds().join(", "));
        reading.fault(at, &section.field("says"), problem);
    }
    let event = json::event_described();
    let mut envelope = Vec::new();
    for field in json::envelope().iter().map(|field| &**field) {
        if let Some((value, at)) = section.take(field) {
            let described = event.get_field_by_name(field);
            let place = place(reading, value, at, &section.field(field), described.as_ref());
            envelope.extend(place.map(|place| (field, place)));
        } else if matches!(field, "source" | "id" | "occurred_at") {
            reading.fault(section.at, &section.field(field), "is missing; write where it is, as \"/receipt/no\"");
        }
    }
    let described = kind.and_then(|kind| event.get_field_by_name(kind));
    let described = described.and_then(|field| field.kind().as_message().cloned());
    let body = reading.table(section, "body").map(|table| object(reading, &table, &[], described.as_ref()));
    Some(Then::Says { kind: kind?, envelope, body: body.unwrap_or_default() })
}

/// The fields of a table, but those that say something else of it.
fn object(
    reading: &mut Reading<'_>,
    section: &Section<'_>,
    besides: &[&str],
    described: Option<&MessageDescriptor>,
) -> Places {
    let mut places = Vec::new();
    for (key, value) in section.table.iter().filter(|(key, _)| !besides.contains(&key.get_ref().as_ref())) {
        let (key, at) = (key.get_ref().to_string(), value.span().start);
        let field = described.and_then(|message| message.get_field_by_name(&key));
        if let (Some(message), None) = (described, &field) {
            let known: Vec<String> = message.fields().map(|field| field.name().to_owned()).collect();
            let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
            reading.fault(at, &section.field(&key), format!("is no field of {}; known are {known}", message.name()));
        }
        let place = place(reading, value.get_ref(), at, &section.field(&key), field.as_ref());
        places.extend(place.map(|place| (key, place)));
    }
    places
}

fn constant(value: &DeValue<'_>) -> Option<Value> {
    match value {
        DeValue::String(text) => Some(text.as_ref().into()),
        DeValue::Integer(number) => number.as_str().parse::<i64>().ok().map(Value::from),
        DeValue::Boolean(yes) => Some((*yes).into()),
        _ => None,
    }
}

/// Where a value is, if it can be that of the field.
fn place(
    reading: &mut Reading<'_>,
    value: &DeValue<'_>,
    at: usize,
    path: &str,
    field: Option<&FieldDescriptor>,
) -> Option<Place> {
    let place = match value {
        DeValue::Table(table) => {
            let mut section = Section::new(table, path.to_owned(), at);
            table_place(reading, &mut section, field)?
        }
        DeValue::Array(items) => {
            let items = items.iter().enumerate().filter_map(|(n, item)| {
                item_place(reading, item.get_ref(), item.span().start, &format!("{path}[{n}]"), field)
            });
            Place::List(items.collect())
        }
        DeValue::String(text) if text.starts_with('/') => Place::At(pointer(reading, text, at, path)?),
        value => match constant(value) {
            Some(constant) => Place::Constant(constant),
            None => {
                reading.fault(at, path, "must be a pointer (\"/receipt/no\"), a text, a whole number or a table");
                return None;
            }
        },
    };
    if let Some(problem) = field.and_then(|field| unfit(&place, field, field.is_list())) {
        reading.fault(at, path, problem);
        return None;
    }
    Some(place)
}

/// A place in a list of places.
fn item_place(
    reading: &mut Reading<'_>,
    value: &DeValue<'_>,
    at: usize,
    path: &str,
    field: Option<&FieldDescriptor>,
) -> Option<Place> {
    let place = match value {
        DeValue::Table(table) => {
            let mut section = Section::new(table, path.to_owned(), at);
            table_place(reading, &mut section, field)?
        }
        DeValue::String(text) if text.starts_with('/') => Place::At(pointer(reading, text, at, path)?),
        value => match constant(value) {
            Some(constant) => Place::Constant(constant),
            None => {
                reading.fault(at, path, "must be a table, with each = \"/items\" for the items of a list");
                return None;
            }
        },
    };
    let is_each = matches!(place, Place::Each(_));
    if let Some(problem) = field.and_then(|field| unfit(&place, field, is_each)) {
        reading.fault(at, path, problem);
        return None;
    }
    Some(place)
}

/// Why a place cannot be that of a field, if so. `list`: of all of it, not of an item.
fn unfit(place: &Place, field: &FieldDescriptor, list: bool) -> Option<String> {
    let message = match field.kind() {
        Kind::Message(message) => Some(message),
        _ => None,
    };
    let instant = message.as_ref().is_some_and(is_instant);
    let object = message.is_some() && !instant;
    let name = field.name();
    match place {
        Place::At(_) => None,
        Place::Each(_) if !field.is_list() => Some(format!("must be one value: {name} is no list")),
        Place::Each(_) if !object => Some(format!("must be a pointer: the items of {name} are no objects")),
        Place::Each(_) => None,
        Place::List(_) if !field.is_list() => Some(format!("must be one value: {name} is no list")),
        Place::List(_) => None,
        _ if list => Some("must be a list: write { each = \"/items\", … }, or [ … ] of several".to_owned()),
        Place::Object(_) if !object => Some(format!("must be one value; a table has one of {}", READINGS.join(", "))),
        Place::Object(_) => None,
        _ if object => Some(format!("must be a table of the fields of {name}")),
        Place::Since(..) | Place::Local(..) if !instant => Some(format!("is a time, and {name} is none")),
        Place::Text(_) if instant => Some("must be a time: a pointer, or a table with millis, seconds or local".into()),
        Place::Number(_) if !is_whole(field) => Some(format!("is a number, and {name} is none; write text = …")),
        Place::Constant(value) => other(value, field),
        Place::Renamed(_, renames) => {
            renames.known.values().chain(&renames.otherwise).find_map(|value| other(value, field))
        }
        Place::Text(_) | Place::Number(_) | Place::Since(..) | Place::Local(..) => None,
    }
}

fn is_instant(message: &MessageDescriptor) -> bool {
    message.full_name() == "google.protobuf.Timestamp"
}

fn is_whole(field: &FieldDescriptor) -> bool {
    matches!(field.kind(), Kind::Int32 | Kind::Int64 | Kind::Uint32 | Kind::Uint64)
}

/// Why a constant cannot be the value of a field, if so.
fn other(value: &Value, field: &FieldDescriptor) -> Option<String> {
    let (fits, wanted) = match field.kind() {
        Kind::Bool => (value.is_boolean(), "true or false"),
        _ if is_whole(field) => (!value.is_boolean(), "a whole number"),
        // A number in the envelope is a name.
        Kind::String if is_envelope(field) => (!value.is_boolean(), "a text in quotes"),
        _ => (value.is_string(), "a text in quotes"),
    };
    (!fits).then(|| format!("must be {wanted}; {value} is none"))
}

fn is_envelope(field: &FieldDescriptor) -> bool {
    json::envelope().iter().any(|known| **known == *field.name()) && *field.parent_message() == json::event_described()
}

fn pointer(reading: &mut Reading<'_>, text: &str, at: usize, path: &str) -> Option<Pointer> {
    let pointer = Pointer::read(text);
    if pointer.is_none() {
        reading.fault(at, path, "must be a pointer such as \"/receipt/no\"; in it ~1 is a slash and ~0 a tilde");
    }
    pointer
}

/// A pointer that must be there.
fn pointer_of(reading: &mut Reading<'_>, section: &mut Section<'_>, key: &str) -> Option<Pointer> {
    let text = reading.text(section, key, "\"/receipt/no\"")?;
    let at = section.table.get(key).map_or(section.at, |value| value.span().start);
    pointer(reading, &text, at, &section.field(key))
}

/// A table says how a value is read, or is an object of values.
fn table_place(reading: &mut Reading<'_>, section: &mut Section<'_>, field: Option<&FieldDescriptor>) -> Option<Place> {
    let message = field.and_then(|field| field.kind().as_message().cloned()).filter(|message| !is_instant(message));
    if section.table.get("each").is_some() {
        let list = pointer_of(reading, section, "each");
        let when = conditions(reading, section);
        let fields = object(reading, section, &["each", "when"], message.as_ref());
        return Some(Place::Each(Each { list: list?, when, fields }));
    }
    let Some(how) = READINGS.into_iter().find(|how| section.table.get(*how).is_some()) else {
        if field.is_some() && message.is_none() {
            let problem = format!("must be one value; a table has one of {}", READINGS.join(", "));
            reading.fault(section.at, &section.path.clone(), problem);
            return None;
        }
        return Some(Place::Object(object(reading, section, &[], message.as_ref())));
    };
    let place = match how {
        "literal" => reading.text(section, how, "\"/x\"").map(|text| Place::Constant(text.into())),
        "text" => pointer_of(reading, section, how).map(Place::Text),
        "number" => number(reading, section, how, 0),
        "major" => number(reading, section, how, MINOR_DIGITS),
        "millis" => pointer_of(reading, section, how).map(|at| Place::Since(at, 0)),
        "seconds" => pointer_of(reading, section, how).map(|at| Place::Since(at, 3)),
        _ => local(reading, section, how),
    };
    let renames = renames(reading, section);
    reading.end(section);
    let place = place?;
    Some(match renames {
        Some(renames) => Place::Renamed(Box::new(place), renames),
        None => place,
    })
}

fn number(reading: &mut Reading<'_>, section: &mut Section<'_>, how: &str, usual: u32) -> Option<Place> {
    let at = pointer_of(reading, section, how);
    let times = section.table.get("times").is_some().then(|| pointer_of(reading, section, "times"));
    let digits = match section.take("digits") {
        None => Some(usual),
        Some((value, at)) => {
            let digits = constant(value).and_then(|value| u32::try_from(value.as_u64()?).ok());
            let digits = digits.filter(|digits| *digits <= DIGITS_MAX);
            if digits.is_none() {
                reading.fault(at, &section.field("digits"), format!("must be 0 to {DIGITS_MAX}"));
            }
            digits
        }
    };
    let round = match section.take("round") {
        None => Some(None),
        Some((value, at)) => {
            let word = constant(value);
            let word = word.as_ref().and_then(Value::as_str);
            let round = Round::WORDS.iter().find(|(known, _)| Some(*known) == word).map(|(_, round)| Some(*round));
            if round.is_none() {
                let words = Round::WORDS.map(|(word, _)| format!("\"{word}\"")).join(", ");
                reading.fault(at, &section.field("round"), format!("must be one of {words}"));
            }
            round
        }
    };
    let negate = match section.take("negate").map(|(value, at)| (constant(value), at)) {
        None => Some(false),
        Some((Some(Value::Bool(yes)), _)) => Some(yes),
        Some((_, at)) => {
            reading.fault(at, &section.field("negate"), "must be true or false");
            None
        }
    };
    let times = match times {
        Some(times) => Some(times?),
        None => None,
    };
    Some(Place::Number(Number { at: at?, times, digits: digits?, round: round?, negate: negate? }))
}

fn local(reading: &mut Reading<'_>, section: &mut Section<'_>, how: &str) -> Option<Place> {
    let at = pointer_of(reading, section, how);
    let zone = reading.text(section, "timezone", "\"Europe/Berlin\"")?;
    let calendar = Calendar::new(&zone);
    if calendar.is_none() {
        let at = section.table.get("timezone").map_or(section.at, |value| value.span().start);
        let problem = format!("{zone:?} is no time zone; write one such as \"Europe/Berlin\" or \"UTC\"");
        reading.fault(at, &section.field("timezone"), problem);
    }
    Some(Place::Local(at?, calendar?))
}

/// The tables `map` and `otherwise` beside a reading.
fn renames(reading: &mut Reading<'_>, section: &mut Section<'_>) -> Option<Renames> {
    let map = reading.table(section, "map");
    let otherwise = section.take("otherwise");
    let mut plain = |value: &DeValue<'_>, at: usize, field: &str| {
        let plain = constant(value);
        if plain.is_none() {
            reading.fault(at, field, "must be a text, a whole number, true or false");
        }
        plain
    };
    let otherwise_read = otherwise.and_then(|(value, at)| plain(value, at, &section.field("otherwise")));
    let Some(map) = map else {
        if let Some((_, at)) = otherwise {
            reading.fault(at, &section.field("otherwise"), "stands beside `map`; write map = { POS = \"berlin\" }");
        }
        return None;
    };
    let known = map.table.iter().filter_map(|(key, value)| {
        let key = key.get_ref().to_string();
        let value = plain(value.get_ref(), value.span().start, &map.field(&key))?;
        Some((key, value))
    });
    Some(Renames { known: known.collect(), otherwise: otherwise_read })
}
