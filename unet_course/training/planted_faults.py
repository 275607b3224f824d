"""Three short training runs, each with one planted fault, for the open task of lesson 05."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

import keras
import numpy as np
import tensorflow as tf

from unet_course import runtime
from unet_course.data.slices import Slices
from unet_course.judging.metrics import dice_by_patient
from unet_course.network import losses, unet
from unet_course.prediction import predict_slices
from unet_course.training import loop, slice_batches

SHIFT = 6  # columns to the right, for the masks of one run
RATE, TOO_HIGH = 0.01, 100.0
FAULTS = {"A": "patients", "B": "rate", "C": "masks"}  # which run has which
REACH = 12  # rows and columns that `best_shift` tries, either way


@dataclass(frozen=True, repr=False)
class Run:
    """What a run leaves to be looked at.

    Attributes:
        loss: training loss, by epoch.
        validation: mean Dice of the validation patients, by epoch.
        others: mean Dice of patients who are in neither group, by epoch.
        images, masks: of the validation patients, as `Slices` holds them.
        probability: its last prediction for them, (slices, side, side, 1).
        planted: its fault; look at it last.
    """

    loss: list[float]
    validation: list[float]
    others: list[float]
    images: np.ndarray
    masks: np.ndarray
    probability: np.ndarray
    planted: str


def three_runs(
    slices: Slices, patients: Sequence[str], *, epochs: int = 6, steps: int = 50, seed: int = 5
) -> dict[str, Run]:
    """Train three networks from the same start, each with one fault.

    Half of the patients are for training, a quarter each for validation and others: dealt in turn, so
    give them by the size of their tumours. A small U-Net without normalisation learns by Adam with
    warm-up and cosine, the peak 0.01. The faults: "masks", the training masks lie 6 columns too far to
    the right; "rate", the peak is a hundred times as high, which such a network doesn't survive;
    "patients", the validation patients are among the training ones.

    Args:
        slices: small ones, such as 48 × 48: all of these patients'.
        patients: ids, six at least.

    Returns:
        The runs "A", "B" and "C".

    Raises:
        ValueError: fewer than six patients.
    """
    if len(patients) < 6:
        raise ValueError(f"three groups can't be made of {len(patients)} patients; six are needed")
    learners, judges, others = list(patients[::2]), list(patients[1::4]), list(patients[3::4])
    runtime.repeatable(seed)
    *shape, channels = slices.images.shape[1:]
    network = unet.unet((*shape, channels), filters=8, depth=2, normalization="none")
    start = network.get_weights()
    rate = _Scaled(loop.warmup_cosine(RATE, steps=epochs * steps))
    network.compile(keras.optimizers.Adam(rate), losses.BCEDice(pool_batch=True))

    def train(fault: str) -> Run:
        network.set_weights(start)
        for variable in network.optimizer.variables:  # Adam forgets the run before
            variable.assign(tf.zeros_like(variable))
        rate.times.assign(TOO_HIGH if fault == "rate" else 1.0)
        source = slices.of(learners + judges if fault == "patients" else learners)
        if fault == "masks":
            source = dataclasses.replace(source, masks=moved(source.masks, SHIFT))
        batches = slice_batches.Batches(slices=source, batch_size=8, steps=steps, seed=seed)
        curves = {"loss": [], "validation": [], "others": []}
        for epoch in range(epochs):
            done = network.fit(batches.epoch(epoch), shuffle=False, verbose=0)
            curves["loss"].append(float(done.history["loss"][0]))
            for name, group in (("validation", judges), ("others", others)):
                seen = slices.of(group)
                probability = predict_slices.predict(network, seen)
                scores = dice_by_patient(seen.patients, seen.masks, probability >= 0.5)
                curves[name].append(float(np.mean(list(scores.values()))))
        seen = slices.of(judges)
        probability = predict_slices.predict(network, seen)
        return Run(
            **curves, images=seen.images, masks=seen.masks, probability=probability, planted=fault
        )

    return {letter: train(fault) for letter, fault in FAULTS.items()}


def moved(masks: np.ndarray, columns: int) -> np.ndarray:
    """Return masks (slices, rows, columns, 1), moved to the right, to the left if it is negative."""
    padded = np.pad(masks, ((0, 0), (0, 0), (abs(columns), abs(columns)), (0, 0)))
    start = abs(columns) - columns
    return padded[:, :, start : start + masks.shape[2]]


def best_shift(run: Run) -> tuple[int, int]:
    """Return by how many rows and columns a run's prediction is off, as a whole.

    All moves of up to 12 pixels are tried; the one counts that, taken back, lets the prediction cover
    most of the truth, over all slices. Positive: too far down, too far to the right.
    """
    truth = run.masks[..., 0] > 0
    predicted = run.probability[..., 0] >= 0.5
    rows, columns = truth.shape[1:]
    padded = np.pad(predicted, ((0, 0), (REACH, REACH), (REACH, REACH)))
    moves = [(r, c) for r in range(-REACH, REACH + 1) for c in range(-REACH, REACH + 1)]
    moves.sort(key=lambda move: abs(move[0]) + abs(move[1]))  # of equal ones the smallest

    def overlap(move: tuple[int, int]) -> int:
        top, left = REACH + move[0], REACH + move[1]
        window = padded[:, top : top + rows, left : left + columns]
        return int((window & truth).sum())

    return max(moves, key=overlap)


class _Scaled(keras.optimizers.schedules.LearningRateSchedule):
    """A schedule times a number that can be changed between runs."""

    def __init__(self, schedule):
        self.schedule = schedule
        self.times = tf.Variable(1.0)

    def __call__(self, step):
        return self.times * self.schedule(step)

    def get_config(self) -> dict:
        return {"schedule": self.schedule}
