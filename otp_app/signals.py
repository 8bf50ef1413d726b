"""Signals for the host project. They tell; no flow of the app depends on them.

``signed_in``: after a token was issued; arguments ``user``, ``is_new``.
"""

from django.dispatch import Signal

signed_in = Signal()
