import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
# Articles, pronouns, prepositions, conjunctions and question words.
NO_VERBS = """
    a an the of what who whose whom which whether why where when how it its they their them he his she her we our
    us you your i my this that these those here there one each every all any both some no none not nobody nothing
    somebody anybody everybody whoever whatever for by in on at to from into with without within under over after
    before between about as if so and or but because while until also only else than
"""
FILES = [
    path
    for package in ("otp_app", "otp_project")
    for path in sorted((ROOT / package).rglob("*.py"))
    if "migrations" not in path.parts
]


def docstrings(path: Path) -> Iterator[tuple[int, str]]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            text = ast.get_docstring(node)
            if text is not None:
                yield getattr(node, "lineno", 1), text


def begins_with_a_verb(text: str) -> bool:
    word = text.strip().partition(" ")[0].rstrip(",.:;")
    return word[:1].isupper() and word.lower() not in NO_VERBS.split()


@pytest.mark.parametrize("text", ["Return the code.", "Re-read it.", "Hold one message."])
def test_a_verb_may_begin_a_docstring(text: str) -> None:
    assert begins_with_a_verb(text)


@pytest.mark.parametrize("text", ["", "The code.", "Of a phone.", "Whether it is.", "``code`` is short.", "return it."])
def test_nothing_else_may_begin_a_docstring(text: str) -> None:
    assert not begins_with_a_verb(text)


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_docstrings_of_a_module_begin_with_a_verb(path: Path) -> None:
    assert [f"{line}: {text}" for line, text in docstrings(path) if not begins_with_a_verb(text)] == []
