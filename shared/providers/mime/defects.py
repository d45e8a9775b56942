"""The codes under which a message says what was wrong with the mail it was made from."""

from enum import StrEnum


class Defect(StrEnum):
    """Something in a mail that could not be read, or must not be trusted."""

    UNREADABLE = "unreadable"  # nothing could be read; the raw mail is all there is
    HEADER_BROKEN = "header_broken"  # a line among the headers that is none
    HEADER_TOO_LONG = "header_too_long"  # only the first part of a header was read
    FROM_MISSING = "from_missing"
    FROM_REPEATED = "from_repeated"  # more than one From header
    FROM_MALFORMED = "from_malformed"  # one mailbox, written so that programs may disagree
    FROM_UNREADABLE = "from_unreadable"  # no mailbox, several, or a group
    DATE_UNREADABLE = "date_unreadable"
    MIME_BROKEN = "mime_broken"  # parts that cannot be told apart, or whose headers are broken
    MIME_TOO_DEEP = "mime_too_deep"  # parts nested so deep that they are kept as one file
    MIME_TOO_MANY_PARTS = "mime_too_many_parts"  # the rest is in the raw mail only
    ENCODING_BROKEN = "encoding_broken"  # base64 with pieces missing, or an unknown encoding
    CHARSET_UNKNOWN = "charset_unknown"  # read by a guess
    BODY_TRUNCATED = "body_truncated"  # the whole body is kept as a file
    VIRUS = "virus"  # quarantined: no text, no files
    SPAM = "spam"


# With any of these, two programs may see two different senders: SES's verdict proves nothing.
DOUBTFUL_SENDER = frozenset(
    {
        Defect.UNREADABLE,
        Defect.HEADER_BROKEN,
        Defect.FROM_MISSING,
        Defect.FROM_REPEATED,
        Defect.FROM_MALFORMED,
        Defect.FROM_UNREADABLE,
    }
)
