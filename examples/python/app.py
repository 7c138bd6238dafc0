"""Prints its greeting and settings, as YAML."""
import os
import sys

import yaml


def main():
    if "--check" in sys.argv:
        return 0
    yaml.safe_dump(
        {
            "greeting": os.environ["APP_GREETING"],
            "user": os.getuid() != 0,
            "directory": os.getcwd(),
        },
        sys.stdout,
    )
    return 0


sys.exit(main())
