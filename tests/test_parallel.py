"""Data-parallel training: shares and runs, two processes like one, deaths, partners who never come.

The processes are real ones, on this machine's own address. They need JAX. Of the files that start them
elsewhere, the box's is run with real processes too; Slurm's programs are stand-ins.
"""

import copy
import importlib.util
import os
import re
import shutil
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import jsonschema
import kubernetes_files
import numpy as np
import psutil
import pytest
import yaml

from unet_course.training.parallel import launch, settings, worker

needs_jax = pytest.mark.skipif(
    importlib.util.find_spec("jax") is None or sys.platform == "win32",
    reason="JAX isn't installed, or its processes can't talk to each other here",
)
SMALL = {"filters": 2, "depth": 1, "epochs": 2, "steps": 2, "batch": 2}
PATIENCE = 900  # seconds: a busy machine isn't the code's fault


@pytest.fixture
def folder(tmp_path):
    """Eight patches of 8³ voxels."""
    rng = np.random.default_rng(0)
    images = rng.normal(size=(8, 8, 8, 8, 4))
    settings.write(tmp_path, images, images[..., :3] > 0.5, [])
    return tmp_path


# --- what needs no process ----------------------------------------------------------------------


@pytest.mark.parametrize("world", [1, 2, 3, 6])
def test_each_patch_of_a_batch_is_exactly_one_processs(world):
    run = settings.Run(name="x", batch=6, steps=4)
    batch = list(settings.batch_of(run, 10, epoch=1, step=2))
    dealt = [number for rank in range(world) for number in settings.share(batch, rank, world)]
    assert dealt == batch


def test_a_batch_that_cannot_be_divided_evenly_is_refused():
    with pytest.raises(ValueError, match="5 can't be divided among 2"):
        settings.share(range(5), 0, 2)


def test_an_epoch_goes_through_all_patches_before_one_comes_again():
    run = settings.Run(name="x", batch=4, steps=3)
    epoch = np.concatenate([settings.batch_of(run, 12, 0, step) for step in range(3)])
    assert sorted(epoch) == list(range(12))
    other = np.concatenate([settings.batch_of(run, 12, 1, step) for step in range(3)])
    assert not np.array_equal(epoch, other)
    assert len(settings.batch_of(run, 5, 0, 2)) == 4  # fewer patches than an epoch needs


