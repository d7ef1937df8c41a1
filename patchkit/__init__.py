"""patchkit moves a running C program from one version of its source to the next."""

__version__ = "0.1.0"
