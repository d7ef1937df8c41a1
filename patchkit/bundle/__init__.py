"""Bundles: the new version's code, laid out and linked for a process that runs the old one. See docs/protocol.md."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from patchkit.bundle.archive import (
        Manifest as Manifest,
        UntrustedError as UntrustedError,
        check_signature as check_signature,
        read_bundle as read_bundle,
    )
    from patchkit.bundle.making import (
        Made as Made,
        Settings as Settings,
        Version as Version,
        make_bundle as make_bundle,
        variable_places as variable_places,
    )
    from patchkit.bundle.pairing import Refusal as Refusal

_HOMES = {
    "Made": "making",
    "Manifest": "archive",
    "Refusal": "pairing",
    "Settings": "making",
    "UntrustedError": "archive",
    "Version": "making",
    "check_signature": "archive",
    "make_bundle": "making",
    "read_bundle": "archive",
    "variable_places": "making",
}


def __getattr__(name: str) -> Any:
    """Import what is asked for when it is asked for: reading a bundle needs no compiler and no debug information."""
    if name not in _HOMES:
        raise AttributeError(name)
    from importlib import import_module

    return getattr(import_module(f"patchkit.bundle.{_HOMES[name]}"), name)
