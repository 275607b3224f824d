"""The 3-D network of lessons 10 and 11: the same cases, network and training run in both.

Lesson 10 trains it step by step; lesson 11 calls `build_network`, which finds it in the cache or trains
it. On one machine the same call gives the same network.
"""

import hashlib
import json
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version

import keras
import numpy as np

from unet_course import runtime
from unet_course.data import brats, prepared_cases, splits
from unet_course.data.brats import Case
from unet_course.data.layouts import REGION_LABELS, REGIONS
from unet_course.data.prepared_cases import PreparedCase
from unet_course.judging import metrics
from unet_course.network import fast_conv3d, losses, unet
from unet_course.prediction import sliding_window
from unet_course.training import augment, loop
from unet_course.training.patch_batches import Patches

LIMIT = 16  # cases that a lesson works with at most
FEWEST = 4  # patients that can be split
FACTOR = 2  # volumes of 2 mm
PATCH = (48, 48, 48)
BATCH, STEPS, EPOCHS = 1, 25, 6
FOREGROUND = 0.67  # share of the patches that are drawn around tumour
AUGMENT = augment.VOLUMES
RATE = 3e-3  # at its peak
SEED = 10
NETWORK = {"filters": 12, "depth": 3, "patch": 2, "fine": 12, "normalization": "group"}


@dataclass(frozen=True)
class CaseSplit:
    """Cases to train on, to choose by, and to judge by; `line` is a sentence with their numbers."""

    train: tuple[Case, ...]
    validation: tuple[Case, ...]
    test: tuple[Case, ...]
    line: str

    def prepared(self, progress: bool = True) -> tuple[list[PreparedCase], ...]:
        """The three groups at 2 mm, as `prepared_cases.prepare` gives them."""
        return tuple(
            prepared_cases.prepare(group, factor=FACTOR, progress=progress)
            for group in (self.train, self.validation, self.test)
        )


def lesson_split(cases: Sequence[Case]) -> CaseSplit:
    """Split patients 5 : 1 : 2, alike in tumour size, with and without enhancing tumour.

    A patient's cases (`Case.patient`), one for each time point, are all on one side. Patients
    without any tumour only train: they can't say which epoch is the best. With fewer than four
    patients with tumour the sample's cases train, and all of these are judged. Only the masks are
    read.
    """
    if not cases:
        raise ValueError("no cases to split")
    of_patient: dict[str, list[Case]] = {}
    for case in cases:
        of_patient.setdefault(case.patient, []).append(case)
    volumes, kinds = {}, {}
    for patient, visits in of_patient.items():
        masks = [case.read_labels() for case in visits]
        volumes[patient] = float(max(np.isin(x, REGION_LABELS["WT"]).sum() for x in masks))
        enhances = any(np.isin(x, REGION_LABELS["ET"]).any() for x in masks)
        kinds[patient] = "enhancing" if enhances else "not"
    ill = [patient for patient in of_patient if volumes[patient]]
    if len(ill) < FEWEST:
        sample = lesson_split(brats.sample_cases())
        line = (
            f"Fewer than {FEWEST} patients with tumour can't be split: the sample trains "
            f"({len(sample.train)} cases, {len(sample.validation)} to choose by), and all "
            f"{len(cases)} are judged."
        )
        return CaseSplit(sample.train, sample.validation, tuple(cases), line)
    split = splits.split_patients(
        ill, volumes=volumes, institutions=kinds, fractions=(5 / 8, 1 / 8, 2 / 8)
    )
    well = [patient for patient in of_patient if not volumes[patient]]
    groups = [
        tuple(case for patient in side for case in of_patient[patient])
        for side in ((*split.train, *well), split.validation, split.test)
    ]
    a, b, c = map(len, groups)
    line = f"Split: {a} cases to train on, {b} to choose by, {c} to judge by"
    if well:
        line += f" ({len(well)} without tumour only train{'s' * (len(well) == 1)})"
    if len(of_patient) < len(cases):
        line += f", from {len(of_patient)} patients, each on one side"
    return CaseSplit(*groups, f"{line}.")


