//! Demo: the purchases of a real shop, streamed through a real server, and what the ledger then knows.
//!
//! It is a caller like any other: everything goes through gRPC, but the last check, which needs the
//! ledger to itself. The ledger stays in its directory, so that one can go on with it.

use super::import::Purchases;
use super::local::{Local, grouped};
use super::look::told;
use super::open::{Clock, Keys, open_or_make};
use super::progress::Progress;
use super::{Answer, say, show, verify};
use anyhow::{Context, Result, anyhow, bail, ensure};
use clap::Args;
use ledger_core::units::At;
use ledger_grpc::engine::Limits;
use ledger_grpc::proto::audit_service_client::AuditServiceClient;
use ledger_grpc::proto::event_service_client::EventServiceClient;
use ledger_grpc::proto::member_service_client::MemberServiceClient;
use ledger_grpc::proto::program_service_client::ProgramServiceClient;
use ledger_grpc::proto::{self, event::Body, outcome, record::Cause};
use ledger_grpc::{instant, server};
use ledger_store::{Handle, Jumps, Options};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;
use tokio::net::TcpListener;
use tokio::runtime::Builder;
use tokio::sync::oneshot;
use tonic::transport::Channel;

const PROGRAM: &str = include_str!("../../../programs/music.toml");
const CURRENCY: &str = "USD";
/// Events of one batch, as a till on a good line would send them.
const BATCH_EVENTS: usize = 1_000;
/// Steps of the replay that are shown, from the beginning and from the end.
const FIRST_STEPS: usize = 12;
const LAST_STEPS: usize = 3;

#[derive(Args)]
pub(super) struct Demo {
    /// Purchases as `import` reads them (.csv, or .csv.gz) [default: those of `make data`, or the sample
    /// in data/]
    #[arg(value_name = "PURCHASES")]
    purchases: Option<PathBuf>,
    /// Where to make the ledger: a directory that does not exist [default: a new one for temporary files]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
}

impl Demo {
    pub(super) fn run(self) -> Result<Answer> {
        let path = self.purchases.map_or_else(usual_purchases, Ok)?;
        let shop = Shop::read(&path)?;
        let dir =
            self.data.unwrap_or_else(|| std::env::temp_dir().join(format!("ledgerd-demo-{}", std::process::id())));
        ensure!(!dir.exists(), "{} is there already; name a directory that is not", dir.display());
        say(format_args!("A music shop's points: programs/music.toml on the purchases in {}", path.display()))?;
        say(format_args!("  {}", shop.summary()))?;

        // All of it is history, and nobody has points before it begins.
        let jumps = Jumps { believed: At(i64::MAX), ..Jumps::default() };
        let options = Options { jumps, ..Keys::default().options(Clock::Events) };
        let ledger = open_or_make(&dir, options)?;
        let runtime = Builder::new_multi_thread().enable_all().build()?;
        let shown = runtime.block_on(show_all(&shop, ledger.handle()));
        drop(runtime);
        ledger.close().map_err(|error| anyhow!(error))?;
        shown?;

        heading("Verify: the whole log folded again, with the server stopped")?;
        let report = verify::verify(&dir)?;
        say(verify::verdict(&report))?;
        heading("To go on")?;
        say(how_to_go_on(&dir, &shop.busiest))?;
        Ok(report.agrees().into())
    }
}

fn heading(text: &str) -> Result<()> {
    say(format_args!("\n{text}"))
}

// ---- the purchases ---------------------------------------------------------------------------

/// The first there is: what LEDGER_DATA names, what `make data` made, the sample as it is kept.
fn usual_purchases() -> Result<PathBuf> {
    let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let cache = cache.or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".cache")));
    let made = cache.map(|cache| cache.join("points-ledger/data"));
    let made = made.into_iter().flat_map(|dir| [dir.join("cdnow.csv"), dir.join("cdnow_sample.csv")]);
    let named = std::env::var_os("LEDGER_DATA").map(PathBuf::from);
    let sample = PathBuf::from("data/cdnow_sample.csv.gz");
    let found = named.into_iter().chain(made).chain([sample]).find(|path| path.is_file());
    found.context("no purchases are found; run `make data`, or name a file as in data/README.md")
}

