"""Requests to the timeline API as API Gateway hands them over (HTTP API, payload format 2.0).

https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
"""

import base64
import json
from collections.abc import Mapping
from itertools import count
from typing import Any

AGENT = {"sub": "agent-1", "name": "Ada Agent", "scope": "timeline:read"}
_numbers = count(1)


def http_event(
    method: str,
    path: str,
    *,
    query: str = "",
    body: Any = None,
    raw_body: str | None = None,
    is_base64: bool = False,
    headers: Mapping[str, str] | None = None,
    claims: Mapping[str, str] | None = None,
    stage: str = "$default",
    prefix: str = "",
) -> dict[str, Any]:
    """One request. `body` is sent as JSON, `raw_body` as it is; `prefix` stands before the path."""
    sent = dict(headers or {})
    if body is not None:
        raw_body = json.dumps(body)
        sent.setdefault("content-type", "application/json")
    if is_base64 and raw_body is not None:
        raw_body = base64.b64encode(raw_body.encode()).decode()
    event: dict[str, Any] = {
        "version": "2.0",
        "routeKey": f"{method} {path}",
        "rawPath": prefix + path,
        "rawQueryString": query,
        "headers": {"host": "api.example.com", "user-agent": "an agent app", **sent},
        "requestContext": {
            "accountId": "123456789012",
            "apiId": "a1b2c3",
            "authorizer": {"jwt": {"claims": dict(claims or AGENT), "scopes": None}},
            "domainName": "api.example.com",
            "domainPrefix": "api",
            "http": {
                "method": method,
                "path": prefix + path,
                "protocol": "HTTP/1.1",
                "sourceIp": "192.0.2.1",
                "userAgent": "an agent app",
            },
            "requestId": f"request-{next(_numbers)}=",
            "routeKey": f"{method} {path}",
            "stage": stage,
            "time": "20/Nov/2026:12:00:00 +0000",
            "timeEpoch": 1795176000000,
        },
        "isBase64Encoded": is_base64,
    }
    if raw_body is not None:
        event["body"] = raw_body
    return event
