//! The reference of what leaves the ledger: pages under docs/ that are made from the lists of the code and the comments
//! of the proto, and held to them.
//!
//! `make reference` writes them anew. The page of the command line is held by `ledgerd`'s own tests, which know it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use ledger_grpc::json;
use ledger_grpc::kafka::OUTBOX_TYPES;
use ledger_grpc::proto::DESCRIPTORS;
use ledger_grpc::status::{APPLIED, Applied, DOMAIN, NEWS};
use prost_reflect::{DescriptorPool, FieldDescriptor, FileDescriptor, Kind, MessageDescriptor};
use std::collections::BTreeSet;
use std::path::Path;

/// The fields that the data of every outcome begins with.
const COMMON: usize = 4;

/// Holds a file of docs/ to a text; writes it where expectations are written anew.
fn hold(path: &str, text: &str) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize().expect("the workspace is there");
    expect_test::expect_file![root.join("docs").join(path)].assert_eq(text);
}

fn pool() -> DescriptorPool {
    DescriptorPool::decode(DESCRIPTORS).expect("the descriptors are whole")
}

/// What the proto says before something, in one line.
fn comment(file: &FileDescriptor, path: &[i32]) -> String {
    let source = file.file_descriptor_proto().source_code_info.as_ref().expect("comments were compiled in");
    let found = source.location.iter().find(|one| one.path == path).expect("it has a place");
    found.leading_comments().split_whitespace().collect::<Vec<_>>().join(" ")
}

fn about(message: &MessageDescriptor) -> String {
    let text = comment(&message.parent_file(), message.path());
    assert!(!text.is_empty(), "{} has no comment", message.full_name());
    text
}

fn fields_in_a_table(fields: impl Iterator<Item = FieldDescriptor>) -> String {
    let mut text = "| field | type | what it says |\n|---|---|---|\n".to_owned();
    for field in fields {
        let said = comment(&field.parent_file(), field.path());
        assert!(!said.is_empty(), "{} has no comment", field.full_name());
        text += &format!("| `{}` | {} | {said} |\n", field.name(), kind(&field));
    }
    text
}

/// The type of a field, as its JSON has it.
fn kind(field: &FieldDescriptor) -> String {
    let one = match field.kind() {
        Kind::String => "text".to_owned(),
        Kind::Bool => "true or false".to_owned(),
        Kind::Message(of) if of.full_name() == "google.protobuf.Timestamp" => "instant".to_owned(),
        Kind::Message(of) => format!("[{}](#{})", of.name(), of.name().to_lowercase()),
        Kind::Enum(of) => panic!("{}: say how {} is told", field.full_name(), of.name()),
        _ => "number".to_owned(),
    };
    if field.is_list() { format!("list of {one}") } else { one }
}

#[test]
fn the_outbox_has_a_page() {
    let pool = pool();
    let message = |name: &str| pool.get_message_by_name(&format!("ledger.v1.{name}")).expect("the proto has it");
    let mut text = "# Outbox\n\n<!-- Made from the code by `make reference`. -->\n\n\
        What came of every record, as CloudEvents 1.0 in JSON on a topic of Kafka (`[outbox]` of the file that\n\
        `ledgerd serve --kafka` reads). A record tells any number of outcomes, or none.\n\n\
        - `type` is `ledger.v1.` and a name of the table below; `data` is its message, in JSON.\n\
        - `subject` is the member's name, and the key of the message: a member's outcomes keep the order of the log.\n\
        - `id` is the same for the same outcome for ever: it may come twice, and then has the same `id`. It says the\n\
        \x20\x20ledger, its lineage, the record's position and the outcome's place in it.\n\
        - `time` is the ledger's time of the record; `cause` says when the event happened.\n\
        - `source` is the same for all outcomes of a ledger.\n\n\
        Names of fields are as below. Numbers are plain integers of up to 64 bits, instants are RFC 3339 in UTC. A\n\
        field that is absent is left out. New types and fields may be added: leave aside what you do not know.\n\n\
        ## Types\n\n| type | what it tells | data |\n|---|---|---|\n"
        .to_owned();
    for listed in OUTBOX_TYPES {
        let (name, about, data) = (listed.name, listed.about.trim(), listed.data);
        text += &format!("| `{name}` | {about} | [{data}](#{}) |\n", data.to_lowercase());
    }
    let datas: Vec<&str> = OUTBOX_TYPES.iter().map(|listed| listed.data).collect();
    let (mut told, mut parts) = (BTreeSet::new(), BTreeSet::new());
    let plain = message("OutboxPlain");
    text += "\n## The data of every outcome begins with\n\n";
    text += &fields_in_a_table(plain.fields().take(COMMON));
    for data in datas.into_iter().filter(|data| told.insert(*data)) {
        let message = message(data);
        text += &format!("\n## {data}\n\n{}\n\n", about(&message));
        let own: Vec<FieldDescriptor> = message.fields().skip(COMMON).collect();
        text +=
            &if own.is_empty() { "No more than every outcome.\n".into() } else { fields_in_a_table(own.into_iter()) };
        for part in message.fields() {
            if let Kind::Message(of) = part.kind() {
                parts.insert(of.full_name().to_owned());
            }
        }
    }
    text += "\n# Parts of data\n";
    for part in parts.iter().filter(|name| name.starts_with("ledger.v1.")) {
        let part = pool.get_message_by_name(part).expect("it was just found");
        let inner =
            part.fields().filter_map(|field| if let Kind::Message(of) = field.kind() { Some(of) } else { None });
        for inner in inner.filter(|of| of.full_name() != "google.protobuf.Timestamp") {
            assert!(parts.contains(inner.full_name()), "{} has no place on the page", inner.full_name());
        }
        text += &format!("\n## {}\n\n{}\n\n{}", part.name(), about(&part), fields_in_a_table(part.fields()));
    }
    hold("outbox.md", &text);
}

