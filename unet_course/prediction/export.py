"""A trained network as ONNX, the exchange format that runs without Keras: written, checked, run.

ONNX (onnx.ai) describes a network as a graph of operators with its weights. `onnxruntime` runs it on
processors and graphics cards, `onnxruntime-web` in a browser. The file that `to_onnx` writes takes and
gives what the Keras network does: channels last, float32, any number of examples at once.
"""

import importlib.util
import os
import warnings
from pathlib import Path

import keras
import numpy as np

from unet_course import runtime, storage
from unet_course.network import fast_conv3d

WEIGHTS = ("float32", "float16", "int8")  # how weights can be stored
TOLERANCE = 1e-4  # between Keras' and ONNX' probabilities, both in float32
SMALL = 256  # tensors with fewer numbers (biases, normalisation) stay float32: they weigh nothing


def to_onnx(model: keras.Model, file: Path | str, weights: str = "float32") -> float:
    """Write a network as ONNX, and compare its probabilities with Keras' on random input.

    Inference computes in float32 whatever `weights` is; smaller weights make the file smaller, not
    the network faster. The layers of `fast_conv3d`, which make training faster, are written as Keras'
    own, and a network trained in bfloat16 as one in float32.

    Args:
        model: a functional network with one input, `(batch, *spatial, channels)`, and one output;
            one with deep supervision is written with its prediction alone.
        file: where to write; what is there is replaced once the new file is whole and checked.
        weights: "float32"; "float16", half the size, each weight with 3 decimal digits; "int8", a
            quarter, each output channel's weights as whole numbers from -127 to 127 times a scale
            (symmetric weight quantisation: Jacob et al., 2018).

    Returns:
        The largest difference between the two probabilities of a voxel.

    Raises:
        ValueError: unknown `weights`, a spatial size that isn't fixed, or with float32 weights a
            difference above `TOLERANCE` (nothing is written then).
        ModuleNotFoundError: the extra `export` isn't installed.
        OSError: the file can't be written.
    """
    if weights not in WEIGHTS:
        raise ValueError(f"weights must be one of {', '.join(WEIGHTS)}; got {weights!r}")
    if None in model.input_shape[1:]:
        what = f"the network takes inputs of any size, {model.input_shape}"
        raise ValueError(f"{what}: build it for one size, copy its weights, and export that")
    _require("tf2onnx", "onnx", "onnxruntime")
    import onnx

    file = Path(file)
    model = in_float32(model)
    example = np.random.default_rng(0).normal(size=(1, *model.input_shape[1:])).astype(np.float32)
    expected = np.asarray(model.predict_on_batch(example))  # Keras exports what was called once
    temporary = file.with_name(f".{file.stem}-{os.getpid()}.onnx")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter(
                "ignore", FutureWarning
            )  # Keras looks for NumPy's old `np.object`
            model.export(temporary, format="onnx", verbose=False)
        graph = onnx.load(temporary)
        if weights != "float32":
            _store_weights(graph.graph, weights)
        notes = {"weights": weights, "use": "for teaching, not for clinical use"}
        onnx.helper.set_model_props(graph, notes)
        onnx.save(graph, temporary)
        difference = float(
            np.abs(OnnxNetwork(temporary).predict_on_batch(example) - expected).max()
        )
        if weights == "float32" and not difference <= TOLERANCE:
            what = f"ONNX and Keras differ by {difference:.1e} on random input"
            raise ValueError(f"{what}, more than {TOLERANCE:.0e}: nothing was written")
        storage.replace(temporary, file)
    finally:
        temporary.unlink(missing_ok=True)
    return difference


