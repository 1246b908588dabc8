//! The page of events: the kinds that the ledger knows, with the fields that its API describes.

use crate::{hold, root};
use ledger_core::event::{Class, Kind};
use ledger_core::features::counting::happening::Happening;
use ledger_core::program::Trigger;
use ledger_core::refusal::Refusal;
use std::collections::BTreeSet;

/// A message of the API: what is said of it, and its fields with their types and what is said of them.
struct Message {
    name: String,
    about: String,
    fields: Vec<(String, String, String)>,
}

/// Reads the messages of a .proto file. Comments stand above what they describe.
fn messages(text: &str) -> Vec<Message> {
    let mut messages: Vec<Message> = Vec::new();
    let mut said = String::new();
    let mut within = false;
    for line in text.lines() {
        // Messages stand at the margin, and end there.
        within = line != "}" && (within || ["message ", "enum "].iter().any(|word| line.starts_with(word)));
        let line = line.trim();
        if let Some(comment) = line.strip_prefix("//") {
            said += comment;
            continue;
        }
        if let Some(name) = line.strip_prefix("message ").or_else(|| line.strip_prefix("enum ")) {
            let name = name.split(' ').next().unwrap_or_default().to_string();
            messages.push(Message { name, about: said.trim().into(), fields: Vec::new() });
        } else if let (true, Some((front, _)), Some(message)) = (within, line.split_once(" = "), messages.last_mut()) {
            let (kind, name) = front.rsplit_once(' ').unwrap_or(("", front));
            message.fields.push((name.into(), kind.into(), said.trim().into()));
        }
        said.clear();
    }
    messages
}

fn table(message: &Message) -> String {
    if message.fields.is_empty() {
        return "It has no fields.\n".into();
    }
    let mut text = "| field | type | what it says |\n|---|---|---|\n".to_string();
    for (name, kind, said) in &message.fields {
        let kind = if kind.is_empty() { "value" } else { kind };
        text += &format!("| `{name}` | {} | {said} |\n", kind.replace("google.protobuf.", ""));
    }
    text
}

