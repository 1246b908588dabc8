//! The API as a caller sees it: a real server on loopback before a real ledger in a directory that
//! goes away. Ledger time is simulated, so every answer is the same on every run.

#![allow(clippy::unwrap_used)]

use ledger_core::units::{At, Position};
use ledger_grpc::engine::{Engine, Failure, Limits};
use ledger_grpc::proto::audit_service_client::AuditServiceClient;
use ledger_grpc::proto::event_service_client::EventServiceClient;
use ledger_grpc::proto::member_service_client::MemberServiceClient;
use ledger_grpc::proto::outcome::Result as RuleOutcome;
use ledger_grpc::proto::program_service_client::ProgramServiceClient;
use ledger_grpc::proto::{self, Account, event::Body};
use ledger_grpc::server::{ServeError, serve};
use ledger_grpc::wire;
use ledger_store::{
    Checkpoint, Checkpoints, ConsistencyProof, InclusionProof, Ledger, Options, Seed, Time, VerifierKey,
};
use prost::Message;
use prost_types::Timestamp;
use std::io::{Read, Write};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio_stream::StreamExt;
use tokio_stream::wrappers::ReceiverStream;
use tonic::codec::CompressionEncoding::Gzip;
use tonic::transport::Channel;
use tonic::{Code, Status};
use tonic_types::StatusExt;

const CAFE: &str = include_str!("../../programs/cafe.toml");

/// A served ledger.
struct World {
    ledger: Ledger,
    address: SocketAddr,
    channel: Channel,
    stop: oneshot::Sender<()>,
    serving: JoinHandle<Result<(), ServeError>>,
    _dir: TempDir,
}

impl World {
    async fn new(limits: Limits) -> World {
        World::kept(limits, Options::default()).await
    }

    async fn kept(limits: Limits, options: Options) -> World {
        let dir = tempfile::tempdir().unwrap();
        let options = Options { time: Time::Simulated, ..options };
        let ledger = Ledger::open(dir.path(), options, Arc::new(|| At(0))).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel::<()>();
        let shutdown = async {
            let _ = stopped.await;
        };
        let serving = tokio::spawn(serve(listener, ledger.handle(), limits, shutdown));
        let channel = Channel::from_shared(format!("http://{address}")).unwrap().connect().await.unwrap();
        World { ledger, address, channel, stop, serving, _dir: dir }
    }

    /// With the café's program in force.
    async fn cafe(limits: Limits) -> World {
        let world = World::new(limits).await;
        let published = world.programs().publish_program(publication("p-1", CAFE)).await.unwrap().into_inner();
        assert_eq!((published.version, published.outcome.unwrap().duplicate), (1, false));
        world
    }

    fn events(&self) -> EventServiceClient<Channel> {
        EventServiceClient::new(self.channel.clone())
    }

    fn members(&self) -> MemberServiceClient<Channel> {
        MemberServiceClient::new(self.channel.clone())
    }

    fn programs(&self) -> ProgramServiceClient<Channel> {
        ProgramServiceClient::new(self.channel.clone())
    }

    fn audit(&self) -> AuditServiceClient<Channel> {
        AuditServiceClient::new(self.channel.clone())
    }

    async fn say(&self, event: proto::Event) -> Result<proto::Outcome, Status> {
        let answer = self.events().submit(proto::SubmitRequest { event: Some(event) }).await?;
        Ok(answer.into_inner().outcome.unwrap())
    }

    async fn look(&self, member: &str) -> Result<proto::Member, Status> {
        let request = proto::GetMemberRequest { member: member.into(), ..Default::default() };
        Ok(self.members().get_member(request).await?.into_inner())
    }

    /// The token of an answer that is true at this position.
    fn token(&self, position: u64) -> String {
        wire::token_of(Position(position), self.ledger.handle().identity())
    }

    /// Stops the server, then the ledger.
    async fn end(self) {
        self.stop.send(()).unwrap();
        drop(self.channel);
        self.serving.await.unwrap().unwrap();
        self.ledger.close().unwrap();
    }
}

fn publication(id: &str, text: &str) -> proto::PublishProgramRequest {
    proto::PublishProgramRequest { source: "test".into(), id: id.into(), occurred_at: day(0), text: text.into() }
}

/// Noon of the n-th day of March 2026, UTC.
fn day(n: i64) -> Option<Timestamp> {
    Some(Timestamp { seconds: 1_772_366_400 + n * 86_400, nanos: 0 })
}