def test_runs_are_read_as_they_were_written(folder):
    runs = [settings.Run(name="a", slow=(0.0, 1.5)), settings.Run(name="b", warmup=2, rate=0.1)]
    settings.write_runs(folder, runs)
    assert settings.read_runs(folder) == runs
    with pytest.raises(ValueError, match="one name"):
        settings.write_runs(folder, [runs[0], runs[0]])
    with pytest.raises(ValueError, match="batch must be 1 or more"):
        settings.Run(name="c", batch=0)
    with pytest.raises(ValueError, match="warmup must be"):
        settings.Run(name="c", warmup=10, epochs=3)


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        ({"RANK": "2", "WORLD_SIZE": "2", "COORDINATOR": "a:1"}, "RANK must be 0 to"),
        ({"RANK": "one"}, "whole numbers"),
        ({"WORLD_SIZE": "2"}, "COORDINATOR must be host:port"),
        ({"WORLD_SIZE": "2", "COORDINATOR": "somewhere"}, "COORDINATOR must be host:port"),
    ],
)
def test_variables_that_do_not_fit_are_named(monkeypatch, variables, words):
    for name in ("RANK", "WORLD_SIZE", "COORDINATOR"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(ValueError, match=words):
        worker.rank_and_world()


def test_importing_it_brings_neither_keras_nor_jax():
    code = (
        "import sys; from unet_course.training.parallel import launch, settings, worker; "
        "print([m for m in ('keras', 'jax', 'tensorflow') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


# --- processes ----------------------------------------------------------------------------------


def weights(folder, name, rank=0):
    with np.load(folder / name / f"rank-{rank}.npz") as kept:
        return np.concatenate([kept[key].ravel() for key in kept])


@needs_jax
def test_two_processes_train_as_one_does_and_a_killed_run_goes_on(folder):
    """One after the other, since what takes time is to start them."""
    whole = settings.Run(name="whole", **SMALL)
    settings.write_runs(folder, [whole])
    launch.train(folder, 1, PATIENCE)
    (alone,) = settings.read_records(folder, "whole")
    assert alone["world"] == 1 and len(alone["loss"]) == 2

    two = settings.Run(name="two", **SMALL)
    settings.write_runs(folder, [two])
    launch.train(folder, 2, PATIENCE)
    first, second = settings.read_records(folder, "two")
    assert first["loss"] == second["loss"] and first["checksum"] == second["checksum"]
    assert first["loss"] == pytest.approx(alone["loss"], rel=1e-4)
    np.testing.assert_array_equal(weights(folder, "two", 0), weights(folder, "two", 1))

    # killed after an epoch: the other notices; started again, both go on to the same weights
    killed = settings.Run(name="killed", **SMALL | {"slow": (0.5, 0.5)})
    settings.write_runs(folder, [killed])
    with launch.Processes(folder, 2) as both:
        both.wait(PATIENCE, until=(folder / "killed" / "state.json").exists)
        both.kill(1)
        statuses = both.wait(PATIENCE)
        assert statuses[0] not in (0, None) and statuses[1] == -signal.SIGKILL
        assert both.ended[0] < launch.PATIENCE, both.last_lines()
    launch.train(folder, 2, PATIENCE)
    assert "from epoch 2" in (folder / "rank-0.log").read_text(encoding="utf-8")
    np.testing.assert_allclose(weights(folder, "killed"), weights(folder, "two"), atol=1e-6)


@needs_jax
def test_a_partner_who_never_comes_is_an_error_and_not_a_silence(folder):
    settings.write_runs(folder, [settings.Run(name="x", **SMALL)])
    with launch.Processes(folder, 2, started=1, to_come=10) as half:
        (status,) = half.wait(PATIENCE)
        assert status not in (0, None), half.last_lines()
        assert re.search("deadline|timed out|timeout", half.log(0), re.IGNORECASE)


@needs_jax
def test_no_process_outlives_the_one_that_started_it(folder):
    """Not even if that is killed: the processes see that their standard input has ended."""
    settings.write_runs(folder, [settings.Run(name="x", **SMALL | {"slow": (60.0, 60.0)})])
    code = f"""
        from unet_course.training.parallel import launch
        with launch.Processes({str(folder)!r}, 2) as both:
            print(*(process.pid for process in both.running), flush=True)
            both.wait(600)
    """
    starter = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code)], stdout=subprocess.PIPE, text=True
    )
    pids = [int(pid) for pid in starter.stdout.readline().split()]
    assert len(pids) == 2 and all(psutil.pid_exists(pid) for pid in pids)
    time.sleep(2)
    starter.kill()
    starter.wait()
    assert all_end(pids)


def all_end(pids: list[int]) -> bool:
    """Whether none of them lives any more, at the latest in a minute."""
    deadline = time.time() + 60
    while time.time() < deadline and any(alive(pid) for pid in pids):
        time.sleep(0.2)
    return not any(alive(pid) for pid in pids)


