#!/usr/bin/env bash
# Puts Go's protobuf, at the version that the client's go.mod pins, into $CACHE/go, and compiles what the client needs.
set -euo pipefail
cd "$(dirname "$0")/../ledger-grpc/tests/clients/go"

go=${CACHE:?}/go
# The toolchain that is here, whatever a newer module would like.
export GOMODCACHE=$go/mod GOCACHE=$go/build GOFLAGS='-mod=readonly -modcacherw' GOTOOLCHAIN=local

if cmp -s go.sum "$go/installed.sum"; then
  echo '==> protobuf for Go: here'
else
  echo '==> protobuf for Go: go build'
  mkdir -p "$go"
  go build -o "$go/json" .
  cp go.sum "$go/installed.sum"
fi
