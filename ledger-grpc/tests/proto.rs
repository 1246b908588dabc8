//! The API as others generate code from it.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use ledger_grpc::proto::DESCRIPTORS;
use prost::Message;
use prost_types::{DescriptorProto, FileDescriptorProto, FileDescriptorSet};
use std::collections::BTreeSet;

/// Words that cannot be names in a language, as its description lists them; those that are words only in
/// some places are left out.
const RESERVED: [(&str, &str); 5] = [
    (
        "Go",
        "break case chan const continue default defer else fallthrough for func go goto if import interface map \
         package range return select struct switch type var",
    ),
    (
        "Java",
        "abstract assert boolean break byte case catch char class const continue default do double else enum \
         extends false final finally float for goto if implements import instanceof int interface long native new \
         null package private protected public return short static strictfp super switch synchronized this throw \
         throws transient true try void volatile while",
    ),
    (
        "C#",
        "abstract as base bool break byte case catch char checked class const continue decimal default delegate do \
         double else enum event explicit extern false finally fixed float for foreach goto if implicit in int \
         interface internal is lock long namespace new null object operator out override params private protected \
         public readonly ref return sbyte sealed short sizeof stackalloc static string struct switch this throw \
         true try typeof uint ulong unchecked unsafe ushort using virtual void volatile while",
    ),
    (
        "Python",
        "False None True and as assert async await break class continue def del elif else except finally for from \
         global if import in is lambda nonlocal not or pass raise return try while with yield",
    ),
    (
        "TypeScript",
        "arguments await break case catch class const continue debugger default delete do else enum eval export \
         extends false finally for function if implements import in instanceof interface let new null package \
         private protected public return static super switch this throw true try typeof var void while with yield",
    ),
];

/// Fields that are called so all the same: the languages that reserve the word write the field otherwise
/// (`getVoid` in Java, `Void` and `Event` in C#), or where any word may stand (`event.void` in TypeScript),
/// and Python, which writes a field as it is, reserves neither.
const ALLOWED: [(&str, &str); 2] = [("C#", "event"), ("Java C# TypeScript", "void")];

fn files() -> Vec<FileDescriptorProto> {
    let set = FileDescriptorSet::decode(DESCRIPTORS).expect("descriptors");
    let ours: Vec<_> = set.file.into_iter().filter(|file| file.package() == "ledger.v1").collect();
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../proto/ledger/v1");
    assert_eq!(ours.len(), std::fs::read_dir(folder).expect("the API is there").count());
    ours
}

/// Every field and oneof of a message and of those inside it, by path.
fn names(message: &DescriptorProto, path: &str, found: &mut Vec<(String, String)>) {
    let path = format!("{path}.{}", message.name());
    let fields = message.field.iter().map(|field| field.name());
    for name in fields.chain(message.oneof_decl.iter().map(|oneof| oneof.name())) {
        found.push((path.clone(), name.to_owned()));
    }
    message.nested_type.iter().for_each(|inner| names(inner, &path, found));
}

#[test]
fn no_field_is_a_reserved_word_of_a_language_of_clients() {
    let mut found = Vec::new();
    for file in files() {
        file.message_type.iter().for_each(|message| names(message, file.package(), &mut found));
    }
    assert!(found.len() > 300, "only {} fields found", found.len());
    let mut faults = Vec::new();
    let mut allowed = BTreeSet::new();
    for (language, words) in RESERVED {
        let words: BTreeSet<&str> = words.split_whitespace().collect();
        for (message, field) in found.iter().filter(|(_, field)| words.contains(field.as_str())) {
            match ALLOWED
                .iter()
                .find(|(languages, word)| word == field && languages.split(' ').any(|one| one == language))
            {
                Some(one) => _ = allowed.insert(one),
                None => faults.push(format!("{message}.{field} is a word of {language}")),
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    assert_eq!(allowed.len(), ALLOWED.len(), "an exception that is needed no more");
}

#[test]
fn every_file_says_where_its_code_goes_in_other_languages() {
    for file in files() {
        let options = file.options.clone().unwrap_or_default();
        assert_eq!(options.go_package(), "ledger/v1;ledgerv1");
        assert_eq!(options.java_package(), "ledger.v1");
        assert!(options.java_multiple_files());
        assert_eq!(options.csharp_namespace(), "Ledger.V1");
        // Otherwise a class of the file's own name stands beside its messages, and one is called so.
        let name = file.name().rsplit('/').next().unwrap().trim_end_matches(".proto");
        assert_eq!(options.java_outer_classname().to_lowercase(), format!("{name}proto"));
    }
}
