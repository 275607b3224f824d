"""Make the samples: synthetic patients on disk in the real data sets' layouts, cached.

Lessons call `lgg_root` and `brats_root`: the first call makes the patients (about a minute on two
cores), later ones find them in the cache, or in one that a class shares. Patient number k depends
only on the seed and k, so 24 patients are the first 24 of any larger set.
"""

import csv
import gzip
import json
import os
import shutil
import tempfile
import zlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import nibabel
import numpy as np
import tifffile
from tqdm.auto import tqdm

from unet_course import runtime, storage
from unet_course.synthetic import brats_case, lgg_patient
from unet_course.synthetic.anatomy import average_head
from unet_course.synthetic.tumour_growth import SITES

VERSION = 1  # increase it whenever a patient's bytes change, so that no old cache is used
BRATS_VERSION = 2
LGG_FOLDER = "kaggle_3m"
BRATS_FOLDER = "MICCAI_BraTS2020_TrainingData"

# data.csv's columns of genomic clusters: number of clusters, share of blanks.
_CLUSTERS = {
    "RNASeqCluster": (4, 0.16),
    "MethylationCluster": (5, 0.01),
    "miRNACluster": (4, 0.0),
    "CNCluster": (3, 0.02),
    "RPPACluster": (4, 0.11),
    "OncosignCluster": (3, 0.05),
    "COCCluster": (3, 0.0),
}


def lgg_root(seed: int = 0, patients: int = 24, progress: bool = True) -> Path:
    """Return the folder `kaggle_3m` of synthetic LGG patients, making it on first use.

    Another seed gives other patients; 16 or more include every quirk of the real set.

    Safe to call from several notebooks at once (one makes the patients, the others wait) and to
    interrupt (an incomplete folder is never used). Takes about 9 MB of disk per patient.
    """
    found = _lgg_place(seed, patients)
    _drop_damaged(found)
    if not found.is_dir():
        make_lgg(found.parent, patients, seed, progress, exist_ok=True)
    return found


def _lgg_place(seed: int = 0, patients: int = 24) -> Path:
    name = f"lgg-v{VERSION}-seed{seed}-{patients}"
    return runtime.find_in_cache("sample", name, LGG_FOLDER)


def make_lgg(
    root: str | Path,
    patients: int = 24,
    seed: int = 0,
    progress: bool = True,
    *,
    exist_ok: bool = False,
) -> Path:
    """Write synthetic patients to `root/kaggle_3m`, in the layout of Kaggle's LGG set.

    `<ID>/<ID>_<n>.tif` is a 256×256×3 `uint8` slice (pre-contrast, FLAIR, post-contrast; n from 1,
    bottom to top), `<ID>_<n>_mask.tif` its mask (0 and 255), and `data.csv` the patients' table.
    The folder gets its name when it is complete.

    Raises:
        ValueError: fewer than one patient, or a negative seed.
        FileExistsError: `root/kaggle_3m` exists already, unless `exist_ok`.
    """
    _check("patients", patients, seed)

    def write(folder: Path) -> None:
        rows = _each(partial(_write_patient, folder, seed), patients, "patient", progress)
        with open(folder / "data.csv", "w", newline="", encoding="utf-8") as file:
            # the first patient always has clinical data, and with them every column
            table = csv.DictWriter(file, rows[0], restval="", lineterminator="\n")
            table.writeheader()
            table.writerows(rows)

    return _appear(Path(root) / LGG_FOLDER, write, exist_ok)


def brats_root(seed: int = 0, cases: int = 8, progress: bool = True) -> Path:
    """Return a folder of synthetic cases in BraTS 2020's layout, making it on first use.

    Of any eight cases in a row, two have no label 4. As safe as `lgg_root`; takes about 9 MB of
    disk per case.
    """
    found = _brats_place(seed, cases)
    _drop_damaged(found)
    if not found.is_dir():
        make_brats(found.parent, cases, seed, progress, exist_ok=True)
    return found


def brats_is_made(seed: int = 0, cases: int = 8) -> bool:
    """Return whether the folder of `brats_root` exists already."""
    return _brats_place(seed, cases).is_dir()


