"""Fetching the LGG set: archives of every kind, Kaggle's answers, interruptions, restoring."""

import dataclasses
import hashlib
import http.server
import io
import json
import os
import shutil
import stat
import subprocess
import sys
import threading
import zipfile
from base64 import b64encode
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lgg_files import write_set

from unet_course.commands.check.check_lgg import check_lgg
from unet_course.commands.fetch import archive, download, kaggle
from unet_course.commands.fetch.data_sets import LGG_SET
from unet_course.commands.fetch.download import DownloadError, fetch_lgg
from unet_course.data.layouts import LGG

NAME = "TCGA_DU_0002_20000101"


@pytest.fixture(autouse=True)
def own_folders(tmp_path, monkeypatch):
    """No test sees the user's cache, Kaggle key or terminal."""
    monkeypatch.setenv("UNET_COURSE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("KAGGLE_CONFIG_DIR", str(tmp_path / "no-key"))
    for name in ("KAGGLE_API_TOKEN", "KAGGLE_USERNAME", "KAGGLE_KEY", "KAGGLEHUB_CACHE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("sys.stdin", io.StringIO())


@pytest.fixture(scope="session")
def files(tmp_path_factory):
    """A sound set of two patients with two slices each: path in the archive → bytes."""
    root = tmp_path_factory.mktemp("files")
    write_set(root, patients=2, slices=2)
    return {p.relative_to(root).as_posix(): p.read_bytes() for p in root.rglob("*") if p.is_file()}


def pack(path, files, *more):
    """Write a ZIP archive of files (path → bytes) and of further (ZipInfo or name, bytes)."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as out:
        for name, data in [*files.items(), *more]:
            out.writestr(name, data)
    return path


@pytest.fixture
def zipped(tmp_path, files):
    """An archive as Kaggle's is said to be: the set in it twice."""
    again = {f"lgg-mri-segmentation/{name}": data for name, data in files.items()}
    return pack(tmp_path / "archive.zip", {**again, **files})


def fetch(tmp_path, path, **options):
    return fetch_lgg(tmp_path / "root", path, accept_licence=True, progress=False, **options)


def unpack(opened, into):
    archive.unpack(opened, archive.contents(opened, LGG_SET)[0], into, LGG_SET, progress=False)


def nothing_in_place(tmp_path):
    """Neither the set nor anything half-made, only the lock."""
    root = tmp_path / "root"
    return not root.exists() or all(p.name.endswith(".lock") for p in root.iterdir())


# --- an archive ---------------------------------------------------------------------------------


def test_an_archive_is_unpacked_checked_and_recorded(tmp_path, zipped, files, capsys):
    folder = fetch(tmp_path, zipped)
    assert folder == (tmp_path / "root/lgg-mri-segmentation/kaggle_3m").resolve()
    unpacked = {
        f"kaggle_3m/{p.relative_to(folder).as_posix()}": p.read_bytes()
        for p in folder.rglob("*")
        if p.is_file()
    }
    assert unpacked == files
    record = json.loads((folder.parent / "download.json").read_text(encoding="utf-8"))
    assert record["archive_sha256"] == hashlib.sha256(zipped.read_bytes()).hexdigest()
    assert (record["patients"], record["slices"]) == (2, 4)
    assert set(record["sha256"]) == {"data.csv", NAME, "TCGA_CS_0001_20000101"}
    licence = (folder.parent / "LICENCE.txt").read_text(encoding="utf-8")
    said = capsys.readouterr().out
    for text in (licence, said):
        assert "CC BY-NC-SA 4.0" in text
        assert "Buda M" in text
        assert "Mazurowski MA" in text
    assert "2 of the published 110 patients" in said
    assert "2 patients more than once; each is taken once" in said
    assert {p.name for p in (tmp_path / "root").iterdir()} <= {
        "lgg-mri-segmentation",
        ".lgg-mri-segmentation.lock",
    }


def test_what_is_there_and_unchanged_is_left(tmp_path, zipped, capsys):
    folder = fetch(tmp_path, zipped)
    before = {p: p.stat().st_mtime_ns for p in folder.rglob("*")}
    capsys.readouterr()
    assert fetch_lgg(tmp_path / "root", zipped, progress=False) == folder
    assert fetch_lgg(tmp_path / "root", progress=False) == folder  # doesn't ask Kaggle either
    assert "Already there, unchanged: 2 patients" in capsys.readouterr().out
    assert {p: p.stat().st_mtime_ns for p in folder.rglob("*")} == before


@pytest.mark.parametrize("loss", ["patient", "slice", "damage", "table"])
def test_what_was_lost_or_damaged_is_restored(tmp_path, zipped, loss):
    folder = fetch(tmp_path, zipped)
    image = folder / NAME / f"{NAME}_1.tif"
    kept = folder / "TCGA_CS_0001_20000101" / "TCGA_CS_0001_20000101_1.tif"
    before = kept.stat().st_mtime_ns
    {
        "patient": lambda: shutil.rmtree(folder / NAME),
        "slice": image.unlink,
        "damage": lambda: image.write_bytes(image.read_bytes()[:-1] + b"x"),
        "table": (folder / "data.csv").unlink,
    }[loss]()
    fetch(tmp_path, zipped)
    assert check_lgg(folder, progress=False).problems == []
    assert (folder / "data.csv").is_file()
    assert kept.stat().st_mtime_ns == before
    fetch_lgg(tmp_path / "root", progress=False)  # whole again, so nothing is fetched


def test_another_archive_is_not_taken_for_the_recorded_one(tmp_path, zipped, files):
    folder = fetch(tmp_path, zipped)
    other = pack(tmp_path / "other.zip", files)
    with pytest.raises(DownloadError, match=r"SHA-256 differs.*--root"):
        fetch(tmp_path, other)
    assert check_lgg(folder, progress=False).problems == []


def test_a_folder_filled_by_hand_is_adopted_if_sound(tmp_path, capsys):
    target = tmp_path / "root" / "lgg-mri-segmentation"
    folder = write_set(target)
    assert fetch_lgg(tmp_path / "root", progress=False) == folder.resolve()
    assert "Already there and sound" in capsys.readouterr().out
    (folder / NAME / f"{NAME}_2.tif").write_bytes(b"")
    with pytest.raises(DownloadError, match=r"_2\.tif: the file is empty"):
        fetch_lgg(tmp_path / "root", progress=False)


def test_a_damaged_record_is_named(tmp_path, zipped):
    folder = fetch(tmp_path, zipped)
    (folder.parent / "download.json").write_text("{", encoding="utf-8")
    with pytest.raises(DownloadError, match=r"download\.json: damaged.*Remove it"):
        fetch(tmp_path, zipped)
    (folder.parent / "download.json").unlink()
    assert fetch(tmp_path, zipped) == folder


# --- interruptions ------------------------------------------------------------------------------


@pytest.mark.parametrize("stop", [KeyboardInterrupt, DownloadError])
def test_interrupted_while_unpacking_it_leaves_nothing_and_runs_again(
    tmp_path, zipped, monkeypatch, stop
):
    really, calls = shutil.copyfileobj, []

    def copy(*args):
        calls.append(1)
        if len(calls) == 4:
            raise stop
        really(*args)

    with monkeypatch.context() as patch:
        patch.setattr(shutil, "copyfileobj", copy)
        with pytest.raises(stop):
            fetch(tmp_path, zipped)
    assert nothing_in_place(tmp_path)
    assert check_lgg(fetch(tmp_path, zipped), progress=False).problems == []


def test_killed_while_unpacking_the_next_call_sweeps(tmp_path, zipped):
    code = (
        "import os, shutil, sys\n"
        "from unet_course.commands.fetch import download\n"
        "really, calls = shutil.copyfileobj, []\n"
        "def copy(*args):\n"
        "    calls.append(1)\n"
        "    if len(calls) == 4: os._exit(9)\n"
        "    really(*args)\n"
        "shutil.copyfileobj = copy\n"
        "download.fetch_lgg(sys.argv[1], sys.argv[2], accept_licence=True)\n"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "root"), str(zipped)]
    assert subprocess.run(command, env=with_package(), check=False).returncode == 9
    assert (tmp_path / "root" / ".lgg-mri-segmentation.incoming").exists()
    assert not (tmp_path / "root" / "lgg-mri-segmentation").exists()
    assert check_lgg(fetch(tmp_path, zipped), progress=False).problems == []
    assert not (tmp_path / "root" / ".lgg-mri-segmentation.incoming").exists()


def test_interrupted_while_restoring_the_next_call_restores(tmp_path, zipped, monkeypatch):
    folder = fetch(tmp_path, zipped)
    for patient in (NAME, "TCGA_CS_0001_20000101"):
        (folder / patient / f"{patient}_1.tif").write_bytes(b"")
    really, calls = os.replace, []

    def replace(*args):
        calls.append(1)
        if len(calls) == 2:  # the old patient is out, the new one not yet in
            raise KeyboardInterrupt
        really(*args)

    with monkeypatch.context() as patch:
        patch.setattr(download.os, "replace", replace)
        with pytest.raises(KeyboardInterrupt):
            fetch(tmp_path, zipped)
    fetch(tmp_path, zipped)
    assert check_lgg(folder, progress=False).problems == []


def test_two_at_once_are_kept_apart(tmp_path, zipped):
    from filelock import FileLock

    (tmp_path / "root").mkdir()
    with (
        FileLock(tmp_path / "root" / ".lgg-mri-segmentation.lock"),
        pytest.raises(DownloadError, match="another download is at work"),
    ):
        fetch(tmp_path, zipped)


# --- bad archives -------------------------------------------------------------------------------


def test_what_is_no_archive_is_named(tmp_path, zipped, files):
    cases = {
        "nowhere.zip": (None, "no such file"),
        "empty.zip": (b"", "the file is empty"),
        "page.zip": (b"<html>sign in</html>", "isn't a ZIP archive"),
        "cut.zip": (zipped.read_bytes()[:-2000], "cut short or damaged"),
    }
    for name, (data, words) in cases.items():
        if data is not None:
            (tmp_path / name).write_bytes(data)
        with pytest.raises(DownloadError, match=words) as error:
            fetch(tmp_path, tmp_path / name)
        assert name in str(error.value)
    (tmp_path / "folder").mkdir()
    with pytest.raises(DownloadError, match="a folder, not an archive"):
        fetch(tmp_path, tmp_path / "folder")
    with pytest.raises(DownloadError, match="holds no LGG patients"):
        fetch(tmp_path, pack(tmp_path / "else.zip", {"BraTS20_Training_001/x.nii": b"x"}))
    assert nothing_in_place(tmp_path)


def test_a_wrong_checksum_is_noticed(tmp_path, files):
    path = tmp_path / "stored.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as out:
        for name, data in files.items():
            out.writestr(name, data)
    data = bytearray(path.read_bytes())
    data[data.index(files[f"kaggle_3m/{NAME}/{NAME}_1.tif"]) + 100_000] ^= 1
    path.write_bytes(data)
    with pytest.raises(
        DownloadError, match=rf"kaggle_3m/{NAME}/{NAME}_1\.tif can't be unpacked \(Bad CRC"
    ):
        fetch(tmp_path, path)
    assert nothing_in_place(tmp_path)


def test_an_archive_whose_files_are_faulty_is_not_put_in_place(tmp_path, files):
    bad = {**files, f"kaggle_3m/{NAME}/{NAME}_1.tif": b"not a TIFF"}
    with pytest.raises(DownloadError, match=rf"not sound(.|\n)*{NAME}_1\.tif: isn't a TIFF"):
        fetch(tmp_path, pack(tmp_path / "bad.zip", bad))
    assert nothing_in_place(tmp_path)


def entry(name, kind=0):
    info = zipfile.ZipInfo("x")
    info.filename = info.orig_filename = name
    info.external_attr = (kind | 0o644) << 16
    return info


@pytest.mark.parametrize(
    ("info", "words"),
    [
        (entry("/etc/passwd"), "absolute"),
        (entry("C:/Windows/x"), "absolute"),
        (entry("\\\\server\\share\\x"), "absolute"),
        (entry("../outside.tif"), "leaves"),
        (entry(f"kaggle_3m/{NAME}/../../../{NAME}_1.tif"), "leaves"),
        (entry("kaggle_3m\\..\\..\\x"), "leaves"),
        (entry("kaggle_3m/link", stat.S_IFLNK), "a link"),
        (entry("kaggle_3m/device", stat.S_IFCHR), "a device"),
        (entry("kaggle_3m/pipe", stat.S_IFIFO), "a pipe"),
    ],
)
def test_an_archive_with_a_dangerous_entry_is_refused_whole(tmp_path, files, info, words):
    path = pack(tmp_path / "evil.zip", files, (info, b"x"))
    with pytest.raises(DownloadError, match=f"nothing was unpacked.*{words}"):
        fetch(tmp_path, path)
    assert nothing_in_place(tmp_path)


def test_absurd_sizes_are_refused(tmp_path, files, monkeypatch):
    monkeypatch.setattr(download, "LGG_SET", dataclasses.replace(LGG_SET, size=250))
    with pytest.raises(DownloadError, match="refused, nothing was unpacked: it claims"):
        fetch(tmp_path, pack(tmp_path / "sum.zip", files))
    assert nothing_in_place(tmp_path)


def test_no_more_is_unpacked_than_the_header_says(tmp_path, files, monkeypatch):
    """An entry that claims 1000 bytes and holds a hundred million."""
    name = f"kaggle_3m/{NAME}/{NAME}_3.tif"
    path = pack(tmp_path / "lies.zip", files, (name, bytes(10**8)))
    data = bytearray(path.read_bytes())
    local = data.index(name.encode()) - 30 + 22  # where the two headers have the size
    central = data.rindex(name.encode()) - 46 + 24
    for at in (local, central):
        data[at : at + 4] = (1000).to_bytes(4, "little")
    path.write_bytes(data)
    written = []
    really = shutil.copyfileobj

    def copy(source, target):
        try:
            really(source, target)
        finally:
            written.append(target.tell())

    monkeypatch.setattr(shutil, "copyfileobj", copy)
    with pytest.raises(DownloadError, match=r"_3\.tif can't be unpacked"):
        fetch(tmp_path, path)
    assert max(written) < 10**6 and nothing_in_place(tmp_path)


def test_names_with_backslashes_are_read_and_an_archive_within_one_is_named(tmp_path, files):
    """Older Windows programs write \\; some downloads are a ZIP within a ZIP."""
    odd = [(entry(name.replace("/", "\\")), data) for name, data in files.items()]
    folder = fetch(tmp_path, pack(tmp_path / "windows.zip", {}, *odd))
    assert check_lgg(folder, progress=False).problems == []
    inner = pack(tmp_path / "inner.zip", files).read_bytes()
    with pytest.raises(DownloadError, match=r"another archive, set/inner\.zip: unpack that one"):
        fetch_lgg(tmp_path / "b", pack(tmp_path / "outer.zip", {"set/inner.zip": inner}), True)


def test_the_same_file_twice_is_refused(tmp_path, files):
    name = f"kaggle_3m/{NAME}/{NAME}_1.tif"
    with pytest.warns(UserWarning, match="Duplicate name"):
        path = pack(tmp_path / "twice.zip", files, (name, b"other"))
    with pytest.raises(DownloadError, match="is in it twice"):
        fetch(tmp_path, path)


def test_copies_that_differ_are_told(tmp_path, files, capsys):
    again = {f"again/{name}": data for name, data in files.items()}
    again[f"again/kaggle_3m/{NAME}/{NAME}_1.tif"] = b"other"
    fetch(tmp_path, pack(tmp_path / "differ.zip", {**files, **again}))
    assert f"Their copies differ, the fullest is taken: {NAME}" in capsys.readouterr().out


def test_foreign_files_in_an_archive_are_not_unpacked(tmp_path, files):
    more = {
        f"__MACOSX/kaggle_3m/{NAME}/._{NAME}_1.tif": b"x",
        f"kaggle_3m/{NAME}/.DS_Store": b"x",
        "run.exe": b"x",
    }
    folder = fetch(tmp_path, pack(tmp_path / "more.zip", {**files, **more}))
    names = {p.name for p in folder.parent.rglob("*") if p.is_file()}
    assert names == {Path(name).name for name in files} | {"download.json", "LICENCE.txt"}


PARTS = st.sampled_from(
    ["..", ".", "", "C:", "kaggle_3m", NAME, f"{NAME}_1.tif", f"{NAME}_1_mask.tif", "data.csv", "a"]
)
PATHS = st.one_of(
    st.tuples(st.lists(PARTS, min_size=1, max_size=6), st.sampled_from("/\\")).map(
        lambda found: found[1].join(found[0])
    ),
    st.text(min_size=1, max_size=20),
)


@given(names=st.lists(PATHS, min_size=1, max_size=5, unique=True))
@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=150
)
def test_nothing_ever_lands_outside(tmp_path, names):
    shutil.rmtree(tmp_path / "in", ignore_errors=True)
    path = tmp_path / "in" / "fuzz.zip"
    path.parent.mkdir()
    with zipfile.ZipFile(path, "w") as out:
        for name in names:
            try:
                out.writestr(entry(name), b"x")
            except (UnicodeEncodeError, UserWarning):
                continue
    into = tmp_path / "in" / "deep" / "er" / "into"
    try:
        with archive.open_zip(path, LGG_SET) as opened:
            unpack(opened, into)
    except DownloadError:
        pass
    written = {p for p in tmp_path.rglob("*") if p.is_file()} - {path}
    for file in written:
        assert into in file.parents
        assert file.name == "data.csv" or LGG.slice_of(file.parent.name, file.name)


