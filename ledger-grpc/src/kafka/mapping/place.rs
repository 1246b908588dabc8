//! Place: where a value of an event is in a shop's message, and how it is read.

use super::decimal::{Decimal, Round, Unfit};
use super::tree::Tree;
use super::{Condition, Pointer, shown};
use crate::instant;
use crate::json::Fault;
use ledger_core::calendar::Calendar;
use ledger_core::units::At;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// Most items of a list that are read: more than an event may have of anything.
const ITEMS_MAX: usize = 10_000;

/// The fields of an object, and where each is.
pub(super) type Places = Vec<(String, Place)>;

/// Where a value is, and how it is read.
#[derive(Clone, Debug)]
pub(super) enum Place {
    /// As it stands at a pointer.
    At(Pointer),
    /// Always this.
    Constant(Value),
    /// At a pointer, as a text even if it is a number.
    Text(Pointer),
    /// At a pointer, as a whole number of units.
    Number(Number),
    /// At a pointer, as a time since 1970, with so many digits of a second behind its last one.
    Since(Pointer, u32),
    /// At a pointer, as the time that clocks of a zone show.
    Local(Pointer, Calendar),
    /// What a value stands for, by a list of values.
    Renamed(Box<Place>, Renames),
    /// An object.
    Object(Places),
    /// For each item of the list at a pointer.
    Each(Each),
    /// The items of several places, one behind the other.
    List(Vec<Place>),
}

/// A whole number of units, as minor units of money, that is told as a decimal.
#[derive(Clone, Debug)]
pub(super) struct Number {
    pub(super) at: Pointer,
    /// By what it is multiplied, as a price by a quantity.
    pub(super) times: Option<Pointer>,
    /// So many digits behind the point are units.
    pub(super) digits: u32,
    /// What becomes of more digits; none may come without.
    pub(super) round: Option<Round>,
    /// Whether what is told is taken off.
    pub(super) negate: bool,
}

/// What values stand for.
#[derive(Clone, Debug)]
pub(super) struct Renames {
    pub(super) known: BTreeMap<String, Value>,
    /// What any other value stands for.
    pub(super) otherwise: Option<Value>,
}

/// An object for each item of a list that meets the conditions.
#[derive(Clone, Debug)]
pub(super) struct Each {
    pub(super) list: Pointer,
    pub(super) when: Vec<Condition>,
    pub(super) fields: Places,
}

impl Fault {
    /// The same of a field within another.
    pub(super) fn under(self, parent: &str) -> Fault {
        let dot = if self.field.is_empty() || self.field.starts_with('[') { "" } else { "." };
        Fault { field: format!("{parent}{dot}{}", self.field), problem: self.problem }
    }
}

fn fault(problem: String) -> Fault {
    Fault { field: String::new(), problem }
}

/// The fields of an object, those that are there.
pub(super) fn fields(places: &Places, message: &Tree<'_>) -> Result<Value, Fault> {
    let mut object = Map::new();
    for (field, place) in places {
        let value = place.read(message).map_err(|fault| fault.under(field))?;
        object.extend(value.map(|value| (field.clone(), value)));
    }
    Ok(object.into())
}

impl Place {
    /// What is there; `None` if nothing is.
    pub(super) fn read(&self, message: &Tree<'_>) -> Result<Option<Value>, Fault> {
        let read = |at: &Pointer, read: &dyn Fn(&Tree<'_>) -> Result<Value, String>| {
            let read = at
                .find(message)
                .map(|found| read(found).map_err(|problem| fault(format!("{at} is {}, {problem}", shown(found)))));
            read.transpose()
        };
        match self {
            Place::Constant(value) => Ok(Some(value.clone())),
            Place::At(at) => Ok(at.find(message).map(as_it_stands)),
            Place::Text(at) => read(at, &text),
            Place::Number(number) => number.read(message),
            Place::Since(at, digits) => read(at, &|found| {
                let count = decimal(found).and_then(|count| count.in_units(*digits, Some(Round::Down)).ok());
                count.map(|ms| instant::show(At(ms)).into()).ok_or_else(|| "no count since 1970".to_owned())
            }),
            Place::Local(at, calendar) => read(at, &|found| {
                let Tree::Text(text) = found else { return Err(NO_LOCAL_TIME.to_owned()) };
                let at = instant::read_local(text, calendar).ok_or(NO_LOCAL_TIME)?;
                Ok(instant::show(at).into())
            }),
            Place::Renamed(place, renames) => match place.read(message)? {
                Some(value) => renames.read(&value).map(Some).map_err(fault),
                None => Ok(None),
            },
            Place::Object(places) => fields(places, message).map(Some),
            Place::Each(each) => Ok(each.read(message)?.map(Value::from)),
            Place::List(places) => list(places, message).map(Some),
        }
    }
}

