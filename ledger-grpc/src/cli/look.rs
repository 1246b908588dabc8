//! Look: the reading commands' view of a ledger, asked over gRPC or read from its directory.
//!
//! Either way the answers are the messages of the API, so they are shown in one way only.

use super::Usage;
use super::local::Local;
use super::open::{must_be_ledger, open_error, open_to_look};
use super::progress::Progress;
use anyhow::{Context, Result, anyhow};
use clap::Args;
use ledger_core::units::{At, Position};
use ledger_grpc::answers::{self, Unknown};
use ledger_grpc::engine::wall_clock;
use ledger_grpc::instant;
use ledger_grpc::proto;
use ledger_grpc::proto::audit_service_client::AuditServiceClient;
use ledger_grpc::proto::get_member_request;
use ledger_grpc::proto::member_service_client::MemberServiceClient;
use ledger_grpc::proto::program_service_client::ProgramServiceClient;
use ledger_grpc::wire::{self, Page};
use ledger_store::{AsOf, Ledger};
use std::path::PathBuf;
use std::time::Duration;
use tokio::runtime::{Builder, Runtime};
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Status};

/// Where the server is expected.
const SERVER: &str = "http://127.0.0.1:50051";
/// How long to wait for a connection.
const CONNECT_WAIT: Duration = Duration::from_secs(5);

/// Which ledger is asked.
#[derive(Args)]
pub(super) struct Where {
    /// Read the ledger in this directory, whoever has it open; nothing is written
    ///
    /// It is read as at its last record: what is due since then has not happened yet.
    #[arg(long, value_name = "DIR", conflicts_with = "server")]
    data: Option<PathBuf>,
    /// Ask the server at this address [default: http://127.0.0.1:50051]
    #[arg(long, value_name = "URL", env = "LEDGERD_SERVER")]
    server: Option<String>,
}

/// When a member is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum When {
    Now,
    Position(Position),
    Instant(At),
}

impl When {
    /// Reads a position, `now`, an instant, or a date and perhaps a time of the program's zone. Eight digits that are a
    /// date are that date: nobody who writes `20260131` means record 20,260,131.
    pub(super) fn read(text: &str, local: &Local) -> Result<When> {
        if let Some(at) = dashed(text).and_then(|date| local.read(&date)) {
            return Ok(When::Instant(at));
        }
        if let Ok(position) = text.parse() {
            return Ok(When::Position(Position(position)));
        }
        let at = if text == "now" { Some(wall_clock()()) } else { local.read(text) };
        let known = "write a position, now, 2026-01-31, \"2026-01-31 09:00\" or RFC 3339";
        at.map(When::Instant).ok_or_else(|| Usage(format!("--as-of {text:?} is no time; {known}")).into())
    }
}

/// `2026-01-31` of `20260131`.
fn dashed(text: &str) -> Option<String> {
    let is_date = text.len() == 8 && text.bytes().all(|byte| byte.is_ascii_digit());
    is_date.then(|| format!("{}-{}-{}", &text[..4], &text[4..6], &text[6..]))
}

/// A ledger that can be asked.
pub(super) enum Look {
    Server { runtime: Runtime, channel: Channel },
    Data(Ledger),
}

impl Where {
    /// The totals of the ledger in a directory as they were at a position, and how its program then wrote money.
    pub(super) fn totals_at(&self, position: Position) -> Result<(proto::GetTotalsResponse, Local)> {
        let dir = self.data.as_deref().ok_or_else(|| Usage("--at needs --data DIR".into()))?;
        must_be_ledger(dir)?;
        let mut progress = Progress::of_records("totals");
        let totals = ledger_store::totals_at(dir, position, &mut |records| progress.at(records)).map_err(open_error);
        progress.end();
        let totals = totals?;
        Ok((wire::totals(&totals), Local::of_program(totals.program.as_deref())))
    }

    pub(super) fn open(&self) -> Result<Look> {
        if let Some(dir) = &self.data {
            return open_to_look(dir).map(Look::Data);
        }
        let url = self.server.as_deref().unwrap_or(SERVER);
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let channel = runtime.block_on(connect(url))?;
        Ok(Look::Server { runtime, channel })
    }
}

