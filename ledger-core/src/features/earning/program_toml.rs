//! Reads `[[earn]]`: what a rule waits for, what must hold (`when`), which money counts (`base`), and what
//! it gives. Tiers stand further down in a file than rules: their names are looked up at the end.

use crate::kernel::calendar::read_day;
use crate::kernel::units::{Day, Money, Rounding, TermNo};
use crate::program_file::{Reading, Section, one_of, read_money};
use crate::tables::event::NAME_BYTES_MAX;
use crate::tables::program::{
    Amount, AttributeTest, Base, Campaign, EarnRule, Fund, GIVE_MAX, Goods, Hours, Lines, PendingUntil, Price,
    RULES_MAX, RoundAt, Tier, Trigger, Value, Wallet, Weekdays, When, Words,
};
use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

/// The ways to give.
const WAYS: [&str; 5] = ["fixed", "per", "per_items", "times", "percent"];
/// Fields of a rule that only a purchase can answer, and what it has that others have not.
const OF_PURCHASES: [(&str, &str); 3] = [("per", "money; use `fixed`"), ("per_items", "items"), ("base", "money")];
/// Conditions that only a purchase can answer.
const WHEN_OF_PURCHASES: [&str; 5] = ["at_least", "skus", "categories", "tags", "except"];
/// Most items of a unit.
const ITEMS_MAX: i64 = 1_000_000;
/// Largest rate, in hundredths of a percent.
const RATE_MAX: i64 = 1_000_000;

/// A tier that a rule names.
pub(crate) struct TierWord {
    term: TermNo,
    word: String,
    at: usize,
    field: String,
}

