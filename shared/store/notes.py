"""Writing an entry that came through no address: beside its marker, at the contact named."""

from shared.model.entry import Entry
from shared.model.errors import ConflictError, NotFoundError, UnavailableError
from shared.model.events import Change
from shared.model.recording import MarkedEntry, Marker
from shared.store import items, keys
from shared.store.retrying import pauses
from shared.store.table import Check, Put, Table, TransactionRefusedError
