"""Fetching from the Medical Segmentation Decathlon: a loopback server with every fault of one."""

import contextlib
import functools
import http.server
import io
import itertools
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tarfile
import threading
import time
from pathlib import Path

import pytest
from brats_files import write_case

from unet_course.commands import cli
from unet_course.commands.check.check_brats import check_volumes
from unet_course.commands.fetch import decathlon, ranged_download
from unet_course.commands.fetch.decathlon import fetch_decathlon
from unet_course.commands.fetch.download import DownloadError
from unet_course.data import brats

NAME = decathlon.NAME
CASES = [f"BRATS_{number:03}" for number in (457, 1, 306, 12)]  # in an archive's order, any


@pytest.fixture(autouse=True)
def own_folders(tmp_path, monkeypatch):
    """No test sees the user's cache, terminal or proxy, and none waits."""
    monkeypatch.setenv("UNET_COURSE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setattr("sys.stdin", io.StringIO())
    monkeypatch.setattr(ranged_download, "PAUSE", 0.0)
    monkeypatch.setattr(ranged_download, "TIMEOUT", 5.0)


@pytest.fixture(scope="session")
def files(tmp_path_factory):
    """Four cases in the set's layout: path in the archive → bytes."""
    root = tmp_path_factory.mktemp("decathlon") / NAME
    for number, id in enumerate(CASES):
        write_case(root, "MSD Task01", id=id, seed=number)
    return {p.relative_to(root.parent).as_posix(): p.read_bytes() for p in root.rglob("*.nii.gz")}


def ordered(files, *folders):
    return [f"{NAME}/{folder}/{id}.nii.gz" for folder in folders for id in CASES]


def pack(files, names=None, *more, end=True):
    """A tar archive as the set's: extended headers, test images and a Mac's files between."""
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w", format=tarfile.PAX_FORMAT) as out:
        for name in (NAME, f"{NAME}/imagesTr"):
            folder = tarfile.TarInfo(name)
            folder.type = tarfile.DIRTYPE
            out.addfile(folder)
        for name in names or [*ordered(files, "imagesTr"), "test", *ordered(files, "labelsTr")]:
            content = files.get(name, b"t" * 300_000)
            info = tarfile.TarInfo(name if name in files else f"{NAME}/imagesTs/BRATS_485.nii.gz")
            info.size, info.pax_headers = len(content), {"comment": "a Mac's attribute"}
            beside = tarfile.TarInfo(info.name.replace("/BRATS", "/._BRATS"))
            beside.size = 120
            out.addfile(beside, io.BytesIO(b"m" * 120))
            out.addfile(info, io.BytesIO(content))
        for info, content in more:
            out.addfile(info, io.BytesIO(content))
    return data.getvalue() if end else data.getvalue().rstrip(b"\0")


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 20

    def do_GET(self):
        server = self.server
        server.asked.append((self.path, dict(self.headers)))
        fault = server.faults.pop(0) if server.faults else server.always
        fault(self)

    def log_message(self, *_):
        pass

    def head(self, status, **fields):
        self.send_response(status)
        for name, value in fields.items():
            self.send_header(name.replace("_", "-"), str(value))
        self.end_headers()

    def body(self, data):
        try:
            self.wfile.write(data)
            self.server.sent += len(data)
        except OSError:
            self.close_connection = True


def sound(h, data=None, tag='"one"', ranges=True, cut=None, more=0, total=None, shift=0, extra=()):
    """A server as it should be; the options make it another."""
    data = h.server.data if data is None else data
    first, last = map(int, re.fullmatch(r"bytes=(\d+)-(\d+)", h.headers["Range"]).groups())
    fields = {"ETag": tag} if tag else {}
    fields |= dict(extra)
    if not ranges or h.headers.get("If-Range", tag) != tag:
        h.head(200, Content_Length=len(data) + more, **fields)
        part = data
    elif first >= len(data):
        h.head(416, Content_Length=0, Content_Range=f"bytes */{len(data)}")
        return
    else:
        part = data[first : last + 1]
        span = f"bytes {first + shift}-{first + len(part) - 1}/{total or len(data)}"
        h.head(206, Content_Length=len(part) + more, Content_Range=span, **fields)
    h.body(part if cut is None else part[:cut])
    if more or cut is not None:
        h.close_connection = True


def without_length(h):
    h.head(200, Connection="close")
    h.body(h.server.data)
    h.close_connection = True


def stall(h):
    h.head(206, Content_Length=10**6, Content_Range=f"bytes 0-999999/{10**6}")
    h.server.stop.wait(10)
    h.close_connection = True


def status(h, number, **fields):
    h.head(number, Content_Length=0, **fields)


def page(h):
    text = b"\n<html>Please log in</html>".ljust(3000)
    h.head(200, Content_Length=len(text), Content_Type="text/html")
    h.body(text)


def but(fault, **options):
    return functools.partial(fault, **options)


@pytest.fixture
def server(files):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    server.handle_error = lambda *_: None  # a client that has seen enough
    server.data, server.faults, server.always = pack(files), [], sound
    server.asked, server.sent, server.stop = [], 0, threading.Event()
    server.address = f"http://127.0.0.1:{server.server_port}/{NAME}.tar"
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}).start()
    yield server
    server.stop.set()
    server.shutdown()
    server.server_close()


