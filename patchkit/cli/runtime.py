"""`patchkit runtime`: what a build needs to link a program with the runtime."""

import os

import click

from patchkit.errors import ExitCode
from patchkit.processes import linking


@click.command()
@click.option("--cflags", is_flag=True, help="Print the compiler's options: where patchkit.h is.")
@click.option("--libs", is_flag=True, help="Print the linker's options.")
@click.option("--dir", "directory", is_flag=True, help="Print the directory of the library, to copy it from there.")
@click.option(
    "--shared", is_flag=True, help="For libpatchkit.so; otherwise for libpatchkit.a, which the program then holds."
)
def command(cflags: bool, libs: bool, directory: bool, shared: bool) -> int:
    """Print what a build needs to link a program with patchkit's runtime, which is compiled now if it has to be.

    Such a program can be updated without `patchkit run`. It may include patchkit.h and ask for its own update; built
    with that header alone it runs without the runtime just as well.

    \b
    Example:
      make CPPFLAGS="$(patchkit runtime --cflags)" LDLIBS="$(patchkit runtime --libs)"
    """
    paths = linking(os.environ, shared=shared)
    everything = not (cflags or libs or directory)
    parts = [
        *(paths.cflags if cflags or everything else ()),
        *(paths.libs if libs or everything else ()),
        *([str(paths.directory)] if directory else ()),
    ]
    print(" ".join(parts))
    return ExitCode.CLEAN