@given(data=st.data())
@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=100
)
def test_a_damaged_archive_never_ends_in_a_traceback(tmp_path, data):
    name = f"kaggle_3m/{NAME}/{NAME}_1.tif"
    whole = bytearray(pack(tmp_path / "whole.zip", {name: b"abc" * 50}).read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    path, into = tmp_path / "damaged.zip", tmp_path / "into"
    path.write_bytes(whole)
    shutil.rmtree(into, ignore_errors=True)
    try:
        with archive.open_zip(path, LGG_SET) as opened:
            unpack(opened, into)
    except DownloadError as error:
        assert "damaged.zip" in str(error)


@pytest.mark.parametrize("bit", range(16))
@pytest.mark.parametrize("header", [b"PK\x03\x04", b"PK\x01\x02"])
def test_a_flag_that_python_does_not_know_is_an_error_that_names_the_file(tmp_path, header, bit):
    name = f"kaggle_3m/{NAME}/{NAME}_1.tif"
    whole = bytearray(pack(tmp_path / "whole.zip", {name: b"abc" * 50}).read_bytes())
    flags = whole.index(header) + (6 if header == b"PK\x03\x04" else 8)
    whole[flags + bit // 8] ^= 1 << bit % 8
    path = tmp_path / "flagged.zip"
    path.write_bytes(whole)
    try:
        with archive.open_zip(path, LGG_SET) as opened:
            unpack(opened, tmp_path / "into")
    except DownloadError as error:
        assert "flagged.zip" in str(error)


# --- licence, disk, folders ---------------------------------------------------------------------


def test_without_accepting_the_licence_nothing_is_fetched(tmp_path, zipped):
    with pytest.raises(DownloadError, match="--accept-licence"):
        fetch_lgg(tmp_path / "root", zipped, progress=False)
    assert nothing_in_place(tmp_path)


@pytest.mark.parametrize(
    ("answer", "taken"), [("y", True), ("Yes", True), ("n", False), ("", False)]
)
def test_in_a_terminal_the_licence_is_asked_for(tmp_path, zipped, monkeypatch, answer, taken):
    terminal = io.StringIO()
    terminal.isatty = lambda: True
    monkeypatch.setattr("sys.stdin", terminal)
    monkeypatch.setattr("builtins.input", lambda _: answer)
    if taken:
        assert fetch_lgg(tmp_path / "root", zipped, progress=False).is_dir()
    else:
        with pytest.raises(DownloadError, match="wasn't accepted"):
            fetch_lgg(tmp_path / "root", zipped, progress=False)


@pytest.mark.parametrize("source", ["archive", "kaggle"])
def test_free_disk_is_looked_at_before_anything_is_fetched(tmp_path, zipped, monkeypatch, source):
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=1000))
    monkeypatch.setattr(kaggle, "fetch", lambda *_: pytest.fail("fetched"))
    with pytest.raises(DownloadError, match=r"MB are needed.*--root"):
        fetch(tmp_path, zipped if source == "archive" else None)
    assert nothing_in_place(tmp_path)


