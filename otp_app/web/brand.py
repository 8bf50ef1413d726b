"""The brand's colour, made readable in both themes (WCAG 2.2, 1.4.3: a contrast of 4.5 at least)."""

import re

from django.http import HttpRequest, HttpResponse
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe

from ..conf import conf
from ..db.transactions import without_transactions

Rgb = tuple[int, int, int]

# As in signin.css, of two the one on which it is harder to read.
SURFACES: dict[str, Rgb] = {"light": (243, 244, 247), "dark": (27, 30, 36)}
ENOUGH = 4.5
_BLACK, _WHITE = (0, 0, 0), (255, 255, 255)
_STEPS = 20
_LINEAR = 0.04045  # the part of sRGB that is linear


def is_color(text: str) -> bool:
    return isinstance(text, str) and re.fullmatch("#[0-9a-fA-F]{6}", text) is not None


def accents(color: str) -> dict[str, Rgb]:
    """For each theme the colour itself, moved away from the surface until it can be read there."""
    result = {}
    for theme, surface in SURFACES.items():
        away = farthest(surface)
        mixed = (mix(rgb(color), away, step / _STEPS) for step in range(_STEPS + 1))
        result[theme] = next(shade for shade in mixed if contrast(shade, surface) >= ENOUGH)
    return result


def rgb(color: str) -> Rgb:
    red, green, blue = (int(color[at : at + 2], 16) for at in (1, 3, 5))
    return red, green, blue


def farthest(color: Rgb) -> Rgb:
    """Black or white, as what can be read better on it; one of them always has a contrast of 4.5 and more."""
    return max((_WHITE, _BLACK), key=lambda end: contrast(end, color))


def mix(one: Rgb, other: Rgb, share: float) -> Rgb:
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(one, other, strict=True))
    return red, green, blue


def contrast(one: Rgb, other: Rgb) -> float:
    """https://www.w3.org/TR/WCAG22/#dfn-contrast-ratio."""
    dark, light = sorted((_luminance(one), _luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def _luminance(color: Rgb) -> float:
    """https://www.w3.org/TR/WCAG22/#dfn-relative-luminance."""
    parts = [part / 255 for part in color]
    red, green, blue = (part / 12.92 if part <= _LINEAR else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@without_transactions
@require_safe
@cache_control(public=True, max_age=86400)  # the page asks for it under its colour: another one is another address
def stylesheet(_request: HttpRequest) -> HttpResponse:
    """Two rules, apart from the page: a style within it would need a hole in the content security policy."""
    brand, accent = rgb(conf.COLOR), accents(conf.COLOR)
    light = f":root {{ --brand: rgb{brand}; --on-brand: rgb{farthest(brand)}; --accent: rgb{accent['light']}; }}"
    dark = f"@media (prefers-color-scheme: dark) {{ :root {{ --accent: rgb{accent['dark']}; }} }}"
    return HttpResponse(f"{light}\n{dark}\n", content_type="text/css")
