"""The outbox: every request the stand-in providers received, oldest first (design.md §11)."""

import json
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from infrastructure.local.standins.server import Reply, Request

Row = dict[str, Any]


class Outbox:
    """Rows in memory, kept in a file from one run to the next."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._lock = threading.Lock()
        self._rows: list[Row] = json.loads(file.read_text()) if file.exists() else []

    def add(
        self,
        provider: str,
        *,
        to: str,
        sender: str | None,
        text: str | None,
        subject: str | None = None,
        status_callback: str | None = None,
        raw: Row,
    ) -> Row:
        """Keep one request; returns its row, whose `raw` may still grow."""
        row = {
            "provider": provider,
            "to": to,
            "from": sender,
            "subject": subject,
            "text": text,
            "status_callback": status_callback,
            "at": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "raw": raw,
        }
        with self._lock:
            self._rows.append(row)
        return row

    def rows(self, provider: str | None = None) -> list[Row]:
        with self._lock:
            return [row for row in self._rows if provider in (None, row["provider"])]

    def save(self) -> None:
        self._file.write_text(json.dumps(self.rows()))

    def answer(self, _: Request) -> Reply:
        return Reply.of(self.rows())