def test_a_full_disk_is_told(tmp_path, zipped, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device", "x.tif")

    monkeypatch.setattr(shutil, "copyfileobj", full)
    with pytest.raises(DownloadError, match="the disk is full"):
        fetch(tmp_path, zipped)
    assert nothing_in_place(tmp_path)


def test_a_root_that_is_a_file_is_told(tmp_path, zipped):
    (tmp_path / "root").write_text("x", encoding="utf-8")
    with pytest.raises(DownloadError, match="Choose a folder with --root"):
        fetch(tmp_path, zipped)


def test_without_a_root_it_goes_to_the_cache(tmp_path, zipped):
    folder = fetch_lgg(None, zipped, accept_licence=True, progress=False)
    assert (tmp_path / "cache").resolve() in folder.parents


# --- Kaggle: the real kagglehub against a server of our own ---------------------------------------


class Server(http.server.BaseHTTPRequestHandler):
    """Answers as Kaggle does: the set's version, then a redirect to the archive, with ranges."""

    def do_POST(self):
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.server.seen.append(self.path)
        if self.server.status != 200:
            self.send_error(self.server.status)
        elif self.path.endswith("GetDataset"):
            self.answer(json.dumps({"currentVersionNumber": 2}).encode(), "application/json")
        else:
            self.send_response(302)
            self.send_header("Location", f"http://127.0.0.1:{self.server.server_port}/storage.zip")
            self.send_header("Content-Length", "0")
            self.end_headers()

    def do_GET(self):
        data = self.server.data
        start = int(self.headers.get("Range", "bytes=0-")[6:-1])
        self.server.seen.append(f"GET from {start}")
        self.send_response(206 if start else 200)
        md5 = b64encode(hashlib.md5(data).digest()).decode()
        self.send_header("X-Goog-Hash", f"md5={'AAAA' if self.server.wrong_sum else md5}")
        self.send_header("Accept-Ranges", "bytes")
        self.send_header("Content-Length", str(len(data) - start))
        self.end_headers()
        # a connection that breaks: less than was promised
        stop = len(data) - 1000 if self.server.breaks and not start else len(data)
        self.wfile.write(data[start:stop])

    def answer(self, body, kind):
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.fixture
def server(zipped, monkeypatch):
    """Kaggle on this machine, holding a set of two patients."""
    client = pytest.importorskip("kagglesdk.kaggle_http_client")
    if not hasattr(client, "get_endpoint"):
        pytest.skip("this kagglesdk can't be sent to another address")
    served = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server)
    served.data, served.seen = zipped.read_bytes(), []
    served.status, served.breaks, served.wrong_sum = 200, False, False
    address = f"http://127.0.0.1:{served.server_port}"
    monkeypatch.setattr(client, "get_endpoint", lambda _: address)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    small = dataclasses.replace(LGG_SET, published=2, needed=10**6)
    monkeypatch.setattr(download, "LGG_SET", small)
    threading.Thread(target=served.serve_forever, daemon=True).start()
    yield served
    served.shutdown()
    served.server_close()


