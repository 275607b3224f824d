"""BraTS cases prepared once for training: cropped to the brain, z-scored, kept on disk.

Reading and rescaling a case takes seconds, and training asks for it hundreds of times. So it is
kept in the cache as memory-mapped NumPy files: a patch costs the reading of a patch.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import math
import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from nibabel.orientations import inv_ornt_aff
from tqdm import tqdm

from unet_course import runtime, storage
from unet_course.data import brats, nifti
from unet_course.data.brats import Case
from unet_course.data.layouts import CAVITY, DataError
from unet_course.data.normalise import (
    CENTRES,
    centres_of,
    resample,
    resample_labels,
    shrink,
    shrink_labels,
    z_score,
)

__all__ = ["PreparedCase", "prepare", "z_score"]

UNTURNED = np.array([[0, 1], [1, 1], [2, 1]])  # nibabel's orientation: each axis as it is
VERSION = 4  # raise it whenever what is kept changes, so that no old entry is used


@dataclass(frozen=True, eq=False)
class PreparedCase:
    """A case ready for training, its arrays on disk until they are used.

    Attributes:
        source: the case on disk that it was made from.
        images: (x, y, z, channels) float16, four in all public sets, mean 0 and deviation 1 in the brain, exactly 0 outside.
        labels: (x, y, z) uint8, 0, 1, 2, 4; None where the case has no mask.
        centres: (n, 4) int16, rows of (label, x, y, z): places to draw patches around. Label 0 is
            a place anywhere in the brain.
        box: the part of the full grid that was kept, a slice an axis.
        full_shape, full_affine: the full grid's shape, and (4, 4), from its voxels to millimetres.
        resampled: the box's shape in voxels of another spacing (`prepare`), before `factor`; None: it has
            the file's own voxels.
        factor: how many voxels along each axis became one.
        turning: how the axes were turned so that they lead to left, posterior, superior
            (`nifti.turn`); None: they lead there in the file.
        remarks: what isn't as in the published sets, such as a modality without a picture.
    """

    source: Case
    images: np.ndarray
    labels: np.ndarray | None
    centres: np.ndarray
    box: tuple[slice, slice, slice]
    full_shape: tuple[int, int, int]
    full_affine: np.ndarray
    factor: int = 1
    turning: np.ndarray | None = None
    remarks: tuple[str, ...] = ()
    resampled: tuple[int, int, int] | None = None

    def __repr__(self) -> str:
        size = "×".join(map(str, self.images.shape[:3]))
        return f"PreparedCase({self.id}, {size}, factor {self.factor})"

    @property
    def id(self) -> str:
        """The name of the case that it was made from."""
        return self.source.id

    @property
    def affine(self) -> np.ndarray:
        """(4, 4), from voxels of `images` to millimetres: cropped, resampled and shrunk as they are."""
        kept = self._kept()
        step = np.array(kept) / (self.resampled or kept) * self.factor
        own = np.diag([*step, 1.0])
        # a large voxel's centre lies in the middle of the small ones that it was made from
        own[:3, 3] = [side.start for side in self.box] + (step - 1) / 2
        if self.turning is None:
            return self.full_affine @ own
        return self.full_affine @ inv_ornt_aff(self.turning, self.full_shape) @ own

    @property
    def spacing(self) -> tuple[float, float, float]:
        """Distance between neighbouring voxels of `images`, in mm."""
        return nifti.spacing_of(self.affine)

    def _kept(self) -> tuple[int, ...]:
        """The box's shape in the file's own voxels."""
        return tuple(side.stop - side.start for side in self.box)

    def regions(self) -> np.ndarray:
        """The regions WT, TC, ET: (x, y, z, 3) uint8, 0 and 1. ValueError without a mask."""
        if self.labels is None:
            raise ValueError(f"{self.id} has no mask, so its regions aren't known")
        return brats.regions(self.labels)

    def restore(self, array: np.ndarray, order: int = 0) -> np.ndarray:
        """Put an array of the size of `images` back into the file's own grid, 0 outside the box.

        Args:
            array: (x, y, z) or (x, y, z, channels), such as labels or probabilities.
            order: how `factor` and another spacing are undone: 0 takes the nearest voxel (labels), 1
                interpolates (probabilities).

        Returns:
            `(*full_shape)` or `(*full_shape, channels)`, in the type of `array`.

        Raises:
            ValueError: another size than the images', or another order.
        """
        array, own = np.asarray(array), self.images.shape[:3]
        if array.shape[:3] != own or array.ndim not in (3, 4):
            raise ValueError(
                f"the array must be {own}, with or without channels, it is {array.shape}"
            )
        if order not in (0, 1):
            raise ValueError(f"order must be 0 or 1, it is {order}")
        shape = list(self.full_shape)
        if self.turning is not None:
            for axis, (target, _) in enumerate(self.turning):
                shape[int(target)] = self.full_shape[axis]
        full = np.zeros((*shape, *array.shape[3:]), array.dtype)
        if array.ndim == 3:
            full[self.box] = self._in_box(array, order)
        else:
            for channel in range(array.shape[3]):  # one at a time: a third of the memory
                full[(*self.box, channel)] = self._in_box(array[..., channel], order)
        return full if self.turning is None else nifti.turn_back(full, self.turning)

    def _in_box(self, array: np.ndarray, order: int) -> np.ndarray:
        """(x, y, z) of the images' size as the box's own voxels."""
        kept = self._kept()
        larger = resample(array, [side * self.factor for side in array.shape], order)
        return resample(larger[tuple(map(slice, self.resampled or kept))], kept, order)


def prepare(
    cases: Sequence[Case],
    *,
    factor: int = 1,
    spacing: Sequence[float] | None = None,
    progress: bool = True,
) -> list[PreparedCase]:
    """Prepare cases, or find them prepared in the cache; the same order as `cases`.

    All cases come out in one orientation, LPS. The brain is where any modality isn't 0. The images
    are cropped to it, and each modality gets mean 0 and deviation 1 within it. A case takes
    2 seconds or so and some 30 MB of disk (`factor=2`: an eighth). What isn't as in the published
    sets and a network can't know (`PreparedCase.remarks`) is printed, at every call.

    An entry of the cache depends on the case's files (paths, sizes, times of change), `factor`, `spacing`
    and `VERSION`. Two notebooks may ask at once: one makes it, the other waits. A damaged entry
    is noticed by its checksums and made again.

    Args:
        factor: 2 halves the resolution along each axis, for lessons on a laptop: images are averaged
            over blocks, a block's label is its most frequent one.
        spacing: in mm, along the three axes of LPS, such as a plan's `spacing`: before `factor`, cases
            with other voxels are resampled to these, as nearly as the box divides into whole voxels
            (images linearly, labels by `normalise.resample_labels`). None leaves each case its own.
        progress: show a bar while cases are made.

    Raises:
        ValueError: no cases, a factor under 1, or a spacing that isn't three lengths.
        DataError: a case's file is missing or damaged, or there is no brain in it.
    """
    if not cases:
        raise ValueError("no cases to prepare")
    if factor < 1:
        raise ValueError(f"factor must be 1 or more, it is {factor}")
    if spacing is not None:
        spacing = tuple(float(side) for side in spacing)
        if len(spacing) != 3 or not all(math.isfinite(side) and side > 0 for side in spacing):
            raise ValueError(f"spacing must be three lengths in mm, it is {spacing}")
    folder = runtime.cache_dir() / "volumes"
    with _told(folder, "The cases"):
        folder.mkdir(exist_ok=True)
    how = factor, spacing
    found = {i: _find(folder, case, how) for i, case in enumerate(cases)}
    missing = [i for i, entry in found.items() if entry is None]
    if missing:
        # Threads: reading and SciPy let go of the interpreter's lock. Two need 0.6 GB.
        bar = tqdm(total=len(missing), desc="Preparing cases", unit="case", disable=not progress)
        with bar, ThreadPoolExecutor(min(2, os.cpu_count() or 1)) as pool:
            try:
                make = pool.map(lambda i: _make(folder, cases[i], how), missing)
                for i, entry in zip(missing, make, strict=True):
                    found[i] = entry
                    bar.update()
            except BaseException:
                pool.shutdown(cancel_futures=True)
                raise
    ready = [found[i] for i in range(len(cases))]
    turned = [case for case in ready if case.turning is not None]
    odd = [case for case in turned if case.source.layout.orientation == "LPS"]
    if turned := turned if len(turned) < len(ready) else odd:
        names = ", ".join(case.id for case in turned[:5]) + (", …" if len(turned) > 5 else "")
        which = "others" if len(turned) < len(ready) else "published set"
        print(f"Turned to the orientation of the {which} (LPS): {names}.")
    remarks: dict[str, list[str]] = {}
    for case in ready:
        for remark in case.remarks:
            remarks.setdefault(remark, []).append(case.id)
    for remark, ids in remarks.items():
        print(f"{', '.join(ids[:5])}{', …' if len(ids) > 5 else ''}: {remark}.")
    return ready


# --- an entry of the cache ----------------------------------------------------------------------


How = tuple[int, tuple[float, ...] | None]  # factor and spacing


def _find(folder: Path, case: Case, how: How) -> PreparedCase | None:
    """The case's entry in a cache that a class shares, else in one's own; None in neither."""
    entry = _entry(folder, case, how)
    shared = _open(runtime.find_in_cache("volumes", entry.name), case)
    return _open(entry, case) if shared is None else shared


def _entry(folder: Path, case: Case, how: How) -> Path:
    """The folder of a case's entry: <id>-<which files, factor, spacing>-<their state, version>."""
    factor, spacing = how
    files = [Path(os.path.abspath(p)) for p in (*case.images, case.mask) if p is not None]
    state = []
    for path in files:
        try:
            facts = path.stat()
        except OSError as error:
            raise DataError(path, f"can't be read ({error.strerror})", "Restore it.") from error
        state.append([facts.st_size, facts.st_mtime_ns])
    which = [list(map(str, files)), case.layout.name, case.id, factor]
    which = _hash(which if spacing is None else [*which, spacing])
    return folder / f"{case.id}-{which}-{_hash([state, VERSION, CENTRES])}"


