"""The page can be read with any colour of a brand (WCAG 2.2, 1.4.3)."""

import re
from pathlib import Path

import pytest
from django.contrib.staticfiles import finders
from hypothesis import given
from hypothesis import strategies as st

from otp_app.web import brand

COLORS = st.integers(0, 0xFFFFFF).map("#{:06x}".format)


def surfaces():
    """Return the backgrounds in signin.css, of the page and of its card, as (theme, colour)."""
    css = Path(finders.find("otp_app/signin.css")).read_text(encoding="utf-8")
    pages, cards = (re.findall(rf"--{name}: *(#[0-9a-f]+)", css)[:2] for name in ("page", "surface"))
    full = [
        (theme, color if len(color) == 7 else "#" + "".join(2 * digit for digit in color[1:]))
        for theme, color in zip(2 * ("light", "dark"), pages + cards, strict=True)
    ]
    assert len(full) == 4
    return [(theme, brand.rgb(color)) for theme, color in full]


@given(COLORS)
def test_every_colour_can_be_read_on_every_surface_of_both_themes_and_so_can_a_text_on_it(color):
    accents = brand.accents(color)
    assert all(0 <= part <= 255 for accent in accents.values() for part in accent)
    for theme, surface in surfaces():
        assert brand.contrast(accents[theme], surface) >= 4.5, theme
    assert brand.contrast(brand.black_or_white(brand.rgb(color)), brand.rgb(color)) >= 4.5


@given(COLORS)
def test_a_colour_that_can_be_read_is_left_as_it_is(color):
    own = brand.rgb(color)
    for theme, accent in brand.accents(color).items():
        assert (accent == own) == (brand.contrast(own, brand.SURFACES[theme]) >= 4.5), theme


@pytest.mark.parametrize("color", ["#000000", "#ffffff", "#777777", "#ffff00", "#0000ff", "#1b1e24"])
def test_the_worst_colours_can_be_read(color):
    for theme, accent in brand.accents(color).items():
        assert brand.contrast(accent, brand.SURFACES[theme]) >= 4.5


def test_contrast_is_that_of_the_standard():
    black, white = (0, 0, 0), (255, 255, 255)
    assert brand.contrast(black, white) == brand.contrast(white, black) == pytest.approx(21)
    assert brand.contrast(white, white) == 1
    assert brand.contrast((0x76, 0x76, 0x76), white) == pytest.approx(
        4.54, abs=0.005
    )  # the lightest grey that is enough


@pytest.mark.parametrize("color", ["#1f5fd6", "#ABCDEF"])
def test_a_colour_has_six_digits(color):
    assert brand.is_color(color)


@pytest.mark.parametrize("color", ["", "1f5fd6", "#1f5", "#1f5fd6ff", "#1f5fdg", "red", "#1f5fd6\n", None, 0x1F5FD6])
def test_anything_else_is_none(color):
    assert not brand.is_color(color)


def test_the_stylesheet_has_both_themes_may_be_kept_and_needs_no_database(client, settings):
    settings.OTP_COLOR = "#000000"
    response = client.get("/login/brand.css?000000")
    assert (response.status_code, response["Content-Type"]) == (200, "text/css")
    assert response["Cache-Control"] == "public, max-age=86400"
    light, dark = response.content.decode().splitlines()
    assert light == ":root { --brand: rgb(0, 0, 0); --on-brand: rgb(255, 255, 255); --accent: rgb(0, 0, 0); }"
    assert dark.startswith("@media (prefers-color-scheme: dark) { :root { --accent: rgb(")
    assert client.post("/login/brand.css").status_code == 405