def test_from_kaggle(tmp_path, server, files):
    folder = fetch(tmp_path, None)
    assert check_lgg(folder, progress=False).problems == []
    assert (folder / "data.csv").read_bytes() == files["kaggle_3m/data.csv"]
    assert not (tmp_path / "root" / ".kagglehub").exists()
    assert "KAGGLEHUB_CACHE" not in os.environ
    server.seen.clear()
    fetch(tmp_path, None)
    assert server.seen == []


def test_kaggles_own_cache_is_left_alone(tmp_path, server, monkeypatch):
    monkeypatch.setenv("KAGGLEHUB_CACHE", str(tmp_path / "users"))
    folder = fetch(tmp_path, None)
    (theirs,) = (tmp_path / "users").rglob(f"2/kaggle_3m/{NAME}/{NAME}_1.tif")
    ours = folder / NAME / f"{NAME}_1.tif"
    assert not os.path.samefile(theirs, ours)


def test_a_broken_connection_is_told_and_the_next_call_goes_on(tmp_path, server):
    server.breaks = True
    with pytest.raises(DownloadError, match=r"connection broke(.|\n)*goes on\s+where it stopped"):
        fetch(tmp_path, None)
    assert not (tmp_path / "root" / "lgg-mri-segmentation").exists()
    server.breaks = False
    server.seen.clear()
    assert check_lgg(fetch(tmp_path, None), progress=False).problems == []
    ranges = [int(seen[9:]) for seen in server.seen if seen.startswith("GET from")]
    assert max(ranges) > 0


