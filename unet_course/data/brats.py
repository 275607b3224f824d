"""Read BraTS cases: find them in a folder, and turn their files into arrays.

All layouts of `layouts.BRATS` come out as one: modalities in the order of `layouts.MODALITIES`,
labels in the numbers of BraTS 2020.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from unet_course import runtime
from unet_course.data import files, identity, nifti, own_folder
from unet_course.data.brats_folders import case_places
from unet_course.data.layouts import (
    BRATS,
    CAVITY,
    LABELS,
    MODALITIES,
    REGION_LABELS,
    REGIONS,
    BratsLayout,
    DataError,
    natural_key,
)

__all__ = [
    "Case",
    "DataError",
    "Volume",
    "course_cases",
    "find_cases",
    "labels_of",
    "regions",
    "sample_cases",
]

_KNOWN = np.isin(np.arange(256), [*LABELS, CAVITY])
_MEANINGS = {1: "core", 2: "oedema", 4: "enhancing", CAVITY: "resection cavity"}


@dataclass(frozen=True)
class Volume:
    """A case's arrays, in the order of axes that its files have."""

    images: np.ndarray  # (x, y, z, 4), int16 or float32, modalities as in `Case.channels`
    labels: np.ndarray | None  # (x, y, z), uint8: 0, 1, 2, 4; None where there is no mask
    affine: np.ndarray  # (4, 4), voxel indices → millimetres (RAS+)

    @property
    def spacing(self) -> tuple[float, float, float]:
        """Distance between neighbouring voxels along x, y and z, in mm."""
        return nifti.spacing_of(self.affine)


@dataclass(frozen=True)
class Case:
    """One case's files on disk; nothing is read before it is asked for."""

    id: str  # BraTS20_Training_001
    folder: Path  # its own; in MSD Task01, where all cases share theirs, the task's
    layout: BratsLayout
    images: tuple[Path, ...]  # in the order of `channels`; one 4-D file in MSD Task01
    mask: Path | None  # None: a case that was published without
    person: str = ""  # the patient, where other ids show who it is (`identity.without_copies`)

    def __repr__(self) -> str:
        return f"Case({self.id}, {self.layout.name})"

    @property
    def patient(self) -> str:
        """The patient's id, by which cases are split: the case's id without its time point.

        A patient may have other ids in other sets; `identity.same_scans` finds equal scans.
        """
        return self.person or self.layout.patient_of(self.id)

    @property
    def channels(self) -> tuple[str, ...]:
        """Names of the images' channels: `layouts.MODALITIES`, or those of one's own table."""
        return self.layout.names

    def scan_key(self) -> str:
        """What tells this scan from others, whatever its id (`identity.scan_key`), by its FLAIR."""
        return identity.scan_key(self.read_image(self.channels[-1]))

    def read(self) -> Volume:
        """Read the modalities and the mask: labels 0, 1, 2, 4, and 5 in a resection cavity.

        Takes 8 bytes a voxel (72 MB for 240×240×155) where all files are int16, else 16.

        Raises:
            DataError: a file is missing or damaged, has another number of axes, another shape or
                affine than the first, or labels that aren't the layout's; the message names it.
        """
        if self.layout.channels:
            found = self._read_file(self.images[0])
            shape, affine = found.array.shape[:3], found.affine
            kind = np.int16 if found.array.dtype == np.int16 else np.float32
            images = np.empty((*shape, len(self.channels)), kind)
            for i, channel in enumerate(self.layout.channels):
                images[..., i] = found.array[..., channel]
        else:
            images, affine = None, None
            for i, path in enumerate(self.images):
                found = self._read_file(path)
                if images is None:
                    shape, affine = found.array.shape, found.affine
                    images = np.empty((*shape, len(self.channels)), found.array.dtype)
                else:
                    self._expect_alike(path, found, shape, affine)
                if found.array.dtype != np.int16 or images.dtype != np.int16:
                    images = images.astype(np.float32, copy=False)
                images[..., i] = found.array
        labels = None
        if self.mask is not None:
            found = self._read_file(self.mask, mask=True)
            self._expect_alike(self.mask, found, shape, affine)
            labels = self._translated(found.array)
        return Volume(images, labels, affine)

    def read_image(self, modality: str) -> np.ndarray:
        """Read one modality alone: (x, y, z), int16 or float32.

        Raises ValueError where there is no such modality, DataError as `read` does.
        """
        if modality not in self.channels:
            raise ValueError(f"no modality {modality!r}; there are {', '.join(self.channels)}")
        i = self.channels.index(modality)
        if self.layout.channels:
            array = self._read_file(self.images[0]).array[..., self.layout.channels[i]]
        else:
            array = self._read_file(self.images[i]).array
        return _int16_or_float32(array)

    def read_labels(self) -> np.ndarray | None:
        """Read the mask alone, uint8 (x, y, z), None where there is none. Raises as `read` does."""
        if self.mask is None:
            return None
        return self._translated(self._read_file(self.mask, mask=True).array)

    def read_affine(self) -> np.ndarray:
        """Read the affine alone, (4, 4), from the first image's header. Raises DataError."""
        return nifti.read_affine(self.images[0])

    def _read_file(self, path: Path, mask: bool = False) -> nifti.Nifti:
        return expect_axes(path, nifti.read(path), self.layout, mask)

    def _expect_alike(self, path: Path, found: nifti.Nifti, shape: tuple, affine: np.ndarray):
        if found.array.shape[:3] != shape:
            got, wanted = ("×".join(map(str, sizes)) for sizes in (found.array.shape[:3], shape))
            what = f"has the shape {got}, not {wanted}"
        else:
            what = affines_differ(found.affine, affine)
        if what:
            raise DataError(
                path,
                f"{what}, which {self.images[0]} has",
                files.instead(path, f"{files.ONE_GRID} {files.RESAMPLE}", nifti.COMMAND),
            )

    def _translated(self, array: np.ndarray) -> np.ndarray:
        try:
            return self.layout.from_disk(array)
        except ValueError as error:
            cure = label_cure(self.layout, array)
            raise DataError(self.mask, f"a mask with {error}", cure) from None


