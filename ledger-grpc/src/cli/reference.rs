//! The page of the command line, made of what clap knows and held to it; `make reference` writes it anew.

use super::Cli;
use clap::builder::StyledStr;
use clap::{Arg, ArgAction, Command, CommandFactory};
use std::path::Path;

/// What clap adds to every command.
const OF_CLAP: [&str; 2] = ["help", "version"];

#[test]
fn the_command_line_has_a_page() {
    let mut ledgerd = Cli::command();
    ledgerd.build();
    let mut text = format!(
        "# The command line\n\n<!-- Made from the code by `make reference`. -->\n\n{}\n\n{}\n\n\
         Answers go to stdout; progress, warnings and errors to stderr. Where an option names a variable of the\n\
         environment, that is read if the option is not given. `ledgerd COMMAND --help` says the same as this page.\n",
        plain(ledgerd.get_about()),
        plain(ledgerd.get_after_help()),
    );
    for command in ledgerd.get_subcommands() {
        tell(command, "ledgerd", &mut text);
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize().expect("the workspace is there");
    expect_test::expect_file![root.join("docs/cli.md")].assert_eq(&text);
}

/// A command, and the commands under it.
fn tell(command: &Command, above: &str, text: &mut String) {
    let name = format!("{above} {}", command.get_name());
    if OF_CLAP.contains(&command.get_name()) {
        return;
    }
    let about = command.get_long_about().or_else(|| command.get_about());
    text.push_str(&format!("\n## `{name}`\n\n{}\n", told(&plain(about))));
    if command.has_subcommands() {
        command.get_subcommands().for_each(|inner| tell(inner, &name, text));
        return;
    }
    let usage = command.clone().render_usage().to_string();
    let usage = usage.trim_start_matches("Usage:").split_whitespace().collect::<Vec<_>>().join(" ");
    text.push_str(&format!("\n```text\n{usage}\n```\n"));
    let shown: Vec<&Arg> = command.get_arguments().filter(|arg| !OF_CLAP.contains(&arg.get_id().as_str())).collect();
    if !shown.is_empty() {
        text.push_str("\n| argument | what it says | default | environment |\n|---|---|---|---|\n");
    }
    for arg in shown {
        text.push_str(&row(arg));
    }
    let after = plain(command.get_after_long_help().or_else(|| command.get_after_help()));
    if !after.is_empty() {
        text.push_str(&format!("\n{}", pieces(&after)));
    }
}

/// An argument as a row of a table.
fn row(arg: &Arg) -> String {
    let help = arg.get_long_help().or_else(|| arg.get_help());
    let mut said = told(&plain(help)).split("\n\n").map(sentence).collect::<Vec<_>>().join(" ");
    assert!(said.len() > 1, "{} says nothing", arg.get_id());
    let takes = matches!(arg.get_action(), ArgAction::Set | ArgAction::Append);
    for value in arg.get_possible_values().iter().filter(|_| takes) {
        let help = value.get_help().map(|help| format!(": {help}")).unwrap_or_default();
        said.push_str(&format!(" `{}`{help}.", value.get_name()));
    }
    let names: Vec<&str> = arg.get_value_names().unwrap_or_default().iter().map(|name| name.as_str()).collect();
    let value = if takes { names.join(" ") } else { String::new() };
    let shown = match arg.get_long() {
        Some(long) if value.is_empty() => format!("--{long}"),
        Some(long) => format!("--{long} {value}"),
        None => value,
    };
    let needed = if arg.is_required_set() { " Required." } else { "" };
    let alone = arg.get_num_args().is_none_or(|many| many.max_values() == 1);
    let again = if matches!(arg.get_action(), ArgAction::Append) && alone { " May be given again." } else { "" };
    let defaults = arg.get_default_values().iter().filter(|value| takes && !value.is_empty());
    let default: Vec<String> = defaults.map(|value| format!("`{}`", value.to_string_lossy())).collect();
    let variable = arg.get_env().map(|name| format!("`{}`", name.to_string_lossy())).unwrap_or_default();
    let said = format!("{said}{needed}{again}").replace('|', "\\|");
    format!("| `{shown}` | {said} | {} | {variable} |\n", default.join(", "))
}

/// With its full stop.
fn sentence(text: &str) -> String {
    if text.ends_with('.') { text.to_owned() } else { format!("{text}.") }
}

fn plain(text: Option<&StyledStr>) -> String {
    text.map(ToString::to_string).unwrap_or_default()
}

/// Paragraphs, each in one line.
fn told(text: &str) -> String {
    text.split("\n\n").map(|one| one.split_whitespace().collect::<Vec<_>>().join(" ")).collect::<Vec<_>>().join("\n\n")
}

/// What stands below the options: headings in capitals, paragraphs, and pieces of files, which are indented.
fn pieces(text: &str) -> String {
    let mut shown = String::new();
    let mut within = false;
    for line in text.lines() {
        let piece = line.starts_with("  ") || (within && line.is_empty());
        if piece != within {
            shown = format!("{}\n{}", shown.trim_end(), if piece { "\n```text\n" } else { "```\n\n" });
            within = piece;
        }
        let heading = !line.is_empty() && line.chars().all(|one| one.is_uppercase() || one == ' ');
        match line.strip_prefix("  ") {
            Some(line) if within => shown.push_str(line),
            _ if heading => shown.push_str(&format!("### {}{}", &line[..1], line[1..].to_lowercase())),
            _ => shown.push_str(line),
        }
        shown.push('\n');
    }
    if within { format!("{}\n```\n", shown.trim_end()) } else { shown }
}