def test_a_damaged_download_is_told(tmp_path, server):
    server.wrong_sum = True
    with pytest.raises(DownloadError, match="What Kaggle sent is damaged"):
        fetch(tmp_path, None)
    server.wrong_sum = False
    assert check_lgg(fetch(tmp_path, None), progress=False).problems == []


def test_fewer_patients_than_published_are_not_taken_for_the_set(tmp_path, server, monkeypatch):
    whole = dataclasses.replace(LGG_SET, needed=10**6)
    monkeypatch.setattr(download, "LGG_SET", whole)
    with pytest.raises(DownloadError, match="Kaggle sent 2 whole LGG patients, published are 110"):
        fetch(tmp_path, None)
    assert nothing_in_place(tmp_path)


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (401, "asks for an account"),
        (403, "asks for an account"),
        (404, "no set mateuszbuda/lgg-mri-segmentation any more"),
        (429, "too many requests"),
        (503, "in trouble"),
    ],
)
def test_what_kaggle_may_answer(tmp_path, server, status, words):
    server.status = status
    with pytest.raises(DownloadError, match=words) as error:
        fetch(tmp_path, None)
    assert "Traceback" not in str(error.value)
    if status in (401, 403):
        for part in ("kaggle.json", "KAGGLE_USERNAME", "KAGGLE_KEY", "--archive archive.zip"):
            assert part in str(error.value)


