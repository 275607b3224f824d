"""Prepared cases: what is in them, back to the full grid, and a cache that can be relied on."""

import errno
import os
import shutil
import threading
from dataclasses import replace

import nibabel
import numpy as np
import pytest
from brats_files import write_case
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from unet_course import storage
from unet_course.data import brats, normalise, prepared_cases
from unet_course.data.layouts import DataError


@pytest.fixture
def cases(tmp_path, monkeypatch):
    monkeypatch.setenv("UNET_COURSE_CACHE", str(tmp_path / "cache"))
    write_case(tmp_path / "data", id="BraTS20_Training_001")
    write_case(tmp_path / "data", "BraTS 2021", id="BraTS2021_00002", seed=1, enhancing=False)
    return brats.find_cases(tmp_path / "data")


def prepare(cases, **options):
    return prepared_cases.prepare(cases, progress=False, **options)


def entries(tmp_path):
    return sorted(p for p in (tmp_path / "cache" / "volumes").iterdir() if p.is_dir())


def test_a_prepared_case_is_cropped_and_z_scored_in_the_brain(cases):
    first, second = prepare(cases)
    volume = cases[0].read()
    assert first.box == (slice(2, 22), slice(2, 20), slice(2, 14))
    assert first.images.dtype == np.float16 and first.images.shape == (20, 18, 12, 4)
    assert isinstance(first.images, np.memmap) and isinstance(first.labels, np.memmap)
    values = first.images.reshape(-1, 4).astype(np.float32)  # here the brain fills its box
    np.testing.assert_allclose(values.mean(0), 0, atol=1e-3)
    np.testing.assert_allclose(values.std(0), 1, atol=1e-3)
    inside = volume.images[first.box].astype(float)
    expected = (inside - inside.mean((0, 1, 2))) / inside.std((0, 1, 2))
    np.testing.assert_allclose(first.images, expected, atol=2e-3)
    np.testing.assert_array_equal(first.labels, volume.labels[first.box])
    np.testing.assert_array_equal(first.regions(), brats.regions(volume.labels)[first.box])
    assert first.full_shape == (24, 22, 16) and first.spacing == (1, 1, 1)
    np.testing.assert_array_equal(first.full_affine, volume.affine)
    assert first.id == cases[0].id and 4 not in second.labels


def test_the_brain_is_the_union_of_the_modalities_and_outside_stays_exactly_0():
    images = np.zeros((8, 8, 8, 2), np.int16)
    images[2:5, 2:5, 2:5, 0] = np.arange(27).reshape(3, 3, 3) + 1
    images[4:7, 2:5, 2:5, 1] = 50
    values, box, brain = prepared_cases.z_score(images)
    assert box == (slice(2, 7), slice(2, 5), slice(2, 5)) and brain.all()
    images[2, 2, 2] = 0
    values, box, brain = prepared_cases.z_score(images)
    assert not brain[0, 0, 0] and not values[0, 0, 0].any()
    assert values[brain].mean(0) == pytest.approx(0, abs=1e-5)
    assert values[brain].std(0) == pytest.approx(1, abs=1e-5)


def test_centres_lie_in_what_they_name(cases):
    for case in prepare(cases):
        for label, *place in case.centres:
            assert label == 0 or case.labels[tuple(place)] == label
        held = set(np.unique(case.labels)) | {0}
        assert set(np.unique(case.centres[:, 0])) == held


def test_factor_2_averages_images_and_takes_the_most_frequent_label(cases):
    (full, _), (half, _) = prepare(cases), prepare(cases, factor=2)
    assert half.images.shape == (10, 9, 6, 4) and half.spacing == (2, 2, 2) and half.factor == 2
    block = full.images[2:4, 4:6, 6:8].astype(np.float32).mean((0, 1, 2))
    np.testing.assert_allclose(half.images[1, 2, 3], block, atol=2e-3)
    labels = np.zeros((4, 2, 3), np.uint8)
    labels[:2, :, :2] = [[[4, 0], [4, 2]], [[4, 2], [4, 4]]]
    labels[2:, :, 0] = labels[2, 0, 1] = 1
    shrunk = normalise.shrink_labels(labels, 2)
    assert shrunk.tolist() == [[[4, 0]], [[1, 0]]]
    assert half.restore(half.labels).shape == half.full_shape
    assert half.restore(half.images[..., :3], order=1).shape == (*half.full_shape, 3)