/// Connects to a server; `http://` may be left out.
pub(super) async fn connect(url: &str) -> Result<Channel> {
    let full = if url.contains("://") { url.to_owned() } else { format!("http://{url}") };
    let endpoint = Endpoint::from_shared(full).with_context(|| format!("{url:?} is no address"))?;
    let connected = endpoint.connect_timeout(CONNECT_WAIT).connect().await;
    connected.with_context(|| format!("cannot reach a server at {url} (--server names another, --data a directory)"))
}

/// What a server says when it cannot answer.
pub(super) fn told(status: &Status) -> anyhow::Error {
    anyhow!("the server says {}: {}", status.code(), status.message())
}

/// `None` where the server says that there is no such thing.
fn found<T>(answer: Result<T, Status>) -> Result<Option<T>> {
    match answer {
        Ok(answer) => Ok(Some(answer)),
        Err(status) if status.code() == Code::NotFound => Ok(None),
        Err(status) => Err(told(&status)),
    }
}

/// The same, where the server says that nothing is signed.
fn signed<T>(answer: Result<T, Status>) -> Result<Option<T>> {
    match answer {
        Err(status) if status.code() == Code::FailedPrecondition => Ok(None),
        answer => found(answer),
    }
}

/// `None` where there is nothing to prove, which is said.
fn proved<T>(answer: Result<T, Status>) -> Result<Option<T>> {
    if let Err(status) = &answer {
        eprintln!("{}", status.message());
    }
    signed(answer)
}

/// The same of a directory.
fn found_here<T>(answer: Result<T, Unknown>) -> Option<T> {
    let why = match &answer {
        Ok(_) => return answer.ok(),
        Err(Unknown::Checkpoint) => "no checkpoint is signed over what is asked for",
        Err(Unknown::Event) => "no event of this source and id was recorded",
        Err(Unknown::Record | Unknown::Member | Unknown::Wallet) => "there is no record at this position yet",
    };
    eprintln!("{why}");
    None
}

impl Look {
    /// How the program in force writes times and money.
    pub(super) fn local(&self) -> Result<Local> {
        match self {
            Look::Server { runtime, channel } => {
                Ok(Local::of(runtime.block_on(latest_program(channel.clone()))?.as_deref()))
            }
            Look::Data(ledger) => Ok(Local::of_program(ledger.handle().current_program().as_deref())),
        }
    }

    /// A member, if there is one of this name, or was then.
    pub(super) fn member(&self, name: &str, when: When) -> Result<Option<proto::Member>> {
        match self {
            Look::Server { runtime, channel } => {
                let as_of = match when {
                    When::Now => None,
                    When::Position(position) => Some(get_member_request::AsOf::Position(position.0)),
                    When::Instant(at) => Some(get_member_request::AsOf::Time(instant::stamp(at))),
                };
                let request = proto::GetMemberRequest { member: name.to_owned(), as_of, token: String::new() };
                let mut members = client(MemberServiceClient::new(channel.clone()));
                let answer = runtime.block_on(members.get_member(request));
                Ok(found(answer)?.map(tonic::Response::into_inner))
            }
            Look::Data(ledger) => Ok(match when {
                When::Now => answers::member(&ledger.handle(), name).wait()?,
                When::Position(position) => answers::member_then(&ledger.handle(), name, AsOf::Position(position))?,
                When::Instant(at) => answers::member_then(&ledger.handle(), name, AsOf::Instant(at))?,
            }),
        }
    }

    /// What would come of a redemption.
    pub(super) fn quote(&self, request: proto::QuoteRequest) -> Result<proto::QuoteResponse> {
        match self {
            Look::Server { runtime, channel } => {
                let mut members = client(MemberServiceClient::new(channel.clone()));
                let answer = runtime.block_on(members.quote(request));
                Ok(answer.map_err(|status| told(&status))?.into_inner())
            }
            Look::Data(ledger) => {
                let handle = ledger.handle();
                let hash = |kind: &str, text: &str| handle.risk_key(kind, text);
                let event = wire::quote(request, &hash).map_err(|invalid| anyhow!("{:?}", invalid.0))?;
                Ok(answers::quote(&handle, event).wait()??)
            }
        }
    }