def fetch(tmp_path, server, cases=2, **options):
    options = {"accept_licence": True, "progress": False, "address": server.address} | options
    return fetch_decathlon(tmp_path / "root", cases, **options)


def taken(folder):
    return {
        f"{NAME}/{p.relative_to(folder).as_posix()}": p.read_bytes() for p in folder.rglob("B*")
    }


def of(files, *ids):
    return {name: data for name, data in files.items() if Path(name).name.partition(".")[0] in ids}


def nothing_half(tmp_path, files):
    """Nothing is in place, and what is kept for the next call is whole or named as a part."""
    root = tmp_path / "root"
    assert not (root / NAME).exists()
    for path in root.rglob("*.nii.gz*"):
        content = files[f"{NAME}/{path.parent.name}/{path.name.removesuffix('.part')}"]
        assert content.startswith(path.read_bytes())
        assert path.name.endswith(".part") or content == path.read_bytes()


# --- as it should be ----------------------------------------------------------------------------


def test_the_first_cases_are_fetched_checked_and_recorded(tmp_path, server, files, capsys):
    folder = fetch(tmp_path, server)
    assert folder == (tmp_path / "root" / NAME).resolve()
    assert taken(folder) == of(files, *CASES[:2])
    assert server.sent < sum(map(len, taken(folder).values())) + 12 * ranged_download.WINDOW
    record = json.loads((folder / "download.json").read_text(encoding="utf-8"))
    assert record["archive"] == server.address
    assert record["version"] == ['"one"', len(server.data)]
    assert len(record["sha256"]) == 4 and record["licence"] == "CC BY-SA 4.0"
    licence = (folder / "LICENCE.txt").read_text(encoding="utf-8")
    said = capsys.readouterr().out
    for words in ("CC BY-SA 4.0", "same licence", "Antonelli M", "medicaldecathlon.com"):
        assert words in licence and words in said
    assert "2 of the 484 published cases" in said and "In place and checked" in said
    assert check_volumes(folder, progress=False).problems == []
    assert [case.id for case in brats.find_cases(folder)] == ["BRATS_001", "BRATS_457"]
    assert sorted(p.name for p in folder.parent.iterdir() if p.suffix != ".lock") == [NAME]
    asked = len(server.asked)
    assert fetch(tmp_path, server) == folder and len(server.asked) == asked
    assert "Already there, unchanged: 2 cases" in capsys.readouterr().out


