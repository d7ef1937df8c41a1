"""What holds for every test: no user's settings, a cache of its own, and the profiles of the property tests."""

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile("default", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("campaign", settings.get_profile("default"), derandomize=False, max_examples=5000)
settings.load_profile("default")


@pytest.fixture(autouse=True)
def surroundings(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Keep the user's configuration out of the tests, and the tests' results out of the user's cache."""
    for name in list(os.environ):
        if name.startswith(("PATCHKIT_", "GIT_", "XDG_")) or name in ("NO_COLOR", "FORCE_COLOR", "CFLAGS", "MAKEFLAGS"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("PATCHKIT_CACHE", str(_shared_cache(tmp_path_factory)))
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.setenv("GIT_CONFIG_SYSTEM", os.devnull)
    monkeypatch.setenv("LC_ALL", "C.UTF-8")
    monkeypatch.setenv("TERM", "xterm-256color")


def _shared_cache(factory: pytest.TempPathFactory) -> Path:
    """Return the cache that all tests of one run share: it is addressed by content, so sharing changes no result."""
    cache = factory.getbasetemp() / "cache"
    cache.mkdir(exist_ok=True)
    return cache