def with_room(cases: Sequence[PreparedCase]) -> list[PreparedCase]:
    """The cases that hold tumour and are larger than a patch; where none is, the sample's.

    In a volume no larger than the network's patch there are no windows to put together, and no
    place far from the tumour. The cases have masks. Says so where the sample's are taken.
    """
    large = [
        case
        for case in cases
        if case.labels.any() and (np.array(case.images.shape[:3]) > PATCH).all()
    ]
    if large:
        return large
    size = " × ".join(str(FACTOR * side) for side in PATCH)
    print(f"Shown on the sample's cases: none here holds tumour and is larger than {size} voxels.")
    return prepared_cases.prepare(brats.sample_cases(), factor=FACTOR, progress=False)


def new_network(seed: int = SEED, size: tuple[int, int, int] | None = None) -> keras.Model:
    """The untrained network, compiled: `(batch, *size, 4)` → `(batch, *size, 3)`, WT, TC and ET.

    The weights depend on the seed and not on `size`, that of the patches (None: `PATCH`).
    """
    keras.utils.set_random_seed(runtime.shifted(seed))
    network = unet.unet((*(size or PATCH), 4), classes=len(REGIONS), head="sigmoid", **NETWORK)
    network = fast_conv3d.use_fast_convolutions(network)
    rate = loop.warmup_cosine(RATE, steps=EPOCHS * STEPS)
    network.compile(keras.optimizers.AdamW(rate, weight_decay=1e-4), losses.BCEDice())
    return network


def patch_batches_of(train: Sequence[PreparedCase]) -> Patches:
    """The batches it trains on: augmented patches, two thirds of them around tumour."""
    return Patches(
        cases=train,
        size=PATCH,
        batch_size=BATCH,
        steps=STEPS,
        foreground=FOREGROUND,
        augment=AUGMENT,
        seed=runtime.shifted(SEED),
    )


def region_dice(
    network: keras.Model, cases: Sequence[PreparedCase], overlap: float = 0.25
) -> dict[str, dict[str, float]]:
    """Dice of each case's regions at the prepared resolution, thresholded at a probability of 0.5.

    Returns:
        {case id: {"WT": …, "TC": …, "ET": …}}; 1 where truth and prediction are both empty.
    """
    scores = {}
    for case in cases:
        prediction = sliding_window.predict(
            network, case.images, overlap=overlap, threshold=0.5, skip_empty=True
        )
        truth = case.regions()
        scores[case.id] = {
            name: metrics.dice(truth[..., i], prediction[..., i]) for i, name in enumerate(REGIONS)
        }
    return scores


def validator(
    cases: Sequence[PreparedCase], watch: Callable[[np.ndarray], None] | None = None
) -> Callable[[keras.Model], Mapping[str, float]]:
    """For `loop.fit`: mean Dice over the cases, a region at a time, and their mean, "dice".

    A region that is empty in a case's truth isn't counted: a single false voxel would turn its 1
    into a 0, and decide which epoch is the best. A region that no case holds is NaN.

    Args:
        watch: called at each validation with the first case's probabilities, (x, y, z, 3).
    """
    holds = {case.id: case.regions().any(axis=(0, 1, 2)) for case in cases}

    def validate(network: keras.Model) -> dict[str, float]:
        scores = region_dice(network, cases)
        if watch is not None:
            options = {"overlap": 0.25, "skip_empty": True, "dtype": np.float32}
            watch(sliding_window.predict(network, cases[0].images, **options))
        means = {}
        for i, name in enumerate(REGIONS):
            counted = [scores[id][name] for id in scores if holds[id][i]]
            means[name] = float(np.mean(counted)) if counted else float("nan")
        return {"dice": float(np.nanmean(list(means.values())))} | means

    return validate


