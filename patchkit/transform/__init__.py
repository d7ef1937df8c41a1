"""Authoring an update: what has to be known, what was decided, and the C that carries live state over."""
