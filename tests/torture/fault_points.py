"""Named points of the product at which a test lets a process die: before or after a function, wrapped from outside.

::

    send.committed        a send is in the store, and no queue knows of it
    send.queued           the queue knows of it
    handover.claimed      a process has claimed the delivery, and has not called the provider
    handover.answered     the provider has answered, and the outcome is not written down
    handover.passed_on    the first provider said no; the second attempt is claimed, and its provider not called
    handover.ended        the outcome is written down, or soon to be
    outcomes.written      outcomes are in the database, and their sends still in the journal
    check.spent           a check is paid, and the code not looked at
    challenge.closed      the challenge is approved, and there is no token
    report.verified       a report is genuine, and nothing is written down
    report.applied        it is written down
"""

import functools
import pkgutil

NAMES = [line.split()[0] for line in __doc__.split("::")[1].splitlines() if line.strip()]
QUEUES = ("otp_app.queues.inline.InlineQueue", "otp_app.queues.celery.CeleryQueue")


def _attempted(attempt, *_):
    return "handover.claimed" if attempt.number == 1 else "handover.passed_on"


# Whose attribute, its name; which point is before a call, by its arguments, and which after it, by its result as well.
WRAPPED = [
    *((queue, "enqueue", lambda *_: "send.committed", lambda *_: "send.queued") for queue in QUEUES),
    ("otp_app.delivery.dispatch", "call_and_record", _attempted, None),
    ("otp_app.delivery.executor", "call", None, lambda *_: "handover.answered"),
    ("otp_app.delivery.records", "end", None, lambda *_: "handover.ended"),
    ("otp_app.delivery.records", "record_sent", None, lambda *_: "handover.ended"),
    ("otp_app.stores.write_behind", "_merge", None, lambda *_: "outcomes.written"),
    ("otp_app.challenges.codes", "matches", lambda *_: "check.spent", None),
    ("otp_app.services", "_approve", None, lambda *_: "challenge.closed"),  # whichever store has closed it
    ("otp_app.delivery.reports", "apply", lambda *_: "report.verified", lambda *_: "report.applied"),
]


def install(reached, replace=setattr):
    """Call ``reached`` with the name of each point that is reached from now on."""
    for owner, attribute, before, after in WRAPPED:
        found = pkgutil.resolve_name(owner)
        replace(found, attribute, _wrapped(getattr(found, attribute), before, after, reached))


def _wrapped(function, before, after, reached):
    @functools.wraps(function)
    def wrapper(*arguments, **options):
        if before and (name := before(*arguments)):
            reached(name)
        result = function(*arguments, **options)
        if after and (name := after(result, *arguments)):
            reached(name)
        return result

    return wrapper