def _brats_place(seed: int = 0, cases: int = 8) -> Path:
    name = f"brats-v{BRATS_VERSION}-seed{seed}-{cases}"
    return runtime.find_in_cache("sample", name, BRATS_FOLDER)


def make_brats(
    root: str | Path,
    cases: int = 8,
    seed: int = 0,
    progress: bool = True,
    *,
    exist_ok: bool = False,
) -> Path:
    """Write synthetic cases to `root/MICCAI_BraTS2020_TrainingData`, in BraTS 2020's layout.

    `<ID>/<ID>_t1.nii.gz`, `_t1ce`, `_t2` and `_flair` are `int16` volumes of 240×240×155 voxels of
    1 mm, 0 outside the brain; `_seg` holds labels 0, 1, 2 and 4, `uint8`. IDs start at
    `BraTS20_Synthetic_001`. The folder gets its name when it is complete.

    Raises:
        ValueError: fewer than one case, or a negative seed.
        FileExistsError: the folder exists already, unless `exist_ok`.
    """
    _check("cases", cases, seed)

    def write(folder: Path) -> None:
        _each(partial(_write_case, folder, seed), cases, "case", progress)

    return _appear(Path(root) / BRATS_FOLDER, write, exist_ok)


def _drop_damaged(folder: Path, thorough: bool = False) -> None:
    """Remove a cached sample in which a file is missing or changed, and say so; it is made anew."""
    if os.path.lexists(folder) and (wrong := damaged_file(folder, thorough)):
        print(f"The sample was damaged ({wrong}): it is made again.")
        with storage.locked(folder.parent / f".{folder.name}.lock"):
            storage.remove(_checksums_of(folder))
            storage.remove(folder)


def damaged_file(folder: Path, thorough: bool = True) -> str:
    """Name the first file of a cached sample that is missing or not as it was made; "" if none is.

    `thorough` compares every byte (half a second or so), not only names and sizes. A sample made
    before its checksums were kept counts as sound unless `thorough`.
    """
    if not folder.is_dir():
        return "no folder is in its place"
    try:
        known = json.loads(storage.read_text(_checksums_of(folder)))
        files = {str(name): (int(size), int(sum)) for name, (size, sum) in known.items()}
    except FileNotFoundError:
        return "without its checksums" if thorough else ""
    except (OSError, ValueError, TypeError, AttributeError, RecursionError):
        return f"{_checksums_of(folder).name} can't be read"
    for name, (size, checksum) in files.items():
        path = folder / name
        try:
            same = path.is_file() and path.stat().st_size == size
            same = same and not (thorough and storage.checksum(path) != checksum)
        except OSError:
            same = False
        if not same:
            return name
    return ""


def drop_damaged_samples() -> None:
    """Compare the lessons' two cached samples with their checksums; a damaged one goes."""
    for place in (_lgg_place, _brats_place):
        _drop_damaged(place(), thorough=True)


def _checksums_of(folder: Path) -> Path:
    return folder.with_name(f".{folder.name}.checksums.json")


def _keep_checksums(made: Path, target: Path) -> None:
    known = {
        path.relative_to(made).as_posix(): (path.stat().st_size, zlib.crc32(path.read_bytes()))
        for path in sorted(made.rglob("*"))
        if path.is_file()
    }
    storage.write_text(_checksums_of(target), json.dumps(known, indent=0) + "\n")


def _check(what: str, count: int, seed: int) -> None:
    if count < 1:
        raise ValueError(f"{what} must be 1 or more, got {count}")
    if seed < 0:
        raise ValueError(f"seed must be 0 or more, got {seed}")


