"""Find BraTS cases in a folder by the names of their files, whole or not; no file is opened."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from unet_course.data import files
from unet_course.data.layouts import BRATS, MODALITIES, VOLUME_ENDINGS, BratsLayout, natural_key


@dataclass(frozen=True)
class CaseFiles:
    """Where a case is to be found, by names alone, and what its files lack."""

    layout: BratsLayout
    id: str
    folder: Path  # what a message names: the case's folder, in MSD Task01 its image
    images: tuple[Path | None, ...]
    mask: Path | None
    fault: str  # why it isn't whole; empty where it is
    unlabelled: bool = False  # published without a mask


def case_places(
    folder: Path | str, on_error: Callable[[OSError], None] | None = None
) -> Iterator[CaseFiles]:
    """Yield every case under a folder, of any layout, whole or not, by the names of its files.

    Folders are searched as `files.walk` does. `on_error` is called with the error where a folder
    can't be listed, which is then passed over.
    """
    for here, inside in files.walk(folder, _may_hold_cases, natural_key):
        layout = _layout_of(here.name)
        if isinstance(inside, OSError):
            if layout:
                yield CaseFiles(layout, here.name, here, (), None, _unlisted(here, inside))
            elif on_error:
                on_error(inside)
            continue
        if layout:
            yield _folder_place(layout, here, inside)
        yield from _shared_places(here, inside)


def _may_hold_cases(name: str, is_folder: bool) -> bool:
    # a file or dead link that has a case's name is told about; what a volume's name belongs to is a
    # volume, or a folder in its place
    return not name.endswith(VOLUME_ENDINGS) and (is_folder or _layout_of(name) is not None)


def _layout_of(name: str) -> BratsLayout | None:
    """Layout in which a folder of this name is a case."""
    layouts = (layout for layout in BRATS.values() if not layout.channels)
    return next((layout for layout in layouts if layout.case.fullmatch(name)), None)


def _unlisted(path: Path, error: OSError) -> str:
    if os.path.islink(path) and not os.path.exists(path):
        return "a link that leads nowhere"
    if isinstance(error, NotADirectoryError):
        return "a file where a case's folder should be"
    if isinstance(error, PermissionError):
        return "may not be opened: permission denied"
    return f"can't be opened: {(error.strerror or 'an error').lower()}"


def _named(folder: Path, stems: tuple[str, ...], inside) -> Path | None:
    """The first of the files that a stem may stand for, if it is there."""
    names = (stem + ending for stem in stems for ending in VOLUME_ENDINGS)
    return next((folder / name for name in names if name in inside), None)


def _folder_place(layout: BratsLayout, here: Path, inside: dict[str, bool]) -> CaseFiles:
    """A case whose files lie in a folder of its own."""
    id = here.name
    images = tuple(_named(here, (stem,), inside) for stem in layout.image_stems(id))
    mask = _named(here, layout.mask_stems(id), inside)
    missing = [name for name, path in zip(MODALITIES, images, strict=True) if path is None]
    # 2020's say so in their own name, the later years' in that of the folder around them
    unlabelled = mask is None and "validation" in f"{here.parent.name} {id}".lower()
    if mask is None and not unlabelled:
        missing.append("mask")
    lacks = f"without {', '.join(missing)}" if missing else ""
    if len(missing) > len(MODALITIES):
        lacks = "without any of its files"
    return CaseFiles(layout, id, here, images, mask, lacks, unlabelled)


def _shared_places(here: Path, inside: dict[str, bool]) -> Iterator[CaseFiles]:
    """Cases whose images share a folder (`imagesTr`), with their masks in another (`labelsTr`)."""
    if here.name not in ("imagesTr", "imagesTs", "labelsTr"):
        return
    try:
        other = here.parent / {"imagesTr": "labelsTr", "labelsTr": "imagesTr"}[here.name]
        beside = set(os.listdir(other))
    except (KeyError, OSError):
        beside = set()
    for layout in BRATS.values():
        found = {}
        for name in inside if layout.channels else ():
            stem, dot, ending = name.partition(".")
            if dot + ending in VOLUME_ENDINGS and layout.case.fullmatch(stem):
                found[stem] = here / name
        for id in sorted(found, key=natural_key):
            if here.name == "labelsTr":
                if _named(here, (id,), beside) is None:
                    lacks = f"without its image in {here.parent / 'imagesTr'}"
                    yield CaseFiles(layout, id, found[id], (None,), found[id], lacks)
                continue
            image = _named(here, (id,), inside)
            mask = _named(here.parent / "labelsTr", (id,), beside)
            unlabelled = here.name == "imagesTs"
            lacks = "" if mask or unlabelled else "without mask"
            yield CaseFiles(layout, id, image, (image,), mask, lacks, unlabelled)
