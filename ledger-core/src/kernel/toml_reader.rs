//! Reads TOML into typed values: every fault with its line, its field and what to write instead.
//!
//! A [`Section`] is one table on its way in. It hands out the words that its [`Form`] describes, notes what is
//! missing, mistyped or out of range, and at its end complains about fields nobody asked for.

use crate::kernel::amounts::close;
use crate::kernel::fault::{FAULTS_MAX, Fault};
use crate::kernel::fields::NAME_BYTES_MAX;
use crate::kernel::units::TermNo;
use crate::kernel::words::{Absent, Form, RULES_MAX, Takes};
use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use toml::de::{DeTable, DeValue};

/// A file on its way in. However it is written, reading it takes a time that grows with its length and little more.
pub(crate) struct Reading<'a> {
    /// Where its lines end.
    lines: Vec<usize>,
    terms: &'a mut Vec<Box<str>>,
    /// Where each of them is.
    places: BTreeMap<Box<str>, usize>,
    /// The names that it declares, and in which section each.
    ids: BTreeMap<TermNo, Box<str>>,
    /// The one that was declared last.
    last_id: Option<TermNo>,
    /// A name that nothing may have, and why.
    reserved: (&'static str, &'static str),
    /// Decimal digits of the file's money.
    pub(crate) digits: i64,
    mentions: Vec<Mention>,
    faults: Vec<Fault>,
    /// How many faults there are beside these.
    more: usize,
    warnings: Vec<Fault>,
}

/// Something that a file declares.
#[derive(Clone, Copy)]
pub(crate) struct Declared {
    /// The section that declares it.
    pub(crate) section: &'static str,
    /// What it is called.
    pub(crate) called: &'static str,
    /// Whether it stands above what names it, in the same section.
    pub(crate) above: bool,
}

/// Most names that are told of what there is.
const NAMES_TOLD: usize = 12;

/// A name that stands in the file before what it names.
struct Mention {
    kind: &'static str,
    term: TermNo,
    word: String,
    at: usize,
    field: String,
}

/// A table on its way in.
pub(crate) struct Section<'t> {
    pub(crate) table: &'t DeTable<'t>,
    pub(crate) path: String,
    pub(crate) at: usize,
    form: &'static Form,
    used: Vec<&'static str>,
}

/// Reads a text by its form. What `read` gives counts only if there is no fault; the warnings come beside it.
///
/// # Errors
/// The faults of the file, in order of lines: at most [`FAULTS_MAX`], and behind them how many more there are.
pub(crate) fn read<T>(
    text: &str,
    terms: &mut Vec<Box<str>>,
    reserved: (&'static str, &'static str),
    form: &'static Form,
    read: impl FnOnce(&mut Reading<'_>, Section<'_>) -> Option<T>,
) -> Result<(T, Vec<Fault>), Vec<Fault>> {
    let (root, errors) = DeTable::parse_recoverable(text);
    let lines = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(at, _)| at).collect();
    let places = terms.iter().enumerate().rev().map(|(at, word)| (word.clone(), at)).collect();
    let (ids, last_id) = (BTreeMap::new(), None);
    let (mentions, faults, warnings) = (Vec::new(), Vec::new(), Vec::new());
    let (digits, more) = (2, 0);
    let mut reading =
        Reading { lines, terms, places, ids, last_id, reserved, digits, mentions, faults, more, warnings };
    for error in errors {
        let at = error.span().map_or(0, |span| span.start);
        reading.fault(at, "file", error.message().to_string());
    }
    if !reading.faults.is_empty() {
        return Err(reading.told());
    }
    let read = read(&mut reading, Section::new(root.get_ref(), String::new(), 0, form));
    if reading.terms.len() >= usize::from(u16::MAX) {
        reading.fault(0, "file", "the ledger's vocabulary is full: use names of earlier versions again".into());
    }
    match read {
        Some(read) if reading.faults.is_empty() => Ok((read, reading.warnings)),
        _ => Err(reading.told()),
    }
}

