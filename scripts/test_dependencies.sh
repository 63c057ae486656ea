#!/usr/bin/env bash
# Installs what tests need beyond Python, where that is possible, and says what will be skipped where it is not.
# Postgres comes as a wheel; only a browser does not.
set -euo pipefail

for browser in chromium chromium-browser google-chrome google-chrome-stable; do
    if command -v "$browser" >/dev/null; then
        exit 0
    fi
done

skipped() {
    echo "No Chromium: the browser tests will be skipped ($1)." >&2
    exit 0
}

command -v apt-get >/dev/null || skipped "there is no apt-get here; install Chromium yourself"
[ "$(id -u)" -eq 0 ] || skipped "only root may install it: sudo apt-get install chromium"

echo "Installing Chromium for the browser tests"
log=$(mktemp)
export DEBIAN_FRONTEND=noninteractive
if ! { apt-get update -qq && apt-get install -qq --yes --no-install-recommends chromium; } </dev/null >"$log" 2>&1; then
    reason=$(tail -n 1 "$log")
    rm -f "$log"
    skipped "apt-get failed: $reason"
fi
rm -f "$log"
command -v chromium >/dev/null || skipped "the package chromium installs no program of that name"