@pytest.mark.parametrize(("inside", "outside"), [(4, 0), (0, 4), (1, 2), (2, 1), (4, 2), (2, 0)])
@pytest.mark.parametrize("axis", [0, 1, 2])
def test_a_tie_prefers_no_label(inside, outside, axis):
    """A sheet one voxel thick ties with what is around it in every block: half of them keep it."""
    labels = np.full((40, 40, 40), outside, np.uint8)
    labels[(slice(None),) * axis + (slice(None, None, 4),)] = inside
    shrunk = normalise.shrink_labels(labels, 2)
    assert set(np.unique(shrunk)) == {inside, outside}
    assert (shrunk == inside).mean() == pytest.approx((labels == inside).mean(), rel=0.1)
    np.testing.assert_array_equal(normalise.shrink_labels(labels.copy(), 2), shrunk)


def test_a_tie_of_all_four_labels_prefers_none_of_them():
    block = np.array([0, 0, 1, 1, 2, 2, 4, 4], np.uint8).reshape(2, 2, 2)
    shrunk = normalise.shrink_labels(np.tile(block, (20, 20, 20)), 2)
    shares = [(shrunk == label).mean() for label in (0, 1, 2, 4)]
    assert shares == pytest.approx([0.25] * 4, abs=0.02)


def in_a_box(array, shape, box, factor, resampled=None):
    return prepared_cases.PreparedCase(
        source=None, images=array[..., None], labels=array, centres=np.zeros((0, 4)), box=box,
        full_shape=shape, full_affine=np.eye(4), factor=factor, resampled=resampled,
    )  # fmt: skip


