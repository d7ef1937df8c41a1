"""The frozen values that every other package passes along: programs, builds, changes.

Nothing here reads a file, starts a process or decides anything.
"""
