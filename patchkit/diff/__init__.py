"""What differs between two programs, and what each difference asks of an update. Pure: values in, values out."""

from patchkit.diff.compare import diff_programs
from patchkit.model.headline import headline

__all__ = ["diff_programs", "headline"]
