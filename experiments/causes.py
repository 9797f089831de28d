"""`jaxseg causes` of a checkout; --help tells what it does."""

import sys

from jaxseg import cli

if __name__ == "__main__":
  sys.exit(cli.main(["causes", *sys.argv[1:]]))
