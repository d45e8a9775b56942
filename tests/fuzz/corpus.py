"""What is kept in tests/corpus: a folder a reader, a file an input."""

from hashlib import sha256
from pathlib import Path

from tests.fuzz.readers import Reader

CORPUS = Path(__file__).parents[1] / "corpus"


def kept(reader: Reader) -> list[Path]:
    """The files of a reader."""
    return sorted((CORPUS / reader.name).glob("*"))


def inputs(reader: Reader) -> list[bytes]:
    """Where mutation begins: the captured and the kept."""
    return [*reader.seeds(), *(file.read_bytes() for file in kept(reader))]


def keep(reader: Reader, data: bytes) -> Path:
    """Keep an input, under a name of its own."""
    folder = CORPUS / reader.name
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / sha256(data).hexdigest()[:12]
    file.write_bytes(data)
    return file
