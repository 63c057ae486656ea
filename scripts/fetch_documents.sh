#!/bin/sh
# Fetch real documents for tests and benchmarks from Debian packages into .cache/documents/ (not kept in git).
# Needs apt-get and dpkg (Debian, Ubuntu); installs nothing. A package that cannot be had is named and skipped.
set -u

packages="${*:-debian-handbook python3.11-doc debian-reference-de debian-reference-fr debian-reference-ja
live-manual-epub r-doc-pdf c++-annotations-pdf packaging-tutorial postgresql-doc-15}"
target="$(cd "$(dirname "$0")/.." && pwd)/.cache/documents"
mkdir -p "$target"
cd "$target" || exit 1

missing=""
for package in $packages; do
    if [ -d "$package" ]; then
        echo "have    $package"
        continue
    fi
    # A new machine has no lists of packages yet; only root may fetch them.
    if [ -z "${listed:-}" ] && [ "$(id -u)" -eq 0 ] && ! apt-cache show "$package" >/dev/null 2>&1; then
        apt-get update -qq >/dev/null 2>&1 </dev/null
        listed=yes
    fi
    work="$(mktemp -d "$target/.fetch.XXXXXX")"
    # apt's own sandbox user cannot write to a private folder; as root it falls back to root with a notice.
    if (cd "$work" && apt-get download -q "$package" >log 2>&1) && dpkg -x "$work"/*.deb "$work/tree" >>"$work/log" 2>&1; then
        # What is of use lies below usr/share; some manuals are packed once more.
        find "$work/tree" \( -name '*.pdf.gz' -o -name '*.html.gz' -o -name '*.txt.gz' \) -exec gunzip -f {} +
        mv "$work/tree" "$package"
        echo "fetched $package"
    else
        tail -n 1 "$work/log" >&2
        missing="$missing $package"
    fi
    rm -rf "$work"
done

if [ -n "$missing" ]; then
    echo "not available:$missing (try 'apt-get update', or another release's package names)" >&2
    exit 1
fi
