"""The two data sets that the course fetches, as fetching, unpacking and checking need them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from unet_course.commands.check.check_brats import check_volumes
from unet_course.commands.check.check_lgg import check_lgg
from unet_course.commands.check.report import Report
from unet_course.data import brats, lgg
from unet_course.data.layouts import BRATS, LGG, VOLUME_ENDINGS, BratsLayout, LggLayout


@dataclass(frozen=True)
class KaggleSet:
    """A data set of one folder a person, and what is known of it before it is fetched."""

    name: str  # of the folder that it is put in
    command: str  # `unet-course data …`
    title: str
    unit: str  # "patients" or "cases", for messages
    folder: str  # that holds them
    example: str  # of what lies in it
    tables: tuple[str, ...]  # next to the folders; any may be missing
    layout: LggLayout | BratsLayout  # has its licence, citations and name at Kaggle
    terms: str  # where it is from, what is asked
    published: int  # folders
    size: int  # bytes unpacked, without the tables
    needed: int  # bytes of free disk to fetch it
    is_folder: Callable[[str], bool]  # by name: is it one of the set's?
    is_file: Callable[[str, str], bool]  # by folder's and file's name: does it belong there?
    find: Callable[[Path], list[Path]]  # whole folders under a folder
    check: Callable[[Path, bool], Report]

    @property
    def page(self) -> str:
        return f"https://www.kaggle.com/datasets/{self.layout.kaggle}"


LGG_SIZE = LGG.slices * (203_102 + 65_746)  # bytes; an image and its mask, as Kaggle's files are

LGG_SET = KaggleSet(
    name="lgg-mri-segmentation",
    command="lgg",
    title="LGG brain MRI",
    unit="patients",
    folder=LGG.folder,
    example=f"folders such as {LGG.folder}/TCGA_CS_4941_19960909 with .tif files",
    tables=(LGG.table,),
    layout=LGG,
    terms=f"""{LGG.patients} patients from The Cancer Imaging Archive (TCGA-LGG), masks by M. Buda.
Licence: {LGG.licence} ({LGG.licence_page}): name the source, no commercial use,
pass changed versions on under the same licence. Not for clinical use. Please cite:""",
    published=LGG.patients,
    size=LGG_SIZE,
    needed=3 * LGG_SIZE,  # Kaggle's archive holds the set twice; packed it has about a third
    is_folder=lambda name: bool(LGG.patient.fullmatch(name)),
    is_file=lambda folder, name: LGG.slice_of(folder, name) is not None,
    find=lambda folder: [patient.folder for patient in lgg.find_patients(folder)],
    check=check_lgg,
)

_2020 = BRATS["BraTS 2020"]
_VOLUME = 2 * 240 * 240 * 155 + 352  # bytes of an unpacked NIfTI: two a voxel, and the header
BRATS_SIZE = _2020.cases * 5 * _VOLUME  # four modalities and a mask
# The archive (5 GB; cases of this layout pack to about a tenth), and all of it unpacked: 125
# validation cases come along, which have no masks, so that they aren't kept
BRATS_NEEDED = 5 * 10**9 + BRATS_SIZE + 125 * 4 * _VOLUME


def _is_training(name: str) -> bool:
    return bool(_2020.case.fullmatch(name)) and "_Training_" in name


def _is_volume(folder: str, name: str) -> bool:
    stems = (*_2020.image_stems(folder), *_2020.mask_stems(folder))
    return any(name == stem + ending for stem in stems for ending in VOLUME_ENDINGS)


BRATS_SET = KaggleSet(
    name="brats2020-training",
    command="brats",
    title="BraTS 2020, training cases",
    unit="cases",
    folder="MICCAI_BraTS2020_TrainingData",
    example=f"folders such as {_2020.example} with .nii files",
    tables=("name_mapping.csv", "survival_info.csv"),
    layout=_2020,
    terms=f"""{_2020.cases} cases of the challenge of 2020, from {_2020.page}.
Its organisers ask everybody to register ({_2020.licence_page}),
and to cite the papers below. Kaggle's copy was put there by one of its users, not by the
organisers; what Kaggle's page says of a licence doesn't replace their terms. Not for
clinical use. Please cite:""",
    published=_2020.cases,
    size=BRATS_SIZE,
    needed=BRATS_NEEDED,
    is_folder=_is_training,
    is_file=_is_volume,
    find=lambda folder: [
        case.folder
        for case in brats.find_cases(folder)
        if case.layout is _2020 and _is_training(case.id)
    ],
    check=check_volumes,
)
