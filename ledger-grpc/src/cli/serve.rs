//! Serve: a ledger behind a gRPC server, until it is asked to stop.

use super::open::{Clock, Secret, open_or_make, publish_first};
use super::{Answer, say};
use anyhow::{Context, Result, bail};
use clap::Args;
use ledger_grpc::engine::Limits;
use ledger_grpc::server;
use ledger_store::Handle;
use std::io::{IsTerminal, stderr};
use std::path::PathBuf;
use tokio::net::TcpListener;
use tokio::runtime::Builder;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tracing::{info, warn};
use tracing_subscriber::EnvFilter;

#[derive(Args)]
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
    secret: Secret,
    /// Write logs as lines of JSON
    #[arg(long, env = "LEDGERD_LOG_JSON")]
    log_json: bool,
}

impl Serve {
    pub(super) fn run(self) -> Result<Answer> {
        log_to_stderr(self.log_json)?;
        info!(data = %self.data.display(), "opening the ledger");
        let ledger = open_or_make(&self.data, self.time, self.secret.read()?)?;
        let handle = ledger.handle();
        let stats = handle.stats();
        info!(position = stats.committed.0, members = stats.members, "the ledger is open");
        if let Some(program) = &self.program {
            match publish_first(&handle, program, self.time)? {
                true => info!(program = %program.display(), "published"),
                false => info!(program = %program.display(), "not published: the ledger has a program"),
            }
        }
        if handle.current_program().is_none() {
            warn!("no program is published: every event but a program will be refused, for ever");
        }
        let runtime = Builder::new_multi_thread().enable_all().build()?;
        let served = runtime.block_on(listen(&self.listen, handle));
        drop(runtime);
        info!("closing the ledger");
        let closed = ledger.close();
        served?;
        if let Err(error) = closed {
            bail!("{error}");
        }
        info!("closed");
        Ok(Answer::Yes)
    }
}

async fn listen(address: &str, handle: Handle) -> Result<()> {
    let term = signal(SignalKind::terminate())?;
    let interrupt = signal(SignalKind::interrupt())?;
    let listener = TcpListener::bind(address).await.with_context(|| format!("cannot listen on {address}"))?;
    let address = listener.local_addr()?;
    if !address.ip().is_loopback() {
        warn!(%address, "there is no authentication: whoever reaches this address may do everything");
    }
    say(format_args!("listening on {address}"))?;
    info!(%address, "listening");
    server::serve(listener, handle, Limits::default(), asked_to_stop(term, interrupt)).await?;
    Ok(())
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
