"""How each real data set lies on disk: names, channels, counts, licence. One table a data set.

Readers, checks, downloads and the makers of sample patients all take these facts from here, so
each stands in one place.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path


class DataError(ValueError):
    """A file that doesn't fit its layout: which one, what is wrong with it, and the cure.

    >>> raise DataError("TCGA_CS_4941_19960909_7.tif", "the file is empty", "Unpack it again.")
    Traceback (most recent call last):
    unet_course.layouts.DataError: TCGA_CS_4941_19960909_7.tif: the file is empty. Unpack it again.
    """

    def __init__(self, path: Path | str, what: str, cure: str):
        super().__init__(f"{path}: {what}. {cure}")
        self.path = Path(path)
        self.what = what
        self.cure = cure

    def __reduce__(self):  # so that it survives the way back from a worker process
        return type(self), (self.path, self.what, self.cure)


def natural_key(name: str) -> list[tuple[int, int | str]]:
    """Sort key that reads runs of digits as numbers, so that slice 2 comes before slice 10.

    >>> sorted(["x_10.tif", "x_2.tif", "x_1.tif"])
    ['x_1.tif', 'x_10.tif', 'x_2.tif']
    >>> sorted(["x_10.tif", "x_2.tif", "x_1.tif"], key=natural_key)
    ['x_1.tif', 'x_2.tif', 'x_10.tif']
    """
    parts = re.split(r"([0-9]+)", name)
    return [(1, int(part)) if part.isdecimal() else (0, part) for part in parts if part]


@dataclass(frozen=True)
class LggLayout:
    """Kaggle's `mateuszbuda/lgg-mri-segmentation`, as its author laid it out.

    `kaggle_3m/TCGA_CS_4941_19960909/TCGA_CS_4941_19960909_7.tif` is slice 7 of a patient: rows ×
    columns × channels, `uint8`. `…_7_mask.tif` is its mask: rows × columns, 0 or 255. Slices number
    from 1, without zero padding. `data.csv` has a row a patient, under the id without the date.
    """

    name: str = "LGG"
    folder: str = "kaggle_3m"
    table: str = "data.csv"
    channels: tuple[str, ...] = ("pre-contrast", "FLAIR", "post-contrast")
    size: int = 256  # rows and columns
    # <project>_<institution>_<number>_<date>; the course's own synthetic patients have project SYN
    patient: re.Pattern = re.compile(
        r"(?P<id>(?P<project>[A-Z]+)_(?P<institution>[A-Z0-9]{2})_(?P<number>[A-Z0-9]+))"
        r"_(?P<date>[0-9]{8})"
    )
    # what follows the patient folder's name in a file's name
    slice: re.Pattern = re.compile(r"_(?P<number>[1-9][0-9]*)(?P<mask>_mask)?\.tif")

    # Published: Buda, Saha, Mazurowski (2019) and the set's own files
    patients: int = 110
    slices: int = 3929
    tumour_slices: int = 1373
    # A sequence that wasn't taken is filled with FLAIR (found in the files' pixels)
    missing_pre_and_post: tuple[str, ...] = (
        "TCGA_DU_7013",
        "TCGA_FG_A60K",
        "TCGA_HT_7877",
        "TCGA_HT_8105",
        "TCGA_HT_A616",
        "TCGA_HT_A61B",
    )
    missing_post: tuple[str, ...] = (
        "TCGA_DU_6407",
        "TCGA_DU_7301",
        "TCGA_DU_8165",
        "TCGA_FG_7634",
    )

    kaggle: str = "mateuszbuda/lgg-mri-segmentation"
    page: str = "https://www.kaggle.com/datasets/mateuszbuda/lgg-mri-segmentation"
    licence: str = "CC BY-NC-SA 4.0"
    licence_page: str = "https://creativecommons.org/licenses/by-nc-sa/4.0/"
    citations: tuple[str, ...] = (
        "Buda M, Saha A, Mazurowski MA (2019). Association of genomic subtypes of lower-grade "
        "gliomas with shape features automatically extracted by a deep learning algorithm. "
        "Computers in Biology and Medicine 109.",
        "Mazurowski MA, Clark K, Czarnek NM, Shamsesfandabadi P, Peters KB, Saha A (2017). "
        "Radiogenomics of lower-grade glioma: algorithmically-assessed tumor shape is associated "
        "with tumor genomic subtypes and patient outcomes in a multi-institutional study with "
        "The Cancer Genome Atlas data. Journal of Neuro-Oncology 133.",
    )

    def image_name(self, folder: str, number: int) -> str:
        """Name of a slice's image.

        >>> LGG.image_name("TCGA_CS_4941_19960909", 7)
        'TCGA_CS_4941_19960909_7.tif'
        """
        return f"{folder}_{number}.tif"

    def mask_name(self, folder: str, number: int) -> str:
        """Name of a slice's mask.

        >>> LGG.mask_name("TCGA_CS_4941_19960909", 7)
        'TCGA_CS_4941_19960909_7_mask.tif'
        """
        return f"{folder}_{number}_mask.tif"

    def slice_of(self, folder: str, name: str) -> tuple[int, bool] | None:
        """Number of the slice that a file holds and whether it is the mask; None: a foreign file.

        >>> LGG.slice_of("TCGA_CS_4941_19960909", "TCGA_CS_4941_19960909_7_mask.tif")
        (7, True)
        >>> LGG.slice_of("TCGA_CS_4941_19960909", "._TCGA_CS_4941_19960909_7.tif")
        """
        if not name.startswith(folder):
            return None
        match = self.slice.fullmatch(name, len(folder))
        return (int(match["number"]), bool(match["mask"])) if match else None


LGG = LggLayout()
