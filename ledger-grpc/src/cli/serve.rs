//! Serve: a ledger behind a gRPC server, until it is asked to stop.

use super::letters;
use super::open::{Clock, Confirmed, Secret, must_be_ledger, open_error, open_or_make, publish_first};
use super::proofs::Signing;
use super::{Answer, say};
use anyhow::{Context, Result};
use clap::Args;
use ledger_grpc::door::Hosts;
use ledger_grpc::engine::{Limits, wall_clock};
use ledger_grpc::kafka::{Config, Kafka};
use ledger_grpc::server::ServeOptions;
use ledger_grpc::{instant, metrics, server};
use ledger_store::{Handle, Health, Ledger, Options};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::io::{IsTerminal, stderr};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::runtime::Builder;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tracing::{error, info, warn};
use tracing_subscriber::EnvFilter;

/// More file handles than any limit here makes use of.
const HANDLES_ENOUGH: u64 = 1 << 16;

#[derive(Args)]
#[command(after_long_help = letters::feeding())]
pub(super) struct Serve {
    /// The ledger's directory; made if there is none
    #[arg(long, value_name = "DIR", env = "LEDGERD_DATA")]
    data: PathBuf,
    /// Where to listen; port 0 takes any that is free
    #[arg(long, value_name = "ADDRESS", env = "LEDGERD_LISTEN", default_value = "127.0.0.1:50051")]
    listen: String,
    /// What moves ledger time
    #[arg(long, value_enum, env = "LEDGERD_TIME", default_value = "wall")]
    time: Clock,
    /// Publish this program first if the ledger has none
    #[arg(long, value_name = "FILE", env = "LEDGERD_PROGRAM")]
    program: Option<PathBuf>,
    #[command(flatten)]
    confirmed: Confirmed,
    #[command(flatten)]
    secret: Secret,
    #[command(flatten)]
    signing: Signing,
    /// Feed the ledger from Kafka, as this file says (see below)
    #[arg(long, value_name = "FILE", env = "LEDGERD_KAFKA")]
    kafka: Option<PathBuf>,
    /// Where Kafka is, instead of where the file says
    #[arg(long, value_name = "HOST:PORT,…", env = "LEDGERD_KAFKA_BROKERS", requires = "kafka")]
    kafka_brokers: Option<String>,
    /// Read a partition from this offset on, whatever the ledger says; for one that is halted, and once
    #[arg(long, value_name = "TOPIC/PARTITION=OFFSET", requires = "kafka", value_parser = letters::moved)]
    kafka_move: Vec<letters::Moved>,
    /// Where Prometheus finds figures, at /metrics; port 0 takes any that is free
    #[arg(long, value_name = "ADDRESS", env = "LEDGERD_METRICS")]
    metrics: Option<String>,
    /// Stay for reading when the ledger stops, instead of ending with exit code 4
    #[arg(long, env = "LEDGERD_STAY")]
    stay: bool,
    /// Answer what is read and take nothing: from a disk that is full, a medium that cannot be written, or beside the
    /// server that has the ledger open, as it is at this moment. Nothing is written
    #[arg(long, conflicts_with_all = ["program", "kafka", "checkpoint_key"])]
    read_only: bool,
    /// Pages of this host may ask in a browser, over gRPC-Web, and any may by this name; those of this machine
    /// (localhost, 127.0.0.1, ::1) always may
    #[arg(long, value_name = "HOST", env = "LEDGERD_WEB_HOST", value_delimiter = ',')]
    web_host: Vec<String>,
    /// Write logs as lines of JSON
    #[arg(long, env = "LEDGERD_LOG_JSON")]
    log_json: bool,
}

impl Serve {
    pub(super) fn run(self) -> Result<Answer> {
        let kafka =
            self.kafka.as_deref().map(|path| letters::config(path, self.kafka_brokers.as_deref())).transpose()?;
        log_to_stderr(self.log_json)?;
        info!(data = %self.data.display(), "opening the ledger");
        let ledger = self.open()?;
        let handle = ledger.handle();
        handle.checkpoint_keys().iter().for_each(|key| info!(%key, "checkpoints are signed"));
        let stats = handle.stats();
        let (identity, position) = (handle.identity(), stats.committed.0);
        info!(%identity, position, members = stats.members, "the ledger is open");
        if let Some(program) = &self.program {
            match publish_first(&handle, program, self.time)? {
                true => info!(program = %program.display(), "published"),
                false => info!(program = %program.display(), "not published: the ledger has a program"),
            }
        }
        if let Some(jump) = handle.jump() {
            let (from, to) = (instant::show(jump.from), instant::show(jump.to));
            error!(%jump, from, to, "the clock is not believed: put it right, or confirm it with --clock-jump-ok {to}");
        }
        if let Some(unreadable) = handle.unreadable() {
            warn!("{unreadable}; the ledger is read only");
        } else if self.read_only {
            info!("the ledger is open for reading only");
        } else if handle.current_program().is_none() {
            warn!("no program is published: every event but a program will be refused, for ever");
        }
        let runtime = Builder::new_multi_thread().enable_all().build()?;
        let served = runtime.block_on(self.listen(handle.clone(), kafka));
        drop(runtime);
        let stopped = match handle.health() {
            Health::Stopped(reason) if !self.read_only => Some(reason),
            _ => None,
        };
        drop(handle);
        info!("closing the ledger");
        let closed = ledger.close();
        served?;
        if let Some(reason) =
            stopped.or_else(|| closed.err().filter(|_| !self.read_only).map(|error| error.to_string()))
        {
            error!(reason, "the ledger had stopped");
            return Ok(Answer::Stopped);
        }
        info!("closed");
        Ok(Answer::Yes)
    }

