//! Service: one short function per call. Read the question, ask the engine, tell the answer.
//!
//! Nothing is decided here: what may be asked is `wire`'s, how long to wait is `engine`'s, what is so
//! is the store's. `?` turns an `Invalid` or a `Failure` into a status by the table in `status`.

use crate::engine::{Call, Engine, Failure, Read, Ticket, off_thread};
use crate::explain;
use crate::proto::audit_service_server::AuditService;
use crate::proto::event_service_server::EventService;
use crate::proto::member_service_server::MemberService;
use crate::proto::program_service_server::ProgramService;
use crate::proto::*;
use crate::wire::{self, ANSWER_BYTES_MAX, Invalid, Portrait, When, Which, Whose};
use ledger_core::event::Name;
use ledger_core::program::Program;
use ledger_core::units::{Position, RiskKey};
use ledger_store::{AsOf, CounterView, Handle, MemberView};
use prost::Message;
use std::pin::Pin;
use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, mpsc};
use tokio_stream::wrappers::ReceiverStream;
use tokio_stream::{Stream, StreamExt};
use tonic::{Request, Response, Status, Streaming};

type Answer<T> = Result<Response<T>, Status>;
type Answers<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

/// The services of `ledger.v1` before one engine. The server lets a call in only with a [`Call`].
#[derive(Clone)]
pub(crate) struct Service(Arc<Engine>);

impl Service {
    pub(crate) fn new(engine: Arc<Engine>) -> Service {
        Service(engine)
    }
}

fn open<T>(request: Request<T>) -> (Call, T) {
    let (_, mut extensions, message) = request.into_parts();
    (extensions.remove().expect("the server admits every call"), message)
}

/// The answer to a read. What was said is told whatever its size, as it is done already.
fn answer<T: Message>(message: T) -> Answer<T> {
    let bytes = message.encoded_len();
    if bytes > ANSWER_BYTES_MAX { Err(Failure::AnswerTooLarge { bytes }.into()) } else { Ok(Response::new(message)) }
}

fn hash(engine: &Engine) -> impl Fn(&str, &str) -> RiskKey {
    |kind, text| engine.risk_key(kind, text)
}

// ---- events ----------------------------------------------------------------------------------

#[tonic::async_trait]
impl EventService for Service {
    async fn submit(&self, request: Request<SubmitRequest>) -> Answer<SubmitResponse> {
        let (call, message) = open(request);
        let sorted = wire::one(message.event, &hash(&self.0))?;
        let outcomes = self.0.submit(&call, sorted).await?;
        let outcome = outcomes.first().map(|one| wire::outcome(one, &self.0.terms()));
        Ok(Response::new(SubmitResponse { outcome }))
    }

    async fn submit_batch(&self, request: Request<SubmitBatchRequest>) -> Answer<SubmitBatchResponse> {
        let (call, message) = open(request);
        let engine = Arc::clone(&self.0);
        let mut sorted = off_thread(move || wire::batch(message.events, &hash(&engine))).await??;
        let invalid = std::mem::take(&mut sorted.invalid);
        let judged = self.0.submit(&call, sorted).await?;
        let outcomes = wire::outcomes(&judged, invalid, &self.0.terms());
        Ok(Response::new(SubmitBatchResponse { outcomes }))
    }

    type SubmitStreamStream = Answers<SubmitStreamResponse>;

    async fn submit_stream(
        &self,
        request: Request<Streaming<SubmitStreamRequest>>,
    ) -> Answer<Answers<SubmitStreamResponse>> {
        let place = self.0.open_stream()?;
        let (_, batches) = open(request);
        let (queue, queued) = mpsc::channel(self.0.limits().stream_batches_max);
        tokio::spawn(take_batches(Arc::clone(&self.0), batches, queue, place));
        let engine = Arc::clone(&self.0);
        let answers = ReceiverStream::new(queued).then(move |batch| answer_batch(Arc::clone(&engine), batch));
        Ok(Response::new(Box::pin(answers)))
    }

    async fn get_outcome(&self, request: Request<GetOutcomeRequest>) -> Answer<GetOutcomeResponse> {
        let (call, message) = open(request);
        let (source, id) = wire::event_id(message.source, message.id)?;
        self.0.reach(&call, Position(message.min_position)).await?;
        let floor = self.0.committed();
        let found = self.0.read_log(&call, move |store| store.outcome(&source, &id)).await?;
        let found = found.ok_or(Failure::OutcomeUnknown)?;
        let outcome = wire::outcome(&found, &self.0.terms());
        answer(GetOutcomeResponse { outcome: Some(outcome), position: floor.max(found.position).0 })
    }
}

