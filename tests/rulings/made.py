"""Make rulings for tests."""

from otp_app import rulings
from otp_app.models import BlockRow


def ruled(subject, mode="shut", by="otp_block", **values):
    row = BlockRow(subject=subject, mode=mode, **values)
    rulings.make(row, by)
    return row
