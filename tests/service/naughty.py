"""List a few hundred texts that are no phone numbers, though a lenient parser would accept many of them."""

import unicodedata

NUMBER = "+998901234567"
DIGITS = "998901234567"


def _in_other_digits(first):
    """Return the number in another script's digits, whose zero is ``first``."""
    return "".join(chr(ord(first) + int(digit)) for digit in DIGITS)


# Every script that Unicode knows decimal digits of: int() and \d take all of them.
_ZEROS = [chr(n) for n in range(128, 0x1FFFF) if unicodedata.decimal(chr(n), None) == 0]
_INVISIBLE = [
    *"\u00ad\u034f\u061c\u180e\u200b\u200c\u200d\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2060",
    *"\u2066\u2067\u2068\u2069\ufeff\ufffc\U000e0020",
]
_CONTROL = [chr(n) for n in (*range(32), 127, *range(128, 160))]
_LINES = [*"\u2028\u2029"]  # separators of lines are no spaces: those are read over in a phone
_SPACES = [*"\u00a0\u1680\u2000\u2003\u2007\u2009\u200a\u202f\u205f\u3000", *_LINES]
_DASHES = [*"\u2010\u2011\u2012\u2013\u2014\u2015\u2212\u30fc\uff0d~_/\\"]
_PLUSSES = [*"\uff0b\ufe62\u207a\u208a\u2795", "++", "%2B", "000", "00+", "+00", "0+", "011", "-", "±", "&plus;"]
_PREFIXES = [
    "tel:tel:",
    "tel:+",
    "tel://",
    "tel;",
    "+tel:",
    "00tel:",
    "００",
    "sms:",
    "callto:",
    "whatsapp://send?phone=",
    "sip:",
    "phone-context=+998;",
    "p:",
]
_SUFFIXES = [
    *(" ext 5", " ext. 5", "x5", " x5", "#5", ";ext=5", ",5", ";5", "w5", "p5", "*5", " доб. 5", " anexo 5", "~5", "!"),
    *(
        ";isub=12345",
        ";phone-context=+998",
        "?body=hi",
        "&x=1",
        "@example.org",
        " or 1=1",
        "' --",
        '"',
        "<b>",
        "${7*7}",
    ),
    *(
        "%00",
        "%0a",
        "\\n",
        "\r\nTo: +998901234568",
        "/+998901234568",
        " / 8",
        "{{7*7}}",
        "e5",
        ".",
        "-",
        "(",
        "e0",
    ),
]
_WHOLE = [
    *("", " ", "+", "++", "0", "00", "+0", "-1", "1e9", "NaN", "Infinity", "null", "true", "[]", "{}", "undefined"),
    *("None", "112", "911", "+112", "+998", "+99890", "+9989012345", "+99890123456789", "+1", "+1555", "998901234567"),
    *(
        "901234567",
        "8 901 234 567",
        "+998 FLOWERS",
        "1-800-FLOWERS",
        "+1-800-FLOWERS",
        "+998 90 CALL NOW",
        "+99890123456O",
    ),
    *("+99890l234567", "+9989O1234567", "+998.901234567.0", "+998901234567.0", "+9.98901234567e11", "0x998901234567"),
    *("+1 900 555 0199", "+979 123 456 789", "+800 1234 5678", "+882 16 12345678", "+888 123 456", "+870 773 111 632"),
    *("+7 800 555 35 35", "+44 70 1234 5678", "+1 800 555 0199", "+44 900 123 4567", "+33 899 10 20 30", "+39 06 1234"),
    *(
        "+" + "9" * 15,
        "+" + "9" * 16,
        "+" + "9" * 31,
        "+" + "9" * 33,
        "+" + "9" * 3000,
        "(" * 500,
        "+" + "(" * 30,
        "-" * 32,
    ),
    *(
        "a" * 3000,
        "\x00",
        "\x00" * 30,
        "\ud800",
        "\udfff",
        "\ud800\ud800",
        "+9989012345\ud800",
        "\U0001f4de",
        "☎998901234567",
    ),
    *("٩٩٨", "Ⅸ", "²³", "①②③", "𝟗𝟗𝟖", "零一二三四五六七八九", "'; DROP TABLE otp_app_challenge; --", "$(id)", "`id`"),
    *("../../etc/passwd", "%s%s%s%n", "{0}", "${jndi:ldap://127.0.0.1/a}", "<script>alert(1)</script>", "\\u002b998"),
]

PHONES = [
    *_WHOLE,
    *("+" + _in_other_digits(zero) for zero in _ZEROS),
    *(f"+998{other}901234567" for other in (*_INVISIBLE, *_CONTROL, *_LINES, *_DASHES)),
    *(other + NUMBER for other in (*_INVISIBLE, *_CONTROL, *_LINES)),
    *(NUMBER + other for other in (*_INVISIBLE, *_CONTROL, *_LINES)),
    *(plus + DIGITS for plus in _PLUSSES),
    *(prefix + NUMBER for prefix in _PREFIXES),
    *(NUMBER + suffix for suffix in _SUFFIXES),
]


def codes(code):
    """Return texts that are not this code, though a lenient parser would accept most of them."""
    yield from (
        "",
        " ",
        "-1",
        "1e5",
        "0x1",
        "None",
        "null",
        "true",
        "a" * 6,
        "\x00" * 6,
        "\ud800",
        "\ud800" * 6,
        "*" * 6,
    )
    yield from (code[:-1], code + "0", "0" + code, f" {code}", f"{code} ", f"{code}\n", f"{code}\x00", f"+{code}")
    yield from (f"{code[:3]} {code[3:]}", f"{code[:3]}-{code[3:]}", f"{code[:-1]}\n", f"{code}.0", "9" * 64, "9" * 3000)
    yield from ("".join(chr(ord(zero) + int(digit)) for digit in code) for zero in _ZEROS)
    yield from (code[:-1] + other for other in (*_INVISIBLE, *_SPACES, *_DASHES))
    yield from ("%", "_" * 6, "' OR 1=1", "[0-9]{6}", ".*", "......", "²²²²²²", "①②③④⑤⑥")
