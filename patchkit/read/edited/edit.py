"""What an edit changed in the preprocessed text of a unit, as far as a model can be patched by it."""

from dataclasses import dataclass, field


class Unpatchable(Exception):
    """An edit that has to be read in full; why stands in the message, for tests and for those who look."""


@dataclass(slots=True)
class Edit:
    """The effect of an edit: `lines` maps old lines to new ones by file, `bodies` the place of a function to its body.

    The place of a function is file, old line and name; `lines` holds every line of an edited file where a declaration
    or a macro stands.
    """

    lines: dict[str, dict[int, int]] = field(default_factory=dict)
    bodies: dict[tuple[str, int, str], str] = field(default_factory=dict)

    def move(self, file: str, old: int, new: int) -> None:
        """Note that what stood at a line stands at another one now."""
        if self.lines.setdefault(file, {}).setdefault(old, new) != new:
            raise Unpatchable(f"{file}:{old} went to two places")

    def replace_body(self, place: tuple[str, int, str], body: str) -> None:
        """Note that a function has another body now."""
        if self.bodies.setdefault(place, body) != body:
            raise Unpatchable(f"{place} has two bodies")
