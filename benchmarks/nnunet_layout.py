"""Write patients as a raw data set of nnU-Net."""

import json
from pathlib import Path

import nibabel
import numpy as np
import tifffile

from unet_course import storage
from unet_course.data import brats, lgg
from unet_course.data.layouts import MODALITIES


def write_brats(folder: Path, cases: list[brats.Case], test: list[brats.Case] = ()) -> None:
    """Cases as nnU-Net's raw data set: `imagesTr/ID_000C.nii`, `labelsTr/ID.nii`, `dataset.json`.

    Those to test on go to `imagesTs`, without labels. BraTS' label 4 becomes 3.
    """
    for part in ("imagesTr", "labelsTr", "imagesTs"):
        (folder / part).mkdir(parents=True)
    for case in [*cases, *test]:
        volume = case.read()
        part = "imagesTr" if case in cases else "imagesTs"
        for channel in range(volume.images.shape[-1]):
            image = nibabel.Nifti1Image(volume.images[..., channel], volume.affine)
            nibabel.save(image, folder / part / f"{case.id}_{channel:04}.nii")
        if case in cases:
            labels = np.where(volume.labels == 4, 3, volume.labels).astype(np.uint8)
            file = folder / "labelsTr" / f"{case.id}.nii"
            nibabel.save(nibabel.Nifti1Image(labels, volume.affine), file)
    regions = {"background": 0, "WT": [1, 2, 3], "TC": [1, 3], "ET": [3]}
    about = {"channel_names": dict(enumerate(MODALITIES)), "labels": regions}
    about |= {"regions_class_order": [2, 1, 3], "numTraining": len(cases), "file_ending": ".nii"}
    storage.write_text(folder / "dataset.json", json.dumps(about))


def write_lgg(folder: Path, patients: list[lgg.Patient]) -> None:
    """Slices as nnU-Net's raw data set, one case each: `imagesTr/ID_SLICE_0000.tif`, in colour."""
    for part in ("imagesTr", "labelsTr"):
        (folder / part).mkdir(parents=True)
    number = 0
    for patient in patients:
        images, masks = patient.read()
        for index in range(len(images)):
            name = f"{patient.id}_{index:03}"
            tifffile.imwrite(folder / "imagesTr" / f"{name}_0000.tif", images[index])
            label = (masks[index] > 0).astype(np.uint8)
            tifffile.imwrite(folder / "labelsTr" / f"{name}.tif", label)
            number += 1
    about = {"channel_names": {0: "pre-contrast", 1: "FLAIR", 2: "post-contrast"}}
    about |= {"labels": {"background": 0, "tumour": 1}, "numTraining": number}
    about |= {"file_ending": ".tif", "overwrite_image_reader_writer": "NaturalImage2DIO"}
    storage.write_text(folder / "dataset.json", json.dumps(about))