/// The purchases of a shop, as events.
struct Shop {
    events: Vec<proto::Event>,
    customers: usize,
    busiest: String,
}

impl Shop {
    fn read(path: &Path) -> Result<Shop> {
        let name = path.display();
        let mut purchases = Purchases::of(reader(path)?).with_context(|| name.to_string())?;
        let (mut events, mut orders) = (Vec::new(), BTreeMap::<String, u32>::new());
        while purchases.read()? {
            let row = events.len() + 1;
            let purchase = purchases.purchase().map_err(|reason| anyhow!("{name}: row {row}: {reason}"))?;
            *orders.entry(purchase.member.clone()).or_default() += 1;
            let lines = vec![proto::Line { quantity: 1, net: purchase.amount, ..Default::default() }];
            let (order, currency) = (purchase.order.clone(), CURRENCY.to_owned());
            let body = proto::Purchase { order, currency, lines, ..Default::default() };
            events.push(proto::Event {
                source: "till".to_owned(),
                id: purchase.order,
                occurred_at: Some(instant::stamp(purchase.at)),
                member: purchase.member,
                body: Some(Body::Purchase(body)),
                ..proto::Event::default()
            });
        }
        let busiest = orders.iter().max_by_key(|(_, orders)| **orders).map(|(member, _)| member.clone());
        let busiest = busiest.with_context(|| format!("{name} has no purchases"))?;
        Ok(Shop { events, customers: orders.len(), busiest })
    }

    fn summary(&self) -> String {
        let day = |event: Option<&proto::Event>| {
            event
                .and_then(|event| event.occurred_at.as_ref())
                .map_or(String::new(), |stamp| instant::show(instant::at(stamp)).chars().take(10).collect())
        };
        let (events, customers) = (grouped(self.events.len() as u64), grouped(self.customers as u64));
        format!(
            "{events} purchases by {customers} customers, {} to {}",
            day(self.events.first()),
            day(self.events.last())
        )
    }
}

/// A file as it is, or unpacked by gzip.
fn reader(path: &Path) -> Result<Box<dyn Read>> {
    let missing = || format!("cannot read {}", path.display());
    let file = File::open(path).with_context(missing)?;
    if path.extension().is_none_or(|ending| ending != "gz") {
        return Ok(Box::new(file));
    }
    let unpack = Command::new("gzip").arg("-dc").stdin(file).stdout(Stdio::piped()).spawn();
    let unpack = unpack.context("cannot run gzip, which unpacks the purchases")?;
    Ok(Box::new(unpack.stdout.context("gzip has no output")?))
}

// ---- what is shown ---------------------------------------------------------------------------

/// Serves the ledger, shows everything, and stops the server.
async fn show_all(shop: &Shop, handle: Handle) -> Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let (stop, stopped) = oneshot::channel::<()>();
    let asked = async {
        let _ = stopped.await;
    };
    let server = tokio::spawn(server::serve(listener, handle, Limits::default(), asked));
    let shown = async {
        let till = Till(super::look::connect(&format!("http://{address}")).await?);
        till.publish(shop).await?;
        till.show(shop).await
    };
    let shown = shown.await;
    // The server may have failed before; then it says so below.
    let _ = stop.send(());
    server.await??;
    shown
}

/// A till: a client of the server.
struct Till(Channel);

/// What a till was told of its events.
#[derive(Default)]
struct Told {
    accepted: u64,
    refused: u64,
    again: u64,
    seconds: f64,
    last: u64,
}

