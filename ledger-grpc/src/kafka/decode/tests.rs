mod any;

use super::*;
use crate::kafka::Config;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use ledger_core::event::{self, Body};
use ledger_core::units::RiskKey;
use prost_types::Timestamp;
use serde_json::Map;

fn hash(_: &str, text: &str) -> RiskKey {
    RiskKey([text.as_bytes()[0]; 16])
}

fn headers(pairs: &[(&str, &str)]) -> Vec<Header> {
    pairs.iter().map(|(key, value)| ((*key).into(), value.as_bytes().into())).collect()
}

fn decode(topic: &Topic, pairs: &[(&str, &str)], value: Option<&[u8]>) -> Decoded {
    events(topic, &headers(pairs), value, &hash)
}

/// The one event of a message, or the fault.
fn read(format: &Format, pairs: &[(&str, &str)], value: &[u8]) -> Result<Event<Name>, String> {
    one_of(decode(&Topic::new("t", format.clone()), pairs, Some(value)))
}

fn one_of(mut decoded: Decoded) -> Result<Event<Name>, String> {
    assert_eq!(decoded.skipped, None);
    match (decoded.events.pop(), decoded.fault) {
        (Some(event), None) if decoded.events.is_empty() => Ok(event),
        (None, Some(fault)) => Err(fault),
        (event, fault) => panic!("{event:?}, {fault:?}"),
    }
}

/// The topic of a config that has no other.
fn topic(text: &str) -> Topic {
    let config = format!("brokers = \"b\"\ngroup = \"g\"\ndead_letters = \"d\"\n[[topic]]\nname = \"t\"\n{text}");
    Config::read(&config, &|_| None).expect("it has no faults").topics.remove(0)
}

fn check_in() -> proto::Event {
    proto::Event {
        source: "till".into(),
        id: "1".into(),
        occurred_at: Some(Timestamp { seconds: 1_767_225_600, nanos: 0 }),
        member: "anna".into(),
        device: "d".into(),
        body: Some(proto::event::Body::CheckIn(proto::CheckIn {})),
        ..proto::Event::default()
    }
}

const JSON: &str = r#"{"source":"till","id":"1","occurred_at":"2026-01-01T00:00:00Z","member":"anna","device":"d",
    "check_in":{}}"#;
const CLOUD: &str = r#"{"specversion":"1.0","type":"ledger.v1.check_in","source":"till","id":"1",
    "time":"2026-01-01T00:00:00Z","subject":"anna","device":"d","datacontenttype":"application/json","data":{}}"#;
const BINARY: [(&str, &str); 7] = [
    ("ce_specversion", "1.0"),
    ("ce_type", "check_in"),
    ("ce_source", "till"),
    ("ce_id", "1"),
    ("ce_time", "2026-01-01T00:00:00Z"),
    ("ce_subject", "anna"),
    ("ce_device", "d"),
];

#[test]
fn one_event_is_the_same_in_every_format() {
    let bytes = check_in().encode_to_vec();
    let expected = wire::one(Some(check_in()), &hash).expect("it is valid").events.remove(0);
    let by_topic = [
        (Format::Protobuf, bytes.as_slice()),
        (Format::Json, JSON.as_bytes()),
        (Format::CloudEvents, CLOUD.as_bytes()),
    ];
    for (format, value) in &by_topic {
        assert_eq!(read(format, &[], value), Ok(expected.clone()), "{format:?}");
    }
    let protobuf = Format::Protobuf;
    let json = [("Content-Type", "application/json; charset=utf-8")];
    assert_eq!(read(&protobuf, &json, JSON.as_bytes()), Ok(expected.clone()));
    let cloud = [("content-type", "application/CloudEvents+JSON")];
    assert_eq!(read(&protobuf, &cloud, CLOUD.as_bytes()), Ok(expected.clone()));
    assert_eq!(read(&Format::Json, &[("content-type", "application/x-protobuf")], &bytes), Ok(expected.clone()));
    assert_eq!(read(&protobuf, &BINARY, b""), Ok(expected.clone()));
    let mut inside = BINARY.to_vec();
    inside.push(("content-type", "application/protobuf"));
    assert_eq!(read(&Format::Json, &inside, &bytes), Ok(expected));
}

