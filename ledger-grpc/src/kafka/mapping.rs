//! Mapping: a shop's own JSON read as the ledger's, by rules of the config.
//!
//! A rule names the event it says, and for each field of it where its value is: a JSON Pointer
//! (RFC 6901) into the message, a constant, or a table that also says how to read it. What comes out is
//! the JSON of an event, so every kind of event can be mapped and none is known here.

use super::config::{Reading, Section};
use crate::{instant, json};
use ledger_core::event::AMOUNT_MAX;
use ledger_core::units::At;
use serde_json::{Map, Value};
use toml::de::DeValue;

/// Most digits behind the point of an amount in major units.
const MINOR_DIGITS_MAX: u32 = 4;

/// What a message of a certain look says.
#[derive(Clone, Debug)]
pub struct Rule {
    when: Vec<(String, Value)>,
    says: &'static str,
    envelope: Vec<(&'static str, Place)>,
    body: Vec<(String, Place)>,
}

/// Where a value is, and how it is read.
#[derive(Clone, Debug)]
enum Place {
    /// As it stands at a pointer.
    At(String),
    /// Always this.
    Constant(Value),
    /// At a pointer, as a text even if it is a number.
    Text(String),
    /// At a pointer, as a whole number even if it is a text.
    Number(String),
    /// At a pointer, in major units of money with so many digits behind the point at most.
    Major(String, u32),
    /// At a pointer, in milliseconds (1) or seconds (1000) since 1970.
    Since(String, i64),
    /// For each item of the list at a pointer.
    Each(String, Vec<(String, Place)>),
    /// An object.
    Object(Vec<(String, Place)>),
}

// ---- reading the config ----------------------------------------------------------------------

/// The rules of a topic: its tables `[[topic.event]]`.
pub(super) fn rules(reading: &mut Reading<'_>, topic: &mut Section<'_>) -> Vec<Rule> {
    let sections = reading.tables(topic, "event");
    if sections.is_empty() {
        reading.fault(topic.at, &topic.field("event"), "is missing; write [[topic.event]] with says = \"purchase\"");
    }
    sections.into_iter().filter_map(|mut section| rule(reading, &mut section)).collect()
}

fn rule(reading: &mut Reading<'_>, section: &mut Section<'_>) -> Option<Rule> {
    let said = reading.text(section, "says", "\"purchase\"");
    let says = said.as_ref().and_then(|said| json::kinds().iter().find(|kind| ***kind == **said).map(|kind| &**kind));
    if let (Some(said), None) = (&said, says) {
        let problem = format!("{said:?} is no event; write one of {}", json::kinds().join(", "));
        reading.fault(section.at, &section.field("says"), problem);
    }
    let when = reading.table(section, "when").map(|table| {
        let pairs = table.table.iter().filter_map(|(pointer, value)| {
            let (pointer, at) = (pointer.get_ref().to_string(), value.span().start);
            let item_request = constant(value.get_ref());
            if !pointer.starts_with('/') || item_request.is_none() {
                reading.fault(at, &table.field(&pointer), "must be a pointer and a plain value: \"/kind\" = \"SALE\"");
            }
            Some((pointer, item_request?))
        });
        pairs.collect()
    });
    let mut envelope = Vec::new();
    for field in json::envelope().iter().map(|field| &**field) {
        if let Some((value, at)) = section.take(field) {
            let place = place(reading, value, at, &section.field(field));
            if matches!(place, Some(Place::Each(..) | Place::Object(_))) {
                let problem = "must be one value; a table has text, number, millis, seconds or literal";
                reading.fault(at, &section.field(field), problem);
            }
            envelope.extend(place.map(|place| (field, place)));
        } else if matches!(field, "source" | "id" | "occurred_at") {
            reading.fault(section.at, &section.field(field), "is missing; write where it is, as \"/receipt/no\"");
        }
    }
    let body = reading.table(section, "body").map(|table| object(reading, &table));
    reading.end(section);
    Some(Rule { when: when.unwrap_or_default(), says: says?, envelope, body: body.unwrap_or_default() })
}

fn object(reading: &mut Reading<'_>, section: &Section<'_>) -> Vec<(String, Place)> {
    let fields = section.table.iter().filter(|(key, _)| key.get_ref() != "each").filter_map(|(key, value)| {
        let key = key.get_ref().to_string();
        let place = place(reading, value.get_ref(), value.span().start, &section.field(&key))?;
        Some((key, place))
    });
    fields.collect()
}

fn constant(value: &DeValue<'_>) -> Option<Value> {
    match value {
        DeValue::String(text) => Some(text.as_ref().into()),
        DeValue::Integer(number) => number.as_str().parse::<i64>().ok().map(Value::from),
        DeValue::Boolean(yes) => Some((*yes).into()),
        _ => None,
    }
}

fn place(reading: &mut Reading<'_>, value: &DeValue<'_>, at: usize, path: &str) -> Option<Place> {
    if let DeValue::Table(table) = value {
        let mut section = Section::new(table, path.to_owned(), at);
        return table_place(reading, &mut section);
    }
    match constant(value) {
        Some(Value::String(text)) if text.starts_with('/') => Some(Place::At(text)),
        Some(constant) => Some(Place::Constant(constant)),
        None => {
            reading.fault(at, path, "must be a pointer (\"/receipt/no\"), a text, a whole number or a table");
            None
        }
    }
}

/// A table says how a value is read, or is an object of values.
fn table_place(reading: &mut Reading<'_>, section: &mut Section<'_>) -> Option<Place> {
    const READINGS: [&str; 6] = ["text", "number", "major", "millis", "seconds", "literal"];
    if section.table.get("each").is_some() {
        let list = reading.text(section, "each", "\"/items\"")?;
        return Some(Place::Each(list, object(reading, section)));
    }
    let Some(how) = READINGS.into_iter().find(|how| section.table.get(*how).is_some()) else {
        return Some(Place::Object(object(reading, section)));
    };
    let pointer = reading.text(section, how, "\"/receipt/no\"")?;
    let digits = match section.take("digits") {
        None => Some(2),
        Some((value, at)) => {
            let digits = constant(value).and_then(|value| u32::try_from(value.as_u64()?).ok());
            let digits = digits.filter(|digits| *digits <= MINOR_DIGITS_MAX && how == "major");
            if digits.is_none() {
                let problem = format!("must be 0 to {MINOR_DIGITS_MAX}, and only stands beside `major`");
                reading.fault(at, &section.field("digits"), problem);
            }
            digits
        }
    };
    reading.end(section);
    match how {
        "text" => Some(Place::Text(pointer)),
        "number" => Some(Place::Number(pointer)),
        "major" => Some(Place::Major(pointer, digits?)),
        "millis" => Some(Place::Since(pointer, 1)),
        "seconds" => Some(Place::Since(pointer, 1000)),
        _ => Some(Place::Constant(pointer.into())),
    }
}

// ---- reading a message -----------------------------------------------------------------------

/// A shop's message as the JSON of an event, by the first rule that matches.
pub(super) fn event(rules: &[Rule], message: &Value) -> Result<Value, String> {
    let matches =
        |rule: &&Rule| rule.when.iter().all(|(pointer, item_request)| message.pointer(pointer) == Some(item_request));
    let rule = rules.iter().find(matches).ok_or("no rule of the mapping matches")?;
    let mut event = Map::new();
    for (field, place) in &rule.envelope {
        let value = read(place, message).map_err(|problem| format!("{field}: {problem}"))?;
        // Names are texts, whatever the shop's JSON has.
        let value = value.map(|value| if value.is_number() { value.to_string().into() } else { value });
        event.extend(value.map(|value| ((*field).to_owned(), value)));
    }
    event.insert(rule.says.to_owned(), fields(&rule.body, message)?);
    Ok(event.into())
}

fn fields(places: &[(String, Place)], message: &Value) -> Result<Value, String> {
    let mut object = Map::new();
    for (field, place) in places {
        let value = read(place, message).map_err(|problem| format!("{field}: {problem}"))?;
        object.extend(value.map(|value| (field.clone(), value)));
    }
    Ok(object.into())
}

/// What is at a place; `None` if nothing is there.
fn read(place: &Place, message: &Value) -> Result<Option<Value>, String> {
    let at = |pointer: &str| message.pointer(pointer).filter(|value| !value.is_null());
    let Some(value) = (match place {
        Place::Constant(value) => return Ok(Some(value.clone())),
        Place::Object(places) => return fields(places, message).map(Some),
        Place::At(pointer)
        | Place::Text(pointer)
        | Place::Number(pointer)
        | Place::Major(pointer, _)
        | Place::Since(pointer, _)
        | Place::Each(pointer, _) => at(pointer),
    }) else {
        return Ok(None);
    };
    let no = |what: &str| format!("{value} is no {what}");
    let text = match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let read = match place {
        Place::Text(_) if value.is_string() || value.is_number() => text.into(),
        Place::Text(_) => return Err(no("text")),
        Place::Number(_) => text.parse::<i64>().map_err(|_| no("whole number"))?.into(),
        Place::Major(_, digits) => minor(&text, *digits).ok_or_else(|| no("amount of money"))?.into(),
        Place::Since(_, unit) => {
            let ms = text.parse::<i64>().ok().and_then(|count| count.checked_mul(*unit));
            instant::show(At(ms.ok_or_else(|| no("count since 1970"))?)).into()
        }
        Place::Each(_, places) => {
            let items = value.as_array().ok_or_else(|| no("list"))?;
            items.iter().map(|item| fields(places, item)).collect::<Result<Vec<_>, _>>()?.into()
        }
        Place::At(_) | Place::Constant(_) | Place::Object(_) => value.clone(),
    };
    Ok(Some(read))
}

/// `"12.5"` with two digits is 1250. A sign, an exponent or a digit too many is no amount.
fn minor(text: &str, digits: u32) -> Option<i64> {
    let (whole, part) = text.split_once('.').unwrap_or((text, "0"));
    let wide = usize::try_from(digits).ok()?;
    let plain = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let part = part.trim_end_matches('0');
    if !plain(whole) || !(part.is_empty() || plain(part)) || part.len() > wide {
        return None;
    }
    let part = format!("{part:0<wide$}");
    let part = if part.is_empty() { 0 } else { part.parse::<i64>().ok()? };
    let amount = whole.parse::<i64>().ok()?.checked_mul(10i64.checked_pow(digits)?)?.checked_add(part)?;
    (amount <= AMOUNT_MAX).then_some(amount)
}

#[cfg(test)]
mod tests {
    use super::super::config::{Config, Format};
    use super::*;
    use serde_json::json;

