"""How each real data set lies on disk: names, channels, counts, licence. One table a data set."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np


def plain(text: object) -> str:
    r"""A name or path as text that commands no terminal: control characters are spelled out.

    >>> plain("a\x1b[31m\n.tif")
    'a\\x1b[31m\\n.tif'
    """
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in str(text))


class DataError(ValueError):
    """A file that doesn't fit its layout: which one, what is wrong with it, and the cure.

    >>> raise DataError("TCGA_CS_4941_19960909_7.tif", "the file is empty", "Unpack it again.")
    Traceback (most recent call last):
    unet_course.data.layouts.DataError: TCGA_CS_4941_19960909_7.tif: the file is empty. Unpack it again.
    """

    def __init__(self, path: Path | str, what: str, cure: str):
        super().__init__(plain(f"{path}: {what}. {cure}"))
        self.path = Path(path)
        self.what = what
        self.cure = cure

    def __reduce__(self):  # so that it survives the way back from a worker process
        return type(self), (self.path, self.what, self.cure)


def natural_key(name: str) -> list[tuple[int, int | str]]:
    """Sort key that reads runs of digits as numbers, so that slice 2 comes before slice 10.

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
    from 1. `data.csv` has a row a patient, under the id without the date.
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
    slice: re.Pattern = re.compile(r"_(?P<number>[1-9][0-9]{0,3})(?P<mask>_mask)?\.tif")

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
        """Name of a slice's image, such as `TCGA_CS_4941_19960909_7.tif`."""
        return f"{folder}_{number}.tif"

    def mask_name(self, folder: str, number: int) -> str:
        """Name of a slice's mask, such as `TCGA_CS_4941_19960909_7_mask.tif`."""
        return f"{folder}_{number}_mask.tif"

    def slice_of(self, folder: str, name: str) -> tuple[int, bool] | None:
        """Number of the slice that a file holds and whether it is the mask; None: a foreign file.

        >>> LGG.slice_of("TCGA_CS_4941_19960909", "TCGA_CS_4941_19960909_7_mask.tif")
        (7, True)
        """
        if not name.startswith(folder):
            return None
        match = self.slice.fullmatch(name, len(folder))
        return (int(match["number"]), bool(match["mask"])) if match else None


LGG = LggLayout()


# --- volumes ----------------------------------------------------------------------------------

MODALITIES = ("T1", "T1ce", "T2", "FLAIR")  # the order of the course's channels, in every layout
REGIONS = ("WT", "TC", "ET")  # whole tumour, tumour core, enhancing tumour: each lies in the last
REGION_LABELS = {"WT": (1, 2, 4), "TC": (1, 4), "ET": (4,)}
# one line each: the reference's reader of sources knows no other way
CORE = 1
OEDEMA = 2
ENHANCING = 4
CAVITY = 5  # where tumour was cut out, from BraTS 2024 on: in none of the three regions
LABELS = {
    0: "background",
    CORE: "necrotic and non-enhancing core",
    OEDEMA: "oedema",
    ENHANCING: "enhancing",
}
VOLUME_ENDINGS = (".nii", ".nii.gz")


