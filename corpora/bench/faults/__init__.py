"""The fault campaign: seeded runs, each of which breaks something while a real process is updated under its clients.

`python -m corpora.bench.faults --runs 1000 --seed 1` goes through all faults of `catalogue`. After every run the
process has to serve, at its old or its new version, with every answer right and its state whole. Programs are made and
started by the tests' own means, so it needs what the tests need.
"""
