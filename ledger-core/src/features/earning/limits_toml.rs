//! Reads `limit`, `budget` and `[[campaign]]`: at most how much rules give, alone and together; and `[visit]`.
//!
//! A limit is counted under the name of its rule or campaign and the kind of its window: `base.limit` for a
//! window of days, `base.limit.month` for a month. So a version may change how much, or how many days, and what
//! was counted counts on; another kind of window begins anew.

use crate::features::visits::state::GAP_MAX_MS;
use crate::kernel::units::TermNo;
use crate::program_file::{MINUTE_MS, Reading, Section, number_and_unit};
use crate::tables::program::{Campaign, EarnRule, Limit, Measure, Over, Wallet, Whose, Window};
use alloc::format;
use alloc::vec::Vec;

impl Reading<'_> {
    /// What is said or left out: its opposite cannot be asked for.
    pub(crate) fn mark(&mut self, section: &mut Section<'_>, key: &'static str) -> bool {
        let flag = self.flag(section, key);
        if let Some((value, at)) = self.value(section, key, false)
            && value.as_bool() == Some(false)
        {
            self.fault(at, &section.field(key), "must be true, or be left out: false asks for nothing".into());
        }
        flag
    }

    /// `[visit]`: how much time may lie between two events of one visit, in milliseconds.
    pub(crate) fn visit(&mut self, root: &mut Section<'_>) -> Option<i64> {
        let mut section = self.table(root, "visit")?;
        self.visits = true;
        let gap = self.duration_ms(&mut section, "gap", true);
        self.end(&section);
        let (gap, at) = gap?;
        if !(MINUTE_MS..=GAP_MAX_MS).contains(&gap) {
            self.fault(at, &section.field("gap"), "must be 1m to 24h".into());
        }
        Some(gap)
    }

    /// Warns of visits that nothing counts by.
    pub(crate) fn check_visits(&mut self, root: &Section<'_>, rules: &[EarnRule]) {
        let counts = |rule: &EarnRule| rule.limits.iter().any(|limit| limit.window == Window::Visit);
        if self.visits && !rules.iter().any(counts) {
            self.warn(root.place("visit"), "visit", "no limit of a rule counts by the visit".into());
        }
    }

    /// Complains about a limit by the visit of a rule that waits for something else.
    pub(crate) fn check_visiting(&mut self, rule: &EarnRule, at: usize, field: &str) {
        if !rule.on.is_visit() && rule.limits.iter().any(|limit| limit.window == Window::Visit) {
            let problem = "is part of no visit, and a limit of the rule or its campaign counts by the visit";
            self.fault(at, field, problem.into());
        }
    }

    pub(crate) fn campaigns(&mut self, root: &mut Section<'_>, wallets: &[Wallet]) -> Vec<Campaign> {
        let mut campaigns = Vec::new();
        for mut section in self.sections(root, "campaign") {
            let id = self.id(&mut section, "id");
            let wallet = self.wallet_of(&mut section, wallets);
            let all = self.flag(&mut section, "all");
            let limits = self.limits(&mut section, id);
            let given = self.counter_of(id, "given");
            self.end(&section);
            if let (Some(id), Some(wallet), Some(given)) = (id, wallet, given) {
                campaigns.push(Campaign { id, wallet, all, given, limits });
            }
        }
        campaigns
    }

    /// The campaigns that a rule belongs to: the one it names, then those of all rules.
    pub(crate) fn campaigns_of<'c>(
        &mut self,
        section: &mut Section<'_>,
        wallets: &[Wallet],
        campaigns: &'c [Campaign],
    ) -> Vec<&'c Campaign> {
        let named = self.text_of(section, "campaign", false).map(|(name, at)| (self.term(&name), name, at));
        let wallet = match section.table.get("wallet").and_then(|wallet| wallet.get_ref().as_str()) {
            Some(name) => Some(self.term(name)),
            None => wallets.first().map(|wallet| wallet.id),
        };
        if let Some((term, name, at)) = &named {
            let field = section.field("campaign");
            match campaigns.iter().find(|campaign| campaign.id == *term) {
                None => self.fault(*at, &field, format!("no campaign is called {name:?}")),
                Some(campaign) if campaign.all => self.fault(*at, &field, format!("every rule belongs to {name:?}")),
                Some(campaign) if Some(campaign.wallet) != wallet => {
                    self.fault(*at, &field, format!("{name:?} is a campaign of another wallet"));
                }
                Some(_) => {}
            }
        }
        let own = campaigns.iter().filter(|campaign| named.as_ref().is_some_and(|(term, ..)| campaign.id == *term));
        let all = campaigns.iter().filter(|campaign| campaign.all && Some(campaign.wallet) == wallet);
        own.chain(all).collect()
    }

    /// `limit` and `budget` of a rule or campaign, each a table or a list of them.
    pub(crate) fn limits(&mut self, section: &mut Section<'_>, of: Option<TermNo>) -> Vec<Limit> {
        let mut limits: Vec<Limit> = Vec::new();
        for (key, whose) in [("limit", Whose::Member), ("budget", Whose::Everyone)] {
            for mut table in self.tables(section, key) {
                let limit = self.one_limit(&mut table, of, (key, whose));
                self.end(&table);
                let Some(limit) = limit else { continue };
                if limits.iter().any(|known| known.id == limit.id) {
                    let problem = "there is a limit over such a window already".into();
                    self.fault(table.place("per"), &table.field("per"), problem);
                }
                limits.push(limit);
            }
        }
        limits
    }

    fn one_limit(
        &mut self,
        table: &mut Section<'_>,
        of: Option<TermNo>,
        (key, whose): (&'static str, Whose),
    ) -> Option<Limit> {
        let times = self.int(table, "times", 1, i64::from(i32::MAX), false);
        let points = self.int(table, "points", 1, i64::MAX, false);
        let window = self.window(table, whose == Whose::Member);
        let over = match self.choice(table, "over", &["cut", "nothing"], false) {
            Some((1, _)) => Over::Nothing,
            _ => Over::Cut,
        };
        let (measure, max) = match (times, points) {
            (Some((max, _)), None) => (Measure::Count, max),
            (None, Some((max, _))) => (Measure::Points, max),
            _ => {
                self.fault(table.at, &table.path.clone(), "limits either `times` or `points`".into());
                return None;
            }
        };
        let (window, name) = window?;
        if window == Window::Order && (measure, whose) != (Measure::Points, Whose::Member) {
            let problem = "one order has a limit of `points`, and that is each member's own";
            self.fault(table.place("per"), &table.field("per"), problem.into());
        }
        if window == Window::Visit && whose == Whose::Everyone {
            self.fault(table.place("per"), &table.field("per"), "a visit is one member's: write a `limit`".into());
        }
        if window == Window::Visit && !self.visits {
            self.fault(table.place("per"), &table.field("per"), "what is a visit? add [visit] with `gap`".into());
        }
        let id = if name.is_empty() { self.counter_of(of, key) } else { self.counter_of(of, &format!("{key}.{name}")) };
        Some(Limit { id: id?, whose, measure, max, window, over })
    }

    /// A window and what its kind adds to the name of a limit.
    pub(crate) fn window(&mut self, table: &mut Section<'_>, must: bool) -> Option<(Window, &'static str)> {
        let windows = [
            (Window::Order, "order"),
            (Window::Visit, "visit"),
            (Window::Week, "week"),
            (Window::Month, "month"),
            (Window::Year, "year"),
            (Window::Ever, "ever"),
        ];
        let Some((text, at)) = self.text_of(table, "per", must) else {
            return (!must).then_some((Window::Ever, "ever"));
        };
        let days = || match number_and_unit(&text) {
            Some((days, "d")) if (1..=crate::program_file::YEARS_100).contains(&days) => i32::try_from(days).ok(),
            _ => None,
        };
        let known = windows.into_iter().find(|(_, name)| *name == text);
        let found = known.or_else(|| days().map(|days| (Window::Days(days), "")));
        if found.is_none() {
            let problem = format!("{text:?} is no window; write 1d or 90d, or order, visit, week, month, year or ever");
            self.fault(at, &table.field("per"), problem);
        }
        found
    }
}
