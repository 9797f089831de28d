"""`jaxseg prepare` of a checkout; --help tells what it does."""

from jaxseg import cli

if __name__ == "__main__":
  cli.console("prepare")
