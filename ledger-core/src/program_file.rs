//! Reads a program file: TOML to typed tables, with every fault and its line.
//!
//! A [`Section`] is one table on its way in. It hands out fields by name, notes what is missing,
//! mistyped or out of range, and at its end complains about fields nobody asked for.

use crate::features::counting::happening::{Happening, Happenings};
use crate::features::risk::change::Action;
use crate::kernel::calendar::Calendar;
use crate::kernel::units::{DAY_MS, Money, TermNo};
use crate::tables::event::{Currency, NAME_BYTES_MAX, RiskKind};
use crate::tables::program::{
    CounterRule, EarnRule, Fault, Inactivity, KeyKind, Ladder, Measure, Program, RULES_MAX, RiskRule, Span, StreakRule,
    Tier, Tiers, Trigger,
};
use alloc::boxed::Box;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use toml::de::{DeTable, DeValue};

pub(crate) const MINUTE_MS: i64 = 60_000;
/// The word for the tier metric.
pub(crate) const SPEND: &str = "spend";
/// Most buckets a counter's window may have.
pub(crate) const BUCKETS_MAX: i64 = 1_000;
pub(crate) const YEARS_100: i64 = 36_500;
/// How many days a purchase can be refunded, unless the program says so.
pub(crate) const REFUND_DAYS: i32 = 400;

pub(crate) struct Reading<'a> {
    pub(crate) text: &'a str,
    pub(crate) terms: &'a mut Vec<Box<str>>,
    pub(crate) ids: Vec<TermNo>,
    /// Tiers that earn rules name, and attributes that they ask for.
    pub(crate) tier_words: Vec<crate::features::earning::program_toml::TierWord>,
    pub(crate) asked: Vec<TermNo>,
    /// Whether the file says what a visit is.
    pub(crate) visits: bool,
    pub(crate) faults: Vec<Fault>,
    pub(crate) warnings: Vec<Fault>,
}

pub(crate) struct Section<'t> {
    pub(crate) table: &'t DeTable<'t>,
    pub(crate) path: String,
    pub(crate) at: usize,
    pub(crate) used: Vec<&'static str>,
}

pub(crate) fn program(text: &str, terms: &mut Vec<Box<str>>) -> Result<Program, Vec<Fault>> {
    let (root, errors) = DeTable::parse_recoverable(text);
    let mut reading = Reading {
        text,
        terms,
        ids: Vec::new(),
        tier_words: Vec::new(),
        asked: Vec::new(),
        visits: false,
        faults: Vec::new(),
        warnings: Vec::new(),
    };
    for error in errors {
        let at = error.span().map_or(0, |span| span.start);
        reading.fault(at, "file", error.message().to_string());
    }
    if !reading.faults.is_empty() {
        reading.faults.sort_by_key(|fault| fault.line);
        return Err(reading.faults);
    }
    let root = Section { table: root.get_ref(), path: String::new(), at: 0, used: Vec::new() };
    let program = reading.whole(root);
    if reading.terms.len() >= usize::from(u16::MAX) {
        reading.fault(0, "file", "the ledger's vocabulary is full: use names of earlier versions again".into());
    }
    reading.faults.sort_by_key(|fault| fault.line);
    match program {
        Some(program) if reading.faults.is_empty() => Ok(program),
        _ => Err(reading.faults),
    }
}

