"""`python -m patchkit` is the same as `patchkit`."""

from patchkit.cli.main import main

if __name__ == "__main__":
    main()