#[test]
fn the_data_of_a_cloud_event_is_what_the_event_says() {
    let cloud = CLOUD
        .replace("check_in", "purchase")
        .replace("\"data\":{}", r#""data":{"order":"o","currency":"EUR","lines":[{"net":250}]}"#);
    let event = read(&Format::CloudEvents, &[], cloud.as_bytes()).expect("it is an event");
    assert!(matches!(event.body, Body::Purchase(event::Purchase { lines, .. }) if lines[0].net.0 == 250));
    // As protobuf tools write it: names in lowerCamelCase, 64-bit integers in quotes, enums by number, null as absent.
    let tools = CLOUD.replace("check_in", "frozen").replace("\"data\":{}", r#""data":{"scope":2,"reason":null}"#);
    let event = read(&Format::CloudEvents, &[], tools.as_bytes()).expect("it is an event");
    assert!(matches!(event.body, Body::Frozen(_)));
    let tools = CLOUD.replace("check_in", "purchase").replace(
        "\"data\":{}",
        r#""data":{"order":"o","currency":"EUR","pointsPaid":"5","lines":[{"net":"250","category":null}]}"#,
    );
    let event = read(&Format::CloudEvents, &[], tools.as_bytes()).expect("it is an event");
    assert!(matches!(event.body, Body::Purchase(event::Purchase { lines, .. }) if lines[0].net.0 == 250));
}

#[test]
fn what_is_no_event_says_why() {
    let problem =
        |format: &Format, pairs: &[(&str, &str)], value: &[u8]| read(format, pairs, value).expect_err("it is no event");
    let cloud = |from: &str, to: &str| problem(&Format::CloudEvents, &[], CLOUD.replace(from, to).as_bytes());
    let none = one_of(decode(&Topic::new("t", Format::Json), &[], None)).expect_err("it has no value");
    assert!(none.starts_with("has no value"), "{none}");
    for format in [Format::Json, Format::CloudEvents] {
        assert_eq!(problem(&format, &[], b""), "is empty");
    }
    assert!(problem(&Format::Protobuf, &[], b"\xff\xff").starts_with("is no ledger.v1.Event"));
    assert!(problem(&Format::Json, &[], b"\xff").contains("UTF-8"));
    assert!(problem(&Format::Json, &[], b"{").contains("EOF"));
    assert!(problem(&Format::Json, &[], &vec![b' '; VALUE_BYTES_MAX + 1]).contains("bytes"));
    assert!(problem(&Format::Json, &[("content-type", "text/xml")], b"<a/>").contains("text/xml"));
    assert!(cloud("\"1.0\"", "\"0.3\"").contains("specversion"));
    assert!(cloud("ledger.v1.check_in", "checkin").contains("\"checkin\" is no event"));
    assert!(cloud("\"time\"", "\"when\"").contains("missing field `time`"));
    assert!(cloud("\"2026", "\"26").starts_with("time: \"26"));
    assert!(cloud("\"data\":{}", "\"data\":{\"place\":1}").contains("unknown field `place`"));
    assert_eq!(cloud("\"anna\"", "\"\""), "event.member must not be empty");
    let mut inside = BINARY.to_vec();
    inside.push(("content-type", "application/protobuf"));
    inside[3].1 = "2";
    assert!(problem(&Format::Json, &inside, &check_in().encode_to_vec()).contains("id of the CloudEvent"));
}

/// What a field of text says, or that of one that is true or false in headers.
fn said(field: &str) -> String {
    if field == "history" { "true".to_owned() } else { format!("the {field}") }
}

/// An event with every field that any event may have, each with a value of its own.
fn whole_envelope() -> (proto::Event, Vec<&'static str>) {
    let mut json = Map::new();
    let texts: Vec<&str> =
        json::envelope().iter().map(|field| &**field).filter(|field| *field != "occurred_at").collect();
    for field in &texts {
        json.insert((*field).to_owned(), if *field == "history" { true.into() } else { said(field).into() });
    }
    json.insert("occurred_at".into(), "2026-01-01T00:00:00Z".into());
    json.insert("check_in".into(), Map::new().into());
    (json::read_value(json.into()).expect("it is an event"), texts)
}

#[test]
fn cloud_events_have_every_field_of_the_envelope() {
    let (event, texts) = whole_envelope();
    let expected = wire::one(Some(event), &hash).expect("it is valid").events.remove(0);
    let mut cloud = Map::new();
    let mut headers = Vec::new();
    for field in texts {
        let sent = match field {
            "member" => "subject".to_owned(),
            field => field.replace('_', ""),
        };
        assert!(sent.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit()), "{sent}");
        headers.push((format!("ce_{sent}"), said(field)));
        cloud.insert(sent, said(field).into());
    }
    for (name, value) in [("specversion", "1.0"), ("type", "ledger.v1.check_in"), ("time", "2026-01-01T00:00:00Z")] {
        cloud.insert(name.into(), value.into());
        headers.push((format!("ce_{name}"), value.to_owned()));
    }
    let cloud = Value::from(cloud).to_string();
    assert_eq!(read(&Format::CloudEvents, &[], cloud.as_bytes()), Ok(expected.clone()));
    let headers: Vec<(&str, &str)> = headers.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
    assert_eq!(read(&Format::Protobuf, &headers, b""), Ok(expected.clone()));
    assert_eq!(attributes().len(), json::envelope().len());
}

#[test]
fn mapped_topics_have_every_field_of_the_envelope() {
    let (event, texts) = whole_envelope();
    let expected = wire::one(Some(event), &hash).expect("it is valid").events.remove(0);
    let fields: String = texts.iter().map(|field| format!("{field} = \"/at/{field}\"\n")).collect();
    let rule = "[[topic.event]]\nsays = \"check_in\"\noccurred_at = \"/at/when\"";
    let format = topic(&format!("format = \"mapped\"\n{rule}\n{fields}")).format;
    let mut at: Map<String, Value> = texts.iter().map(|field| ((*field).to_owned(), said(field).into())).collect();
    at.insert("history".into(), true.into());
    at.insert("when".into(), "2026-01-01T00:00:00Z".into());
    let message = serde_json::json!({ "at": at }).to_string();
    assert_eq!(read(&format, &[], message.as_bytes()), Ok(expected));
}

#[test]
fn cloud_events_are_read_as_their_libraries_write_them() {
    let expected = read(&Format::CloudEvents, &[], CLOUD.as_bytes());
    assert!(expected.is_ok());
    let json = r#""datacontenttype":"application/json","data":{}"#;
    assert!(CLOUD.contains(json));
    for other in [
        r#""data":{}"#,
        "\"x\":null",
        r#""data":null"#,
        r#""datacontenttype":"application/json; charset=utf-8","data":{}"#,
        r#""datacontenttype":"application/vnd.shop.visit+json","data":{}"#,
        r#""datacontenttype":"application/vnd.shop.visit+json","data":"{}""#,
        r#""data_base64":"e30=""#,
        r#""datacontenttype":"text/json","data_base64":"e30=","data":null"#,
        r#""partitionkey":"anna","traceparent":"00-1-2-01","sequence":"7","data":{}"#,
        r#""notoneofours":"x","data":{}"#,
    ] {
        assert_eq!(read(&Format::CloudEvents, &[], CLOUD.replace(json, other).as_bytes()), expected, "{other}");
    }
    for time in ["2026-01-01t00:00:00z", "2026-01-01T01:00:00.000+01:00"] {
        let cloud = CLOUD.replace("2026-01-01T00:00:00Z", time);
        assert_eq!(read(&Format::CloudEvents, &[], cloud.as_bytes()), expected, "{time}");
    }
    for media in ["application/json", "application/json;charset=UTF-8", "application/vnd.shop.visit+json"] {
        let mut headers = BINARY.to_vec();
        headers.push(("content-type", media));
        assert_eq!(read(&Format::Protobuf, &headers, b"{}"), expected, "{media}");
    }
    let bytes = BASE64.encode(check_in().encode_to_vec());
    let inside = format!(r#""datacontenttype":"application/protobuf","data_base64":"{bytes}""#);
    assert_eq!(read(&Format::CloudEvents, &[], CLOUD.replace(json, &inside).as_bytes()), expected);
}

#[test]
fn what_is_no_cloud_event_says_why() {
    let json = r#""datacontenttype":"application/json","data":{}"#;
    let problem = |to: &str| {
        let cloud = CLOUD.replace(json, to);
        read(&Format::CloudEvents, &[], cloud.as_bytes()).expect_err(to)
    };
    assert!(problem(r#""datacontenttype":"application/xml","data":"<a/>""#).contains("application/xml"));
    assert!(problem(r#""data":"yes""#).starts_with("data is no JSON: expected value"));
    assert!(problem(r#""data":"\"{}\"""#).starts_with("data: invalid type: string"), "a text within a text");
    assert!(problem(r#""data":{},"data_base64":"e30=""#).contains("send one of them"));
    assert!(problem(r#""data_base64":"e30""#).contains("no base64"));
    assert!(problem(r#""data":{},"store":"a","store":"b""#).contains("`store` comes twice"));
    let purchase =
        CLOUD.replace("v1.check_in", "v1.purchase").replace("\"data\":{}", r#""data":{"lines":[{"net":"x"}]}"#);
    let told = read(&Format::CloudEvents, &[], purchase.as_bytes()).expect_err("it is no purchase");
    assert!(told.starts_with("data.lines[0].net: \"x\" is not a whole number; points are whole"), "{told}");
    let mut twice = BINARY.to_vec();
    twice.push(("CE_DEVICE", "e"));
    assert!(read(&Format::Json, &twice, b"{}").expect_err("twice").contains("comes twice"));
}

#[test]
fn a_structured_cloud_event_is_known_whatever_its_media_type() {
    let expected = read(&Format::CloudEvents, &[], CLOUD.as_bytes());
    for format in [Format::CloudEvents, Format::Json] {
        let media = [("content-type", "application/json")];
        assert_eq!(read(&format, &media, CLOUD.as_bytes()), expected, "{format:?}");
        assert_eq!(read(&format, &media, JSON.as_bytes()), expected, "{format:?}");
    }
}

#[test]
fn a_batch_is_its_events_and_a_fault_beside_them_costs_none() {
    let one = |id: &str| CLOUD.replace("\"id\":\"1\"", &format!("\"id\":\"{id}\""));
    let topic = Topic::new("t", Format::CloudEvents);
    let header = [("content-type", "application/cloudevents-batch+json; charset=utf-8")];
    let list = format!("[{},{}]", one("1"), one("2"));
    for (format, pairs) in [(Format::Protobuf, &header[..]), (Format::CloudEvents, &[])] {
        let decoded = decode(&Topic::new("t", format), pairs, Some(list.as_bytes()));
        let ids: Vec<&str> = decoded.events.iter().map(|event| &*event.id).collect();
        assert_eq!((ids, decoded.fault), (vec!["1", "2"], None));
    }
    let broken =
        format!("[{},{},{},7]", one("1"), one("2").replace("check_in", "chekin"), one("3").replace("\"anna\"", "\"\""));
    let decoded = decode(&topic, &header, Some(broken.as_bytes()));
    assert_eq!(decoded.events.len(), 1);
    let fault = decoded.fault.expect("three are none");
    assert!(fault.starts_with("3 of 4 events: [1] (id \"2\"): type \"ledger.v1.chekin\" is no event"), "{fault}");
    for part in ["; [2]: event.member must not be empty", "; [3]: is no CloudEvent: no object"] {
        assert!(fault.contains(part), "{fault}");
    }
    let none = decode(&topic, &header, Some(b"[]"));
    assert_eq!((none.events.len(), none.fault, none.skipped.as_deref()), (0, None, Some("empty batch")));
    let many = format!("[{}]", vec!["0"; BATCH_EVENTS_MAX + 1].join(","));
    let fault = decode(&topic, &header, Some(many.as_bytes())).fault.expect("it is too much");
    assert_eq!(fault, "is a batch of 1001 CloudEvents; send at most 1000 together");
}

#[test]
fn a_reason_fits_into_a_header() {
    let long = format!("{{\"{}\":1}}", "é".repeat(100_000));
    let reason = read(&Format::Json, &[], long.as_bytes()).expect_err("it is no event");
    assert!(reason.chars().count() <= REASON_CHARS_MAX + 2, "{}", reason.chars().count());
    let batch = vec!["{}"; BATCH_EVENTS_MAX].join(",");
    let fault = decode(&Topic::new("t", Format::CloudEvents), &[], Some(format!("[{batch}]").as_bytes())).fault;
    assert!(fault.expect("none is one").chars().count() <= REASON_CHARS_MAX + 2);
}

#[test]
fn deletions_are_skipped_where_that_is_declared() {
    let skips = topic("format = \"json\"\ntombstones = \"skip\"");
    assert_eq!(decode(&skips, &[], None).skipped.as_deref(), Some("tombstone"));
    assert!(decode(&skips, &[], Some(b"")).fault.is_some(), "an empty value is none");
    // A CloudEvent without data has no value where its attributes are headers.
    let event = read(&Format::CloudEvents, &[], CLOUD.as_bytes());
    let framed = topic("format = \"json\"\nframing = \"confluent\"");
    for topic in [skips, framed, Topic::new("t", Format::Protobuf)] {
        assert_eq!(one_of(decode(&topic, &BINARY, None)), event);
        assert_eq!(one_of(decode(&topic, &BINARY, Some(b""))), event);
    }
}

#[test]
fn what_a_schema_registry_needs_is_taken_off() {
    let bytes = check_in().encode_to_vec();
    let expected = read(&Format::Protobuf, &[], &bytes);
    let id = [0, 0, 0, 1, 200];
    let protobuf = topic("format = \"protobuf\"\nframing = \"confluent\"");
    let framed = |list: &[u8], value: &[u8]| [&id[..], list, value].concat();
    assert_eq!(one_of(decode(&protobuf, &[], Some(&framed(&[0], &bytes)))), expected);
    let third = topic("format = \"protobuf\"\nframing = \"confluent\"\nmessage_index = [2, 0]");
    assert_eq!(one_of(decode(&third, &[], Some(&framed(&[4, 4, 0], &bytes)))), expected);
    let other = one_of(decode(&protobuf, &[], Some(&framed(&[2, 2], &bytes)))).expect_err("another message");
    assert!(other.contains("message_index = [1]"), "{other}");
    let named = |format: &str| topic(&format!("format = \"{format}\"\nframing = \"confluent\""));
    for (format, value) in [("json", JSON), ("cloudevents", CLOUD)] {
        assert_eq!(one_of(decode(&named(format), &[], Some(&framed(&[], value.as_bytes())))), expected, "{format}");
    }
    // In binary mode the data is framed.
    let mut inside = BINARY.to_vec();
    inside.push(("content-type", "application/json"));
    assert_eq!(one_of(decode(&named("json"), &inside, Some(&framed(&[], b"{}")))), expected);
    for format in [Format::Protobuf, Format::Json] {
        let told = read(&format, &[], &framed(&[0], &bytes)).expect_err("it is framed");
        assert!(told.contains("framing = \"confluent\""), "{told}");
    }
    let bare = one_of(decode(&protobuf, &[], Some(&bytes))).expect_err("it is not framed");
    assert!(bare.contains("as framing = \"confluent\" says"), "{bare}");
}