def test_more_cases_are_added_and_fewer_change_nothing(tmp_path, server, files):
    folder = fetch(tmp_path, server, 1)
    sent = server.sent
    assert taken(fetch(tmp_path, server, 3)) == of(files, *CASES[:3])
    assert server.sent - sent < sum(map(len, of(files, *CASES[1:3]).values())) + 300_000
    record = json.loads((folder / "download.json").read_text(encoding="utf-8"))
    assert len(record["sha256"]) == 6
    asked = len(server.asked)
    assert taken(fetch(tmp_path, server, 2)) == of(files, *CASES[:3]) and len(server.asked) == asked
    assert not (tmp_path / "root" / f".{NAME}.incoming").exists()


@pytest.mark.parametrize("loss", ["image", "mask", "damage"])
def test_what_was_lost_or_damaged_is_fetched_again(tmp_path, server, files, loss, capsys):
    folder = fetch(tmp_path, server)
    image = folder / "imagesTr" / f"{CASES[1]}.nii.gz"
    mask = folder / "labelsTr" / f"{CASES[1]}.nii.gz"
    lose = {"image": image.unlink, "mask": mask.unlink, "damage": lambda: image.write_bytes(b"x")}
    lose[loss]()
    assert taken(fetch(tmp_path, server, 1)) == of(files, *CASES[:2])
    assert f"Missing or changed in {folder}" in capsys.readouterr().out


def test_what_differs_from_the_record_is_not_taken(tmp_path, server, files):
    folder = fetch(tmp_path, server)
    (folder / "imagesTr" / f"{CASES[1]}.nii.gz").unlink()
    other = files | {
        f"{NAME}/imagesTr/{CASES[1]}.nii.gz": files[f"{NAME}/imagesTr/{CASES[3]}.nii.gz"]
    }
    server.data = pack(other)
    with pytest.raises(DownloadError, match=r"differs from what was recorded.*remove "):
        fetch(tmp_path, server)
    assert len(taken(folder)) == 3


@pytest.mark.parametrize("order", ["masks first", "in pairs", "in pairs, mask first", "sorted"])
def test_an_archive_may_be_in_any_order(tmp_path, server, files, order):
    images, masks = ordered(files, "imagesTr"), ordered(files, "labelsTr")
    names = {
        "masks first": masks + images,
        "in pairs": list(itertools.chain(*zip(images, masks, strict=True))),
        "in pairs, mask first": list(itertools.chain(*zip(masks, images, strict=True))),
        "sorted": sorted(images + masks),
    }[order]
    server.data = pack(files, names)
    folder = fetch(tmp_path, server, 2)
    assert taken(folder) == of(files, *sorted(CASES)[:2] if order == "sorted" else CASES[:2])


@pytest.mark.parametrize("options", [{"total": "*"}, {"tag": ""}, {"tag": 'W/"weak"'}])
def test_a_server_may_say_little(tmp_path, server, files, options):
    server.always = but(sound, **options)
    assert taken(fetch(tmp_path, server, 4)) == files


# --- a server that errs, and then doesn't -------------------------------------------------------

PASSING = {
    "cut": but(sound, cut=3000),
    "cut at once": but(sound, cut=0),
    "longer than it is": but(sound, more=5000),
    "busy": but(status, number=503),
    "too many requests": but(status, number=429),
    "in error": but(status, number=500),
}


@pytest.mark.parametrize("name", PASSING)
@pytest.mark.parametrize("after", [0, 3, 5])
def test_a_passing_fault_is_overcome(tmp_path, server, files, name, after):
    server.faults = [sound] * after + [PASSING[name]] * (1 if after == 0 else 3)
    assert taken(fetch(tmp_path, server)) == of(files, *CASES[:2])


def test_a_connection_that_stalls_is_begun_again(tmp_path, server, files, monkeypatch):
    monkeypatch.setattr(ranged_download, "TIMEOUT", 0.3)
    server.faults = [sound, sound, but(stall_midway)]
    assert taken(fetch(tmp_path, server)) == of(files, *CASES[:2])


