"""The templates of everything patchkit writes, and the two ways of filling them in: for C and for HTML."""

from functools import cache
from importlib.resources import files

from jinja2 import BaseLoader, Environment, StrictUndefined, TemplateNotFound


def load(name: str) -> str:
    """Return the text of the template `name`, for example `c/stub.c.j2`."""
    return files(__name__).joinpath(*name.split("/")).read_text(encoding="utf-8")


@cache
def c_environment() -> Environment:
    """Return the environment for C, whose braces rule the usual delimiters out: `@{ }@`, `@% %@`, `@# #@`, `//%`."""
    return Environment(
        loader=_Templates(),
        undefined=StrictUndefined,
        autoescape=False,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        variable_start_string="@{",
        variable_end_string="}@",
        block_start_string="@%",
        block_end_string="%@",
        comment_start_string="@#",
        comment_end_string="#@",
        line_statement_prefix="//%",
    )


@cache
def html_environment() -> Environment:
    """Return the environment for HTML: every value is escaped unless it is marked as markup."""
    return Environment(
        loader=_Templates(), undefined=StrictUndefined, autoescape=True, trim_blocks=True, lstrip_blocks=True
    )


class _Templates(BaseLoader):
    """Finds templates in this package, wherever it is installed."""

    def get_source(self, environment: Environment, template: str) -> tuple[str, str | None, None]:
        try:
            return load(template), None, None
        except OSError as problem:
            raise TemplateNotFound(template) from problem
