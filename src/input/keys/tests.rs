use std::collections::BTreeSet;

use serde_json::Value;
use toml::de::DeTable;

use super::super::{DecisionFile, ModelFile, decision_schema, json_schema};
use super::*;

/// A key of a schema: its path, the types that it may have, and whether its section needs it.
struct Described {
    path: Vec<String>,
    types: BTreeSet<String>,
    required: bool,
}

/// Every key of a schema, down to those whose values are checked where they are read.
fn described(schema: &str, keys: Keys) -> Vec<Described> {
    let root: Value = serde_json::from_str(schema).unwrap();
    let mut all = Vec::new();
    walk(&root, (&root, keys), (&mut Vec::new(), false), &mut all);
    all.into_iter().filter(|one| !one.path.is_empty() && one.path.last().unwrap() != "[]").collect()
}

fn walk(
    schema: &Value,
    (root, keys): (&Value, Keys),
    (path, required): (&mut Vec<String>, bool),
    all: &mut Vec<Described>,
) {
    let below_open =
        (1..path.len()).any(|n| keys.find(&path[..n]).is_some_and(|key| key.forms.contains(&Form::Open)));
    if below_open {
        return;
    }
    if let Some(reference) = schema["$ref"].as_str() {
        let name = reference.rsplit('/').next().unwrap();
        return walk(&root["definitions"][name], (root, keys), (path, required), all);
    }
    let types: Vec<String> = match &schema["type"] {
        Value::String(one) => vec![one.clone()],
        Value::Array(many) => many.iter().map(|t| t.as_str().unwrap().to_string()).collect(),
        _ => Vec::new(),
    };
    let types = types.into_iter().filter(|t| t != "null");
    match all.iter_mut().find(|one| one.path == *path) {
        Some(one) => one.types.extend(types),
        None => all.push(Described { path: path.clone(), types: types.collect(), required }),
    }
    for of in ["anyOf", "oneOf", "allOf"] {
        for one in schema[of].as_array().into_iter().flatten() {
            walk(one, (root, keys), (path, required), all);
        }
    }
    let needed: Vec<&str> =
        schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let mut below = |name: &str, schema: &Value, required: bool| {
        path.push(name.to_string());
        walk(schema, (root, keys), (path, required), all);
        path.pop();
    };
    for (name, property) in schema["properties"].as_object().into_iter().flatten() {
        below(name, property, needed.contains(&name.as_str()));
    }
    if schema["additionalProperties"].is_object() {
        below("*", &schema["additionalProperties"], false);
    }
    if schema["items"].is_object() {
        below("[]", &schema["items"], false);
    }
}

fn types(forms: &[Form]) -> BTreeSet<String> {
    let of = |form: &Form| match form {
        Form::Text => "string",
        Form::Number => "number",
        Form::Whole => "integer",
        Form::Truth => "boolean",
        Form::List(_) | Form::Sections => "array",
        Form::Section | Form::Open => "object",
    };
    forms.iter().map(|form| of(form).to_string()).collect()
}

type Schema = fn() -> &'static str;

const BOTH: [(Keys, Schema); 2] = [(Keys::Model, json_schema), (Keys::Decision, decision_schema)];

#[test]
fn every_key_of_the_schemas_is_known_with_what_it_holds_and_no_other() {
    for (keys, schema) in BOTH {
        let all = described(schema(), keys);
        for one in &all {
            let key = keys.find(&one.path).unwrap_or_else(|| panic!("{:?}", one.path));
            assert_eq!(types(key.forms), one.types, "{:?}", one.path);
            let last = one.path.last().map_or("", String::as_str);
            // Of an arm that is left out, counts say more.
            let is_exempt = last == "*"
                || one.path.starts_with(&["data", "counts", "[]"].map(String::from))
                    && one.path.len() == 4
                    && last != "subgroup";
            assert!(is_exempt || key.required == one.required, "{:?}", one.path);
        }
        for key in keys.table() {
            assert!(all.iter().any(|one| key.is_at(&one.path)), "{} is in no schema", key.path);
        }
    }
}