    const MAPPED: &str = r#"
        brokers = "b"
        group = "g"
        dead_letters = "d"
        [[topic]]
        name = "pos"
        format = "mapped"
        [[topic.event]]
        when = { "/kind" = "SALE" }
        says = "purchase"
        source = "pos"
        id = "/receipt/no"
        occurred_at = { millis = "/at" }
        member = "/customer/card"
        [topic.event.body]
        order = { text = "/receipt/no" }
        currency = "/receipt/currency"
        lines = { each = "/items", sku = "/code", quantity = { number = "/count" }, net = { major = "/total" } }
        [[topic.event]]
        when = { "/kind" = "VISIT", "/app" = true }
        says = "check_in"
        source = { literal = "/app" }
        id = "/visit"
        occurred_at = "/time"
        member = "/customer/card"
    "#;

    fn rules() -> Vec<Rule> {
        let mut config = Config::read(MAPPED, &|_| None).expect("it has no faults");
        match config.topics.remove(0).format {
            Format::Mapped(rules) => rules,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_shops_own_json_is_read_by_rules() {
        let sale = json!({
            "kind": "SALE", "at": 1_767_225_600_123_i64, "customer": { "card": "M1" },
            "receipt": { "no": 4711, "currency": "EUR" },
            "items": [{ "code": "tea", "count": "2", "total": "19.90" }, { "code": null, "count": 1, "total": 3.5 }],
        });
        let read = json!({
            "source": "pos", "id": "4711", "occurred_at": "2026-01-01T00:00:00.123Z", "member": "M1",
            "purchase": { "order": "4711", "currency": "EUR", "lines": [
                { "sku": "tea", "quantity": 2, "net": 1990 }, { "quantity": 1, "net": 350 },
            ] },
        });
        assert_eq!(event(&rules(), &sale), Ok(read));
        let visit = json!({ "kind": "VISIT", "app": true, "visit": "v-1", "time": "t", "customer": { "card": "M1" } });
        let read = json!({ "source": "/app", "id": "v-1", "occurred_at": "t", "member": "M1", "check_in": {} });
        assert_eq!(event(&rules(), &visit), Ok(read));
    }

    #[test]
    fn what_no_rule_can_read_says_why() {
        let problem = |message| event(&rules(), &message).expect_err("it cannot be read");
        assert_eq!(problem(json!({ "kind": "VISIT", "app": false })), "no rule of the mapping matches");
        let item = |total: &str| json!({ "kind": "SALE", "items": [{ "total": total }] });
        for total in ["-1", "1e3", "1.005", "1,00", "", ".5", "10000000001"] {
            let told = problem(item(total));
            assert_eq!(told, format!("lines: net: {total:?} is no amount of money"));
        }
        assert_eq!(problem(json!({ "kind": "SALE", "items": 7 })), "lines: 7 is no list");
    }

    #[test]
    fn amounts_are_exact() {
        let minor = |text| minor(text, 2);
        assert_eq!(["0", "12", "12.5", "12.50", "12.500"].map(minor), [0, 1200, 1250, 1250, 1250].map(Some));
        assert_eq!(super::minor("12", 0), Some(12));
        assert_eq!(super::minor("12.1", 0), None);
    }

    #[test]
    fn a_rule_with_faults_names_them() {
        let broken = MAPPED.replace("says = \"purchase\"", "says = \"bought\"").replace("{ millis =", "{ milis =");
        let broken = broken.replace("net = { major = \"/total\" }", "net = { major = \"/total\", digits = 9 }");
        let faults = Config::read(&broken, &|_| None).expect_err("it has faults");
        let fields: Vec<&str> = faults.iter().map(|fault| fault.field.as_str()).collect();
        let event = ["says", "occurred_at", "body.lines.net.digits"].map(|field| format!("topic[0].event[0].{field}"));
        assert_eq!(fields, event);
    }
}