impl Reading<'_> {
    pub(crate) fn fault(&mut self, at: usize, field: &str, problem: String) {
        let fault = self.found(at, field, problem);
        self.faults.push(fault);
    }

    pub(crate) fn warn(&mut self, at: usize, field: &str, problem: String) {
        let fault = self.found(at, field, problem);
        self.warnings.push(fault);
    }

    pub(crate) fn found(&self, at: usize, field: &str, problem: String) -> Fault {
        let before = self.text.as_bytes().get(..at).unwrap_or_default();
        let lines = before.iter().filter(|byte| **byte == b'\n').count();
        Fault { line: u32::try_from(lines).unwrap_or(u32::MAX).saturating_add(1), field: field.into(), problem }
    }

    pub(crate) fn term(&mut self, word: &str) -> TermNo {
        let at = self.terms.iter().position(|known| &**known == word).unwrap_or_else(|| {
            self.terms.push(word.into());
            self.terms.len().saturating_sub(1)
        });
        TermNo(u16::try_from(at.saturating_add(1)).unwrap_or(u16::MAX))
    }

    /// A new name, which nothing else in the file may have.
    pub(crate) fn id(&mut self, section: &mut Section<'_>, key: &'static str) -> Option<TermNo> {
        let (name, at) = self.text_of(section, key, true)?;
        let field = section.field(key);
        let fine = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_' || c == '-';
        if name.is_empty() || name.len() > NAME_BYTES_MAX || !name.chars().all(fine) {
            self.fault(at, &field, format!("{name:?} is no name; use a-z, 0-9, _ and -"));
            return None;
        }
        if name == SPEND {
            self.fault(at, &field, format!("{SPEND:?} is what tiers measure; choose another name"));
            return None;
        }
        let term = self.term(&name);
        if self.ids.contains(&term) {
            self.fault(at, &field, format!("{name:?} is used twice; every id must be unique in the file"));
            return None;
        }
        self.ids.push(term);
        Some(term)
    }

    pub(crate) fn whole(&mut self, mut root: Section<'_>) -> Option<Program> {
        let id = self.text_of(&mut root, "id", true).map(|(id, _)| id.into_boxed_str());
        let calendar = self.text_of(&mut root, "timezone", true).and_then(|(zone, at)| {
            let calendar = Calendar::new(&zone);
            if calendar.is_none() {
                self.fault(at, "timezone", format!("{zone:?} is no IANA time zone; write one such as Europe/Berlin"));
            }
            calendar
        });
        let currency = self.text_of(&mut root, "currency", true).and_then(|(code, at)| {
            let currency = Currency::read(&code);
            if currency.is_none() {
                self.fault(at, "currency", format!("{code:?} is no currency; write three capitals such as EUR"));
            }
            currency
        });
        let digits = self.int(&mut root, "minor_digits", 0, 4, false).map_or(2, |(digits, _)| digits);
        let future_ms = self.duration_ms(&mut root, "future_tolerance", false).map_or(DAY_MS, |(ms, _)| ms);
        let attributes = self.attributes(&mut root);
        let mut wallets = self.wallets(&mut root, digits);
        self.redeem(&mut root, digits, &mut wallets);
        self.transfer(&mut root, &mut wallets);
        let conversions = self.conversions(&mut root, &wallets);
        let exchanges = self.exchanges(&mut root, &wallets);
        let household = self.household(&mut root, &wallets);
        let (refund_days, refund_reopens) = self.refund(&mut root);
        let approvals = self.approvals(&mut root);
        let visit_gap_ms = self.visit(&mut root);
        let campaigns = self.campaigns(&mut root, &wallets);
        let funds = self.funds(&mut root, &wallets);
        let items = self.items(&mut root, &wallets);
        let mut earn = self.earn(&mut root, digits, &wallets, &attributes, (&campaigns, &funds));
        let is_shared = |rule: &&EarnRule| household.is_some_and(|shared| shared.wallet == rule.wallet);
        if earn.iter().filter(is_shared).any(|rule| rule.pending.is_some()) {
            let problem = "shares points that a rule lets wait before they can be spent: share others";
            self.fault(0, "household.wallet", problem.into());
        }
        self.check_visits(&root, &earn);
        let inactivity = self.inactivity(&mut root);
        let tiers = self.tiers(&mut root, digits, &attributes);
        self.check_tier_words(tiers.as_ref().map_or(&[], |tiers| tiers.ranks.as_slice()));
        let ranks: Vec<TermNo> = tiers.iter().flat_map(|tiers| tiers.ranks.iter().map(|tier| tier.id)).collect();
        let streaks = self.streaks(&mut root, &ranks);
        let ladders = self.ladders(&mut root, ranks.len());
        let counters = self.counters(&mut root);
        let risks = self.risks(&mut root, &counters);
        if inactivity.is_none()
            && let Some(rule) = earn.iter().position(|rule| rule.on == Trigger::Inactive)
        {
            self.fault(0, &format!("earn[{rule}].on"), "waits for inactivity; add [inactivity] with `after`".into());
        }
        self.end(&root);
        earn.sort_by_key(|rule| rule.on);
        let mut wallets = wallets.into_iter();
        Some(Program {
            id: id?,
            calendar: calendar?,
            currency: currency?,
            minor_digits: u32::try_from(digits).unwrap_or(2),
            wallet: wallets.next()?,
            more_wallets: wallets.collect(),
            refund_days,
            refund_reopens,
            visit_gap_ms,
            earn,
            campaigns,
            funds,
            items,
            inactivity,
            conversions,
            exchanges,
            household,
            streaks,
            ladders,
            tiers,
            approvals,
            attributes: attributes.into_iter().map(|(term, _)| term).collect(),
            counters,
            risks,
            future_ms,
            warnings: core::mem::take(&mut self.warnings),
        })
    }

    pub(crate) fn attributes(&mut self, root: &mut Section<'_>) -> Vec<(TermNo, usize)> {
        let words = self.words(root, "attributes", false);
        if let Some((_, at)) = words.get(RULES_MAX) {
            let problem = format!("has {} entries; at most {RULES_MAX} are allowed", words.len());
            self.fault(*at, "attributes", problem);
        }
        words.into_iter().map(|(word, at)| (self.term(&word), at)).collect()
    }

    pub(crate) fn refund(&mut self, root: &mut Section<'_>) -> (i32, bool) {
        let Some(mut section) = self.table(root, "refund") else { return (REFUND_DAYS, false) };
        let horizon = self.days(&mut section, "horizon", false);
        let reopens = self.flag(&mut section, "reopens_limits");
        self.end(&section);
        (horizon.unwrap_or(REFUND_DAYS), reopens)
    }

    pub(crate) fn inactivity(&mut self, root: &mut Section<'_>) -> Option<Inactivity> {
        let mut section = self.table(root, "inactivity")?;
        let days = self.days(&mut section, "after", true);
        let activity = self.kinds(&mut section, "activity");
        self.end(&section);
        Some(Inactivity { days: days?, activity })
    }

    pub(crate) fn tiers(
        &mut self,
        root: &mut Section<'_>,
        digits: i64,
        attributes: &[(TermNo, usize)],
    ) -> Option<Tiers> {
        let sections = self.sections(root, "tier");
        let table = self.table(root, "tiers");
        let mut used = core::mem::take(&mut self.asked);
        let mut ranks: Vec<Tier> = Vec::new();
        for (rank, mut section) in sections.into_iter().enumerate() {
            let id = self.id(&mut section, "id");
            let at_least = self.money(&mut section, "at_least", digits, false);
            let more_than = self.money(&mut section, "more_than", digits, false);
            let least = match (at_least, more_than) {
                (None, None) if rank == 0 => 0,
                (Some((money, _)), None) => money.0,
                (None, Some((money, _))) => money.0.saturating_add(1),
                _ => {
                    let field = section.field("at_least");
                    self.fault(section.at, &field, "needs one of `at_least` or `more_than`".into());
                    0
                }
            };
            if rank == 0 && least != 0 {
                let field = section.field("at_least");
                self.fault(section.at, &field, "the first tier is everyone's and has no threshold".into());
            }
            if ranks.last().is_some_and(|below| below.least >= least && least != 0) {
                let field = section.field("at_least");
                self.fault(section.at, &field, "must be higher than the tier below".into());
            }
            let attribute = self.tier_attribute(&mut section, attributes);
            used.extend(attribute.map(|(term, _)| term));
            self.end(&section);
            if let Some(id) = id {
                ranks.push(Tier { id, least, attribute });
            }
        }
        for (term, at) in attributes.iter().filter(|(term, _)| !used.contains(term)) {
            let word = usize::from(term.0).checked_sub(1).and_then(|at| self.terms.get(at)).cloned();
            self.warn(*at, "attributes", format!("{:?} is declared, but no rule uses it", word.unwrap_or_default()));
        }
        let Some(mut section) = table else {
            if !ranks.is_empty() {
                self.fault(0, "tiers", "is missing; add [tiers] with `window`".into());
            }
            return None;
        };
        let window_days = self.days(&mut section, "window", true);
        let patience_days = self.days(&mut section, "downgrade_after", false);
        self.end(&section);
        if ranks.is_empty() {
            self.fault(section.at, "tier", "[tiers] needs at least one [[tier]]".into());
        }
        Some(Tiers { metric: self.term(SPEND), window_days: window_days?, patience_days, ranks })
    }

    pub(crate) fn tier_attribute(
        &mut self,
        section: &mut Section<'_>,
        attributes: &[(TermNo, usize)],
    ) -> Option<(TermNo, i64)> {
        let mut table = self.table(section, "attribute")?;
        let name = self.text_of(&mut table, "name", true);
        let at_most = self.int(&mut table, "at_most", i64::MIN, i64::MAX, true);
        self.end(&table);
        let (name, at) = name?;
        let term = self.term(&name);
        if !attributes.iter().any(|(known, _)| *known == term) {
            self.fault(at, &table.field("name"), format!("{name:?} is not declared; add it to `attributes`"));
        }
        Some((term, at_most?.0))
    }

    pub(crate) fn streaks(&mut self, root: &mut Section<'_>, ranks: &[TermNo]) -> Vec<StreakRule> {
        let mut streaks = Vec::new();
        for mut section in self.sections(root, "streak") {
            let id = self.id(&mut section, "id");
            let on = self.trigger(&mut section);
            let days = self.int(&mut section, "days", 2, 3_650, true);
            let grant = self.text_of(&mut section, "grant", true).and_then(|(tier, at)| {
                let term = self.term(&tier);
                let rank = ranks.iter().position(|rank| *rank == term);
                if rank.is_none() {
                    self.fault(at, &section.field("grant"), format!("no tier is called {tier:?}"));
                }
                rank
            });
            self.end(&section);
            if let (Some(id), Some(on), Some((days, _)), Some(grant)) = (id, on, days, grant) {
                streaks.push(StreakRule { id, on, days: u32::try_from(days).unwrap_or(u32::MAX), grant });
            }
        }
        streaks
    }

    pub(crate) fn ladders(&mut self, root: &mut Section<'_>, ranks: usize) -> Vec<Ladder> {
        let mut ladders = Vec::new();
        for mut section in self.sections(root, "ladder") {
            let id = self.id(&mut section, "id");
            let on = self.trigger(&mut section);
            let every = self.int(&mut section, "every", 1, 1_000_000, true);
            let step = self.int(&mut section, "tier_step", 1, 100, true);
            if ranks == 0 {
                let field = section.field("tier_step");
                self.fault(section.at, &field, "there are no tiers to climb; add [[tier]]".into());
            }
            self.end(&section);
            if let (Some(id), Some(on), Some((every, _)), Some((step, _))) = (id, on, every, step) {
                ladders.push(Ladder { id, on, every, step: usize::try_from(step).unwrap_or(1) });
            }
        }
        ladders
    }

    pub(crate) fn counters(&mut self, root: &mut Section<'_>) -> Vec<CounterRule> {
        let mut counters = Vec::new();
        for mut section in self.sections(root, "counter") {
            let id = self.id(&mut section, "id");
            let on = self.kinds(&mut section, "on");
            let keys: Vec<&str> = core::iter::once("member").chain(RiskKind::ALL.map(RiskKind::name)).collect();
            let key = self.choice(&mut section, "key", &keys, true).and_then(|(at, _)| at.checked_sub(1));
            let key = key.and_then(|at| RiskKind::ALL.get(at)).map_or(KeyKind::Member, |kind| KeyKind::Risk(*kind));
            let measure = match self.choice(&mut section, "measure", &["count", "points", "members"], true) {
                Some((0, _)) => Measure::Count,
                Some((1, _)) => Measure::Points,
                _ => Measure::Members,
            };
            let window = self.duration_ms(&mut section, "window", false);
            let bucket = self.duration_ms(&mut section, "bucket", false);
            self.end(&section);
            let (bucket_ms, buckets) = match (window, bucket) {
                (None, None) => (1, 0),
                (Some((window, at)), bucket) => {
                    let bucket = bucket.map_or_else(|| default_bucket(window), |(bucket, _)| bucket).max(1);
                    let count = window.div_euclid(bucket);
                    if window.rem_euclid(bucket) != 0 || count > BUCKETS_MAX {
                        let problem = format!("must be 1 to {BUCKETS_MAX} whole buckets; change `bucket`");
                        self.fault(at, &section.field("window"), problem);
                    }
                    (bucket, i32::try_from(count).unwrap_or(i32::MAX))
                }
                (None, Some((_, at))) => {
                    self.fault(at, &section.field("bucket"), "has no `window`".into());
                    (1, 0)
                }
            };
            if let Some(id) = id {
                counters.push(CounterRule { id, on, key, measure, bucket_ms, buckets });
            }
        }
        counters
    }

    pub(crate) fn risks(&mut self, root: &mut Section<'_>, counters: &[CounterRule]) -> Vec<RiskRule> {
        let mut risks = Vec::new();
        for mut section in self.sections(root, "risk") {
            let id = self.id(&mut section, "id");
            let counter = self.text_of(&mut section, "counter", true).and_then(|(name, at)| {
                let term = self.term(&name);
                let counter = counters.iter().position(|counter| counter.id == term);
                if counter.is_none() {
                    self.fault(at, &section.field("counter"), format!("no counter is called {name:?}"));
                }
                counter
            });
            let at_least = self.int(&mut section, "at_least", 1, i64::MAX, true);
            let action = match self.choice(&mut section, "action", &["flag", "review", "deny"], true) {
                Some((1, _)) => Action::Review,
                Some((2, _)) => Action::Deny,
                _ => Action::Flag,
            };
            self.end(&section);
            if let (Some(id), Some(counter), Some((at_least, at))) = (id, counter, at_least) {
                let members = counters.get(counter).is_some_and(|counter| counter.measure == Measure::Members);
                if members && usize::try_from(at_least).unwrap_or(usize::MAX) > crate::kernel::counter::SEEN_MAX {
                    let problem = format!("distinct members are counted up to {}", crate::kernel::counter::SEEN_MAX);
                    self.fault(at, &section.field("at_least"), problem);
                }
                risks.push(RiskRule { id, counter, at_least, action });
            }
        }
        risks
    }

    pub(crate) fn trigger(&mut self, section: &mut Section<'_>) -> Option<Trigger> {
        let names = Trigger::ALL.map(Trigger::name);
        let (at, _) = self.choice(section, "on", &names, true)?;
        Trigger::ALL.get(at).copied()
    }

    // Fields of one section, by type.

    pub(crate) fn value<'t>(
        &mut self,
        section: &mut Section<'t>,
        key: &'static str,
        must: bool,
    ) -> Option<(&'t DeValue<'t>, usize)> {
        section.used.push(key);
        let found = section.table.get(key).map(|value| (value.get_ref(), value.span().start));
        if found.is_none() && must {
            self.fault(section.at, &section.field(key), "is missing".into());
        }
        found
    }

    pub(crate) fn text_of(
        &mut self,
        section: &mut Section<'_>,
        key: &'static str,
        must: bool,
    ) -> Option<(String, usize)> {
        let (value, at) = self.value(section, key, must)?;
        let text = value.as_str();
        if text.is_none() {
            self.fault(at, &section.field(key), "must be a text in quotes".into());
        }
        Some((text?.to_string(), at))
    }

    pub(crate) fn int(
        &mut self,
        section: &mut Section<'_>,
        key: &'static str,
        least: i64,
        most: i64,
        must: bool,
    ) -> Option<(i64, usize)> {
        let (value, at) = self.value(section, key, must)?;
        let number = value.as_integer().and_then(|int| i64::from_str_radix(int.as_str(), int.radix()).ok());
        match number {
            Some(number) if (least..=most).contains(&number) => Some((number, at)),
            Some(number) => {
                self.fault(at, &section.field(key), format!("is {number}; must be {least} to {most}"));
                None
            }
            None => {
                self.fault(at, &section.field(key), "must be a whole number".into());
                None
            }
        }
    }

    pub(crate) fn choice(
        &mut self,
        section: &mut Section<'_>,
        key: &'static str,
        choices: &[&str],
        must: bool,
    ) -> Option<(usize, usize)> {
        let (word, at) = self.text_of(section, key, must)?;
        let choice = choices.iter().position(|choice| *choice == word);
        if choice.is_none() {
            self.fault(at, &section.field(key), one_of(&word, choices));
        }
        Some((choice?, at))
    }

    pub(crate) fn flag(&mut self, section: &mut Section<'_>, key: &'static str) -> bool {
        let Some((value, at)) = self.value(section, key, false) else { return false };
        let flag = value.as_bool();
        if flag.is_none() {
            self.fault(at, &section.field(key), "must be true or false".into());
        }
        flag.unwrap_or(false)
    }

    pub(crate) fn words(&mut self, section: &mut Section<'_>, key: &'static str, must: bool) -> Vec<(String, usize)> {
        let Some((value, at)) = self.value(section, key, must) else { return Vec::new() };
        let Some(array) = value.as_array() else {
            self.fault(at, &section.field(key), "must be a list of texts".into());
            return Vec::new();
        };
        let mut words = Vec::new();
        for item in array.iter() {
            match item.get_ref().as_str() {
                Some(word) => words.push((word.to_string(), item.span().start)),
                None => self.fault(item.span().start, &section.field(key), "must be a list of texts".into()),
            }
        }
        words
    }

    /// Kinds of events.
    pub(crate) fn kinds(&mut self, section: &mut Section<'_>, key: &'static str) -> Happenings {
        let mut kinds = Happenings::default();
        for (word, at) in self.words(section, key, true) {
            match Happening::all().find(|kind| kind.name() == word) {
                Some(kind) => kinds.insert(kind),
                None => {
                    let known: Vec<&str> = Happening::all().map(Happening::name).collect();
                    self.fault(at, &section.field(key), one_of(&word, &known));
                }
            }
        }
        kinds
    }

    pub(crate) fn table<'t>(&mut self, section: &mut Section<'t>, key: &'static str) -> Option<Section<'t>> {
        let (value, at) = self.value(section, key, false)?;
        match value.as_table() {
            Some(table) => Some(Section { table, path: section.field(key), at, used: Vec::new() }),
            None => {
                self.fault(at, &section.field(key), "must be a table: { … }".into());
                None
            }
        }
    }

    pub(crate) fn sections<'t>(&mut self, root: &mut Section<'t>, key: &'static str) -> Vec<Section<'t>> {
        let Some((value, at)) = self.value(root, key, false) else { return Vec::new() };
        let Some(array) = value.as_array() else {
            let problem = match root.path.is_empty() {
                true => format!("must be a list of tables: [[{key}]]"),
                false => "must be a list of tables: [{ … }]".into(),
            };
            self.fault(at, &root.field(key), problem);
            return Vec::new();
        };
        let path = root.field(key);
        if array.len() > RULES_MAX {
            self.fault(at, &path, format!("has {} entries; at most {RULES_MAX} are allowed", array.len()));
        }
        let mut sections = Vec::new();
        for (n, item) in array.iter().take(RULES_MAX).enumerate() {
            match item.get_ref().as_table() {
                Some(table) => sections.push(Section {
                    table,
                    path: format!("{path}[{n}]"),
                    at: item.span().start,
                    used: Vec::new(),
                }),
                None => self.fault(item.span().start, &format!("{path}[{n}]"), "must be a table".into()),
            }
        }
        sections
    }

    /// One table or a list of them.
    pub(crate) fn tables<'t>(&mut self, section: &mut Section<'t>, key: &'static str) -> Vec<Section<'t>> {
        match section.table.get(key).is_some_and(|value| value.get_ref().is_table()) {
            true => self.table(section, key).into_iter().collect(),
            false => self.sections(section, key),
        }
    }

    pub(crate) fn money(
        &mut self,
        section: &mut Section<'_>,
        key: &'static str,
        digits: i64,
        must: bool,
    ) -> Option<(Money, usize)> {
        let (text, at) = self.text_of(section, key, must)?;
        let money = read_money(&text, u32::try_from(digits).unwrap_or(2));
        if money.is_none() {
            let problem = format!("{text:?} is no amount; write one such as \"1.00\" with {digits} digits at most");
            self.fault(at, &section.field(key), problem);
        }
        Some((money?, at))
    }

    pub(crate) fn duration_ms(
        &mut self,
        section: &mut Section<'_>,
        key: &'static str,
        must: bool,
    ) -> Option<(i64, usize)> {
        let (text, at) = self.text_of(section, key, must)?;
        let ms = number_and_unit(&text).and_then(|(number, unit)| match unit {
            "m" => number.checked_mul(MINUTE_MS),
            "h" => number.checked_mul(60 * MINUTE_MS),
            "d" => number.checked_mul(DAY_MS),
            _ => None,
        });
        match ms {
            Some(ms) if (1..=YEARS_100 * DAY_MS).contains(&ms) => Some((ms, at)),
            _ => {
                self.fault(at, &section.field(key), format!("{text:?} is no duration; write 15m, 24h or 30d"));
                None
            }
        }
    }

    pub(crate) fn days(&mut self, section: &mut Section<'_>, key: &'static str, must: bool) -> Option<i32> {
        let (text, at) = self.text_of(section, key, must)?;
        match number_and_unit(&text) {
            Some((days, "d")) if (1..=YEARS_100).contains(&days) => i32::try_from(days).ok(),
            _ => {
                self.fault(at, &section.field(key), format!("{text:?} is no number of days; write 1d or 90d"));
                None
            }
        }
    }

    pub(crate) fn span(&mut self, section: &mut Section<'_>, key: &'static str) -> Option<Span> {
        let (text, at) = self.text_of(section, key, true)?;
        match number_and_unit(&text) {
            Some((days, "d")) if (1..=YEARS_100).contains(&days) => i32::try_from(days).ok().map(Span::Days),
            Some((months, "M")) if (1..=1_200).contains(&months) => i32::try_from(months).ok().map(Span::Months),
            _ => {
                self.fault(at, &section.field(key), format!("{text:?} is no span; write 90d or 12M"));
                None
            }
        }
    }

    pub(crate) fn end(&mut self, section: &Section<'_>) {
        for (key, _) in section.table.iter() {
            let name: &str = key.get_ref();
            if !section.used.contains(&name) {
                let near = section.used.iter().find(|known| close(known, name));
                let hint = near.map_or_else(String::new, |known| format!("; did you mean {known:?}?"));
                self.fault(key.span().start, &section.field(name), format!("is not a field here{hint}"));
            }
        }
    }
}

