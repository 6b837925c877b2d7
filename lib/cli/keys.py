"""The key that the command line pays with."""

from __future__ import annotations

from lib.services import Services


def known_key(services: Services) -> str | None:
    """The key of the environment, else the one that was remembered on this machine in Settings."""
    return services.settings.openrouter_api_key or services.keys.remembered()
