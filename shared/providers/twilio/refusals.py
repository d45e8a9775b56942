"""What Twilio's error codes ask of us.

Each is explained at https://www.twilio.com/docs/api/errors/<code>; read on READ_ON. Twilio moves
codes about (https://www.twilio.com/en-us/changelog, 2024-07-10), so a 4xx with a code that is not
here is about the message and final, a 5xx leaves it unknown whether the message left.
"""

from datetime import date

from shared.providers.refusals import Refusal, Verdict

READ_ON = date(2026, 11, 22)
SOURCE = "https://www.twilio.com/docs/api/errors/"

TABLE = {
    row.code: row
    for row in (
        Refusal(20429, Verdict.LATER, "too many requests; never processed, safe to retry"),
        Refusal(21611, Verdict.LATER, "this sender's queue is full"),
        Refusal(20003, Verdict.ACCOUNT, "wrong credentials"),
        Refusal(20005, Verdict.ACCOUNT, "account not active"),
        Refusal(20403, Verdict.ACCOUNT, "account suspended or closed"),
        Refusal(20404, Verdict.ACCOUNT, "no such account in the URL"),
        Refusal(21601, Verdict.ACCOUNT, "the sender is not a number of ours"),
        Refusal(21606, Verdict.ACCOUNT, "the sender cannot send from this account"),
        Refusal(21661, Verdict.ACCOUNT, "the sender cannot send texts"),
        Refusal(63007, Verdict.ACCOUNT, "no WhatsApp sender with this number"),
        Refusal(70051, Verdict.ACCOUNT, "the API key may not do this"),
        Refusal(21211, Verdict.FINAL, "the recipient's number is none"),
        Refusal(21408, Verdict.FINAL, "sending to this country is not enabled"),
        Refusal(21602, Verdict.FINAL, "neither a text nor a file"),
        Refusal(21604, Verdict.FINAL, "no recipient"),
        Refusal(21608, Verdict.FINAL, "a trial account sends to verified numbers alone"),
        Refusal(21610, Verdict.FINAL, "the recipient has sent STOP to this sender"),
        Refusal(21612, Verdict.FINAL, "the recipient cannot be reached from this sender"),
        Refusal(21614, Verdict.FINAL, "the recipient's number is no mobile one"),
        Refusal(21617, Verdict.FINAL, "longer than 1600 characters"),
        Refusal(63016, Verdict.FINAL, "outside WhatsApp's 24 hours: only a template may be sent"),
    )
}
