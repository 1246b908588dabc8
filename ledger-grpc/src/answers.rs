//! Answers: what a ledger tells when it is asked, gathered from the store and put into the messages of the API.
//!
//! For the server and for `ledgerd` on a directory alike: one question has one answer, whoever asks. Each answer is
//! of one state, gathered under one lock; what it reads of the log never changes. Those that come as `Result` read the
//! disk: call them off the threads that serve. Nothing is decided or explained here: that is the core's.

mod explain;
mod most;
mod proofs;

pub use self::explain::{Unknown, balance as explain_balance, event as explain_event, position_of};
pub use self::proofs::{checkpoint, consistency, inclusion};

use crate::proto;
use crate::wire::{self, EventAsked, LOTS_SHOWN, LOTS_SHOWN_OF_MANY, Names, Page, Person, Whose};
use ledger_core::event::{Event, Name};
use ledger_core::outcome::Outcome;
use ledger_core::units::Position;
use ledger_store::{AsOf, Handle, MemberLook, Moment, Pending, ReadError};

/// The words of the ledger, and what opens the names it has.
fn words_of(moment: &Moment<'_>) -> Names {
    Names::of_terms(moment.identity(), moment.terms()).opened_by(moment.seals())
}

/// The same, and the names of some people.
fn names_of(moment: &mut Moment<'_>, people: impl IntoIterator<Item = Person>) -> Names {
    let (mut members, mut staff) = (Vec::new(), Vec::new());
    for person in people {
        match person {
            Person::Member(no) => members.push((no, moment.name(no))),
            Person::Staff(no) => staff.push((no, moment.staff_name(no))),
        }
    }
    words_of(moment).and_members(members).and_staff(staff)
}

/// The same, for what was read from the log: whom a number stands for never changes.
fn names_in_log(store: &Handle, people: Vec<Person>) -> Result<Names, ReadError> {
    store.ask(|moment| names_of(moment, people)).wait()
}

/// What came of an event that was said before; `None` if none of this source and id was recorded, or it is not of the
/// member that is named.
///
/// # Errors
/// [`ReadError`].
pub fn outcome(store: &Handle, asked: &EventAsked) -> Result<Option<proto::GetOutcomeResponse>, ReadError> {
    let found = store.ask(|moment| (find_outcome(moment, asked), words_of(moment)));
    let told = found.map(|(outcome, names), position| {
        let tell = |outcome| proto::GetOutcomeResponse {
            outcome: Some(wire::outcome(&outcome, &names)),
            position: position.0,
            token: wire::token(position, &names),
        };
        Ok(outcome?.map(tell))
    });
    told.wait()?
}

fn find_outcome(moment: &mut Moment<'_>, asked: &EventAsked) -> Result<Option<Outcome>, ReadError> {
    let Some(outcome) = moment.outcome(&asked.source, &asked.id)? else { return Ok(None) };
    let is_meant = asked.member.is_empty() || moment.is_of(outcome.position, &asked.member)?;
    Ok(is_meant.then_some(outcome))
}

/// A member as it stands; `None` if there is none of this name.
pub fn member(store: &Handle, name: &str) -> Pending<Option<proto::Member>> {
    store.ask(|moment| moment.look(name, |moment, look| told(moment, look, LOTS_SHOWN)))
}

/// What is told of a member, from its row: what is not shown is not copied.
fn told(moment: &mut Moment<'_>, look: &MemberLook<'_>, shown_max: usize) -> proto::Member {
    let names = names_of(moment, wire::people_named_with(look.member));
    wire::member(look, &names, shown_max)
}

/// A member as it was; `None` if it was no member then.
///
/// # Errors
/// [`ReadError`].
pub fn member_then(store: &Handle, name: &str, then: AsOf) -> Result<Option<proto::Member>, ReadError> {
    let Some(view) = store.member_as_of(name, then)? else { return Ok(None) };
    let names = names_in_log(store, wire::people_named_with(&view.member).collect())?;
    Ok(Some(wire::member(&view.look(), &names, LOTS_SHOWN)))
}

/// Several members, all at one position. Whoever is asked for twice is looked at once.
pub fn members(store: &Handle, asked: &[Name]) -> Pending<proto::BatchGetMembersResponse> {
    let mut distinct: Vec<&Name> = asked.iter().collect();
    distinct.sort_unstable();
    distinct.dedup();
    let place = |name: &Name| distinct.binary_search(&name).ok();
    let found = store.ask(|moment| {
        let one = |name: &&Name| moment.look(name, |moment, look| told(moment, look, LOTS_SHOWN_OF_MANY));
        (distinct.iter().map(one).collect::<Vec<_>>(), names_of(moment, []))
    });
    found.map(|(members, words), position| {
        let one = |name: &Name| {
            let member = place(name).and_then(|at| members.get(at)?.clone());
            let here = |member| proto::Member { position: position.0, token: wire::token(position, &words), ..member };
            wire::maybe_member(name, member.map(here))
        };
        let members = asked.iter().map(one).collect();
        proto::BatchGetMembersResponse { members, position: position.0, token: wire::token(position, &words) }
    })
}

