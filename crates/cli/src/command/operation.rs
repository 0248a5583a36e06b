//! Operations under their own names: `browserd list-sessions --state all`.
//!
//! Their arguments are made from the operation's schema: each field is `--field VALUE`, and
//! `--args JSON` (or `--args -` for stdin) gives all of them at once. Values go as they are
//! written; the daemon knows a number from a word.

use std::ffi::OsString;
use std::io::Read as _;

use api::{OPERATIONS, OperationInfo};
use clap::{Arg, ArgAction, ArgMatches};
use serde_json::{Map, Value, json};

use super::call::Call;
use super::page::Place;
use crate::arguments::Common;
use crate::config::Span;
use crate::environment::Environment;
use crate::failure::Failure;
use crate::output::{self, Form};
use crate::print;

/// More than any operation takes.
const LONGEST_ARGUMENTS: u64 = 64 << 20;

/// Returns every operation as a command, unless a command of that name is there already.
pub fn commands() -> impl Iterator<Item = clap::Command> {
    const TAKEN: [&str; 2] = ["screenshot", "snapshot"];
    OPERATIONS
        .iter()
        .filter(|it| !TAKEN.contains(&it.name))
        .map(command)
}

/// `operations`: lists them.
pub fn list(form: Form) -> Result<(), Failure> {
    if form == Form::Json {
        let all = OPERATIONS.iter().map(|it| {
            json!({ "name": it.name, "command": kebab(it.name), "summary": it.summary,
                "input_schema": (it.input_schema)() })
        });
        return output::json(&all.collect::<Vec<_>>());
    }
    let mut table = print::Table::wide(&["command", "what it does"]);
    for operation in OPERATIONS {
        table.row([kebab(operation.name).as_str(), operation.summary]);
    }
    print::table(&table)
}

/// Makes a call of an operation's name and the words after it.
pub fn parse(
    words: &[OsString],
    environment: &Environment,
    common: &Common,
) -> Result<(Call, Common), Failure> {
    let name = words
        .first()
        .map(|word| word.to_string_lossy().into_owned())
        .unwrap_or_default();
    let snake = name.replace('-', "_");
    let other = api::alias(&snake);
    let Some(operation) = api::find(other.map_or(&snake, |other| other.operation)) else {
        return Err(unknown(&name, &snake));
    };
    let mut command = command(operation)
        .name("browserd")
        .bin_name(format!("browserd {name}"));
    let matches = match command.try_get_matches_from_mut(words) {
        Ok(matches) => matches,
        Err(err) if err.use_stderr() => return Err(Failure::Usage(err.to_string())),
        Err(err) => {
            output::line(err.to_string().trim_end())?;
            return Err(Failure::Hangup);
        }
    };
    let mut common = common.clone();
    common.json |= matches.get_flag("json");
    common.session = matches
        .get_one::<String>("session")
        .cloned()
        .or(common.session);
    common.timeout = matches
        .get_one::<Span>("timeout")
        .map(|span| span.0)
        .or(common.timeout);
    common.tab = matches.get_one::<String>("tab").cloned().or(common.tab);
    common.idempotency_key = matches
        .get_one::<String>("idempotency_key")
        .cloned()
        .or(common.idempotency_key);
    let mut arguments = given(&matches)?;
    for field in fields(operation) {
        if let Some(value) = value_of(&matches, &field) {
            arguments.insert(field.name, value);
        }
    }
    if let Some(other) = other {
        other.complete(&mut arguments);
    }
    // A handle says itself whose it is.
    let of_handle = ["read_result", "keep_result"].contains(&operation.name);
    if operation.is_in_session() && (common.session.is_some() || !of_handle) {
        let place = Place::of(&common, environment);
        arguments
            .entry("session_id")
            .or_insert_with(|| Value::from(place.session));
        if let Some(tab) = place.tab {
            arguments
                .entry("tab_id")
                .or_insert_with(|| Value::from(tab));
        }
    } else if let (Some(key), "open_session") = (&common.session, operation.name) {
        arguments
            .entry("key")
            .or_insert_with(|| Value::from(key.as_str()));
    }
    let call = Call::new(operation.name, show(operation.name));
    let call = arguments
        .into_iter()
        .fold(call, |call, (name, value)| call.with(&name, value));
    Ok((call, common))
}

fn show(operation: &str) -> super::call::Show {
    match operation {
        "list_sessions" => print::sessions,
        "get_session" | "park_session" | "keepalive" => print::session,
        "open_session" | "resume_session" => print::opened,
        "restore_session_checkpoint" => print::restored,
        "list_tabs" => print::tabs,
        "snapshot" => print::snapshot,
        "get_content" => print::content,
        "evaluate" => print::evaluated,
        "list_session_checkpoints" => print::checkpoints,
        "save_session_checkpoint" => print::checkpoint,
        "list_snapshots" => print::logins,
        "save_snapshot" => print::saved_login,
        "restore_snapshot" => print::restored_login,
        "interact" | "navigate" | "wait_for" | "new_tab" | "activate_tab" => print::place,
        _ => print::any,
    }
}

fn unknown(name: &str, snake: &str) -> Failure {
    if api::is_later(snake) {
        return api::ApiError::not_available(format_args!("`{name}`")).into();
    }
    Failure::Usage(format!(
        "There is no command `{name}`.\nHint: browserd --help lists the commands, browserd operations the operations."
    ))
}

/// One argument of an operation.
struct Field {
    name: String,
    help: String,
    kind: Kind,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    One,
    Flag,
    List,
    Json,
}

