"""Synthetic patients on disk, in the real data sets' own layouts: what a lesson uses by default.

`lgg_root` is all that a lesson needs: the first call makes the patients (under a minute on two
cores), later ones find them in the cache. Patient number k depends on the seed and k only, so 24
patients are the first 24 of any larger set.
"""

import csv
import os
import shutil
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import tifffile
from filelock import FileLock
from tqdm.auto import tqdm

from unet_course import runtime, synthetic
from unet_course.anatomy import average_head

VERSION = 1  # raise it whenever a patient's bytes change, so that no old cache is used
LGG_FOLDER = "kaggle_3m"

# data.csv's columns: the genomic clusters (how many there are, share left blank), then what
# the clinic knows.
_CLUSTERS = {
    "RNASeqCluster": (4, 0.16),
    "MethylationCluster": (5, 0.01),
    "miRNACluster": (4, 0.0),
    "CNCluster": (3, 0.02),
    "RPPACluster": (4, 0.11),
    "OncosignCluster": (3, 0.05),
    "COCCluster": (3, 0.0),
}
_CLINICAL = (
    "histological_type",
    "neoplasm_histologic_grade",
    "tumor_tissue_site",
    "laterality",
    "tumor_location",
    "gender",
    "age_at_initial_pathologic",
    "race",
    "ethnicity",
    "death01",
)


def lgg_root(seed: int = 0, patients: int = 24, progress: bool = True) -> Path:
    """Return the folder ``kaggle_3m`` of synthetic LGG patients, making it on first use.

    Args:
        seed: another seed gives other patients.
        patients: how many; 16 or more have every quirk of the real set.
        progress: show a progress bar while they are made.

    Safe to call from several notebooks at once (one makes, the others wait) and to interrupt
    (nothing half-made is left to be found). Takes about 9 MB of disk a patient.
    """
    name = f"lgg-v{VERSION}-seed{seed}-{patients}"
    root = runtime.cache_dir() / "sample" / name
    found = root / LGG_FOLDER
    if not found.is_dir():
        make_lgg(root, patients, seed, progress, exist_ok=True)
    return found


def make_lgg(
    root: str | Path,
    patients: int = 24,
    seed: int = 0,
    progress: bool = True,
    *,
    exist_ok: bool = False,
) -> Path:
    """Write synthetic patients to ``root/kaggle_3m``, in the layout of Kaggle's LGG set.

    ``kaggle_3m/<ID>/<ID>_<n>.tif`` is a 256×256×3 ``uint8`` slice (pre-contrast, FLAIR,
    post-contrast; n from 1, bottom to top), ``<ID>_<n>_mask.tif`` its mask (0 and 255), and
    ``kaggle_3m/data.csv`` the patients' table. The folder appears when it is complete.

    Raises:
        ValueError: fewer than one patient, or a negative seed.
        FileExistsError: ``root/kaggle_3m`` is there already, unless ``exist_ok``.
    """
    if patients < 1:
        raise ValueError(f"patients must be 1 or more, got {patients}")
    if seed < 0:
        raise ValueError(f"seed must be 0 or more, got {seed}")
    root = Path(root)
    root.mkdir(parents=True, exist_ok=True)
    target = root / LGG_FOLDER
    with FileLock(root / f".{LGG_FOLDER}.lock"):
        # Whoever holds the lock is the only maker: what lies half-made here was interrupted.
        for stale in root.glob(f".{LGG_FOLDER}-making-*"):
            shutil.rmtree(stale, ignore_errors=True)
        if target.exists():
            if exist_ok:
                return target
            raise FileExistsError(
                f"{target}: is there already. Delete it or choose another folder with --root."
            )
        making = Path(tempfile.mkdtemp(prefix=f".{LGG_FOLDER}-making-", dir=root))
        try:
            _write_lgg(making, patients, seed, progress)
            making.chmod(0o755)  # mkdtemp's folder is for its owner alone
            os.replace(making, target)
        finally:
            shutil.rmtree(making, ignore_errors=True)
    return target


def _write_lgg(folder: Path, patients: int, seed: int, progress: bool) -> None:
    average_head()  # made once, before two threads ask for it
    rows = []
    # Threads, not processes: SciPy lets go of the interpreter's lock, and threads work in a
    # notebook on every system. Two are as many as memory allows (0.4 GB for a large patient).
    workers = min(2, os.cpu_count() or 1)
    bar = tqdm(total=patients, desc="Making sample patients", unit="patient", disable=not progress)
    with bar, ThreadPoolExecutor(workers) as pool:
        try:
            for row in pool.map(
                lambda number: _write_patient(folder, seed, number), range(patients)
            ):
                rows.append(row)
                bar.update()
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    with open(folder / "data.csv", "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["Patient", *_CLUSTERS, *_CLINICAL])
        writer.writerows(rows)


def _write_patient(folder: Path, seed: int, number: int) -> list:
    plan, images, masks = synthetic.lgg_patient(seed, number)
    (folder / plan.id).mkdir()
    for n, (image, mask) in enumerate(zip(images, masks, strict=True), start=1):
        stem = folder / plan.id / f"{plan.id}_{n}"
        tifffile.imwrite(f"{stem}.tif", image, photometric="rgb", metadata=None)
        tifffile.imwrite(f"{stem}_mask.tif", mask, photometric="minisblack", metadata=None)
    return _table_row(plan, np.random.default_rng([seed, number, 2]))


def _table_row(plan: synthetic.LggPlan, rng: np.random.Generator) -> list:
    row = [plan.id.rsplit("_", 1)[0]]
    for count, blank in _CLUSTERS.values():
        value = int(rng.integers(1, count + 1))
        row.append("" if rng.random() < blank else value)
    if not plan.clinical:
        return [*row, *[""] * len(_CLINICAL)]
    return [
        *row,
        int(rng.integers(1, 4)),
        int(rng.integers(1, 3)),
        1,
        plan.laterality,
        plan.location,
        int(rng.integers(1, 3)),
        int(np.clip(rng.normal(46, 14), 20, 75)),
        int(rng.choice([2, 3], p=[0.1, 0.9])),
        "" if rng.random() < 0.07 else 2,
        int(rng.random() < 0.25),
    ]
