"""`sla_credits`: what customers are owed for a month; what is proposed for frozen ones, and decided."""

from __future__ import annotations

import argparse
import json
import sys
import time
from contextlib import closing
from decimal import Decimal, InvalidOperation
from zoneinfo import ZoneInfo

from sla_worker import service
from sla_worker.commands.asking import decide
from sla_worker.commands.running import Arguments, parser, run, whole_number
from sla_worker.credits import monthly_credits
from sla_worker.deciding import ACTIONS, listed, to_decide
from sla_worker.months import bounds
from sla_worker.render.credits import decision_lines, text_credits, text_proposals
from sla_worker.settings import read_settings

_LIST = "list"
_MOST = 2**31 - 1
_HELP = {
    "approve": "grant what is proposed, or another amount",
    "decline": "refuse what is proposed",
    "revoke": "take a decision back; it stays on record",
}


def main(argv: Arguments = None) -> int:
    """Print the credits of a month, or list and decide what is proposed."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    if arguments and arguments[0] in {_LIST, *ACTIONS}:
        return _proposals(arguments)
    options = parser(
        "sla_credits",
        "Show what customers are owed for a month, by the tiers of the SLAs. What frozen months propose:"
        f" sla_credits {_LIST}, {', '.join(ACTIONS)} (each with --help).",
    )
    options.add_argument(
        "month", metavar="YYYY-MM", nargs="?", help="a month, in REPORT_TIMEZONE (default: the running one)"
    )
    options.add_argument("--json", action="store_true", help="print JSON, times in epoch seconds")
    return _month(options.parse_args(arguments))


def _month(arguments: argparse.Namespace) -> int:
    def command() -> int:
        settings = read_settings()
        with closing(service.open_database(settings, read_only=True)) as database:
            found = monthly_credits(database, arguments.month, settings.timezone, time.time())
        values = found.values()
        print(json.dumps(values, indent=2) if arguments.json else text_credits(values, settings.timezone))
        return 0

    return run(command)


def _proposals(argv: list[str]) -> int:
    options = parser("sla_credits", "Credits that frozen months propose, and what people decide about them.")
    actions = options.add_subparsers(dest="action", required=True, metavar="ACTION")
    listing = actions.add_parser(_LIST, help="show all, those that were decided or superseded too")
    listing.add_argument("--month", metavar="YYYY-MM", help="only those of this month")
    listing.add_argument("--json", action="store_true", help="print JSON, times in epoch seconds")
    for name in ACTIONS:
        each = actions.add_parser(name, help=_HELP[name])
        each.add_argument(
            "ids", nargs="+", type=whole_number(1, _MOST), metavar="ID", help="its number in the list"
        )
        if name == "approve":
            each.add_argument(
                "--amount",
                type=_percent,
                metavar="PERCENT",
                help="of the month's price, instead of what is proposed",
            )
        each.add_argument("--author", required=True, help="who says so")
        each.add_argument("--reason", required=True, help="why")
    arguments = options.parse_args(argv)

    def command() -> int:
        settings = read_settings()
        zone = settings.timezone
        if arguments.action == _LIST:
            if arguments.month is not None:
                bounds(arguments.month, ZoneInfo("UTC"))
            with closing(service.open_database(settings, read_only=True)) as database:
                found = listed(database, arguments.month)
            print(
                json.dumps({"proposals": found}, indent=2) if arguments.json else text_proposals(found, zone)
            )
            return 0
        amount = getattr(arguments, "amount", None)
        asked = to_decide(arguments.action, arguments.ids, arguments.author, arguments.reason, amount)
        print("\n".join(decision_lines(arguments.action, decide(settings, asked))))
        return 0

    return run(command)


def _percent(text: str) -> str:
    try:
        if Decimal(text).is_finite():
            return text
    except InvalidOperation:
        pass
    raise argparse.ArgumentTypeError(
        f"invalid number: {text[:40]!r}\ngive percent of a month's price, like 12.5"
    )
