#!/usr/bin/env bash
# Puts Apache Kafka, at the version that kafka/pom.xml pins, into $CACHE/kafka/lib.
set -euo pipefail
cd "$(dirname "$0")/kafka"

kafka=${CACHE:?}/kafka
version=$(sed -n 's/.*<kafka.version>\(.*\)<.*/\1/p' pom.xml)

if cmp -s pom.xml "$kafka/installed.xml"; then
  echo "==> Apache Kafka $version: here"
else
  echo "==> Apache Kafka $version: mvn dependency:copy-dependencies"
  rm -rf "$kafka"
  mkdir -p "$kafka"
  mvn --quiet --batch-mode --no-transfer-progress -f pom.xml \
    org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies \
    -DincludeScope=runtime -DoutputDirectory="$kafka/lib"
  cp pom.xml "$kafka/installed.xml"
fi
