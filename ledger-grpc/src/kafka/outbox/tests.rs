use super::*;
use ledger_core::account::{Account, Posting};
use ledger_core::change::{self, Change};
use ledger_core::event::{self, Body, Event, RiskKeys};
use ledger_core::features::items::state::Piece;
use ledger_core::memory::Memory;
use ledger_core::record::{Timer, Verdict, VerdictPart, Why};
use ledger_core::refusal::Refusal;
use ledger_core::trace::{Adjustment, Trace};
use ledger_core::units::{At, Day, LotId, Points};
use ledger_store::Seals;
use prost_reflect::DescriptorPool;
use serde_json::Value;

const AT: At = At(1_772_323_200_000);
const PROGRAM: &str = "id = \"p\"\ntimezone = \"UTC\"\ncurrency = \"EUR\"\n[[wallet]]\nid = \"points\"\n\
    [transfer]\nmin = 1\nfee = \"10%\"\n";

#[test]
fn a_gift_tells_what_was_given_what_it_cost_and_what_came() {
    let mut memory = Memory::new();
    let mut say = |id: &str, member: &str, body| {
        let keys = RiskKeys::default();
        let (source, occurred_at) = ("till".into(), At(1_767_225_600_000));
        let event = Event { source, id: id.into(), occurred_at, member: member.into(), keys, origin: None, body };
        memory.submit(event, occurred_at).expect("the ledger works")
    };
    say("1", "", Body::ProgramPublished(event::ProgramPublished { text: PROGRAM.into() }));
    say("2", "Ada", Body::Enrolled(event::Enrolled { birthday: None }));
    say("3", "Ada", Body::credit(Points(50), "sorry"));
    say("4", "Bob", Body::Enrolled(event::Enrolled { birthday: None }));
    let gift =
        Body::Transfer(event::Transfer { to: "Bob".into(), wallet: "".into(), points: Points(40), note: "".into() });
    let position = say("5", "Ada", gift).position;
    let record = memory.record(position).expect("it is in the log");
    let names = HashMap::from([(1, "Ada"), (2, "Bob")].map(|(no, name)| (Person::Member(MemberNo(no)), name.into())));
    let told = Told { terms: Arc::new(memory.state.shared.terms.clone()), names, seals: Seals::default() };
    let told: Vec<_> =
        outcomes(position, &record, &told).into_iter().map(|one| (one.kind, one.member, one.data)).collect();
    let points: Vec<_> = told.iter().map(|(kind, member, more)| (*kind, member.0, more["points"].clone())).collect();
    let expected = [("points.charged", 1, 4.into()), ("points.given", 1, 36.into()), ("points.received", 2, 36.into())];
    assert_eq!(points, expected);
    assert_ne!(told[1].2["postings"][0]["lot"], told[2].2["postings"][0]["lot"], "what came is a new lot");
}

#[test]
fn what_is_redeemed_of_an_item_is_told_and_what_a_refused_one_lacks() {
    let (member, item) = (MemberNo(1), Piece { item: TermNo(1), taken: TermNo(1), points: Points(20) });
    let (wallet, day) = (TermNo(1), Day(20_454));
    let redeemed = Change::Redeemed(change::Redeemed {
        member,
        wallet,
        order: 0,
        day,
        points: Points(60),
        forget_before: day,
        item: Some(item),
        hold: 0,
    });
    let told = told_of(Vec::new(), vec![redeemed]);
    assert_eq!(told, [("item.redeemed", json!({ "item": "points", "pieces": 3, "points": 60 }))]);
    for (adjustment, what) in [
        (Adjustment::Stock, "pieces"),
        (Adjustment::Limit { limit: TermNo(1) }, "pieces"),
        (Adjustment::Price, "points"),
    ] {
        let trace = Trace { rule: TermNo(1), computed: Points(9), granted: Points(7), adjustment };
        let verdict = Verdict { refusal: Some(Refusal::ItemSoldOut), trace: vec![trace], ..Verdict::default() };
        let told = told_by(verdict);
        let [(kind, more)] = told.as_slice() else { panic!("one outcome, and no limit is hit") };
        assert_eq!((*kind, &more["shortfall"]), ("event.rejected", &json!({ "item": "points", what: 7 })));
    }
}

#[test]
fn what_is_told_too_late_is_told_as_such() {
    let late = change::ToldLate { member: MemberNo(1), day: Day(20_454), since: Day(20_484) };
    let told = told_of(Vec::new(), vec![Change::ToldLate(late)]);
    assert_eq!(told, [("event.late", json!({ "day": "2026-01-01", "since": "2026-01-31" }))]);
}

fn told_of(postings: Vec<Posting>, changes: Vec<Change>) -> Vec<(&'static str, Value)> {
    told_by(Verdict { postings, changes, ..Verdict::default() })
}

