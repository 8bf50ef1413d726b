"""Declare signals for the host project. No flow of the app depends on them.

All are sent by ``send_robust``: Django logs an error of a receiver, with its traceback, by the logger
``django.dispatch``, and the error changes nothing else. So a receiver of ``signed_in`` cannot refuse a sign-in. To
refuse one, deactivate the user, or raise ``InvalidOrExpiredCode`` in ``issue`` of your own token backend.

``signed_in``: after a token was issued; arguments ``user``, ``is_new``.
``limited``: a request was refused; arguments ``limit`` (its name), ``retry_after`` (seconds), ``phone`` ("" for a
password of an account without a phone), ``client``.
``reported``: a provider's report was committed; arguments ``delivery`` and ``event`` (:class:`otp_app.models.Delivery`,
:class:`otp_app.models.EventRow`). It is sent for late and repeated statuses, too: read ``delivery.status``.
"""

from django.dispatch import Signal

signed_in = Signal()
limited = Signal()
reported = Signal()
