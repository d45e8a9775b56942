"""Which entries of a timeline are asked for."""

from dataclasses import dataclass
from datetime import datetime

from shared.model.entry import Channel, Entry, Kind


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """Which entries a page shows. Empty sets and texts admit all.

    `since` is inclusive, `until` is not. `text` is looked for in subject, text, quoted text and
    the names of attachments, whatever its case; of a very long body in its beginning only.
    """

    channels: frozenset[Channel] = frozenset()
    kinds: frozenset[Kind] = frozenset()
    since: datetime | None = None
    until: datetime | None = None
    text: str = ""
    conversation_ids: frozenset[str] = frozenset()

    @property
    def are_sparse(self) -> bool:
        """Whether entries within the period may be left out."""
        return bool(self.channels or self.kinds or self.text or self.conversation_ids)

    def admit(self, entry: Entry) -> bool:
        """Whether an entry of the period is shown."""
        if self.channels and entry.channel not in self.channels:
            return False
        if self.kinds and entry.kind not in self.kinds:
            return False
        if self.conversation_ids and entry.conversation_id not in self.conversation_ids:
            return False
        return not self.text or self._occurs_in(entry)

    def _occurs_in(self, entry: Entry) -> bool:
        names = (attachment.name for attachment in entry.attachments)
        words = "\n".join((entry.subject, entry.text, entry.quoted_text, *names))
        return self.text.casefold() in words.casefold()
