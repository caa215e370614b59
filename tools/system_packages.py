"""Install what is not a Python package (a browser for the page tests), or say what to install.

Nothing here is needed for the reports: without the browser the page tests are skipped.
"""

import os
import shutil
import subprocess
import sys

BROWSERS = ("chromium", "chromium-browser", "google-chrome")


def main() -> int:
    """Make a browser available where this machine lets us; never fail the set-up."""
    if any(shutil.which(name) for name in BROWSERS):
        return 0
    apt = shutil.which("apt-get")
    if apt and os.geteuid() == 0:
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        subprocess.run([apt, "update", "-qq"], check=False, **quiet)
        done = subprocess.run([apt, "install", "-y", "-qq", "chromium"], check=False, **quiet)
        if done.returncode == 0:
            return 0
    print("page tests need a browser: install it with `sudo apt-get install chromium`"
          " (they are skipped until then; everything else works)", file=sys.stderr)  # fmt: skip
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
