"""Whom an operator names is read into one spelling, or refused with what is wrong."""

import pytest

from otp_app.rulings import subject_of


@pytest.mark.parametrize(
    ("kind", "text", "subject"),
    [
        ("phone", " +998 90 123-45-67", "phone +998901234567"),
        ("prefix", "+99890", "prefix +99890"),
        ("region", "uz", "region UZ"),
        ("network", "192.0.2.9/24", "network 192.0.2.0/24"),
        ("network", "192.0.2.9", "network 192.0.2.9/32"),
        ("network", "2001:DB8::/32", "network 2001:db8::/32"),
        ("network", "2001:db8::1", "network 2001:db8::/64"),
    ],
)
def test_one_subject_has_one_spelling(kind, text, subject):
    assert subject_of(kind, text) == subject


@pytest.mark.parametrize(
    ("kind", "text", "says"),
    [
        ("phone", "12", "mobile number"),
        ("prefix", "99890123", "Give \\+ and the first digits"),
        ("prefix", "+998901234567", "Give \\+ and the first digits"),
        ("region", "Uzbekistan", "two letters"),
        ("network", "192.0.2.0/33", "a network: 192.0.2.0/24"),
    ],
)
def test_what_is_no_subject_is_refused_with_what_is_wrong(kind, text, says):
    with pytest.raises(ValueError, match=says):
        subject_of(kind, text)
