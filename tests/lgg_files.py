"""Small LGG folders for tests: a few slices of noise in Kaggle's layout."""

import numpy as np
import tifffile


def write_patient(parent, name="TCGA_CS_0001_20000101", slices=3, seed=0, high=255, equal=()):
    """Write a patient; slice 2 and up hold tumour, channels in `equal` repeat FLAIR."""
    rng = np.random.default_rng(seed)
    folder = parent / name
    folder.mkdir(parents=True)
    for number in range(1, slices + 1):
        image = rng.integers(0, 200, (256, 256, 3), np.uint8)
        for channel in equal:
            image[..., channel] = image[..., 1]
        mask = np.zeros((256, 256), np.uint8)
        if number > 1:
            mask[100 : 100 + 10 * number, 100:120] = high
        tifffile.imwrite(folder / f"{name}_{number}.tif", image, photometric="rgb")
        tifffile.imwrite(folder / f"{name}_{number}_mask.tif", mask)
    return folder


def write_set(root, patients=3, slices=3, table=True):
    """Write a set with patients CS_0001, DU_0002, … and its data.csv; return its folder."""
    folder = root / "kaggle_3m"
    names = []
    for i in range(patients):
        institution = ("CS", "DU", "FG", "HT")[i % 4]
        names.append(f"TCGA_{institution}_{i + 1:04}_20000101")
        write_patient(folder, names[-1], slices, seed=i)
    if table:
        rows = [f"{name[:12]},{i % 3},{40 + i}" for i, name in enumerate(names)]
        text = "\n".join(["Patient,RNASeqCluster,age", *rows, "TCGA_ZZ_9999,1,50"])
        (folder / "data.csv").write_text(text + "\n", encoding="utf-8")
    return folder