    fn open(&self) -> Result<Ledger> {
        let checkpoints = self.signing.read(&self.data)?;
        let (jumps, stay) = (self.confirmed.jumps(), self.stay);
        let options = Options { checkpoints, jumps, stay, ..self.secret.read()?.options(self.time) };
        if self.read_only {
            must_be_ledger(&self.data)?;
            return Ledger::look(&self.data, options, wall_clock()).map_err(open_error);
        }
        open_or_make(&self.data, options)
    }

    async fn listen(&self, handle: Handle, kafka: Option<Config>) -> Result<()> {
        let term = signal(SignalKind::terminate())?;
        let interrupt = signal(SignalKind::interrupt())?;
        let handles = handles();
        let (listener, address) = bind(&self.listen).await?;
        if !address.ip().is_loopback() {
            warn!(%address, "there is no authentication: whoever reaches this address may do everything");
        }
        for letters::Moved { topic, partition, next } in &self.kafka_move {
            Kafka::move_cursor(&handle, topic, *partition, *next)?;
        }
        let kafka = kafka.map(|config| Kafka::start(handle.clone(), config).map(Arc::new)).transpose()?;
        if let Some(metrics) = &self.metrics {
            let (listener, address) = bind(metrics).await?;
            say(format_args!("metrics on {address}"))?;
            tokio::spawn(metrics::serve(listener, handle.clone(), kafka.clone(), Limits::spare(handles)));
        }
        say(format_args!("listening on {address}"))?;
        info!(%address, "listening");
        let stop = asked_to_stop(term, interrupt);
        let options = ServeOptions {
            limits: Limits::default().within(handles),
            hosts: Hosts::with(&self.web_host),
            stay: self.stay || self.read_only,
        };
        let served = server::serve_fed(listener, handle, kafka.clone(), options, stop).await;
        if let Some(kafka) = kafka {
            info!("leaving Kafka");
            tokio::task::spawn_blocking(move || kafka.stop()).await?;
        }
        Ok(served?)
    }
}

async fn bind(address: &str) -> Result<(TcpListener, SocketAddr)> {
    let listener = TcpListener::bind(address).await.with_context(|| format!("cannot listen on {address}"))?;
    let address = listener.local_addr()?;
    Ok((listener, address))
}

/// How many file handles this process may have: as many as it may ask for, which it does.
fn handles() -> usize {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let most = maximum.unwrap_or(HANDLES_ENOUGH).min(HANDLES_ENOUGH);
    let wanted = current.map_or(most, |current| current.max(most));
    let may = match setrlimit(Resource::Nofile, Rlimit { current: Some(wanted), maximum }) {
        Ok(()) => wanted,
        Err(_) => current.unwrap_or(wanted),
    };
    usize::try_from(may).unwrap_or(usize::MAX)
}

/// Ready at the first signal; the second ends the process.
async fn asked_to_stop(mut term: Signal, mut interrupt: Signal) {
    either(&mut term, &mut interrupt).await;
    info!("stopping: answering what is under way");
    tokio::spawn(async move {
        either(&mut term, &mut interrupt).await;
        warn!("stopped at once");
        std::process::exit(3);
    });
}

async fn either(term: &mut Signal, interrupt: &mut Signal) {
    tokio::select! {
        _ = term.recv() => {}
        _ = interrupt.recv() => {}
    }
}

fn log_to_stderr(json: bool) -> Result<()> {
    let filter = EnvFilter::builder().with_default_directive(tracing::Level::INFO.into()).from_env()?;
    let colours = stderr().is_terminal();
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_ansi(colours).with_writer(stderr);
    if json {
        log.json().init()
    } else {
        log.init()
    }
    Ok(())
}
