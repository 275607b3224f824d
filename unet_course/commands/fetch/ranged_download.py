"""Read a large file on a server in pieces: goes on where it was cut, jumps over what isn't wanted.

A server is asked for ranges of bytes (RFC 9110, section 14). One that can't is read from the start.
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
TRIES = 6  # that bring less than a megabyte
PAUSE = 1.0  # seconds before the second try, twice as long before each further one
WINDOW = 1 << 14  # bytes asked for at least: what is between two files comes in one answer
REDIRECTS = 5
REFUSED = {401: "asks for an account", 403: "refuses to give it", 404: "has no such file"}


class ChangedError(DownloadError):
    """The file on the server is no longer the one of which a part is here."""


class RemoteFile:
    """A file on a server, read forwards from byte `at`.

    Args:
        address: of the file; a redirection may lead to another path of the same server only.
        version: what `version` was when an earlier part was read, so that a change is noticed.
        cure: what to do where the file can't be had; ends the messages.
    """

    def __init__(self, address: str, version: list | None = None, cure: str = ""):
        self.address, self.version, self.cure = address, version, cure
        self.at = 0
        self._session = requests.Session()
        self._session.auth = lambda request: request  # no password of a .netrc is sent
        self._answer: Iterator[bytes] | None = None
        self._rest = b""  # what has come and isn't read yet
        self._ranges = True  # until the server shows that it has none
        self._tries, self._tried_at = 0, 0

    @property
    def length(self) -> int | None:
        """Bytes in all, as the server says; None before the first is read, or where it doesn't."""
        return self.version[1] if self.version else None

    def close(self) -> None:
        self._session.close()

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
        """Leave out the next `size` bytes, without fetching them where the server has ranges."""
        for piece in self.pieces(min(size, len(self._rest)) if self._ranges else size):
            size -= len(piece)
        if size:
            self._rest, self.at = b"", self.at + size
            with contextlib.suppress(requests.RequestException):
                if self._answer and next(self._answer, b""):  # read to its end it is used again
                    self._session.close()
            self._answer = None

    def _next(self, size: int) -> bytes:
        """Return what has come beyond `at`, at least a byte, asking and trying again as needed."""
        while not self._rest:
            try:
                if self._answer is None:
                    self._answer = self._ask(size)
                self._rest = next(self._answer, b"")
                if not self._rest:  # the answer's end, as announced or where no length was
                    self._answer = None
                    if self.length is None or self.length <= self.at:
                        raise requests.ConnectionError
            except requests.RequestException as error:
                self._answer = None
                self._try_again(error)
        return self._rest

    def _try_again(self, error: requests.RequestException) -> None:
        if self.at - self._tried_at > 2**20:
            self._tries = 0
        self._tries, self._tried_at = self._tries + 1, self.at
        if self.length is not None and self.at >= self.length:
            self._fail(f"the file ends after {self.at:,} bytes, before what it should hold")
        if self._tries >= (TRIES if self.version else 2):
            # an error's own text may quote a proxy's address and password
            why = str(error) if isinstance(error, _BusyError) else type(error).__name__
            what = f"{self._tries} times in a row no connection, or a broken one ({why})"
            self._fail(f"{what}, at byte {self.at:,}. Check the network and run the command again")
        time.sleep(PAUSE * 2 ** (self._tries - 1))

    def _fail(self, what: str) -> None:
        raise DownloadError(f"{self.address}: {what}. {self.cure}")

    def _ask(self, size: int) -> Iterator[bytes]:
        """Ask for the bytes from `at` on; check that it is they that come."""
        end = self.at + max(size, WINDOW)
        end = min(end, self.length or end)
        headers = {"Range": f"bytes={self.at}-{end - 1}", "Accept-Encoding": "identity"}
        tag = self.version[0] if self.version else ""
        if tag.startswith('"'):  # a strong validator, unlike a date or W/"…"
            headers["If-Range"] = tag
        if end <= self.at:
            raise requests.ConnectionError  # beyond the end
        answer = self._get(headers)
        status, said = answer.status_code, answer.headers
        if status == 416 and self.version:
            self._changed()
        if status == 429 or status >= 500:
            raise _BusyError(f"HTTP {status}")
        if status not in (200, 206):
            self._fail(f"the server {REFUSED.get(status, 'gives no file')} (HTTP {status})")
        if said.get("Content-Encoding", "identity") != "identity":
            self._fail("the server packs what it was asked to send as it is")
        first, total = 0, said.get("Content-Length", "")
        if status == 206:
            span = re.fullmatch(r"bytes (\d+)-\d+/(\d+|\*)", said.get("Content-Range", ""))
            first, total = (int(span[1]), span[2]) if span else (-1, "")
            if first != self.at:
                self._fail(f"the server sends other bytes than from {self.at:,} on")
        length = int(total) if total.isdecimal() else None
        version = [said.get("ETag") or said.get("Last-Modified") or "", length]
        if self.version not in (None, version):
            self._changed()
        self.version, self._ranges = version, status == 206
        pieces = answer.iter_content(1 << 16)
        return pieces if first == self.at else _without(pieces, self.at)

    def _changed(self) -> None:
        raise ChangedError(
            f"{self.address}: the file on the server has changed since this download began, so that "
            "what came before is of no use and was removed. Run the command again: it starts afresh."
        )

    def _get(self, headers: dict[str, str]) -> requests.Response:
        """Get the address, following redirections on the same server."""
        address, old = self.address, urlsplit(self.address)
        options = {"headers": headers, "timeout": TIMEOUT}
        for _ in range(REDIRECTS + 1):
            try:
                answer = self._session.get(address, stream=True, allow_redirects=False, **options)
                if not answer.is_redirect:
                    return answer
                answer.close()
                address = urljoin(address, answer.headers["Location"])
                new = urlsplit(address)
            except ValueError:
                self._fail("the server sends the download on to what is no address")
            if (new.scheme, new.netloc) != (old.scheme, old.netloc):
                self._fail(f"the server sends the download on to {new.scheme}://{new.hostname}")
        self._fail(f"the server sends the download on more than {REDIRECTS} times")


class _BusyError(requests.RequestException):
    """The server says that it can't just now; another try may do."""


def _without(pieces: Iterator[bytes], size: int) -> Iterator[bytes]:
    """Yield pieces without their first `size` bytes."""
    for piece in pieces:
        if size < len(piece):
            yield piece[size:]
        size = max(0, size - len(piece))
