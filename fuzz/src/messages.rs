//! Messages of Kafka: what parses them before anything else looks at them. The files are those of ledger-grpc, which as
//! a whole would bring RocksDB and librdkafka along; its own tests feed the whole of the decoding with garbage.

#[path = "../../ledger-grpc/src/kafka/mapping/decimal.rs"]
mod decimal;
#[path = "../../ledger-grpc/src/kafka/decode/framing.rs"]
mod framing;
#[path = "../../ledger-grpc/src/kafka/mapping/tree.rs"]
mod tree;

use decimal::{Decimal, Round};
use framing::Framing;
use serde_json::Value;
use tree::Tree;

/// As decoding has it.
pub(crate) type Header = (Box<str>, Box<[u8]>);

/// As decoding has it.
fn header<'h>(headers: &'h [Header], name: &str) -> Option<&'h [u8]> {
    headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| &**value)
}

/// Any bytes are a framed message or none; any text is JSON or not, and a number or none.
pub(crate) fn read(data: &[u8]) {
    framed(data);
    let Ok(text) = std::str::from_utf8(data) else { return };
    parsed(text);
    number(text);
}

fn framed(data: &[u8]) {
    let framing = Framing { places: vec![0] };
    for listed in [false, true] {
        if let Ok(message) = framing.open(&[], data, listed) {
            assert!(data.ends_with(message) && data.len() >= message.len() + 5);
        }
        let headers = [("__value_schema_id".into(), data.into())];
        match framing.open(&headers, b"m", listed) {
            Ok(message) => assert!(message == b"m" && is_id(data)),
            Err(_) => assert!(listed || !is_id(data)),
        }
    }
}

fn is_id(data: &[u8]) -> bool {
    matches!((data.first(), data.len()), (Some(0), 5..) | (Some(1), 17..))
}

fn parsed(text: &str) {
    match (Tree::parse(text), serde_json::from_str::<Value>(text)) {
        (Some(tree), Ok(value)) => assert!(same(&tree, &value), "{text:?} is not what others read"),
        // Numbers keep their text, however large they are.
        (Some(_), Err(error)) => assert!(error.to_string().starts_with("number out of range"), "{text:?}: {error}"),
        // A name that comes twice: the other parser keeps one.
        (None, Ok(value)) => assert!(Tree::parse(&value.to_string()).is_some(), "{text:?} is JSON"),
        (None, Err(_)) => {}
    }
}

fn same(tree: &Tree<'_>, value: &Value) -> bool {
    match (tree, value) {
        (Tree::Null, Value::Null) => true,
        (Tree::Bool(one), Value::Bool(two)) => one == two,
        (Tree::Text(one), Value::String(two)) => one == two,
        (Tree::Number(one), Value::Number(two)) => {
            serde_json::from_str::<serde_json::Number>(one).ok().as_ref() == Some(two)
        }
        (Tree::List(one), Value::Array(two)) => {
            one.len() == two.len() && one.iter().zip(two).all(|(one, two)| same(one, two))
        }
        (Tree::Object(one), Value::Object(two)) => {
            one.len() == two.len() && one.iter().all(|(name, one)| two.get(&**name).is_some_and(|two| same(one, two)))
        }
        _ => false,
    }
}

fn number(text: &str) {
    let Some(number) = Decimal::read(text) else { return };
    let _ = number.times(number);
    for digits in [0, 2, 9] {
        let rounded = |round| number.in_units(digits, Some(round)).ok().map(i64::unsigned_abs);
        let all = Round::WORDS.map(|(_, round)| rounded(round));
        let [half_up, half_even, down, up] = all;
        if let (Some(half_up), Some(half_even), Some(down), Some(up)) = (half_up, half_even, down, up) {
            assert!(down <= half_even && half_even <= half_up && half_up <= up && up <= down + 1, "{text:?}");
            let exact = number.in_units(digits, None).ok().map(i64::unsigned_abs);
            assert!(exact.is_none_or(|exact| exact == down && exact == up), "{text:?}");
        }
    }
}
