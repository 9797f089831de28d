"""`jaxseg claims` of a checkout; --help tells what it does."""

import sys

from jaxseg import cli

if __name__ == "__main__":
  sys.exit(cli.main(["claims", *sys.argv[1:]]))
