"""Synthetic BraTS cases: layout, header, labels, contrasts, repeatability, interruption."""

import gzip
import hashlib
from pathlib import Path

import nibabel
import numpy as np
import pytest
from scipy import ndimage

from unet_course.synthetic import brats_case, contrasts, mr_physics, sample_data, tumour_growth

NAMES = ("t1", "t1ce", "t2", "flair")
REAL_AFFINE = [[-1, 0, 0, 0], [0, -1, 0, 239], [0, 0, 1, 0], [0, 0, 0, 1]]
REAL_BRATS_CASE = brats_case.brats_case


def digest(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*.nii.gz"))
    }


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    """Case 2 (low grade) and case 3 (high grade, small), as `make_brats` writes them."""
    wanted = {0: 2, 1: 1}  # the small one first
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(brats_case, "brats_case", lambda seed, k: REAL_BRATS_CASE(seed, wanted[k]))
        return sample_data.make_brats(tmp_path_factory.mktemp("brats"), 2, progress=False)


@pytest.fixture(scope="module")
def arrays(pair):
    """{case's name: (images (4, x, y, z), labels)}."""
    found = {}
    for folder in sorted(pair.iterdir()):
        stem = folder / folder.name
        images = [np.asarray(nibabel.load(f"{stem}_{name}.nii.gz").dataobj) for name in NAMES]
        labels = np.asarray(nibabel.load(f"{stem}_seg.nii.gz").dataobj)
        found[folder.name] = np.stack(images), labels
    return found


def tiny_case(seed, number):
    """Stands in for the slow part where only files and locks are on trial."""
    rng = np.random.default_rng([seed, number])
    images = rng.integers(0, 99, (4, 4, 3, 4)).astype(np.int16)
    return brats_case.brats_plan(seed, number), images, np.zeros((4, 4, 3), np.uint8)


@pytest.fixture
def quick(monkeypatch):
    monkeypatch.setattr(brats_case, "brats_case", tiny_case)
    monkeypatch.setattr(sample_data, "average_head", lambda: None)


def test_layout_and_headers_are_those_of_brats_2020(pair):
    folders = sorted(pair.iterdir())
    assert [p.name for p in folders] == ["BraTS20_Synthetic_002", "BraTS20_Synthetic_003"]
    for folder in folders:
        files = {p.name for p in folder.iterdir()}
        assert files == {f"{folder.name}_{name}.nii.gz" for name in (*NAMES, "seg")}
        for path in folder.iterdir():
            header = nibabel.load(path).header
            assert header.get_data_shape() == (240, 240, 155)
            assert header.get_data_dtype() == (np.uint8 if "seg" in path.name else np.int16)
            assert header.get_zooms() == (1, 1, 1) and header.get_xyzt_units()[0] == "mm"
            assert header["qform_code"] == header["sform_code"] == 1
            for affine in (header.get_sform(), header.get_qform()):
                np.testing.assert_array_equal(affine, REAL_AFFINE)
            assert nibabel.aff2axcodes(header.get_best_affine()) == ("L", "P", "S")


def test_background_is_0_and_a_brain_fills_its_usual_place(arrays):
    for images, labels in arrays.values():
        assert images.min() == 0 and images.max() > 100
        brain = images > 0
        union = brain.any(0)
        assert 1.0e6 < union.sum() < 1.9e6  # mm³
        assert not union[:25].any() and not union[215:].any() and not union[:, :15].any()
        assert all(union.sum() - one.sum() < 0.2 * union.sum() for one in brain)
        assert not (labels[~union] > 0).any()
        middle = [np.mean(where) for where in np.nonzero(union)]
        assert np.allclose(middle, [119, 129, 68], atol=14)