fn event(id: &str, member: &str, n: i64, body: Body) -> proto::Event {
    proto::Event {
        source: "till-1".into(),
        id: id.into(),
        occurred_at: day(n),
        member: member.into(),
        body: Some(body),
        ..Default::default()
    }
}

fn enrolled() -> Body {
    Body::Enrolled(proto::Enrolled { birthday: Some(proto::MonthDay { month: 7, day: 4 }) })
}

fn purchase(order: &str, net: i64) -> Body {
    let lines = vec![proto::Line { sku: "cup".into(), quantity: 1, net, ..proto::Line::default() }];
    Body::Purchase(proto::Purchase { order: order.into(), currency: "EUR".into(), lines, ..Default::default() })
}

fn redeem(points: i64) -> Body {
    Body::Redeem(proto::Redeem { points, ..proto::Redeem::default() })
}

fn accepted(outcome: &proto::Outcome) -> &proto::Accepted {
    match outcome.result.as_ref().unwrap() {
        RuleOutcome::Accepted(accepted) => accepted,
        other => panic!("not accepted: {other:?}"),
    }
}

fn refused(outcome: &proto::Outcome) -> &proto::Refused {
    match outcome.result.as_ref().unwrap() {
        RuleOutcome::Refused(refused) => refused,
        other => panic!("not refused: {other:?}"),
    }
}

/// Code, reason and `applied` of a status.
fn told(status: &Status) -> (Code, String, String) {
    let info = status.get_details_error_info().unwrap_or_else(|| panic!("no ErrorInfo in {status:?}"));
    assert_eq!(info.domain, "ledger.v1");
    (status.code(), info.reason, info.metadata["applied"].clone())
}