fn fields(operation: &OperationInfo) -> Vec<Field> {
    let schema = (operation.input_schema)();
    let properties = schema["properties"].as_object();
    let field = |(name, schema): (&String, &Value)| Field {
        name: name.clone(),
        help: schema["description"]
            .as_str()
            .unwrap_or_default()
            .to_owned(),
        kind: kind(&schema["type"]),
    };
    properties.into_iter().flatten().map(field).collect()
}

fn kind(types: &Value) -> Kind {
    let is = |word: &str| match types {
        Value::Array(types) => types.iter().any(|it| it == word),
        one => one == word,
    };
    match () {
        () if is("boolean") => Kind::Flag,
        () if is("array") => Kind::List,
        () if is("object") => Kind::Json,
        () => Kind::One,
    }
}

fn command(operation: &OperationInfo) -> clap::Command {
    let everywhere = [
        Arg::new("session")
            .short('s')
            .long("session")
            .value_name("ID|KEY"),
        Arg::new("tab").short('t').long("tab").value_name("TAB"),
        Arg::new("timeout")
            .long("timeout")
            .value_name("TIME")
            .value_parser(str::parse::<Span>)
            .help("How long the call may take, such as 5s"),
        Arg::new("idempotency_key")
            .long("idempotency-key")
            .value_name("KEY")
            .help("Do it once, however often the command is repeated with this key"),
        Arg::new("json")
            .long("json")
            .action(ArgAction::SetTrue)
            .help("Print one JSON value"),
        Arg::new("args")
            .long("args")
            .value_name("JSON")
            .help("All arguments at once; - is stdin"),
    ];
    let own = fields(operation).into_iter().map(|field| {
        let arg = Arg::new(format!("field:{}", field.name))
            .long(kebab(&field.name))
            .help(field.help);
        match field.kind {
            Kind::Flag => arg
                .num_args(0..=1)
                .require_equals(true)
                .default_missing_value("true")
                .value_parser(clap::value_parser!(bool)),
            Kind::List => arg.action(ArgAction::Append).value_name("VALUE"),
            Kind::Json => arg.value_name("JSON"),
            Kind::One => arg.value_name("VALUE").allow_hyphen_values(true),
        }
    });
    clap::Command::new(kebab(operation.name))
        .about(operation.summary)
        .no_binary_name(false)
        .args(everywhere)
        .args(own)
}

fn value_of(matches: &ArgMatches, field: &Field) -> Option<Value> {
    let id = format!("field:{}", field.name);
    match field.kind {
        Kind::Flag => matches.get_one::<bool>(&id).map(|on| Value::from(*on)),
        Kind::List => {
            let values = matches.get_many::<String>(&id)?;
            Some(values.map(|value| Value::from(value.as_str())).collect())
        }
        Kind::Json => {
            let text = matches.get_one::<String>(&id)?;
            // What is no JSON goes as a text; the daemon says what it wanted.
            Some(serde_json::from_str(text).unwrap_or_else(|_| Value::from(text.as_str())))
        }
        Kind::One => matches
            .get_one::<String>(&id)
            .map(|value| Value::from(value.as_str())),
    }
}

fn given(matches: &ArgMatches) -> Result<Map<String, Value>, Failure> {
    let Some(text) = matches.get_one::<String>("args") else {
        return Ok(Map::new());
    };
    let mut read = String::new();
    let text = if text == "-" {
        let input = std::io::stdin()
            .lock()
            .take(LONGEST_ARGUMENTS)
            .read_to_string(&mut read);
        input.map_err(|err| Failure::io("The arguments can't be read", &err))?;
        &read
    } else {
        text
    };
    serde_json::from_str(text)
        .map_err(|err| Failure::Usage(format!("--args is no JSON object: {err}.")))
}

fn kebab(name: &str) -> String {
    name.replace('_', "-")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arguments(line: &str) -> Value {
        let words: Vec<OsString> = line.split(' ').map(OsString::from).collect();
        let (call, _) = parse(&words, &Environment::default(), &Common::default()).expect("a call");
        json!([call.operation(), call.arguments()])
    }

    #[test]
    fn every_operation_is_a_command() {
        for command in commands() {
            command.debug_assert();
        }
    }

    #[test]
    fn arguments_are_made_from_the_schema() {
        assert_eq!(
            arguments("list-sessions --state all"),
            json!(["list_sessions", { "state": "all" }])
        );
        assert_eq!(
            arguments("interact --action scroll --dy -200 -s k --json"),
            json!(["interact", { "action": "scroll", "dy": "-200", "session_id": "k" }])
        );
        assert_eq!(
            arguments(r#"evaluate --args {"expression":"1"} --tab t2"#),
            json!(["evaluate", { "expression": "1", "session_id": "default", "tab_id": "t2" }])
        );
        assert_eq!(
            arguments("handle-dialog --accept"),
            json!(["handle_dialog", { "accept": true, "session_id": "default" }])
        );
        assert_eq!(
            arguments("type-text --text x --ref @e1"),
            json!(["interact",
                { "action": "type", "text": "x", "ref": "@e1", "session_id": "default" }])
        );
        assert_eq!(
            arguments("open-session -s k"),
            json!(["open_session", { "key": "k" }])
        );
    }

    #[test]
    fn what_is_no_command_is_refused() {
        let parse = |line: &str| {
            let words: Vec<OsString> = line.split(' ').map(OsString::from).collect();
            parse(&words, &Environment::default(), &Common::default()).map(|_| ())
        };
        assert!(matches!(parse("frobnicate"), Err(Failure::Usage(_))));
        assert!(matches!(
            parse("list-sessions --nonsense"),
            Err(Failure::Usage(_))
        ));
        assert!(matches!(parse("verify-audit"), Err(Failure::Coded(_))));
    }
}
