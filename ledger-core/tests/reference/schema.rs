//! The JSON Schema of program files, for editors that complete and check them.

use crate::{form_of, hold, root, words};
use ledger_core::kernel::words::{Absent, Form, Takes, Word};
use ledger_core::program_file::PROGRAM;
use serde_json::{Map, Value, json};
use std::fs;
use toml::de::{DeTable, DeValue};

/// Letters and figures of a new name.
const ID: &str = "^[a-z0-9_-]+$";

fn takes(takes: &Takes) -> Value {
    match takes {
        Takes::Id => json!({ "type": "string", "pattern": ID, "maxLength": 128 }),
        Takes::Name(_) => json!({ "type": "string" }),
        Takes::Text(least, most) => {
            json!({ "type": "string", "minLength": usize::from(*least > 0), "maxLength": most })
        }
        Takes::Shape(pattern, what) => json!({ "type": "string", "pattern": pattern, "description": what }),
        Takes::Integer(least, most, _) => json!({ "type": "integer", "minimum": least, "maximum": most }),
        Takes::Flag => json!({ "type": "boolean" }),
        Takes::True => json!({ "const": true }),
        Takes::OneOf(words) | Takes::OneOfThe(_, words) => json!({ "enum": words() }),
        Takes::Money(_) => json!({ "type": "string", "pattern": "^[0-9]+(\\.[0-9]{1,4})?$" }),
        Takes::Duration(..) => json!({ "type": "string", "pattern": "^[0-9]+[mhd]$" }),
        Takes::Days(..) => json!({ "type": "string", "pattern": "^[0-9]+d$" }),
        Takes::Percent(..) => json!({ "type": "string", "pattern": "^[0-9]{1,3}%$" }),
        Takes::Rate(..) => json!({ "type": "string", "pattern": "^[0-9]+(\\.[0-9]{1,2})?%$" }),
        Takes::List(entry, least, most) => {
            json!({ "type": "array", "items": self::takes(entry), "minItems": least, "maxItems": most })
        }
        Takes::Table(form) => self::form(form),
        Takes::Tables(form, most) => json!({ "type": "array", "items": self::form(form), "maxItems": most }),
        Takes::Either(ways) => json!({ "anyOf": ways.iter().map(self::takes).collect::<Vec<_>>() }),
    }
}

/// The value of a TOML literal that stands for an absent word.
fn literal(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{text} is no literal: {error}"))
}

fn word(word: &Word) -> Value {
    let mut schema = takes(&word.takes);
    let fields = schema.as_object_mut().expect("a schema is an object");
    fields.insert("description".into(), word.meaning.into());
    if let Absent::Same(value) = word.absent {
        fields.insert("default".into(), literal(value));
    }
    schema
}

fn form(form: &Form) -> Value {
    let properties: Map<String, Value> = form.words.iter().map(|one| (one.name.into(), word(one))).collect();
    let needed = form.words.iter().filter(|word| matches!(word.absent, Absent::Refused));
    let needed: Vec<&str> = needed.map(|word| word.name).collect();
    json!({ "type": "object", "properties": properties, "required": needed, "additionalProperties": false })
}

fn schema() -> Value {
    let mut schema = form(&PROGRAM);
    let fields = schema.as_object_mut().expect("a schema is an object");
    fields.insert("$schema".into(), "https://json-schema.org/draft/2020-12/schema".into());
    fields.insert("title".into(), "A program of the points ledger".into());
    schema
}

#[test]
fn program_files_have_a_schema() {
    hold("program.schema.json", &(serde_json::to_string_pretty(&schema()).expect("it is JSON") + "\n"));
}

/// A program as an editor hands it to the schema.
fn as_json(text: &str) -> Value {
    fn table(table: &DeTable<'_>) -> Value {
        table.iter().map(|(key, one)| (key.get_ref().to_string(), value(one.get_ref()))).collect::<Map<_, _>>().into()
    }
    fn value(one: &DeValue<'_>) -> Value {
        match one {
            DeValue::String(text) => text.to_string().into(),
            DeValue::Integer(number) => {
                i64::from_str_radix(number.as_str(), number.radix()).expect("it fits 64 bits").into()
            }
            DeValue::Boolean(flag) => (*flag).into(),
            DeValue::Array(array) => array.iter().map(|one| value(one.get_ref())).collect::<Vec<_>>().into(),
            DeValue::Table(inner) => table(inner),
            other => panic!("{other:?} stands in no program"),
        }
    }
    table(DeTable::parse(text).expect("it is TOML").get_ref())
}

fn validator() -> jsonschema::Validator {
    let schema = schema();
    jsonschema::meta::validate(&schema).expect("it is a JSON Schema");
    jsonschema::draft202012::new(&schema).expect("it is a schema of 2020-12")
}

#[test]
fn every_program_keeps_to_the_schema() {
    let validator = validator();
    let mut texts: Vec<(String, String)> = Vec::new();
    for directory in ["programs", "ledger-core/tests/stories"] {
        for entry in fs::read_dir(root().join(directory)).expect("programs are there") {
            let path = entry.expect("a readable entry").path();
            if path.extension().is_some_and(|ending| ending == "toml") {
                texts.push((path.display().to_string(), fs::read_to_string(&path).expect("a readable file")));
            }
        }
    }
    let sections = PROGRAM.words.iter().filter_map(|word| Some((word.name.into(), form_of(word)?.example.into())));
    texts.extend(sections);
    texts.extend(words::all().map(|(path, form, word)| (path, words::program(form, word.example))));
    assert!(texts.len() > 230, "{} programs", texts.len());
    for (name, text) in texts {
        let found: Vec<String> = validator.iter_errors(&as_json(&text)).map(|error| error.to_string()).collect();
        assert!(found.is_empty(), "{name}: {found:#?}\n{text}");
    }
}

#[test]
fn what_is_mistyped_breaks_the_schema() {
    let validator = validator();
    let head = "id = \"t\"\ntimezone = \"UTC\"\ncurrency = \"EUR\"\n[[wallet]]\nid = \"points\"\n";
    let rule = |rest: &str| format!("{head}[[earn]]\nid = \"a\"\non = \"purchase\"\n{rest}\n");
    assert!(validator.is_valid(&as_json(&rule("fixed = 5"))));
    for wrong in [
        "fixd = 5",
        "fixed = \"5\"",
        "fixed = -1",
        "fixed = 5\nbase = \"brutto\"",
        "fixed = 5\nwhen = { weekday = [\"monday\"] }",
        "fixed = 5\nwhen = { first = false }",
        "fixed = 5\nlimit = { times = 1 }",
        "fixed = 5\n[[earm]]\nid = \"b\"",
    ] {
        assert!(!validator.is_valid(&as_json(&rule(wrong))), "{wrong}");
    }
    assert!(!validator.is_valid(&as_json("id = \"t\"")));
}