def _int16_or_float32(array: np.ndarray) -> np.ndarray:
    return array if array.dtype == np.int16 else array.astype(np.float32, copy=False)


def expect_axes(
    path: Path, found: nifti.Nifti, layout: BratsLayout, mask: bool = False
) -> nifti.Nifti:
    """Return the volume without last axes of length 1. DataError unless its axes are the layout's."""
    array = found.array
    wanted = 3 if mask else layout.axes
    while array.ndim > wanted and array.shape[-1] == 1:  # a 3-D volume, as some programs write it
        array = array[..., 0]
    what = "a mask" if mask else "an image"
    if array.ndim != wanted:
        size = "×".join(map(str, array.shape))
        fault = f"is {array.ndim}-D ({size}), {what} of {layout.name} is {wanted}-D"
        cure = f"Save it with {wanted} axes."
        if wanted == 3 and not mask:
            cure = "Each modality is a 3-D file of its own: split the 4-D one."
        raise DataError(path, fault, cure)
    if wanted == 4 and array.shape[-1] != len(layout.names):
        fault = f"has {array.shape[-1]} channels, {what} of {layout.name} has {len(layout.names)}"
        names = ", ".join(layout.modalities)
        cure = f"It holds {names}: put the missing ones in, or leave the others out."
        raise DataError(path, fault, cure)
    return nifti.Nifti(array, found.affine)


def affines_differ(affine: np.ndarray, wanted: np.ndarray) -> str:
    """Say how an affine differs from another; empty where no entry does by a thousandth of a mm."""
    if np.allclose(affine, wanted, rtol=0, atol=1e-3):
        return ""
    shown = [" ".join(np.array2string(a[:3].round(3) + 0.0).split()) for a in (affine, wanted)]
    return f"has the affine {shown[0]}, not {shown[1]}"


