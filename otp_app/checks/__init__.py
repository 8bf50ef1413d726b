"""Register the system checks that Django runs at start. Only ``apps`` imports this room."""

from . import (  # noqa: F401  (registers them)
    accounts,
    blocks,
    database,
    factors,
    libraries,
    limits,
    line_checks,
    page,
    passkeys,
    providers,
    ranges,
    settings,
    test_numbers,
    tokens,
    types,
    users,
)
