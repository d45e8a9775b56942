"""The running API against its own description, by whatever schemathesis thinks of.

CONTRACT_EXAMPLES=100 makes it think of so many requests a route, and of stories of several requests
(a quarter of an hour), CONTRACT_SEED=2 of others.
"""

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

from functions.timeline_api.reference import DOCUMENT
from functions.timeline_api.routes import ROUTES
from infrastructure.local.entrances import Entrances
from tests.e2e.test_entrances import contact_of, phone, soon, timeline

# Some rules are between parameters, or of a value that no pattern tells: a cursor of ours, a time
# zone there is, `since` before `until`. That they are kept is the unit tests' to show.
# What a method no route has is answered with is the gateway's to say, and it says 404 instead of
# 405: there is no $default route. So `unsupported_method` is left out, and such requests too.
CONFIG = """
[checks.positive_data_acceptance]
expected-statuses = ["2xx", "302", "400", "404", "409", "410", "422"]

[phases.coverage]
unexpected-methods = []

[[operations]]
include-path-regex = "^/v1/contacts/"
exclude-method = "DELETE"
parameters = {{ "path.id" = "{contact}" }}

[[operations]]
include-path = "/v1/contacts/{{id}}"
include-method = "DELETE"
parameters = {{ "path.id" = "{erased}" }}

[[operations]]
include-path-regex = "^/v1/conversations/"
parameters = {{ "path.id" = "{conversation}" }}

[[operations]]
include-path-regex = "^/v1/attachments/"
parameters = {{ "path.id" = "{attachment}" }}

[[operations]]
include-path-regex = "^/v1/merges/"
parameters = {{ "path.id" = "{merge}" }}

[[operations]]
include-path-regex = "^/v1/suggestions/"
parameters = {{ "path.id" = "{suggestion}" }}
"""
QUICK = ("--phases=coverage,fuzzing", "--max-examples=2")
# On Python 3.11 schemathesis fails by itself with two threads, so there are two of it.
HALVES = (
    "--include-path-regex=^/v1/contacts/.id./[a-m]",
    "--exclude-path-regex=^/v1/contacts/.id./[a-m]",
)


def test_no_request_that_schemathesis_thinks_of_is_answered_other_than_described(
    entrances: Entrances, tmp_path: Path
) -> None:
    config = tmp_path / "schemathesis.toml"
    config.write_text(CONFIG.format_map(things(entrances)))
    runs = [
        start(entrances, tmp_path / f"half-{number}", config, half)
        for number, half in enumerate(HALVES)
    ]
    said = [run.communicate()[0] for run in runs]
    assert [run.returncode for run in runs] == [0, 0], "\n".join(each[-20_000:] for each in said)
    tested = [int(number) for each in said for number in re.findall(r"Tested: (\d+)", each)]
    assert sum(tested) == len(ROUTES)


def start(hub: Entrances, directory: Path, config: Path, half: str) -> "subprocess.Popen[str]":
    """Schemathesis on half of the routes."""
    directory.mkdir()
    examples = os.environ.get("CONTRACT_EXAMPLES")
    thorough = ("--phases=coverage,fuzzing,stateful", f"--max-examples={examples}")
    command: list[str | Path] = [
        Path(sys.executable).with_name("schemathesis"),
        f"--config-file={config}",
        "run",
        DOCUMENT,
        half,
        f"--url={hub.hub['api_url']}",
        f"--header=Authorization: Bearer {hub.hub['token']}",
        "--checks=all",
        "--exclude-checks=unsupported_method",
        "--max-response-time=60",
        *(thorough if examples else QUICK),
        f"--seed={os.environ.get('CONTRACT_SEED', '1')}",
        "--continue-on-failure",
        "--generation-database=none",
        "--no-color",
    ]
    return subprocess.Popen(
        command, cwd=directory, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )


def things(hub: Entrances) -> dict[str, str]:
    """The id of one of each that paths name."""
    contact, erased, same, other = (writer(hub) for _ in range(4))
    body = {"other": other["id"], "reason": "the same voice"}
    merged = hub.api("POST", f"/v1/contacts/{same['id']}/merge", body=body)
    number = contact["identities"][0]["value"]
    says_so = {"id": contact["id"], "phone": number, "verified": False}
    assert hub.chat_message("s-contract", says_so, "that is my number").ok
    suggestion = soon("a suggestion", lambda: suggestion_about(hub, number))
    [entry] = timeline(hub, contact["id"])
    return {
        "contact": contact["id"],
        "erased": erased["id"],
        "conversation": contact["open_conversations"][0]["id"],
        "attachment": entry["attachments"][0]["id"],
        "merge": merged.json()["merge"]["id"],
        "suggestion": suggestion,
    }


def writer(hub: Entrances) -> dict[str, Any]:
    """Somebody new who sent a picture."""
    number = phone()
    url = "https://api.twilio.com/2010-04-01/Accounts/AC1/Messages/MM1/Media/ME1"
    picture = {"NumMedia": "1", "MediaUrl0": url, "MediaContentType0": "image/jpeg"}
    assert hub.text_message(number, "is this described?", **picture).ok
    return soon("somebody new", lambda: contact_of(hub, f"phone:{number}"))


def suggestion_about(hub: Entrances, number: str) -> str | None:
    """The open suggestion that names a number."""
    for each in hub.api("GET", "/v1/suggestions").json()["items"]:
        if any(side["value"] == number for side in each["sides"]):
            return str(each["id"])
    return None