    /// What all members have and did together.
    pub(super) fn totals(&self) -> Result<proto::GetTotalsResponse> {
        match self {
            Look::Server { runtime, channel } => {
                let mut audit = AuditServiceClient::new(channel.clone());
                let answer = runtime.block_on(audit.get_totals(proto::GetTotalsRequest { token: String::new() }));
                Ok(answer.map_err(|status| told(&status))?.into_inner())
            }
            Look::Data(ledger) => Ok(answers::totals(&ledger.handle()).wait()?),
        }
    }

    /// Why a record is what it is; `None` if there is no such record.
    pub(super) fn explain_event(
        &self,
        which: proto::explain_event_request::Which,
    ) -> Result<Option<proto::ExplainEventResponse>> {
        let request = proto::ExplainEventRequest { which: Some(which), ..Default::default() };
        match self {
            Look::Server { runtime, channel } => {
                let mut audit = AuditServiceClient::new(channel.clone()).max_decoding_message_size(usize::MAX);
                Ok(found(runtime.block_on(audit.explain_event(request)))?.map(tonic::Response::into_inner))
            }
            Look::Data(ledger) => {
                let which = wire::which(request).map_err(|invalid| anyhow!("{:?}", invalid.0))?;
                Ok(answers::explain_event(&ledger.handle(), &which)?.ok())
            }
        }
    }

    /// Where a member's points come from; `None` if there is no such member or wallet.
    pub(super) fn explain_balance(&self, name: &str, wallet: &str) -> Result<Option<proto::ExplainBalanceResponse>> {
        match self {
            Look::Server { runtime, channel } => {
                let mut audit = AuditServiceClient::new(channel.clone()).max_decoding_message_size(usize::MAX);
                let (member, wallet) = (name.to_owned(), wallet.to_owned());
                let request = proto::ExplainBalanceRequest { member, wallet, token: String::new() };
                Ok(found(runtime.block_on(audit.explain_balance(request)))?.map(tonic::Response::into_inner))
            }
            Look::Data(ledger) => Ok(answers::explain_balance(&ledger.handle(), name, wallet)?.ok()),
        }
    }

    /// What was signed last; `None` if nothing was.
    pub(super) fn checkpoint(&self) -> Result<Option<proto::GetCheckpointResponse>> {
        match self {
            Look::Server { runtime, channel } => {
                let mut audit = AuditServiceClient::new(channel.clone());
                let request = proto::GetCheckpointRequest { token: String::new() };
                Ok(signed(runtime.block_on(audit.get_checkpoint(request)))?.map(tonic::Response::into_inner))
            }
            Look::Data(ledger) => Ok(answers::checkpoint(&ledger.handle())),
        }
    }

    /// That a record is in the log; `None`, and why is said, if it is not, or nothing is signed over it.
    pub(super) fn prove(
        &self,
        request: proto::GetInclusionProofRequest,
    ) -> Result<Option<proto::GetInclusionProofResponse>> {
        match self {
            Look::Server { runtime, channel } => {
                let mut audit = AuditServiceClient::new(channel.clone()).max_decoding_message_size(usize::MAX);
                Ok(proved(runtime.block_on(audit.get_inclusion_proof(request)))?.map(tonic::Response::into_inner))
            }
            Look::Data(ledger) => {
                let (handle, with_cause) = (ledger.handle(), request.with_cause);
                let which = wire::which_to_prove(request).map_err(|invalid| anyhow!("{:?}", invalid.0))?;
                match answers::position_of(&handle, &which)? {
                    Ok(position) => Ok(found_here(answers::inclusion(&handle, position, with_cause)?)),
                    Err(unknown) => Ok(found_here(Err(unknown))),
                }
            }
        }
    }

    /// That the log has only grown since it had so many records; `None`, and why is said, if it had not.
    pub(super) fn prove_growth(&self, old_size: u64) -> Result<Option<proto::GetConsistencyProofResponse>> {
        match self {
            Look::Server { runtime, channel } => {
                let mut audit = AuditServiceClient::new(channel.clone());
                let request = proto::GetConsistencyProofRequest { old_size, token: String::new() };
                Ok(proved(runtime.block_on(audit.get_consistency_proof(request)))?.map(tonic::Response::into_inner))
            }
            Look::Data(ledger) => Ok(found_here(answers::consistency(&ledger.handle(), old_size)?)),
        }
    }

