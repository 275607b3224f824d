"""Fetch BraTS 2020's training cases (369) from Kaggle, or unpack a copy downloaded by hand.

    python data_scripts/download_brats.py --root data
    python data_scripts/download_brats.py --root data --archive archive.zip

The same as `unet-course data brats`; the work is done in `unet_course/commands/fetch/download.py`. From Kaggle it
needs 47 GB of free disk, from an archive 33 GB at most.
"""

import argparse
import sys
from pathlib import Path

from unet_course.commands.fetch.download import fetch_brats
from unet_course.commands.terminal import never_fail_to_print, run_script


def main(arguments: list[str] | None = None) -> int:
    """Run the command; return its exit status."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--root", type=Path, help="folder to put it in (the course's cache)")
    parser.add_argument("--archive", type=Path, help="ZIP archive that was downloaded by hand")
    parser.add_argument("--accept-licence", action="store_true", help="the terms are accepted")
    never_fail_to_print()
    options = parser.parse_args(arguments)
    return run_script(
        lambda: fetch_brats(options.root, options.archive, options.accept_licence), lesson="07"
    )


if __name__ == "__main__":
    sys.exit(main())