def _hash(facts: list) -> str:
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:12]


def _open(entry: Path, case: Case) -> PreparedCase | None:
    """The entry memory-mapped; None where there is none, or one that is damaged."""
    try:
        facts = json.loads(storage.read_text(entry / "facts.json"))
        if facts.pop("own checksum") != _hash([facts]):
            return None
        arrays = {}
        for name, checksum in facts["checksums"].items():
            if storage.checksum(entry / f"{name}.npy") != checksum:
                return None
            arrays[name] = np.load(entry / f"{name}.npy", mmap_mode="r")
        return PreparedCase(
            source=case,
            images=arrays["images"],
            labels=arrays.get("labels"),
            centres=np.array(arrays["centres"]),
            box=tuple(slice(*side) for side in facts["box"]),
            full_shape=tuple(facts["shape"]),
            full_affine=np.array(facts["affine"]),
            factor=facts["factor"],
            turning=None if facts["turning"] is None else np.array(facts["turning"]),
            remarks=tuple(facts["remarks"]),
            resampled=None if facts.get("resampled") is None else tuple(facts["resampled"]),
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None


@contextlib.contextmanager
def _told(folder: Path, who: str) -> Iterator[None]:
    """Say of an error in writing where it was and what to do."""
    try:
        yield
    except OSError as error:
        raise OSError(
            f"{who} can't be prepared in {folder}: {storage.cure_for(error)} Another folder for it is "
            f"named by the variable {runtime.CACHE_VARIABLE}."
        ) from error


def _make(folder: Path, case: Case, how: How) -> PreparedCase:
    """Make a case's entry unless somebody else has made it meanwhile."""
    entry = _entry(folder, case, how)
    family = entry.name.rpartition("-")[0]
    with _told(folder, case.id), storage.locked(folder / f".{family}.lock"):
        found = _open(entry, case)
        if found is not None:
            return found
        # The lock's holder is the only maker: what is half-made here was interrupted, what has
        # another state is out of date, and what has this name is damaged.
        for old in [*folder.glob(f".{family}-making-*"), *folder.glob(f"{family}-*")]:
            with contextlib.nullcontext() if old == entry else contextlib.suppress(OSError):
                storage.remove(old)
        making = Path(tempfile.mkdtemp(prefix=f".{family}-making-", dir=folder))
        try:
            _write(making, case, *how)
            making.chmod(0o755)  # mkdtemp's folder is for its owner alone
            storage.replace(making, entry)
        finally:
            shutil.rmtree(making, ignore_errors=True)
        found = _open(entry, case)
    if found is None:
        raise OSError(f"{entry}: was written, and can't be read back. Is the disk full or failing?")
    return found


def _write(folder: Path, case: Case, factor: int, spacing: tuple[float, ...] | None) -> None:
    volume = case.read()
    shape, affine = volume.images.shape[:3], volume.affine
    turned, turned_affine, turning = nifti.turn(volume.images, affine)
    images, box, brain = z_score(turned, case)
    wanted = _shape_at(spacing, images.shape[:3], nifti.spacing_of(turned_affine))
    remarks = _remarks(images, brain, volume, case.channels, spacing is None)
    labels = None
    if volume.labels is not None:
        labels = nifti.turn(volume.labels, affine)[0][box].copy()
        labels[labels == CAVITY] = 0  # no network of the course looks for resection cavities
    del volume, turned
    if wanted is not None:
        images = np.stack([resample(one, wanted) for one in np.moveaxis(images, -1, 0)], axis=-1)
        brain = resample(brain, wanted, order=0)
        images[~brain] = 0
        labels = None if labels is None else resample_labels(labels, wanted)
    if factor > 1:
        images, brain = shrink(images, factor), shrink(brain[..., None], factor)[..., 0] > 0
        images[~brain] = 0
        labels = None if labels is None else shrink_labels(labels, factor)
    arrays = {"images": images.astype(np.float16), "centres": centres_of(labels, brain)}
    if labels is not None:
        arrays["labels"] = labels
    for name, array in arrays.items():
        np.save(folder / f"{name}.npy", np.ascontiguousarray(array))
    facts = {
        "case": case.id,
        "box": [[side.start, side.stop] for side in box],
        "shape": [int(n) for n in shape],
        "affine": np.asarray(affine, float).tolist(),
        "factor": factor,
        "resampled": wanted,
        "turning": None if (turning == UNTURNED).all() else turning.tolist(),
        "remarks": remarks,
        "checksums": {name: storage.checksum(folder / f"{name}.npy") for name in arrays},
    }
    text = json.dumps({**facts, "own checksum": _hash([facts])}, indent=1)
    (folder / "facts.json").write_text(text + "\n", encoding="utf-8", newline="\n")


def _shape_at(spacing, shape: tuple[int, ...], own: Sequence[float]) -> list[int] | None:
    """A box's shape with voxels of this spacing, in mm; None where it keeps its shape."""
    if spacing is None:
        return None
    sides = zip(shape, own, spacing, strict=True)
    wanted = [max(1, round(count * side / new)) for count, side, new in sides]
    return None if wanted == list(shape) else wanted


def _remarks(
    images: np.ndarray,
    brain: np.ndarray,
    volume: brats.Volume,
    names: Sequence[str],
    own_voxels: bool,
) -> list[str]:
    """What isn't as in the published sets, of the images cropped and z-scored."""
    remarks = [
        f"{name} holds no picture, all its voxels have one value"
        for name, channel in zip(names, np.moveaxis(images, -1, 0), strict=True)
        if not channel.any()
    ]
    spacing = volume.spacing
    if own_voxels and any(abs(side - 1) > 1e-3 for side in spacing):
        sizes = "×".join(f"{side:g}" for side in spacing)
        remarks.append(f"voxels of {sizes} mm, where the published sets have 1×1×1 mm")
    if brain.all() and brain.size == np.prod(volume.images.shape[:3]):
        remarks.append("no voxel is exactly 0, so all of it counts as brain, skull and air too")
    return remarks