impl Place {
    /// Whether anything that it looks for is there; `None` if it looks for nothing.
    fn finds(&self, message: &Tree<'_>) -> Option<bool> {
        match self {
            Place::Constant(_) => None,
            Place::At(at) | Place::Text(at) | Place::Since(at, _) | Place::Local(at, _) => {
                Some(at.find(message).is_some())
            }
            Place::Number(number) => Some(number.at.find(message).is_some()),
            Place::Renamed(place, _) => place.finds(message),
            Place::Object(places) => {
                places.iter().filter_map(|(_, place)| place.finds(message)).reduce(|one, other| one || other)
            }
            Place::Each(each) => Some(each.list.find(message).is_some()),
            Place::List(places) => {
                places.iter().filter_map(|place| place.finds(message)).reduce(|one, other| one || other)
            }
        }
    }
}

const NO_LOCAL_TIME: &str = "no time such as 2026-01-31T09:00:00";

/// The items of each place, and whatever else is there as one item.
fn list(places: &[Place], message: &Tree<'_>) -> Result<Value, Fault> {
    let mut items = Vec::new();
    for place in places {
        match place {
            Place::Each(each) => items.extend(each.read(message)?.into_iter().flatten()),
            // A line of a delivery that no order has would be one more item.
            Place::Object(_) if place.finds(message) == Some(false) => {}
            place => {
                let at = format!("[{}]", items.len());
                items.extend(place.read(message).map_err(|fault| fault.under(&at))?);
            }
        }
    }
    Ok(items.into())
}

impl Each {
    fn read(&self, message: &Tree<'_>) -> Result<Option<Vec<Value>>, Fault> {
        let list = &self.list;
        let items = match list.find(message) {
            None => return Ok(None),
            Some(Tree::List(items)) if items.len() > ITEMS_MAX => {
                return Err(fault(format!("{list} has {} items; at most {ITEMS_MAX} are read", items.len())));
            }
            Some(Tree::List(items)) => items,
            Some(other) => return Err(fault(format!("{list} is {}, no list", shown(other)))),
        };
        let mut read = Vec::new();
        for (at, item) in items.iter().enumerate() {
            if self.when.iter().all(|condition| condition.is_met(item)) {
                let object = fields(&self.fields, item).map_err(|fault| {
                    Fault { problem: format!("in {list}/{at}, {}", fault.problem), ..fault }
                        .under(&format!("[{}]", read.len()))
                })?;
                read.push(object);
            }
        }
        Ok(Some(read))
    }
}

impl Number {
    fn read(&self, message: &Tree<'_>) -> Result<Option<Value>, Fault> {
        let number = |at: &Pointer, found: &Tree<'_>| {
            decimal(found).ok_or_else(|| fault(format!("{at} is {}, no number", shown(found))))
        };
        let at = &self.at;
        let Some(found) = at.find(message) else { return Ok(None) };
        let (mut product, mut told) = (number(at, found)?, format!("{at} is {}", shown(found)));
        if let Some(times) = &self.times {
            let by =
                times.find(message).ok_or_else(|| fault(format!("{times}, by which {at} counts, is not there")))?;
            let factor = number(times, by)?;
            told = format!("{told} and {times} is {}", shown(by));
            product = product.times(factor).ok_or_else(|| fault(format!("{told}, too large a product")))?;
        }
        let units = product.in_units(self.digits, self.round).map_err(|unfit| {
            let digits = self.digits;
            fault(match unfit {
                Unfit::Large => format!("{told}, too large a number"),
                Unfit::Digits => format!(
                    "{told}, with more than {digits} digits behind the point; declare more digits, or \
                     round = \"half_up\", \"half_even\", \"down\" or \"up\""
                ),
            })
        })?;
        let units = if self.negate { units.saturating_neg() } else { units };
        Ok(Some(units.into()))
    }
}

impl Renames {
    fn read(&self, value: &Value) -> Result<Value, String> {
        let text = match value {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        let meant = self.known.get(&text).or(self.otherwise.as_ref()).cloned();
        meant.ok_or_else(|| {
            format!("{:?} is not in its map; add it, or say what any other value is: otherwise = …", super::cut(&text))
        })
    }
}

fn text(found: &Tree<'_>) -> Result<Value, String> {
    match found {
        Tree::Text(text) => Ok(text.as_ref().into()),
        Tree::Number(number) => Ok((*number).into()),
        _ => Err("no text".to_owned()),
    }
}

fn decimal(found: &Tree<'_>) -> Option<Decimal> {
    match found {
        Tree::Number(number) => Decimal::read(number),
        Tree::Text(text) => Decimal::read(text),
        _ => None,
    }
}

/// A value as the reader of events takes it. A number that is not whole or too large for one goes on as its text, by
/// which nothing of it is lost.
fn as_it_stands(found: &Tree<'_>) -> Value {
    match found {
        Tree::Null => Value::Null,
        Tree::Bool(yes) => (*yes).into(),
        Tree::Number(number) => number.parse::<i64>().map_or_else(|_| (*number).into(), Value::from),
        Tree::Text(text) => text.as_ref().into(),
        Tree::List(items) => items.iter().map(as_it_stands).collect::<Vec<_>>().into(),
        Tree::Object(fields) => {
            fields.iter().map(|(name, value)| (name.to_string(), as_it_stands(value))).collect::<Map<_, _>>().into()
        }
    }
}