impl Told {
    fn count(&mut self, told: &proto::Outcome) -> Result<()> {
        self.last = told.position;
        match &told.result {
            _ if told.duplicate => self.again += 1,
            Some(outcome::Result::Accepted(_)) => self.accepted += 1,
            Some(outcome::Result::Refused(_)) => self.refused += 1,
            Some(outcome::Result::Invalid(invalid)) => {
                let violation = invalid.violations.first().cloned().unwrap_or_default();
                bail!("an event is invalid: {} {}", violation.field, violation.problem);
            }
            None => bail!("the server told no outcome"),
        }
        Ok(())
    }
}

impl Till {
    async fn publish(&self, shop: &Shop) -> Result<()> {
        let request = proto::PublishProgramRequest {
            source: "demo".to_owned(),
            id: "music".to_owned(),
            occurred_at: shop.events.first().and_then(|event| event.occurred_at),
            text: PROGRAM.to_owned(),
        };
        let published = ProgramServiceClient::new(self.0.clone()).publish_program(request).await;
        let published = published.map_err(|status| told(&status))?.into_inner();
        ensure!(published.version == 1, "the program was not published");
        Ok(())
    }

    /// Says all events, batch after batch, and takes the outcomes as they come.
    async fn stream(&self, shop: &Shop) -> Result<Told> {
        let mut progress = Progress::of_events("purchases", shop.events.len() as u64);
        let batches: Vec<_> = shop.events.chunks(BATCH_EVENTS).map(<[proto::Event]>::to_vec).collect();
        let began = Instant::now();
        let batches = (0..)
            .zip(batches)
            .map(|(number, events): (u32, _)| proto::SubmitStreamRequest { tag: format!("batch {number}"), events });
        let mut events = EventServiceClient::new(self.0.clone());
        let answers = events.submit_stream(tokio_stream::iter(batches)).await;
        let mut answers = answers.map_err(|status| told(&status))?.into_inner();
        let (mut told_so_far, mut done) = (Told::default(), 0);
        while let Some(answer) = answers.message().await.map_err(|status| told(&status))? {
            answer.outcomes.iter().try_for_each(|outcome| told_so_far.count(outcome))?;
            done += answer.outcomes.len() as u64;
            progress.at(done);
        }
        told_so_far.seconds = began.elapsed().as_secs_f64();
        progress.end();
        ensure!(done == shop.events.len() as u64, "{done} events were answered, {} were said", shop.events.len());
        Ok(told_so_far)
    }

    /// Ledger time follows the events, so whoever never came again still has points that are long past:
    /// lets everything happen that is due by the last purchase.
    async fn tick(&self, shop: &Shop) -> Result<()> {
        let now = shop.events.last().and_then(|event| event.occurred_at);
        let event = proto::Event {
            source: "demo".to_owned(),
            id: "tick".to_owned(),
            occurred_at: now,
            body: Some(Body::Tick(proto::Tick { up_to: now })),
            ..proto::Event::default()
        };
        let ticked = EventServiceClient::new(self.0.clone()).submit(proto::SubmitRequest { event: Some(event) }).await;
        let ticked = ticked.map_err(|status| told(&status))?.into_inner().outcome.unwrap_or_default();
        Told::default().count(&ticked)
    }

    async fn totals(&self) -> Result<proto::GetTotalsResponse> {
        let totals = AuditServiceClient::new(self.0.clone()).get_totals(proto::GetTotalsRequest::default()).await;
        Ok(totals.map_err(|status| told(&status))?.into_inner())
    }

    async fn member(&self, name: &str) -> Result<proto::Member> {
        let request = proto::GetMemberRequest { member: name.to_owned(), ..Default::default() };
        let member = MemberServiceClient::new(self.0.clone()).get_member(request).await;
        Ok(member.map_err(|status| told(&status))?.into_inner())
    }