/// A batch of a stream on its way.
struct Queued {
    tag: String,
    invalid: Vec<(usize, Invalid)>,
    ticket: Ticket,
}

/// Takes batch after batch, never more than fit into `queue`; then waits until one is answered.
async fn take_batches(
    engine: Arc<Engine>,
    mut batches: Streaming<SubmitStreamRequest>,
    queue: mpsc::Sender<Result<Queued, Status>>,
    _place: OwnedSemaphorePermit,
) {
    loop {
        let Ok(place) = queue.reserve().await else { return };
        let batch = tokio::select! {
            biased;
            () = engine.drained() => Err(Failure::Draining.into()),
            message = batches.message() => match message {
                Ok(None) => return,
                Ok(Some(message)) => take_batch(&engine, message).await,
                Err(status) => Err(status),
            },
        };
        let ended = batch.is_err();
        place.send(batch);
        if ended {
            return;
        }
    }
}

async fn take_batch(engine: &Arc<Engine>, message: SubmitStreamRequest) -> Result<Queued, Status> {
    let hasher = Arc::clone(engine);
    let (tag, mut sorted) = off_thread(move || wire::tagged(message, &hash(&hasher))).await??;
    let invalid = std::mem::take(&mut sorted.invalid);
    Ok(Queued { tag, invalid, ticket: engine.enqueue(sorted).await? })
}

async fn answer_batch(engine: Arc<Engine>, batch: Result<Queued, Status>) -> Result<SubmitStreamResponse, Status> {
    let Queued { tag, invalid, ticket } = batch?;
    let judged = ticket.outcomes().await?;
    Ok(SubmitStreamResponse { tag, outcomes: wire::outcomes(&judged, invalid, &engine.terms()) })
}

// ---- members ---------------------------------------------------------------------------------

#[tonic::async_trait]
impl MemberService for Service {
    async fn get_member(&self, request: Request<GetMemberRequest>) -> Answer<Member> {
        let (call, message) = open(request);
        let (name, when) = (wire::member_name(message.member)?, wire::when(message.as_of)?);
        self.0.reach(&call, when.position().max(Position(message.min_position))).await?;
        let (view, program) = self.look(&call, name, when).await?;
        let words = self.0.words(&call, wire::spoken_of_with(&view.member).collect()).await?;
        answer(wire::member(portrait(&view, program.as_deref()), &words, wire::LOTS_SHOWN))
    }

    async fn batch_get_members(&self, request: Request<BatchGetMembersRequest>) -> Answer<BatchGetMembersResponse> {
        let (call, message) = open(request);
        let names = Arc::new(wire::member_names(message.members)?);
        self.0.reach(&call, Position(message.min_position)).await?;
        let (asked, floor) = (Arc::clone(&names), self.0.committed());
        let views = self.0.read_log(&call, move |store| store.members(&asked).wait()).await?;
        let referrers = views.iter().flatten().flat_map(|view| wire::spoken_of_with(&view.member)).collect();
        let (words, program) = (self.0.words(&call, referrers).await?, self.0.program());
        let told =
            |view: &MemberView| wire::member(portrait(view, program.as_deref()), &words, wire::LOTS_SHOWN_OF_MANY);
        let members = names.iter().zip(&views).map(|(name, view)| wire::maybe_member(name, view.as_ref().map(told)));
        let position = views.iter().flatten().next().map_or(floor, |view| view.position);
        answer(BatchGetMembersResponse { members: members.collect(), position: position.0 })
    }

    async fn list_records(&self, request: Request<ListRecordsRequest>) -> Answer<ListRecordsResponse> {
        let (call, message) = open(request);
        let name = wire::member_name(message.member)?;
        let page = wire::page(message.page_size, &message.page_token, wire::PAGE_USUAL, wire::PAGE_MAX)?;
        self.0.reach(&call, Position(message.min_position)).await?;
        let position = self.0.committed().0;
        let history = move |store: &Handle| store.history(&name, Position(page.after), page.limit + 1);
        let records = self.0.read_log(&call, history).await?.ok_or(Failure::MemberUnknown)?;
        let words =
            self.0.words(&call, records.iter().flat_map(|(_, record)| wire::spoken_of(record)).collect()).await?;
        let told = records.iter().map(|(position, record)| (position.0, wire::record(*position, record, &words)));
        let (records, next_page_token) = wire::fit(told, page.limit);
        answer(ListRecordsResponse { records, next_page_token, position })
    }

