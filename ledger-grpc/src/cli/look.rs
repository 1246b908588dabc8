//! Look: the reading commands' view of a ledger, asked over gRPC or read from its directory.
//!
//! Either way the answers are the messages of the API, so they are shown in one way only.

use super::instant;
use super::local::Local;
use super::open::open_to_look;
use anyhow::{Context, Result, anyhow};
use clap::Args;
use ledger_core::program::Program;
use ledger_core::units::{At, MemberNo, Position};
use ledger_grpc::engine::wall_clock;
use ledger_grpc::proto;
use ledger_grpc::proto::audit_service_client::AuditServiceClient;
use ledger_grpc::proto::get_member_request;
use ledger_grpc::proto::member_service_client::MemberServiceClient;
use ledger_grpc::proto::program_service_client::ProgramServiceClient;
use ledger_grpc::wire::{self, LOTS_SHOWN, Portrait, Words};
use ledger_store::{AsOf, Handle, Ledger, MemberView};
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::path::PathBuf;
use std::sync::Arc;
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
    /// Read the ledger in this directory; no server may have it open
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
    /// Reads a position, `now`, an instant, or a date and perhaps a time of the program's zone.
    pub(super) fn read(text: &str, local: &Local) -> Result<When> {
        if let Ok(position) = text.parse() {
            return Ok(When::Position(Position(position)));
        }
        let at = if text == "now" { Some(wall_clock()()) } else { local.read(text) };
        let unread = || anyhow!("{text:?} is no time; write a position, now, 2026-01-31, \"2026-01-31 09:00\" or RFC 3339");
        at.map(When::Instant).ok_or_else(unread)
    }
}

/// A ledger that can be asked.
pub(super) enum Look {
    Server { runtime: Runtime, channel: Channel },
    Data(Ledger),
}

impl Where {
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

impl Look {
    /// How the program in force writes times and money.
    pub(super) fn local(&self) -> Result<Local> {
        let text = match self {
            Look::Server { runtime, channel } => runtime.block_on(latest_program(channel.clone()))?,
            Look::Data(ledger) => {
                ledger.handle().programs().wait()?.pop().map(|row| row.text.into_string())
            }
        };
        Ok(Local::of(text.as_deref()))
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
                let request = proto::GetMemberRequest { member: name.to_owned(), as_of, min_position: 0 };
                let mut members = client(MemberServiceClient::new(channel.clone()));
                let answer = runtime.block_on(members.get_member(request));
                Ok(found(answer)?.map(tonic::Response::into_inner))
            }
            Look::Data(ledger) => member(&ledger.handle(), name, when),
        }
    }

    /// The trial balance.
    pub(super) fn totals(&self) -> Result<proto::GetTotalsResponse> {
        match self {
            Look::Server { runtime, channel } => {
                let mut audit = AuditServiceClient::new(channel.clone());
                let answer = runtime.block_on(audit.get_totals(proto::GetTotalsRequest { min_position: 0 }));
                Ok(answer.map_err(|status| told(&status))?.into_inner())
            }
            Look::Data(ledger) => {
                let totals = ledger.handle().totals().wait()?;
                let words = Words { terms: ledger.handle().terms(), names: HashMap::new() };
                Ok(wire::totals(totals.position, totals.at, &totals.shared, totals.members, &words))
            }
        }
    }

    /// All risk cases, or those that are open.
    pub(super) fn cases(&self, open_only: bool) -> Result<Vec<proto::Case>> {
        match self {
            Look::Server { runtime, channel } => runtime.block_on(all_cases(channel.clone(), open_only)),
            Look::Data(ledger) => {
                let handle = ledger.handle();
                let cases = handle.cases(open_only, Position(0), usize::MAX).wait()?;
                let mut words = Words { terms: handle.terms(), names: HashMap::new() };
                let told = |(position, case): &(Position, _)| {
                    learn(&handle, &mut words, wire::members_of_case(case))?;
                    Ok(wire::case(*position, case, &words))
                };
                cases.iter().map(told).collect()
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
                let request = proto::ReplayMemberRequest { member: name.to_owned(), min_position: 0 };
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
                let handle = ledger.handle();
                let mut words = Words { terms: handle.terms(), names: HashMap::new() };
                let Some(steps) = handle.replay(name)? else { return Ok(false) };
                for step in steps {
                    let step = step?;
                    learn(&handle, &mut words, wire::spoken_of(&step.record))?;
                    take(wire::step(step.position, &step.record, &step.after, &words))?;
                }
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

async fn all_cases(channel: Channel, open_only: bool) -> Result<Vec<proto::Case>> {
    let mut audit = AuditServiceClient::new(channel);
    let mut request = proto::ListCasesRequest { open_only, page_size: 1_000, ..Default::default() };
    let mut cases = Vec::new();
    loop {
        let answer = audit.list_cases(request.clone()).await.map_err(|status| told(&status))?.into_inner();
        cases.extend(answer.cases);
        if answer.next_page_token.is_empty() {
            return Ok(cases);
        }
        request.page_token = answer.next_page_token;
    }
}

fn member(handle: &Handle, name: &str, when: When) -> Result<Option<proto::Member>> {
    let view = match when {
        When::Now => handle.member(name).wait()?,
        When::Position(position) => handle.member_as_of(name, AsOf::Position(position))?,
        When::Instant(at) => handle.member_as_of(name, AsOf::Instant(at))?,
    };
    let Some(view) = view else { return Ok(None) };
    let program = match when {
        When::Now => handle.current_program(),
        When::Position(_) | When::Instant(_) => program_at(handle, view.position)?,
    };
    let mut words = Words { terms: handle.terms(), names: HashMap::new() };
    learn(handle, &mut words, view.member.referrer)?;
    let MemberView { no, member, position, at } = &view;
    let portrait =
        Portrait { no: *no, member, position: *position, at: *at, program: program.as_deref() };
    Ok(Some(wire::member(portrait, &words, LOTS_SHOWN)))
}

/// The program that was in force after the record at `position`.
fn program_at(handle: &Handle, position: Position) -> Result<Option<Arc<Program>>> {
    let mut rows = handle.programs().wait()?;
    rows.retain(|row| row.position <= position);
    let Some(row) = rows.pop() else { return Ok(None) };
    let program = Program::read(&row.text, &mut handle.terms().to_vec());
    program.map(|program| Some(Arc::new(program))).map_err(|_| anyhow!("the program at {} has faults", row.position))
}

/// Learns the names of members that an answer speaks of.
fn learn(handle: &Handle, words: &mut Words, members: impl IntoIterator<Item = MemberNo>) -> Result<()> {
    for no in members {
        if let Entry::Vacant(place) = words.names.entry(no)
            && let Some(view) = handle.member_by_no(no).wait()?
        {
            place.insert(view.member.name);
        }
    }
    Ok(())
}
