use super::*;
use ledger_core::event::{self, Body};
use ledger_core::units::RiskKey;
use prost_types::Timestamp;

fn hash(_: &str, text: &str) -> RiskKey {
    RiskKey([text.as_bytes()[0]; 16])
}

fn headers(pairs: &[(&str, &str)]) -> Vec<Header> {
    pairs.iter().map(|(key, value)| ((*key).into(), value.as_bytes().into())).collect()
}

fn read(format: &Format, pairs: &[(&str, &str)], value: &[u8]) -> Result<Event<Name>, String> {
    event(format, &headers(pairs), Some(value), &hash)
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
}

#[test]
fn what_is_no_event_says_why() {
    let problem =
        |format: &Format, pairs: &[(&str, &str)], value: &[u8]| read(format, pairs, value).expect_err("it is no event");
    let cloud = |from: &str, to: &str| problem(&Format::CloudEvents, &[], CLOUD.replace(from, to).as_bytes());
    assert_eq!(event(&Format::Json, &[], None, &hash), Err("has no value".to_owned()));
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

/// An event with every field that any event may have, each with a value of its own.
fn whole_envelope() -> (proto::Event, Vec<&'static str>) {
    let mut json = Map::new();
    let texts: Vec<&str> =
        json::envelope().iter().map(|field| &**field).filter(|field| *field != "occurred_at").collect();
    for field in &texts {
        json.insert((*field).to_owned(), format!("the {field}").into());
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
        headers.push((format!("ce_{sent}"), format!("the {field}")));
        cloud.insert(sent, format!("the {field}").into());
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
    let config = format!(
        "brokers = \"b\"\ngroup = \"g\"\ndead_letters = \"d\"\n[[topic]]\nname = \"pos\"\nformat = \"mapped\"\n\
         [[topic.event]]\nsays = \"check_in\"\noccurred_at = \"/at/when\"\n{fields}"
    );
    let format = crate::kafka::Config::read(&config, &|_| None).expect("it has no faults").topics.remove(0).format;
    let mut at: Map<String, Value> =
        texts.iter().map(|field| ((*field).to_owned(), format!("the {field}").into())).collect();
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
    assert!(problem(r#""data":"{}""#).starts_with("data: invalid type: string"));
    assert!(problem(r#""data":{},"data_base64":"e30=""#).contains("send one of them"));
    assert!(problem(r#""data_base64":"e30""#).contains("no base64"));
    assert!(problem(r#""data":{},"store":"a","store":"b""#).contains("`store` comes twice"));
    let purchase =
        CLOUD.replace("v1.check_in", "v1.purchase").replace("\"data\":{}", r#""data":{"lines":[{"net":"x"}]}"#);
    let told = read(&Format::CloudEvents, &[], purchase.as_bytes()).expect_err("it is no purchase");
    assert_eq!(told, "data.lines[0].net: \"x\" is not a whole number");
    let batch = [("content-type", "application/cloudevents-batch+json")];
    let list = format!("[{CLOUD}]");
    assert!(read(&Format::Json, &batch, list.as_bytes()).expect_err("a batch").contains("message of its own"));
    assert!(read(&Format::CloudEvents, &[], list.as_bytes()).expect_err("a batch").contains("message of its own"));
    let mut twice = BINARY.to_vec();
    twice.push(("CE_DEVICE", "e"));
    assert!(read(&Format::Json, &twice, b"{}").expect_err("twice").contains("comes twice"));
}
