"""`sla_generate`: writes the page of the SLAs from their definitions."""

from __future__ import annotations

from pathlib import Path

from sla_worker.commands.running import Arguments, parser, run
from sla_worker.definitions import read_definitions
from sla_worker.errors import SLAWorkerError
from sla_worker.render.promises import page
from sla_worker.settings import read_settings

_PAGE = Path("docs/slas.md")


def main(argv: Arguments = None) -> int:
    """Write the page, or say whether it is stale."""
    options = parser("sla_generate", "Write the page of the SLAs from the file of their definitions.")
    options.add_argument("--check", action="store_true", help="write nothing; exit code 1 if it is stale")
    options.add_argument("--output", type=Path, default=_PAGE, help=f"default: {_PAGE}")
    arguments = options.parse_args(argv)

    def command() -> int:
        settings = read_settings()
        text = page(read_definitions(settings.definitions_path))
        try:
            there = arguments.output.read_text(encoding="utf-8") if arguments.output.is_file() else None
            if arguments.check and there != text:
                raise SLAWorkerError(f"{arguments.output}: stale; run `make generate`")
            if there != text:
                arguments.output.write_text(text, encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise SLAWorkerError(
                f"{arguments.output}: cannot be read or written ({error}); give another --output"
            ) from error
        print(f"{arguments.output}: {'is up to date' if there == text else 'written'}")
        return 0

    return run(command)
