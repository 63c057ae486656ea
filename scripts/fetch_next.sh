#!/usr/bin/env bash
# Fetches Next.js into .cache/next (ignored by git), for the test of the rewrites in docs/deploy.md. Needs npm.
set -euo pipefail
cd "$(dirname "$0")/.."
folder=.cache/next
mkdir -p "$folder"
if [ ! -x "$folder/node_modules/.bin/next" ]; then
    npm install --prefix "$folder" --no-audit --no-fund --loglevel=error next@16 react@19 react-dom@19 </dev/null
fi
