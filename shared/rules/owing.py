"""What is owed for an outbound message, as its receipt stands (outbound.md §6).

The estimate, until something better is known: nothing, if it never left; the provider's fee for a
failure, if it failed after it had been taken; what the provider billed, once it did. Carriers' fees
are no part of a provider's price and stay estimates.
"""

from dataclasses import replace

from shared.model.cost import Cost
from shared.model.receipt import Receipt, ReceiptState

_NEVER_LEFT = (ReceiptState.STOPPED, ReceiptState.CANCELED)


def owed(receipt: Receipt, estimate: Cost, failed_micro_usd: int | None) -> Cost:
    """What the message costs. `failed_micro_usd` is a failure's fee, None where it has none."""
    state = receipt.state
    failed = state is ReceiptState.FAILED
    if state in _NEVER_LEFT or (failed and not receipt.provider_id and not receipt.price):
        return replace(estimate, provider_micro_usd=0, carrier_fee_micro_usd=0, own_micro_usd=0)
    cost = estimate
    if failed and failed_micro_usd is not None:
        cost = replace(cost, provider_micro_usd=failed_micro_usd, carrier_fee_micro_usd=0)
    if receipt.price:
        cost = replace(cost, provider_micro_usd=receipt.price_micro_usd)
    return cost


def difference(now: Cost, before: Cost, booked_micro_usd: int) -> Cost:
    """What to add to what is booked, so that `now` is; `before` says what that consisted of.

    Nothing is counted in units: those were priced once.
    """
    delta = replace(now, units=0).plus(replace(before.reversed(), units=0))
    missing = now.total_micro_usd - booked_micro_usd - delta.total_micro_usd
    return replace(delta, provider_micro_usd=delta.provider_micro_usd + missing)
