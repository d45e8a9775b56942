"""The files that an agent sends with a message."""

from base64 import b64decode
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from shared.model.entry import Attachment, File
from shared.model.message import Delivery
from shared.model.recording import Marker
from shared.providers.mime.files import safe_name
from shared.store.attachments import Attachments, place

if TYPE_CHECKING:
    from functions.timeline_api.bodies import NewAttachment


@dataclass(frozen=True, slots=True)
class Files:
    """The files of one request, with names as safe as those of mails."""

    files: tuple[File, ...]
    delivery: Delivery

    @classmethod
    def read(cls, sent: "Iterable[NewAttachment]", marker: Marker) -> Self:
        """The files as they were sent with the request that `marker` names."""
        files, taken = [], set[str]()
        for number, each in enumerate(sent, start=1):
            content = b64decode(each.content)
            name = safe_name(each.name, each.media_type, number, taken)
            attachment = Attachment(name=name, media_type=each.media_type, size_bytes=len(content))
            files.append(File(attachment, content))
        # The hash keeps another request with the same Idempotency-Key from these files.
        return cls(tuple(files), Delivery(marker.provider, f"{marker.id}:{marker.request_hash}"))

    @property
    def attachments(self) -> tuple[Attachment, ...]:
        """The files with the keys they are kept under, kept yet or not."""
        return tuple(
            place(file.attachment, self.delivery, number)
            for number, file in enumerate(self.files, start=1)
        )

    def keep(self, attachments: Attachments) -> None:
        """Keep them; again is harmless. Raises UnavailableError."""
        for number, file in enumerate(self.files, start=1):
            attachments.keep(file.attachment, file.content, delivery=self.delivery, number=number)
