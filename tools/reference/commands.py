"""Make docs/commands.md of what the commands say of themselves."""

import pkgutil
from argparse import SUPPRESS, Action
from collections.abc import Iterator

from django.core.management import load_command_class
from django.core.management.base import BaseCommand

from otp_app.management import commands

from .tables import code, plain, table

HEAD = """# Commands

Each is run as `python manage.py NAME` and takes Django's own options beside these. The ready service has one more:
`manage.py otp_key` prints a new `SECRET_KEY`.
"""


def page() -> str:
    """Return the page; raise LookupError for a command or an option without help."""
    names = sorted(module.name for module in pkgutil.iter_modules(commands.__path__) if module.name[0] != "_")
    return HEAD + "".join(_section(name, load_command_class("otp_app", name)) for name in names)


def _section(name: str, command: BaseCommand) -> str:
    if not command.help:
        raise LookupError(f"{name} has no help.")
    options = [option for option in _options(name, command) if option.help != SUPPRESS]
    for option in options:
        if not option.help:
            raise LookupError(f"{name} {_spelled(option)} has no help.")
    rows = [(code(_spelled(option)), plain(_told(option))) for option in options]
    shown = "\n" + table(("option", "does"), rows) if rows else ""
    return f"\n## {name}\n\n{plain(command.help)}\n{shown}"


def _options(name: str, command: BaseCommand) -> Iterator[Action]:
    """Yield the options that are not Django's."""
    general = {option.dest for option in BaseCommand().create_parser("manage.py", name)._actions}  # noqa: SLF001
    parser = command.create_parser("manage.py", name)
    yield from (option for option in parser._actions if option.dest not in general)  # noqa: SLF001


def _spelled(option: Action) -> str:
    """Return the option as it is typed, with the name of its value."""
    value = "" if option.nargs == 0 else str(option.metavar or option.dest.upper())
    if option.choices:
        value = "|".join(map(str, option.choices))
    return " ".join([*option.option_strings[:1], *([value] if value else [])])


def _told(option: Action) -> str:
    """Return the help with its default put in."""
    text = str(option.help) % (vars(option) | {"prog": "manage.py"})
    shown = option.default not in (None, False, "", SUPPRESS) and f"({option.default})" not in text
    return f"{text} (default: {option.default})" if shown else text
