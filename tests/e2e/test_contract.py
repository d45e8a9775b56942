"""The running API against its own description, by whatever schemathesis thinks of."""

import subprocess
import sys
from pathlib import Path

from functions.timeline_api.reference import DOCUMENT
from infrastructure.local.entrances import Entrances
from tests.e2e.test_entrances import contact_of

# Some rules are between parameters, or of a value that no pattern tells: a cursor of ours, a time
# zone there is, `since` before `until`. That they are kept is the unit tests' to show.
# A method no route has is the gateway's to answer, with 404 instead of 405: there is no $default.
CONFIG = """
[checks.positive_data_acceptance]
expected-statuses = ["2xx", "302", "400", "404", "409", "410", "422"]

[[operations]]
include-path-regex = "^/v1/contacts/"
exclude-method = "DELETE"
parameters = {{ "path.id" = "{contact}" }}

[[operations]]
include-path-regex = "^/v1/conversations/"
parameters = {{ "path.id" = "{conversation}" }}
"""


def test_no_request_that_schemathesis_thinks_of_is_answered_other_than_described(
    entrances: Entrances, tmp_path: Path
) -> None:
    entrances.text_message("+14155550190", "is this described?")
    contact = contact_of(entrances, "phone:+14155550190")
    assert contact
    config = tmp_path / "schemathesis.toml"
    (conversation,) = contact["open_conversations"]
    config.write_text(CONFIG.format(contact=contact["id"], conversation=conversation["id"]))
    run = subprocess.run(
        [
            Path(sys.executable).with_name("schemathesis"),
            f"--config-file={config}",
            "run",
            DOCUMENT,
            f"--url={entrances.hub['api_url']}",
            f"--header=Authorization: Bearer {entrances.hub['token']}",
            "--checks=all",
            "--exclude-checks=unsupported_method",
            "--max-response-time=60",
            "--phases=coverage,fuzzing",
            "--max-examples=4",
            "--workers=4",
            "--seed=1",
            "--no-color",
        ],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert run.returncode == 0, run.stdout[-20_000:]
