//! Service: one short function per call. Read the question, wait for what it asks for, hand over the answer.
//!
//! Nothing is decided here: what may be asked is `wire`'s, how long to wait is `engine`'s, what is told
//! is `answers`'s. `?` turns an `Invalid` or a `Failure` into a status by the table in `status`.

use crate::answers::{self, Unknown};
use crate::engine::{Call, Engine, Failure, StreamPlaces, Ticket, off_thread};
use crate::proto::audit_service_server::AuditService;
use crate::proto::event_service_server::EventService;
use crate::proto::member_service_server::MemberService;
use crate::proto::program_service_server::ProgramService;
use crate::proto::*;
use crate::wire::{self, ANSWER_BYTES_MAX, Invalid, When};
use ledger_core::units::{Position, RiskKey};
use ledger_store::{AsOf, Handle};
use prost::Message;
use std::pin::Pin;
use std::sync::Arc;
use tokio::sync::mpsc;
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

    fn read_token(&self, token: &str) -> Result<Position, Invalid> {
        wire::read_token(token, self.0.identity())
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

/// The token of an answer that tells these outcomes; none if it tells of nothing that is recorded.
fn token_of(outcomes: &[ledger_core::outcome::Outcome], engine: &Engine) -> String {
    let last = outcomes.iter().map(|one| one.position).max();
    last.map(|last| wire::token_of(last, engine.identity())).unwrap_or_default()
}

fn hash(engine: &Engine) -> impl Fn(&str, &str) -> RiskKey {
    |kind, text| engine.risk_key(kind, text)
}

// ---- events ----------------------------------------------------------------------------------

#[tonic::async_trait]
impl EventService for Service {
    async fn submit(&self, request: Request<SubmitRequest>) -> Answer<SubmitResponse> {
        let (call, message) = open(request);
        let decoded = wire::one(message.event, &hash(&self.0))?;
        let outcomes = self.0.submit(&call, decoded).await?;
        let outcome = outcomes.first().map(|one| wire::outcome(one, &self.0.terms()));
        Ok(Response::new(SubmitResponse { outcome, token: token_of(&outcomes, &self.0) }))
    }

    async fn submit_batch(&self, request: Request<SubmitBatchRequest>) -> Answer<SubmitBatchResponse> {
        let (call, message) = open(request);
        let engine = Arc::clone(&self.0);
        let mut decoded = off_thread(move || wire::batch(message.events, &hash(&engine))).await??;
        let invalid = std::mem::take(&mut decoded.invalid);
        let judged = self.0.submit(&call, decoded).await?;
        let outcomes = wire::outcomes(&judged, invalid, &self.0.terms());
        Ok(Response::new(SubmitBatchResponse { outcomes, token: token_of(&judged, &self.0) }))
    }

    type SubmitStreamStream = Answers<SubmitStreamResponse>;

    async fn submit_stream(
        &self,
        request: Request<Streaming<SubmitStreamRequest>>,
    ) -> Answer<Answers<SubmitStreamResponse>> {
        let (call, batches) = open(request);
        let places = self.0.open_stream(&call)?;
        drop(call);
        let (queue, queued) = mpsc::channel(self.0.limits().stream_batches_max);
        tokio::spawn(take_batches(Arc::clone(&self.0), batches, queue, places));
        let engine = Arc::clone(&self.0);
        let answers = ReceiverStream::new(queued).then(move |batch| answer_batch(Arc::clone(&engine), batch));
        Ok(Response::new(Box::pin(answers)))
    }

    async fn get_outcome(&self, request: Request<GetOutcomeRequest>) -> Answer<GetOutcomeResponse> {
        let (call, message) = open(request);
        let (token, asked) = (self.read_token(&message.token)?, wire::event_asked(message)?);
        self.0.reach(&call, token).await?;
        let found = self.0.look_up(&call, move |store| answers::outcome(store, &asked)).await?;
        answer(found.ok_or(Failure::OutcomeUnknown)?)
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
    _places: StreamPlaces,
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
    let (tag, mut decoded) = off_thread(move || wire::tagged(message, &hash(&hasher))).await??;
    let invalid = std::mem::take(&mut decoded.invalid);
    Ok(Queued { tag, invalid, ticket: engine.enqueue(decoded).await? })
}

async fn answer_batch(engine: Arc<Engine>, batch: Result<Queued, Status>) -> Result<SubmitStreamResponse, Status> {
    let Queued { tag, invalid, ticket } = batch?;
    let judged = ticket.outcomes().await?;
    let outcomes = wire::outcomes(&judged, invalid, &engine.terms());
    Ok(SubmitStreamResponse { tag, outcomes, token: token_of(&judged, &engine) })
}

// ---- members ---------------------------------------------------------------------------------

#[tonic::async_trait]
impl MemberService for Service {
    async fn get_member(&self, request: Request<GetMemberRequest>) -> Answer<Member> {
        let (call, message) = open(request);
        let (name, when) = (wire::member_name(message.member)?, wire::when(message.as_of)?);
        self.0.reach(&call, when.position().max(self.read_token(&message.token)?)).await?;
        let then = match when {
            When::Now => {
                let member = self.0.read(&call, |store| answers::member(store, &name)).await?;
                return answer(member.ok_or(Failure::MemberUnknown)?);
            }
            When::Position(position) => AsOf::Position(position),
            When::Instant(at) => AsOf::Instant(at),
        };
        let member = self.0.read_log(&call, move |store| answers::member_then(store, &name, then)).await?;
        answer(member.ok_or(Failure::MemberUnknown)?)
    }

    async fn batch_get_members(&self, request: Request<BatchGetMembersRequest>) -> Answer<BatchGetMembersResponse> {
        let (call, message) = open(request);
        let names = wire::member_names(message.members)?;
        self.0.reach(&call, self.read_token(&message.token)?).await?;
        // So many members take a while to tell.
        answer(self.0.read_log(&call, move |store| answers::members(store, &names).wait()).await?)
    }

    async fn list_records(&self, request: Request<ListRecordsRequest>) -> Answer<ListRecordsResponse> {
        let (call, message) = open(request);
        let name = wire::member_name(message.member)?;
        let page = wire::page(message.page_size, &message.page_token, wire::PAGE_USUAL, wire::PAGE_MAX)?;
        self.0.reach(&call, self.read_token(&message.token)?).await?;
        let records = self.0.read_log(&call, move |store| answers::records(store, &name, page)).await?;
        answer(records.ok_or(Failure::MemberUnknown)?)
    }

    async fn quote(&self, request: Request<QuoteRequest>) -> Answer<QuoteResponse> {
        let (call, message) = open(request);
        let token = self.read_token(&message.token)?;
        let event = wire::quote(message, &hash(&self.0))?;
        self.0.reach(&call, token).await?;
        answer(self.0.read(&call, |store| answers::quote(store, event)).await?.map_err(Failure::Read)?)
    }

    type ReplayMemberStream = Answers<ReplayMemberResponse>;

    async fn replay_member(&self, request: Request<ReplayMemberRequest>) -> Answer<Answers<ReplayMemberResponse>> {
        let (call, message) = open(request);
        let name = wire::member_name(message.member)?;
        self.0.reach(&call, self.read_token(&message.token)?).await?;
        let steps = self.0.replay(move |store| answers::replay(store, &name))?;
        Ok(Response::new(Box::pin(steps.map(|step| step.map_err(Status::from)))))
    }
}

// ---- programs --------------------------------------------------------------------------------

#[tonic::async_trait]
impl ProgramService for Service {
    async fn check_program(&self, request: Request<CheckProgramRequest>) -> Answer<CheckProgramResponse> {
        let (call, message) = open(request);
        wire::program_text(&message.text)?;
        let (faults, warnings) = match self.0.check(&call, message.text).await? {
            Ok(program) => (Vec::new(), wire::faults(&program.warnings)),
            Err(faults) => (wire::faults(&faults), Vec::new()),
        };
        answer(CheckProgramResponse { faults, warnings })
    }

    async fn publish_program(&self, request: Request<PublishProgramRequest>) -> Answer<PublishProgramResponse> {
        let (call, message) = open(request);
        let text = message.text.clone();
        let decoded = wire::publish(message, &hash(&self.0))?;
        let program = self.0.check(&call, text).await?.map_err(|faults| Invalid::program(&faults))?;
        let judged = self.0.submit(&call, decoded).await?;
        let position = judged.first().map(|one| one.position);
        let rows = self.0.read(&call, Handle::programs).await.map_err(Failure::once_queued)?;
        let version = rows.iter().position(|row| Some(row.position) == position).map_or(0, |at| at + 1);
        let outcome = judged.first().map(|one| wire::outcome(one, &self.0.terms()));
        let version = u32::try_from(version).unwrap_or(u32::MAX);
        let (warnings, token) = (wire::faults(&program.warnings), token_of(&judged, &self.0));
        Ok(Response::new(PublishProgramResponse { outcome, version, warnings, token }))
    }

    async fn list_programs(&self, request: Request<ListProgramsRequest>) -> Answer<ListProgramsResponse> {
        let (call, message) = open(request);
        let sizes = (wire::PROGRAM_PAGE_USUAL, wire::PROGRAM_PAGE_MAX);
        let page = wire::page(message.page_size, &message.page_token, sizes.0, sizes.1)?;
        self.0.reach(&call, self.read_token(&message.token)?).await?;
        answer(self.0.read(&call, |store| answers::programs(store, page)).await?)
    }
}

// ---- audit -----------------------------------------------------------------------------------

#[tonic::async_trait]
impl AuditService for Service {
    async fn get_totals(&self, request: Request<GetTotalsRequest>) -> Answer<GetTotalsResponse> {
        let (call, message) = open(request);
        self.0.reach(&call, self.read_token(&message.token)?).await?;
        answer(self.0.read(&call, answers::totals).await?)
    }

    async fn explain_event(&self, request: Request<ExplainEventRequest>) -> Answer<ExplainEventResponse> {
        let (call, message) = open(request);
        let (token, which) = (self.read_token(&message.token)?, wire::which(message)?);
        self.0.reach(&call, token).await?;
        let told = self.0.read_log(&call, move |store| answers::explain_event(store, &which)).await?;
        answer(told.map_err(Failure::from)?)
    }

    async fn explain_balance(&self, request: Request<ExplainBalanceRequest>) -> Answer<ExplainBalanceResponse> {
        let (call, message) = open(request);
        let (name, wallet) = (wire::member_name(message.member)?, message.wallet);
        self.0.reach(&call, self.read_token(&message.token)?).await?;
        let told = self.0.read_log(&call, move |store| answers::explain_balance(store, &name, &wallet)).await?;
        answer(told.map_err(Failure::from)?)
    }

    async fn list_counters(&self, request: Request<ListCountersRequest>) -> Answer<ListCountersResponse> {
        let (call, message) = open(request);
        let whose = wire::whose(message.whose, &hash(&self.0))?;
        self.0.reach(&call, self.read_token(&message.token)?).await?;
        let counters = self.0.read(&call, |store| answers::counters(store, &whose)).await?;
        answer(counters.ok_or(Failure::MemberUnknown)?)
    }

    async fn list_cases(&self, request: Request<ListCasesRequest>) -> Answer<ListCasesResponse> {
        let (call, message) = open(request);
        let page = wire::page(message.page_size, &message.page_token, wire::PAGE_USUAL, wire::PAGE_MAX)?;
        self.0.reach(&call, self.read_token(&message.token)?).await?;
        answer(self.0.read(&call, |store| answers::cases(store, message.open_only, page)).await?)
    }

    async fn get_checkpoint(&self, request: Request<GetCheckpointRequest>) -> Answer<GetCheckpointResponse> {
        let (call, message) = open(request);
        self.0.reach_checkpoint(&call, self.read_token(&message.token)?).await?;
        let signed = self.0.read_log(&call, |store| Ok(answers::checkpoint(store))).await?;
        answer(signed.ok_or(Failure::NoCheckpoint)?)
    }

    async fn get_inclusion_proof(
        &self,
        request: Request<GetInclusionProofRequest>,
    ) -> Answer<GetInclusionProofResponse> {
        let (call, message) = open(request);
        let (token, with_cause) = (self.read_token(&message.token)?, message.with_cause);
        let which = wire::which_to_prove(message)?;
        self.0.reach(&call, token).await?;
        let position = self.0.read_log(&call, move |store| answers::position_of(store, &which)).await?;
        let position = position.map_err(Failure::from)?;
        self.0.reach_checkpoint(&call, position).await?;
        let proved = self.0.read_log(&call, move |store| answers::inclusion(store, position, with_cause)).await?;
        answer(proved.map_err(Failure::from)?)
    }

    async fn get_consistency_proof(
        &self,
        request: Request<GetConsistencyProofRequest>,
    ) -> Answer<GetConsistencyProofResponse> {
        let (call, message) = open(request);
        let (token, old) = (self.read_token(&message.token)?, message.old_size);
        self.0.reach(&call, token).await?;
        if old > self.0.committed().0 {
            return Err(Failure::RecordUnknown.into());
        }
        self.0.reach_checkpoint(&call, token.max(Position(old))).await?;
        let proved = self.0.read_log(&call, move |store| answers::consistency(store, old)).await?;
        answer(proved.map_err(Failure::from)?)
    }
}

impl From<Unknown> for Failure {
    fn from(unknown: Unknown) -> Failure {
        match unknown {
            Unknown::Member => Failure::MemberUnknown,
            Unknown::Wallet => Failure::WalletUnknown,
            Unknown::Event => Failure::OutcomeUnknown,
            Unknown::Record => Failure::RecordUnknown,
            Unknown::Checkpoint => Failure::NoCheckpoint,
        }
    }
}
