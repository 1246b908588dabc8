//! Mapping: a shop's own JSON read as the ledger's, by rules of the config.
//!
//! A rule names the event it says, and for each field of it where its value is: a JSON Pointer
//! (RFC 6901) into the message, a constant, or a table that also says how to read it. What comes out is
//! the JSON of an event, so every kind of event can be mapped and none is known here. A rule may also say
//! that what it matches is to be passed over.

mod decimal;
mod place;
mod rules;
mod tree;

pub(super) use rules::mapping;

use self::decimal::Decimal;
use self::place::{Place, Places, fields};
use self::tree::Tree;
use crate::json::{self, Fault};
use serde_json::{Map, Value};
use std::fmt;

/// Why a message that no rule matches is passed over, where that is declared.
const UNMATCHED: &str = "unmatched";
/// Most rules whose unmet condition is told when none matches.
const RULES_TOLD: usize = 3;
/// Most characters of a value that are told.
const SHOWN_CHARS: usize = 40;

/// What the messages of a topic say.
#[derive(Clone, Debug)]
pub struct Mapping {
    /// The first that matches counts.
    rules: Vec<Rule>,
    /// Whether a message that none matches is passed over, instead of being a fault.
    skip_unmatched: bool,
}

/// What a message of a certain look says.
#[derive(Clone, Debug)]
struct Rule {
    /// As the config counts it: `event[0]`.
    name: String,
    when: Vec<Condition>,
    then: Then,
}

#[derive(Clone, Debug)]
enum Then {
    /// An event: its kind, and where its fields are.
    Says { kind: &'static str, envelope: Vec<(&'static str, Place)>, body: Places },
    /// Nothing, and why.
    Skip(String),
}

/// What must be so of a value of the message.
#[derive(Clone, Debug)]
struct Condition {
    at: Pointer,
    wanted: Wanted,
}

#[derive(Clone, Debug)]
enum Wanted {
    /// It is one of these.
    OneOf(Vec<Value>),
    /// It is there, and not null; or the contrary.
    Present(bool),
}

/// What a mapping reads in a message.
pub(super) enum Said {
    /// The JSON of an event, by a rule.
    Event { rule: String, event: Result<Value, Fault> },
    /// Nothing, and why.
    Nothing(String),
}

/// A JSON Pointer.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Pointer {
    text: String,
    tokens: Vec<String>,
}

impl Pointer {
    /// Reads `/receipt/no`; `~1` is a slash in a name, and `~0` a tilde.
    fn read(text: &str) -> Option<Pointer> {
        let token = |token: &str| {
            let valid = token.split('~').skip(1).all(|rest| rest.starts_with(['0', '1']));
            valid.then(|| token.replace("~1", "/").replace("~0", "~"))
        };
        let tokens = text.strip_prefix('/')?.split('/').map(token).collect::<Option<Vec<String>>>()?;
        Some(Pointer { text: text.to_owned(), tokens })
    }

    /// What is there; nothing if it is null.
    fn find<'t, 'm>(&self, message: &'t Tree<'m>) -> Option<&'t Tree<'m>> {
        message.find(self.tokens.iter().map(String::as_str)).filter(|found| **found != Tree::Null)
    }
}

impl fmt::Display for Pointer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Mapping {
    /// A shop's message as the JSON of an event, by the first rule that matches.
    pub(super) fn event(&self, value: &[u8]) -> Result<Said, String> {
        let text = std::str::from_utf8(value).map_err(|_| "is not UTF-8")?;
        // What is no JSON is told by the reader of all other JSON.
        let message = Tree::parse(text).ok_or_else(|| match json::parse(value) {
            Err(fault) => format!("is no JSON: {fault}"),
            Ok(_) => "is no JSON".to_owned(),
        })?;
        let Some(rule) = self.rules.iter().find(|rule| rule.unmet(&message).is_none()) else {
            if self.skip_unmatched {
                return Ok(Said::Nothing(UNMATCHED.to_owned()));
            }
            return Err(self.unmatched(&message));
        };
        Ok(match &rule.then {
            Then::Skip(why) => Said::Nothing(why.clone()),
            Then::Says { kind, envelope, body } => {
                Said::Event { rule: rule.name.clone(), event: event(kind, envelope, body, &message) }
            }
        })
    }

    fn unmatched(&self, message: &Tree<'_>) -> String {
        let told = self.rules.iter().filter_map(|rule| {
            let condition = rule.unmet(message)?;
            let is = condition.at.find(message).map_or_else(|| "not there".to_owned(), shown);
            Some(format!("{} wants {condition}, and it is {is}", rule.name))
        });
        let told: Vec<String> = told.take(RULES_TOLD).collect();
        let more = if self.rules.len() > RULES_TOLD { "; …" } else { "" };
        format!("no rule of the mapping matches: {}{more}", told.join("; "))
    }
}

impl Rule {
    /// The first condition that a message does not meet.
    fn unmet(&self, message: &Tree<'_>) -> Option<&Condition> {
        self.when.iter().find(|condition| !condition.is_met(message))
    }
}

impl Condition {
    fn is_met(&self, message: &Tree<'_>) -> bool {
        let found = self.at.find(message);
        match &self.wanted {
            Wanted::Present(wanted) => found.is_some() == *wanted,
            Wanted::OneOf(values) => found.is_some_and(|found| values.iter().any(|value| is(found, value))),
        }
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = &self.at;
        match &self.wanted {
            Wanted::Present(true) => write!(f, "{at} to be there"),
            Wanted::Present(false) => write!(f, "{at} not to be there"),
            Wanted::OneOf(values) => {
                let values: Vec<String> = values.iter().map(Value::to_string).collect();
                write!(f, "{at} = {}", values.join(" or "))
            }
        }
    }
}

/// Whether a value of a message is a constant of the config.
fn is(found: &Tree<'_>, constant: &Value) -> bool {
    match (found, constant) {
        (Tree::Text(text), Value::String(wanted)) => text == wanted,
        (Tree::Bool(yes), Value::Bool(wanted)) => yes == wanted,
        (Tree::Number(number), Value::Number(wanted)) => {
            Decimal::read(number).is_some_and(|number| Some(number) == Decimal::read(&wanted.to_string()))
        }
        _ => false,
    }
}

fn event(kind: &str, envelope: &[(&'static str, Place)], body: &Places, message: &Tree<'_>) -> Result<Value, Fault> {
    let mut event = Map::new();
    for (field, place) in envelope {
        let value = place.read(message).map_err(|fault| fault.under(field))?;
        // Names are texts, whatever the shop's JSON has.
        let value = value.map(|value| if value.is_number() { value.to_string().into() } else { value });
        event.extend(value.map(|value| ((*field).to_owned(), value)));
    }
    let body = fields(body, message).map_err(|fault| fault.under(kind))?;
    event.insert(kind.to_owned(), body);
    Ok(event.into())
}

/// A value as it is told in a fault.
fn shown(value: &Tree<'_>) -> String {
    match value {
        Tree::Null => "null".to_owned(),
        Tree::Bool(yes) => yes.to_string(),
        Tree::Number(number) => cut(number),
        Tree::Text(text) => format!("{:?}", cut(text)),
        Tree::List(_) => "a list".to_owned(),
        Tree::Object(_) => "an object".to_owned(),
    }
}

fn cut(text: &str) -> String {
    match text.char_indices().nth(SHOWN_CHARS) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests;