@dataclass(frozen=True)
class BratsLayout:
    """How a set of brain tumour volumes lies on disk; `BRATS` has a row for each.

    Either a case is a folder of its own name, with a 3-D file for each modality and the mask
    (`BraTS20_Training_001/BraTS20_Training_001_flair.nii`), or it is one 4-D file in `imagesTr` and
    a mask of the same name in `labelsTr`. Files end in `.nii` or `.nii.gz`.
    """

    name: str
    case: re.Pattern  # a case's name, whole; its group `patient`, if there is one, is the patient's
    example: str
    modalities: tuple[str, ...]  # in the order of MODALITIES: how a file's name ends; or channels
    labels: dict[int, int] = field(hash=False)  # number in the file → the course's (LABELS)
    names: tuple[str, ...] = MODALITIES  # of the channels that come out
    one_region: bool = False  # the mask tells the whole tumour alone, by 1
    mask: str = ""  # how the mask's name ends
    odd_masks: dict[str, str] = field(default_factory=dict, hash=False)  # case → its mask's name
    channels: tuple[int, ...] = ()  # of the 4-D file, in the order of MODALITIES
    orientation: str = "LPS"  # as published: the array's axes lead to left, posterior, superior
    size: tuple[int, int, int] = (240, 240, 155)
    spacing: float = 1.0  # mm, along each axis; 0: each file's own

    cases: int = 0  # published, with a mask
    page: str = ""
    licence: str = ""
    licence_page: str = ""
    citations: tuple[str, ...] = ()
    kaggle: str = ""

    @property
    def axes(self) -> int:
        """Axes of an image file: 3, or 4 where all modalities are in one."""
        return 4 if self.channels else 3

    def patient_of(self, case: str) -> str:
        """The patient whom a case belongs to: its name without the time point, if it has one.

        >>> BRATS["BraTS 2024"].patient_of("BraTS-GLI-00005-101")
        'BraTS-GLI-00005'
        """
        match = self.case.fullmatch(case)
        return match.groupdict().get("patient", case) if match else case

    def image_stems(self, case: str) -> tuple[str, ...]:
        """Names of a case's image files, without ending, in the order of MODALITIES.

        >>> BRATS["BraTS 2023"].image_stems("BraTS-GLI-00000-000")[1]
        'BraTS-GLI-00000-000-t1c'
        """
        return (case,) if self.channels else tuple(case + end for end in self.modalities)

    def mask_stems(self, case: str) -> tuple[str, ...]:
        """Names that a case's mask may have, without ending.

        >>> BRATS["BraTS 2020"].mask_stems("BraTS20_Training_355")
        ('BraTS20_Training_355_seg', 'W39_1998.09.19_Segm')
        """
        odd = self.odd_masks.get(case)
        return (case + self.mask, odd) if odd else (case + self.mask,)

    def from_disk(self, labels: np.ndarray) -> np.ndarray:
        """Turn the file's labels into the course's: uint8, any shape.

        Raises ValueError where the layout hasn't got a number; the message lists what was found.

        >>> BRATS["MSD Task01"].from_disk(np.array([0, 1, 2, 3]))
        array([0, 2, 1, 4], dtype=uint8)
        """
        return _translated(labels, self.labels)

    def others_with(self, numbers: set[float]) -> list[str]:
        """Names of the other layouts whose masks hold all these numbers."""
        names = [name for name, layout in BRATS.items() if numbers <= layout.labels.keys()]
        return [name for name in names if name != self.name]

    def to_disk(self, labels: np.ndarray) -> np.ndarray:
        """Turn the course's labels into the layout's own: uint8, any shape. Raises ValueError."""
        if self.one_region:
            return (np.asarray(labels) > 0).astype(np.uint8)
        return _translated(labels, {ours: theirs for theirs, ours in self.labels.items()})


def _translated(labels: np.ndarray, table: dict[int, int]) -> np.ndarray:
    numbers = np.asarray(labels)
    result = np.zeros(numbers.shape, np.uint8)
    known = np.zeros(numbers.shape, bool)
    for number, other in table.items():
        here = numbers == number
        known |= here
        if other:
            result[here] = other
    if not known.all():
        values = np.unique(numbers)
        # all digits: 3.9999998 isn't a 4
        texts = [np.format_float_positional(value, trim="-") for value in values[:8]]
        shown = ", ".join(texts) + (", …" if len(values) > 8 else "")
        raise ValueError(f"labels {shown}, where {', '.join(map(str, table))} belong")
    return result


_BRATS_PAPERS = (
    "Menze BH, Jakab A, Bauer S et al. (2015). The multimodal brain tumor image segmentation "
    "benchmark (BRATS). IEEE Transactions on Medical Imaging 34(10).",
    "Bakas S, Akbari H, Sotiras A et al. (2017). Advancing The Cancer Genome Atlas glioma MRI "
    "collections with expert segmentation labels and radiomic features. Scientific Data 4.",
    "Bakas S, Reyes M, Jakab A et al. (2018). Identifying the best machine learning algorithms "
    "for brain tumor segmentation, progression assessment, and overall survival prediction in "
    "the BRATS challenge. arXiv:1811.02629.",
)
_BAID = (
    "Baid U, Ghodasara S, Mohan S et al. (2021). The RSNA-ASNR-MICCAI BraTS 2021 benchmark on "
    "brain tumor segmentation and radiogenomic classification. arXiv:2107.02314."
)

