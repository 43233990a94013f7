"""`sla_generate`: writes Prometheus' recording rules from the definitions."""

from __future__ import annotations

import sys
from pathlib import Path

from sla_worker import generate, queries
from sla_worker.commands.running import Arguments, parser, run
from sla_worker.definitions import read_definitions
from sla_worker.errors import SLAWorkerError
from sla_worker.settings import read_settings

_RULES_FILE = Path("prometheus/rules/sla/recording.yml")


def main(argv: Arguments = None) -> int:
    """Write the rule file, or say whether it is stale."""
    options = parser("sla_generate", "Write Prometheus' recording rules from the file of SLA definitions.")
    options.add_argument(
        "--check", action="store_true", help="write nothing; exit code 1 if the file is stale"
    )
    options.add_argument("--output", type=Path, default=_RULES_FILE, help=f"default: {_RULES_FILE}")
    arguments = options.parse_args(argv)

    def command() -> int:
        settings = read_settings()
        definitions = read_definitions(settings.definitions_path)
        rules = queries.recording_rules(definitions, settings.grid)
        text = generate.rules_file(rules, f"sla-worker/{settings.definitions_path.name}")
        output: Path = arguments.output
        try:
            stale = not output.is_file() or output.read_text(encoding="utf-8") != text
            if stale and not arguments.check:
                output.parent.mkdir(parents=True, exist_ok=True)
                output.write_text(text, encoding="utf-8")
        except OSError as error:
            raise SLAWorkerError(f"{output}: {error.strerror}; give another --output") from error
        if stale and arguments.check:
            print(f"{output} is stale; run sla_generate", file=sys.stderr)
            return 1
        print(f"{output}: {'written' if stale else 'is up to date'}")
        return 0

    return run(command)
