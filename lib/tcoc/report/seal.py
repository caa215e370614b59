"""The kit's mark on an output: which content it made, of what kind, from which table (rule D4).

It is no secret and keeps nobody out who writes Python: the guard allows a page no Python but calls
of the kit. The seal finds what was changed, pasted or shown past the kit.
"""

import hashlib
import json
from collections.abc import Mapping


def seal(kind: str, name: str, content: Mapping[str, str] | str) -> str:
    """Return the digest that an output of the kit carries in its metadata."""
    text = json.dumps([kind, name, content], sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:32]
