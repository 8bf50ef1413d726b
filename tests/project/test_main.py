"""The options with which the server is started."""

import resource

import pytest

from otp_project import __main__ as main


@pytest.mark.parametrize(
    ("files", "connections"),
    [
        (1024, 1024 - main.RESERVED_FILES),
        (main.MAX_CONNECTIONS + main.RESERVED_FILES - 1, main.MAX_CONNECTIONS - 1),
        (65_536, main.MAX_CONNECTIONS),
        (resource.RLIM_INFINITY, main.MAX_CONNECTIONS),
        (64, 1),
    ],
)
def test_a_process_takes_no_more_connections_than_it_has_files_for(monkeypatch, files, connections):
    monkeypatch.setattr(resource, "getrlimit", lambda _: (files, files))
    assert main._connections() == connections
