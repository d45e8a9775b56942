"""Every route: what it takes, whom it serves, and what it may answer."""

from http import HTTPStatus

from functions.timeline_api import (
    agents,
    attachments,
    consent,
    consent_requests,
    contacts,
    conversations,
    costs,
    erasure,
    events,
    handover,
    merges,
    messages,
    parameters,
    reference,
    suggestions,
    timeline,
)
from functions.timeline_api.route import Route

_METHODS = ("DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT")
_FILES_IN_A_BODY = 6_000_000  # Lambda takes 6 MB, the rest of the request included
_MISSING = (HTTPStatus.NOT_FOUND,)
_CHANGED = (HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT)
_ERASED = (HTTPStatus.NOT_FOUND, HTTPStatus.GONE)
_CHANGED_OR_ERASED = (HTTPStatus.NOT_FOUND, HTTPStatus.GONE, HTTPStatus.CONFLICT)

ROUTES = (
    Route(
        "GET",
        "/v1/contacts",
        "timeline:read",
        contacts.find,
        query=(parameters.IDENTITY,),
        problems=(HTTPStatus.UNPROCESSABLE_ENTITY,),
    ),
    Route("GET", "/v1/contacts/{id}", "timeline:read", contacts.get, problems=_ERASED),
    Route(
        "PATCH",
        "/v1/contacts/{id}",
        "contacts:write",
        contacts.patch,
        body="ContactPatch",
        problems=_CHANGED_OR_ERASED,
    ),
    Route(
        "POST",
        "/v1/contacts/{id}/identities",
        "contacts:write",
        contacts.assert_identity,
        body="AddressIn",
        problems=_CHANGED_OR_ERASED,
    ),
    Route(
        "PATCH",
        "/v1/contacts/{id}/identities/{kind}/{value}",
        "contacts:write",
        contacts.patch_identity,
        body="IdentityPatch",
        problems=_CHANGED_OR_ERASED,
    ),
    Route(
        "DELETE",
        "/v1/contacts/{id}/identities/{kind}/{value}",
        "contacts:write",
        contacts.withdraw_identity,
        problems=(*_CHANGED_OR_ERASED, HTTPStatus.UNPROCESSABLE_ENTITY),
    ),
    Route(
        "DELETE",
        "/v1/contacts/{id}",
        "contacts:erase",
        erasure.delete,
        query=(parameters.MEMBERS,),
        status=HTTPStatus.ACCEPTED,
        problems=_CHANGED_OR_ERASED,
    ),
    Route(
        "GET",
        "/v1/contacts/{id}/export",
        "contacts:erase",
        erasure.get_export,
        status=HTTPStatus.FOUND,
        problems=_CHANGED_OR_ERASED,
    ),
    Route(
        "GET",
        "/v1/contacts/{id}/costs",
        "costs:read",
        costs.get,
        query=parameters.COSTS,
        problems=(*_ERASED, HTTPStatus.UNPROCESSABLE_ENTITY),
    ),
    Route("GET", "/v1/contacts/{id}/consent", "timeline:read", consent.get, problems=_ERASED),
    Route(
        "PUT",
        "/v1/contacts/{id}/consent",
        "consent:write",
        consent.put,
        body="ConsentIn",
        problems=_CHANGED_OR_ERASED,
    ),
    Route(
        "GET",
        "/v1/consent-requests",
        "timeline:read",
        consent_requests.list_open,
        query=parameters.CONSENT_REQUESTS,
    ),
    Route(
        "POST",
        "/v1/consent-requests/{id}/dismiss",
        "consent:write",
        consent_requests.dismiss,
        body="DecisionIn",
        problems=_CHANGED_OR_ERASED,
    ),
    Route("GET", "/v1/contacts/{id}/handover", "timeline:read", handover.get, problems=_ERASED),
    Route(
        "POST",
        "/v1/contacts/{id}/merge",
        "contacts:merge",
        merges.merge,
        body="MergeIn",
        query=(parameters.PREVIEW,),
        problems=_CHANGED_OR_ERASED,
    ),
    Route(
        "POST",
        "/v1/contacts/{id}/split",
        "contacts:merge",
        merges.split,
        body="SplitIn",
        problems=_CHANGED_OR_ERASED,
    ),
    Route(
        "POST",
        "/v1/merges/{id}/undo",
        "contacts:merge",
        merges.undo,
        body="DecisionIn",
        problems=_CHANGED_OR_ERASED,
    ),
    Route(
        "GET",
        "/v1/contacts/{id}/timeline",
        "timeline:read",
        timeline.get,
        query=parameters.TIMELINE,
        problems=_ERASED,
    ),
    Route(
        "POST",
        "/v1/contacts/{id}/messages",
        "messages:send",
        messages.post_message,
        body="NewMessage",
        status=HTTPStatus.ACCEPTED,
        problems=_CHANGED_OR_ERASED,
        repeatable=True,
        largest_body=_FILES_IN_A_BODY,
    ),
    Route(
        "POST",
        "/v1/contacts/{id}/notes",
        "timeline:write",
        messages.post_note,
        body="NewNote",
        status=HTTPStatus.CREATED,
        problems=_CHANGED_OR_ERASED,
        repeatable=True,
    ),
    Route(
        "POST",
        "/v1/contacts/{id}/events",
        "timeline:write",
        events.post_event,
        body="NewEvent",
        status=HTTPStatus.CREATED,
        problems=_CHANGED_OR_ERASED,
    ),
    Route(
        "GET",
        "/v1/conversations",
        "timeline:read",
        conversations.list_inbox,
        query=parameters.INBOX,
    ),
    Route("GET", "/v1/conversations/{id}", "timeline:read", conversations.get, problems=_MISSING),
    Route(
        "PATCH",
        "/v1/conversations/{id}",
        "conversations:write",
        conversations.patch,
        body="ConversationPatch",
        problems=_CHANGED,
    ),
    Route(
        "POST",
        "/v1/conversations/{id}/join",
        "conversations:write",
        conversations.post_join,
        body="JoinIn",
        problems=_CHANGED_OR_ERASED,
    ),
    Route(
        "PUT",
        "/v1/agents/{id}/availability",
        "conversations:write",
        agents.put_availability,
        body="AvailabilityIn",
    ),
    Route(
        "GET",
        "/v1/suggestions",
        "contacts:merge",
        suggestions.list_open,
        query=parameters.SUGGESTIONS,
    ),
    Route(
        "POST",
        "/v1/suggestions/{id}/accept",
        "contacts:merge",
        suggestions.accept,
        body="DecisionIn",
        problems=_CHANGED_OR_ERASED,
    ),
    Route(
        "POST",
        "/v1/suggestions/{id}/reject",
        "contacts:merge",
        suggestions.reject,
        body="DecisionIn",
        problems=_CHANGED_OR_ERASED,
    ),
    Route(
        "GET",
        "/v1/attachments/{id}",
        "timeline:read",
        attachments.get,
        status=HTTPStatus.FOUND,
        problems=_MISSING,
    ),
    Route("GET", "/v1/openapi.json", "timeline:read", reference.get),
)


def methods_of(path: str) -> tuple[str, ...]:
    """What a path may be asked with."""
    return tuple(route.method for route in ROUTES if route.path == path)


def other_methods(path: str) -> list[str]:
    """What a path may not be asked with."""
    allowed = methods_of(path)
    return [method for method in _METHODS if method not in allowed]
