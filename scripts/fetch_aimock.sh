#!/usr/bin/env bash
# Fetches aimock, a simulator of language models that was not written here, into .cache/aimock, once (needs npm).
# It installs a program `llmock`, too; that of Python's llmock is another one, so neither goes on the PATH.
set -euo pipefail
cd "$(dirname "$0")/.."

version=1.43.0
home=.cache/aimock
if [ "$(node -p "require('./$home/node_modules/@copilotkit/aimock/package.json').version" 2>/dev/null)" = "$version" ]; then
    exit
fi
rm -rf "$home"
mkdir -p "$home"
npm install --prefix "$home" --no-audit --no-fund --no-package-lock --ignore-scripts --silent "@copilotkit/aimock@$version"
