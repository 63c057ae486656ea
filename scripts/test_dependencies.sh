#!/usr/bin/env bash
# Installs what tests need beyond Python, where that is possible, and says what will be skipped where it is not.
# The Postgres of most tests comes as a wheel; a browser does not, nor a Postgres without pgvector.
set -euo pipefail

have_browser() {
    local browser
    for browser in chromium chromium-browser google-chrome google-chrome-stable; do
        command -v "$browser" >/dev/null && return 0
    done
    return 1
}

have_plain_postgres() {
    local version
    for version in 15 16 17 18 19; do
        [ -x "/usr/lib/postgresql/$version/bin/postgres" ] &&
            [ ! -e "/usr/share/postgresql/$version/extension/vector.control" ] && return 0
    done
    return 1
}

# Installs the first of the packages that can be had; $1 says what for, $2 how to tell that it is there.
need() {
    local what=$1 have=$2 package log
    shift 2
    "$have" && return 0
    if ! command -v apt-get >/dev/null; then
        echo "No $what here: its tests will be skipped (there is no apt-get; install $1 yourself)." >&2
        return 0
    fi
    if [ "$(id -u)" -ne 0 ]; then
        echo "No $what here: its tests will be skipped (only root may install it: sudo apt-get install $1)." >&2
        return 0
    fi
    echo "Installing a $what for the tests"
    log=$(mktemp)
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -qq </dev/null >"$log" 2>&1 || true
    for package in "$@"; do
        if apt-get install -qq --yes --no-install-recommends "$package" </dev/null >"$log" 2>&1 && "$have"; then
            rm -f "$log"
            return 0
        fi
    done
    echo "No $what here: its tests will be skipped (apt-get failed: $(tail -n 1 "$log"))." >&2
    rm -f "$log"
}

need browser have_browser chromium
if ! have_plain_postgres && [ "$(id -u)" -eq 0 ] && [ ! -e /etc/postgresql-common/createcluster.conf ]; then
    # The tests start a server of their own; Debian's package would make and start another one.
    mkdir -p /etc/postgresql-common
    echo 'create_main_cluster = false' >/etc/postgresql-common/createcluster.conf
fi
need "Postgres without pgvector" have_plain_postgres postgresql-15 postgresql
