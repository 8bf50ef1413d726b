"""What may be confirmed, and how a message shows it."""

import pytest

from otp_app.accounts import contexts
from otp_app.errors import InvalidRequest

LONGEST = {"amount": "1 200 000 UZS", "payee": "Choyxona", "text": "x" * 35}


def test_a_message_shows_the_members_in_one_order():
    assert contexts.shown({"text": "order 17", "payee": "Choyxona", "amount": "5 UZS"}) == "5 UZS, Choyxona, order 17"
    assert contexts.shown({}) == ""


def test_equal_contexts_are_equal_texts_and_others_are_not():
    assert contexts.encoded({"payee": "b", "amount": "a"}) == contexts.encoded({"amount": "a", "payee": "b"})
    assert contexts.encoded({"amount": "a, b"}) != contexts.encoded({"amount": "a", "payee": "b"})


def test_sixty_characters_in_all_are_taken_and_one_more_is_not():
    assert len(contexts.shown(LONGEST)) == contexts.MAX_CHARACTERS
    contexts.encoded(LONGEST)
    with pytest.raises(InvalidRequest) as refused:
        contexts.encoded(LONGEST | {"payee": "Choyxona!"})
    assert refused.value.errors == {"context": ["This must have at most 60 characters in all."]}


def test_a_sign_that_an_sms_counts_twice_counts_twice():
    contexts.encoded({"text": 30 * "🍋"})
    with pytest.raises(InvalidRequest):
        contexts.encoded({"text": 31 * "🍋"})


@pytest.mark.parametrize("text", ["1 200 000 UZS", "Заказ № 17, «Корзинка»", "Go'sht do‘koni", "order 123456", "€ 5"])
def test_plain_text_of_our_languages_is_taken(text):
    contexts.encoded({"text": text})


@pytest.mark.parametrize(
    "text",
    [
        "",
        " a",
        "a ",
        "a\nb",
        "a\x00b",
        "\u202e001",
        "a\u200bb",
        "\u2066x",
        "5\u3164",
        "\u2800",
        "\ud800",
        "שלום",
        "٣ USD",
        "5\u0336 UZS",
        5,
        None,
    ],
    ids=ascii,
)
def test_what_a_message_would_not_show_as_it_is_is_refused(text):
    with pytest.raises(InvalidRequest) as refused:
        contexts.encoded({"amount": "5 UZS", "payee": text})
    assert refused.value.errors == {"context.payee": ["This must be plain printable text, from left to right."]}


def test_another_member_is_refused():
    with pytest.raises(InvalidRequest) as refused:
        contexts.encoded({"iban": "x"})
    assert refused.value.errors == {"context": ["This may have the members amount, payee, text only."]}
