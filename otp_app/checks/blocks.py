"""Check the templates by which a project changes the page, if it includes the page."""

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from django.core import checks
from django.core.checks import CheckMessage
from django.template import Context, Template, TemplateDoesNotExist, TemplateSyntaxError, engines
from django.template.backends.django import DjangoTemplates
from django.template.loader_tags import BlockNode, ExtendsNode

from .page import is_included
from .types import register


@register()
def check_blocks(**_: Any) -> list[CheckMessage]:
    """Warn of blocks that are never shown, because no template that theirs extends has a block of that name (W016)."""
    unseen: dict[tuple[str, str], list[str]] = {}
    for template in _templates() if is_included() else ():
        base = _parent_of(template)
        for name in _unseen(template, base) if base else ():
            unseen.setdefault((base.origin.name, name), []).append(template.origin.name)
    hint = "Give the block a name that docs/page.md lists."
    return [
        checks.Warning(
            f"{base} has no block {name!r}, so that of {', '.join(files)} is never shown.",
            hint=hint,
            id="otp_app.W016",
        )
        for (base, name), files in unseen.items()
    ]


def _templates() -> Iterator[Template]:
    """Yield the templates of the page that are in force, the project's and ours, if they can be compiled."""
    for backend in engines.all():
        if isinstance(backend, DjangoTemplates):
            folders = [Path(folder) for folder in backend.template_dirs]
            names = {str(path.relative_to(folder)) for folder in folders for path in folder.glob("otp_app/web/*.html")}
            for name in sorted(names):
                with suppress(TemplateDoesNotExist, TemplateSyntaxError):
                    yield backend.engine.get_template(name)


def _parent_of(template: Template) -> Any:
    """Return the template that a template extends; None if there is none, or none that is known before a request."""
    context = Context()
    context.template = template
    for node in _nodes(template, ExtendsNode):
        with suppress(TemplateDoesNotExist, TemplateSyntaxError):
            return node.get_parent(context)
    return None


def _unseen(template: Template, base: Template) -> list[str]:
    """Return the blocks that neither replace one of ``base`` nor stand within one that does."""
    known = _names(base)
    blocks = _nodes(template, BlockNode)
    within = {inner.name for block in blocks if block.name in known for inner in _nodes(block, BlockNode)}
    return [block.name for block in blocks if block.name not in known | within]


def _names(template: Template) -> set[str]:
    """Return the names of the blocks of a template and of those that it extends."""
    base = _parent_of(template)
    return {block.name for block in _nodes(template, BlockNode)} | (_names(base) if base else set())


def _nodes(holder: Any, kind: type[Any]) -> list[Any]:
    nodes: list[Any] = holder.nodelist.get_nodes_by_type(kind)
    return nodes
