"""`unet-course export-model`: a trained network's file as ONNX, with a check of what it predicts."""

from __future__ import annotations

from pathlib import Path

from unet_course.commands.output_files import check_output_path
from unet_course.commands.terminal import start_tensorflow
from unet_course.judging.model_card import shape_text


def export_model(file: Path, out: Path, weights: str) -> str:
    """Write the network in a `.keras` file as ONNX; return what was written, in a few lines.

    Raises:
        OSError: there is no such file, or `out` can't be written.
        ValueError: the file isn't a network that Keras loads without running code of its own
            (`safe_mode`), or the network can't be exported; see `prediction.export.to_onnx`.
    """
    check_output_path(out, (".onnx",))
    model = load_network(file)
    from unet_course.prediction import export

    difference = export.to_onnx(model, out, weights)
    return "\n".join(
        [
            f"Written: {out}, {out.stat().st_size / 1e6:.1f} MB, weights in {weights}",
            f"input {shape_text(model.input_shape)} → output {shape_text(model.output_shape)}, channels last",
            f"largest difference from Keras' probabilities on random input: {difference:.1e}",
        ]
    )


def load_network(file: Path):
    """Load the network in a `.keras` file, in Keras' safe mode.

    Raises:
        OSError: there is no such file.
        ValueError: it isn't a network that Keras loads without running code of its own.
    """
    if not file.is_file():
        raise FileNotFoundError(
            f"{file}: no such file; name one that model.save('NAME.keras') wrote"
        )
    if file.suffix != ".keras":
        raise ValueError(f"{file}: a network's file ends in .keras; save it with model.save")
    start_tensorflow()
    import keras

    # imported so that Keras knows the course's own layers by name
    from unet_course.network import blocks, deep_supervision, fast_conv3d, losses  # noqa: F401

    try:
        return keras.saving.load_model(file, compile=False, safe_mode=True)
    except Exception as error:  # a damaged file may trip over anything
        why = str(error).splitlines()[0]
        what = f"{file} can't be loaded as a Keras network ({type(error).__name__}: {why})"
        raise ValueError(f"{what}; save it again with model.save") from error
