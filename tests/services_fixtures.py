"""Services on a data folder of a test's own: beside an app that runs, or beside a server on loopback."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from lib.services import Services, open_services
from lib.settings import Settings
from tests.fakes.openrouter_server import DEFAULT_KEY, FakeOpenRouter


@contextmanager
def services_beside(data: Path, **environment: str) -> Iterator[Services]:
    """Services on the data folder of an app that runs: what a second process sees and writes."""
    settings = Settings.from_environment({"CUEWISE_DATA": str(data), **environment})
    with closing(open_services(settings)) as services:
        yield services


@contextmanager
def services_beside_server(data: Path, server: FakeOpenRouter, **environment: str) -> Iterator[Services]:
    """Services whose OpenRouter is this server, with a key that it takes; their worker ends with them."""
    own = {"OPENROUTER_BASE_URL": server.base_url, "OPENROUTER_API_KEY": DEFAULT_KEY}
    with services_beside(data, **own | environment) as services:
        yield services