#[test]
fn events_have_a_page() {
    let read = |name: &str| std::fs::read_to_string(root().join("proto").join(name)).expect("the API is there");
    let proto = read("ledger/v1/event.proto");
    let imported = proto.lines().filter_map(|line| line.strip_prefix("import \"")?.strip_suffix("\";"));
    let own = imported.filter(|name| name.starts_with("ledger/")).map(read).collect::<String>();
    let text = proto + &own;
    let messages = messages(&text);
    let named = |name: &str| messages.iter().find(|message| message.name == name);
    let envelope = named("Event").expect("the envelope");
    let bodies: Vec<_> = envelope.fields.iter().filter(|(_, kind, _)| named(kind).is_some()).collect();
    let text = String::from(
        "# Events\n\n<!-- Made from the code by `make reference`. -->\n\n\
         Facts have happened and are recorded whatever the balance, unless a wallet of the program forbids debt.\n\
         Commands may be refused. Controls change the ledger itself, or who is who in it. Refusals are explained\n\
         in [refusals.md](refusals.md); each kind names those that are its own. Beside them any event may be\n\
         refused with ID_REUSED or EVENT_QUARANTINED, and one of a member with NO_PROGRAM, IN_THE_FUTURE and LEDGER_FULL, or where the\n\
         member is at a limit of the ledger (MEMBER_LIMIT_REACHED, TOO_MANY_LOTS); commands and controls of a member with\n\
         MEMBER_UNKNOWN and MEMBER_CLOSED; commands with RISK_DENIED.\n\n\
         In JSON an event is one object: the fields of every event, and one of the kinds below with its own,\n\n\
         ```json\n{JSON}\n```\n\n\
         as every tool of protobuf writes it. Names may be spelled `occurred_at` or `occurredAt`; 64-bit integers\n\
         may be numbers or texts (`19990`, `\"19990\"`), enums names or numbers; a Timestamp is RFC 3339 with any\n\
         offset (`2026-01-10T13:00:00+01:00`), a Duration seconds (`\"3600s\"`); null is as good as left out.\n\
         Unknown names, names that come twice and fractions of money or points are faults, told with the path of the field.\n\n\
         Names (of sources, events, members, staff, orders, goods, holds, wallets and all else but reasons and notes)\n\
         are put into one form before they are compared, hashed or sealed: Unicode NFC, no blanks at the ends, one\n\
         space for any other blank within. What cannot be seen (zero widths, marks of direction, joiners, selectors)\n\
         and control characters are faults. Letters of several scripts that look alike are not the same.\n\n\
         ## Every event\n\n",
    );
    let text_of_one = r#"{"source": "till-1", "id": "a-1", "occurred_at": "2026-01-10T12:00:00Z", "member": "M1",
 "purchase": {"order": "P1", "currency": "EUR", "lines": [{"sku": "tea", "quantity": 1, "net": 19990}]}}"#;
    let mut text = text.replace("{JSON}", text_of_one);
    let own = envelope.fields.iter().filter(|field| !bodies.contains(field)).cloned().collect();
    text += &table(&Message { name: String::new(), about: String::new(), fields: own });
    let mut told: BTreeSet<&str> = BTreeSet::from(["Event"]);
    for kind in Kind::ALL {
        let (_, message, _) =
            bodies.iter().find(|(name, ..)| name == kind.name()).unwrap_or_else(|| panic!("{kind} is in the API"));
        let message = named(message).expect("it is named");
        let class = match kind.class() {
            Class::Fact => "Fact",
            Class::Command => "Command",
            Class::Control => "Control",
        };
        let counted = if kind.is_countable() { "" } else { " Counters cannot count it." };
        let nobody = if kind.has_member() { "" } else { " It names no member." };
        text += &format!("\n## `{kind}`\n\n{class}. {}{nobody}{counted}\n\n{}", message.about, table(message));
        told.insert(&message.name);
    }
    assert_eq!(bodies.len(), Kind::ALL.len(), "every body of the API is a kind of the ledger");
    text += "\n# Parts of events\n";
    for message in messages.iter().filter(|message| !told.contains(message.name.as_str())) {
        text += &format!("\n## `{}`\n\n{}\n\n{}", message.name, message.about, table(message));
    }
    let lists = [
        ("What rules wait for", Trigger::all().map(Trigger::name).collect::<Vec<_>>()),
        ("What counters count", Happening::all().map(Happening::name).collect()),
    ];
    text += "\n# Lists of events\n";
    for (title, words) in lists {
        let words: Vec<String> = words.into_iter().map(|word| format!("`\"{word}\"`")).collect();
        text += &format!("\n## {title}\n\n{}\n", words.join(", "));
    }
    hold("events.md", &text);
}

#[test]
fn every_refusal_is_named_where_it_may_come() {
    let proto = std::fs::read_to_string(root().join("proto/ledger/v1/event.proto")).expect("the API is there");
    let is_of_a_name = |c: char| c.is_ascii_uppercase() || c == '_';
    let comments = proto.lines().filter(|line| line.trim_start().starts_with("//"));
    let words = comments.flat_map(|line| line.split(|c| !is_of_a_name(c))).filter(|word| word.contains('_'));
    let named: BTreeSet<&str> = words.filter(|word| word.len() > 1 && !word.starts_with("ADJUSTMENT_")).collect();
    let known: BTreeSet<&str> = Refusal::ALL.iter().map(|refusal| refusal.reason()).collect();
    let unknown: Vec<_> = named.difference(&known).collect();
    assert!(unknown.is_empty(), "event.proto names refusals that are none: {unknown:?}");
    let untold: Vec<_> = known.difference(&named).collect();
    assert!(untold.is_empty(), "event.proto does not say what may be refused with {untold:?}");
}
