"""Make docs/checks.md: read from the code of each check, because most of them find nothing here."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from .tables import ROOT, plain

FOLDER = ROOT / "otp_app" / "checks"
HEAD = """# System checks

`manage.py check` and every start run these checks; `manage.py check --deploy` runs those of production as well. With an
error, `E`, nothing starts; `W` is a warning. `<…>` stands for what the check has found.
"""


@dataclass(frozen=True)
class Found:
    """Hold one message of a check."""

    id: str
    text: str
    cure: str
    only_for_production: bool


def page() -> str:
    """Return the page; raise LookupError for a message that names no cure."""
    messages = [message for path in sorted(FOLDER.glob("*.py")) for message in found(path)]
    sections = []
    for name in sorted({message.id for message in messages}):
        own = [message for message in messages if message.id == name]
        when = "With `--deploy` only.\n\n" if all(message.only_for_production for message in own) else ""
        shown = "\n".join(f"- `{each.text}`  \n  **Cure:** {plain(each.cure)}" for each in dict.fromkeys(own))
        sections.append(f"\n## {name}\n\n{when}{shown}\n")
    return HEAD + "".join(sections)


def found(path: Path) -> Iterator[Found]:
    """Yield the messages of a module; raise LookupError for one without a hint."""
    module = ast.parse(path.read_text(encoding="utf-8"))
    for function in (node for node in ast.walk(module) if isinstance(node, ast.FunctionDef)):
        deploy = any("deploy=True" in ast.unparse(decorator) for decorator in function.decorator_list)
        for call in (node for node in ast.walk(function) if isinstance(node, ast.Call)):
            words = {word.arg: word.value for word in call.keywords}
            if ast.unparse(call.func).rpartition(".")[2] not in ("Error", "Warning") or "id" not in words:
                continue
            name = _text(words["id"], function)
            if "hint" not in words:
                raise LookupError(f"{path.name}, line {call.lineno}: {name} has no hint that says what to do.")
            text, cure = (_text(node, function) for node in (call.args[0], words["hint"]))
            yield Found(name, text, cure, deploy)


def _text(node: ast.expr, function: ast.FunctionDef) -> str:
    """Return what an expression says, with ``<name>`` for what is known only at the time of the check."""
    if isinstance(node, ast.Name):
        node = _assigned(node, function) or node
    match node:
        case ast.Constant():
            text = str(node.value)
        case ast.JoinedStr():
            text = "".join(_text(part, function) for part in node.values)
        case ast.FormattedValue() | ast.Attribute(attr="__name__"):
            text = _text(node.value, function)
        case ast.IfExp():
            text = _text(node.body, function)
        case ast.Name(id=name) | ast.Attribute(attr=name):
            text = f"<{name}>"
        case _:
            text = "<…>"
    return text


def _assigned(name: ast.Name, function: ast.FunctionDef) -> ast.expr | None:
    """Return the text that was assigned to a name last before it is used."""
    values = [
        value
        for target, value in _assignments(function)
        if isinstance(target, ast.Name)
        and target.id == name.id
        and target.lineno < name.lineno
        and isinstance(value, ast.Constant | ast.JoinedStr | ast.IfExp)
    ]
    return max(values, key=lambda value: value.lineno, default=None)


def _assignments(function: ast.FunctionDef) -> Iterator[tuple[ast.expr, ast.expr]]:
    """Yield each target with its value; of ``text, hint = …`` one after the other."""
    for node in ast.walk(function):
        match node:
            case ast.Assign(targets=[ast.Tuple() as names], value=ast.Tuple() as values):
                yield from zip(names.elts, values.elts, strict=True)
            case ast.Assign(targets=[target]):
                yield target, node.value
