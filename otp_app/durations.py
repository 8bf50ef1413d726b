"""How long something lasts, in words, for people who wait for it."""

from django.utils.translation import ngettext


def describe(seconds: int) -> str:
    """Rounded up, so that who waits as long as it says does not come too early."""
    if seconds < 60:  # noqa: PLR2004
        return ngettext("%(n)d second", "%(n)d seconds", seconds) % {"n": seconds}
    if seconds <= 90 * 60:  # "2 hours" would be much more than an hour and a bit
        return ngettext("%(n)d minute", "%(n)d minutes", n := -(-seconds // 60)) % {"n": n}
    return ngettext("%(n)d hour", "%(n)d hours", n := -(-seconds // 3600)) % {"n": n}
