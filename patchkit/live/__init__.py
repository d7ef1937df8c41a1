"""Running processes: which of them hold the runtime, asking it for updates, and bringing it into those without.

docs/protocol.md is the contract with the runtime.
"""
