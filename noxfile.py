"""The matrix: ``nox`` runs the suite for each Python and Django of it that this machine has."""

import nox

nox.options.default_venv_backend = "uv|virtualenv"
nox.options.error_on_missing_interpreters = False


@nox.session
@nox.parametrize(
    ("python", "django"), [("3.11", "5.2"), ("3.13", "5.2"), ("3.13", "6.1")], ids=["3.11-5.2", "3.13-5.2", "3.13-6.1"]
)
def tests(session: nox.Session, django: str) -> None:
    """The suite on SQLite and PostgreSQL, without the demand on coverage (which one run of the matrix has)."""
    groups = nox.project.dependency_groups(nox.project.load_toml("pyproject.toml"), "dev")
    session.install("-e", ".[service]", *groups, f"django=={django}.*")
    session.run("python", "-m", "tests", "-q", *session.posargs)
