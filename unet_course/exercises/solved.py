"""Keeps which exercises are done in the student's own folder, safe when two notebooks write."""

from __future__ import annotations

import json

from filelock import FileLock, Timeout

from unet_course import runtime

FILE = "progress.json"


def record(name: str, done: bool) -> str | None:
    """Count a try at an exercise; once done it stays done. Return the trouble, if any, in words."""
    try:
        folder = runtime.user_dir()
        with FileLock(str(folder / f"{FILE}.lock"), timeout=5):
            known = read()
            entry = known.get(name, {"done": False, "tries": 0})
            known[name] = {"done": entry["done"] or done, "tries": entry["tries"] + 1}
            runtime.write_text(folder / FILE, json.dumps(known, indent=1, sort_keys=True) + "\n")
    except Timeout:
        return f"another notebook has held {FILE} for five seconds"
    except OSError as error:
        return str(error)
    return None


def read() -> dict[str, dict]:
    """Return ``{exercise: {"done": bool, "tries": int}}``; empty when nothing was tried yet.

    A file that can't be understood counts as empty: losing tick marks is better than a course
    that doesn't run.
    """
    try:
        known = json.loads((runtime.user_dir() / FILE).read_text(encoding="utf-8"))
        return {
            str(name): {"done": bool(entry["done"]), "tries": int(entry["tries"])}
            for name, entry in known.items()
        }
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return {}
