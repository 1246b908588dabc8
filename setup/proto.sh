#!/usr/bin/env bash
# Lints proto/, checks how it is written, and compares it with the last release, by its git tag: what clients
# have may not break. buf.yaml has the rules.
set -euo pipefail
cd "$(dirname "$0")/.."

buf=${LEDGER_NODE_MODULES:?}/.bin/buf

echo '==> proto: buf lint'
"$buf" lint
echo '==> proto: buf format'
"$buf" format --diff --exit-code || { echo 'error: `make fmt` writes it so' >&2; exit 1; }

# A tree without its history, as an archive has, knows no release.
if ! tag=$(git describe --tags --abbrev=0 2>/dev/null); then
  echo '==> proto: buf breaking: no release is tagged here, so there is nothing to compare with'
  exit 0
fi
echo "==> proto: buf breaking, against $tag"
before=$(mktemp -d)
trap 'rm -rf "$before"' EXIT
git archive "$tag" proto buf.yaml | tar -x -C "$before"
"$buf" breaking --against "$before"
