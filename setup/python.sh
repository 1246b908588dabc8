#!/usr/bin/env bash
# Makes the Python environment $CACHE/venv. With the word `clients`, installs the gRPC client that the
# tests drive the server with, zstd, with which they read exports, the library of CloudEvents, and Confluent's
# serializers; without it, only pip is there.
set -euo pipefail
cd "$(dirname "$0")"

venv=${CACHE:?}/venv

if ! "$venv/bin/python" -m pip --version >/dev/null 2>&1; then
  echo "==> Python environment: $venv"
  python3 -m venv --clear "$venv"
fi
[ "${1:-}" = clients ] || exit 0
if cmp -s python-requirements.txt "$venv/installed.txt"; then
  echo '==> Python clients: here'
else
  echo '==> Python clients: pip install'
  "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --only-binary :all: -r python-requirements.txt
  cp python-requirements.txt "$venv/installed.txt"
fi
