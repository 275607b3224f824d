"""Fetching BraTS 2020: what differs from the LGG set, which `test_download` goes through."""

import dataclasses
import io
import json
import os
import shutil
import subprocess
import sys
import types
import zipfile
from pathlib import Path

import pytest
from brats_files import AFFINES, brain, save, write_case

from unet_course.commands import cli
from unet_course.commands.check.check_brats import check_volumes
from unet_course.commands.fetch import download, kaggle
from unet_course.commands.fetch.data_sets import BRATS_SET
from unet_course.commands.fetch.download import DownloadError, fetch_brats
from unet_course.data import brats

SET = "BraTS2020_TrainingData/MICCAI_BraTS2020_TrainingData"
ODD = "BraTS20_Training_355"


@pytest.fixture(autouse=True)
def own_folders(tmp_path, monkeypatch):
    """No test sees the user's cache, Kaggle key or terminal."""
    monkeypatch.setenv("UNET_COURSE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("KAGGLE_CONFIG_DIR", str(tmp_path / "no-key"))
    for name in ("KAGGLE_API_TOKEN", "KAGGLE_USERNAME", "KAGGLE_KEY", "KAGGLEHUB_CACHE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("sys.stdin", io.StringIO())


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory):
    """Kaggle's set in small: two training cases, a validation case, tables."""
    root = tmp_path_factory.mktemp("kaggle")
    for number in (1, 355):
        write_case(root / SET, id=f"BraTS20_Training_{number:03}", seed=number)
    other = root / "BraTS2020_ValidationData" / "MICCAI_BraTS2020_ValidationData"
    write_case(other, id="BraTS20_Validation_001", mask=False)
    (root / SET / "name_mapping.csv").write_text("Grade\nHGG\n", encoding="utf-8")
    (root / SET / "survival_info.csv").write_text("Age\n60\n", encoding="utf-8")
    (other / "name_mapping_validation_data.csv").write_text("x\n", encoding="utf-8")
    return root


@pytest.fixture
def zipped(tmp_path, unpacked):
    return Path(shutil.make_archive(str(tmp_path / "archive"), "zip", unpacked))


def fetch(tmp_path, path, **options):
    return fetch_brats(tmp_path / "root", path, accept_licence=True, progress=False, **options)


def test_an_archive_is_unpacked_checked_and_recorded(tmp_path, zipped, capsys):
    folder = fetch(tmp_path, zipped)
    place = tmp_path / "root/brats2020-training/MICCAI_BraTS2020_TrainingData"
    assert folder == place.resolve()
    assert [case.id for case in brats.find_cases(folder)] == ["BraTS20_Training_001", ODD]
    assert {path.name for path in folder.iterdir()} == {
        "BraTS20_Training_001",
        ODD,
        "name_mapping.csv",
        "survival_info.csv",
    }
    assert (folder / ODD / "W39_1998.09.19_Segm.nii").is_file()
    record = json.loads((folder.parent / "download.json").read_text(encoding="utf-8"))
    assert record["cases"] == 2 and record["archive_sha256"]
    assert set(record["sha256"]) == {path.name for path in folder.iterdir()}
    licence = (folder.parent / "LICENCE.txt").read_text(encoding="utf-8")
    said = capsys.readouterr().out
    for text in (licence, said):
        for words in ("register", "Menze BH", "Bakas S", "not by the", "369 cases"):
            assert words in text
    assert "2 of the 369 published cases" in said
    assert fetch(tmp_path, zipped) == folder
    assert "Already there, unchanged: 2 cases" in capsys.readouterr().out


@pytest.mark.parametrize("loss", ["case", "file", "damage"])
def test_what_was_lost_or_damaged_is_restored(tmp_path, zipped, loss):
    folder = fetch(tmp_path, zipped)
    mask = folder / ODD / "W39_1998.09.19_Segm.nii"
    {
        "case": lambda: shutil.rmtree(folder / ODD),
        "file": mask.unlink,
        "damage": lambda: mask.write_bytes(mask.read_bytes()[:-1] + b"x"),
    }[loss]()
    fetch(tmp_path, zipped)
    assert check_volumes(folder, progress=False).problems == []


def test_an_archive_whose_files_are_faulty_is_not_put_in_place(tmp_path, unpacked):
    copy = tmp_path / "copy"
    shutil.copytree(unpacked, copy)
    (copy / SET / ODD / f"{ODD}_t2.nii").write_bytes(b"no")
    path = shutil.make_archive(str(tmp_path / "faulty"), "zip", copy)
    with pytest.raises(DownloadError, match=rf"(?s)not sound; nothing.*{ODD}_t2\.nii: isn't a NIf"):
        fetch(tmp_path, path)
    assert not (tmp_path / "root" / "brats2020-training").exists()


def test_a_whole_file_that_lies_otherwise_is_told_and_taken(tmp_path, unpacked, capsys):
    """What the publisher has that way, fetching again can't mend."""
    copy = tmp_path / "copy"
    shutil.copytree(unpacked, copy)
    save(copy / SET / ODD / f"{ODD}_t2.nii", brain()["T2"], AFFINES["RAS"])
    path = shutil.make_archive(str(tmp_path / "turned"), "zip", copy)
    folder = fetch(tmp_path, path)
    assert f"Whole, but not as expected: {ODD}_t2.nii: lies in RAS" in capsys.readouterr().out
    assert len(check_volumes(folder, progress=False).problems) == 1


def test_what_is_no_such_archive_is_named(tmp_path, unpacked):
    only = tmp_path / "only"
    shutil.copytree(unpacked / "BraTS2020_ValidationData", only)
    path = shutil.make_archive(str(tmp_path / "validation"), "zip", only)
    with pytest.raises(DownloadError, match=r"holds no BRATS cases .*awsaf49"):
        fetch(tmp_path, path)
    with pytest.raises(DownloadError, match=r"no such file"):
        fetch(tmp_path, tmp_path / "nowhere.zip")


def test_a_dangerous_entry_is_refused(tmp_path, zipped):
    with zipfile.ZipFile(zipped, "a") as out:
        out.writestr(f"../{SET}/{ODD}/{ODD}_t1.nii", b"x")
    with pytest.raises(DownloadError, match=r"nothing was unpacked.*leaves the folder"):
        fetch(tmp_path, zipped)


def test_free_disk_is_looked_at_before_anything_is_fetched(tmp_path, monkeypatch):
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=46 * 10**9))
    monkeypatch.setattr(kaggle, "fetch", lambda *_: pytest.fail("fetched"))
    with pytest.raises(DownloadError, match=r"46,87\d.\d MB are needed.*--root"):
        fetch(tmp_path, None)


