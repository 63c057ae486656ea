#!/usr/bin/env bash
# Installs what tests need beyond Python, where that is possible, and says what will be skipped where it is not.
# Postgres, Valkey and Deno come as wheels; a browser, PgBouncer, pg_cron and Next.js do not.
set -euo pipefail

PATH=$PATH:/usr/sbin
fetched=

# need PACKAGE WHAT PROGRAM…: install a package unless one of the programs (or files) is there
need() {
    local package=$1 what=$2 program
    shift 2
    for program in "$@"; do
        if command -v "$program" >/dev/null || [ -e "$program" ]; then
            return
        fi
    done
    if ! command -v apt-get >/dev/null; then
        skipped "$what" "there is no apt-get here; install $package yourself"
    elif [ "$(id -u)" -ne 0 ]; then
        skipped "$what" "only root may install it: sudo apt-get install $package"
    else
        install "$package" "$what"
    fi
}

install() {
    echo "Installing $1 for $2"
    local log
    log=$(mktemp)
    export DEBIAN_FRONTEND=noninteractive
    if [ -z "$fetched" ]; then
        apt-get update -qq </dev/null >"$log" 2>&1 || true
        fetched=yes
    fi
    if ! apt-get install -qq --yes --no-install-recommends "$1" </dev/null >>"$log" 2>&1; then
        skipped "$2" "apt-get failed: $(tail -n 1 "$log")"
    fi
    rm -f "$log"
}

# need_postgres: a server of the system's, of which the tests run clusters of their own; none is started by the system
need_postgres() {
    local what="the tests with a plain Postgres" settings=/etc/postgresql-common/createcluster.conf
    if [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null && [ ! -e "$settings" ] && [ ! -d /usr/lib/postgresql ]; then
        install postgresql-common "$what"
        if [ -e "$settings" ]; then
            cp "$settings" "$settings.kept"
            echo "create_main_cluster = false" >>"$settings"
            install postgresql "$what"
            mv "$settings.kept" "$settings"
        fi
    else
        need postgresql "$what" /usr/lib/postgresql
    fi
}

skipped() {
    echo "$1 will be skipped: $2." >&2
}

need chromium "the browser tests" chromium chromium-browser google-chrome google-chrome-stable
need pgbouncer "the tests through PgBouncer" pgbouncer
need faketime "the tests of clocks that are off" faketime
need_postgres
for server in /usr/lib/postgresql/*/bin/postgres; do
    version=${server#/usr/lib/postgresql/}
    version=${version%%/*}
    if [ -x "$server" ] && [ "$version" -ge 15 ]; then
        need "postgresql-$version-cron" "the test with pg_cron" "/usr/share/postgresql/$version/extension/pg_cron.control"
        break
    fi
done

if [ ! -x .cache/next/node_modules/.bin/next ]; then
    if ! command -v npm >/dev/null; then
        skipped "the tests with Next.js" "there is no npm here; install Node.js yourself"
    else
        echo "Fetching Next.js for the tests of its rewrites"
        log=$(mktemp)
        scripts/fetch_next.sh >"$log" 2>&1 || skipped "the tests with Next.js" "npm failed: $(tail -n 1 "$log")"
        rm -f "$log"
    fi
fi
need prometheus "the tests of the alert rules" promtool
if ! command -v npm >/dev/null; then
    skipped "the tests against aimock" "there is no npm here; install Node.js yourself"
elif ! scripts/fetch_aimock.sh; then
    skipped "the tests against aimock" "npm cannot fetch it"
fi
