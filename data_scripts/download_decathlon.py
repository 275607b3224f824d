"""Fetch cases of the Medical Segmentation Decathlon's brain task, without an account.

    python data_scripts/download_decathlon.py --root data --cases 20

The same as `unet-course data brats --source decathlon`; the work is done in
`unet_course/commands/fetch/decathlon.py`. A case has about 10 MB.
"""

import argparse
import sys
from pathlib import Path

from unet_course.commands.fetch.decathlon import ADDRESS, fetch_decathlon
from unet_course.commands.terminal import never_fail_to_print, run_script


def main(arguments: list[str] | None = None) -> int:
    """Run the command; return its exit status."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--root", type=Path, help="folder to put it in (the course's cache)")
    parser.add_argument("--cases", type=int, default=20, help="how many cases (20)")
    parser.add_argument("--accept-licence", action="store_true", help="the licence is accepted")
    parser.add_argument("--address", default=ADDRESS, help="of the archive, if it has moved")
    never_fail_to_print()
    options = parser.parse_args(arguments)
    where = {"address": options.address}
    return run_script(
        lambda: fetch_decathlon(options.root, options.cases, options.accept_licence, **where),
        lesson="07",
    )


if __name__ == "__main__":
    sys.exit(main())