@pytest.mark.parametrize("how", ["variables", "file", "token"])
def test_a_refused_key_is_named_by_its_place_never_shown(
    tmp_path, server, monkeypatch, capsys, how
):
    server.status = 401
    if how == "variables":
        monkeypatch.setenv("KAGGLE_USERNAME", "someone")
        monkeypatch.setenv("KAGGLE_KEY", "s3cret-key")
    elif how == "token":
        monkeypatch.setenv("KAGGLE_API_TOKEN", "s3cret-key")
    else:
        (tmp_path / "no-key").mkdir()
        key = {"username": "someone", "key": "s3cret-key"}
        (tmp_path / "no-key" / "kaggle.json").write_text(json.dumps(key), encoding="utf-8")
    with pytest.raises(DownloadError, match="was refused; renew or remove it") as error:
        fetch(tmp_path, None)
    captured = capsys.readouterr()
    for text in (str(error.value), captured.out, captured.err):
        assert "s3cret" not in text
        assert "someone" not in text
    assert error.value.__suppress_context__


def test_a_broken_key_file_is_named(tmp_path, server):
    (tmp_path / "no-key").mkdir()
    (tmp_path / "no-key" / "kaggle.json").write_text("{'key': s3cret", encoding="utf-8")
    with pytest.raises(DownloadError, match=r"kaggle\.json can't be read") as error:
        fetch(tmp_path, None)
    assert "s3cret" not in str(error.value)


