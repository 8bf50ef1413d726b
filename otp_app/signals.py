"""Signals for the host project. They tell; no flow of the app depends on them.

All are sent by ``send_robust``: an error that a receiver raises is logged by Django, with its traceback, by the logger
``django.dispatch``, and changes nothing else. So a receiver of ``signed_in`` cannot refuse a sign-in. To refuse one,
deactivate the user, or raise ``InvalidOrExpiredCode`` in ``issue`` of a token backend of your own.

``signed_in``: after a token was issued; arguments ``user``, ``is_new``.
``limited``: a request was refused; arguments ``limit`` (its name), ``retry_after`` (seconds), ``phone``
(empty when it was a password for an account without one), ``client``.
``blocked``: a prefix or region is refused from now on; argument ``block`` (:class:`otp_app.errors.Block`).
``reported``: a provider's report was applied to a delivery, and is committed; arguments ``delivery`` and ``event``
(:class:`otp_app.models.Delivery`, :class:`otp_app.models.EventRow`). A late or older report changes no delivery, and is
told all the same: look at ``delivery.status``.
"""

from django.dispatch import Signal

signed_in = Signal()
limited = Signal()
blocked = Signal()
reported = Signal()
