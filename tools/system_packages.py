"""Install what is not a Python package, or say what to install.

`browser` (the default) is for the page tests, `java` for Apache Spark. Nothing here is needed for
the reports: without it the tests that want it are skipped with the reason.
"""

import os
import shutil
import subprocess
import sys

NEEDS = {
    "browser": (
        ("chromium", "chromium-browser", "google-chrome"),
        "chromium",
        "the page tests need a browser",
    ),
    "java": (("java",), "openjdk-17-jre-headless", "Apache Spark needs a Java runtime"),
}


def install(package: str) -> bool:
    """Install a Debian package where this machine lets us."""
    apt = shutil.which("apt-get")
    if not apt or os.geteuid() != 0:
        return False
    for call in ([apt, "update", "-qq"], [apt, "install", "-y", "-qq", package]):
        if subprocess.run(call, check=False, capture_output=True).returncode:
            return False
    return True


def main() -> int:
    """Make each named need available; never fail the set-up."""
    for need in sys.argv[1:] or ["browser"]:
        programs, package, sentence = NEEDS[need]
        if not any(shutil.which(name) for name in programs) and not install(package):
            print(f"{sentence}: install it with `sudo apt-get install {package}`"
                  " (everything else works without)", file=sys.stderr)  # fmt: skip
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
