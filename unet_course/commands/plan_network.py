"""`unet-course plan`: a folder's fingerprint, and the network and patches that follow from it."""

from __future__ import annotations

from pathlib import Path

from unet_course import runtime
from unet_course.commands.output_files import check_output_path
from unet_course.commands.terminal import start_tensorflow


def plan_folder(
    folder: Path, memory_gb: float, out: Path | None = None, fingerprint_out: Path | None = None
) -> str:
    """Draw a plan for each set in a folder, and write it as JSON where asked; return the text.

    Raises:
        OSError: there is no such folder, or a file can't be written.
        ValueError: nothing to plan for, a damaged file, two sets for one output file, or too little
            memory.
    """
    runtime.existing_folder(folder, "Name the folder that holds the patients.")
    for file in filter(None, (out, fingerprint_out)):
        check_output_path(file, (".json",))
    start_tensorflow()
    from unet_course.data import fingerprint
    from unet_course.training import plan

    prints = fingerprint.of_folder(folder)
    if len(prints) > 1 and (out or fingerprint_out):
        raise ValueError(f"{folder} holds LGG and BraTS: name the folder of one of them")
    texts = []
    for found in prints:
        drawn = plan.make_plan(found, memory_gb)
        texts.append(f"{_fingerprint_text(found)}\n\n{_plan_text(drawn, memory_gb)}")
        if fingerprint_out:
            fingerprint.write(found, fingerprint_out)
            texts.append(f"Written: {fingerprint_out}")
        if out:
            plan.write(drawn, out)
            texts.append(f"Written: {out}")
    return "\n\n".join(texts)


def _fingerprint_text(found: dict) -> str:
    unit = "slices" if found["axes"] == 2 else "volumes"
    of = f", {found['slices']:,} slices" if "slices" in found else ""
    lines = [
        f"Fingerprint of {found['set']}: {found['cases']} cases of {found['patients']} patients{of}"
    ]
    what = "cropped to the brain, " if found["axes"] == 3 else ""
    lines.append(f"  {unit}, {what}voxels: {_between(found['shape'])}")
    if found["spacing"]:
        lines.append(f"  spacing, mm: {_between(found['spacing'])}")
        if found["spacing"]["smallest"] != found["spacing"]["largest"]:
            lines.append("    cases differ: resample them to the median, as the plan says")
    else:
        lines.append("  spacing: the files don't say")
    for channel, numbers in (found["intensities"] or {}).items():
        spread = numbers["spread"]
        times = "" if spread is None else f"; medians of cases differ up to {spread:g} times"
        lines.append(
            f"  {channel} in the tumour: median {_value(numbers['median'])}, "
            f"{_value(numbers['low'])} to {_value(numbers['high'])}{times}"
        )
    for name, numbers in found["classes"].items():
        share = "no masks" if numbers["share"] is None else f"{numbers['share']:.2%} of the voxels"
        cases = "case" if numbers["missing"] == 1 else "cases"
        gone = f", missing in {numbers['missing']} {cases}" if numbers["missing"] else ""
        lines.append(f"  {name}: {share}{gone}")
    return "\n".join(lines)


def _plan_text(plan: dict, memory_gb: float) -> str:
    network = plan["network"]
    lines = [
        f"Plan for {memory_gb:g} GB a training step",
        f"  normalisation: each case and channel by itself, {plan['normalisation']}",
        *_spacing_lines(plan["spacing"]),
        f"  patch: {_times(plan['size'])}, batch of {plan['batch_size']}",
        f"  U-Net: {network['filters']} filters, depth {network['depth']}, "
        f"{network['normalization']} normalisation, {plan['parameters']:,} parameters",
        f"  output: {network['classes']} × sigmoid",
        f"  a step by count: {plan['step_gb']:g} GB, besides 0.7 GB for TensorFlow",
    ]
    return "\n".join(lines)


def _spacing_lines(spacing: list[float] | None) -> list[str]:
    if spacing is None:
        return []
    call = f"prepared_cases.prepare(cases, spacing={spacing})"
    return [f"  spacing: {_times(spacing)} mm; {call} resamples to it"]


def _between(numbers: dict) -> str:
    median = _times(numbers["median"])
    if numbers["smallest"] == numbers["largest"]:
        return f"{median} in all"
    return f"median {median}, {_times(numbers['smallest'])} to {_times(numbers['largest'])}"


def _times(sides) -> str:
    return " × ".join(f"{side:g}" for side in sides)


def _value(number: float) -> str:
    """A scan's value: whole where it is large, three digits where it isn't."""
    return f"{number:,.0f}" if abs(number) >= 100 else f"{number:.3g}"
