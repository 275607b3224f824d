# /// script
# requires-python = ">=3.11,<3.14"
# dependencies = ["nnunetv2==2.8.1", "torch==2.15.0"]
# ///
"""nnU-Net with the plan that it makes itself (3d_fullres), on BraTS.

    uv run benchmarks/peers/nnunet_peer.py TASK OUT --minutes 4

Its own preparation, network, augmentation, loss and optimiser. What differs here: the polynomial schedule
runs over the minutes instead of 1,000 epochs; patches are augmented in the training process, so that its
processor time counts; prediction without mirror images, which would take eight times as long. nnU-Net
computes in float32 on processors.
"""

import os
import shutil
from pathlib import Path

import numpy as np
import peer

FOLDERS = ("raw", "preprocessed", "results")


def prepare(home: Path, task: peer.Task) -> Path:
    """Let nnU-Net plan and prepare the data set; returns the folder of the prepared one."""
    from nnunetv2.experiment_planning import plan_and_preprocess_api as api

    shutil.rmtree(home, ignore_errors=True)
    for name in FOLDERS:
        (home / name).mkdir(parents=True)
    shutil.copytree(task.folder / "nnunet", home / "raw" / "Dataset001_BraTS")
    api.extract_fingerprints([1], num_processes=1, show_progress_bar=False)
    api.plan_experiments([1])
    api.preprocess([1], configurations=["3d_fullres"], num_processes=[1], show_progress_bar=False)
    return home / "preprocessed" / "Dataset001_BraTS"


def main() -> None:
    options = peer.arguments(__doc__)
    task = peer.Task(options.task, "brats")
    home = options.out.absolute().with_name(options.out.name + ".nnunet")
    cores = os.cpu_count() or 1
    os.environ |= {f"nnUNet_{name}": str(home / name) for name in FOLDERS}  # read on import
    os.environ |= {"nnUNet_n_proc_DA": str(cores)}  # the planner's threads
    import torch
    from batchgenerators.utilities.file_and_folder_operations import load_json
    from nnunetv2.inference.predict_from_raw_data import nnUNetPredictor
    from nnunetv2.training.nnUNetTrainer.nnUNetTrainer import nnUNetTrainer

    folder = prepare(home, task)
    os.environ |= {"nnUNet_n_proc_DA": "0"}  # no processes besides this one while it trains
    torch.set_num_threads(cores)
    torch.manual_seed(options.seed)
    np.random.seed(options.seed)
    clock = peer.Clock(options.minutes, options.clock)
    device = torch.device("cpu")
    plans, about = (
        load_json(str(folder / "nnUNetPlans.json")),
        load_json(str(folder / "dataset.json")),
    )
    plans["continue_training"] = False
    trainer = nnUNetTrainer(plans, "3d_fullres", "all", about, device)
    trainer.on_train_start()
    trainer.network.train()
    clock.start()
    going = True
    while going:
        rate = (options.rate or trainer.initial_lr) * (1 - clock.share) ** 0.9
        trainer.optimizer.param_groups[0]["lr"] = rate
        trainer.train_step(next(trainer.dataloader_train))
        going = clock.tick()
    size, batch = trainer.configuration_manager.patch_size, trainer.configuration_manager.batch_size
    facts = {
        "network": "its plan",
        "batch": f"{batch} × {'×'.join(map(str, size))}",
    } | clock.facts()
    facts["parameters"] = sum(p.numel() for p in trainer.network.parameters())
    trainer.set_deep_supervision_enabled(False)
    trainer.network.eval()
    predictor = nnUNetPredictor(use_mirroring=False, device=device, allow_tqdm=False)
    predictor.manual_initialization(
        trainer.network, trainer.plans_manager, trainer.configuration_manager,
        [trainer.network.state_dict()], about, "nnUNetTrainer", None,
    )  # fmt: skip

    def predict(id: str) -> np.ndarray:
        files = sorted(map(str, (task.folder / "nnunet" / "imagesTs").glob(f"{id}_????.nii")))
        (labels,) = predictor.predict_from_files_sequential([files], None)
        labels = np.asarray(labels).T  # nnU-Net's axes are z, y, x
        return np.stack([labels > 0, np.isin(labels, (1, 3)), labels == 3], axis=-1)

    peer.finish(options.out, task, predict, facts, "nnunetv2", "torch")
    shutil.rmtree(home)


if __name__ == "__main__":
    main()