impl Reading<'_> {
    pub(crate) fn fault(&mut self, at: usize, field: &str, problem: String) {
        if self.faults.len() >= FAULTS_MAX {
            self.more = self.more.saturating_add(1);
            return;
        }
        let fault = self.found(at, field, problem);
        self.faults.push(fault);
    }

    pub(crate) fn warn(&mut self, at: usize, field: &str, problem: String) {
        if self.warnings.len() < FAULTS_MAX {
            let fault = self.found(at, field, problem);
            self.warnings.push(fault);
        }
    }

    fn found(&self, at: usize, field: &str, problem: String) -> Fault {
        Fault { line: self.line_of(at), field: field.into(), problem }
    }

    fn line_of(&self, at: usize) -> u32 {
        let lines = self.lines.partition_point(|end| *end < at);
        u32::try_from(lines).unwrap_or(u32::MAX).saturating_add(1)
    }

    /// The faults in order of lines, and how many more there are.
    fn told(self) -> Vec<Fault> {
        let (mut faults, last) = (self.faults, u32::try_from(self.lines.len()).unwrap_or(u32::MAX).saturating_add(1));
        faults.sort_by_key(|fault| fault.line);
        if self.more > 0 {
            let problem = format!("has {} more faults; mend these first", self.more);
            faults.push(Fault { line: last, field: "file".into(), problem });
        }
        faults
    }

    /// Complains about a field of a section, where it stands.
    pub(crate) fn object(&mut self, section: &Section<'_>, key: &str, problem: impl Into<String>) {
        self.fault(section.place(key), &section.field(key), problem.into());
    }

    /// Complains about a field that takes something of another kind, and shows how it is written.
    pub(crate) fn mistyped(&mut self, section: &Section<'_>, key: &str, at: usize, problem: &str) {
        let is_own = |line: &&str| line.strip_prefix(key).is_some_and(|rest| rest.starts_with([' ', '=']));
        let example = section.form.word(key).and_then(|word| word.example.lines().find(is_own));
        let header = section.path.is_empty();
        let problem = match example {
            Some(example) => format!("{problem}; write {example}"),
            None if header => format!("{problem}; write [{key}]"),
            None => problem.to_string(),
        };
        self.fault(at, &section.field(key), problem);
    }

    /// Complains about a word that must be there because of what else is said, and is not.
    pub(crate) fn require(&mut self, section: &Section<'_>, key: &str) {
        if !section.has(key) {
            self.fault(section.at, &section.field(key), "is missing".into());
        }
    }

    // Names.

    pub(crate) fn term(&mut self, word: &str) -> TermNo {
        let at = self.places.get(word).copied().unwrap_or_else(|| {
            self.places.insert(word.into(), self.terms.len());
            self.terms.push(word.into());
            self.terms.len().saturating_sub(1)
        });
        TermNo(u16::try_from(at.saturating_add(1)).unwrap_or(u16::MAX))
    }

    pub(crate) fn word_of(&self, term: TermNo) -> Option<&str> {
        self.terms.get(usize::from(term.0).checked_sub(1)?).map(|word| &**word)
    }

    /// The name of a counter that belongs to something with a name.
    pub(crate) fn counter_of(&mut self, of: Option<TermNo>, what: &str) -> Option<TermNo> {
        let name = format!("{}.{what}", self.word_of(of?)?);
        Some(self.term(&name))
    }

    /// A new name, which nothing else in the file may have.
    pub(crate) fn id(&mut self, section: &mut Section<'_>) -> Option<TermNo> {
        let key = "id";
        let (name, at) = self.text_of(section, key)?;
        let field = section.field(key);
        let fine = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_' || c == '-';
        if name.is_empty() || name.len() > NAME_BYTES_MAX || !name.chars().all(fine) {
            self.fault(at, &field, format!("{name:?} is no name; use a-z, 0-9, _ and -"));
            return None;
        }
        let (reserved, why) = self.reserved;
        if name == reserved {
            self.fault(at, &field, format!("{reserved:?} is {why}; choose another name"));
            return None;
        }
        let term = self.term(&name);
        if self.ids.contains_key(&term) {
            self.fault(at, &field, format!("{name:?} is used twice; every id must be unique in the file"));
            return None;
        }
        self.ids.insert(term, section.path.split('[').next().unwrap_or_default().into());
        self.last_id = Some(term);
        Some(term)
    }

    /// Complains about a name of nothing that the file declares in this section, and says which there are. What is
    /// declared with a fault of its own has been complained about.
    pub(crate) fn unknown(&mut self, at: usize, field: &str, kind: Declared, name: &str) {
        let Declared { section, called, above } = kind;
        let term = self.term(name);
        let naming = self.last_id.filter(|_| above);
        let is_own = |of: &str, term: TermNo| of == section && Some(term) != naming;
        if self.ids.get(&term).is_some_and(|of| is_own(of, term)) {
            return;
        }
        if self.faults.len() >= FAULTS_MAX {
            self.more = self.more.saturating_add(1);
            return;
        }
        let own = self.ids.iter().filter(|(term, of)| is_own(of, **term));
        let known = own.filter_map(|(term, _)| self.word_of(*term)).take(NAMES_TOLD);
        let known = known.map(|word| format!("{word:?}")).collect::<Vec<_>>().join(", ");
        let mend = if above { "put that above".to_string() } else { format!("add [[{section}]] with this id") };
        let hint = if known.is_empty() { mend } else { format!("write one of {known}, or {mend}") };
        self.fault(at, field, format!("no {called} is called {name:?}; {hint}"));
    }

    /// Notes a name of something that may stand further down in the file.
    pub(crate) fn mention(&mut self, kind: &'static str, word: &str, at: usize, field: String) -> TermNo {
        let term = self.term(word);
        self.mentions.push(Mention { kind, term, word: word.into(), at, field });
        term
    }

    /// Whether something of this kind and name was mentioned.
    pub(crate) fn is_mentioned(&self, kind: &str, term: TermNo) -> bool {
        self.mentions.iter().any(|mention| mention.kind == kind && mention.term == term)
    }

    /// Complains about what was mentioned of this kind and is not there.
    pub(crate) fn check_mentions(&mut self, kind: Declared, is_there: impl Fn(TermNo) -> bool) {
        let is_its = |mention: &Mention| mention.kind == kind.section;
        let (its, others): (Vec<Mention>, _) = core::mem::take(&mut self.mentions).into_iter().partition(is_its);
        self.mentions = others;
        for Mention { term, word, at, field, .. } in its {
            if !is_there(term) {
                self.unknown(at, &field, kind, &word);
            }
        }
    }

    // Fields of one section.

    pub(crate) fn value<'t>(
        &mut self,
        section: &mut Section<'t>,
        key: &'static str,
    ) -> Option<(&'t DeValue<'t>, usize)> {
        if !section.used.contains(&key) {
            section.used.push(key);
        }
        let found = section.table.get(key).map(|value| (value.get_ref(), value.span().start));
        match section.form.word(key).map(|word| &word.absent) {
            None => self.fault(section.at, &section.field(key), "is read and not described".into()),
            Some(Absent::Refused) if found.is_none() => {
                let problem = match section.form.word(key).map(|word| (&word.takes, word.example)) {
                    Some((Takes::Table(_), example)) => format!("is missing; write {example}"),
                    Some((Takes::Tables(..), example)) => format!("is missing; add [[{key}]] with {example}"),
                    _ => "is missing".into(),
                };
                self.fault(section.at, &section.field(key), problem);
            }
            Some(_) => {}
        }
        found
    }

    /// The part of what a word takes that is read now.
    pub(crate) fn takes<T>(
        &mut self,
        section: &Section<'_>,
        key: &str,
        pick: impl Fn(&'static Takes) -> Option<T>,
    ) -> Option<T> {
        let picked = match section.takes(key)? {
            Takes::Either(ways) => ways.iter().find_map(pick),
            one => pick(one),
        };
        if picked.is_none() {
            self.object(section, key, "is read as something else than it is described as");
        }
        picked
    }

    pub(crate) fn table<'t>(&mut self, section: &mut Section<'t>, key: &'static str) -> Option<Section<'t>> {
        let (value, at) = self.value(section, key)?;
        let form = self.takes(section, key, |takes| match takes {
            Takes::Table(form) => Some(*form),
            _ => None,
        })?;
        match value.as_table() {
            Some(table) => Some(Section::new(table, section.field(key), at, form)),
            None => {
                self.mistyped(section, key, at, "must be a table");
                None
            }
        }
    }

    pub(crate) fn sections<'t>(&mut self, section: &mut Section<'t>, key: &'static str) -> Vec<Section<'t>> {
        let Some((value, at)) = self.value(section, key) else { return Vec::new() };
        let taken = self.takes(section, key, |takes| match takes {
            Takes::Tables(form, most) => Some((*form, *most)),
            _ => None,
        });
        let (Some(array), Some((form, most))) = (value.as_array(), taken) else {
            match section.path.is_empty() {
                true => self.fault(at, &section.field(key), format!("must be a list of tables: [[{key}]]")),
                false => self.mistyped(section, key, at, "must be a list of tables: [{ … }]"),
            }
            return Vec::new();
        };
        let path = section.field(key);
        if array.len() > most {
            self.fault(at, &path, format!("has {} entries; at most {most} are allowed", array.len()));
        }
        let mut sections = Vec::new();
        for (n, item) in array.iter().take(RULES_MAX).enumerate() {
            match item.get_ref().as_table() {
                Some(table) => sections.push(Section::new(table, format!("{path}[{n}]"), item.span().start, form)),
                None => self.fault(item.span().start, &format!("{path}[{n}]"), "must be a table".into()),
            }
        }
        sections
    }

    /// One table or a list of them.
    pub(crate) fn tables<'t>(&mut self, section: &mut Section<'t>, key: &'static str) -> Vec<Section<'t>> {
        match section.is_table(key) {
            true => self.table(section, key).into_iter().collect(),
            false => self.sections(section, key),
        }
    }

    /// Complains about fields nobody asked for.
    pub(crate) fn end(&mut self, section: &Section<'_>) {
        for (key, _) in section.table.iter() {
            let name: &str = key.get_ref();
            if section.used.contains(&name) {
                continue;
            }
            if self.faults.len() >= FAULTS_MAX {
                self.more = self.more.saturating_add(1);
                continue;
            }
            let hint = match section.used.iter().find(|known| close(known, name)) {
                Some(known) => format!("; did you mean {known:?}?"),
                // It is a word of the table, but not beside what else is said.
                None if section.form.word(name).is_some() => String::new(),
                None => format!("; write one of {}", section.readable().join(", ")),
            };
            self.fault(key.span().start, &section.field(name), format!("is not a field here{hint}"));
        }
    }
}

