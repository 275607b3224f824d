#!/usr/bin/env bash
# One machine with several graphics cards: one process a card.
#     bash one_box.sh FOLDER [PROCESSES]
# FOLDER holds the patches and the runs. Without PROCESSES there is one for each card that nvidia-smi lists.
set -euo pipefail

folder=${1:?"say which folder: bash one_box.sh FOLDER [PROCESSES]"}
world=${2:-$(nvidia-smi --list-gpus | wc -l)}
port=$(python -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')

# whatever happens, and Ctrl-C as well, no process stays behind
trap 'kill -KILL $(jobs -p) 2>/dev/null || true' EXIT

for ((rank = 0; rank < world; rank++)); do
  # each process sees its own card only
  CUDA_VISIBLE_DEVICES=$rank RANK=$rank WORLD_SIZE=$world COORDINATOR=127.0.0.1:$port \
    python -m unet_course.training.parallel.worker "$folder" &
done

# the first that fails ends the others: they would wait for it
for ((done = 0; done < world; done++)); do
  wait -n
done
