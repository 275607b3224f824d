"""The demo's bad files each get a sentence; looking can be stopped."""

import nibabel
import numpy as np
import pytest
from demo_in_browser import DONE, ENDED, SECONDS


def volume(shape=(20, 20, 20), kind=np.int16, affine=None) -> bytes:
    array = np.random.default_rng(0).integers(1, 99, shape).astype(kind)
    return nibabel.Nifti1Image(array, np.eye(4) if affine is None else affine).to_bytes()


GOOD = volume()
MODALITIES = ("t1", "t1ce", "t2", "flair")


def four(**changes) -> dict[str, bytes]:
    return {f"a_{name}.nii": changes.get(name, GOOD) for name in MODALITIES}


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"a_t1.nii": GOOD, "a_t2.nii": GOOD, "a_flair.nii": GOOD}, "T1ce missing"),
        (four(t2=GOOD[:5000]), "a_t2.nii is cut off"),
        (four(t2=volume((20, 20, 21))), "a_t2.nii has the shape 20 × 20 × 21"),
        (four(t2=volume(affine=np.diag([1, 1, 2, 1]))), "lie in different places"),
        (four(t2=volume(kind=np.complex64)), "which isn't a number that a scan has"),
        (
            four(**{name: volume(kind=np.float32)[:352] + b"\0" * 32000 for name in MODALITIES}),
            "no brain",
        ),
        (four(t1=b"not a scan"), "a_t1.nii isn't a NIfTI file"),
        ({"a.nii.gz": b"\x1f\x8b" + b"x" * 99}, "a.nii.gz is damaged: it can't be unpacked"),
        ({"a.nii": volume((9, 9, 9, 3))}, "a.nii holds 3 volumes"),
        ({"a.nii": volume((9, 9))}, "a volume has three axes"),
        ({"scan.nii": GOOD}, "its name doesn't say which modality it is"),
        ({"a.png": b"no picture"}, "a.png isn't a picture"),
        ({"a.tif": b"II*\0 no picture"}, "a.tif can't be read as TIFF"),
        ({"a_1_mask.tif": b"II*\0"}, "Only masks were dropped"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_bad_file_gets_a_sentence(page, files, message):
    given = [{"name": n, "mimeType": "", "buffer": data} for n, data in files.items()]
    page.set_input_files("#files", given)
    page.wait_for_function(ENDED, timeout=SECONDS * 1000)
    assert message in page.inner_text("#status")
    assert page.get_attribute("#status", "class") == "error"
    assert page.is_hidden("#result") and page.wrong == []


def test_a_gigabyte_is_refused_before_it_is_read(page, tmp_path):
    with open(tmp_path / "a_flair.nii", "wb") as file:
        file.truncate(1_000_000_000)
    page.set_input_files("#files", tmp_path / "a_flair.nii")
    page.wait_for_function(ENDED, timeout=SECONDS * 1000)
    assert "has 1000 MB, too large for a page" in page.inner_text("#status")


def test_looking_can_be_stopped_and_begun_again(page):
    page.click("text=Synthetic volume 2")
    page.wait_for_function("document.getElementById('progress').value > 0", timeout=SECONDS * 1000)
    page.click("#stop")
    assert page.inner_text("#status") == "Stopped."
    assert page.is_hidden("#progress") and page.is_hidden("#result")
    page.click("text=Synthetic slices 1")
    page.wait_for_function(DONE, timeout=SECONDS * 1000)
    assert page.is_visible("#planes")
