"""`python -m demo_app`."""

import sys

from demo_app.app import main

if __name__ == "__main__":
    sys.exit(main())
