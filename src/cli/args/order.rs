//! Options before the command.

use std::ffi::OsString;

use clap::Parser;
use clap::error::ErrorKind;

use super::Cli;

/// Parses a command line. Options may stand before the command as well as behind it:
/// `switchtower --config FILE check` is `switchtower check --config FILE`.
///
/// # Errors
/// Clap's, also for `--help` and `--version`.
pub(in crate::cli) fn parse(arguments: &[OsString]) -> Result<Cli, clap::Error> {
    Cli::try_parse_from(arguments).or_else(|error| {
        // What clap says when options of the gateway itself are followed by a command.
        match options_last(arguments).filter(|_| error.kind() == ErrorKind::ArgumentConflict) {
            // Each command knows best which of them it takes.
            Some(arguments) => Cli::try_parse_from(arguments),
            None => Err(error),
        }
    })
}

/// The command line with the options that stand before the command moved to its end; `None` if
/// there are none, or no command.
fn options_last(arguments: &[OsString]) -> Option<Vec<OsString>> {
    let (program, rest) = arguments.split_first()?;
    let (options, rest) = rest.split_at(command_index(rest).filter(|index| *index > 0)?);
    // Behind `--` all are operands.
    let end = rest.iter().position(|argument| argument == "--").unwrap_or(rest.len());
    let (before, operands) = rest.split_at(end);
    let moved = [before, options, operands].concat();
    Some(std::iter::once(program.clone()).chain(moved).collect())
}

/// The first argument that is neither an option nor its value. All options that clap accepts before
/// it take a value: `--port 1`, `--port=1`, `-p 1` or `-p1`.
fn command_index(arguments: &[OsString]) -> Option<usize> {
    let mut index = 0;
    loop {
        let bytes = arguments.get(index)?.as_encoded_bytes();
        let has_value = match bytes {
            [b'-', b'-', name @ ..] => name.contains(&b'='),
            [b'-', _, value @ ..] => !value.is_empty(),
            _ => return Some(index),
        };
        index += if has_value { 1 } else { 2 };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::args::{Command, TasksCommand};

    fn parsed(line: &str) -> Result<Cli, clap::Error> {
        let words: Vec<_> = line.split(' ').map(OsString::from).collect();
        parse(&words)
    }

    #[test]
    fn options_may_stand_on_either_side_of_the_command() {
        for line in [
            "switchtower serve --config f --port 1",
            "switchtower --config f serve --port 1",
            "switchtower --config f --port 1 serve",
            "switchtower --config=f -p1 serve",
            "switchtower -p 1 -c f serve",
            "switchtower -cf --port=1 serve",
        ] {
            let cli = parsed(line).unwrap_or_else(|error| panic!("{line}: {error}"));
            let Some(Command::Serve(args)) = cli.command else { panic!("{line}: {cli:?}") };
            assert_eq!(args.file.config.as_deref(), Some("f".as_ref()), "{line}");
            assert_eq!(args.port, Some(1), "{line}");
        }
    }

    #[test]
    fn every_command_that_reads_the_file_takes_it() {
        for command in [
            "check",
            "doctor",
            "models",
            "connect",
            "task x",
            "to a x",
            "tasks",
            "tasks cancel x",
            "agents",
            "space new",
            "space show x",
            "events",
            "health --live",
            "quota",
        ] {
            parsed(&format!("switchtower --config f {command}"))
                .unwrap_or_else(|error| panic!("{command}: {error}"));
        }
        let cli = parsed("switchtower -c f tasks cancel x").unwrap();
        let Some(Command::Tasks(args)) = cli.command else { panic!("{cli:?}") };
        let Some(TasksCommand::Cancel { show, .. }) = args.command else { panic!("{args:?}") };
        assert_eq!(show.gateway.file.config.as_deref(), Some("f".as_ref()));
        let cli = parsed("switchtower -c f task -- -c").unwrap();
        let Some(Command::Task(args)) = cli.command else { panic!("{cli:?}") };
        assert_eq!(args.text.as_deref(), Some("-c"));
        assert_eq!(args.options.gateway.file.config.as_deref(), Some("f".as_ref()));
    }

    #[test]
    fn what_a_command_does_not_take_is_refused() {
        let refused = |line| {
            let error = parsed(line).unwrap_err();
            (error.exit_code(), error.kind())
        };
        for line in ["switchtower --config f key new", "switchtower --port 1 check"] {
            assert_eq!(refused(line), (2, ErrorKind::UnknownArgument), "{line}");
        }
        let twice = "switchtower --config f serve --config g";
        assert_eq!(refused(twice), (2, ErrorKind::ArgumentConflict));
        let file = parsed("switchtower --config serve").unwrap();
        assert_eq!(file.serve.file.config.as_deref(), Some("serve".as_ref()), "as a path");
    }
}
