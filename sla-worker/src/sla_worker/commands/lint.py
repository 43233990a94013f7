"""`sla_lint`: says whether the file of SLA definitions can be used."""

from __future__ import annotations

from sla_worker.commands.running import Arguments, parser, run
from sla_worker.definitions import read_definitions
from sla_worker.settings import read_settings


def main(argv: Arguments = None) -> int:
    """Read the definitions; what is wrong with them is one line with its place and its fix."""
    options = parser("sla_lint", "Check the file of SLA definitions.")
    options.add_argument("--offline", action="store_true", help="check the file alone, ask no Prometheus")
    options.parse_args(argv)

    def command() -> int:
        settings = read_settings()
        definitions = read_definitions(settings.definitions_path)
        print(f"{settings.definitions_path}: {len(definitions)} SLAs")
        return 0

    return run(command)
