"""What is raised inside this package where debug information contradicts itself."""


class Malformed(Exception):
    """Debug information that no compiler writes; the caller makes a Gap or an InputError of it."""