def stall_midway(h):
    first, last = map(int, re.findall(r"\d+", h.headers["Range"]))
    span, tag = f"bytes {first}-{last}/{len(h.server.data)}", '"one"'
    h.head(206, Content_Length=last + 1 - first, Content_Range=span, ETag=tag)
    h.body(h.server.data[first : first + 2000])
    h.server.stop.wait(10)
    h.close_connection = True


# --- a server that keeps to its fault -----------------------------------------------------------

LASTING = {
    "cuts": (but(sound, cut=0), "6 times in a row .*Check the network"),
    "cuts in the middle": (but(sound, cut=9000), "6 times in a row"),
    "announces more": (but(sound, more=500), "6 times in a row"),
    "no length": (without_length, "gives only the whole file"),
    "ignores ranges": (but(sound, ranges=False), "gives only the whole file"),
    "announces less": (but(sound, total=2048), r"more than the archive holds|ends after 2,048"),
    "stalls": (stall, r"6 times in a row .*\(\w+\)"),
    "busy": (but(status, number=503), r"2 times in a row .*\(HTTP 503\)"),
    "in error": (but(status, number=500), r"2 times in a row .*\(HTTP 500\)"),
    "401": (but(status, number=401), r"asks for an account \(HTTP 401\)"),
    "403": (but(status, number=403), r"refuses to give it \(HTTP 403\)"),
    "404": (but(status, number=404), r"has no such file \(HTTP 404\)"),
    "416": (but(status, number=416), r"gives no file \(HTTP 416\)"),
    "304": (but(status, number=304), r"gives no file \(HTTP 304\)"),
    "other bytes": (but(sound, shift=1), r"sends other bytes than from 0 on"),
    "packs": (but(sound, extra=[("Content-Encoding", "gzip")]), "packs what it was asked"),
    "a page": (page, "a web page came .*log"),
    "no tar": (
        but(sound, data=b"no archive " * 9000),
        r"damaged at byte 0\. Run the command again",
    ),
    "zeros": (but(sound, data=bytes(90000)), "ends before 2 more cases are whole"),
    "nothing": (but(sound, data=b""), r"gives no file \(HTTP 416\)"),
    "circle": (but(status, number=302, Location="/x"), r"on to http://127\.0\.0\.1/x\."),
    "another host": (
        but(status, number=301, Location="http://user:secret@192.0.2.7/x?key=secret"),
        r"on to http://192\.0\.2\.7/x\.",
    ),
    "another scheme": (but(status, number=302, Location="file:///etc/passwd"), "on to file://"),
    "no address": (but(status, number=302, Location="http://[/"), "on to what is no address"),
    "no http": (lambda h: h.body(b"SSH-2.0\r\n\r\n"), "2 times in a row"),
}


@pytest.mark.parametrize("name", LASTING)
def test_a_lasting_fault_is_named_with_a_cure(tmp_path, server, files, name, monkeypatch):
    monkeypatch.setattr(ranged_download, "TIMEOUT", 0.3 if name == "stalls" else 5.0)
    fault, words = LASTING[name]
    server.always = fault
    with pytest.raises(DownloadError, match=f"(?s){words}") as told:
        fetch(tmp_path, server)
    assert "By hand: open https://" in str(told.value) and "unet-course data check" in str(
        told.value
    )
    assert "secret" not in str(told.value) and "Traceback" not in str(told.value)
    nothing_half(tmp_path, files)
    monkeypatch.setattr(ranged_download, "TIMEOUT", 5.0)
    server.always = sound
    try:
        folder = fetch(tmp_path, server)
    except ranged_download.ChangedError:  # what it said at first was of another file
        folder = fetch(tmp_path, server)
    assert taken(folder) == of(files, *CASES[:2])


