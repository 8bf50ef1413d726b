"""Read what a person types."""


def plain(code: str) -> str:
    """Return a code as it is compared, without what people put between its characters; "" for other alphabets."""
    letters = "".join(each for each in code.casefold() if each.isalnum())
    return letters if letters.isascii() else ""
