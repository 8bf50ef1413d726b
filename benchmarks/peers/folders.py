"""Where a peer is laid out."""

import shutil
from pathlib import Path

PROJECTS = Path(__file__).parent / "projects"


def lay(project: str, folder: Path) -> None:
    """Copied, for Node looks for packages only beside the program; and so nothing is ever installed in ``projects``."""
    shutil.copytree(PROJECTS / project, folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))


def is_installed(folder: Path, pins: str) -> bool:
    """Whether what is installed is what the file of pinned versions asks for."""
    mark = folder / ".installed"
    return mark.exists() and mark.read_bytes() == (folder / pins).read_bytes()


def mark_installed(folder: Path, pins: str) -> None:
    (folder / ".installed").write_bytes((folder / pins).read_bytes())
