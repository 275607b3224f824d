"""Read a large file on a server in pieces: goes on where it was cut, jumps over what isn't wanted.

The server is asked for ranges of bytes (RFC 9110, section 14), each checked to be the one asked for.
"""

from __future__ import annotations

import contextlib
import re
import time
from collections.abc import Iterator
from urllib.parse import urljoin, urlsplit

import requests

from unet_course.commands.fetch.archive import DownloadError

TIMEOUT = 30.0  # seconds without a byte
TRIES = 6  # in a row that bring less than a megabyte
PAUSE = 1.0  # seconds before the second try, twice as long before each further one
WINDOW = 1 << 14  # bytes asked for at least: what is between two files comes in one answer
REFUSED = {401: "asks for an account", 403: "refuses to give it", 404: "has no such file"}


class ChangedError(DownloadError):
    """The file on the server is no longer the one of which a part is here."""


class RemoteFile:
    """A file on a server, read forwards from byte `at`.

    Args:
        address: of the file.
        version: what `version` was when an earlier part was read, so that a change is noticed.
        cure: what to do where the file can't be had; ends the messages.
    """

    def __init__(self, address: str, version: list | None = None, cure: str = ""):
        self.address, self.version, self.cure = address, version, cure
        self.at = 0
        self._session = requests.Session()
        self._session.auth = lambda request: request  # no password of a .netrc is sent
        self.close = self._session.close
        self._answer: Iterator[bytes] | None = None
        self._rest = b""  # what has come and isn't read yet
        self._asked, self._tries, self._tried_at = 0, 0, 0

    @property
    def length(self) -> int | None:
        """Bytes in all, as the server says; None before the first is read, or where it doesn't."""
        return self.version[1] if self.version else None

    def read(self, size: int) -> bytes:
        """Return the next `size` bytes. Raises DownloadError where they can't be had."""
        return b"".join(self.pieces(size))

    def pieces(self, size: int) -> Iterator[bytes]:
        """Yield the next `size` bytes as they come; `at` counts those that were yielded."""
        while size:
            piece = self._next(size)[:size]
            self._rest = self._rest[len(piece) :]
            self.at += len(piece)
            size -= len(piece)
            yield piece

    def skip(self, size: int) -> None:
        """Leave out the next `size` bytes; those that haven't come yet aren't fetched."""
        come = min(size, len(self._rest))
        self._rest, self.at = self._rest[come:], self.at + size
        if come < size and self._answer:
            with contextlib.suppress(requests.RequestException):
                if next(self._answer, b""):  # read to its end, its connection is used again
                    self.close()
            self._answer = None

    def _next(self, size: int) -> bytes:
        """Return what has come beyond `at`, at least a byte, asking and trying again as needed."""
        while not self._rest:
            try:
                self._answer = self._answer or self._ask(size)
                self._rest = next(self._answer, b"")
                if not self._rest:  # the answer's end
                    self._answer = None
                    if self.at == self._asked:
                        raise requests.ConnectionError
            except requests.RequestException as error:
                self._answer = None
                self._try_again(error)
        return self._rest

    def _try_again(self, error: requests.RequestException) -> None:
        if self.at - self._tried_at > 2**20:
            self._tries = 0
        self._tries, self._tried_at = self._tries + 1, self.at
        if self._tries >= (TRIES if self.version else 2):
            # an error's own text may quote a proxy's address and password
            why = str(error) if type(error) is requests.RequestException else type(error).__name__
            what = f"{self._tries} times in a row no connection, or a broken one ({why})"
            self._fail(f"{what}, at byte {self.at:,}. Check the network and run the command again")
        time.sleep(PAUSE * 2 ** (self._tries - 1))

    def _fail(self, what: str) -> None:
        raise DownloadError(f"{self.address}: {what}. {self.cure}")

    def _ask(self, size: int) -> Iterator[bytes]:
        """Ask for the bytes from `at` on; check that it is they that come."""
        self._asked, end = self.at, self.at + max(size, WINDOW)
        end = min(end, self.length or end)
        if end <= self.at:
            self._fail(f"the file ends after {end:,} bytes, before what it should hold")
        headers = {"Range": f"bytes={self.at}-{end - 1}", "Accept-Encoding": "identity"}
        tag = self.version[0] if self.version else ""
        if tag.startswith('"'):  # a strong validator, unlike a date or W/"…"
            headers["If-Range"] = tag
        try:
            options = {"stream": True, "timeout": TIMEOUT, "allow_redirects": False}
            answer = self._session.get(self.address, headers=headers, **options)
        except ValueError:  # requests reads where a redirection leads to
            self._fail("the server sends the download on to what is no address")
        status, said = answer.status_code, answer.headers
        if answer.is_redirect:
            new = urlsplit(urljoin(self.address, said["Location"]))
            self._fail(
                f"the server sends the download on to {new.scheme}://{new.hostname}{new.path}"
            )
        if status == 429 or status >= 500:
            raise requests.RequestException(f"HTTP {status}")
        if said.get("Content-Type", "").startswith("text/html") and status < 300:
            self._fail("a web page came in the file's place (of a network that asks for a login?)")
        span = re.fullmatch(r"bytes (\d+)-\d+/(\d+|\*)", said.get("Content-Range", ""))
        total = span[2] if span else said.get("Content-Length", "")
        length = int(total) if total.isdecimal() else None
        version = [said.get("ETag") or said.get("Last-Modified") or "", length]
        if self.version and (status == 416 or (status in (200, 206) and version != self.version)):
            what = "the file on the server has changed since this download began, so that what came"
            what += " before is of no use and was removed. Run the command again: it starts afresh"
            raise ChangedError(f"{self.address}: {what}.")
        if status == 200:
            self._fail("the server gives only the whole file, not a part of it")
        if status != 206:
            self._fail(f"the server {REFUSED.get(status, 'gives no file')} (HTTP {status})")
        if said.get("Content-Encoding", "identity") != "identity":
            self._fail("the server packs what it was asked to send as it is")
        if not span or int(span[1]) != self.at:
            self._fail(f"the server sends other bytes than from {self.at:,} on")
        self.version = version
        return answer.iter_content(1 << 16)
