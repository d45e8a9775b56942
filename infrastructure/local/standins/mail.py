"""A stand-in between the functions and the engine's SES, and for the world its mail goes to.

The engine's SES takes the mail, but keeps no header of it and reports nothing back. So mail passes
through here: it goes into the outbox whole and on to the engine, and what became of it is
announced as SES announces it (https://docs.aws.amazon.com/ses/latest/dg/event-publishing.html), on
the configuration set's topic. Addresses of SES's own mailbox simulator bounce and complain.
"""

import base64
import json
import threading
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

import requests

from infrastructure.local.aws import LocalAws
from infrastructure.local.standins.outbox import Outbox, Row
from infrastructure.local.standins.server import Reply, Request, Route

BOUNCES = "bounce@simulator.amazonses.com"
COMPLAINS = "complaint@simulator.amazonses.com"
PASSED_ON = {"authorization", "content-type", "x-amz-date", "x-amz-security-token"}


class Mail:
    """SES's SendEmail, and its events."""

    def __init__(self, aws: LocalAws, outbox: Outbox) -> None:
        self._aws = aws
        self._outbox = outbox

    def routes(self) -> list[Route]:
        return [Route("POST", "/v2/email/outbound-emails", self._send)]

    def _send(self, request: Request) -> Reply:
        headers = {name: request.headers[name] for name in PASSED_ON & request.headers.keys()}
        answer = requests.post(
            self._aws.endpoint_url + request.path, data=request.body, headers=headers, timeout=15
        )
        if not answer.ok:
            return Reply(answer.status_code, answer.content)
        # The engine's id carries a domain, SES's does not.
        message_id = answer.json()["MessageId"].partition("@")[0]
        content = json.loads(request.body)
        row = self._outbox.add("ses", **describe(content, message_id))
        threading.Thread(target=self._report, args=[content, row], daemon=True).start()
        return Reply.of({"MessageId": message_id})

    def _report(self, content: dict[str, Any], row: Row) -> None:
        """Announce what became of the mail to the configuration set's topics."""
        if not (configuration_set := content.get("ConfigurationSetName")):
            return
        destinations = self._aws.client("sesv2").get_configuration_set_event_destinations(
            ConfigurationSetName=configuration_set
        )["EventDestinations"]
        sns = self._aws.client("sns")
        for event in events(content, row):
            for destination in destinations:
                wanted = event["eventType"].upper() in destination["MatchingEventTypes"]
                if wanted and "SnsDestination" in destination:
                    topic = destination["SnsDestination"]["TopicArn"]
                    sns.publish(TopicArn=topic, Message=json.dumps(event))


def describe(content: dict[str, Any], message_id: str) -> dict[str, Any]:
    """The outbox's columns for a SendEmail request, raw or simple."""
    recipients = [address for group in content.get("Destination", {}).values() for address in group]
    raw: Row = {"message_id": message_id, "request": content}
    if "Raw" in content["Content"]:
        source = base64.b64decode(content["Content"]["Raw"]["Data"])
        mime = message_from_bytes(source, policy=policy.default)
        body = mime.get_body(("plain", "html"))
        text = body.get_content() if isinstance(body, EmailMessage) else ""
        subject = str(mime["subject"])
        raw |= {
            "mime": source.decode(errors="replace"),
            "headers": {name.lower(): str(value) for name, value in mime.items()},
        }
    else:
        simple = content["Content"]["Simple"]
        subject, text = simple["Subject"]["Data"], simple["Body"].get("Text", {}).get("Data", "")
    return {
        "to": ", ".join(recipients),
        "sender": content.get("FromEmailAddress"),
        "subject": subject,
        "text": text.strip(),
        "raw": raw,
    }


def events(content: dict[str, Any], row: Row) -> list[dict[str, Any]]:
    """What SES would announce about one mail."""
    now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    recipients = row["to"].split(", ")
    tags = {tag["Name"]: [tag["Value"]] for tag in content.get("EmailTags", [])}
    mail = {
        "timestamp": now,
        "messageId": row["raw"]["message_id"],
        "source": row["from"],
        "destination": recipients,
        "tags": {"ses:configuration-set": [content["ConfigurationSetName"]], **tags},
    }
    whom = [{"emailAddress": recipient} for recipient in recipients]
    told: list[dict[str, Any]] = [{"eventType": "Send", "mail": mail, "send": {}}]
    if BOUNCES in row["to"]:
        bounce = {
            "bounceType": "Permanent",
            "bounceSubType": "General",
            "bouncedRecipients": whom,
            "feedbackId": f"bounce-{mail['messageId']}",
            "timestamp": now,
        }
        return [*told, {"eventType": "Bounce", "mail": mail, "bounce": bounce}]
    delivery = {
        "timestamp": now,
        "recipients": recipients,
        "processingTimeMillis": 1,
        "smtpResponse": "250 ok",
        "reportingMTA": "a1-1.smtp-out.amazonses.com",
    }
    told.append({"eventType": "Delivery", "mail": mail, "delivery": delivery})
    if COMPLAINS in row["to"]:
        complaint = {"complainedRecipients": whom, "timestamp": now}
        complaint |= {"feedbackId": f"complaint-{mail['messageId']}"}
        told.append({"eventType": "Complaint", "mail": mail, "complaint": complaint})
    return told