def cache_name(train: Sequence[PreparedCase], validation: Sequence[PreparedCase]) -> str:
    """The name under which the network is kept: it changes with everything the weights depend on."""
    facts = {
        "cases": [[_checksum(case) for case in group] for group in (train, validation)],
        "settings": [PATCH, BATCH, STEPS, EPOCHS, FOREGROUND, RATE, runtime.shifted(SEED), NETWORK],
        "augment": repr(AUGMENT),
        "versions": [version("keras"), version(keras.backend.backend())],
    }
    text = json.dumps(facts, sort_keys=True)
    return f"lesson-10-{hashlib.sha256(text.encode()).hexdigest()[:12]}"


def _checksum(case: PreparedCase) -> int:
    """Of the arrays, not of the files: another copy of a case is the same case."""
    checksum = zlib.crc32(np.ascontiguousarray(case.labels))
    return zlib.crc32(np.ascontiguousarray(case.images), checksum)


def build_network(
    train: Sequence[PreparedCase], validation: Sequence[PreparedCase], progress: bool = True
) -> keras.Model:
    """Lesson 10's network, from the cache, or trained in place (about a minute on two cores).

    `train` and `validation` come from `CaseSplit.prepared`. The network isn't compiled where it came
    from the cache; Keras' random seed is set to the same in either case.
    """

    def train_it() -> keras.Model:
        network, validate = new_network(), validator(validation)
        batches = patch_batches_of(train)
        loop.fit(network, batches, epochs=EPOCHS, validate=validate, progress=progress)
        return network

    runtime.repeatable(SEED)
    network = loop.load_or_train(cache_name(train, validation), train_it)
    runtime.repeatable(SEED)
    return network


class Resumer:
    """Trains copies of a network for a few more steps, and remembers what each one reached.

    A copy begins with the network's weights as they are at the first call, and with AdamW's means
    at 0. Nothing is built before that. The same call again costs nothing.

    Args:
        network: trained, as `new_network` built it.
        train, validation: the cases to train on, and to choose by.
        steps: how many more, all at one rate.
    """

    def __init__(
        self,
        network: keras.Model,
        train: Sequence[PreparedCase],
        validation: Sequence[PreparedCase],
        steps: int = 10,
    ):
        self.network, self.train, self.steps = network, train, steps
        self.validate = validator(validation)
        self.copy: keras.Model | None = None
        self.reached: dict[tuple[float, float, int], float] = {}

    def __call__(
        self, *, draw: int, rate: float = RATE / 100, foreground: float = FOREGROUND
    ) -> float:
        """Mean Dice on validation after the steps.

        Args:
            draw: which random patches; the same number draws the same ones.
            rate: the learning rate; by default the one at which lesson 10's schedule ends.
            foreground: share of the patches that are drawn around tumour.
        """
        asked = float(rate), float(foreground), int(draw)
        if asked not in self.reached:
            self._begin_anew()
            self.copy.optimizer.learning_rate = rate
            patches = Patches(
                cases=self.train,
                size=PATCH,
                batch_size=BATCH,
                steps=self.steps,
                foreground=foreground,
                augment=AUGMENT,
                seed=runtime.shifted(1000 + draw),
            )
            loop.fit(self.copy, patches, epochs=1, progress=False)
            self.reached[asked] = self.validate(self.copy)["dice"]
        return self.reached[asked]

    def _begin_anew(self) -> None:
        if self.copy is None:
            self.copy = new_network()
            optimizer = keras.optimizers.AdamW(RATE, weight_decay=1e-4)
            self.copy.compile(optimizer, losses.BCEDice())
            optimizer.build(self.copy.trainable_variables)
            self.weights = self.network.get_weights()
            self.means = [np.array(variable) for variable in optimizer.variables]
        self.copy.set_weights(self.weights)
        for variable, value in zip(self.copy.optimizer.variables, self.means, strict=True):
            variable.assign(value)
