"""
The table of contents of background work. Importing a slice's `jobs` module registers its tasks.

task | when | what it does
orders.expire | when an order's time to pay is over | begins to close it
orders.expire_due | each minute | begins to close what the timers missed; asks again what hangs
orders.receive_due | hourly | counts as received what was shipped long ago, by the shop's rules
orders.complete_due | hourly | completes what was received long ago, by the shop's rules
payments.apply_fact | after a notification | acts upon what WeChat said
payments.poll_payment | 15 s after an attempt, then ever rarer | asks WeChat what it has not said
payments.close_order | when an order begins to close | closes it at WeChat, then here
payments.submit_refund | after a refund is decided | carries it to WeChat, or asks how it stands
payments.sweep | each minute | starts every question to WeChat that is due
aftersales.refund_settled | when the money of a refund is back | closes the case that asked
aftersales.act_due | each minute | lets cases go on that somebody did not answer in time
bulk_buys.close_over | each minute | closes bulk buys that are over, hands their orders out
bulk_buys.settle_order | after its bulk buy is closed | gives back what an order is due, once
group_buys.refund | when a paid order has no team | begins to give its money back
group_buys.expire | when a team's time is over | ends the teams whose time is over
group_buys.expire_due | each minute | ends what the timers missed; asks again for refunds
coupons.push | after staff begin a push | gives each member of a segment a coupon, batch by batch
coupons.revoke_push | after staff revoke a push | takes back what it gave and is unused
coupons.expire_due | every 5 minutes | expires the coupons whose validity or campaign has ended
marketing.close_deals | each minute | puts back what is left of deals whose window has passed
flash_sales.remind | each minute | reminds who asked of a session that starts in five minutes
distributors.mature | every 10 seconds | makes commissions available whose day has come
distributors.review | hourly | looks again at grades, and at who waits to qualify
distributors.chain | every 10 seconds | hashes the postings of the last seconds into the chain
distributors.chain_records | each minute | hashes what was added to logs and versions of rules
distributors.release | every 5 minutes | unbinds the teams of who left, where the rules say so
distributors.hand_over | after staff hand a team over | puts its people below another
distributors.figures | each minute | adds the last entries to the figures of distributors
distributors.roll_up | daily | sums up the shop's own accounts
accounting.close_days | hourly | writes the trial balance of each day that is over
flash_sales.sweep | every 10 seconds | sets the gates of sales right that need it
flash_sales.returned | when an order of a sale closes | lets what it gave back be bought
pushes.forget | daily | deletes what WeChat pushed long ago
reconciliation.daily | each half hour | begins the days whose bills should be there by now
reconciliation.run | for each such day | fetches its bills, compares, asks WeChat what differs
shipping.parcels_changed | when pieces leave, or a number is put right | begins to tell WeChat
shipping.carry | then, and when its time has come again | tells WeChat of an order's parcels
shipping.heard | when WeChat pushes it | counts as received, notes what WeChat waits for
shipping.sweep | each minute | starts every call about parcels that is due
withdrawals.apply_fact | after a notification | acts upon what WeChat said of a payout
withdrawals.carry | when a withdrawal is approved, asked about or stopped | one turn at WeChat
withdrawals.sweep | each minute | starts every turn that is due; stops what nobody confirmed
notices.send | after an event somebody is told of | hands one message to WeChat, once
core.purge_idempotency_keys | daily | forgets keys no client will use again
"""

from app.core import clock, idempotency, queue
from app.core.db import transaction


def load() -> None:
    """Register every task of the mall with the queue."""
    from app.accounting import jobs as _accounting  # noqa: F401  # Imported for what it registers.
    from app.aftersales import jobs as _aftersales  # noqa: F401  # Imported for what it registers.
    from app.bulk_buys import jobs as _bulk_buys  # noqa: F401  # Imported for what it registers.
    from app.coupons import jobs as _coupons  # noqa: F401  # Imported for what it registers.
    from app.distributors import jobs as _distributors  # noqa: F401  # Imported for what it registers.
    from app.flash_sales import jobs as _flash_sales  # noqa: F401  # Imported for what it registers.
    from app.flash_sales import reminders_jobs as _reminders  # noqa: F401  # Imported for what it registers.
    from app.group_buys import jobs as _group_buys  # noqa: F401  # Imported for what it registers.
    from app.marketing import jobs as _marketing  # noqa: F401  # Imported for what it registers.
    from app.notices import jobs as _notices  # noqa: F401  # Imported for what it registers.
    from app.orders import jobs as _orders  # noqa: F401  # Imported for what it registers.
    from app.payments import jobs as _payments  # noqa: F401  # Imported for what it registers.
    from app.pushes import jobs as _pushes  # noqa: F401  # Imported for what it registers.
    from app.reconciliation import jobs as _reconciliation  # noqa: F401  # Imported for what it registers.
    from app.shipping import jobs as _shipping  # noqa: F401  # Imported for what it registers.
    from app.withdrawals import jobs as _withdrawals  # noqa: F401  # Imported for what it registers.


@queue.periodic("core.purge_idempotency_keys", cron="17 4 * * *")
def purge_idempotency_keys() -> None:
    """Forget the idempotency keys that no client will use again."""
    with transaction() as session:
        idempotency.purge(session, now=clock.now())
