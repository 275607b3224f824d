"""Serve the built site under its base path, as GitHub Pages does, and follow every link.

    uv run --only-group docs sphinx-build -W docs site
    python tools/site_links.py site

Pages, pictures, styles and anchors are asked for over loopback, below the base path alone; links to
files of the repository on GitHub and Colab are compared with the files. Needs Python alone.
"""

from __future__ import annotations

import argparse
import re
import sys
import threading
from functools import partial
from html.parser import HTMLParser
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.error import HTTPError
from urllib.parse import unquote, urldefrag, urljoin, urlsplit
from urllib.request import urlopen

import address

ROOT = Path(__file__).resolve().parents[1]


class _Handler(SimpleHTTPRequestHandler):
    """Gives a folder's files below a base path, and nothing elsewhere."""

    def __init__(self, *arguments, base: str, **more):
        self.base = base
        super().__init__(*arguments, **more)

    def translate_path(self, path: str) -> str:
        inside = urlsplit(path).path.startswith(self.base)
        return super().translate_path(
            path[len(self.base) - 1 :] if inside else "/not/below/the/base"
        )

    def log_message(self, *_) -> None:
        pass


class _Page(HTMLParser):
    def __init__(self, text: str, html: bool):
        super().__init__()
        self.html = html
        self.links: set[str] = set()
        self.anchors: set[str] = {""}
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        for name, value in attrs:
            if name in ("href", "src") and value:
                self.links.add(value)
            elif name in ("id", "name") and value:
                self.anchors.add(value)


def broken(site: Path, where: address.Address, root: Path = ROOT) -> tuple[int, list[str]]:
    """Return how many links were followed, and a sentence for each that leads nowhere."""
    base = urlsplit(where.site()).path
    handler = partial(_Handler, directory=str(site), base=base)
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    start = f"http://127.0.0.1:{server.server_address[1]}{base}"
    pages: dict[str, _Page | None] = {}
    told, waiting, followed = [], [(start, "the start")], 0
    try:
        while waiting:
            link, source = waiting.pop()
            url, anchor = urldefrag(link)
            if not url.startswith(start):
                if url.startswith("http://127.0.0.1"):
                    told.append(f"{source}: {url[len(start) - len(base) :]} isn't below {base}")
                elif fault := _elsewhere(url, where, root):
                    told.append(f"{source}: {fault}")
                followed += 1
                continue
            if url not in pages:
                pages[url] = _get(url)
                if pages[url]:
                    waiting += [(urljoin(url, one), url) for one in sorted(pages[url].links)]
            followed += 1
            if pages[url] is None:
                told.append(f"{source}: {url} leads nowhere")
            elif anchor and pages[url].html and unquote(anchor) not in pages[url].anchors:
                told.append(f"{source}: {url} has no #{anchor}")
    finally:
        server.shutdown()
        server.server_close()
    port = f"http://127.0.0.1:{server.server_address[1]}"
    return followed, [one.replace(port, "") for one in told]


def _get(url: str) -> _Page | None:
    try:
        with urlopen(url, timeout=30) as answer:
            html = answer.headers.get_content_type() == "text/html"
            body = answer.read()
    except HTTPError:
        return None
    return _Page(body.decode() if html else "", html)


def _elsewhere(url: str, where: address.Address, root: Path) -> str | None:
    """Return what is wrong with a link to GitHub, Colab or Binder, if something is."""
    old = re.search(r"(github\.com|/github|/gh)/([\w.-]+/[\w.-]+)", url)
    if "OWNER" in url and not where.slug.startswith("OWNER/"):
        return f"{url} still has OWNER"
    if not old or old[2].removesuffix(".git") != where.slug:
        return None
    binder = "mybinder.org" in url
    file = re.search(r"/(?:blob|edit|raw|tree)/([\w.-]+)/([^?#]+)", url) if not binder else None
    if file and file[1] not in (where.branch, "HEAD"):
        return f"{url} isn't on the branch {where.branch}"
    if file and not (root / unquote(file[2])).exists():
        return f"{url}: the repository has no {file[2]}"
    opened = re.search(r"urlpath=lab/tree/([^&#]+)", unquote(url))
    if opened and not (root / opened[1]).is_file():
        return f"{url}: the repository has no {opened[1]}"
    return None


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("site", type=Path, help="what sphinx-build wrote")
    options = parser.parse_args()
    if not (options.site / "index.html").is_file():
        print(f"site_links.py: there is no {options.site / 'index.html'}", file=sys.stderr)
        return 1
    where = address.read(ROOT)
    followed, told = broken(options.site, where)
    print(
        "\n".join(told) or f"{followed} links below {where.site()} followed: each leads somewhere."
    )
    return int(bool(told))


if __name__ == "__main__":
    sys.exit(main())
