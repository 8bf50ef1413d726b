"""Bodies of a limited length."""

from io import BytesIO

import pytest

from otp_app import bodies


@pytest.mark.parametrize(
    ("declared", "longer"),
    [
        ("11", True),
        ("10", False),
        ("0", False),
        ("", False),
        (None, False),
        ("-11", False),
        ("\u00b2", False),
        ("x", False),
    ],
)
def test_a_body_is_declared_longer_by_a_plain_number_above_the_maximum(declared, longer):
    meta = {} if declared is None else {"CONTENT_LENGTH": declared}
    assert bodies.is_declared_longer(meta, 10) is longer


def test_a_body_of_the_maximum_is_read_whole():
    assert bodies.read(BytesIO(b"x" * 10), 10) == b"x" * 10


def test_a_longer_body_is_refused_and_read_no_further_than_the_first_byte_too_many():
    stream = BytesIO(b"x" * 100)
    with pytest.raises(bodies.BodyTooLarge):
        bodies.read(stream, 10)
    assert stream.tell() == 11