class OnnxNetwork:
    """A network in an ONNX file, called like a Keras one by `sliding_window` and `predict_slices`.

    Attributes:
        input_shape, output_shape: as Keras', `(None, *spatial, channels)`.

    Args:
        file: written by `to_onnx`.
        threads: that `onnxruntime` uses; None: as many as there are cores.

    Raises:
        ValueError: the file isn't a network in ONNX, or not one with a single input and output.
        ModuleNotFoundError: `onnxruntime` isn't installed.
        FileNotFoundError: there is no such file.
    """

    def __init__(self, file: Path | str, threads: int | None = None):
        _require("onnxruntime")
        import onnxruntime

        file = Path(file)
        if not file.is_file():
            raise FileNotFoundError(f"{file}: no such file; write it with `to_onnx`")
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3  # errors
        if threads:
            options.intra_op_num_threads = threads
        try:
            self._session = onnxruntime.InferenceSession(
                file, options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # onnxruntime raises whatever it trips over
            raise ValueError(f"{file} can't be read as ONNX: write it again ({error})") from error
        inputs, outputs = self._session.get_inputs(), self._session.get_outputs()
        if len(inputs) != 1 or len(outputs) != 1:
            what = f"{len(inputs)} inputs and {len(outputs)} outputs"
            raise ValueError(f"{file} has {what}; a network with one of each is needed")
        self._input = inputs[0].name
        self.input_shape = (None, *inputs[0].shape[1:])
        self.output_shape = (None, *outputs[0].shape[1:])

    def predict_on_batch(self, images: np.ndarray) -> np.ndarray:
        """Probabilities `(batch, *spatial, classes)` float32 of images `(batch, *spatial, channels)`."""
        images = np.ascontiguousarray(images, np.float32)
        return self._session.run(None, {self._input: images})[0]


def _require(*modules: str) -> None:
    missing = [name for name in modules if importlib.util.find_spec(name) is None]
    if missing:
        how = runtime.how_to_install("unet-course[export]")
        raise ModuleNotFoundError(f"not installed: {', '.join(missing)}. To install: {how}")


def in_float32(model: keras.Model) -> keras.Model:
    """The same network computing in float32, with Keras' own convolutions and one prediction.

    What another machine or program gets should be this: bfloat16 rounds differently by processor.

    Args:
        model: a functional network, `(batch, *spatial, channels)` → `(batch, *spatial, classes)`;
            of one with deep supervision the prediction is kept, and not its other heads.

    Returns:
        A new network with the same weights, not compiled.

    >>> inputs = keras.Input((4, 4, 1), dtype="float32")
    >>> output = keras.layers.Conv2D(2, 1, dtype="mixed_bfloat16")(inputs)
    >>> in_float32(keras.Model(inputs, output)).layers[1].compute_dtype
    'float32'
    """
    if isinstance(model.output, dict):  # deep supervision: its other heads are for training
        model = keras.Model(model.input, model.output["prediction"], name=model.name)

    def plain(layer: keras.Layer) -> keras.Layer:
        settings = layer.get_config()
        if "dtype" in settings:
            settings["dtype"] = "float32"
        return fast_conv3d.plain_class(layer).from_config(settings)

    clone = keras.models.clone_model(model, clone_function=plain)
    clone.set_weights(model.get_weights())
    return clone


def _store_weights(graph, weights: str) -> None:
    """Replace each large tensor of an ONNX graph by a smaller one and the operator that enlarges it."""
    from onnx import TensorProto, helper, numpy_helper

    users = {name: node for node in graph.node for name in node.input}
    kept, enlarging = [], []
    for tensor in graph.initializer:
        values = numpy_helper.to_array(tensor)
        if values.dtype != np.float32 or values.size < SMALL:
            kept.append(tensor)
            continue
        small = f"{tensor.name}_{weights}"
        if weights == "float16":
            kept.append(numpy_helper.from_array(values.astype(np.float16), small))
            node = helper.make_node("Cast", [small], [tensor.name], to=TensorProto.FLOAT)
        else:
            # the axis of output channels: ONNX' transposed convolution has it second
            axis = int(users[tensor.name].op_type == "ConvTranspose")
            others = tuple(i for i in range(values.ndim) if i != axis)
            scale = np.maximum(np.abs(values).max(axis=others, keepdims=True), 1e-12) / 127
            kept.append(numpy_helper.from_array(np.rint(values / scale).astype(np.int8), small))
            kept.append(numpy_helper.from_array(scale, f"{small}_scale"))
            # not DequantizeLinear: runtimes keep it for each prediction, and fold these two away
            whole = f"{small}_whole"
            enlarging.append(helper.make_node("Cast", [small], [whole], to=TensorProto.FLOAT))
            node = helper.make_node("Mul", [whole, f"{small}_scale"], [tensor.name])
        enlarging.append(node)
    del graph.initializer[:]
    graph.initializer.extend(kept)
    nodes = [*enlarging, *graph.node]
    del graph.node[:]
    graph.node.extend(nodes)