impl Section<'_> {
    /// Where a field stands; where the section begins, if it is not there.
    pub(crate) fn place(&self, key: &str) -> usize {
        self.table.get(key).map_or(self.at, |value| value.span().start)
    }

    pub(crate) fn field(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_string() } else { format!("{}.{key}", self.path) }
    }
}

pub(crate) fn one_of(word: &str, choices: &[&str]) -> String {
    format!("{word:?} is not known here; write one of {}", choices.join(", "))
}

/// Whether one letter more, less or other turns one word into the other.
pub(crate) fn close(known: &str, word: &str) -> bool {
    let front = known.bytes().zip(word.bytes()).take_while(|(a, b)| a == b).count();
    let back = known.bytes().rev().zip(word.bytes().rev()).take_while(|(a, b)| a == b).count();
    let longer = known.len().max(word.len());
    longer > 2 && front.saturating_add(back).saturating_add(1) >= longer
}

pub(crate) fn default_bucket(window_ms: i64) -> i64 {
    // 24 buckets make a window at most a twenty-fourth longer than declared.
    let bucket = window_ms.div_euclid(24);
    if bucket > 0 && window_ms.rem_euclid(24) == 0 { bucket } else { window_ms }
}

pub(crate) fn number_and_unit(text: &str) -> Option<(i64, &str)> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at_checked(digits)?;
    Some((number.parse().ok()?, unit))
}

/// Reads a decimal amount into minor units: `"1.5"` with two digits is 150.
pub(crate) fn read_money(text: &str, digits: u32) -> Option<Money> {
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    let wide = usize::try_from(digits).ok()?;
    let all_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !all_digits(whole) || !all_digits(part) || part.len() > wide || text.ends_with('.') {
        return None;
    }
    let part = format!("{part:0<wide$}");
    let minor = if part.is_empty() { 0 } else { part.parse::<i64>().ok()? };
    let scale = 10i64.checked_pow(digits)?;
    whole.parse::<i64>().ok()?.checked_mul(scale)?.checked_add(minor).map(Money)
}