/// A code as gRPC writes it.
fn in_capitals(code: tonic::Code) -> String {
    let mut text = String::new();
    for letter in format!("{code:?}").chars() {
        if letter.is_uppercase() && !text.is_empty() {
            text.push('_');
        }
        text.extend(letter.to_uppercase());
    }
    text
}

#[test]
fn errors_have_a_page() {
    let mut text = format!(
        "# Errors\n\n<!-- Made from the code by `make reference`. -->\n\n\
         A call that cannot be answered ends with a status of gRPC. Every status that the ledger makes carries a\n\
         `google.rpc.ErrorInfo` of domain `{DOMAIN}` with a stable `reason`, and in its metadata `{APPLIED}`:\n\n\
         - `{}`: nothing was recorded;\n\
         - `{}`: the events may be recorded. Send them again with the same ids and learn which.\n\n\
         A status without `ErrorInfo` (a broken connection, a deadline that the client noticed) is to be read as\n\
         `{}`. A message that cannot be read at all (broken protobuf, more than 4 MiB) is answered with INTERNAL or\n\
         OUT_OF_RANGE and without `ErrorInfo`: nothing of it was applied, and sending it again does not help.\n\n\
         Where a time stands under *again after*, `google.rpc.RetryInfo` carries it. A refusal is no error but an\n\
         answer, with OK: [refusals.md](refusals.md).\n\n\
         | code | reason | {APPLIED} | again after | what it means and what to do |\n|---|---|---|---|---|\n",
        Applied::No.name(),
        Applied::Unknown.name(),
        Applied::Unknown.name(),
    );
    for news in NEWS {
        let again = news.retry.map(|retry| format!("{} ms", retry.as_millis())).unwrap_or_default();
        let (code, reason, applied) = (in_capitals(news.code), news.reason, news.applied.name());
        text += &format!("| {code} | `{reason}` | `{applied}` | {again} | {} |\n", news.about.trim());
    }
    hold("errors.md", &text);
}

#[test]
fn the_proto_names_every_error_under_its_code() {
    let file = pool().get_file_by_name("ledger/v1/ledger.proto").expect("it was compiled in");
    let source = file.file_descriptor_proto().source_code_info.clone().expect("comments were compiled in");
    // The comment at the head of a file is that of its line `syntax`.
    let head = source.location.iter().find(|one| one.path == [12]).expect("the file says its syntax");
    let mut sections: Vec<(&str, String)> = Vec::new();
    for line in head.leading_comments().lines() {
        let code = line.trim_start().split_once("  ").map(|(word, _)| word);
        let code = code.filter(|word| word.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_'));
        match (code, sections.last_mut()) {
            (Some(code), _) => sections.push((code, line.to_owned())),
            (None, Some((_, said))) if line.starts_with("    ") => said.push_str(line),
            _ => {}
        }
    }
    for news in NEWS {
        let code = in_capitals(news.code);
        let (_, said) =
            sections.iter().find(|(name, _)| *name == code).unwrap_or_else(|| panic!("{code} is not named"));
        assert!(said.contains(news.reason), "{} is not named under {code}: {said}", news.reason);
    }
}

#[test]
fn events_that_are_shown_in_json_are_events() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize().expect("the workspace is there");
    let read = |path: &str| std::fs::read_to_string(root.join(path)).expect("it is there");
    let page = read("docs/events.md");
    let shown = page.split("```").find_map(|piece| piece.strip_prefix("json\n")).expect("the page shows an event");
    let event = json::read(shown).expect("it is one");
    assert_eq!(event.source, "till-1");
    let quoted = shown.replace("occurred_at", "occurredAt").replace("19990", "\"19990\"");
    let offset = quoted.replace("2026-01-10T12:00:00Z", "2026-01-10T13:00:00+01:00");
    assert_ne!(offset, quoted, "the page shows an instant");
    assert_eq!(json::read(&offset).expect("it is the same"), event);
    let readme = read("README.md");
    let lines: Vec<&str> = readme.lines().filter(|line| line.starts_with("{\"source\"")).collect();
    assert!(lines.len() > 3, "README shows a life in events");
    for line in lines {
        json::read(line).unwrap_or_else(|fault| panic!("README: {fault}: {line}"));
    }
}
