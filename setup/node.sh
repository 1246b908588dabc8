#!/usr/bin/env bash
# Installs the Node.js gRPC client that the tests drive the server with, what writes protobuf messages as JSON and
# CloudEvents, and buf, into $CACHE/node.
set -euo pipefail
cd "$(dirname "$0")/node"

node=${CACHE:?}/node

if cmp -s package-lock.json "$node/installed.json"; then
  echo '==> Node.js clients and buf: here'
else
  echo '==> Node.js clients and buf: npm ci'
  mkdir -p "$node"
  cp package.json package-lock.json "$node"
  (cd "$node" && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error)
  cp package-lock.json "$node/installed.json"
fi
