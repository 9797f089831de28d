"""`jaxseg prominence` of a checkout; --help tells what it does."""

import sys

from jaxseg import cli

if __name__ == "__main__":
  sys.exit(cli.main(["prominence", *sys.argv[1:]]))
