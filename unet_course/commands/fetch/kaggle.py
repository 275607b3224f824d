"""Fetch a set through kagglehub, and explain what to do where that fails."""

from __future__ import annotations

import errno
import os
import shutil
from pathlib import Path

from unet_course.commands.fetch.archive import DownloadError
from unet_course.commands.fetch.data_sets import KaggleSet
from unet_course.commands.terminal import how_to_install

KEY = """Kaggle lends public sets without an account; where it asks for one:
  1. Sign in at kaggle.com and create a key (Settings, API, Create New Token).
  2. Put the kaggle.json that you get into the folder .kaggle of your home folder, or set the
     variables KAGGLE_USERNAME and KAGGLE_KEY to the two values in it.
  3. Run the command again."""
CACHE = "KAGGLEHUB_CACHE"


BY_HAND = """
Without an account's key it works too: open {0.page}
in a browser, click Download, then give the file here:
    unet-course data {0.command} --archive archive.zip"""


def fetch(cache: Path, into: Path, dataset: KaggleSet) -> None:
    """Let kagglehub fetch the set (it resumes, and verifies Kaggle's checksum), take each folder.

    kagglehub keeps its half-downloaded archive in `cache`, unless the user has set KAGGLEHUB_CACHE,
    and the next call finds it there. A DownloadError says why a set can't be had, and what to do.
    """
    ours = CACHE not in os.environ
    os.environ.setdefault(CACHE, str(cache))
    try:
        import kagglehub

        source = Path(kagglehub.dataset_download(dataset.layout.kaggle))
    except Exception as error:
        # `from None`: the original may quote an address or a header that is nobody's business
        raise DownloadError(explain(error, dataset)) from None
    finally:
        if ours:
            del os.environ[CACHE]
    folders = dataset.find(source)
    if len(folders) < dataset.published:
        # what is half there must not be taken for whole by the next call
        shutil.rmtree(cache, ignore_errors=True)
        sent = f"{len(folders)} whole {dataset.command.upper()} {dataset.unit}"
        raise DownloadError(
            f"Kaggle sent {sent}, published are {dataset.published}. Run the command again; if it "
            f"stays so, the set has changed.{BY_HAND.format(dataset)}"
        )
    into.mkdir()
    for path in [*folders, *(folders[0].parent / name for name in dataset.tables)]:
        if ours and path.exists():
            os.replace(path, into / path.name)
        elif path.is_dir():  # the user's own cache stays as it is
            shutil.copytree(path, into / path.name)
        elif path.is_file():
            shutil.copyfile(path, into / path.name)


def explain(error: Exception, dataset: KaggleSet) -> str:
    """Say what stopped kagglehub, by the error's type and status; its text is never shown."""
    status = getattr(getattr(error, "response", None), "status_code", None)
    name = type(error).__name__
    kinds = {base.__name__ for base in type(error).__mro__}
    used, hand = _credentials_in_use(), BY_HAND.format(dataset)
    if isinstance(error, ImportError):
        return f"kagglehub isn't installed: {how_to_install('kagglehub')}{hand}"
    if status in (401, 403) or name in ("UnauthenticatedError", "CredentialError"):
        hint = f"The key in {used} was refused; renew or remove it.\n" if used else ""
        return f"Kaggle asks for an account (HTTP {status or 401}).\n{hint}{KEY}{hand}"
    if status:
        what = "'s server is in trouble ({}). Try again later.{}"
        if status == 404:
            what = f" has no set {dataset.layout.kaggle} any more ({{}}).{{}}"
        if status == 429:
            what = " has had too many requests ({}). Wait some minutes, then try again.{}"
        return f"Kaggle{what.format(f'HTTP {status}', hand)}"
    if isinstance(error, OSError) and error.errno == errno.ENOSPC:
        return "The disk is full. Free some space, or choose another disk with --root."
    if kinds & {"ConnectionError", "Timeout", "ChunkedEncodingError", "ProxyError", "SSLError"}:
        return (
            f"Kaggle can't be reached or the connection broke ({name}). Check the network (and the "
            "proxy, if there is one) and run the command again: a download that has begun goes on "
            f"where it stopped.{hand}"
        )
    if kinds & {"DataCorruptionError", "BadZipFile", "error"}:
        return f"What Kaggle sent is damaged ({name}). Run the command again.{hand}"
    if isinstance(error, ValueError) and used:
        return f"{used} can't be read. Create it anew, or remove it.\n{KEY}"
    return f"kagglehub failed ({name}).{hand}"


def _credentials_in_use() -> str:
    """Where kagglehub takes a key from, never the key."""
    if os.environ.get("KAGGLE_API_TOKEN"):
        return "the variable KAGGLE_API_TOKEN"
    if os.environ.get("KAGGLE_USERNAME") and os.environ.get("KAGGLE_KEY"):
        return "the variables KAGGLE_USERNAME and KAGGLE_KEY"
    folder = Path(os.environ.get("KAGGLE_CONFIG_DIR") or Path.home() / ".kaggle")
    files = (folder / name for name in ("access_token", "kaggle.json"))
    return next((str(file) for file in files if file.exists()), "")
