"""Writes a compressed copy of the shipped configuration: python -m compression OUT_DIR."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from compression.errors import CompressionError
from compression.files import compress_alertmanager, compress_prometheus

ROOT = Path(__file__).resolve().parents[2]


def main(argv: list[str] | None = None) -> int:
    """Write OUT_DIR/prometheus and OUT_DIR/alertmanager; 0 when done, 1 with one line of what is wrong."""
    parser = argparse.ArgumentParser(prog="python -m compression", description=__doc__)
    parser.add_argument(
        "out_dir", type=Path, metavar="OUT_DIR", help="where the copy goes; what is there is replaced"
    )
    parser.add_argument("--factor", type=int, default=15, help="by how much time runs faster (default: 15)")
    parser.add_argument(
        "--prometheus-dir", type=Path, default=ROOT / "prometheus", help="holds prometheus.yml"
    )
    parser.add_argument(
        "--alertmanager-dir", type=Path, default=ROOT / "alertmanager", help="holds alertmanager.yml"
    )
    arguments = parser.parse_args(argv)
    if arguments.factor < 1:
        parser.error(f"--factor {arguments.factor}: give a whole number from 1 on")
    try:
        compress_prometheus(arguments.prometheus_dir, arguments.out_dir / "prometheus", arguments.factor)
        compress_alertmanager(
            arguments.alertmanager_dir, arguments.out_dir / "alertmanager", arguments.factor
        )
    except CompressionError as error:
        print(f"compression: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