    async fn replay(&self, name: &str) -> Result<Vec<proto::ReplayMemberResponse>> {
        let request = proto::ReplayMemberRequest { member: name.to_owned(), ..Default::default() };
        let steps = MemberServiceClient::new(self.0.clone()).replay_member(request).await;
        let mut steps = steps.map_err(|status| told(&status))?.into_inner();
        let mut all = Vec::new();
        while let Some(step) = steps.message().await.map_err(|status| told(&status))? {
            all.push(step);
        }
        Ok(all)
    }

    async fn show(&self, shop: &Shop) -> Result<()> {
        let local = Local::of(Some(PROGRAM));
        heading("Purchases: one stream over gRPC, each answered when it was on disk")?;
        let first = self.stream(shop).await?;
        let rate = shop.events.len() as f64 / first.seconds.max(1e-3);
        let (accepted, refused) = (grouped(first.accepted), grouped(first.refused));
        say(format_args!("  {accepted} accepted, {refused} refused, in {:.2} s", first.seconds))?;
        say(format_args!("  {} events per second", grouped(rate as i64)))?;

        self.tick(shop).await?;
        let totals = self.totals().await?;
        let (at, due) = (local.stamp(totals.at.as_ref()), totals.position.saturating_sub(first.last + 1));
        say(format_args!("  then a tick to {at}: {} timers were due and are recorded", grouped(due)))?;
        heading("Trial balance: every point ever issued, and where it is now")?;
        totals.wallets.iter().try_for_each(|wallet| say(show::lines(&show::trial_balance(wallet))))?;
        heading(&format!("Tiers: {} members, none of whom enrolled; {at}", grouped(totals.members)))?;
        say(show::lines(&show::tiers(&totals)))?;

        heading("The member with the most orders")?;
        say(show::member(&self.member(&shop.busiest).await?, &local))?;
        heading("Why: that member's records, folded again from the log")?;
        say(show::lines(&some_steps(&self.replay(&shop.busiest).await?, &shop.busiest, &local)))?;

        heading("The same purchases again, as after a broken line")?;
        let second = self.stream(shop).await?;
        say(format_args!("  {} had come before, {} are new", grouped(second.again), second.accepted + second.refused))?;
        // How many events came again is the one figure that should differ.
        let after = proto::GetTotalsResponse { duplicates: totals.duplicates, ..self.totals().await? };
        ensure!(after == totals, "the same events changed the totals from {totals:?} to {after:?}");
        say("  every account, tier and position is as it was")
    }
}

/// The first and the last steps of a replay, and between them the first that came about by itself.
fn some_steps(steps: &[proto::ReplayMemberResponse], member: &str, local: &Local) -> comfy_table::Table {
    let by_itself = |step: &proto::ReplayMemberResponse| {
        step.record.as_ref().is_some_and(|record| matches!(record.cause, Some(Cause::Timer(_))))
    };
    let last = steps.len().saturating_sub(LAST_STEPS);
    let mut shown: Vec<usize> = (0..steps.len()).filter(|at| *at < FIRST_STEPS || *at >= last).collect();
    let timer = steps.iter().enumerate().find(|(at, step)| !shown.contains(at) && by_itself(step));
    shown.extend(timer.map(|(at, _)| at));
    shown.sort_unstable();
    let (mut table, mut next) = (show::steps_table(), 0);
    for at in shown {
        if at > next {
            table.add_row(["…".to_owned(), format!("{} more", grouped((at - next) as u64))]);
        }
        table.add_row(show::step(&steps[at], member, local));
        next = at + 1;
    }
    table
}

fn how_to_go_on(dir: &Path, member: &str) -> String {
    let program = std::env::current_exe().unwrap_or_else(|_| PathBuf::from("ledgerd"));
    let program = program.display();
    let dir = dir.display();
    format!(
        "The ledger stays in {dir}. Serve it, and ask from another terminal:\n  \
         {program} serve --data {dir} --time events\n  \
         {program} replay {member}\n  \
         grpcurl -plaintext -d '{{\"member\": \"{member}\"}}' 127.0.0.1:50051 ledger.v1.MemberService/GetMember"
    )
}