def test_without_a_network_it_says_so(tmp_path, server):
    server.shutdown()
    server.server_close()
    with pytest.raises(DownloadError, match=r"no connection.*Check the network"):
        fetch(tmp_path, server)
    with pytest.raises(DownloadError, match="2 times in a row"):
        fetch(tmp_path, server, address="http://name.invalid/x.tar")


# --- interruptions and changes ------------------------------------------------------------------


@pytest.mark.parametrize("share", [0, 0.001, 0.3, 0.49, 0.6, 0.9])
def test_ctrl_c_loses_nothing(tmp_path, server, files, monkeypatch, share):
    whole = sum(map(len, of(files, *CASES[:2]).values()))
    pieces, came, at = ranged_download.RemoteFile.pieces, [0], int(share * whole)

    def interrupted(self, size):
        for piece in pieces(self, size):
            yield piece
            came[0] += len(piece) if size > 512 else 0
            if size > 512 and came[0] >= at:
                raise KeyboardInterrupt

    monkeypatch.setattr(ranged_download.RemoteFile, "pieces", interrupted)
    with pytest.raises(KeyboardInterrupt):
        fetch(tmp_path, server)
    nothing_half(tmp_path, files)
    kept = sum(p.stat().st_size for p in (tmp_path / "root").rglob("*.nii.gz*"))
    assert kept >= at
    monkeypatch.undo()
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    server.sent = 0
    assert taken(fetch(tmp_path, server)) == of(files, *CASES[:2])
    assert server.sent <= whole - kept + 16 * ranged_download.WINDOW


@pytest.mark.parametrize("moved", range(5))
@pytest.mark.parametrize("before", [0, 1])
def test_stopped_while_it_is_put_in_place(tmp_path, server, files, monkeypatch, moved, before):
    if before:
        fetch(tmp_path, server, before)
    left, storage = [moved], decathlon.storage
    put, replace = decathlon._put_in_place, storage.replace

    def stopped(*arguments):
        if not left[0]:
            raise KeyboardInterrupt
        left[0] -= 1
        replace(*arguments)

    def putting(*arguments):
        with monkeypatch.context() as patch:
            patch.setattr(storage, "replace", stopped)
            put(*arguments)

    monkeypatch.setattr(decathlon, "_put_in_place", putting)
    with contextlib.suppress(KeyboardInterrupt):
        fetch(tmp_path, server, 3)
    monkeypatch.setattr(decathlon, "_put_in_place", put)
    folder = fetch(tmp_path, server, 3)
    assert {**taken(folder), **of(files, *CASES[:3])} == taken(folder)
    assert check_volumes(folder, progress=False).problems == []
    assert not (tmp_path / "root" / f".{NAME}.incoming").exists()


def test_killed_it_goes_on(tmp_path, server, files):
    server.faults = [sound] * 2 + [stall_midway]
    code = "import sys; from unet_course.commands.fetch.decathlon import fetch_decathlon as fetch\n"
    code += f"fetch({str(tmp_path / 'root')!r}, 2, True, False, {server.address!r})"
    run = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.DEVNULL)
    give_up = time.monotonic() + 120
    while not list((tmp_path / "root").rglob("*.part")) and time.monotonic() < give_up:
        time.sleep(0.05)
    run.kill()
    run.wait()
    nothing_half(tmp_path, files)
    assert taken(fetch(tmp_path, server)) == of(files, *CASES[:2])


def stop_after(server, number):
    """Let the server fail for good after so many answers."""
    server.faults = [sound] * number
    server.always = but(status, number=403)


