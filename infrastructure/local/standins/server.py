"""One small HTTP server in threads, which hands each request to the stand-in it is for."""

import json
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from re import Pattern, fullmatch
from typing import Any
from urllib.parse import parse_qsl, urlsplit


@dataclass(frozen=True)
class Request:
    """What arrived; header names in lower case."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    captured: tuple[str, ...] = ()  # what the route's groups matched


@dataclass(frozen=True)
class Reply:
    """What is answered; None as a reply closes the connection without a word."""

    status: int
    body: bytes = b""
    content_type: str = "application/json"

    @classmethod
    def of(cls, value: Any, status: int = 200) -> "Reply":
        return cls(status, json.dumps(value).encode())


Answer = Callable[[Request], Reply | None]


@dataclass(frozen=True)
class Route:
    method: str
    path: str | Pattern[str]
    answer: Answer


class Server:
    """Serves the routes from construction to `stop`."""

    def __init__(self, port: int, routes: Sequence[Route]) -> None:
        self._server = ThreadingHTTPServer(("127.0.0.1", port), handler_for(routes))
        self._thread = threading.Thread(target=self._server.serve_forever, args=[0.05], daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()


def handler_for(routes: Sequence[Route]) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            url = urlsplit(self.path)
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            reply: Reply | None = Reply.of({"message": "no such page"}, 404)
            for route in routes:
                match = fullmatch(route.path, url.path)
                if match and route.method == self.command:
                    reply = route.answer(
                        Request(
                            method=self.command,
                            path=url.path,
                            query=dict(parse_qsl(url.query, keep_blank_values=True)),
                            headers={key.lower(): value for key, value in self.headers.items()},
                            body=body,
                            captured=match.groups(),
                        )
                    )
                    break
            if reply is None:
                self.close_connection = True
                return
            self.send_response(reply.status)
            self.send_header("Content-Type", reply.content_type)
            self.send_header("Content-Length", str(len(reply.body)))
            self.end_headers()
            self.wfile.write(reply.body)

        do_GET = do_POST = answer  # noqa: N815  # the base class finds its methods by these names

        def log_message(self, *args: object) -> None:
            """Stay quiet: the outbox is the record."""

    return Handler
