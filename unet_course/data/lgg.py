"""Read LGG patients, real or of the sample (`layouts.LGG`): find them, and read their files."""

from __future__ import annotations

import contextlib
import os
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from io import StringIO
from pathlib import Path

import numpy as np
import pandas as pd

from unet_course import runtime
from unet_course.data import files, identity, own_folder
from unet_course.data.layouts import LGG, DataError
from unet_course.data.tiff import COMMAND, read_image, read_mask

__all__ = [
    "DataError",
    "Patient",
    "course_patients",
    "find_patients",
    "patient_folders",
    "patient_table",
    "read_image",
    "read_mask",
    "read_table",
]


FLAIR = LGG.channels.index("FLAIR")
LARGEST_TABLE = 2**22  # bytes of data.csv; the set's own has 2**13
MOST_COLUMNS = 2000


@dataclass(frozen=True)
class Patient:
    """One patient's slices on disk; nothing is read before it is asked for."""

    id: str  # without the date, as in data.csv: TCGA_CS_4941
    folder: Path
    numbers: tuple[int, ...]  # of the slices, in natural order
    institution: str

    def __repr__(self) -> str:
        return f"Patient({self.id}, {len(self.numbers)} slices)"

    def image_path(self, number: int) -> Path:
        """Path of a slice's image."""
        return self.folder / LGG.image_name(self.folder.name, number)

    def mask_path(self, number: int) -> Path:
        """Path of a slice's mask."""
        return self.folder / LGG.mask_name(self.folder.name, number)

    def read(self) -> tuple[np.ndarray, np.ndarray]:
        """Read all slices.

        Returns:
            Images, uint8 (slices, 256, 256, 3), channels as in `layouts.LGG.channels`, and masks,
            uint8 (slices, 256, 256), 1 where tumour is and 0 elsewhere.

        Raises:
            DataError: a file is missing or damaged; the message names it and the cure.
        """
        return np.stack([self.read_image(n) for n in self.numbers]), self.read_masks()

    def read_image(self, number: int) -> np.ndarray:
        """Read one slice's image: uint8 (256, 256, 3). Raises as `read` does."""
        return read_image(self.image_path(number))

    def read_masks(self) -> np.ndarray:
        """Read the masks alone: uint8 (slices, 256, 256), 0 and 1. Raises as `read` does."""
        return np.stack([read_mask(self.mask_path(n)) for n in self.numbers])

    def scan_key(self) -> str:
        """What tells this scan from others, whatever its id (`identity.scan_key`), by a middle slice."""
        middle = self.numbers[len(self.numbers) // 2]
        return identity.scan_key(read_image(self.image_path(middle))[..., FLAIR])

    @property
    def channels(self) -> tuple[str, ...]:
        """Names of the images' channels."""
        return LGG.channels

    @cached_property
    def missing(self) -> tuple[str, ...]:
        """Sequences that weren't taken: their channel repeats FLAIR. Raises as `read` does."""
        missing = [name for name in LGG.channels if name != "FLAIR"]
        middle = len(self.numbers) // 2
        # a middle slice settles it at once for nearly everybody; the outer ones may be black
        for number in sorted(self.numbers, key=lambda n: abs(self.numbers.index(n) - middle)):
            channels = dict(zip(LGG.channels, read_image(self.image_path(number)).T, strict=True))
            missing = [n for n in missing if np.array_equal(channels[n], channels["FLAIR"])]
            if not missing:
                break
        return tuple(missing)

    @cached_property
    def tumour_pixels(self) -> tuple[int, ...]:
        """Tumour pixels of each slice, in the order of `numbers`. Raises as `read` does."""
        return tuple(int(read_mask(self.mask_path(n)).sum()) for n in self.numbers)


# --- finding them -----------------------------------------------------------------------------


def patient_folders(
    folder: Path | str, on_error: Callable[[OSError], None] | None = None
) -> Iterator[Path]:
    """Yield every path under a folder that is named like a patient's, the folder itself included.

    Folders are searched as `files.walk` does. What is yielded may be a file or a link that leads
    nowhere. `on_error` is called with the error where another folder can't be listed.
    """

    def may_hold(name: str, is_folder: bool) -> bool:
        return is_folder or LGG.patient.fullmatch(name) is not None

    for here, inside in files.walk(folder, may_hold):
        if LGG.patient.fullmatch(here.name):
            yield here
        elif on_error and isinstance(inside, OSError):
            on_error(inside)


def slice_numbers(folder: Path) -> tuple[set[int], set[int]]:
    """Numbers of the slices that have an image, and of those that have a mask. Raises OSError."""
    slices = [LGG.slice_of(folder.name, name) for name in os.listdir(folder)]
    images = {found[0] for found in slices if found and not found[1]}
    masks = {found[0] for found in slices if found and found[1]}
    return images, masks


def describe_gap(images: set[int], masks: set[int]) -> str:
    """Say what makes a patient incomplete, given the numbers of the files; empty if nothing."""
    if not images and not masks:
        return "no slices"
    if images != masks:
        number = min(images ^ masks)
        return f"slice {number} without {'mask' if number in images else 'image'}"
    gap = next((n for n, number in enumerate(sorted(images), start=1) if n != number), None)
    return f"no slice {gap}" if gap else ""


def find_patients(folder: Path | str) -> list[Patient]:
    """Find all complete LGG patients under a folder, sorted by id, each once.

    If a patient is found twice (Kaggle's archive holds the set twice), the first complete copy is
    used. A patient with a slice that lacks its mask or its image, a gap in the numbering or no
    slices is left out, with a warning. Files are not opened: `unet-course data check` does that.
    Where the folder has a table of slices of its own (`own_folder`), its patients are among them.

    Raises:
        DataError: the table can't be used; the message names the line and the cure.
    """
    found: dict[str, Patient] = {}
    left_out: dict[str, str] = {}
    for path in patient_folders(folder):
        match = LGG.patient.fullmatch(path.name)
        if match["id"] in found:
            continue
        try:
            images, masks = slice_numbers(path)
            why = describe_gap(images, masks)
        except OSError as error:
            why = f"can't be opened: {(error.strerror or 'an error').lower()}"
        if why:
            left_out.setdefault(match["id"], f"{path} ({why})")
        else:
            numbers = tuple(sorted(images))
            found[match["id"]] = Patient(match["id"], path, numbers, match["institution"])
    left_out = {id: why for id, why in left_out.items() if id not in found}
    if left_out:
        files.warn_left_out(folder, "incomplete", left_out.values())
    own = [one for one in own_folder.find_own_patients(folder) if one.id not in found]
    return sorted([*found.values(), *own], key=lambda patient: patient.id)


def course_patients(
    limit: int | None = None, at_least: int = 0, own: bool = False
) -> list[Patient | own_folder.OwnPatient]:
    """Return the patients that a lesson works with, and print one line that says which they are.

    Real ones where `runtime.data_folder()` holds any, else the sample, which is made on first use.

    Args:
        limit: take at most so many, spread over institutions and tumour sizes, always the same.
        at_least: how many patients the lesson needs, each readable, with slices with tumour and
            slices without. Others are left out, which is said; where fewer than `at_least` remain,
            the sample takes their place. 0: all are taken, and none is looked into.
        own: take the patients of the folder's own table (`own_folder`) where it has one of slices:
            pictures of any size, all with as many channels; those with tumour in every slice, too.

    Raises:
        DataError: without `at_least`, a mask that is needed to choose the subset is damaged; or the
            folder's own table can't be used.
        NotADirectoryError: the folder that is pointed at is gone.
        ValueError: `limit` under 1.
    """
    if limit is not None and limit < 1:
        raise ValueError(f"limit must be at least 1, it is {limit}")
    folder = runtime.data_folder()
    complete = find_patients(folder) if folder else []
    of_table = [one for one in complete if not isinstance(one, Patient)]
    if own and of_table:
        complete = of_table
    else:
        complete = [one for one in complete if isinstance(one, Patient)]
        if of_table:
            print(
                f"Passed over, {len(of_table)} patients of {own_folder.TABLE}: this lesson shows LGG's "
                f'files. lgg.find_patients("{folder}") has yours.'
            )
    channels = _usual_channels(complete) if own and at_least else None
    flaws = {p.id: flaw for p in complete if at_least and (flaw := _flaw(p, channels))}
    real = [patient for patient in complete if patient.id not in flaws]
    enough = real and len(real) >= at_least
    patients = real if enough else _sample_patients()
    chosen = _spread(patients, limit)
    part = f"a subset of {len(chosen)} of " if len(chosen) < len(patients) else ""
    if enough:
        print(f"Data: {part}{len(real)} patient{'s' * (len(real) != 1)} in {folder}.")
        chosen, left_out = identity.without_copies(chosen)
        if left_out:
            print(left_out)
    else:
        kind = "patient's slices" if own else "complete LGG patient"
        why = f"no {kind} in {folder}" if folder else "nothing real was pointed at"
        if complete:
            why = f"the lesson needs {at_least}, and {folder} has {len(real)} that it can use"
        print(f"Data: the sample, {part}{len(patients)} synthetic patients ({why}).")
    if flaws:
        named = [f"{id} ({flaw})" for id, flaw in flaws.items()]
        more = f" and {len(named) - 3} more" if len(named) > 3 else ""
        cure = f"unet-course data check {folder} says how to mend files."
        print(f"Left out, as no lesson can use them: {'; '.join(named[:3])}{more}. {cure}")
    return chosen


def _flaw(patient: Patient | own_folder.OwnPatient, channels: int | None = None) -> str:
    """Why no lesson can use a patient, or an empty text; reads all masks and one image."""
    try:
        image = patient.read_image(patient.numbers[0])
        tumour = patient.tumour_pixels
    except DataError as error:
        return f"{error.path.name} {error.what}"
    if channels not in (None, image.shape[-1]):
        return f"{image.shape[-1]} channels, most others have {channels}"
    if not any(tumour):
        return "no slice has tumour"
    return "every slice has tumour" if all(tumour) and isinstance(patient, Patient) else ""


def _usual_channels(patients: Sequence[Patient | own_folder.OwnPatient]) -> int | None:
    """How many channels most patients have; None where no image can be read."""
    counts = []
    for patient in patients:
        with contextlib.suppress(DataError):  # told by `_flaw`
            counts.append(patient.read_image(patient.numbers[0]).shape[-1])
    return max(set(counts), key=counts.count) if counts else None


def _sample_patients() -> list[Patient]:
    from unet_course.synthetic import sample_data

    return find_patients(sample_data.lgg_root())


def _spread(patients: list[Patient], limit: int | None) -> list[Patient]:
    """Every n-th patient of a line in which neighbours share institution and size of tumour."""
    if limit is None or limit >= len(patients):
        return patients
    line = sorted(patients, key=lambda p: (p.institution, sum(p.tumour_pixels), p.id))
    picks = [int((i + 0.5) * len(line) / limit) for i in range(limit)]
    return sorted((line[i] for i in picks), key=lambda patient: patient.id)


# --- tables -----------------------------------------------------------------------------------


def patient_table(patients: Sequence[Patient]) -> pd.DataFrame:
    """Table of patients, index `id`: institution, slices, tumour_slices, tumour_pixels, missing.

    All masks are read, and as many images as it takes to tell which sequences are missing.
    Raises DataError where a file is missing or damaged.
    """
    columns = ["id", "institution", "slices", "tumour_slices", "tumour_pixels", "missing"]
    rows = [
        [
            patient.id,
            patient.institution,
            len(patient.numbers),
            sum(pixels > 0 for pixels in patient.tumour_pixels),
            sum(patient.tumour_pixels),
            ", ".join(patient.missing),
        ]
        for patient in patients
    ]
    return pd.DataFrame(rows, columns=columns).set_index("id")


def read_table(source: Path | str | Sequence[Patient]) -> pd.DataFrame:
    """Read the clinical and genomic table `data.csv`, index `Patient` (ids without date).

    Args:
        source: a folder that is searched through, or patients. For patients the rows are theirs, in
            their order; a patient without a row gets an empty one.

    Raises:
        DataError: `data.csv` isn't a table with a column `Patient`. If there is none, a warning is
            given and a table without columns returned.
    """
    if isinstance(source, str | os.PathLike):
        ids, folders = None, [Path(source), *(p.parent for p in patient_folders(source))]
    else:
        ids, folders = [p.id for p in source], [p.folder.parent for p in source]
    files = [f / LGG.table for f in dict.fromkeys(folders) if (f / LGG.table).exists()]
    tables = [read_csv(file) for file in files]
    if tables:
        table = pd.concat(tables)
        table = table[~table.index.duplicated()]  # a set that lies there twice
    else:
        where = source if ids is None else (folders[0] if folders else "the patients' folder")
        warnings.warn(f"{where}: no {LGG.table}, so no clinical data", stacklevel=2)
        table = pd.DataFrame(index=pd.Index([], name="Patient", dtype=object))
    return table if ids is None else table.reindex(pd.Index(ids, name="Patient"))


def read_csv(path: Path) -> pd.DataFrame:
    """Read one `data.csv`; arguments, result and errors as in `read_table`."""
    cure = f"Restore {LGG.table} from the archive, or remove it: images are read without it."
    try:
        files.size_of(path, COMMAND, LARGEST_TABLE)
        text = path.read_text(encoding="utf-8-sig")
        head = text.partition("\n")[0]
        separator = ";" if ";" in head else ","
        if head.count(separator) > MOST_COLUMNS:
            raise ValueError(f"it has more than {MOST_COLUMNS:,} columns")
        table = pd.read_csv(StringIO(text), sep=separator)
    except DataError as error:
        raise DataError(path, error.what, cure) from error
    except (OSError, ValueError) as error:  # pandas' and the decoder's errors are ValueErrors
        what = error.strerror if isinstance(error, OSError) else str(error).splitlines()[0]
        raise DataError(path, f"can't be read as a table: {what}", cure) from error
    if "Patient" not in table:
        raise DataError(path, "has no column Patient", cure)
    ids = table["Patient"].astype(str).str.strip().str.replace(r"_[0-9]{8}$", "", regex=True)
    return table.assign(Patient=ids).set_index("Patient")