def test_labels_are_nested_and_low_grade_has_no_4(arrays):
    low, high = arrays["BraTS20_Synthetic_002"][1], arrays["BraTS20_Synthetic_003"][1]
    assert set(np.unique(low)) == {0, 1, 2}
    assert set(np.unique(high)) == {0, 1, 2, 4}
    for labels in (low, high):
        whole, core = labels > 0, np.isin(labels, (1, 4))
        assert 5e3 < whole.sum() < 3e5
        pieces, _ = ndimage.label(whole)
        assert np.bincount(pieces[whole]).max() > 0.9 * whole.sum()
        # The core lies deeper than the whole's margin on average.
        depth = ndimage.distance_transform_edt(whole)
        assert depth[core].mean() > depth[labels == 2].mean()


def test_contrasts_are_what_a_radiologist_expects(arrays):
    for name, (images, labels) in arrays.items():
        t1, t1ce, t2, flair = images.astype(float)
        brain = (images > 0).all(0)
        healthy = brain & ~ndimage.binary_dilation(labels > 0, iterations=3)
        usual = [np.median(image[healthy]) for image in (t1, t1ce, t2, flair)]
        tumour = [np.median(image[(labels > 0) & brain]) for image in (t1, t1ce, t2, flair)]
        assert tumour[2] > 1.05 * usual[2] and tumour[3] > 1.1 * usual[3], name
        assert tumour[0] < 1.1 * usual[0], name
        enhancing = (labels == 4) & brain
        if enhancing.any():
            assert np.median(t1ce[enhancing]) / usual[1] > 1.15
            assert np.median(t1[enhancing]) / usual[0] < 1.15


def test_drawn_contrasts_hold_for_many_cases():
    for seed in range(200):
        t1, t1ce, t2, flair = contrasts.draw(np.random.default_rng(seed))
        assert t1["csf"] < t1["grey"] < 1 and t1["cyst"] <= max(1.05 * t1["solid"], t1["csf"])
        assert t1ce["enhancing"] >= 1.15 and 0.85 <= t1["enhancing"] <= 1.08
        assert t1ce["enhancing"] > max(t1ce[name] for name in ("oedema", "solid", "cyst"))
        assert (
            t2["oedema"] >= 1.25 and t2["csf"] > max(1.7, 0.9 * t2["solid"]) and t2["grey"] > 0.95
        )
        assert flair["oedema"] > flair["grey"] > 0.9 > flair["csf"]


def test_eight_cases_are_spread_and_some_lack_label_4():
    for seed in (0, 5):
        plans = [brats_case.brats_plan(seed, k) for k in range(8)]
        assert [plan.kind for plan in plans].count("diffuse") == 2
        assert {plan.foci for plan in plans} == {1, 2, 3}
        volumes = [plan.volume for plan in plans]
        assert min(volumes) < 50 and max(volumes) > 150
        assert len({plan.id for plan in plans}) == 8
        assert len({(plan.site, plan.side) for plan in plans}) > 3


def test_same_seed_same_bytes_whatever_else_is_made(pair, tmp_path):
    patch = pytest.MonkeyPatch()
    with patch.context() as patched:
        patched.setattr(brats_case, "brats_case", lambda seed, k: REAL_BRATS_CASE(seed, 2))
        again = digest(sample_data.make_brats(tmp_path, 1, progress=False))
    both = digest(pair)
    assert len(again) == 5 and all(both[name] == value for name, value in again.items())


def test_gzip_headers_hold_neither_time_nor_name(quick, tmp_path):
    made = sample_data.make_brats(tmp_path, 1, progress=False)
    for path in made.rglob("*.nii.gz"):
        head = path.read_bytes()[:10]
        assert head[3] == 0 and head[4:8] == bytes(4)  # no name; no time
        assert len(gzip.decompress(path.read_bytes())) > 352


def test_root_is_cached_and_named_after_what_is_in_it(quick, tmp_path, monkeypatch):
    monkeypatch.setenv("UNET_COURSE_CACHE", str(tmp_path))
    first = sample_data.brats_root(seed=3, cases=2, progress=False)
    assert first.parent.name == f"brats-v{sample_data.BRATS_VERSION}-seed3-2"
    assert len(list(first.iterdir())) == 2
    monkeypatch.setattr(brats_case, "brats_case", None)  # made once only
    assert sample_data.brats_root(seed=3, cases=2, progress=False) == first


