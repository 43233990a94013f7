"""`sla_generate`: writes Prometheus' recording rules from the definitions."""

from __future__ import annotations

from pathlib import Path

from sla_worker.commands.running import Arguments, parser, run
from sla_worker.definitions import read_definitions
from sla_worker.rules import file as rule_file
from sla_worker.rules.recording import recording_rules
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
        source = f"sla-worker/{settings.definitions_path.name}"
        text = rule_file.rules_text(recording_rules(definitions, settings.grid), settings.grid, source)
        if arguments.check:
            rule_file.check(arguments.output, text, settings.grid, source)
        written = not arguments.check and rule_file.write(arguments.output, text)
        print(f"{arguments.output}: {'written' if written else 'is up to date'}")
        return 0

    return run(command)