@pytest.mark.parametrize("how", ["tag", "no tag", "date", "shorter", "tag without ranges"])
def test_a_file_that_changed_between_two_tries_is_noticed(tmp_path, server, files, how):
    first = but(sound, tag="") if how == "no tag" else sound
    if how == "date":
        first = but(sound, tag="", extra=[("Last-Modified", "Mon, 01 Jan 2024 00:00:00 GMT")])
    server.faults, server.always = [first] * 3, but(status, number=403)
    with pytest.raises(DownloadError, match="403"):
        fetch(tmp_path, server)
    assert list((tmp_path / "root").rglob("*.nii.gz*"))
    new = pack(files, None, (tarfile.TarInfo(f"{NAME}/new"), b""))
    server.always = {
        "tag": but(sound, tag='"two"'),
        "no tag": but(sound, tag="", data=new + bytes(10240)),
        "date": but(sound, tag="", extra=[("Last-Modified", "Tue, 02 Jan 2024 00:00:00 GMT")]),
        "shorter": but(sound, data=server.data[:1024], tag='"one"'),
        "tag without ranges": but(sound, tag='"two"', ranges=False),
    }[how]
    with pytest.raises(DownloadError, match=r"has changed since this download began.*again"):
        fetch(tmp_path, server)
    assert not list((tmp_path / "root").rglob("*.nii.gz*"))
    if how not in ("shorter", "tag without ranges"):  # the server stays as it is
        assert taken(fetch(tmp_path, server)) == of(files, *CASES[:2])


def test_a_file_that_changes_in_one_try_is_noticed(tmp_path, server, files):
    server.faults, server.always = [sound] * 4, but(sound, tag='"two"')
    with pytest.raises(DownloadError, match="has changed"):
        fetch(tmp_path, server)
    assert taken(fetch(tmp_path, server)) == of(files, *CASES[:2])


@pytest.mark.parametrize("text", ["", "{", "[]", '{"version": 3}', '{"version": ["x", "y"]}'])
def test_a_damaged_note_of_where_it_was_starts_afresh(tmp_path, server, files, text):
    stop_after(server, 4)
    with pytest.raises(DownloadError):
        fetch(tmp_path, server)
    note = tmp_path / "root" / f".{NAME}.incoming" / "download.json"
    assert note.exists()
    note.write_text(text, encoding="utf-8")
    server.always = sound
    assert taken(fetch(tmp_path, server)) == of(files, *CASES[:2])


# --- an archive that isn't what it should be ----------------------------------------------------


def entry(name, kind=tarfile.REGTYPE, size=0, link=""):
    info = tarfile.TarInfo(name)
    info.type, info.size, info.linkname = kind, size, link
    return info


IMAGE = f"{NAME}/imagesTr/BRATS_001.nii.gz"
EVIL = {
    "leaves": (entry("../../evil"), "leaves the folder"),
    "leaves within": (entry(f"{NAME}/imagesTr/../../../evil"), "leaves the folder"),
    "leaves on Windows": (entry(f"{NAME}\\..\\..\\evil"), "leaves the folder"),
    "absolute": (entry("/etc/evil"), "leaves the folder"),
    "link": (entry(IMAGE, tarfile.SYMTYPE, link="/etc/passwd"), "is a link"),
    "hard link": (entry(IMAGE, tarfile.LNKTYPE, link="../x"), "is a link"),
    "device": (entry(IMAGE, tarfile.CHRTYPE), "a device"),
    "pipe": (entry(IMAGE, tarfile.FIFOTYPE), "a device"),
    "sparse": (entry(IMAGE, tarfile.GNUTYPE_SPARSE), "or the like"),
    "empty": (entry(IMAGE), "claims 0 bytes"),
    "large": (entry(IMAGE, size=10**12), "claims 1,000,000,000,000 bytes"),
    "beyond the end": (entry(IMAGE, size=10**8), "more than the archive holds"),
    "negative": (entry(IMAGE, size=-512), "claims -512 bytes"),
}


@pytest.mark.parametrize("name", EVIL)
def test_an_entry_that_is_not_to_be_trusted_ends_it(tmp_path, server, files, name):
    info, words = EVIL[name]
    head = info.tobuf(tarfile.GNU_FORMAT)
    server.data = head + pack(files)
    with pytest.raises(DownloadError, match=f"not to be trusted, .*{words}.*not unpacked"):
        fetch(tmp_path, server)
    nothing_half(tmp_path, files)
    assert not list(tmp_path.rglob("evil"))


