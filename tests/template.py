"""template.yaml as the tests read it."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[1]


class Loader(yaml.SafeLoader):
    """YAML with CloudFormation's short forms written out: `!Ref A` is `{"Ref": "A"}`."""


def _long_form(loader: Loader, suffix: str, node: yaml.Node) -> dict[str, Any]:
    name = suffix if suffix in {"Ref", "Condition"} else f"Fn::{suffix}"
    value: Any
    if isinstance(node, yaml.ScalarNode):
        value = loader.construct_scalar(node)
        if suffix == "GetAtt":
            value = value.split(".", 1)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        raise TypeError(f"!{suffix} holds a map")
    return {name: value}


Loader.add_multi_constructor("!", _long_form)


def load() -> dict[str, Any]:
    template: dict[str, Any] = yaml.load((ROOT / "template.yaml").read_text(), Loader)  # noqa: S506
    return template


TEMPLATE = load()
RESOURCES: dict[str, dict[str, Any]] = TEMPLATE["Resources"]


def of_type(kind: str) -> dict[str, dict[str, Any]]:
    """The properties of each resource of one type, by logical id."""
    return {
        name: resource.get("Properties", {})
        for name, resource in RESOURCES.items()
        if resource["Type"] == kind
    }


FUNCTIONS = of_type("AWS::Serverless::Function")
MAPPINGS = of_type("AWS::Lambda::EventSourceMapping")
QUEUES = of_type("AWS::SQS::Queue")
DEAD_LETTER_QUEUES = {name for name in QUEUES if name.endswith("DeadLetterQueue")}
RULES = of_type("AWS::Events::Rule")
STREAM_MAPPINGS = {name for name, mapping in MAPPINGS.items() if "StartingPosition" in mapping}
each_function = pytest.mark.parametrize("name", FUNCTIONS)


def setting(function: str, key: str) -> Any:
    """A function's property, or what Globals say."""
    return FUNCTIONS[function].get(key, TEMPLATE["Globals"]["Function"].get(key))


def package(function: str) -> str:
    """The package under functions/ that a function runs."""
    match = re.fullmatch(
        r"functions\.(\w+)\.handler\.lambda_handler", FUNCTIONS[function]["Handler"]
    )
    assert match, FUNCTIONS[function]["Handler"]
    return match[1]


def called_by(mapping: str) -> str:
    """The function that a queue or stream calls, by its alias."""
    name: str = MAPPINGS[mapping]["FunctionName"]["Ref"]
    assert name.endswith(".Alias"), f"{mapping} calls past deployments"
    return name.removesuffix(".Alias")


def environment(function: str) -> dict[str, Any]:
    """A function's variables, with those that Globals give to all."""
    everywhere: dict[str, Any] = TEMPLATE["Globals"]["Function"]["Environment"]["Variables"]
    return {**everywhere, **FUNCTIONS[function]["Environment"]["Variables"]}


def told_by_default() -> dict[str, str]:
    """Every function's variables as they are where no parameter was chosen; resources left out."""
    told: dict[str, str] = {}
    for function in FUNCTIONS:
        for name, value in environment(function).items():
            chosen = value
            if isinstance(value, dict):
                chosen = TEMPLATE["Parameters"].get(value.get("Ref"), {}).get("Default")
            if chosen is not None:
                told[name] = str(chosen)
    return told


def as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def statements(function: str) -> list[dict[str, Any]]:
    """What a function may do, beside SAM's own policy templates."""
    return [
        statement
        for policy in FUNCTIONS[function].get("Policies", [])
        if "Statement" in policy
        for statement in policy["Statement"]
    ]


def http_events() -> dict[str, tuple[str, dict[str, Any]]]:
    """Each HTTP route, `POST /webhooks/chat`, with its function and its properties."""
    return {
        f"{event['Properties']['Method']} {event['Properties']['Path']}": (
            name,
            event["Properties"],
        )
        for name, function in FUNCTIONS.items()
        for event in function.get("Events", {}).values()
        if event["Type"] == "HttpApi"
    }


ROUTES = http_events()


def passes(pattern: Any, value: Any) -> bool:
    """Whether an event filter lets a value through (equality and a few words on leaves)."""
    if isinstance(pattern, list):
        return any(allows(rule, value) for rule in pattern)
    return isinstance(value, dict) and all(
        passes(part, value.get(name)) for name, part in pattern.items()
    )


def allows(rule: Any, value: Any) -> bool:
    match rule:
        case {"exists": wanted}:
            return (value is not None) is wanted
        case {"anything-but": unwanted}:
            return value not in unwanted
    return bool(value == rule)


def lets_through(mapping: str, record: dict[str, Any]) -> bool:
    """Whether a stream's reader is brought this record."""
    filters = MAPPINGS[mapping]["FilterCriteria"]["Filters"]
    return any(passes(json.loads(it["Pattern"]), record) for it in filters)