def _appear(target: Path, write: Callable[[Path], None], exist_ok: bool) -> Path:
    """Let `write` fill a temporary folder, rename it to `target` when complete, and return that."""
    root = target.parent
    try:
        root.mkdir(parents=True, exist_ok=True)
        with storage.locked(root / f".{target.name}.lock"):
            # The lock excludes other makers: an unfinished folder is left from an interruption.
            for stale in root.glob(f".{target.name}-making-*"):
                shutil.rmtree(stale, ignore_errors=True)
            if target.exists():
                if exist_ok:
                    return target
                raise FileExistsError(
                    f"{target} exists already. Delete it or choose another folder with --root."
                )
            making = Path(tempfile.mkdtemp(prefix=f".{target.name}-making-", dir=root))
            try:
                write(making)
                making.chmod(0o755)  # mkdtemp makes folders that only their owner can read
                _keep_checksums(making, target)
                storage.replace(making, target)
            finally:
                shutil.rmtree(making, ignore_errors=True)
    except FileExistsError:
        raise
    except OSError as error:
        raise OSError(
            f"the sample can't be written to {root}: {storage.cure_for(error)} Another folder for it "
            f"is named by the variable {runtime.CACHE_VARIABLE}."
        ) from error
    return target


def _each(make: Callable[[int], object], count: int, unit: str, progress: bool) -> list:
    """Call `make(number)` for each number below `count`, two at a time, with a progress bar."""
    average_head()  # made once, before two threads ask for it
    options = {"desc": f"Making sample {unit}s", "unit": unit, "disable": not progress}
    # SciPy releases the interpreter's lock, and threads work in a notebook on every system. Memory
    # allows two (0.4 GB for a large patient).
    with ThreadPoolExecutor(min(2, os.cpu_count() or 1)) as pool:
        try:
            return list(tqdm(pool.map(make, range(count)), total=count, **options))
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


def _write_case(folder: Path, seed: int, number: int) -> None:
    plan, images, labels = brats_case.brats_case(seed, number)
    (folder / plan.id).mkdir()
    for c, modality in enumerate(brats_case.MODALITIES):
        _write_nifti(folder / plan.id / f"{plan.id}_{modality.lower()}.nii.gz", images[..., c])
    _write_nifti(folder / plan.id / f"{plan.id}_seg.nii.gz", labels)


def _write_nifti(path: Path, volume: np.ndarray) -> None:
    image = nibabel.Nifti1Image(volume, brats_case.AFFINE)
    image.header.set_xyzt_units("mm")
    image.set_qform(brats_case.AFFINE, code="scanner")
    image.set_sform(brats_case.AFFINE, code="scanner")
    # nibabel would write the time and the temporary file name into the gzip header.
    path.write_bytes(gzip.compress(image.to_bytes(), compresslevel=3, mtime=0))


def _write_patient(folder: Path, seed: int, number: int) -> dict:
    """Write one patient's slices and masks, and return the row of data.csv."""
    plan, images, masks = lgg_patient.lgg_patient(seed, number)
    (folder / plan.id).mkdir()
    for n, (image, mask) in enumerate(zip(images, masks, strict=True), start=1):
        stem = folder / plan.id / f"{plan.id}_{n}"
        tifffile.imwrite(f"{stem}.tif", image, photometric="rgb", metadata=None)
        tifffile.imwrite(f"{stem}_mask.tif", mask, photometric="minisblack", metadata=None)
    return _table_row(plan, np.random.default_rng([seed, number, 2]))


def _table_row(plan: lgg_patient.LggPlan, rng: np.random.Generator) -> dict:
    row = {"Patient": plan.id.rsplit("_", 1)[0]}
    for name, (count, blank) in _CLUSTERS.items():
        value = int(rng.integers(1, count + 1))
        row[name] = "" if rng.random() < blank else value
    if not plan.clinical:
        return row
    return row | {
        "histological_type": int(rng.integers(1, 4)),
        "neoplasm_histologic_grade": int(rng.integers(1, 3)),
        "tumor_tissue_site": 1,
        "laterality": 1 if plan.side > 0 else 3,  # 1 left: pictures are seen from the feet
        "tumor_location": SITES[plan.site][3],
        "gender": int(rng.integers(1, 3)),
        "age_at_initial_pathologic": int(np.clip(rng.normal(46, 14), 20, 75)),
        "race": int(rng.choice([2, 3], p=[0.1, 0.9])),
        "ethnicity": "" if rng.random() < 0.07 else 2,
        "death01": int(rng.random() < 0.25),
    }
