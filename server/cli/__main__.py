"""`python -m vaidol.server.cli`: the same as `vaidol`."""

import sys

from vaidol.server.cli import main

if __name__ == "__main__":
    sys.exit(main())