def test_a_size_that_no_case_has_is_refused_without_a_length_too(tmp_path, server, files):
    server.data = entry(IMAGE, size=10**9).tobuf() + pack(files)
    server.always = but(sound, total="*")
    with pytest.raises(DownloadError, match="up to 150,000,000 are usual"):
        fetch(tmp_path, server)
    server.data = entry(f"{NAME}/other", size=10**15).tobuf(tarfile.GNU_FORMAT) + pack(files)
    with pytest.raises(DownloadError, match="more than the archive holds"):
        fetch(tmp_path, server)


@pytest.mark.parametrize("where", [600, 200_000])
def test_a_damaged_header_is_named(tmp_path, server, files, where):
    data = server.data
    at = data.index(b"ustar", where)  # in a header's middle
    server.data = data[:at] + b"XXXX" + data[at + 4 :]
    with pytest.raises(DownloadError, match=r"damaged at byte [\d,]+\. Run the command again"):
        fetch(tmp_path, server)
    nothing_half(tmp_path, files)


def test_an_archive_that_is_cut_short_is_named(tmp_path, server, files):
    server.data = server.data[:210_000]
    with pytest.raises(DownloadError, match=r"more than the archive holds|ends after"):
        fetch(tmp_path, server)
    nothing_half(tmp_path, files)


@pytest.mark.parametrize("folder", ["imagesTr", "labelsTr"])
def test_a_damaged_file_is_fetched_again_alone(tmp_path, server, files, folder):
    name = f"{NAME}/{folder}/{CASES[1]}.nii.gz"
    content = bytearray(files[name])
    content[len(content) // 2 :][:8] = b"damaged!"
    content[len(content) // 2] ^= 255
    good, server.data = server.data, pack(files | {name: bytes(content)})
    with pytest.raises(DownloadError, match=rf"(?s)not sound, nothing.*{CASES[1]}\.nii\.gz: "):
        fetch(tmp_path, server)
    assert not (tmp_path / "root" / NAME).exists()
    server.data, server.sent = good, 0
    assert taken(fetch(tmp_path, server)) == of(files, *CASES[:2])
    assert server.sent < len(content) + 16 * ranged_download.WINDOW


def test_fewer_cases_than_asked_for_are_told(tmp_path, server, files):
    with pytest.raises(DownloadError, match=r"ends before 5 more cases are whole.*--cases"):
        fetch(tmp_path, server, 5)
    server.sent = 0
    assert taken(fetch(tmp_path, server, 4)) == files and server.sent == 0


def test_an_archive_without_end_ends(tmp_path, server, files, monkeypatch):
    monkeypatch.setattr(decathlon, "ENTRIES", 5)
    with pytest.raises(DownloadError, match="more than 5 files"):
        fetch(tmp_path, server)


# --- before anything is fetched -----------------------------------------------------------------


def test_without_accepting_the_licence_nothing_is_asked(tmp_path, server, capsys):
    with pytest.raises(DownloadError, match=r"fetch_decathlon\(accept_licence=True\)"):
        fetch(tmp_path, server, accept_licence=False)
    assert server.asked == [] and "CC BY-SA 4.0" in capsys.readouterr().out


@pytest.mark.parametrize("cases", [0, -1, 485])
def test_a_number_of_cases_that_the_set_has_not_is_refused(tmp_path, server, cases):
    with pytest.raises(DownloadError, match="ask for 1 to 484"):
        fetch(tmp_path, server, cases)
    assert server.asked == []


def test_free_disk_is_looked_at_first(tmp_path, server, monkeypatch):
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=39 * 10**6))
    with pytest.raises(DownloadError, match=r"40.0 MB are needed.*--root"):
        fetch(tmp_path, server)
    assert server.asked == []


