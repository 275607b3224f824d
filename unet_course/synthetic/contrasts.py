"""Random contrasts of the four BraTS modalities, varied as widely as between scanners.

Outside the brain the signal equations apply. Inside, each tissue's signal relative to white matter
is drawn from wider ranges, which span what was measured in six real cases: domain randomisation (Billot et al.,
2023) within what a radiologist would still recognise as T1, T1ce, T2 and FLAIR.
"""

import numpy as np

from unet_course.synthetic import mr_physics

MODALITIES = ("T1", "T1ce", "T2", "FLAIR")


def draw(rng: np.random.Generator, kind: str = "rim") -> list[dict[str, float]]:
    """Signal of each tissue for T1, T1ce, T2 and FLAIR of one case; white matter is 1.

    Args:
        rng: the source of randomness.
        kind: of tumour, as in `tumour_kinds`; all but "rim" enhance faintly if at all.

    >>> t1, t1ce, t2, flair = draw(np.random.default_rng(0))
    >>> t1ce["enhancing"] > 1.1 > t1["enhancing"], t2["csf"] > t2["oedema"] > 1 > flair["csf"]
    (True, True)
    >>> draw(np.random.default_rng(0), "faint")[1]["enhancing"] < 1.5
    True
    """
    tissues = mr_physics.jitter_tissues(rng)
    tables = []
    for sequence in (mr_physics.T1, mr_physics.T1CE, mr_physics.T2, mr_physics.FLAIR):
        table = mr_physics.signal(sequence, tissues)
        tables.append({name: value / table["white"] for name, value in table.items()})
        tables[-1]["fat"] *= rng.uniform(0.5, 1.1)
    t1, t1ce, t2, flair = tables

    t1["grey"] = rng.uniform(0.76, 0.90)
    t1["csf"] = rng.uniform(0.3, 0.75)
    t1["oedema"] = rng.uniform(0.8, 0.98)
    t1["solid"] = t1["oedema"] * rng.uniform(0.8, 1.1)
    t1["cyst"] = max(t1["solid"] * rng.uniform(0.7, 1.05), 0.9 * t1["csf"])
    t1["enhancing"] = float(np.clip(t1["solid"] * rng.uniform(0.95, 1.2), 0.85, 1.08))

    t1ce["grey"] = t1["grey"] * rng.uniform(0.84, 1.12)
    t1ce["csf"] = t1["csf"] * rng.uniform(0.65, 1.25)
    both = rng.uniform(0.86, 1.08)
    for name in ("oedema", "solid", "cyst"):
        t1ce[name] = t1[name] * both * rng.uniform(0.92, 1.08)
    brightest = (1.15, 2.2) if kind == "rim" else (1.1, 1.5)
    t1ce["enhancing"] = float(np.exp(rng.uniform(*np.log(brightest))))
    if kind == "rim":
        others = max(t1ce[name] for name in ("oedema", "solid", "cyst"))
        t1ce["enhancing"] = max(t1ce["enhancing"], 1.08 * others)
    t1ce["vessel"] = rng.uniform(1.2, 3.0)
    t1ce["dura"] = rng.uniform(0.5, 1.3)

    wet = rng.random()  # the tumour's water content affects T2 and FLAIR together
    t2["grey"] = rng.uniform(0.98, 1.40)
    t2["csf"] = float(np.exp(rng.uniform(np.log(1.8), np.log(4.8))))
    bright = 1.3 + wet + rng.normal(0, 0.1)
    t2["oedema"] = float(np.clip(bright, 1.25, max(1.25, 0.9 * t2["csf"])))
    for name, ratios in (("solid", (0.97, 1.5)), ("cyst", (1.05, 1.8)), ("enhancing", (0.9, 1.3))):
        t2[name] = min(t2["oedema"] * rng.uniform(*ratios), 1.1 * t2["csf"])
    t2["dura"] = rng.uniform(0.5, 1.2)

    flair["grey"] = rng.uniform(0.95, 1.30)
    flair["csf"] = rng.uniform(0.12, 0.65)
    bright = 1.2 + 0.3 * rng.random() + 1.3 * wet * rng.random()
    flair["oedema"] = max(bright, 1.1 * flair["grey"])
    # in some low-grade gliomas FLAIR is dark where T2 is bright ("mismatch")
    dark = kind != "rim" and rng.random() < 0.15
    flair["solid"] = flair["oedema"] * (rng.uniform(0.6, 0.9) if dark else rng.uniform(0.97, 1.25))
    empty = rng.random() < 0.15  # fluid like that of the ventricles
    flair["cyst"] = flair["csf"] if empty else flair["oedema"] * rng.uniform(0.55, 1.25)
    flair["enhancing"] = flair["oedema"] * rng.uniform(0.8, 1.15)
    return [{name: float(value) for name, value in t.items()} for t in (t1, t1ce, t2, flair)]
