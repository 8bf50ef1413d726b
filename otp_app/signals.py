"""Signals for the host project. They tell; no flow of the app depends on them.

``signed_in``: after a token was issued; arguments ``user``, ``is_new``.
``limited``: a request was refused; arguments ``limit`` (its name), ``retry_after`` (seconds), ``phone``
(empty when it was a password for an account without one), ``client``.
``blocked``: a prefix or region is refused from now on; argument ``block`` (:class:`otp_app.challenges.Block`).
"""

from django.dispatch import Signal

signed_in = Signal()
limited = Signal()
blocked = Signal()
