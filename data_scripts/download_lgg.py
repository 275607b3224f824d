"""Fetch the LGG brain MRI set (110 patients) from Kaggle, or unpack a copy downloaded by hand.

    python data_scripts/download_lgg.py --root data
    python data_scripts/download_lgg.py --root data --archive archive.zip

The same as `unet-course data lgg`; the work is done in `unet_course/commands/fetch/download.py`.
"""

import argparse
import sys
from pathlib import Path

from unet_course.commands.fetch.download import fetch_lgg
from unet_course.commands.terminal import never_fail_to_print, run_script


def main(arguments: list[str] | None = None) -> int:
    """Run the command; return its exit status."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--root", type=Path, help="folder to put it in (the course's cache)")
    parser.add_argument("--archive", type=Path, help="ZIP archive that was downloaded by hand")
    parser.add_argument("--accept-licence", action="store_true", help="the licence is accepted")
    never_fail_to_print()
    options = parser.parse_args(arguments)
    return run_script(
        lambda: fetch_lgg(options.root, options.archive, options.accept_licence), lesson="05"
    )


if __name__ == "__main__":
    sys.exit(main())