def label_cure(layout: BratsLayout, found: np.ndarray) -> str:
    """What to do about labels that a layout hasn't got, by what the numbers found may be."""
    numbers = {float(value) for value in np.unique(found)}
    advice = ["If a data set came with it, take the set's own mask."]
    if numbers == {0, 255}:
        advice = ["0 and 255 is a picture's mask of one region: BraTS' masks tell three apart."]
    if fitting := layout.others_with(numbers):
        meaning = "; ".join(
            f"{name}: {', '.join(f'{n} {_MEANINGS[ours]}' for n, ours in BRATS[name].labels.items() if n)}"
            for name in fitting
        )
        advice = [
            f"These are numbers of another year ({meaning}). Convert the mask, or give the case a "
            "name of that layout."
        ]
    elif any(number != round(number) for number in numbers):
        advice.append("A mask that is resampled needs nearest neighbours.")
    return f"Masks of {layout.name} hold {', '.join(map(str, layout.labels))}. {' '.join(advice)}"


# --- regions ------------------------------------------------------------------------------------


def regions(labels: np.ndarray) -> np.ndarray:
    """The regions that are judged, from labels: uint8 (…, 3), 0 and 1, as in `layouts.REGIONS`.

    Whole tumour is 1, 2 and 4, tumour core 1 and 4, enhancing tumour 4, as in the sets since 2017
    (Bakas et al., 2018). A resection cavity (5; BraTS 2024) lies in none of them.

    Raises:
        ValueError: other labels; a 3, for instance, would be enhancing tumour in BraTS 2023.

    >>> regions(np.array([0, 1, 2, 4])).tolist()
    [[0, 0, 0], [1, 1, 0], [1, 0, 0], [1, 1, 1]]
    """
    labels = np.asarray(labels)
    known = _KNOWN[labels] if labels.dtype == np.uint8 else np.isin(labels, [*LABELS, CAVITY])
    if not known.all():
        values = np.unique(labels[~known])[:5]
        texts = ", ".join(np.format_float_positional(value, trim="-") for value in values)
        raise ValueError(
            f"labels {texts}, where {', '.join(map(str, LABELS))} belong. "
            "Case.read_labels gives the course's numbers, whatever the layout's are."
        )
    result = np.empty((*labels.shape, len(REGIONS)), np.uint8)
    for i, region in enumerate(REGIONS):
        first, *others = REGION_LABELS[region]
        inside = labels == first
        for label in others:  # several times as fast as np.isin
            inside |= labels == label
        result[..., i] = inside
    return result


def labels_of(regions: np.ndarray) -> np.ndarray:
    """Labels from regions (…, 3), WT, TC, ET, 1 inside and 0 outside: uint8 (…), 0, 1, 2, 4.

    A network may predict core outside its whole tumour: the innermost region decides.
    Raises ValueError where the last axis isn't 3 long, or another value is in it (a probability).

    >>> labels_of(np.array([[0, 0, 0], [1, 1, 0], [1, 0, 0], [1, 1, 1], [0, 0, 1]])).tolist()
    [0, 1, 2, 4, 4]
    """
    regions = np.asarray(regions)
    if regions.shape[-1:] != (len(REGIONS),):
        raise ValueError(f"regions must be (…, {len(REGIONS)}), got {regions.shape}")
    if regions.dtype != bool and not ((regions == 0) | (regions == 1)).all():
        raise ValueError("regions must be 0 and 1; compare probabilities with a threshold first")
    result = np.zeros(regions.shape[:-1], np.uint8)
    for i, label in enumerate((2, 1, 4)):  # what WT, TC and ET add to the one around them
        result[regions[..., i] != 0] = label
    return result


# --- finding them -------------------------------------------------------------------------------


def find_cases(folder: Path | str, labelled: bool = True) -> list[Case]:
    """Find all whole cases under a folder, of any layout, in natural order of ids, each once.

    The first whole copy of a case counts. A case that is only partly there is left out, with a
    warning that names what it lacks. Files are not opened: `unet-course data check` does that.
    Where the folder has a table of its own (`own_folder`), the scans in it are cases, too.

    Args:
        labelled: pass over, without a word, the sets' validation and test cases, which were
            published without masks; else they are among the cases, with `mask` None.

    Raises:
        DataError: the table can't be used; the message names the line and the cure.
    """
    layout, rows = own_folder.find_own_scans(folder)
    found: dict[str, Case] = {
        row.case: Case(row.case, Path(folder), layout, row.images, row.mask, person=row.patient)
        for row in rows
        if row.mask is not None or not labelled
    }
    left_out: dict[str, str] = {}
    for place in case_places(folder):
        if place.id in found or (labelled and place.unlabelled):
            continue
        if place.fault:
            left_out.setdefault(place.id, f"{place.folder} ({place.fault})")
        else:
            # MSD's cases share a folder: the task's, above that of the images
            home = place.folder.parents[1] if place.layout.channels else place.folder
            found[place.id] = Case(place.id, home, place.layout, place.images, place.mask)
    left_out = {id: why for id, why in left_out.items() if id not in found}
    if left_out:
        files.warn_left_out(folder, "only partly there", left_out.values())
    return sorted(found.values(), key=lambda case: natural_key(case.id))


