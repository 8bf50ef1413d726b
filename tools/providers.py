"""The table of providers in docs/providers/README.md: ``update`` writes it, ``check`` says what is wrong.

It is made from the classes themselves, so it cannot promise what they do not do; a provider is there as soon as its
module is. Nothing heavy is imported: SDKs are loaded by the instances, and none is made.
"""

import ast
import inspect
import pkgutil
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path, PurePosixPath

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))  # run as a program, Python looks into this file's folder only

from otp_app import providers  # noqa: E402  (found by the line above)
from otp_app.providers.base import Channel, Provider  # noqa: E402  (the same)

DOCS, TESTS = PurePosixPath("docs/providers"), PurePosixPath("tests/providers")
LOCAL = ("console", "file", "memory")  # they reach no phone and share one page and one file of tests
BEGIN, END = "<!-- begin: tools/providers.py -->\n", "<!-- end: tools/providers.py -->\n"
HEAD = ("provider", "channels", "reports known by", "account check", "segments counted", "extra to install")


@dataclass(frozen=True)
class Found:
    """Hold a provider class and the module it was found in."""

    module: str
    provider: type[Provider]

    @property
    def topic(self) -> str:
        """Return the name that the provider's page and tests have."""
        return "local" if self.module in LOCAL else self.module


def found() -> list[Found]:
    """Return every provider of the package, those that reach no phone last."""
    everything = [
        Found(module.name, thing)
        for module in pkgutil.iter_modules(providers.__path__)
        for name, thing in vars(import_module(f"{providers.__name__}.{module.name}")).items()
        if isinstance(thing, type)
        and issubclass(thing, Provider)
        and thing.__module__.endswith(f".{module.name}")
        and thing is not Provider
        and not name.startswith("_")
    ]
    return sorted(everything, key=lambda each: (each.topic == "local", getattr(each.provider, "title", "").lower()))


def table() -> str:
    """Return the table between its marks, with a line for each provider."""
    rows = [HEAD, ["---"] * len(HEAD), *map(_row, found())]
    return BEGIN + "".join(f"| {' | '.join(row)} |\n" for row in rows) + END


def update(root: Path = ROOT) -> None:
    """Write the table anew; what stands around it stays."""
    page = root / DOCS / "README.md"
    text = page.read_text(encoding="utf-8")
    if BEGIN in text and END in text:
        page.write_text(text.replace(_between(text), table()), encoding="utf-8")


def check(root: Path = ROOT) -> list[str]:
    """Return one sentence for each problem."""
    return list(dict.fromkeys(_problems(root)))


def _problems(root: Path) -> Iterator[str]:
    for each in found():
        for path in (DOCS / f"{each.topic}.md", TESTS / f"test_{each.topic}.py"):
            if not (root / path).is_file():
                yield f"{path} is missing."
        if not getattr(each.provider, "title", "") or not getattr(each.provider, "channels", ()):
            yield f"{each.module}.{each.provider.__name__} has no title or no channels."
    known = {"README", *(each.topic for each in found())}
    yield from (f"{DOCS / page.name} is about no provider." for page in _pages(root) if page.stem not in known)
    text = (root / DOCS / "README.md").read_text(encoding="utf-8")
    if BEGIN not in text or END not in text:
        yield f"{DOCS / 'README.md'} has lost the marks of its table, {BEGIN.strip()} and {END.strip()}."
    elif _between(text) != table():
        yield f"{DOCS / 'README.md'} is out of date: run python tools/providers.py update."


def _pages(root: Path) -> list[Path]:
    return sorted((root / DOCS).glob("*.md"))


def _between(text: str) -> str:
    return text[text.index(BEGIN) : text.index(END) + len(END)]


def _row(each: Found) -> list[str]:
    provider = each.provider
    channels: frozenset[str] = getattr(provider, "channels", frozenset())
    return [
        f"[{getattr(provider, 'title', provider.__name__)}]({each.topic}.md)",
        ", ".join(channel for channel in Channel if channel in channels),
        provider.signed or "none come",
        _yes(provider.check is not Provider.check),
        _yes(_counts_segments(provider)),
        f"`otp-app[{each.module}]`" if each.module in _extras() else "",
    ]


def _counts_segments(provider: type[Provider]) -> bool:
    """Whether it ever says how many segments a message took: else one is taken for granted."""
    module = ast.parse(inspect.getsource(sys.modules[provider.__module__]))
    calls = [node for node in ast.walk(module) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)]
    named = any(word.arg == "segments" for call in calls for word in call.keywords)
    return named or any(call.func.id == "Receipt" and len(call.args) > 1 for call in calls)  # type: ignore[attr-defined]


def _extras() -> set[str]:
    """An extra for one provider's SDK is named as its module."""
    return set(tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"])


def _yes(is_so: bool) -> str:
    return "yes" if is_so else "no"


if __name__ == "__main__":
    if sys.argv[1:] not in (["update"], ["check"]):
        sys.exit("usage: python tools/providers.py update|check")
    if sys.argv[1] == "update":
        update()
    sys.exit("\n".join(check()) or None)  # with sentences to say 1, else 0
