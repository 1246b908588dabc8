use super::*;
use crate::proto::event::Body;
use crate::proto::{self};
use prost_reflect::Kind;
use serde_json::json;

const HEAD: &str = r#""source":"till","id":"1","occurred_at":"2026-01-31T09:00:00Z","member":"M1""#;

fn said(body: &str) -> Result<proto::Event, String> {
    Ok(read(&format!("{{{HEAD},{body}}}"))?)
}

/// Each pair says the same.
fn same(pairs: &[(&str, &str)]) {
    for (one, other) in pairs {
        let read = said(one).unwrap_or_else(|problem| panic!("{one}: {problem}"));
        assert_eq!(said(other), Ok(read), "{other}");
    }
}

#[test]
fn both_spellings_of_a_name_are_read() {
    same(&[
        (r#""check_in":{},"ip_prefix":"10.0""#, r#""checkIn":{},"ipPrefix":"10.0""#),
        (r#""redeem_refunded":{"redemption":7}"#, r#""redeemRefunded":{"redemption":7}"#),
        (
            r#""reinstated":{"expires_at":"2026-01-01T00:00:00Z","reason":"r"}"#,
            r#""reinstated":{"expiresAt":"2026-01-01T00:00:00Z","reason":"r"}"#,
        ),
    ]);
}

#[test]
fn whole_numbers_are_read_however_they_are_written() {
    let plain = r#""credit":{"points":1000,"reason":"r"}"#;
    for other in ["\"1000\"", "1e3", "1000.0", "\"1e3\"", "\"1000.0\""] {
        same(&[(plain, &plain.replace("1000", other))]);
    }
    let large = r#""attributes_set":{"attributes":[{"name":"n","value":-9223372036854775808}]}"#;
    same(&[(large, &large.replace("-9223372036854775808", "\"-9223372036854775808\""))]);
    for broken in ["1.5", "\"1.5\"", "1e19", "\"\"", "\" 1\"", "\"+1\"", "\"0x1\"", "\"inf\"", "\"NaN\"", "true", "[1]"]
    {
        let problem = said(&plain.replace("1000", broken)).expect_err(broken);
        assert!(problem.starts_with("credit.points: "), "{problem}");
    }
    assert!(said(r#""capture":{"hold":"h","points":9007199254740993.0}"#).is_err(), "it is not told exactly");
    assert!(said(r#""tick":{"up_to":1767225600}"#).is_err());
    let problem = said(r#""redeem":{"item":"cup","pieces":-1}"#).expect_err("it is below 0");
    assert!(problem.contains("redeem.pieces: -1 is out of range; send 0 to 4294967295"), "{problem}");
}

#[test]
fn enums_are_read_by_name_number_and_word() {
    let named = r#""frozen":{"scope":"FREEZE_SCOPE_REDEEM"}"#;
    for other in ["2", "\"redeem\""] {
        same(&[(named, &named.replace("\"FREEZE_SCOPE_REDEEM\"", other))]);
    }
    for broken in ["\"REDEEM\"", "\"spend\"", "9", "-1", "1.5", "{}"] {
        let problem = said(&named.replace("\"FREEZE_SCOPE_REDEEM\"", broken)).expect_err(broken);
        assert!(problem.starts_with("frozen.scope: "), "{problem}");
    }
    assert!(said(r#""frozen":{"scope":"spend"}"#).expect_err("no scope").contains("FREEZE_SCOPE_EARN, FREEZE_SCOPE_"));
}

#[test]
fn null_is_absent() {
    same(&[
        (r#""check_in":{}"#, r#""check_in":{},"device":null,"purchase":null"#),
        (r#""capture":{"hold":"h"}"#, r#""capture":{"hold":"h","points":null,"last":null}"#),
        (
            r#""purchase":{"order":"o","currency":"EUR","lines":[{"net":5}]}"#,
            r#""purchase":{"order":"o","currency":"EUR","lines":[{"net":5,"quantity":null,"tags":null}]}"#,
        ),
    ]);
    assert!(said(r#""purchase":{"order":"o","currency":"EUR","lines":[null]}"#).is_err());
}

#[test]
fn instants_and_spans_are_read_as_protobuf_writes_them() {
    same(&[
        (r#""tick":{"up_to":"2026-02-01T00:00:00Z"}"#, r#""tick":{"upTo":"2026-02-01T05:30:00.000000000+05:30"}"#),
        (r#""hold":{"hold":"h","ttl":"3600s"}"#, r#""hold":{"hold":"h","ttl":"3600.000s"}"#),
        (r#""hold":{"hold":"h","ttl":"0.5s"}"#, r#""hold":{"hold":"h","ttl":"0.500000000s"}"#),
    ]);
    let event = said(r#""hold":{"hold":"h","ttl":"-3.5s"}"#).expect("it is a span");
    let Some(Body::Hold(hold)) = event.body else { panic!("{event:?}") };
    assert_eq!(hold.ttl, Some(prost_types::Duration { seconds: -3, nanos: -500_000_000 }));
}

#[test]
fn what_is_left_out_may_have_a_usual_value() {
    let line = proto::Line { quantity: 1, net: 5, ..proto::Line::default() };
    let lines = vec![line];
    let purchase = proto::Purchase { order: "o".into(), currency: "USD".into(), lines, ..proto::Purchase::default() };
    let event = said(r#""purchase":{"order":"o","currency":"USD","lines":[{"net":5}]}"#).expect("it is an event");
    assert_eq!(event.body, Some(Body::Purchase(purchase)));
    let event = said(r#""purchase":{"lines":[{"quantity":0}]}"#).expect("it can be read");
    assert!(matches!(event.body, Some(Body::Purchase(purchase)) if purchase.lines[0].quantity == 0));
    for (name, _) in shape::LEFT_OUT {
        let (message, field) = name.rsplit_once('.').expect("a field of a message");
        let message = POOL.all.get_message_by_name(message).expect("a message of the proto");
        assert!(message.get_field_by_name(field).is_some(), "{name}");
    }
}

#[test]
fn a_typing_error_is_a_fault_that_names_the_field() {
    let problem = |body: &str| read(&format!("{{{HEAD}{body}}}")).expect_err(body).to_string();
    assert!(problem("").contains("exactly one thing"));
    assert!(
        problem(r#","check_in":{},"redeem":{"points":1}"#).contains("says check_in and redeem; an event says exactly")
    );
    assert!(problem(r#","chekin":{}"#).starts_with("unknown field `chekin`; known here: source, id, occurred_at"));
    assert!(
        problem(r#","redeem":{"point":1}"#).starts_with("redeem: unknown field `point`; known here: points, order")
    );
    let whole = "is not a whole number; points are whole, and money is in cents or other minor units";
    assert!(problem(r#","redeem":{"points":1.5}"#).starts_with(&format!("redeem.points: 1.5 {whole}")));
    assert!(problem(r#","tick":{"up_to":"soon"}"#).starts_with("tick.up_to: \"soon\" is not an instant"));
    assert!(problem(r#","hold":{"hold":"h","points":1,"ttl":"1h"}"#).starts_with("hold.ttl: \"1h\" is not a span"));
    assert!(problem(r#","check_in":[]"#).starts_with("check_in: invalid type"));
    assert!(
        problem(r#","check_in":{},"store":7"#)
            .starts_with("store: invalid type: integer `7`, expected a text in quotes")
    );
    assert!(problem(r#","check_in":{},"store":"#).contains("at column"));
    assert!(problem(r#","check_in":{}} {"#).contains("trailing"));
    let deep = r#","purchase":{"order":"o","currency":"EUR","lines":[{"net":5},{"net":"5,00"}]}"#;
    assert!(problem(deep).starts_with("purchase.lines[1].net: \"5,00\" is not a whole number"), "{}", problem(deep));
    assert_eq!(read_value(json!([])).expect_err("a list").to_string(), "invalid type: sequence, expected an object");
}

#[test]
fn a_quantity_may_have_a_point() {
    let line = |line: &str| said(&format!(r#""purchase":{{"order":"o","lines":[{{"net":5,{line}}}]}}"#));
    let read = |text: &str| {
        let event = line(text).unwrap_or_else(|problem| panic!("{text}: {problem}"));
        let Some(Body::Purchase(purchase)) = event.body else { panic!("{text}") };
        (purchase.lines[0].quantity, purchase.lines[0].quantity_digits)
    };
    for (text, number) in [
        (r#""quantity":0.345"#, (345, 3)),
        (r#""quantity":"0.345""#, (345, 3)),
        (r#""quantity":345,"quantity_digits":3"#, (345, 3)),
        (r#""quantityDigits":3,"quantity":345"#, (345, 3)),
        (r#""quantity":1.0"#, (1, 0)),
        (r#""quantity":"1.000""#, (1, 0)),
        (r#""quantity":12.50"#, (125, 1)),
        (r#""quantity":13000"#, (13_000, 0)),
        (r#""quantity":0.000001"#, (1, 6)),
    ] {
        assert_eq!(read(text), number, "{text}");
    }
    for (text, told) in [
        (r#""quantity":0.1234567"#, "lines[0].quantity: \"0.1234567\" is no quantity; send a number with at most 6"),
        (r#""quantity":0.30000000000000004"#, "is no quantity"),
        (r#""quantity":-0.5"#, "\"-0.5\" is no quantity"),
        (r#""quantity":1e300"#, "invalid type: floating point"),
        (r#""quantity":"half""#, "\"half\" is no quantity"),
        (r#""quantity":0.5,"quantity_digits":1"#, "comes twice"),
        (r#""quantity_digits":1,"quantity":0.5"#, "`quantity` has a point, so leave out `quantity_digits`"),
    ] {
        let problem = line(text).expect_err(text);
        assert!(problem.contains(told), "{text}: {problem}");
    }
    let back = r#""refunded":{"order":"o","currency":"EUR","lines":[{"line":0,"quantity":0.25}]}"#;
    let Some(Body::Refunded(refunded)) = said(back).expect("it is a refund").body else { panic!("{back}") };
    assert_eq!((refunded.lines[0].quantity, refunded.lines[0].quantity_digits), (Some(25), 2));
}

#[test]
fn a_name_that_comes_twice_is_a_fault() {
    for twice in [r#""check_in":{},"store":"a","store":"b""#, r#""check_in":{},"ip_prefix":"a","ipPrefix":"b""#] {
        assert!(said(twice).expect_err(twice).contains("comes twice"));
    }
    assert!(
        said(r#""credit":{"points":1,"points":1}"#).expect_err("twice").starts_with("credit: field `points` comes")
    );
    assert!(parse(br#"{"a":[{"b":1,"b":2}]}"#).expect_err("twice").problem.contains("field `b` comes twice"));
    assert_eq!(parse(br#"{"a":[{"b":1.5,"c":null},-1,"x",true]}"#), Ok(json!({"a":[{"b":1.5,"c":null},-1,"x",true]})));
}

#[test]
fn an_event_is_written_so_that_it_is_read_the_same() {
    let event = said(r#""purchase":{"order":"o","currency":"EUR","lines":[{"sku":"cup","net":250,"tags":["a"]}]}"#);
    let event = event.expect("it is an event");
    let expected = json!({
        "source": "till", "id": "1", "occurred_at": "2026-01-31T09:00:00Z", "member": "M1",
        "purchase": { "order": "o", "currency": "EUR", "lines": [
            { "sku": "cup", "quantity": 1, "net": 250, "tags": ["a"] },
        ] },
    });
    assert_eq!(write(&event), expected);
    assert_eq!(read_value(write(&event)), Ok(event));
}

#[test]
fn an_answer_is_written_with_plain_numbers_and_what_is_0() {
    let record = proto::Record {
        position: 7,
        available: 9_007_199_254_740_993,
        cause: said(r#""check_in":{}"#).ok().map(proto::record::Cause::Event),
        ..proto::Record::default()
    };
    let told = write(&proto::ReplayMemberResponse { record: Some(record), after: None, ..Default::default() });
    assert_eq!(told["record"]["available"], json!(9_007_199_254_740_993_i64));
    assert_eq!(told["record"]["postings"], json!([]));
    assert_eq!(told["record"]["program_version"], json!(0));
    assert!(told["record"]["event"].get("device").is_none(), "an event is written as protobuf tools do");
    assert!(told.get("after").is_none());
    assert_eq!(write(&proto::Member::default())["frozen"], "FREEZE_SCOPE_UNSPECIFIED");
}

#[test]
fn the_reader_has_a_way_to_read_every_field_of_an_event() {
    let mut seen = Vec::new();
    let mut left = vec![POOL.event.clone()];
    while let Some(message) = left.pop() {
        for field in message.fields() {
            let known = !matches!(
                field.kind(),
                Kind::Bytes
                    | Kind::Double
                    | Kind::Float
                    | Kind::Sint32
                    | Kind::Sint64
                    | Kind::Fixed32
                    | Kind::Fixed64
                    | Kind::Sfixed32
                    | Kind::Sfixed64
            );
            assert!(known && !field.is_map(), "{} cannot be read from JSON", field.full_name());
            if let Kind::Message(of) = field.kind()
                && of.package_name() == "ledger.v1"
                && !seen.contains(&of.full_name().to_owned())
            {
                seen.push(of.full_name().to_owned());
                left.push(of);
            }
        }
    }
}

#[test]
fn the_help_has_every_kind() {
    let help = kinds_explained();
    for kind in kinds() {
        assert!(help.contains(&format!("\"{kind}\": {{")), "{kind}");
    }
    let purchase =
        "  a purchase was paid\n    \"purchase\": {\"order\": text, \"currency\": text, \"lines\": [{\"sku\": text,";
    assert!(help.contains(purchase), "{help}");
    assert!(help.contains(r#""scope": "FREEZE_SCOPE_EARN" or "FREEZE_SCOPE_REDEEM""#), "{help}");
    assert!(help.lines().all(|line| line.len() <= 120), "{help}");
}
