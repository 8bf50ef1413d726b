"""Make the brand's colour readable in both themes (WCAG 2.2, 1.4.3: a contrast of at least 4.5)."""

import re

from django.http import HttpRequest, HttpResponse
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe

from ..conf import conf
from ..db.transactions import without_transactions

Rgb = tuple[int, int, int]

# Backgrounds in signin.css; of each theme's two, the one on which the colour is harder to read.
SURFACES: dict[str, Rgb] = {"light": (243, 244, 247), "dark": (27, 30, 36)}
MIN_CONTRAST = 4.5
_BLACK, _WHITE = (0, 0, 0), (255, 255, 255)
_STEPS = 20  # between the colour and black or white
_LINEAR_UP_TO = 0.04045  # below this value sRGB is linear


def is_color(text: str) -> bool:
    return isinstance(text, str) and re.fullmatch("#[0-9a-fA-F]{6}", text) is not None


def accents(color: str) -> dict[str, Rgb]:
    """Return the colour for each theme, moved towards black or white until it can be read on that theme's surface."""
    result = {}
    for theme, surface in SURFACES.items():
        end = black_or_white(surface)
        mixed = (mix(rgb(color), end, step / _STEPS) for step in range(_STEPS + 1))
        result[theme] = next(shade for shade in mixed if contrast(shade, surface) >= MIN_CONTRAST)
    return result


def rgb(color: str) -> Rgb:
    red, green, blue = (int(color[at : at + 2], 16) for at in (1, 3, 5))
    return red, green, blue


def black_or_white(color: Rgb) -> Rgb:
    """Return the one that contrasts more with the colour; one of them always has a contrast of 4.5 or more."""
    return max((_WHITE, _BLACK), key=lambda end: contrast(end, color))


def mix(one: Rgb, other: Rgb, share: float) -> Rgb:
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(one, other, strict=True))
    return red, green, blue


def contrast(one: Rgb, other: Rgb) -> float:
    """Return the contrast ratio, 1 to 21: https://www.w3.org/TR/WCAG22/#dfn-contrast-ratio."""
    dark, light = sorted((_luminance(one), _luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def _luminance(color: Rgb) -> float:
    """Return the relative luminance, 0 to 1: https://www.w3.org/TR/WCAG22/#dfn-relative-luminance."""
    parts = [part / 255 for part in color]
    red, green, blue = (part / 12.92 if part <= _LINEAR_UP_TO else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@without_transactions
@require_safe
@cache_control(public=True, max_age=86400)  # the page's link holds the colour: another colour has another address
def stylesheet(_request: HttpRequest) -> HttpResponse:
    """Serve the two rules of the brand as a file: inline they would need a hole in the content security policy."""
    brand, accent = rgb(conf.COLOR), accents(conf.COLOR)
    light = f":root {{ --brand: rgb{brand}; --on-brand: rgb{black_or_white(brand)}; --accent: rgb{accent['light']}; }}"
    dark = f"@media (prefers-color-scheme: dark) {{ :root {{ --accent: rgb{accent['dark']}; }} }}"
    return HttpResponse(f"{light}\n{dark}\n", content_type="text/css")