@settings(max_examples=40, deadline=None)
@given(st.data(), st.sampled_from([1, 2, 3]), st.sampled_from([0, 1]))
def test_restoring_what_was_cropped_is_the_identity_inside_the_box(data, factor, order):
    starts = data.draw(st.tuples(*[st.integers(0, 3)] * 3))
    sizes = data.draw(st.tuples(*[st.integers(1, 5)] * 3))
    shape = tuple(a + n + data.draw(st.integers(0, 2)) for a, n in zip(starts, sizes, strict=True))
    box = tuple(slice(a, a + n) for a, n in zip(starts, sizes, strict=True))
    small = tuple(-(-n // factor) for n in sizes)
    array = data.draw(arrays(np.uint8, small, elements=st.integers(0, 4)))
    full = in_a_box(array, shape, box, factor).restore(array, order=0)
    assert full.shape == shape and full.dtype == np.uint8
    corners = tuple(slice(0, None, factor) for _ in range(3))
    np.testing.assert_array_equal(full[box][corners], array)
    outside = full.copy()
    outside[box] = 0
    assert not outside.any()
    # a constant stays one, interpolated or not
    flat = np.full(small, 0.5, np.float32)
    restored = in_a_box(flat, shape, box, factor).restore(flat, order=order)
    np.testing.assert_allclose(restored[box], 0.5)


# --- other voxels -------------------------------------------------------------------------------


@settings(max_examples=60, deadline=None)
@given(
    old=st.tuples(*[st.integers(1, 7)] * 3),
    new=st.tuples(*[st.integers(1, 9)] * 3),
    factor=st.sampled_from([1, 2, 3]),
    order=st.sampled_from([0, 1]),
    seed=st.integers(0, 99),
)
def test_other_voxels_and_back_keep_the_grid_and_the_labels(old, new, factor, order, seed):
    labels = np.random.default_rng(seed).choice(np.array(normalise.LABELS, np.uint8), old)
    other = normalise.resample_labels(labels, new)
    assert other.shape == new and set(np.unique(other)) <= set(np.unique(labels))
    times = [n / o for o, n in zip(old, new, strict=True)]
    if set(times) <= {1, 2, 3} and sum(time > 1 for time in times) <= 1:  # whole voxels, one axis
        np.testing.assert_array_equal(normalise.resample(other, old, order=0), labels)
    small = normalise.shrink_labels(other, factor)
    shape, box = tuple(n + 3 for n in old), tuple(slice(2, 2 + n) for n in old)
    case = in_a_box(small, shape, box, factor, resampled=new)
    full = case.restore(small)
    assert full.shape == shape and full.dtype == np.uint8
    assert set(np.unique(full[box])) <= set(np.unique(small))
    full[box] = 0
    assert not full.any()
    flat = case.restore(np.full(small.shape, 0.5, np.float16), order=order)
    np.testing.assert_allclose(flat[box], 0.5)
    # the prepared voxels' corners are those of the box, where they fill it
    corner = case.affine @ [-0.5, -0.5, -0.5, 1]
    np.testing.assert_allclose(corner[:3], [1.5] * 3)
    if factor == 1:
        far = case.affine @ [*(np.array(new) - 0.5), 1]
        np.testing.assert_allclose(far[:3], 1.5 + np.array(old))


@pytest.mark.parametrize("turned", [False, True])
def test_cases_with_other_voxels_come_out_in_the_spacing_asked_for(cases, turned, capsys):
    """Voxels of 1 × 1 × 2 mm, the long side along the head or, in a turned file, from left to right."""
    thick = np.diag([2.0, -1, 1, 1] if turned else [-1.0, -1, 2, 1])
    for path in cases[0].folder.iterdir():
        nibabel.save(nibabel.Nifti1Image(np.array(nibabel.load(path).dataobj), thick), path)
    asked = prepare(cases, spacing=(1, 1, 1))
    first, second = asked
    assert "voxels of" not in capsys.readouterr().out  # which they no longer have
    assert first.spacing == pytest.approx((1, 1, 1)) and first.remarks == ()
    kept = (40, 18, 12) if turned else (20, 18, 24)
    assert first.resampled == kept == first.images.shape[:3] == first.labels.shape
    values = first.images.reshape(-1, 4).astype(np.float32)
    np.testing.assert_allclose(values.mean(0), 0, atol=0.05)
    assert set(np.unique(first.labels)) == {0, 1, 2, 4}
    for label, *place in first.centres:
        assert label == 0 or first.labels[tuple(place)] == label
    # twice as many voxels: each comes back as it was, where it lay
    truth = cases[0].read().labels
    np.testing.assert_array_equal(first.restore(first.labels), truth)
    own = prepare(cases)[0]
    assert own.resampled is None and own.spacing == ((2, 1, 1) if turned else (1, 1, 2))
    for corner in ([-0.5] * 3, np.array(kept) - 0.5):
        there = nibabel.affines.apply_affine(first.affine, corner)
        scale = np.array(own.images.shape[:3]) / kept
        where = (np.array(corner) + 0.5) * scale - 0.5
        np.testing.assert_allclose(there, nibabel.affines.apply_affine(own.affine, where))
    # a case that has the spacing is as without it
    assert second.resampled is None
    np.testing.assert_array_equal(second.images, prepare(cases)[1].images)
    half = prepare(cases[:1], spacing=(1, 1, 1), factor=2)[0]
    assert half.spacing == pytest.approx((2, 2, 2))
    assert half.restore(half.labels).shape == half.full_shape


def test_each_spacing_has_an_entry_and_none_has_the_one_that_it_had_before(cases, tmp_path):
    prepare(cases[:1])
    (plain,) = entries(tmp_path)
    files = [str(path) for path in (*cases[0].images, cases[0].mask)]
    which = prepared_cases._hash([files, cases[0].layout.name, cases[0].id, 1])
    assert (
        plain.name.split("-")[-2] == which
    )  # what older versions of the package prepared is found
    prepare(cases[:1], spacing=(2, 2, 2))
    prepare(cases[:1], spacing=[2.0, 2.0, 2.0])
    prepare(cases[:1], spacing=(2, 2, 3))
    assert len(entries(tmp_path)) == 3 and plain in entries(tmp_path)


@pytest.mark.parametrize("spacing", [(1, 1), (1, 0, 1), (1, 1, float("nan")), (1, -2, 1)])
def test_a_spacing_is_three_lengths(cases, spacing):
    with pytest.raises(ValueError, match="three lengths in mm"):
        prepare(cases, spacing=spacing)


def test_an_entry_is_made_once_and_again_when_its_files_change(cases, tmp_path, monkeypatch):
    made = []
    write = prepared_cases._write
    monkeypatch.setattr(prepared_cases, "_write", lambda *a: (made.append(a[1].id), write(*a)))
    prepare(cases)
    prepare(cases)
    assert sorted(made) == sorted(case.id for case in cases) and len(entries(tmp_path)) == 2
    prepare(cases, factor=2)
    assert len(made) == 4 and len(entries(tmp_path)) == 4
    os.utime(cases[0].mask, ns=(1, 1))
    prepare(cases)
    assert made[4:] == [cases[0].id] and len(entries(tmp_path)) == 4  # the old state is gone
    monkeypatch.setattr(prepared_cases, "VERSION", -1)
    prepare(cases)
    assert len(made) == 7 and len(entries(tmp_path)) == 4


def truncate(path):
    path.write_bytes(path.read_bytes()[:-1])


def flip_a_bit(path):
    data = bytearray(path.read_bytes())
    data[-5] ^= 1
    path.write_bytes(data)


@pytest.mark.parametrize("name", ["images.npy", "labels.npy", "centres.npy", "facts.json"])
@pytest.mark.parametrize("damage", [truncate, flip_a_bit, os.unlink, lambda p: p.write_bytes(b"")])
def test_a_damaged_entry_is_made_again(cases, tmp_path, name, damage):
    case = cases[:1]
    before = prepare(case)[0]
    expected = {f: getattr(before, f).copy() for f in ("images", "labels", "centres")}
    facts = before.box, before.full_shape, before.factor, before.full_affine.tolist()
    del before
    (entry,) = entries(tmp_path)
    damage(entry / name)
    after = prepare(case)[0]
    for field, value in expected.items():
        np.testing.assert_array_equal(getattr(after, field), value)
    assert facts == (after.box, after.full_shape, after.factor, after.full_affine.tolist())


def test_two_that_ask_at_once_get_one_entry(cases, tmp_path, monkeypatch):
    made, write = [], prepared_cases._write
    monkeypatch.setattr(prepared_cases, "_write", lambda *a: (made.append(a[1].id), write(*a)))
    found = []
    asking = [threading.Thread(target=lambda: found.append(prepare(cases))) for _ in range(3)]
    for thread in asking:
        thread.start()
    for thread in asking:
        thread.join()
    assert len(found) == 3 and sorted(made) == sorted(case.id for case in cases)
    np.testing.assert_array_equal(found[0][0].images, found[1][0].images)


def test_interrupted_work_leaves_nothing_that_is_taken_for_an_entry(cases, tmp_path, monkeypatch):
    write = prepared_cases._write

    def broken(folder, *rest):
        write(folder, *rest)
        raise KeyboardInterrupt

    monkeypatch.setattr(prepared_cases, "_write", broken)
    with pytest.raises(KeyboardInterrupt):
        prepare(cases[:1])
    assert entries(tmp_path) == []
    monkeypatch.setattr(prepared_cases, "_write", write)
    left = tmp_path / "cache" / "volumes"
    (entry,) = (prepare(cases[:1]), entries(tmp_path))[1]
    family = entry.name.rpartition("-")[0]
    shutil.copytree(entry, left / f".{family}-making-killed")
    shutil.rmtree(entry)
    prepare(cases[:1])
    assert entries(tmp_path) == [entry]


def test_what_cannot_be_prepared_says_why(cases, tmp_path):
    with pytest.raises(ValueError, match="no cases"):
        prepare([])
    with pytest.raises(ValueError, match="factor"):
        prepare(cases, factor=0)
    with pytest.raises(DataError, match="no brain"):
        prepared_cases.z_score(np.zeros((3, 3, 3, 1)))
    case = prepare(cases)[0]
    with pytest.raises(ValueError, match="the array must be"):
        case.restore(np.zeros(case.full_shape))
    with pytest.raises(ValueError, match="order"):
        case.restore(case.labels, order=3)
    cases[1].images[2].unlink()
    with pytest.raises(DataError, match="t2"):
        prepare(cases)


def test_a_case_without_mask_can_be_prepared(cases):
    (done,) = prepare([replace(cases[0], mask=None)])
    assert done.labels is None and set(done.centres[:, 0]) == {0}
    with pytest.raises(ValueError, match="no mask"):
        done.regions()


def test_what_a_class_shares_is_read_and_a_damaged_part_of_it_made_in_ones_own(
    cases, tmp_path, monkeypatch
):
    prepare(cases)
    shared = entries(tmp_path)
    monkeypatch.setenv("UNET_COURSE_SHARED", str(tmp_path / "cache"))
    monkeypatch.setenv("UNET_COURSE_CACHE", str(tmp_path / "own"))
    prepare(cases)
    assert not list((tmp_path / "own" / "volumes").iterdir())
    damaged = shared[0] / "images.npy"
    damaged.write_bytes(damaged.read_bytes()[:-1] + b"x")
    content = damaged.read_bytes()
    for _ in range(2):  # made, then found
        assert len(prepare(cases)) == 2
        assert [p.name for p in (tmp_path / "own" / "volumes").iterdir() if p.is_dir()] == [
            shared[0].name
        ]
    assert damaged.read_bytes() == content


@pytest.mark.parametrize("factor", [1, 2])
def test_the_own_affine_puts_the_prepared_voxels_where_the_tissue_is(cases, factor):
    """Turned to millimetres, a prepared voxel lies in the middle of the voxels it was made from."""
    (case, _) = prepare(cases, factor=factor)
    corner = np.array([side.start for side in case.box])
    inside = np.indices((factor,) * 3).reshape(3, -1).mean(axis=1)
    expected = nibabel.affines.apply_affine(case.full_affine, corner + 3 * factor + inside)
    np.testing.assert_allclose(nibabel.affines.apply_affine(case.affine, [3, 3, 3]), expected)
    assert case.spacing == (factor,) * 3


def test_what_a_network_cannot_know_is_said_at_every_call(cases, capsys):
    """A modality without a picture, other voxels, no background: where lessons read, and once made."""
    folder = cases[0].folder
    for path in folder.iterdir():
        array = np.array(nibabel.load(path).dataobj)
        array = array * 0 if path.stem.endswith("_t1ce") else array
        nibabel.save(nibabel.Nifti1Image(array, np.diag([-2, -2, 2, 1.0])), path)
    for _ in range(2):
        first, second = prepare(cases)
        said = capsys.readouterr().out
        assert "BraTS20_Training_001: T1ce holds no picture" in said
        assert "BraTS20_Training_001: voxels of 2×2×2 mm" in said and "2021" not in said
        assert len(first.remarks) == 2 and second.remarks == ()


def test_cases_that_lie_otherwise_than_their_set_are_turned_and_told(cases, capsys):
    for path in cases[0].folder.iterdir():
        nibabel.save(nibabel.Nifti1Image(np.array(nibabel.load(path).dataobj), np.eye(4)), path)
    prepare(cases[:1])
    assert "Turned to the orientation of the published set (LPS)" in capsys.readouterr().out


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="Windows has no pipes")
@pytest.mark.parametrize("name", ["facts.json", "images.npy"])
@pytest.mark.parametrize("kind", ["pipe", "device", "loop", "folder", "brackets"])
def test_whatever_is_in_an_entrys_place_is_replaced(cases, tmp_path, name, kind):
    images = np.array(prepare(cases[:1])[0].images)
    (entry,) = entries(tmp_path)
    path = entry / name
    path.unlink()
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "brackets":
        path.write_bytes(b"[" * 10**5)
    elif kind == "folder":
        path.mkdir()
    else:
        path.symlink_to("/dev/zero" if kind == "device" else name)
    np.testing.assert_array_equal(prepare(cases[:1])[0].images, images)
    shutil.rmtree(entry)
    entry.symlink_to(cases[0].folder)  # what a link leads to stays as it is
    np.testing.assert_array_equal(prepare(cases[:1])[0].images, images)
    assert cases[0].images[0].exists()


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.EOPNOTSUPP])
def test_a_drive_without_locks_will_do_and_a_read_only_one_is_named(cases, monkeypatch, number):
    def acquire(lock, **_):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(storage.FileLock, "acquire", acquire)
    assert prepare(cases)[1].id == "BraTS2021_00002"
    number = errno.EROFS
    with pytest.raises(OSError, match=r"read-only file system.* UNET_COURSE_CACHE"):
        prepare(cases, factor=2)
