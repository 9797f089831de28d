"""`jaxseg evaluate` of a checkout; --help tells what it does."""

import sys

from jaxseg import cli

if __name__ == "__main__":
  sys.exit(cli.main(["evaluate", *sys.argv[1:]]))