/// The smallest section that has what it must have.
fn section(table: &[Key], at: &str) -> toml::Table {
    let mut section = toml::Table::new();
    for key in table.iter().filter(|key| key.required) {
        let (parent, _) = key.path.rsplit_once('.').unwrap_or(("", key.path));
        if parent == at {
            section.extend(key.example.parse::<toml::Table>().unwrap());
        }
    }
    section
}

/// A file in which the line of this key stands, with what must stand beside it.
fn file_with(table: &[Key], key: &Key) -> toml::Table {
    let mut value: toml::Value =
        section(table, key.path.rsplit_once('.').map_or("", |(above, _)| above)).into();
    value.as_table_mut().unwrap().extend(key.example.parse::<toml::Table>().unwrap());
    let mut parts: Vec<&str> = key.path.split('.').collect();
    parts.pop();
    while let Some(part) = parts.pop() {
        value = match part {
            "[]" => toml::Value::Array(vec![value]),
            name => {
                let mut outer = section(table, &parts.join("."));
                outer.insert(name.to_string(), value);
                outer.into()
            }
        };
    }
    value.as_table().unwrap().clone()
}

#[test]
fn every_example_works_where_its_key_stands() {
    for key in MODEL {
        let text = file_with(MODEL, key).to_string();
        toml::from_str::<ModelFile>(&text).unwrap_or_else(|e| panic!("{}: {e}\n{text}", key.path));
        let last = key.path.rsplit('.').next().unwrap();
        assert!(last == "*" || key.example.starts_with(&format!("{last} = ")), "{}", key.path);
    }
    for key in DECISION {
        let text = file_with(DECISION, key).to_string();
        toml::from_str::<DecisionFile>(&text).unwrap_or_else(|e| panic!("{}: {e}\n{text}", key.path));
    }
}

/// What a file with this value in place of a key's is told.
fn told(keys: Keys, key: &Key, wrong: toml::Value) -> Option<Wrong> {
    let mut key_with = Key { path: key.path, forms: key.forms, required: true, example: key.example };
    let example: toml::Table = key.example.parse().unwrap();
    let line: toml::Table = example.keys().map(|name| (name.clone(), wrong.clone())).collect();
    let line = line.to_string();
    key_with.example = Box::leak(line.into_boxed_str());
    let text = file_with(keys.table(), &key_with).to_string();
    let parsed = DeTable::parse(&text).unwrap();
    keys.check(parsed.get_ref()).err()
}

#[test]
fn every_key_says_in_plain_words_what_was_found_and_gives_its_example() {
    let date: toml::Value = toml::Value::Datetime("2024-05-01".parse().unwrap());
    for (keys, _) in BOTH {
        for key in keys.table() {
            let wrong = told(keys, key, date.clone()).unwrap_or_else(|| panic!("{} takes a date", key.path));
            assert!(wrong.message.contains("is a date, 2024-05-01; "), "{}: {}", key.path, wrong.message);
            assert!(wrong.message.ends_with(" is expected"), "{}", wrong.message);
            assert_eq!(wrong.help, [format!("write {}", key.example)]);
        }
    }
}

#[test]
fn a_misspelt_path_is_led_to_the_nearest_key_or_to_its_section() {
    let near = |keys: Keys, path: &str| {
        let path: Vec<String> = path.split('.').map(str::to_string).collect();
        let error = keys.check_path(&path, "--set x").err().map(|e| e.to_string()).unwrap_or_default();
        error.split("did you mean `").nth(1).and_then(|rest| rest.split('`').next()).map(str::to_string)
    };
    for (keys, path, meant) in [
        (Keys::Model, "prior.efect", Some("prior.effect")),
        (Keys::Model, "prio.effect", Some("prior.effect")),
        (Keys::Model, "higher_is", Some("outcome.higher_is")),
        (Keys::Model, "study.higher_is", Some("outcome.higher_is")),
        (Keys::Model, "priors.mine.efect", Some("priors.mine.effect")),
        (Keys::Model, "decision.costs.unitt", Some("decision.costs.unit")),
        (Keys::Decision, "costs.unitt", Some("costs.unit")),
        (Keys::Model, "prior.effect.mas", None),
        (Keys::Model, "prior.effect", None),
        (Keys::Model, "data.where.region", None),
    ] {
        assert_eq!(near(keys, path).as_deref(), meant, "{path}");
    }
}
