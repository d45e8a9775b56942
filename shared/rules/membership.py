"""Who belongs to whom: a pure function of the active merges, so that any can be undone any time."""

from collections.abc import Iterable, Mapping, Sequence

from shared.model.contact import Component, Edge

MEMBER_CAP = 20


def replay(edges: Sequence[Edge], contact_ids: Iterable[str]) -> tuple[Component, ...]:
    """The components that the merges `(merge, survivor, other)` make, applied in order.

    Raises ValueError for a merge inside one component, which no transaction lets through.
    """
    root = {contact_id: contact_id for contact_id in contact_ids}
    for merge, survivor, other in edges:
        if root[survivor] == root[other]:
            raise ValueError(f"{merge} joins what is one already")
        absorbed = root[other]
        root |= {
            member: root[survivor] for member, its_root in root.items() if its_root == absorbed
        }
    return tuple(
        Component(
            root=one,
            members=(members := frozenset(m for m, its_root in root.items() if its_root == one)),
            edges=tuple(edge for edge in edges if edge[1] in members),
        )
        for one in sorted(set(root.values()))
    )


def without(
    edges: Sequence[Edge], members: Iterable[str], merge_id: str, root: str
) -> tuple[Component, Component]:
    """The two components that undoing one merge leaves: the one that keeps `root`, and the other.

    Raises ValueError when `merge_id` is not among the edges.
    """
    remaining = tuple(edge for edge in edges if edge[0] != merge_id)
    if len(remaining) == len(edges):
        raise ValueError(f"{merge_id} is not active here")
    parts = replay(remaining, members)
    keeps = next(part for part in parts if root in part.members)
    (leaves,) = (part for part in parts if part is not keeps)
    return keeps, leaves


def crossing(parts: Mapping[str, str], members: frozenset[str]) -> dict[str, str]:
    """Those participants (address to home) whose home is among `members`."""
    return {address: home for address, home in parts.items() if home in members}
