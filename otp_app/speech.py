"""A code as it is spoken: digit by digit, in words, so that any voice that can read the language can read it."""

DIGITS = {
    "en": ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"),
    "ru": ("ноль", "один", "два", "три", "четыре", "пять", "шесть", "семь", "восемь", "девять"),
    "uz": ("nol", "bir", "ikki", "uch", "to'rt", "besh", "olti", "yetti", "sakkiz", "to'qqiz"),
}


def spell(code: str, language: str) -> str:
    """``"one, two, …"``: a comma is a pause. English for a language that has no words here."""
    words = DIGITS.get(language, DIGITS["en"])
    return ", ".join(words[int(digit)] for digit in code)
