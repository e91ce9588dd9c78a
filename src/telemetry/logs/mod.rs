//! Log output: to standard error, and to a file per day where a directory is configured.

mod daily;
mod plain_fields;

use std::{
    io::{self, IsTerminal},
    sync::OnceLock,
};

use tracing::{Level, Subscriber};
use tracing_appender::non_blocking::{ErrorCounter, NonBlocking, NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::{
    EnvFilter, Layer, Registry,
    fmt::{self, MakeWriter, writer::MakeWriterExt},
    layer::SubscriberExt,
    registry::LookupSpan,
    reload,
    util::SubscriberInitExt,
};

use self::{daily::Daily, plain_fields::PlainFields};
use crate::config::{Config, LogFormat, LogLevel};

/// Maximum number of lines that wait for a slow disk; further ones are dropped and counted.
const MAX_BUFFERED_LINES: usize = 16 << 10;

/// The filter of [`init`], for [`set_level`].
static FILTER: OnceLock<reload::Handle<EnvFilter, Registry>> = OnceLock::new();

/// There is one log per process, and so one count.
static DROPPED: OnceLock<ErrorCounter> = OnceLock::new();

/// Keeps the log files being written. What waits is written when it is dropped.
#[derive(Debug)]
pub struct Logs {
    _guard: Option<WorkerGuard>,
}

/// Starts logging as the configuration says, at its level unless `RUST_LOG` says otherwise. Only
/// the first call in a process counts.
///
/// # Errors
///
/// When there is a directory for log files, and no file can be written there.
pub fn init(config: &Config) -> io::Result<Logs> {
    let (file, guard) = match &config.log_dir {
        Some(directory) => {
            let daily = Daily::open(directory)?;
            let (file, guard) = NonBlockingBuilder::default()
                .lossy(true)
                .buffered_lines_limit(MAX_BUFFERED_LINES)
                .finish(daily);
            (Some(file), Some(guard))
        }
        None => (None, None),
    };
    let dropped = file.as_ref().map(NonBlocking::error_counter);
    let lines = match file {
        // Formatted once, so files decide: they want no colour.
        Some(file) => lines(config.log_format, io::stderr.and(file), false),
        None => lines(config.log_format, io::stderr, io::stderr().is_terminal()),
    };
    let (filter, handle) = reload::Layer::new(filter(config.log_level));
    let subscriber = tracing_subscriber::registry().with(filter).with(lines);
    // A program that embeds the gateway may have its own subscriber.
    if subscriber.try_init().is_ok() {
        let _ = FILTER.set(handle);
        if let Some(dropped) = dropped {
            let _ = DROPPED.set(dropped);
        }
    }
    Ok(Logs { _guard: guard })
}

/// Logs at this level from now on, unless `RUST_LOG` says otherwise, or somebody else than
/// [`init`] has set up the logs.
pub fn set_level(level: LogLevel) {
    if let Some(handle) = FILTER.get() {
        // It fails when the subscriber is gone, and with it all logging.
        let _ = handle.reload(filter(level));
    }
}

/// Number of lines that the log files lack, because they came faster than the disk took them.
#[must_use]
pub fn dropped_lines() -> u64 {
    DROPPED.get().map_or(0, |dropped| dropped.dropped_lines() as u64)
}

fn filter(level: LogLevel) -> EnvFilter {
    let level = Level::from(level).as_str().to_ascii_lowercase();
    // The libraries below are silent about what the gateway reports itself.
    let quiet = format!("warn,switchtower={level},switchtower_layers={level}");
    let wanted = std::env::var(EnvFilter::DEFAULT_ENV).ok().filter(|wanted| !wanted.is_empty());
    EnvFilter::new(wanted.unwrap_or(quiet))
}

/// How lines look: for a person, or as one JSON object each, with the request's span in `span`.
fn lines<S, W>(
    format: LogFormat,
    writer: W,
    colour: bool,
) -> Box<dyn Layer<S> + Send + Sync + 'static>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let lines = fmt::layer().with_writer(writer).with_target(false).with_ansi(colour);
    match format {
        LogFormat::Text if colour => lines.boxed(),
        LogFormat::Text => lines.fmt_fields(PlainFields).boxed(),
        LogFormat::Json => {
            lines.json().flatten_event(true).with_current_span(true).with_span_list(false).boxed()
        }
    }
}