def test_no_network(tmp_path, server, monkeypatch):
    import kagglesdk.kaggle_http_client as client

    monkeypatch.setattr(client, "get_endpoint", lambda _: "http://127.0.0.1:1")
    with pytest.raises(DownloadError, match="can't be reached") as error:
        fetch(tmp_path, None)
    assert "--archive archive.zip" in str(error.value)


def test_anything_else_kagglehub_may_raise(tmp_path, monkeypatch):
    class Odd(Exception):
        pass

    assert "kagglehub failed (Odd)" in kaggle.explain(Odd("s3cret"), LGG_SET)
    assert "s3cret" not in kaggle.explain(Odd("s3cret"), LGG_SET)
    assert "disk is full" in kaggle.explain(OSError(28, "No space left on device"), LGG_SET)
    assert "isn't installed" in kaggle.explain(ImportError("kagglehub"), LGG_SET)


# --- the script ---------------------------------------------------------------------------------


def with_package():
    here = str(Path(download.__file__).parents[1])
    return {**os.environ, "PYTHONPATH": here, "PYTHONIOENCODING": "utf-8"}


def test_the_script(tmp_path, zipped):
    script = Path(__file__).parents[1] / "data_scripts" / "download_lgg.py"
    command = [sys.executable, str(script), "--root", str(tmp_path / "root")]
    run = {"capture_output": True, "encoding": "utf-8", "env": with_package(), "check": False}
    run["stdin"] = subprocess.DEVNULL
    refused = subprocess.run([*command, "--archive", str(zipped)], **run)
    assert refused.returncode == 1
    assert "--accept-licence" in refused.stderr
    assert "Traceback" not in refused.stderr
    done = subprocess.run([*command, "--archive", str(zipped), "--accept-licence"], **run)
    assert done.returncode == 0, done.stderr
    assert "In place and checked" in done.stdout


@pytest.mark.parametrize(
    ("start", "words"),
    [
        (b"7z\xbc\xaf\x27\x1c", "7-Zip"),
        (b"Rar!\x1a\x07", "unrar"),
        (b"\x1f\x8b\x08", "tar -xf"),
        (bytes(257) + b"ustar", "tar -xf"),
    ],
)
def test_an_archive_of_another_kind_is_named_with_what_unpacks_it(tmp_path, start, words):
    path = tmp_path / "set.zip"
    path.write_bytes(start + bytes(400))
    with pytest.raises(DownloadError, match=f"unpack it yourself .*{words}"):
        fetch_lgg(tmp_path / "root", path, accept_licence=True, progress=False)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="Windows has no pipes")
def test_a_pipe_or_a_device_is_no_archive(tmp_path):
    os.mkfifo(tmp_path / "pipe.zip")
    (tmp_path / "zero.zip").symlink_to("/dev/zero")
    for name in ("pipe.zip", "zero.zip"):
        with pytest.raises(DownloadError, match="no regular file"):
            fetch_lgg(tmp_path / "root", tmp_path / name, accept_licence=True, progress=False)
