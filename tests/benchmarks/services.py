"""S3, Secrets Manager and Parameter Store, as little of them as the handlers ask for.

A process of its own: what it computes is not the handlers' CPU.
"""

import hashlib
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from tests.deployment import SECRETS
from tests.webhooks import BASE

_objects: dict[str, bytes] = {}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # one packet an answer, or Nagle's algorithm delays the second
    disable_nagle_algorithm = True

    def do_POST(self) -> None:
        asked = json.loads(self._body())
        if self.headers["X-Amz-Target"].endswith("GetSecretValue"):
            secret = json.dumps(SECRETS[asked["SecretId"]])
            self._answer(json.dumps({"SecretString": secret}).encode())
        else:
            self._answer(json.dumps({"Parameter": {"Value": BASE}}).encode())

    def do_PUT(self) -> None:
        _objects[self.path.partition("?")[0]] = self._body()
        self._answer(b"")

    def do_GET(self) -> None:
        found = _objects.get(self.path.partition("?")[0])
        self._answer(found or b"", 200 if found is not None else 404)

    def _body(self) -> bytes:
        if self.headers.get("Expect"):
            self.send_response_only(100)
            self.end_headers()
            self.wfile.flush()
        if "chunked" not in self.headers.get("Transfer-Encoding", ""):
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        body = b""
        while size := int(self.rfile.readline().split(b";")[0], 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        while self.rfile.readline().strip():
            pass
        return body

    def _answer(self, body: bytes, status: int = 200) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/x-amz-json-1.1")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Last-Modified", formatdate(usegmt=True))
        self.send_header("ETag", f'"{hashlib.md5(body).hexdigest()}"')
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        pass


@contextmanager
def running() -> Iterator[str]:
    """The endpoint URL of a server of its own, until the block ends."""
    command = [sys.executable, "-m", "tests.benchmarks.services"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout
        try:
            yield f"http://127.0.0.1:{server.stdout.readline().strip()}"
        finally:
            server.terminate()


if __name__ == "__main__":
    serving = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    print(serving.server_port, flush=True)
    serving.serve_forever()