@pytest.fixture
def hub(monkeypatch, unpacked, tmp_path):
    """kagglehub that hands over the small set, as it unpacks it into its cache."""

    def dataset_download(handle):
        assert handle == "awsaf49/brats20-dataset-training-validation"
        into = Path(os.environ["KAGGLEHUB_CACHE"]) / "datasets" / "1"
        shutil.copytree(unpacked, into)
        return str(into)

    fake = types.SimpleNamespace(dataset_download=dataset_download)
    monkeypatch.setitem(sys.modules, "kagglehub", fake)
    small = dataclasses.replace(BRATS_SET, published=2, needed=10**6)
    monkeypatch.setattr(download, "BRATS_SET", small)
    return small


def test_from_kaggle(tmp_path, hub):
    folder = fetch(tmp_path, None)
    assert [case.id for case in brats.find_cases(folder)] == ["BraTS20_Training_001", ODD]
    assert (folder / "name_mapping.csv").is_file()
    assert not (tmp_path / "root" / ".kagglehub").exists()


def test_fewer_cases_than_published_are_not_taken_for_the_set(tmp_path, hub, monkeypatch):
    monkeypatch.setattr(download, "BRATS_SET", dataclasses.replace(hub, published=369))
    with pytest.raises(DownloadError, match="Kaggle sent 2 whole BRATS cases, published are 369"):
        fetch(tmp_path, None)


def test_what_kaggle_may_raise_names_this_set():
    error = Exception()
    error.response = types.SimpleNamespace(status_code=403)
    told = kaggle.explain(error, BRATS_SET)
    assert "asks for an account" in told and "kaggle.json" in told
    assert "unet-course data brats --archive archive.zip" in told
    assert BRATS_SET.layout.kaggle in told


def test_the_command_and_the_script(tmp_path, zipped, capsys):
    root = tmp_path / "root"
    command = ["data", "brats", "--root", str(root), "--archive", str(zipped)]
    assert cli.main(command) == 1
    assert "fetch_brats(accept_licence=True)" in capsys.readouterr().err
    assert cli.main([*command, "--accept-licence"]) == 0
    said = capsys.readouterr().out
    assert "In place and checked" in said and "unet-course run LESSON --data" in said
    script = Path(__file__).parents[1] / "data_scripts" / "download_brats.py"
    here = str(Path(download.__file__).parents[1])
    done = subprocess.run(
        [sys.executable, str(script), "--root", str(root), "--archive", str(zipped)],
        capture_output=True,
        encoding="utf-8",
        env={**os.environ, "PYTHONPATH": here, "PYTHONIOENCODING": "utf-8"},
        stdin=subprocess.DEVNULL,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "Already there, unchanged: 2 cases" in done.stdout