    async fn quote(&self, request: Request<QuoteRequest>) -> Answer<QuoteResponse> {
        let (call, message) = open(request);
        let min_position = Position(message.min_position);
        let event = wire::quote(message, self.0.time(), &hash(&self.0))?;
        self.0.reach(&call, min_position).await?;
        let read = self.0.read(&call, |store| store.foresee(event)).await?;
        answer(wire::quoted(&read.value.map_err(Failure::Read)?, read.position, &self.0.terms()))
    }

    type ReplayMemberStream = Answers<ReplayMemberResponse>;

    async fn replay_member(&self, request: Request<ReplayMemberRequest>) -> Answer<Answers<ReplayMemberResponse>> {
        let (call, message) = open(request);
        let name = wire::member_name(message.member)?;
        self.0.reach(&call, Position(message.min_position)).await?;
        let steps = self.0.replay(name, |step, words| wire::step(step.position, &step.record, &step.after, words))?;
        Ok(Response::new(Box::pin(steps.map(|step| step.map_err(Status::from)))))
    }
}

impl Service {
    /// A member as asked for, and the program that was in force.
    async fn look(&self, call: &Call, name: Name, when: When) -> Result<(MemberView, Option<Arc<Program>>), Failure> {
        let as_of = match when {
            When::Now => {
                let view = self.0.read(call, |store| store.member(&name)).await?.value;
                return Ok((view.ok_or(Failure::MemberUnknown)?, self.0.program()));
            }
            When::Position(position) => AsOf::Position(position),
            When::Instant(at) => AsOf::Instant(at),
        };
        let view = self.0.read_log(call, move |store| store.member_as_of(&name, as_of)).await?;
        let view = view.ok_or(Failure::MemberUnknown)?;
        let program = self.0.program_then(as_of);
        Ok((view, program))
    }
}

fn portrait<'a>(view: &'a MemberView, program: Option<&'a Program>) -> Portrait<'a> {
    Portrait { no: view.no, member: &view.member, position: view.position, at: view.at, program }
}

// ---- programs --------------------------------------------------------------------------------

#[tonic::async_trait]
impl ProgramService for Service {
    async fn check_program(&self, request: Request<CheckProgramRequest>) -> Answer<CheckProgramResponse> {
        let (_call, message) = open(request);
        wire::program_text(&message.text)?;
        let (faults, warnings) = match self.0.check(message.text).await? {
            Ok(program) => (Vec::new(), wire::faults(&program.warnings)),
            Err(faults) => (wire::faults(&faults), Vec::new()),
        };
        answer(CheckProgramResponse { faults, warnings })
    }

    async fn publish_program(&self, request: Request<PublishProgramRequest>) -> Answer<PublishProgramResponse> {
        let (call, message) = open(request);
        let text = message.text.clone();
        let sorted = wire::publish(message, &hash(&self.0))?;
        let program = self.0.check(text).await?.map_err(|faults| Invalid::program(&faults))?;
        let judged = self.0.submit(&call, sorted).await?;
        let position = judged.first().map(|one| one.position);
        let rows = self.0.read(&call, Handle::programs).await.map_err(Failure::once_queued)?.value;
        let version = rows.iter().position(|row| Some(row.position) == position).map_or(0, |at| at + 1);
        let outcome = judged.first().map(|one| wire::outcome(one, &self.0.terms()));
        let version = u32::try_from(version).unwrap_or(u32::MAX);
        Ok(Response::new(PublishProgramResponse { outcome, version, warnings: wire::faults(&program.warnings) }))
    }

