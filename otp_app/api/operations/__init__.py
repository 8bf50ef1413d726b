"""Describe each endpoint for the OpenAPI document, as far as its view and its serializer do not: one table."""

from .. import views
from . import account, factors, recovery, sign_in
from .base import Operation

__all__ = ["OPERATIONS", "Operation"]

OPERATIONS: dict[type[views.OtpView], Operation] = {
    **sign_in.OPERATIONS,
    **account.OPERATIONS,
    **factors.OPERATIONS,
    **recovery.OPERATIONS,
}