def alive(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


@needs_jax
def test_a_wrong_run_ends_all_with_its_message(folder):
    settings.write_runs(folder, [settings.Run(name="x", **SMALL | {"batch": 3})])
    with pytest.raises(launch.ParallelError, match="can't be divided among 2"):
        launch.train(folder, 2, PATIENCE)


# --- the files that start it elsewhere ------------------------------------------------------------

bash = pytest.mark.skipif(not shutil.which("bash") or sys.platform == "win32", reason="no bash")
STAND_IN = """#!/usr/bin/env python3
# what the launchers call as python, with what it gets written down
import os, sys
names = ("RANK", "WORLD_SIZE", "COORDINATOR", "CUDA_VISIBLE_DEVICES")
if sys.argv[1] == "-c":
    print(4321)
else:
    with open(os.environ["SEEN"], "a") as seen:
        seen.write(" ".join([*(os.environ.get(n, "") for n in names), *sys.argv[1:]]) + "\\n")
    sys.exit(int(os.environ.get("FAILS") == os.environ["RANK"]))
"""
SRUN = """#!/usr/bin/env bash
# one after the other instead of at once
n=$SLURM_NTASKS
while [[ $1 == --* ]]; do [[ $1 == --ntasks=* ]] && n=${1#--ntasks=}; shift; done
for ((i = 0; i < n; i++)); do SLURM_PROCID=$i SLURM_LOCALID=$((i % 4)) "$@" || exit 1; done
"""


@pytest.fixture
def stand_ins(tmp_path):
    """A folder of programs, and the environment in which they are found first."""
    programs = tmp_path / "bin"
    programs.mkdir()
    for name, text in {
        "python": STAND_IN,
        "srun": SRUN,
        "scontrol": "#!/bin/sh\necho node7\necho node8\n",
        "nvidia-smi": "#!/bin/sh\necho GPU 0\necho GPU 1\necho GPU 2\n",
    }.items():
        (programs / name).write_text(text, encoding="utf-8")
        (programs / name).chmod(0o755)
    seen = tmp_path / "seen"
    seen.touch()
    path = f"{programs}{os.pathsep}{os.environ['PATH']}"
    return seen, os.environ | {"PATH": path, "SEEN": str(seen)}


def script(name, tmp_path):
    file = tmp_path / name
    file.write_text(launch.launcher(name), encoding="utf-8")
    return file


@bash
def test_the_box_starts_a_process_for_each_card(stand_ins, tmp_path):
    seen, env = stand_ins
    file = script("one_box.sh", tmp_path)
    subprocess.run(["bash", str(file), "runs"], env=env, check=True, timeout=60)
    lines = sorted(seen.read_text(encoding="utf-8").splitlines())
    assert lines == [
        f"{rank} 3 127.0.0.1:4321 {rank} -m unet_course.training.parallel.worker runs"
        for rank in range(3)
    ]
    failing = subprocess.run(["bash", str(file), "runs", "2"], env=env | {"FAILS": "1"}, timeout=60)
    assert failing.returncode == 1
    assert subprocess.run(["bash", str(file)], env=env, capture_output=True).returncode != 0


@bash
def test_slurm_numbers_the_processes_and_copies_the_patches_once_a_machine(stand_ins, tmp_path):
    seen, env = stand_ins
    folder, local = tmp_path / "runs", tmp_path / "local"
    folder.mkdir()
    (folder / "images.npy").write_bytes(b"x")
    file = script("slurm.sbatch", tmp_path)
    asked = dict(re.findall(r"^#SBATCH --([\w-]+)=(\S+)$", file.read_text(), re.MULTILINE))
    world = int(asked["nodes"]) * int(asked["ntasks-per-node"])
    assert asked["ntasks-per-node"] == asked["gpus-per-node"]
    slurm = {
        "SLURM_JOB_NODELIST": "node[7-8]",
        "SLURM_JOB_ID": "5",
        "SLURM_JOB_NUM_NODES": asked["nodes"],
        "SLURM_NTASKS": str(world),
        "SLURM_TMPDIR": str(local),
    }
    subprocess.run(["bash", str(file), str(folder)], env=env | slurm, check=True, timeout=60)
    lines = seen.read_text(encoding="utf-8").splitlines()
    assert len(lines) == world
    for rank, line in enumerate(lines):
        assert line.startswith(f"{rank} {world} node7:20005 {rank % 4} -m unet_course")
        assert line.endswith(f"{folder} --patches {local}/unet-course-5")
    assert (local / "unet-course-5" / "images.npy").exists()
    failing = subprocess.run(
        ["bash", str(file), str(folder)], env=env | slurm | {"FAILS": "3"}, timeout=60
    )
    assert failing.returncode == 1


@needs_jax
@bash
def test_the_box_trains_with_two_real_processes_and_leaves_none_behind(folder, tmp_path):
    """One is killed: the script ends the other and fails. Started again, both go on and end alike."""
    settings.write_runs(folder, [settings.Run(name="box", **SMALL | {"slow": (0.5, 0.5)})])
    file = script("one_box.sh", tmp_path)
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    fast = {  # compiled once and with few optimisations, as `launch` has it
        "JAX_COMPILATION_CACHE_DIR": str(folder / "compiled"),
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
        "XLA_FLAGS": "--xla_backend_optimization_level=1",
    }
    env = os.environ | fast | {"PATH": path, "JAX_PLATFORMS": "cpu"}
    command = ["bash", str(file), str(folder), "2"]
    with (tmp_path / "box.log").open("wb") as log:
        box = subprocess.Popen(command, env=env, stdout=log, stderr=log)
    try:
        deadline = time.time() + PATIENCE
        while not (folder / "box" / "state.json").exists():
            assert box.poll() is None and time.time() < deadline, (tmp_path / "box.log").read_text()
            time.sleep(0.05)
        pids = [child.pid for child in psutil.Process(box.pid).children()]
        assert len(pids) == 2
        os.kill(pids[1], signal.SIGKILL)
        assert box.wait(PATIENCE) != 0
    finally:
        box.terminate()
    assert all_end(pids)

    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=PATIENCE)
    assert done.returncode == 0, done.stderr[-2000:]
    assert all(f"process {rank} of 2: box, from epoch 2" in done.stdout for rank in (0, 1))
    first, second = settings.read_records(folder, "box")
    assert (first["world"], first["rank"], second["rank"]) == (2, 0, 1)
    assert first["checksum"] == second["checksum"] and first["loss"] == second["loss"]
    assert len(first["loss"]) == 2 and np.isfinite(first["loss"]).all()
    np.testing.assert_array_equal(weights(folder, "box", 0), weights(folder, "box", 1))


