"""What reading damaged debug information raises inside this package."""

import struct


class Malformed(Exception):
    """Debug information that no compiler writes; the caller makes a Gap or an InputError of it."""


# What else damaged bytes make this package's own reading raise.
BROKEN = (Malformed, IndexError, KeyError, ValueError, OverflowError, RecursionError, AssertionError, struct.error)