fn says(code: Code, reason: &str) -> (Code, String, String) {
    (code, reason.to_owned(), "NOT_APPLIED".to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_member_did_is_what_it_has() {
    let world = World::cafe(Limits::default()).await;
    let enrolled = world.say(event("e-1", "anna", 1, enrolled())).await.unwrap();
    assert_eq!(accepted(&enrolled).earned[0].points, 20);

    let bought = world.say(event("b-1", "anna", 2, purchase("o-1", 1_050))).await.unwrap();
    assert_eq!(bought.at, day(2));
    let trace = &accepted(&bought).trace;
    let cup = proto::Trace {
        rule: "cup".into(),
        computed: 21,
        granted: 21,
        adjustment: proto::Adjustment::None.into(),
        ..Default::default()
    };
    assert_eq!((trace.as_slice(), accepted(&bought).available), ([cup].as_slice(), 41));

    let again = world.say(event("b-1", "anna", 2, purchase("o-1", 1_050))).await.unwrap();
    assert_eq!(again, proto::Outcome { duplicate: true, ..bought.clone() });

    let hold = Body::Hold(proto::Hold { hold: "h-1".into(), points: 11, ..proto::Hold::default() });
    let held = world.say(event("h-1", "anna", 3, hold)).await.unwrap();
    let anna = world.look("anna").await.unwrap();
    let purse = &anna.purses[0];
    assert_eq!((purse.available, purse.held, purse.in_review, purse.debt), (30, 11, 0, 0));
    assert_eq!((anna.holds[0].name.as_str(), anna.holds[0].points), ("h-1", 11));
    assert_eq!((purse.lots_count, purse.lots.iter().map(|lot| lot.points).sum::<i64>()), (2, 30));
    assert_eq!(anna.birthday, Some(proto::MonthDay { month: 7, day: 4 }));
    assert!(anna.position >= held.position, "a read does not lag behind an answer");

    let tier = anna.tier.unwrap();
    assert_eq!((tier.tier.as_str(), tier.next.as_str()), ("guest", "regular"));
    assert_eq!((tier.metric, tier.needed_for_next, tier.missing_for_next), (1_050, 10_000, 8_950));

    let asked = proto::GetOutcomeRequest { source: "till-1".into(), id: "b-1".into(), ..Default::default() };
    let found = world.events().get_outcome(asked).await.unwrap().into_inner();
    assert_eq!(found.outcome.unwrap(), again);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_names_the_member_of_an_event_finds_it_and_not_that_of_another() {
    let world = World::cafe(Limits::default()).await;
    let card = Body::AliasLinked(proto::AliasLinked { kind: "card".into(), name: "4711".into() });
    world.say(event("e-1", "anna", 1, enrolled())).await.unwrap();
    world.say(event("e-2", "ben", 1, enrolled())).await.unwrap();
    world.say(event("e-3", "anna", 1, card)).await.unwrap();
    let bought = world.say(event("b-1", "anna", 2, purchase("o-1", 100))).await.unwrap();
    world.say(event("r-1", "a stranger", 2, redeem(1))).await.unwrap();
    let find = async |id: &str, member: &str| {
        let (source, id, member) = ("till-1".into(), id.into(), member.into());
        let request = proto::GetOutcomeRequest { source, id, member, ..Default::default() };
        let found = world.events().get_outcome(request).await;
        found.map(|found| found.into_inner().outcome.unwrap().position).map_err(|status| told(&status))
    };
    let position = bought.position;
    for member in ["", "anna", "card:4711"] {
        assert_eq!(find("b-1", member).await, Ok(position), "{member:?}");
    }
    assert!(find("r-1", "a stranger").await.is_ok(), "an event may be of nobody the ledger knows");
    for (id, member) in [("b-1", "ben"), ("b-1", "nobody"), ("r-1", "anna"), ("b-2", "anna")] {
        assert_eq!(find(id, member).await, Err(says(Code::NotFound, "OUTCOME_UNKNOWN")), "{id} of {member}");
    }
    let explain = async |which, member: &str| {
        let request = proto::ExplainEventRequest { which: Some(which), member: member.into(), ..Default::default() };
        let explained = world.audit().explain_event(request).await;
        explained.map(|told| told.into_inner().record.unwrap().position).map_err(|status| told(&status))
    };
    use proto::explain_event_request::Which;
    let event = || Which::Event(proto::EventName { source: "till-1".into(), id: "b-1".into() });
    for member in ["", "anna", "card:4711"] {
        assert_eq!(explain(Which::Position(position), member).await, Ok(position));
        assert_eq!(explain(event(), member).await, Ok(position));
    }
    assert_eq!(explain(Which::Position(position), "ben").await, Err(says(Code::NotFound, "RECORD_UNKNOWN")));
    assert_eq!(explain(Which::Position(0), "ben").await, Err(says(Code::NotFound, "RECORD_UNKNOWN")));
    assert_eq!(explain(Which::Position(99), "ben").await, Err(says(Code::NotFound, "RECORD_UNKNOWN")));
    assert_eq!(explain(event(), "ben").await, Err(says(Code::NotFound, "OUTCOME_UNKNOWN")));
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_signed_and_proved_needs_no_ledger_to_be_checked() {
    use proto::get_inclusion_proof_request::Which;
    let seeds = vec![Seed::new([1; 32])];
    let checkpoints = Checkpoints { seeds, file: None };
    let world = World::kept(Limits::default(), Options { checkpoints, ..Options::default() }).await;
    world.programs().publish_program(publication("p-1", CAFE)).await.unwrap();
    world.say(event("e-1", "anna", 1, enrolled())).await.unwrap();
    let bought = world.say(event("b-1", "anna", 2, purchase("o-1", 100))).await.unwrap();

    let checkpoint = async |token: String| {
        let answer = world.audit().get_checkpoint(proto::GetCheckpointRequest { token }).await;
        answer.map(tonic::Response::into_inner).map_err(|status| told(&status))
    };
    let first = checkpoint(world.token(bought.position)).await.unwrap();
    let keys: Vec<VerifierKey> = first.keys.iter().map(|key| key.parse().unwrap()).collect();
    let opened = Checkpoint::open(&first.checkpoint, &keys).unwrap();
    assert_eq!(opened.origin, world.ledger.handle().identity().origin());
    assert!(first.size >= bought.position, "it is over all that the answer rested on");
    assert_eq!((opened.head.size, &opened.head.root[..]), (first.size, &first.root[..]));
    assert_eq!(checkpoint("no token".into()).await, Err(says(Code::InvalidArgument, "INVALID")));

    let prove = async |which, member: &str, with_cause| {
        let request =
            proto::GetInclusionProofRequest { which, member: member.into(), with_cause, ..Default::default() };
        let answer = world.audit().get_inclusion_proof(request).await;
        answer.map(tonic::Response::into_inner).map_err(|status| told(&status))
    };
    let named = |id: &str| Some(Which::Event(proto::EventName { source: "till-1".into(), id: id.into() }));
    for (which, with_cause) in [(Some(Which::Position(bought.position)), false), (named("b-1"), true)] {
        let told = prove(which, "anna", with_cause).await.unwrap();
        assert_eq!(
            (told.position, told.cause.is_empty(), told.salt.len()),
            (bought.position, !with_cause, if with_cause { 16 } else { 0 })
        );
        let proof = InclusionProof::read(&told.proof).unwrap();
        assert_eq!(proof.check(&keys).unwrap().origin, opened.origin);
        assert_eq!((proof.index + 1, &proof.shown.verdict), (told.position, &told.verdict));
        assert_eq!(&proof.shown.cause_hash()[..], told.cause_hash);
        assert_eq!((proof.hashes.concat(), proof.checkpoint), (told.hashes.concat(), told.checkpoint));
    }
    let missing = says(Code::NotFound, "RECORD_UNKNOWN");
    for position in [0, 99, u64::MAX] {
        assert_eq!(prove(Some(Which::Position(position)), "", false).await, Err(missing.clone()));
    }
    assert_eq!(prove(Some(Which::Position(bought.position)), "ben", false).await, Err(missing.clone()));
    assert_eq!(prove(named("b-2"), "", false).await, Err(says(Code::NotFound, "OUTCOME_UNKNOWN")));
    assert_eq!(prove(None, "", false).await, Err(says(Code::InvalidArgument, "INVALID")));
    assert_eq!(prove(named(""), "", false).await, Err(says(Code::InvalidArgument, "INVALID")));

    let later = world.say(event("b-2", "anna", 3, purchase("o-2", 100))).await.unwrap();
    let grow = async |old_size, token: String| {
        let request = proto::GetConsistencyProofRequest { old_size, token };
        let answer = world.audit().get_consistency_proof(request).await;
        answer.map(tonic::Response::into_inner).map_err(|status| told(&status))
    };
    let grown = grow(first.size, world.token(later.position)).await.unwrap();
    let proof = ConsistencyProof::read(&grown.proof).unwrap();
    assert!(proof.check(&opened, &keys).unwrap().head.size >= later.position);
    assert_eq!((proof.hashes.concat(), proof.checkpoint), (grown.hashes.concat(), grown.checkpoint));
    assert!(grow(0, String::new()).await.is_ok_and(|grown| grown.hashes.is_empty()));
    for size in [later.position + 1, u64::MAX] {
        assert_eq!(grow(size, String::new()).await, Err(missing.clone()));
    }
    world.end().await;

    let world = World::cafe(Limits::default()).await;
    let none = says(Code::FailedPrecondition, "NO_CHECKPOINT");
    let status = world.audit().get_checkpoint(proto::GetCheckpointRequest::default()).await.unwrap_err();
    assert_eq!(told(&status), none);
    let request = proto::GetInclusionProofRequest { which: Some(Which::Position(1)), ..Default::default() };
    assert_eq!(told(&world.audit().get_inclusion_proof(request).await.unwrap_err()), none);
    let request = proto::GetConsistencyProofRequest { old_size: 1, ..Default::default() };
    assert_eq!(told(&world.audit().get_consistency_proof(request).await.unwrap_err()), none);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_is_an_answer_and_stays_one() {
    let world = World::cafe(Limits::default()).await;
    world.say(event("e-1", "ben", 1, enrolled())).await.unwrap();
    let no = world.say(event("r-1", "ben", 1, redeem(21))).await.unwrap();
    assert_eq!((refused(&no).reason.as_str(), refused(&no).available), ("NOT_ENOUGH_POINTS", 20));
    assert!(refused(&no).retry_may_succeed);

    let credit = Body::Credit(proto::Credit { points: 5, reason: "sorry".into(), ..Default::default() });
    world.say(event("c-1", "ben", 1, credit)).await.unwrap();
    let again = world.say(event("r-1", "ben", 1, redeem(21))).await.unwrap();
    assert_eq!((again.duplicate, refused(&again).reason.as_str()), (true, "NOT_ENOUGH_POINTS"));

    let other = world.say(event("r-1", "ben", 1, redeem(1))).await.unwrap();
    assert_eq!(refused(&other).reason, "ID_REUSED");
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_broken_field_is_named_and_nothing_is_recorded() {
    let world = World::cafe(Limits::default()).await;
    let before = world.ledger.handle().committed();
    let mut broken = event("", "cleo", 1, purchase("o-1", -1_000_000_000_001));
    broken.device = "x".repeat(129);
    let status = world.say(broken).await.unwrap_err();
    assert_eq!(told(&status), says(Code::InvalidArgument, "INVALID"));
    let fields = status.get_details_bad_request().unwrap().field_violations;
    let fields: Vec<_> = fields.into_iter().map(|one| one.field).collect();
    assert_eq!(fields, ["event.device", "event.id", "event.purchase.lines[0].net"]);

    let nothing = proto::Event { body: None, ..event("n-1", "cleo", 1, redeem(1)) };
    let status = world.say(nothing).await.unwrap_err();
    assert_eq!(status.get_details_bad_request().unwrap().field_violations[0].field, "event.body");

    let large = proto::Event { id: "x".repeat((2 << 20) + 1), ..event("", "cleo", 1, redeem(1)) };
    let status = world.say(large).await.unwrap_err();
    assert_eq!(status.get_details_bad_request().unwrap().field_violations[0].field, "event");

    let status = world.look("cleo").await.unwrap_err();
    assert_eq!(told(&status), says(Code::NotFound, "MEMBER_UNKNOWN"));
    assert_eq!(world.ledger.handle().committed(), before);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_is_answered_in_order_and_only_the_invalid_is_left_out() {
    let world = World::cafe(Limits::default()).await;
    let events = vec![
        event("e-1", "dora", 1, enrolled()),
        event("", "dora", 1, redeem(1)),
        event("r-1", "dora", 1, redeem(100)),
        event("r-2", "dora", 1, redeem(15)),
    ];
    let mut client = world.events().send_compressed(Gzip).accept_compressed(Gzip);
    let answer = client.submit_batch(proto::SubmitBatchRequest { events }).await.unwrap().into_inner();
    let [first, second, third, fourth] = answer.outcomes.as_slice() else { panic!("not four: {answer:?}") };
    assert_eq!(accepted(first).available, 20);
    assert!(matches!(&second.result, Some(RuleOutcome::Invalid(invalid)) if invalid.violations[0].field == "id"));
    assert_eq!((second.position, refused(third).reason.as_str()), (0, "NOT_ENOUGH_POINTS"));
    assert_eq!(accepted(fourth).available, 5);

    let status = client.submit_batch(proto::SubmitBatchRequest { events: Vec::new() }).await.unwrap_err();
    assert_eq!(told(&status), says(Code::InvalidArgument, "INVALID"));

    let members = vec!["dora".into(), "nobody".into()];
    let request = proto::BatchGetMembersRequest { members, token: answer.token.clone() };
    let answer = world.members().batch_get_members(request).await.unwrap().into_inner();
    assert_eq!(answer.members[0].member.as_ref().unwrap().purses[0].available, 5);
    assert_eq!((answer.members[1].name.as_str(), &answer.members[1].member), ("nobody", &None));
    assert!(answer.position >= fourth.position);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_answers_batch_after_batch_and_ends_with_the_server() {
    let world = World::cafe(Limits { stream_batches_max: 2, ..Limits::default() }).await;
    let (say, said) = mpsc::channel(1);
    let mut answers = world.events().submit_stream(ReceiverStream::new(said)).await.unwrap().into_inner();
    for batch in 0..20 {
        let event =
            |n: i64| event(&format!("c-{batch}-{n}"), &format!("m-{n}"), batch, Body::CheckIn(proto::CheckIn {}));
        let request = proto::SubmitStreamRequest { tag: format!("b-{batch}"), events: (0..50).map(event).collect() };
        say.send(request).await.unwrap();
        let answer = answers.next().await.unwrap().unwrap();
        assert_eq!((answer.tag, answer.outcomes.len()), (format!("b-{batch}"), 50));
        assert!(answer.outcomes.windows(2).all(|pair| pair[0].position < pair[1].position));
    }
    let World { stop, serving, ledger, channel, .. } = world;
    stop.send(()).unwrap();
    let status = answers.next().await.unwrap().unwrap_err();
    assert_eq!(told(&status), says(Code::Unavailable, "DRAINING"));
    drop((answers, say, channel));
    serving.await.unwrap().unwrap();
    ledger.close().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn history_and_replay_tell_the_same_story() {
    let world = World::cafe(Limits::default()).await;
    world.say(event("e-1", "emil", 1, enrolled())).await.unwrap();
    world.say(event("e-2", "fay", 1, enrolled())).await.unwrap();
    for n in 0..5 {
        world.say(event(&format!("b-{n}"), "emil", 2, purchase(&format!("o-{n}"), 100))).await.unwrap();
    }
    let referral = Body::Referral(proto::Referral { referee: "fay".into() });
    let last = world.say(event("f-1", "emil", 3, referral)).await.unwrap();

    let (mut records, mut page_token) = (Vec::new(), String::new());
    loop {
        let request =
            proto::ListRecordsRequest { member: "emil".into(), page_size: 3, page_token, token: String::new() };
        let page = world.members().list_records(request).await.unwrap().into_inner();
        assert!(page.records.len() <= 3);
        records.extend(page.records);
        page_token = page.next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    assert_eq!((records.len(), records.last().unwrap().position), (7, last.position));
    let Some(proto::record::Cause::Event(cause)) = &records.last().unwrap().cause else { panic!("no event") };
    let referral = Body::Referral(proto::Referral { referee: "fay".into() });
    assert_eq!((cause.member.as_str(), &cause.body), ("emil", &Some(referral)));

    let request = proto::ReplayMemberRequest { member: "emil".into(), token: world.token(last.position) };
    let steps: Vec<_> = world.members().replay_member(request).await.unwrap().into_inner().collect().await;
    let steps: Vec<_> = steps.into_iter().map(Result::unwrap).collect();
    let replayed: Vec<_> = steps.iter().map(|step| step.record.clone().unwrap()).collect();
    assert_eq!(replayed, records);
    let emil = world.look("emil").await.unwrap();
    let after = steps.last().unwrap().after.as_ref().unwrap();
    let (left, has) = (&after.purses[0], &emil.purses[0]);
    assert_eq!((left.available, left.lots_count, after.tier.as_str()), (has.available, has.lots_count, "guest"));
    let posting = &records.last().unwrap().postings[0];
    assert_eq!((posting.rule.as_str(), posting.points, posting.source_account()), ("friend", 30, Account::Issued));

    let then = proto::get_member_request::AsOf::Position(records[1].position);
    let request = proto::GetMemberRequest { member: "emil".into(), as_of: Some(then), token: String::new() };
    let then = world.members().get_member(request).await.unwrap().into_inner();
    assert_eq!(then.purses[0].available, steps[1].after.as_ref().unwrap().purses[0].available);
    let then = proto::get_member_request::AsOf::Time(day(2).unwrap());
    let request = proto::GetMemberRequest { member: "emil".into(), as_of: Some(then), token: String::new() };
    let then = world.members().get_member(request).await.unwrap().into_inner();
    assert_eq!((then.purses[0].available, then.at), (steps[5].after.as_ref().unwrap().purses[0].available, day(2)));

    let request = proto::ReplayMemberRequest { member: "gus".into(), token: String::new() };
    let mut steps = world.members().replay_member(request).await.unwrap().into_inner();
    assert_eq!(told(&steps.next().await.unwrap().unwrap_err()), says(Code::NotFound, "MEMBER_UNKNOWN"));
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_with_faults_is_not_published() {
    let world = World::new(Limits::default()).await;
    let broken = CAFE.replace("fixed = 20", "fixed = -20").replace("fixed = 30", "fixed = -30");
    let checked = proto::CheckProgramRequest { text: broken.clone() };
    let checked = world.programs().check_program(checked).await.unwrap().into_inner();
    assert_eq!(checked.faults.len(), 2, "{checked:?}");
    assert!(checked.faults.iter().all(|fault| fault.line > 1 && fault.field.starts_with("earn[")));
    let status = world.programs().publish_program(publication("p-1", &broken)).await.unwrap_err();
    assert_eq!(told(&status), says(Code::InvalidArgument, "INVALID"));
    assert_eq!(status.get_details_bad_request().unwrap().field_violations.len(), 2);

    let no = world.say(event("e-1", "hal", 1, enrolled())).await.unwrap();
    assert_eq!(refused(&no).reason, "NO_PROGRAM");
    let published = world.programs().publish_program(publication("p-1", CAFE)).await.unwrap().into_inner();
    let position = published.outcome.unwrap().position;
    let request = proto::ListProgramsRequest { token: published.token, ..Default::default() };
    let listed = world.programs().list_programs(request).await.unwrap().into_inner();
    assert_eq!((listed.programs.len(), listed.programs[0].version), (1, 1));
    assert_eq!((listed.programs[0].text.as_str(), listed.programs[0].position), (CAFE, position));
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_books_balance_and_a_device_farm_becomes_a_case() {
    let world = World::cafe(Limits::default()).await;
    for n in 0..4 {
        let enrolled = event(&format!("e-{n}"), &format!("farmer-{n}"), 1, enrolled());
        world.say(proto::Event { device: "one phone".into(), ..enrolled }).await.unwrap();
    }
    let request = proto::ListCasesRequest { open_only: true, ..Default::default() };
    let cases = world.audit().list_cases(request).await.unwrap().into_inner().cases;
    let evidence = cases[0].evidence.as_ref().unwrap();
    assert_eq!((cases.len(), evidence.rule.as_str(), evidence.at_least), (1, "device_farm", 3));
    assert_eq!((evidence.risk_key.len(), evidence.members.len()), (32, 4));

    let whose = Some(proto::list_counters_request::Whose::Device("one phone".into()));
    let request = proto::ListCountersRequest { whose, token: String::new() };
    let counters = world.audit().list_counters(request).await.unwrap().into_inner().counters;
    assert_eq!((counters[0].name.as_str(), counters[0].window), ("enrolments_by_device", Some(4)));
    assert_eq!(counters[0].members, ["farmer-0", "farmer-1", "farmer-2", "farmer-3"]);

    let totals = world.audit().get_totals(proto::GetTotalsRequest { token: String::new() }).await.unwrap().into_inner();
    let [points] = totals.wallets.as_slice() else { panic!("one wallet: {totals:?}") };
    assert_eq!((points.sum, points.outstanding, totals.members), (0, 80, 4));
    let issued = points.accounts.iter().find(|one| one.account() == Account::Issued).unwrap();
    assert_eq!(issued.balance, -80);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_limit_reached_says_so_and_harms_nobody() {
    let limits = Limits { position_wait: Duration::from_millis(20), ..Limits::default() };
    let world = World::cafe(limits).await;
    let large = proto::Event { id: "x".repeat(10 << 20), ..event("", "ida", 1, redeem(1)) };
    assert_eq!(world.say(large).await.unwrap_err().code(), Code::OutOfRange);
    world.say(event("e-1", "ida", 1, enrolled())).await.unwrap();

    let ahead = proto::GetMemberRequest { member: "ida".into(), as_of: None, token: world.token(1_000_000) };
    let status = world.members().get_member(ahead).await.unwrap_err();
    assert_eq!(told(&status), says(Code::FailedPrecondition, "POSITION_NOT_REACHED"));
    let foreign = proto::GetMemberRequest { member: "ida".into(), as_of: None, token: "yesterday".into() };
    let status = world.members().get_member(foreign).await.unwrap_err();
    assert_eq!(status.get_details_bad_request().unwrap().field_violations[0].field, "token");
    world.end().await;

    let closed = World::new(Limits { requests_max: 0, ..Limits::default() }).await;
    let status = closed.look("ida").await.unwrap_err();
    assert_eq!(told(&status), says(Code::ResourceExhausted, "TOO_MANY_REQUESTS"));
    assert!(status.get_details_retry_info().unwrap().retry_delay.is_some());
    closed.end().await;

    let closed = World::new(Limits { streams_max: 0, ..Limits::default() }).await;
    let status = closed.events().submit_stream(tokio_stream::empty()).await.unwrap_err();
    assert_eq!(told(&status), says(Code::ResourceExhausted, "TOO_MANY_STREAMS"));
    closed.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_past_its_deadline_is_not_queued() {
    let world = World::cafe(Limits::default()).await;
    let handle = world.ledger.handle();
    let engine = Engine::new(handle.clone(), Limits::default());
    let call = engine.admit(Some(Duration::ZERO)).unwrap();
    let hash = |kind: &str, text: &str| engine.risk_key(kind, text);
    let sorted = wire::one(Some(event("e-1", "jon", 1, enrolled())), &hash).unwrap();
    let failure = engine.submit(&call, sorted).await.unwrap_err();
    assert!(matches!(failure, Failure::Deadline { queued: false }), "{failure:?}");
    assert_eq!(handle.outcome("till-1", "e-1").unwrap(), None);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ledger_that_is_closed_is_unavailable() {
    let world = World::cafe(Limits::default()).await;
    let mut client = world.events();
    world.ledger.close().unwrap();
    let event = Some(event("e-1", "kim", 1, enrolled()));
    let status = client.submit(proto::SubmitRequest { event }).await.unwrap_err();
    assert_eq!(told(&status), says(Code::Unavailable, "STOPPED"));
    world.stop.send(()).unwrap();
    drop((client, world.channel));
    world.serving.await.unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn no_answered_event_is_lost_in_a_shutdown() {
    let world = World::cafe(Limits::default()).await;
    let handle = world.ledger.handle();
    let calls: Vec<_> = (0..500)
        .map(|n| {
            let mut client = world.events();
            let event = Some(event(&format!("e-{n}"), &format!("k-{n}"), 1, enrolled()));
            tokio::spawn(async move { (n, client.submit(proto::SubmitRequest { event }).await) })
        })
        .collect();
    while handle.committed() < Position(20) {
        tokio::task::yield_now().await;
    }
    let World { stop, serving, ledger, channel, _dir, .. } = world;
    stop.send(()).unwrap();
    drop(channel);
    let mut answered = 0;
    for call in calls {
        if let (n, Ok(answer)) = call.await.unwrap() {
            let outcome = answer.into_inner().outcome.unwrap();
            let found = handle.outcome("till-1", &format!("e-{n}")).unwrap().unwrap();
            assert_eq!(found.position.0, outcome.position);
            answered += 1;
        }
    }
    assert!(answered > 0);
    serving.await.unwrap().unwrap();
    ledger.close().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_browser_is_answered_over_http_1() {
    let world = World::cafe(Limits::default()).await;
    let message = proto::SubmitRequest { event: Some(event("e-1", "lea", 1, enrolled())) }.encode_to_vec();
    let address = world.address;
    let answer = tokio::task::spawn_blocking(move || {
        let mut frame = vec![0];
        frame.extend(u32::try_from(message.len()).unwrap().to_be_bytes());
        frame.extend(message);
        let mut stream = std::net::TcpStream::connect(address).unwrap();
        let head = format!(
            "POST /ledger.v1.EventService/Submit HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\
             content-type: application/grpc-web+proto\r\nx-grpc-web: 1\r\ncontent-length: {}\r\n\r\n",
            frame.len()
        );
        stream.write_all(head.as_bytes()).unwrap();
        stream.write_all(&frame).unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        String::from_utf8_lossy(&answer).into_owned()
    });
    let answer = answer.await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 OK") && answer.contains("grpc-status:0"), "{answer}");
    assert_eq!(world.look("lea").await.unwrap().purses[0].available, 20);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn health_and_reflection_answer() {
    use tonic_health::pb::health_check_response::ServingStatus;
    use tonic_health::pb::{HealthCheckRequest, health_client::HealthClient};
    use tonic_reflection::pb::v1::server_reflection_client::ServerReflectionClient;
    use tonic_reflection::pb::v1::server_reflection_request::MessageRequest;
    use tonic_reflection::pb::v1::server_reflection_response::MessageResponse;
    use tonic_reflection::pb::v1::{ServerReflectionRequest, ServerReflectionResponse};

    let world = World::new(Limits::default()).await;
    let mut health = HealthClient::new(world.channel.clone());
    for service in ["", "ledger.v1.EventService", "ledger.v1.AuditService"] {
        let answer = health.check(HealthCheckRequest { service: service.into() }).await.unwrap().into_inner();
        assert_eq!(answer.status(), ServingStatus::Serving, "{service}");
    }
    let list = Some(MessageRequest::ListServices(String::new()));
    let request = ServerReflectionRequest { host: String::new(), message_request: list };
    let mut reflection = ServerReflectionClient::new(world.channel.clone());
    let asked = reflection.server_reflection_info(tokio_stream::once(request)).await;
    let answer: ServerReflectionResponse = asked.unwrap().into_inner().next().await.unwrap().unwrap();
    let Some(MessageResponse::ListServicesResponse(list)) = answer.message_response else { panic!("no list") };
    let names: Vec<_> = list.service.into_iter().map(|one| one.name).collect();
    for service in ["EventService", "MemberService", "ProgramService", "AuditService"] {
        assert!(names.contains(&format!("ledger.v1.{service}")), "{names:?}");
    }
    world.end().await;
}
