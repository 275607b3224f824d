"""One more rule for a case's labels: where next to nothing enhances, the core isn't small."""

from collections.abc import Sequence

import numpy as np

from unet_course.data.layouts import CORE, ENHANCING, OEDEMA
from unet_course.judging.mask_checks import check_spacing


def enlarge_core(
    labels: np.ndarray,
    core: np.ndarray,
    share: float = 0.4,
    enhancing: float = 1000.0,
    spacing: Sequence[float] = (1.0, 1.0, 1.0),
) -> np.ndarray:
    """Where next to nothing enhances, make the likeliest `share` of the whole tumour core.

    BraTS counts tumour that doesn't enhance as core, and a glioma of low grade, which seldom
    enhances, is little else. Its border with oedema is faint, so networks claim too little of it.
    In the course's four real cases with less than 1.5 ml of enhancing tumour the core is 33 % to
    55 % of the whole tumour; the defaults come from these (`benchmarks/README.md`).

    Args:
        labels: (x, y, z), 0, 1, 2, 4, of one case.
        core: (x, y, z), the network's probability of core (TC).
        share: of the whole tumour's voxels, from 0 to 1, that are core at least.
        enhancing: volume in mm³; a case with as much enhancing tumour, or more, stays as it is.
        spacing: of the voxels in mm.

    Returns:
        The same shape and type: oedema has become core where core is likeliest. A case whose core
        is large enough, and one without tumour: the same.

    Raises:
        ValueError: shapes that differ, a share outside 0 to 1, a volume below 0, or a spacing that
            isn't one.

    >>> labels = np.array([[[2, 2, 2, 2, 1, 0]]])
    >>> enlarge_core(labels, core=np.array([[[0.1, 0.3, 0.4, 0.2, 0.6, 0.9]]]), share=0.4)
    array([[[2, 2, 1, 2, 1, 0]]])
    """
    labels, core = np.asarray(labels), np.asarray(core)
    if labels.shape != core.shape or labels.ndim != 3:
        raise ValueError(
            f"labels and core must both be (x, y, z), they are {labels.shape} and {core.shape}"
        )
    if not 0 <= share <= 1:
        raise ValueError(f"share must lie in 0 to 1, it is {share}")
    if not enhancing >= 0:
        raise ValueError(f"enhancing must be 0 mm³ or more, it is {enhancing}")
    volume = float(np.prod(check_spacing(spacing, 3)))
    changed = labels.copy()
    if (labels == ENHANCING).sum() * volume >= enhancing:
        return changed
    oedema = np.flatnonzero(labels == OEDEMA)
    whole = np.count_nonzero(labels)
    lacking = int(np.ceil(share * whole - 1e-9)) - (whole - len(oedema))
    if lacking > 0:
        likeliest = np.argsort(-core.ravel()[oedema].astype(np.float32), kind="stable")[:lacking]
        changed.flat[oedema[likeliest]] = CORE
    return changed