def shellcheck(text):
    """What ShellCheck finds in a script of bash; the empty string is nothing."""
    found = shutil.which("shellcheck", path=str(Path(sys.executable).parent))
    if not (found or shutil.which("shellcheck")):
        pytest.skip("ShellCheck isn't installed (the group `dev`)")
    # SC2016: what stands in single quotes is meant for the shells that srun starts
    command = [found or "shellcheck", "--shell=bash", "--exclude=SC2016", "-"]
    done = subprocess.run(command, input=text, capture_output=True, encoding="utf-8")
    assert done.stderr == ""
    return done.stdout


@pytest.mark.parametrize("name", ["one_box.sh", "slurm.sbatch"])
def test_shellcheck_finds_nothing(name):
    text = launch.launcher(name)
    assert shellcheck(text) == ""
    assert "SC2086" in shellcheck(text + "\ncp $folder somewhere\n")


def test_the_job_has_the_fields_that_kubernetes_knows():
    service, job = yaml.safe_load_all(launch.launcher("job.yaml"))
    jsonschema.validate(service, kubernetes_files.SERVICE)
    jsonschema.validate(job, kubernetes_files.JOB)


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (("spec", "paralelism"), 4),
        (("spec", "completions"), "4"),
        (("spec", "template", "spec", "restartPolicy"), "Always"),
        (("spec", "template", "spec", "containers", 0, "env", 0, "value"), 4),
        (("spec", "template", "spec", "containers", 0, "ports", 0, "containerPort"), 70000),
        (("spec", "template", "spec", "containers", 0, "resources", "limits", "memory"), "16 GB"),
        (("spec", "template", "spec", "containers", 0, "image"), None),
        (("apiVersion",), "v1"),
    ],
)
def test_a_job_with_a_usual_slip_is_refused(place, value):
    job = list(yaml.safe_load_all(launch.launcher("job.yaml")))[1]
    wrong = copy.deepcopy(job)
    holder = wrong
    for step in place[:-1]:
        holder = holder[step]
    holder[place[-1]] = value
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(wrong, kubernetes_files.JOB)


def test_the_job_starts_as_many_pods_as_wait_for_each_other():
    service, job = yaml.safe_load_all(launch.launcher("job.yaml"))
    assert (service["apiVersion"], service["kind"]) == ("v1", "Service")
    assert (job["apiVersion"], job["kind"]) == ("batch/v1", "Job")
    spec, name = job["spec"], job["metadata"]["name"]
    assert spec["completionMode"] == "Indexed"
    assert spec["completions"] == spec["parallelism"]
    pod = spec["template"]["spec"]
    (container,) = pod["containers"]
    variables = {one["name"]: one["value"] for one in container["env"]}
    assert variables["WORLD_SIZE"] == str(spec["completions"])
    # pod 0's name in the service, and the port at which process 0 listens
    host, _, port = variables["COORDINATOR"].partition(":")
    assert (
        host == f"{name}-0.{pod['subdomain']}" and pod["subdomain"] == service["metadata"]["name"]
    )
    assert service["spec"]["clusterIP"] == "None"
    assert service["spec"]["selector"] == {"batch.kubernetes.io/job-name": name}
    (opened,) = container["ports"]
    assert {int(port)} == {opened["containerPort"], service["spec"]["ports"][0]["port"]}
    (argument,) = container["args"]
    assert "RANK=$JOB_COMPLETION_INDEX" in argument
    (mount,) = container["volumeMounts"]
    assert argument.endswith(f"unet_course.training.parallel.worker {mount['mountPath']}")
    assert [volume["name"] for volume in pod["volumes"]] == [mount["name"]]