fn told_by(verdict: Verdict) -> Vec<(&'static str, Value)> {
    let terms = Arc::new(vec!["points".into()]);
    let told =
        Told { terms, names: HashMap::from([(Person::Member(MemberNo(1)), "anna".into())]), seals: Seals::default() };
    let why = Why::Timer { member: MemberNo(1), due: AT, timer: Timer::Reminder };
    let record = Record::from(VerdictPart { at: AT, program: 1, why, verdict });
    let own = |mut data: Value| {
        let common = ["position", "cause", "program", "available"];
        data.as_object_mut().expect("it is an object").retain(|name, _| !common.contains(&name.as_str()));
        data
    };
    outcomes(Position(9), &record, &told).into_iter().map(|outcome| (outcome.kind, own(outcome.data))).collect()
}

#[test]
fn how_points_die_and_live_again_is_told() {
    let (member, wallet) = (MemberNo(1), TermNo(1));
    let lives_again = Posting {
        member,
        wallet,
        from: Account::Expired,
        to: Account::Available,
        points: Points(7),
        lot: LotId { position: Position(9), line: 0 },
        expires_at: AT,
        rule: TermNo::NONE,
    };
    let by_activity = Posting { from: Account::Issued, expires_at: At::SLIDING, ..lives_again };
    let changes = vec![
        Change::Expiring(change::Expiring { member, wallet, expires_at: AT, points: Points(5) }),
        Change::ReminderSet(change::ReminderSet { member, wallet, at: AT }),
        Change::ActivityExpirySet(change::ActivityExpirySet { member, wallet, since: Position(2), until: AT }),
    ];
    let told = told_of(vec![lives_again, by_activity], changes);
    let kinds: Vec<&str> = told.iter().map(|(kind, _)| *kind).collect();
    assert_eq!(kinds, ["points.reinstated", "points.earned", "points.expiring", "points.extended"]);
    let [_, (_, earned), (_, expiring), (_, extended)] = told.as_slice() else { panic!("four outcomes") };
    assert_eq!(earned["postings"][0]["expires_at"], Value::Null, "the spell says until when");
    let expected = json!({ "wallet": "points", "points": 5, "expires_at": "2026-03-01T00:00:00Z", "postings": [] });
    assert_eq!(*expiring, expected);
    assert_eq!(*extended, json!({ "wallet": "points", "expires_at": "2026-03-01T00:00:00Z", "postings": [] }));
}

#[test]
fn other_members_are_told_by_their_names() {
    let text = format!("{PROGRAM}[household]\nshare = \"50%\"\n");
    let mut memory = Memory::new();
    let mut say = |id: &str, member: &str, body| {
        let keys = RiskKeys::default();
        let (source, occurred_at) = ("till".into(), At(1_767_225_600_000));
        let event = Event { source, id: id.into(), occurred_at, member: member.into(), keys, origin: None, body };
        let outcome = memory.submit(event, occurred_at).expect("the ledger works");
        assert_eq!(outcome.refusal, None, "{id}");
        memory.record(outcome.position).expect("it is in the log")
    };
    say("1", "", Body::ProgramPublished(event::ProgramPublished { text: text.into() }));
    for (id, member) in [("2", "Ada"), ("3", "Bob"), ("4", "home")] {
        say(id, member, Body::Enrolled(event::Enrolled { birthday: None }));
    }
    let joined = say("5", "Ada", Body::HouseholdJoined(event::HouseholdJoined { household: "home".into() }));
    let merged = say("6", "Ada", Body::Merged(event::Merged { from: "Bob".into() }));
    let names = ["Ada", "Bob", "home"];
    let name = |person: &Person| match person {
        Person::Member(no) => names[usize::try_from(no.0).expect("it is small") - 1].into(),
        Person::Staff(no) => panic!("nobody of the staff is named, and not {no}"),
    };
    let named = |people: &[Person]| Ok(people.iter().map(name).collect());
    let records = [(Position(5), joined), (Position(6), merged)];
    let told = Told::of(&records, Default::default(), named).expect("every member has a name");
    let told: Vec<(&str, Value)> = records
        .iter()
        .flat_map(|(position, record)| outcomes(*position, record, &told))
        .map(|one| (one.kind, json!([told.name(one.member), one.data["into"], one.data["household"]])))
        .collect();
    assert!(told.contains(&("member.household_joined", json!(["Ada", null, "home"]))), "{told:?}");
    assert!(told.contains(&("member.merged", json!(["Bob", "Ada", null]))), "{told:?}");
}

#[test]
fn every_type_has_the_same_first_fields_and_names_no_member_by_number() {
    let pool = DescriptorPool::decode(crate::proto::DESCRIPTORS).expect("the descriptors are whole");
    let listed = pool.all_messages().filter(|message| message.name().starts_with("Outbox"));
    for message in listed.filter(|message| !["OutboxCause", "OutboxPosting"].contains(&message.name())) {
        assert!(TYPES.iter().any(|listed| listed.data == message.name()), "{} is the data of no type", message.name());
        let first: Vec<String> = message.fields().take(4).map(|field| field.name().to_owned()).collect();
        assert_eq!(first, ["position", "cause", "program", "available"], "{}", message.name());
        for field in message.fields().filter(|field| ["member", "members", "into", "household"].contains(&field.name()))
        {
            assert_eq!(field.kind(), prost_reflect::Kind::String, "{}", field.full_name());
        }
    }
    let mut names: Vec<&str> = TYPES.iter().map(|listed| listed.name).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), TYPES.len(), "a type is listed twice");
}
