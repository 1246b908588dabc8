//! Help: every kind of event with its fields, from the descriptor and the comments of the proto.

use super::POOL;
use prost_reflect::{FieldDescriptor, Kind, MessageDescriptor};

/// Columns of a line of the help.
const WIDTH: usize = 100;

/// Every kind of event as it stands in a file: what it says, and its fields with what each holds.
pub fn kinds_explained() -> String {
    let mut text = String::new();
    for kind in POOL.event.fields().filter(|field| field.containing_oneof().is_some()) {
        let comment = comment(&kind);
        let said = comment.split_once(": ").map_or(&*comment, |(_, said)| said);
        let Kind::Message(of) = kind.kind() else { continue };
        let shown = format!("\"{}\": {}", kind.name(), fields(&of));
        text.push_str(&format!("  {}\n", said.trim_end_matches('.')));
        for line in wrapped(&shown) {
            text.push_str(&format!("    {line}\n"));
        }
    }
    text
}

fn fields(message: &MessageDescriptor) -> String {
    let one = |field: FieldDescriptor| {
        let holds = holds(&field.kind());
        let holds = if field.is_list() { format!("[{holds}]") } else { holds };
        format!("\"{}\": {holds}", field.name())
    };
    format!("{{{}}}", message.fields().map(one).collect::<Vec<_>>().join(", "))
}

fn holds(kind: &Kind) -> String {
    match kind {
        Kind::String => "text".to_owned(),
        Kind::Bool => "true or false".to_owned(),
        Kind::Message(of) => match of.full_name() {
            "google.protobuf.Timestamp" => "\"2026-01-31T09:00:00Z\"".to_owned(),
            "google.protobuf.Duration" => "\"3600s\"".to_owned(),
            _ => fields(of),
        },
        Kind::Enum(of) => {
            let names: Vec<String> =
                of.values().filter(|value| value.number() != 0).map(|value| format!("\"{}\"", value.name())).collect();
            names.join(" or ")
        }
        _ => "number".to_owned(),
    }
}

/// What the proto says before a field, in one line.
fn comment(field: &FieldDescriptor) -> String {
    let file = field.parent_file();
    let source = file.file_descriptor_proto().source_code_info.as_ref();
    let found = source.and_then(|source| source.location.iter().find(|one| one.path == field.path()));
    let comment = found.map(|found| found.leading_comments()).unwrap_or_default();
    comment.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn wrapped(text: &str) -> Vec<String> {
    let mut lines = vec![String::new()];
    for part in text.split_inclusive(", ") {
        let last = lines.len() - 1;
        if !lines[last].is_empty() && lines[last].len() + part.trim_end().len() > WIDTH {
            lines[last] = lines[last].trim_end().to_owned();
            lines.push(format!("  {part}"));
        } else {
            lines[last].push_str(part);
        }
    }
    lines
}
