//! Completions of shells: the commands, and the options of each.

use clap::{Arg, Command};
use serde_json::json;

use crate::arguments;
use crate::failure::DONE;
use crate::output::Output;

pub(crate) fn write(shell: &str, output: &Output) -> u8 {
    let mut command = arguments::command();
    // It gives each command the options that all have.
    command.build();
    let script = match shell {
        "bash" => bash(&command),
        "zsh" => zsh(&command),
        _ => fish(&command),
    };
    output.result(script.trim_end(), &json!({"shell": shell, "script": script}));
    DONE
}

fn bash(command: &Command) -> String {
    let cases: String = command
        .get_subcommands()
        .map(|sub| format!("    {}) words=\"{}\" ;;\n", sub.get_name(), words(sub).collect::<Vec<_>>().join(" ")))
        .collect();
    format!(
        "_sipgate_oauth2() {{\n  local words\n  case \"${{COMP_WORDS[1]}}\" in\n{cases}    *) words=\"{}\" ;;\n  esac\n  \
         COMPREPLY=($(compgen -W \"$words\" -- \"${{COMP_WORDS[COMP_CWORD]}}\"))\n}}\ncomplete -o default -F _sipgate_oauth2 sipgate-oauth2\n",
        names(command).join(" ")
    )
}

fn zsh(command: &Command) -> String {
    let cases: String = command
        .get_subcommands()
        .map(|sub| format!("    {}) compadd -- {} ;;\n", sub.get_name(), words(sub).collect::<Vec<_>>().join(" ")))
        .collect();
    format!(
        "#compdef sipgate-oauth2\n_sipgate_oauth2() {{\n  if (( CURRENT == 2 )); then\n    compadd -- {}\n    return\n  fi\n  \
         case $words[2] in\n{cases}  esac\n}}\ncompdef _sipgate_oauth2 sipgate-oauth2\n",
        names(command).join(" ")
    )
}

fn fish(command: &Command) -> String {
    let mut lines = vec!["complete -c sipgate-oauth2 -f".to_owned()];
    for sub in command.get_subcommands() {
        let (name, about) = (sub.get_name(), quoted(&sub.get_about().map(ToString::to_string).unwrap_or_default()));
        lines.push(format!("complete -c sipgate-oauth2 -n __fish_use_subcommand -a {name} -d {about}"));
        let seen = format!("-n '__fish_seen_subcommand_from {name}'");
        for argument in sub.get_arguments() {
            let help = quoted(&argument.get_help().map(ToString::to_string).unwrap_or_default());
            match argument.get_long() {
                Some(long) if takes_value(argument) => lines.push(format!("complete -c sipgate-oauth2 {seen} -l {long} -r -d {help}")),
                Some(long) => lines.push(format!("complete -c sipgate-oauth2 {seen} -l {long} -d {help}")),
                None => lines.extend(values(argument).map(|value| format!("complete -c sipgate-oauth2 {seen} -a {value}"))),
            }
        }
    }
    lines.join("\n") + "\n"
}

fn names(command: &Command) -> Vec<&str> {
    command.get_subcommands().map(Command::get_name).collect()
}

/// What may follow a command.
fn words(command: &Command) -> impl Iterator<Item = String> {
    let options = command.get_arguments().filter_map(Arg::get_long).map(|long| format!("--{long}"));
    options.chain(command.get_positionals().flat_map(values))
}

fn values(argument: &Arg) -> impl Iterator<Item = String> + use<> {
    argument.get_possible_values().into_iter().map(|value| value.get_name().to_owned())
}

fn takes_value(argument: &Arg) -> bool {
    argument.get_num_args().is_some_and(|count| count.takes_values())
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "\\'"))
}
