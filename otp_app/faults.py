"""Named places at which tests let a process die. Outside of tests nobody sets ``hook``, and a place costs a comparison.

::

    send.committed        a send is in the store, and nobody has been told of it
    send.queued           somebody has
    handover.claimed      a process has taken it on, and has not called the provider
    handover.answered     the provider has answered, and it is not written down
    handover.passed_on    the first provider said no; the second is taken on and not called
    handover.ended        the outcome is written down, or soon to be
    outcomes.written      the outcomes of several are in the database, and their sends still in the journal
    check.spent           a check is paid, and the code not looked at
    challenge.closed      the challenge is approved, and there is no token
    report.verified       a report is genuine, and nothing is written down
    report.applied        it is
"""

from collections.abc import Callable

hook: Callable[[str], None] | None = None


def point(name: str) -> None:
    """This is the place of that name."""
    if hook is not None:
        hook(name)
