"""Give the package's metadata the README without relative links, which an index cannot follow. Run by the build."""

import re
from pathlib import Path
from typing import Any

from hatchling.metadata.plugin.interface import MetadataHookInterface

RELATIVE_LINK = re.compile(r"(!?)\[([^\]]*)\]\((?!https?:|mailto:|#)([^)\s]+)\)")


class ReadmeHook(MetadataHookInterface):
    """Set the field ``readme``."""

    def update(self, metadata: dict[str, Any]) -> None:
        urls: dict[str, str] = metadata.get("urls", {})
        text = (Path(self.root) / "README.md").read_text(encoding="utf-8")
        metadata["readme"] = {"content-type": "text/markdown", "text": absolute(text, urls.get("Source", ""))}


def absolute(text: str, source: str) -> str:
    """Lead relative links to a repository with addresses as GitHub's; without one keep their words, and no image."""

    def link(found: re.Match[str]) -> str:
        image, words, path = found.groups()
        if source:
            return f"{image}[{words}]({source}/{'raw' if image else 'blob'}/HEAD/{path})"
        return "" if image else words

    return RELATIVE_LINK.sub(link, text)
