"""Define what every company shares that is asked about the line behind a number: the question and the answer."""

from dataclasses import dataclass
from datetime import datetime

LINE_TYPES = frozenset({"mobile", "landline", "voip", "other"})


@dataclass(frozen=True, slots=True)
class Line:
    """Hold what a company knows of a line. What it does not know is None, or empty: nobody is asked because of that."""

    sim_swapped: bool | None = None  # the number has got another SIM since ``last_seen``
    reassigned: bool | None = None  # the number was given to somebody else since then
    line_type: str = ""  # one of LINE_TYPES
    error: str = ""  # the company's error code if it could tell nothing: short, without free text, because it is logged


class LineCheck:
    """Ask one company about the lines behind numbers. OTP_LINE_CHECK names a subclass and its options."""

    def check(self, phone: str, *, last_seen: datetime) -> Line:
        """Tell what happened to the line of ``phone`` (E.164) since ``last_seen``, an aware instant.

        Raise a ProviderError of :mod:`.base` if there is no answer: Unsuited if only this number is the reason. Any
        other exception counts as Unknown. The caller waits for two seconds at most.
        """
        raise NotImplementedError

    def check_account(self) -> str:
        """Ask what costs nothing about credentials or account and return a sentence, "" if there is no such question.

        Raise a ProviderError. ``otp_doctor`` asks.
        """
        return ""