def sample_cases(synthetic: int = 8) -> list[Case]:
    """Return so many of the sample's synthetic cases, making them on first use.

    Fewer than the usual eight are the first of these; where all eight are made, none is made again.
    """
    from unet_course.synthetic import sample_data

    made = 8 if synthetic < 8 and sample_data.brats_is_made() else synthetic
    return find_cases(sample_data.brats_root(cases=made))[:synthetic]


def course_cases(
    limit: int | None = None, synthetic: int = 8, needs: Sequence[int] = (), own: bool = False
) -> list[Case]:
    """Return the cases that a lesson works with, and print one line that says which they are.

    Real ones where `runtime.data_folder()` holds any, else the sample, which is made on first use.
    A scan that is among them under two ids is taken once, and that is said. Of a folder with a table
    of its own they are taken where all have the four modalities and BraTS' labels. Where none of the real
    cases holds all labels that the lesson needs, one of the sample's is added, and that is said, too.

    Args:
        limit: take at most so many, spread evenly over the line of them, always the same.
        synthetic: how many cases the sample has; a case is made in ten seconds or so.
        needs: labels that one case at least must hold; without any, the masks aren't read.
        own: take the scans of a folder's own table whatever their channels and regions.

    Raises:
        NotADirectoryError: the folder that is pointed at is gone.
        ValueError: `limit` or `synthetic` under 1.
        DataError: the folder's own table can't be used.
    """
    if limit is not None and limit < 1:
        raise ValueError(f"limit must be at least 1, it is {limit}")
    folder = runtime.data_folder()
    found = find_cases(folder) if folder else []
    real = (
        found if own else [c for c in found if c.channels == MODALITIES and not c.layout.one_region]
    )
    if len(real) < len(found):
        print(
            f"Passed over, {len(found) - len(real)} cases of {own_folder.TABLE}: this lesson shows "
            f"{', '.join(MODALITIES)} and masks with three regions."
        )
    cases = real or sample_cases(synthetic)
    chosen = cases
    if limit is not None and limit < len(cases):
        chosen = [cases[int((i + 0.5) * len(cases) / limit)] for i in range(limit)]
    part = f"a subset of {len(chosen)} of " if len(chosen) < len(cases) else ""
    if real:
        patients = len({case.patient for case in cases})
        of = f" of {patients} patient{'s' * (patients != 1)}" if patients < len(cases) else ""
        print(f"Data: {part}{len(cases)} case{'s' * (len(cases) != 1)}{of} in {folder}.")
        chosen, left_out = identity.without_copies(chosen)
        if left_out:
            print(left_out)
        if needs and not any(_holds(case, needs) for case in chosen):
            added = next(case for case in sample_cases(synthetic) if _holds(case, needs))
            chosen = [*chosen, added]
            print(
                f"None of these cases holds {', '.join(_MEANINGS[n] for n in needs)}, which this lesson "
                f"shows: the sample's {added.id} is added. With such a case of your own it isn't."
            )
    else:
        why = f"no complete BraTS case in {folder}" if folder else "nothing real was pointed at"
        count = f"{part}{len(cases)} synthetic {'case' if len(cases) == 1 else 'cases'}"
        print(f"Data: the sample, {count} ({why}).")
    return chosen


def _holds(case: Case, labels: Sequence[int]) -> bool:
    """Whether a case's mask holds all of these labels."""
    return case.mask is not None and np.isin(labels, case.read_labels()).all()