    async fn list_programs(&self, request: Request<ListProgramsRequest>) -> Answer<ListProgramsResponse> {
        let (call, message) = open(request);
        let sizes = (wire::PROGRAM_PAGE_USUAL, wire::PROGRAM_PAGE_MAX);
        let page = wire::page(message.page_size, &message.page_token, sizes.0, sizes.1)?;
        self.0.reach(&call, Position(message.min_position)).await?;
        let rows = self.0.read(&call, Handle::programs).await?;
        let told = (1u32..).zip(&rows.value).map(|(version, row)| (version.into(), wire::program(version, row)));
        let (programs, next_page_token) = wire::fit(told.skip_while(|(version, _)| *version <= page.after), page.limit);
        answer(ListProgramsResponse { programs, next_page_token, position: rows.position.0 })
    }
}

// ---- audit -----------------------------------------------------------------------------------

#[tonic::async_trait]
impl AuditService for Service {
    async fn get_totals(&self, request: Request<GetTotalsRequest>) -> Answer<GetTotalsResponse> {
        let (call, message) = open(request);
        self.0.reach(&call, Position(message.min_position)).await?;
        let totals = self.0.read(&call, Handle::totals).await?.value;
        answer(GetTotalsResponse { duplicates: self.0.duplicates(), ..wire::totals(&totals) })
    }

    async fn explain_event(&self, request: Request<ExplainEventRequest>) -> Answer<ExplainEventResponse> {
        let (call, message) = open(request);
        let which = wire::which(message.which)?;
        self.0.reach(&call, Position(message.min_position)).await?;
        let position = match which {
            Which::Position(position) => position,
            Which::Event(source, id) => {
                let found = self.0.read_log(&call, move |store| store.outcome(&source, &id)).await?;
                found.ok_or(Failure::OutcomeUnknown)?.position
            }
        };
        let told = self.0.read_log(&call, move |store| explain::event(store, position)).await?;
        answer(told.ok_or(Failure::RecordUnknown)?)
    }

    async fn explain_balance(&self, request: Request<ExplainBalanceRequest>) -> Answer<ExplainBalanceResponse> {
        let (call, message) = open(request);
        let (name, wallet) = (wire::member_name(message.member)?, message.wallet);
        self.0.reach(&call, Position(message.min_position)).await?;
        let told = self.0.read_log(&call, move |store| explain::balance(store, &name, &wallet)).await?;
        answer(told.map_err(|unknown| match unknown {
            explain::Unknown::Member => Failure::MemberUnknown,
            explain::Unknown::Wallet => Failure::WalletUnknown,
        })?)
    }

    async fn list_counters(&self, request: Request<ListCountersRequest>) -> Answer<ListCountersResponse> {
        let (call, message) = open(request);
        let whose = wire::whose(message.whose, &hash(&self.0))?;
        self.0.reach(&call, Position(message.min_position)).await?;
        let counters = self.counters(&call, whose).await?;
        let seen = counters.value.iter().flat_map(|one| one.members.iter().copied()).collect();
        let words = self.0.words(&call, seen).await?;
        let told = |one: &CounterView| wire::counter(one.term, one.window, one.total, &one.members, &words);
        let position = counters.position.0;
        answer(ListCountersResponse { counters: counters.value.iter().map(told).collect(), position })
    }

    async fn list_cases(&self, request: Request<ListCasesRequest>) -> Answer<ListCasesResponse> {
        let (call, message) = open(request);
        let page = wire::page(message.page_size, &message.page_token, wire::PAGE_USUAL, wire::PAGE_MAX)?;
        self.0.reach(&call, Position(message.min_position)).await?;
        let ask = |store: &Handle| store.cases(message.open_only, Position(page.after), page.limit + 1);
        let cases = self.0.read(&call, ask).await?;
        let members = cases.value.iter().flat_map(|(_, case)| wire::members_of_case(case)).collect();
        let words = self.0.words(&call, members).await?;
        let told = cases.value.iter().map(|(position, case)| (position.0, wire::case(*position, case, &words)));
        let (told, next_page_token) = wire::fit(told, page.limit);
        answer(ListCasesResponse { cases: told, next_page_token, position: cases.position.0 })
    }
}

impl Service {
    async fn counters(&self, call: &Call, whose: Whose) -> Result<Read<Vec<CounterView>>, Failure> {
        let name = match whose {
            Whose::Risk(key) => return self.0.read(call, |store| store.risk_counters(key)).await,
            Whose::Member(name) => name,
        };
        let Read { value, position } = self.0.read(call, |store| store.member_counters(&name)).await?;
        Ok(Read { value: value.ok_or(Failure::MemberUnknown)?, position })
    }
}