@pytest.mark.parametrize("error", [KeyboardInterrupt, OSError])
def test_interrupted_making_leaves_nothing(error, quick, tmp_path, monkeypatch):
    def break_off(seed, number):
        if number == 2:
            raise error
        return tiny_case(seed, number)

    monkeypatch.setattr(brats_case, "brats_case", break_off)
    with pytest.raises(error):
        sample_data.make_brats(tmp_path, 4, progress=False)
    assert [p.name for p in tmp_path.iterdir() if p.is_dir()] == []
    monkeypatch.setattr(brats_case, "brats_case", tiny_case)
    assert len(list(sample_data.make_brats(tmp_path, 4, progress=False).iterdir())) == 4


def test_existing_folder_is_refused_with_the_cure(quick, tmp_path):
    sample_data.make_brats(tmp_path, 1, progress=False)
    with pytest.raises(FileExistsError, match="Delete it or choose"):
        sample_data.make_brats(tmp_path, 1, progress=False)
    assert sample_data.make_brats(tmp_path, 1, progress=False, exist_ok=True).is_dir()


@pytest.mark.parametrize(("cases", "seed"), [(0, 0), (-1, 0), (1, -1)])
def test_bad_numbers_are_named(cases, seed, tmp_path):
    with pytest.raises(ValueError, match=r"must be .* or more, got"):
        sample_data.make_brats(tmp_path, cases, seed)


def test_slices_keep_the_signal_and_blur_along_one_axis_only():
    image = np.ones((40, 40, 40), np.float32)
    image[20:] = 2
    rng = np.random.default_rng(0)
    along = mr_physics.in_slices(rng, image, 0, 5.0, (0, 0), 0.001)
    across = mr_physics.in_slices(rng, image, 1, 5.0, (0, 0), 0.001)
    assert along.shape == image.shape and abs(along[:8].mean() - 1) < 0.05
    edge = np.abs(np.diff(along.mean((1, 2)))).max()
    assert edge < 0.5 < np.abs(np.diff(across.mean((1, 2)))).max()


def test_clouds_are_even_and_repeatable():
    first = mr_physics.clouds(np.random.default_rng(1), (150, 60, 70), 3.0)
    again = mr_physics.clouds(np.random.default_rng(1), (150, 60, 70), 3.0)
    assert first.shape == (150, 60, 70) and np.array_equal(first, again)
    assert 0.8 < first.std() < 1.2 and abs(first.mean()) < 0.3


def test_two_foci_become_one_tumour():
    def blob(origin, push):
        parts = np.zeros((4, 7, 7, 7), np.float32)
        parts[0, 2:5, 2:5, 2:5] = 1
        texture = np.zeros((7, 7, 7), np.float32)
        return tumour_growth.Tumour(
            np.array(origin, float), parts, texture, np.zeros(3), (push, 5.0)
        )

    both = tumour_growth.together(blob((0, 0, 0), 1.0), blob((-6, 2, 20), 2.0))
    assert both.parts.sum() == 54 and both.push == (1.0, 5.0)
    assert np.array_equal(both.origin, [-6, 0, 0])
    overlapping = tumour_growth.together(blob((0, 0, 0), 1.0), blob((2, 0, 0), 1.0))
    assert overlapping.parts.sum(0).max() == 1 and overlapping.parts.sum() == 36


@pytest.mark.parametrize("share", [-0.9, 0.5])
def test_swelling_moves_and_never_folds(share):
    x = np.linspace(0, 60, 400, dtype=np.float32)
    where = np.stack([np.zeros_like(x), np.zeros_like(x), x])
    tumour_growth.swell(where, np.zeros(3), share * 20, 20)
    assert (np.diff(where[2]) > 0).all()
    assert (where[2][10:200] < x[10:200]).all() == (share > 0)
    assert abs(where[2][-1] - 60) < 1