def test_a_folder_filled_by_hand_is_used_if_it_is_sound(tmp_path, server, capsys):
    folder = write_case(tmp_path / "root" / NAME, "MSD Task01")
    with pytest.raises(
        DownloadError, match=r"there already.*has 1 of the cases.*choose another --root"
    ):
        fetch(tmp_path, server)
    assert fetch(tmp_path, server, 1) == folder.resolve()
    assert "Already there and sound" in capsys.readouterr().out
    next(folder.rglob("*.nii.gz")).write_bytes(b"x")
    with pytest.raises(DownloadError, match=r"was there already and isn't sound"):
        fetch(tmp_path, server, 1)
    assert server.asked == []


def test_a_damaged_record_is_named(tmp_path, server):
    folder = fetch(tmp_path, server)
    (folder / "download.json").write_text("{", encoding="utf-8")
    with pytest.raises(DownloadError, match=r"download\.json: damaged.*Remove it"):
        fetch(tmp_path, server)
    (folder / "download.json").unlink()
    assert fetch(tmp_path, server) == folder


def test_a_full_disk_is_told_and_the_next_call_goes_on(tmp_path, server, files, monkeypatch):
    stop_after(server, 4)
    with pytest.raises(DownloadError, match="403"):
        fetch(tmp_path, server)
    server.always = sound
    write = decathlon.storage.expect_room

    def full(folder, needed):
        if folder.name.endswith("Tr"):
            raise OSError(28, "No space left on device", str(folder))
        write(folder, needed)

    monkeypatch.setattr(decathlon.storage, "expect_room", full)
    with pytest.raises(DownloadError, match="the disk is full"):
        fetch(tmp_path, server)
    nothing_half(tmp_path, files)
    monkeypatch.setattr(decathlon.storage, "expect_room", write)
    assert taken(fetch(tmp_path, server)) == of(files, *CASES[:2])


# --- the command --------------------------------------------------------------------------------


def test_the_command(tmp_path, server, monkeypatch, capsys):
    monkeypatch.setattr(
        decathlon, "fetch_decathlon", functools.partial(fetch_decathlon, address=server.address)
    )
    command = ["data", "brats", "--source", "decathlon", "--root", str(tmp_path / "root")]
    assert cli.main(command) == 1
    assert "--accept-licence" in capsys.readouterr().err
    assert cli.main([*command, "--cases", "3", "--accept-licence"]) == 0
    said = capsys.readouterr().out
    folder = tmp_path / "root" / NAME
    assert f"In place and checked: {folder}" in said and f"LESSON --data {folder}" in said
    assert len(taken(folder)) == 6
    assert cli.main(["data", "check", str(folder)]) == 0
    assert "No problem found" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (["--cases", "3"], "--source decathlon"),
        (["--source", "decathlon", "--archive", "x.zip"], "--archive"),
    ],
)
def test_options_of_the_other_source_are_refused(tmp_path, capsys, more, words):
    assert cli.main(["data", "brats", "--root", str(tmp_path), "--accept-licence", *more]) == 1
    assert words in capsys.readouterr().err


@pytest.mark.skipif(os.name == "nt", reason="Windows sends Ctrl-C to the whole console")
def test_ctrl_c_at_the_command(tmp_path, server):
    server.always = stall
    script = Path(__file__).parents[1] / "data_scripts" / "download_decathlon.py"
    env = {**os.environ, "PYTHONPATH": str(script.parents[1]), "PYTHONIOENCODING": "utf-8"}
    command = [sys.executable, str(script), "--root", str(tmp_path), "--address", server.address]
    command += ["--accept-licence"]
    run = subprocess.Popen(command, env=env, stderr=subprocess.PIPE, text=True, encoding="utf-8")
    give_up = time.monotonic() + 120
    while not server.asked and time.monotonic() < give_up:
        time.sleep(0.05)
    run.send_signal(signal.SIGINT)
    assert "The same command goes on from here" in run.communicate(timeout=60)[1]
    assert run.returncode == 130