impl<'t> Section<'t> {
    fn new(table: &'t DeTable<'t>, path: String, at: usize, form: &'static Form) -> Section<'t> {
        Section { table, path, at, form, used: Vec::new() }
    }

    /// Whether a field is there.
    pub(crate) fn has(&self, key: &str) -> bool {
        self.table.contains_key(key)
    }

    /// What a field takes.
    pub(crate) fn takes(&self, key: &str) -> Option<&'static Takes> {
        self.form.word(key).map(|word| &word.takes)
    }

    /// Whether a field must be there.
    pub(crate) fn must(&self, key: &str) -> bool {
        self.form.word(key).is_some_and(|word| matches!(word.absent, Absent::Refused))
    }

    /// The text of a field, if it is one.
    pub(crate) fn text(&self, key: &str) -> Option<&'t str> {
        self.table.get(key)?.get_ref().as_str()
    }

    /// Whether a field is a table.
    pub(crate) fn is_table(&self, key: &str) -> bool {
        self.table.get(key).is_some_and(|value| value.get_ref().is_table())
    }

    /// The words that may stand here, beside what else is said.
    fn readable(&self) -> Vec<&'static str> {
        self.form.words.iter().map(|word| word.name).filter(|name| self.used.contains(name)).collect()
    }

    /// Lets these words stand, though they are not read.
    pub(crate) fn pass_over(&mut self, keys: &[&'static str]) {
        self.used.extend(keys);
    }

    /// Where a field stands; where the section begins, if it is not there.
    pub(crate) fn place(&self, key: &str) -> usize {
        self.table.get(key).map_or(self.at, |value| value.span().start)
    }

    pub(crate) fn field(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_string() } else { format!("{}.{key}", self.path) }
    }
}