impl Reading<'_> {
    pub(crate) fn earn(
        &mut self,
        root: &mut Section<'_>,
        digits: i64,
        wallets: &[Wallet],
        attributes: &[(TermNo, usize)],
        (campaigns, funds): (&[Campaign], &[Fund]),
    ) -> Vec<EarnRule> {
        let mut rules: Vec<EarnRule> = Vec::new();
        for mut section in self.sections(root, "earn") {
            let its = self.campaigns_of(&mut section, wallets, campaigns);
            let fund = self.fund_word(&mut section, funds);
            let (at, field) = (section.place("on"), section.field("on"));
            let Some(mut rule) = self.earn_rule(section, digits, wallets, attributes, &rules) else { continue };
            rule.limits.extend(its.iter().flat_map(|campaign| &campaign.limits));
            self.check_visiting(&rule, at, &field);
            if let Some(fund) = fund {
                self.give_to_fund(&mut rule, fund, funds);
            }
            rule.campaigns = its.iter().map(|campaign| campaign.given).collect();
            rules.push(rule);
        }
        rules
    }

    fn earn_rule(
        &mut self,
        mut section: Section<'_>,
        digits: i64,
        wallets: &[Wallet],
        attributes: &[(TermNo, usize)],
        rules: &[EarnRule],
    ) -> Option<EarnRule> {
        let id = self.id(&mut section, "id");
        let on = self.trigger(&mut section);
        let wallet = self.wallet_of(&mut section, wallets);
        let when = self.when(&mut section, id, digits, attributes);
        let base = self.base(&mut section);
        let amount = self.amount(&mut section, id, digits, rules);
        let round = match self.choice(&mut section, "round", &["down", "half_up", "up"], false) {
            Some((1, _)) => Rounding::HalfUp,
            Some((2, _)) => Rounding::Up,
            _ => Rounding::Down,
        };
        if amount.as_ref().is_some_and(|amount| amount.carry().is_some()) && round != Rounding::Down {
            let problem = "what is carried on is not rounded";
            self.fault(section.place("round"), &section.field("round"), problem.into());
        }
        let round_at = self.round_at(&mut section, amount.as_ref());
        let group = self.group(&mut section, wallet, rules);
        if group.is_some() && amount.as_ref().is_some_and(|amount| amount.carry().is_some()) {
            self.fault(section.place("carry"), &section.field("carry"), "a rule of a group carries nothing on".into());
        }
        let limits = self.limits(&mut section, id);
        let pending = self.pending(&mut section);
        if pending.is_some_and(|pending| pending.until == PendingUntil::Settled) && on != Some(Trigger::Purchase) {
            let problem = "only a purchase is settled; let it wait with `after`";
            self.fault(section.place("pending"), &section.field("pending.on"), problem.into());
        }
        if on.is_some_and(|on| on != Trigger::Purchase) {
            self.purchases_only(&section);
        }
        self.end(&section);
        let (id, on, wallet, amount) = (id?, on?, wallet?, amount?);
        let (fund, campaigns) = (None, Vec::new());
        Some(EarnRule { id, on, wallet, fund, when, base, amount, round, round_at, group, limits, campaigns, pending })
    }

    /// `round_at = "line"`: each line is counted by itself.
    fn round_at(&mut self, section: &mut Section<'_>, amount: Option<&Amount>) -> RoundAt {
        let Some((1, at)) = self.choice(section, "round_at", &["event", "line"], false) else { return RoundAt::Event };
        match amount {
            Some(Amount::Per { carry: Some(_), .. }) => {
                let problem = "what is short of `per` in a line is lost: nothing is carried on";
                self.fault(at, &section.field("round_at"), problem.into());
            }
            Some(Amount::Per { .. }) | None => {}
            Some(_) => {
                let problem = "only money is counted line by line: by `per`";
                self.fault(at, &section.field("round_at"), problem.into());
            }
        }
        RoundAt::Line
    }

    /// The group of a rule: its rules follow each other, wait for the same and give to the same wallet.
    fn group(&mut self, section: &mut Section<'_>, wallet: Option<TermNo>, rules: &[EarnRule]) -> Option<TermNo> {
        let (name, at) = self.text_of(section, "group", false)?;
        let group = self.term(&name);
        let Some(known) = rules.iter().rfind(|rule| rule.group == Some(group)) else { return Some(group) };
        let field = section.field("group");
        if rules.last().is_none_or(|last| last.id != known.id) {
            self.fault(at, &field, format!("the rules of {name:?} must follow each other"));
        }
        if Some(known.on) != trigger_of(section) || Some(known.wallet) != wallet {
            self.fault(at, &field, format!("the rules of {name:?} must wait for one event and give to one wallet"));
        }
        let mates = rules.iter().filter(|rule| rule.group == Some(group));
        let word = |rule: &EarnRule| self.terms.get(usize::from(rule.id.0).checked_sub(1)?).cloned();
        let mates: Vec<Box<str>> = mates.filter_map(word).collect();
        let builds_on = ["times", "percent"].into_iter().find(|way| {
            let of = section.table.get(*way).and_then(|way| way.get_ref().as_table()?.get("of")?.get_ref().as_str());
            of.is_some_and(|of| mates.iter().any(|mate| **mate == *of))
        });
        if let Some(way) = builds_on {
            let field = section.field(&format!("{way}.of"));
            self.fault(
                section.place(way),
                &field,
                "of the rules of a group only one gives: none builds on another".into(),
            );
        }
        Some(group)
    }

    /// Complains about fields that mean something for purchases alone.
    fn purchases_only(&mut self, section: &Section<'_>) {
        for (key, what) in OF_PURCHASES {
            if let Some(value) = section.table.get(key) {
                self.fault(value.span().start, &section.field(key), format!("only a purchase has {what}"));
            }
        }
        let Some(when) = section.table.get("when").and_then(|when| when.get_ref().as_table()) else { return };
        for key in WHEN_OF_PURCHASES {
            if let Some(value) = when.get(key) {
                let field = section.field(&format!("when.{key}"));
                self.fault(value.span().start, &field, "only a purchase has lines and money".into());
            }
        }
    }

    fn amount(
        &mut self,
        section: &mut Section<'_>,
        id: Option<TermNo>,
        digits: i64,
        rules: &[EarnRule],
    ) -> Option<Amount> {
        let asked: Vec<&str> = WAYS.iter().copied().filter(|way| section.table.get(*way).is_some()).collect();
        let tabled = section.table.get("table").is_some();
        let table = self.value_table(section, digits, asked.contains(&"percent"));
        if asked.len() > 1 || (asked.is_empty() && !tabled) {
            let problem = "a rule gives by exactly one of `fixed`, `per`, `per_items`, `times`, `percent` or `table`";
            self.fault(section.at, &section.field("fixed"), problem.into());
        }
        let fixed = self.int(section, "fixed", 0, GIVE_MAX, false);
        let per = self.money(section, "per", digits, false);
        if let Some((Money(..=0), at)) = per {
            self.fault(at, &section.field("per"), "must be more than 0".into());
        }
        let items = self.int(section, "per_items", 1, ITEMS_MAX, false);
        let give = self.int(section, "give", 1, GIVE_MAX, !tabled && (per.is_some() || items.is_some()));
        let carry = self.flag(section, "carry");
        let times = self.times(section, rules);
        let percent = self.percent(section, rules, tabled);
        let said_twice = tabled && (fixed.is_some() || give.is_some() || times.is_some());
        if said_twice {
            self.fault(
                section.place("table"),
                &section.field("table"),
                "says what the rule gives: leave out the number".into(),
            );
        }
        if carry && per.is_none() && items.is_none() {
            self.fault(
                section.place("carry"),
                &section.field("carry"),
                "only what is short of `per` or `per_items` is carried on".into(),
            );
        }
        if carry && matches!(table, Some(Value::ByBase(_))) {
            let problem = "what is carried on counts alike in every purchase: steps go by `tier`";
            self.fault(section.place("table"), &section.field("table"), problem.into());
        }
        let number =
            |number: Option<(i64, usize)>| table.clone().or_else(|| number.map(|(value, _)| Value::Flat(value)));
        match asked.as_slice() {
            [] => table.map(Amount::Fixed),
            ["fixed"] => number(fixed).map(Amount::Fixed),
            ["per" | "per_items"] => {
                let carry = if carry { self.counter_of(id, "carry") } else { None };
                let give = number(give)?;
                Some(match (per, items) {
                    (Some((unit, _)), _) => Amount::Per { unit, give, carry },
                    (None, items) => Amount::PerItems { items: items?.0, give, carry },
                })
            }
            ["times"] => times,
            ["percent"] => percent.and_then(|(of, rate)| Some(Amount::Percent { of, rate: table.or(rate)? })),
            _ => None,
        }
    }

    /// The name of a counter that belongs to a rule.
    pub(crate) fn counter_of(&mut self, rule: Option<TermNo>, what: &str) -> Option<TermNo> {
        let name = format!("{}.{what}", self.terms.get(usize::from(rule?.0).checked_sub(1)?)?);
        Some(self.term(&name))
    }

    fn earlier(&mut self, table: &mut Section<'_>, rules: &[EarnRule], on: Option<Trigger>) -> Option<TermNo> {
        let (of, at) = self.text_of(table, "of", true)?;
        let term = self.term(&of);
        match rules.iter().find(|rule| rule.id == term) {
            None => {
                self.fault(at, &table.field("of"), format!("no earlier rule is called {of:?}; put that rule above"));
                return None;
            }
            Some(rule) if on.is_some_and(|on| on != rule.on) => {
                self.fault(at, &table.field("of"), "is a rule that waits for another event".into());
            }
            Some(_) => {}
        }
        Some(term)
    }

    fn times(&mut self, section: &mut Section<'_>, rules: &[EarnRule]) -> Option<Amount> {
        let on = trigger_of(section);
        let mut times = self.table(section, "times")?;
        let of = self.earlier(&mut times, rules, on);
        let factor = self.int(&mut times, "factor", 2, 1_000, true);
        self.end(&times);
        Some(Amount::Times { of: of?, extra: factor?.0.saturating_sub(1) })
    }

    fn percent(
        &mut self,
        section: &mut Section<'_>,
        rules: &[EarnRule],
        tabled: bool,
    ) -> Option<(TermNo, Option<Value>)> {
        let on = trigger_of(section);
        let mut percent = self.table(section, "percent")?;
        let of = self.earlier(&mut percent, rules, on);
        let rate = self.rate(&mut percent, "rate", !tabled);
        if let (true, Some((_, at))) = (tabled, rate) {
            self.fault(at, &percent.field("rate"), "is what the table says: leave it out".into());
        }
        self.end(&percent);
        Some((of?, rate.map(|(rate, _)| Value::Flat(rate))))
    }

    fn rate(&mut self, section: &mut Section<'_>, key: &'static str, must: bool) -> Option<(i64, usize)> {
        let (text, at) = self.text_of(section, key, must)?;
        let rate = text.strip_suffix('%').and_then(|number| read_money(number, 2)).map(|rate| rate.0);
        match rate.filter(|rate| (1..=RATE_MAX).contains(rate)) {
            Some(rate) => Some((rate, at)),
            None => {
                self.fault(at, &section.field(key), format!("{text:?} is no rate; write 50% or 12.5%, at most 10000%"));
                None
            }
        }
    }

    /// What a rule gives, in steps: by what was paid, or by tier.
    fn value_table(&mut self, section: &mut Section<'_>, digits: i64, rates: bool) -> Option<Value> {
        let steps = self.sections(section, "table");
        let first = steps.first()?;
        let by_tier = first.table.get("tier").is_some();
        let mut of_base: Vec<(Money, i64)> = Vec::new();
        let mut of_tier: Vec<(TermNo, i64)> = Vec::new();
        for mut step in steps {
            let value =
                if rates { self.rate(&mut step, "rate", true) } else { self.int(&mut step, "give", 0, GIVE_MAX, true) };
            let (said, value) = (value.is_some(), value.map_or(0, |(value, _)| value));
            if by_tier {
                let Some((word, at)) = self.text_of(&mut step, "tier", true) else { continue };
                let term = self.tier_word(&word, at, step.field("tier"));
                if of_tier.iter().any(|(known, _)| *known == term) {
                    self.fault(at, &step.field("tier"), format!("{word:?} has a step already"));
                }
                of_tier.push((term, value));
            } else if let Some((least, at)) = self.money(&mut step, "at_least", digits, true) {
                if of_base.last().is_some_and(|(below, _)| *below >= least) {
                    self.fault(at, &step.field("at_least"), "must be more than that of the step before".into());
                }
                if said && of_base.last().is_some_and(|(_, below)| *below > value) {
                    let key = if rates { "rate" } else { "give" };
                    let problem =
                        "is less than that of the step before: what is kept of a purchase would earn more than all";
                    self.fault(step.place(key), &step.field(key), problem.into());
                }
                of_base.push((least, value));
            }
            self.end(&step);
        }
        Some(if by_tier { Value::ByTier(of_tier.into()) } else { Value::ByBase(of_base.into()) })
    }

    pub(crate) fn tier_word(&mut self, word: &str, at: usize, field: String) -> TermNo {
        let term = self.term(word);
        self.tier_words.push(TierWord { term, word: word.into(), at, field });
        term
    }

    /// Complains about tiers that rules name and the file does not.
    pub(crate) fn check_tier_words(&mut self, tiers: &[Tier]) {
        for TierWord { term, word, at, field } in core::mem::take(&mut self.tier_words) {
            if !tiers.iter().any(|tier| tier.id == term) {
                self.fault(at, &field, format!("no tier is called {word:?}"));
            }
        }
    }

    pub(crate) fn base(&mut self, section: &mut Section<'_>) -> Base {
        let prices = ["net", "gross", "ex_tax"];
        let price = |chosen: Option<(usize, usize)>| match chosen {
            Some((1, _)) => Price::Gross,
            Some((2, _)) => Price::ExTax,
            _ => Price::Net,
        };
        if section.table.get("base").is_none_or(|base| base.get_ref().as_str().is_some()) {
            return Base { price: price(self.choice(section, "base", &prices, false)), ..Base::default() };
        }
        let Some(mut base) = self.table(section, "base") else { return Base::default() };
        let price = price(self.choice(&mut base, "price", &prices, false));
        let (shipping, ex_points_paid) = (self.flag(&mut base, "shipping"), self.flag(&mut base, "ex_points_paid"));
        self.end(&base);
        Base { price, shipping, ex_points_paid }
    }

    fn when(
        &mut self,
        section: &mut Section<'_>,
        id: Option<TermNo>,
        digits: i64,
        attributes: &[(TermNo, usize)],
    ) -> Option<Box<When>> {
        let value = section.table.get("when")?.get_ref();
        if value.as_str().is_some() {
            let birthday = self.choice(section, "when", &["birthday"], false).is_some();
            return Some(Box::new(When { birthday, ..When::default() }));
        }
        let mut when = self.table(section, "when")?;
        let birthday = self.mark(&mut when, "birthday");
        let (from, until) = self.dates(&mut when);
        let first = self.mark(&mut when, "first");
        let read = When {
            birthday,
            from,
            until,
            weekdays: self.weekdays(&mut when),
            hours: self.hours(&mut when),
            channels: self.some_words(&mut when, "channels"),
            stores: self.some_words(&mut when, "stores"),
            partners: self.some_words(&mut when, "partners"),
            tiers: self.tier_list(&mut when),
            attributes: self.attribute_tests(&mut when, attributes),
            at_least: self.money(&mut when, "at_least", digits, false).map(|(money, _)| money),
            lines: self.lines(&mut when),
            first: if first { self.counter_of(id, "first") } else { None },
        };
        self.end(&when);
        Some(Box::new(read))
    }

    pub(crate) fn tier_list(&mut self, when: &mut Section<'_>) -> Vec<TermNo> {
        let field = when.field("tiers");
        let words = self.words(when, "tiers", false);
        words.into_iter().map(|(word, at)| self.tier_word(&word, at, field.clone())).collect()
    }

    pub(crate) fn lines(&mut self, when: &mut Section<'_>) -> Option<Lines> {
        let of = self.goods(when);
        let except = self.table(when, "except").map_or_else(Goods::default, |mut except| {
            let goods = self.goods(&mut except);
            self.end(&except);
            goods
        });
        let lines = Lines { of, except };
        (lines != Lines::default()).then_some(lines)
    }

    fn goods(&mut self, section: &mut Section<'_>) -> Goods {
        Goods {
            skus: self.some_words(section, "skus"),
            categories: self.some_words(section, "categories"),
            tags: self.some_words(section, "tags"),
        }
    }

    /// A list of words that events may say.
    fn some_words(&mut self, section: &mut Section<'_>, key: &'static str) -> Words {
        let words = self.words(section, key, false);
        if words.is_empty() && section.table.get(key).is_some_and(|value| value.get_ref().is_array()) {
            self.fault(section.place(key), &section.field(key), "is empty: nothing would ever count".into());
        }
        if let Some((_, at)) = words.get(RULES_MAX) {
            let problem = format!("has {} entries; at most {RULES_MAX} are allowed", words.len());
            self.fault(*at, &section.field(key), problem);
        }
        for (word, at) in &words {
            if word.is_empty() || word.len() > NAME_BYTES_MAX {
                self.fault(
                    *at,
                    &section.field(key),
                    format!("holds a word that is not of 1 to {NAME_BYTES_MAX} bytes"),
                );
            }
        }
        Words::new(words.into_iter().map(|(word, _)| word.into()).collect())
    }

    fn attribute_tests(&mut self, when: &mut Section<'_>, attributes: &[(TermNo, usize)]) -> Vec<AttributeTest> {
        let mut tests = Vec::new();
        for mut section in self.sections(when, "attributes") {
            let name = self.text_of(&mut section, "name", true);
            let mut number = |key| self.int(&mut section, key, i64::MIN, i64::MAX, false).map(|(number, _)| number);
            let (equal, least, most) = (number("equal"), number("at_least"), number("at_most"));
            self.end(&section);
            if equal.is_some() == (least.is_some() || most.is_some()) {
                let problem = "needs either `equal`, or `at_least`, `at_most` or both";
                self.fault(section.at, &section.field("equal"), problem.into());
            }
            let Some((name, at)) = name else { continue };
            let term = self.term(&name);
            if !attributes.iter().any(|(known, _)| *known == term) {
                self.fault(at, &section.field("name"), format!("{name:?} is not declared; add it to `attributes`"));
            }
            self.asked.push(term);
            let (least, most) = (equal.or(least).unwrap_or(i64::MIN), equal.or(most).unwrap_or(i64::MAX));
            tests.push(AttributeTest { name: term, least, most });
        }
        tests
    }

    fn weekdays(&mut self, when: &mut Section<'_>) -> Option<Weekdays> {
        when.table.get("weekdays")?;
        let mut days = Weekdays(0);
        for (word, at) in self.words(when, "weekdays", false) {
            match Weekdays::NAMES.iter().position(|name| *name == word) {
                Some(place) => days.0 |= 1u8.checked_shl(u32::try_from(place).unwrap_or(0)).unwrap_or(0),
                None => self.fault(at, &when.field("weekdays"), one_of(&word, &Weekdays::NAMES)),
            }
        }
        Some(days)
    }

    /// `07:00-09:30`, in minutes of the day.
    fn hours(&mut self, when: &mut Section<'_>) -> Option<Hours> {
        let (text, at) = self.text_of(when, "hours", false)?;
        let minute = |text: &str| {
            let (hour, minute) = text.split_once(':').filter(|_| text.len() == 5)?;
            let (hour, minute) = (hour.parse::<u8>().ok()?, minute.parse::<u8>().ok().filter(|minute| *minute < 60)?);
            let minutes = i32::from(hour).saturating_mul(60).saturating_add(i32::from(minute));
            (minutes <= 24 * 60).then_some(minutes)
        };
        let hours =
            text.split_once('-').and_then(|(from, until)| Some(Hours { from: minute(from)?, until: minute(until)? }));
        let hours = hours.filter(|hours| hours.from != hours.until);
        if hours.is_none() {
            self.fault(at, &when.field("hours"), format!("{text:?} is no time of the day; write 07:00-09:30"));
        }
        hours
    }

    /// `from` and `until`, both included.
    pub(crate) fn dates(&mut self, section: &mut Section<'_>) -> (Option<Day>, Option<Day>) {
        let (from, until) = (self.date(section, "from"), self.date(section, "until"));
        if let (Some((from, _)), Some((until, at))) = (from, until)
            && until < from
        {
            self.fault(at, &section.field("until"), "lies before `from`".into());
        }
        (from.map(|(day, _)| day), until.map(|(day, _)| day))
    }

    fn date(&mut self, section: &mut Section<'_>, key: &'static str) -> Option<(Day, usize)> {
        let (text, at) = self.text_of(section, key, false)?;
        let day = read_day(&text);
        if day.is_none() {
            self.fault(at, &section.field(key), format!("{text:?} is no date; write one such as \"2026-06-16\""));
        }
        Some((day?, at))
    }
}

/// The trigger that a rule names, if it is one.
fn trigger_of(section: &Section<'_>) -> Option<Trigger> {
    let name = section.table.get("on")?.get_ref().as_str()?;
    Trigger::ALL.into_iter().find(|trigger| trigger.name() == name)
}
