"""`python -m stack COMMAND`."""

import sys

from stack.cli import main

sys.exit(main())