BRATS = {
    layout.name: layout
    for layout in (
        BratsLayout(
            name="BraTS 2020",
            # Synthetic: the course's own sample
            case=re.compile(r"BraTS20_(Training|Validation|Synthetic)_[0-9]{3}"),
            example="BraTS20_Training_001",
            modalities=("_t1", "_t1ce", "_t2", "_flair"),
            mask="_seg",
            odd_masks={"BraTS20_Training_355": "W39_1998.09.19_Segm"},
            labels={0: 0, 1: 1, 2: 2, 4: 4},
            cases=369,
            page="https://www.med.upenn.edu/cbica/brats2020/data.html",
            licence="the BraTS 2020 challenge's own terms: registration and citation",
            licence_page="https://www.med.upenn.edu/cbica/brats2020/registration.html",
            citations=_BRATS_PAPERS,
            kaggle="awsaf49/brats20-dataset-training-validation",
        ),
        BratsLayout(
            name="BraTS 2021",
            case=re.compile(r"BraTS2021_[0-9]{5}"),
            example="BraTS2021_00000",
            modalities=("_t1", "_t1ce", "_t2", "_flair"),
            mask="_seg",
            labels={0: 0, 1: 1, 2: 2, 4: 4},
            cases=1251,
            page="https://doi.org/10.7937/jc8x-9874",
            licence="CC BY 4.0",
            licence_page="https://creativecommons.org/licenses/by/4.0/",
            citations=(_BAID, *_BRATS_PAPERS[:2]),
        ),
        BratsLayout(
            name="BraTS 2023",
            # patient and time point; those before treatment have the time points 000, 001, …
            case=re.compile(r"(?P<patient>BraTS-GLI-[0-9]{5})-0[0-9]{2}"),
            example="BraTS-GLI-00000-000",
            modalities=("-t1n", "-t1c", "-t2w", "-t2f"),
            mask="-seg",
            labels={0: 0, 1: 1, 2: 2, 3: 4},
            cases=1251,
            page="https://www.synapse.org/Synapse:syn51156910",
            licence="the BraTS 2023 challenge's own terms: registration and citation",
            licence_page="https://www.synapse.org/Synapse:syn51156910",
            citations=(_BAID, *_BRATS_PAPERS[:2]),
        ),
        BratsLayout(
            name="BraTS 2024",
            # after treatment: time points from 100 on (de Verdier et al., 2024)
            case=re.compile(r"(?P<patient>BraTS-GLI-[0-9]{5})-[1-9][0-9]{2}"),
            example="BraTS-GLI-00005-100",
            modalities=("-t1n", "-t1c", "-t2w", "-t2f"),
            mask="-seg",
            labels={0: 0, 1: CORE, 2: OEDEMA, 3: ENHANCING, 4: CAVITY},
            orientation="",  # each file's own is read
            size=(182, 218, 182),
            cases=1350,
            page="https://www.synapse.org/Synapse:syn59059776",
            licence="the BraTS 2024 challenge's own terms: registration and citation",
            licence_page="https://www.synapse.org/Synapse:syn59059776",
            citations=(
                "de Verdier MC, Saluja R, Gagnon L et al. (2024). The 2024 Brain Tumor "
                "Segmentation (BraTS) challenge: glioma segmentation on post-treatment MRI. "
                "arXiv:2405.18368.",
            ),
        ),
        BratsLayout(
            name="MSD Task01",
            case=re.compile(r"BRATS_[0-9]{3}"),
            example="BRATS_001",
            modalities=("T1w", "t1gd", "T2w", "FLAIR"),  # as its dataset.json calls them
            channels=(1, 2, 3, 0),
            # 1 is oedema and 2 the non-enhancing core, the other way round than in BraTS
            labels={0: 0, 1: 2, 2: 1, 3: 4},
            orientation="RAS",
            cases=484,
            page="http://medicaldecathlon.com",
            licence="CC BY-SA 4.0",
            licence_page="https://creativecommons.org/licenses/by-sa/4.0/",
            citations=(
                "Antonelli M, Reinke A, Bakas S et al. (2022). The Medical Segmentation "
                "Decathlon. Nature Communications 13.",
            ),
        ),
    )
}
