"""The table of limits, and which of them a request takes.

================================ ============================================== ======================= ================
limit                            counts                                         amount per period       source
================================ ============================================== ======================= ================
wait_per_phone                   sends to a phone since its last success        60, 120, 300, 600 s     Signal, Twilio
sends_per_phone_hour             sends to a phone, exact                        5 / h                   Twilio Verify
sends_per_phone_day              sends to a phone, exact                        10 / 24 h               login.gov
failures_per_phone_day           failed comparisons on a phone, exact           20 / 24 h               2·10⁻⁵ a day
failures_per_phone_month         failed comparisons on a phone, exact           100 / 30 d              NIST §3.2.2
sends_per_client_hour            sends of a client, in 24 sub-buckets           300 / h                 an office
unconverted_per_client_hour      the same, given back by a success              30 / h                  pumping
checks_per_client_hour           checks of a client, in 24 sub-buckets          100 / h                 guessing
================================ ============================================== ======================= ================

Every amount is a setting (``otp_app.conf``). The store takes all limits of a request or none.
"""

from .challenges import Counts, Limit
from .conf import conf
from .keys import ledger_id

HOUR = 3600
DAY = 24 * HOUR
MONTH = 30 * DAY


def for_send(client: str | None, *, again: bool = False) -> tuple[Limit, ...]:
    """What a send takes. ``again``: the challenge exists, and with it its reserve of comparisons.

    ``client`` is who asks (see :mod:`otp_app.clients`); None, for a call from the project's own code, is not limited.
    """
    phone = (
        Limit("wait_per_phone", Counts.WAITS, 1, HOUR, steps=tuple(conf.WAITS)),
        Limit("sends_per_phone_hour", Counts.SENDS, conf.SENDS_PER_PHONE_HOUR, HOUR),
        Limit("sends_per_phone_day", Counts.SENDS, conf.SENDS_PER_PHONE_DAY, DAY),
    )
    reserve = (
        Limit("failures_per_phone_day", Counts.FAILURES, conf.FAILURES_PER_PHONE_DAY, DAY),
        Limit("failures_per_phone_month", Counts.FAILURES, conf.FAILURES_PER_PHONE_MONTH, MONTH),
    )
    crowd = (
        _per_client("sends_per_client_hour", client, conf.SENDS_PER_CLIENT_HOUR),
        _per_client("unconverted_per_client_hour", client, conf.UNCONVERTED_PER_CLIENT_HOUR, converts=True),
    )
    return phone + (() if again else reserve) + (crowd if client else ())


def for_check(client: str | None) -> tuple[Limit, ...]:
    """What a check takes: the phone's own budget was reserved when the challenge opened, so no counter of it."""
    return (_per_client("checks_per_client_hour", client, conf.CHECKS_PER_CLIENT_HOUR),) if client else ()


def _per_client(name: str, client: str | None, amount: int, *, converts: bool = False) -> Limit:
    return Limit(name, Counts.CROWD, amount, HOUR, key=ledger_id(name, client or ""), converts=converts)
