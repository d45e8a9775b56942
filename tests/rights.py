"""What a role's policies let it do, decided as IAM decides it, on template.yaml as it is deployed.

Of IAM's language this knows what the template uses, and refuses to guess at anything else.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import cache
from typing import Any

from tests.expanded import expanded
from tests.template import FUNCTIONS, TEMPLATE, as_list, package

Context = Mapping[str, Sequence[str]]


@dataclass(frozen=True)
class Asked:
    """One thing that a function asks AWS to do, in the template's names for resources."""

    action: str
    resource: str
    context: Context = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.action} on {self.resource} {dict(self.context)}"


def may(function: str, asked: Asked) -> bool:
    """Whether the role of a function (its package's name) allows it."""
    return any(
        _matches(as_list(statement["Action"]), asked.action, str.lower)
        and _matches(map(named, as_list(statement["Resource"])), asked.resource)
        and _holds(statement.get("Condition", {}), asked.context)
        for statement in statements_of(function)
    )


@cache
def statements_of(function: str) -> list[dict[str, Any]]:
    """A function's own statements and those that SAM makes of its policy templates."""
    (name,) = [name for name in FUNCTIONS if package(name) == function]
    role = expanded(TEMPLATE["Parameters"]["Deployment"]["Default"])[f"{name}Role"]
    found = [
        statement
        for policy in role["Properties"]["Policies"]
        for statement in policy["PolicyDocument"]["Statement"]
    ]
    assert all(statement["Effect"] == "Allow" for statement in found)
    return found


def named(resource: Any) -> str:
    """A resource of a statement by the template's name for it: `ContentBucket/bodies/*`.

    Of an ARN that is put together from parts, the last part.
    """
    if isinstance(resource, str):
        return re.sub(r"\$\{([\w:]+?)(\.(Arn|Id|QueueName))?\}", r"\1", resource)
    ((way, value),) = resource.items()
    if way == "Ref":
        return str(value)
    if way == "Fn::GetAtt":
        return named("${" + ".".join(value) + "}")
    text, given = (value, {}) if isinstance(value, str) else value
    for name, each in given.items():
        text = text.replace("${" + name + "}", named(each))
    return re.sub(r"^arn:.*:", "", named(text).replace("AWS::", "AWS-"))


def _matches(patterns: Any, value: str, fold: Any = str) -> bool:
    return any(fnmatchcase(fold(value), fold(pattern)) for pattern in patterns)


def _holds(conditions: Mapping[str, Mapping[str, Any]], context: Context) -> bool:
    return all(
        _one_holds(operator, as_list(wanted), context.get(key, ()))
        for operator, keys in conditions.items()
        for key, wanted in keys.items()
    )


def _one_holds(operator: str, wanted: list[Any], values: Sequence[str]) -> bool:
    texts = [named(each) for each in wanted]
    match operator:
        case "ForAllValues:StringLike":
            return all(_matches(texts, value) for value in values)  # of none, all
        case "Null":
            return texts == ["true" if not values else "false"]
        case "StringLike":
            return bool(values) and all(_matches(texts, value) for value in values)
        case "StringEquals":
            return bool(values) and all(value in texts for value in values)
    raise NotImplementedError(operator)


# ---- what a call of botocore's asks for

_LEGS = {"Put": "PutItem", "Update": "UpdateItem", "Delete": "DeleteItem"}
_OBJECTS = {"HeadObject": "GetObject"}


def asked_by(
    service: str, operation: str, params: Any, names: Mapping[str, str]
) -> Iterator[Asked]:
    """What IAM is asked about a call of botocore's with these parameters.

    `names` are the template's for secrets, buckets, queues and the like.
    """
    match service:
        case "dynamodb":
            yield from _of_table(operation, params)
        case "s3":
            yield from _of_bucket(operation, params, names)
        case "secretsmanager":
            yield Asked(f"secretsmanager:{operation}", names[params["SecretId"]])
        case "ssm":
            yield Asked(f"ssm:{operation}", names[params["Name"]])
        case "sqs":
            yield Asked("sqs:SendMessage", names[params["QueueUrl"].rpartition("/")[2]])
        case "events":
            for entry in params["Entries"]:
                yield Asked(f"events:{operation}", names[entry["EventBusName"]])
        case "sesv2":
            sender = params["FromEmailAddress"]
            context = {"ses:FromAddress": [names.get(sender, sender)]}
            for resource in ("identity/in.example.com", "configuration-set/ConfigurationSet"):
                yield Asked("ses:SendEmail", resource, context)
        case _:
            raise NotImplementedError(service)


def _of_table(operation: str, params: Any) -> Iterator[Asked]:
    """Each action on all keys of the request: nobody says that it is asked for its own alone."""
    resource = f"Table/index/{params['IndexName']}" if "IndexName" in params else "Table"
    if operation == "TransactWriteItems":
        legs = [next(iter(leg.items())) for leg in params["TransactItems"]]
        actions = {_LEGS.get(verb, f"{verb}Item") for verb, _ in legs}
        keys = {_partition(leg) for _, leg in legs}
    elif operation == "BatchGetItem":
        actions = {operation}
        keys = {
            key["PK"]["S"] for asked in params["RequestItems"].values() for key in asked["Keys"]
        }
    elif operation == "Query":
        actions, keys = {operation}, {params["ExpressionAttributeValues"][":pk"]["S"]}
    else:
        actions, keys = {operation}, {_partition(params)}
    for action in sorted(actions):
        yield Asked(f"dynamodb:{action}", resource, {"dynamodb:LeadingKeys": sorted(keys)})


def _partition(leg: Any) -> str:
    key: str = (leg.get("Key") or leg["Item"])["PK"]["S"]
    return key


def _of_bucket(operation: str, params: Any, names: Mapping[str, str]) -> Iterator[Asked]:
    bucket = names[params["Bucket"]]
    if operation == "ListObjectVersions":
        prefix = [params["Prefix"]] if "Prefix" in params else []
        yield Asked("s3:ListBucketVersions", bucket, {"s3:prefix": prefix})
    elif operation == "DeleteObjects":
        for each in params["Delete"]["Objects"]:
            yield Asked("s3:DeleteObject", f"{bucket}/{each['Key']}")
            yield Asked("s3:DeleteObjectVersion", f"{bucket}/{each['Key']}")
    else:
        yield Asked(f"s3:{_OBJECTS.get(operation, operation)}", f"{bucket}/{params['Key']}")
