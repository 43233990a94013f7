"""`sla_generate`: writes what is made from the definitions: the page of the SLAs, and their alerts."""

from __future__ import annotations

from pathlib import Path

from sla_worker.commands.running import Arguments, parser, run
from sla_worker.definitions import read_all
from sla_worker.errors import SLAWorkerError
from sla_worker.render.budget_alerts import rules
from sla_worker.render.promises import page
from sla_worker.settings import read_settings

_PAGE = Path("docs/slas.md")
_RULES = Path("prometheus/rules/sla/error_budgets.yml")


def main(argv: Arguments = None) -> int:
    """Write the files, or say whether one is stale."""
    options = parser(
        "sla_generate", "Write the page of the SLAs and their alerts from the file of definitions."
    )
    options.add_argument("--check", action="store_true", help="write nothing; exit code 1 if one is stale")
    options.add_argument("--output", type=Path, default=_PAGE, help=f"the page; default: {_PAGE}")
    options.add_argument("--rules", type=Path, default=_RULES, help=f"the alerts; default: {_RULES}")
    arguments = options.parse_args(argv)

    def command() -> int:
        definitions = read_all(read_settings().definitions_path)
        made = {arguments.output: page(definitions), arguments.rules: rules(definitions)}
        for path, text in made.items():
            print(f"{path}: {_written(path, text, check=arguments.check)}")
        return 0

    return run(command)


def _written(path: Path, text: str, *, check: bool) -> str:
    """Write a file if it differs, and say what was done."""
    try:
        there = path.read_text(encoding="utf-8") if path.is_file() else None
        if check and there != text:
            raise SLAWorkerError(f"{path}: stale; run `make generate`")
        if there != text:
            path.write_text(text, encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SLAWorkerError(f"{path}: cannot be read or written ({error}); give another file") from error
    return "is up to date" if there == text else "written"