    /// What was counted for a member or a key of risk; `None` if there is no such member.
    pub(super) fn counters(
        &self,
        whose: proto::list_counters_request::Whose,
    ) -> Result<Option<proto::ListCountersResponse>> {
        match self {
            Look::Server { runtime, channel } => {
                let mut audit = AuditServiceClient::new(channel.clone()).max_decoding_message_size(usize::MAX);
                let request = proto::ListCountersRequest { whose: Some(whose), token: String::new() };
                Ok(found(runtime.block_on(audit.list_counters(request)))?.map(tonic::Response::into_inner))
            }
            Look::Data(ledger) => {
                let handle = ledger.handle();
                let hash = |kind: &str, text: &str| handle.risk_key(kind, text);
                let whose = wire::whose(Some(whose), &hash).map_err(|invalid| anyhow!("{:?}", invalid.0))?;
                Ok(answers::counters(&handle, &whose).wait()?)
            }
        }
    }

    /// All risk cases, or those that are open, and what waits for one that is still to be opened.
    pub(super) fn cases(&self, open_only: bool) -> Result<(Vec<proto::Case>, Vec<proto::ParkedEvent>)> {
        match self {
            Look::Server { runtime, channel } => runtime.block_on(all_cases(channel.clone(), open_only)),
            Look::Data(ledger) => {
                let (handle, mut page, mut cases) = (ledger.handle(), Page { after: 0, limit: usize::MAX }, Vec::new());
                let mut parked = Vec::new();
                loop {
                    let told = answers::cases(&handle, open_only, page).wait()?;
                    page.after = told.cases.last().map_or(0, |case| case.position);
                    cases.extend(told.cases);
                    parked.extend(told.parked_events);
                    if told.next_page_token.is_empty() {
                        return Ok((cases, parked));
                    }
                }
            }
        }
    }

    /// Hands over a member's records one by one, each with the member after it. Answers whether there
    /// is such a member.
    pub(super) fn replay(
        &self,
        name: &str,
        mut take: impl FnMut(proto::ReplayMemberResponse) -> Result<()>,
    ) -> Result<bool> {
        match self {
            Look::Server { runtime, channel } => runtime.block_on(async {
                let request = proto::ReplayMemberRequest { member: name.to_owned(), token: String::new() };
                let mut members = client(MemberServiceClient::new(channel.clone()));
                let Some(answer) = found(members.replay_member(request).await)? else { return Ok(false) };
                let mut steps = answer.into_inner();
                // That the member is unknown is said in place of the first step.
                while let Some(step) = found(steps.message().await)? {
                    match step {
                        Some(step) => take(step)?,
                        None => return Ok(true),
                    }
                }
                Ok(false)
            }),
            Look::Data(ledger) => {
                let Some(mut steps) = answers::replay(&ledger.handle(), name)? else { return Ok(false) };
                steps.try_for_each(|step| take(step?))?;
                Ok(true)
            }
        }
    }
}

/// A client that takes whatever the server is ready to answer.
fn client(members: MemberServiceClient<Channel>) -> MemberServiceClient<Channel> {
    members.max_decoding_message_size(usize::MAX)
}

async fn latest_program(channel: Channel) -> Result<Option<String>> {
    let mut programs = ProgramServiceClient::new(channel);
    let mut request = proto::ListProgramsRequest { page_size: 100, ..Default::default() };
    let mut latest = None;
    loop {
        let answer = programs.list_programs(request.clone()).await.map_err(|status| told(&status))?.into_inner();
        latest = answer.programs.into_iter().last().map(|program| program.text).or(latest);
        if answer.next_page_token.is_empty() {
            return Ok(latest);
        }
        request.page_token = answer.next_page_token;
    }
}

async fn all_cases(channel: Channel, open_only: bool) -> Result<(Vec<proto::Case>, Vec<proto::ParkedEvent>)> {
    let mut audit = AuditServiceClient::new(channel);
    let mut request = proto::ListCasesRequest { open_only, page_size: 1_000, ..Default::default() };
    let (mut cases, mut parked) = (Vec::new(), Vec::new());
    loop {
        let answer = audit.list_cases(request.clone()).await.map_err(|status| told(&status))?.into_inner();
        cases.extend(answer.cases);
        parked.extend(answer.parked_events);
        if answer.next_page_token.is_empty() {
            return Ok((cases, parked));
        }
        request.page_token = answer.next_page_token;
    }
}