/// A page of the records that touch a member; `None` if there is none of this name.
///
/// # Errors
/// [`ReadError`].
pub fn records(store: &Handle, name: &str, page: Page) -> Result<Option<proto::ListRecordsResponse>, ReadError> {
    let Some(history) = store.history(name, Position(page.after), page.limit + 1)? else { return Ok(None) };
    let mentioned = history.records.iter().flat_map(|(_, record)| wire::people_of_record(record)).collect();
    let names = names_in_log(store, mentioned)?;
    let told = history.records.iter().map(|(position, record)| (position.0, wire::record(*position, record, &names)));
    let (records, next_page_token) = wire::fit(told, page.limit);
    let (position, token) = (history.position.0, wire::token(history.position, &names));
    Ok(Some(proto::ListRecordsResponse { records, next_page_token, position, token }))
}

/// A member's records from the first, each with the member after it; `None` if there is none of this name.
///
/// # Errors
/// [`ReadError`].
pub fn replay(
    store: &Handle,
    name: &str,
) -> Result<Option<impl Iterator<Item = Result<proto::ReplayMemberResponse, ReadError>> + use<>>, ReadError> {
    let Some(steps) = store.replay(name)? else { return Ok(None) };
    let store = store.clone();
    Ok(Some(steps.map(move |step| {
        let step = step?;
        let names = names_in_log(&store, wire::people_of_record(&step.record))?;
        Ok(wire::step(step.position, &step.record, &step.after, &names))
    })))
}

/// What would come of a redemption, if it were said now, and how large it could be.
pub fn quote(store: &Handle, event: Event<Name>) -> Pending<Result<proto::QuoteResponse, ReadError>> {
    let foreseen = store.ask(|moment| {
        let most = most::redeemable(moment, &event);
        (moment.preview(event), most, words_of(moment))
    });
    foreseen.map(|(verdict, most, names), position| Ok(wire::quoted(&verdict?, most?, position, &names)))
}

/// A page of the programs published so far.
pub fn programs(store: &Handle, page: Page) -> Pending<proto::ListProgramsResponse> {
    let identity = store.identity();
    store.programs().map(|rows, position| {
        let told = (1u32..).zip(&rows).map(|(version, row)| (version.into(), wire::program(version, row)));
        let (programs, next_page_token) = wire::fit(told.skip_while(|(version, _)| *version <= page.after), page.limit);
        let token = wire::token_of(position, identity);
        proto::ListProgramsResponse { programs, next_page_token, position: position.0, token }
    })
}

/// What all members have and did together.
pub fn totals(store: &Handle) -> Pending<proto::GetTotalsResponse> {
    store.totals().map(|totals, _| wire::totals(&totals))
}

/// What was counted for a member or for a key of risk; `None` if there is no such member.
pub fn counters(store: &Handle, whose: &Whose) -> Pending<Option<proto::ListCountersResponse>> {
    let found = store.ask(|moment| {
        let counters = match whose {
            Whose::Member(name) => moment.member_counters(name)?,
            Whose::Risk(key) => moment.risk_counters(*key),
        };
        let seen: Vec<_> = counters.iter().flat_map(|one| one.members.iter().copied()).map(Person::Member).collect();
        let names = names_of(moment, seen);
        Some((counters, names))
    });
    found.map(|found, position| {
        let (counters, names) = found?;
        let counters = counters.iter().map(|one| wire::counter(one, &names)).collect();
        Some(proto::ListCountersResponse { counters, position: position.0, token: wire::token(position, &names) })
    })
}

/// A page of the risk cases, or of those that are open.
pub fn cases(store: &Handle, open_only: bool, page: Page) -> Pending<proto::ListCasesResponse> {
    let found = store.ask(|moment| {
        let cases = moment.cases(open_only, Position(page.after), page.limit.saturating_add(1));
        let mentioned: Vec<_> =
            cases.iter().flat_map(|(_, case)| wire::members_of_case(case)).map(Person::Member).collect();
        let names = names_of(moment, mentioned);
        let waiting = if page.after == 0 { moment.waiting_of_nobody() } else { Vec::new() };
        let program = moment.program();
        let parked: Vec<_> =
            program.iter().flat_map(|program| waiting.iter().map(|one| wire::parked(one, program))).collect();
        (cases, names, parked)
    });
    found.map(|(cases, names, parked_events), position| {
        let told = cases.iter().map(|(position, case)| (position.0, wire::case(*position, case, &names)));
        let (cases, next_page_token) = wire::fit(told, page.limit);
        let (position, token) = (position.0, wire::token(position, &names));
        proto::ListCasesResponse { cases, next_page_token, position, token, parked_events }
    })
}
