"""Small BraTS folders for tests: a brain of noise with a tumour of boxes, in any of the layouts."""

import nibabel
import numpy as np

from unet_course.data.layouts import BRATS, MODALITIES

SHAPE = (24, 22, 16)
AFFINES = {
    "LPS": np.array([[-1.0, 0, 0, 0], [0, -1, 0, 239], [0, 0, 1, 0], [0, 0, 0, 1]]),
    "RAS": np.eye(4),
}


def tumour(shape=SHAPE, enhancing=True, none=False):
    """Labels in the course's numbers: oedema around a core around what enhances, or no tumour."""
    labels = np.zeros(shape, np.uint8)
    if none:
        return labels
    labels[6:16, 6:16, 4:12] = 2
    labels[8:14, 8:14, 5:10] = 1
    if enhancing:
        labels[9:12, 9:12, 6:9] = 4
    return labels


def brain(seed=0, shape=SHAPE):
    """Modality → (x, y, z) int16, 0 outside the brain; each has values of its own range."""
    rng = np.random.default_rng(seed)
    inside = np.zeros(shape, bool)
    inside[2:-2, 2:-2, 2:-2] = True
    return {
        name: np.where(inside, rng.integers(100 * i, 100 * i + 90, shape), 0).astype(np.int16)
        for i, name in enumerate(MODALITIES, start=1)
    }


def save(path, array, affine=None, orientation="LPS"):
    """Write an array as NIfTI, as the ending says."""
    path.parent.mkdir(parents=True, exist_ok=True)
    affine = AFFINES[orientation] if affine is None else affine
    # a copy, for the array may be mapped from the very file
    nibabel.save(nibabel.Nifti1Image(np.array(array), affine), path)
    return path


def write_case(parent, name="BraTS 2020", id=None, seed=0, mask=True, ending=None, **options):
    """Write a case of a layout; return its folder (for MSD Task01 the task's)."""
    layout = BRATS[name]
    id = id or layout.example
    ending = ending or (".nii" if name == "BraTS 2020" else ".nii.gz")
    images, labels = brain(seed), layout.to_disk(tumour(**options))
    if layout.channels:
        stacked = np.zeros((*SHAPE, 4), np.float32)
        for modality, channel in zip(MODALITIES, layout.channels, strict=True):
            stacked[..., channel] = images[modality]
        save(parent / "imagesTr" / f"{id}{ending}", stacked, orientation=layout.orientation)
        if mask:
            save(parent / "labelsTr" / f"{id}{ending}", labels, orientation=layout.orientation)
        return parent
    folder = parent / id
    for modality, stem in zip(MODALITIES, layout.image_stems(id), strict=True):
        save(folder / f"{stem}{ending}", images[modality])
    if mask:
        save(folder / f"{layout.mask_stems(id)[-1]}{ending}", labels)
    return folder
