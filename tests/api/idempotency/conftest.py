import pytest

from tests.remote import remotes


@pytest.fixture(autouse=True)
def store(clock, each_store):
    return each_store


@pytest.fixture(autouse=True)
def remote(store):
    with remotes() as told:
        yield told


@pytest.fixture
def client(client):
    client.raise_request_exception = False
    return client
