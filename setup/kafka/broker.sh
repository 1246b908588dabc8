#!/usr/bin/env bash
# broker.sh DIR PORT: one Kafka broker that is its own controller (KRaft), with its data in DIR and its
# listener on 127.0.0.1:PORT. Formats DIR if it is new. Becomes the broker: to end it, end this process.
set -euo pipefail

dir=${1:?usage: broker.sh DIR PORT} port=${2:?usage: broker.sh DIR PORT}
lib=${LEDGER_KAFKA:-${CACHE:-$HOME/.cache/points-ledger}/kafka}/lib
mkdir -p "$dir"
cd "$dir"

# The controller's port is drawn once: it is in the quorum that the first start writes down.
if [ ! -f broker.properties ]; then
  controller=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
  cat >broker.properties <<PROPERTIES
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:$controller
listeners=PLAINTEXT://127.0.0.1:$port,CONTROLLER://127.0.0.1:$controller
advertised.listeners=PLAINTEXT://127.0.0.1:$port
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAINTEXT
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT
log.dirs=$dir/log
auto.create.topics.enable=false
delete.topic.enable=true
num.network.threads=1
num.io.threads=2
offsets.topic.replication.factor=1
offsets.topic.num.partitions=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.replication.factor=1
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000
log.retention.hours=-1
log.retention.check.interval.ms=1000
log.initial.task.delay.ms=1000
log.cleaner.enable=false
PROPERTIES
fi
java=(java -Xms128m -Xmx"${LEDGER_KAFKA_HEAP:-512m}" -XX:+UseSerialGC
  -Dorg.slf4j.simpleLogger.defaultLogLevel=warn -Dorg.slf4j.simpleLogger.showDateTime=true -cp "$lib/*")
if [ ! -d log ]; then
  "${java[@]}" kafka.tools.StorageTool format -t pOINTSlEDGERkAFKAtESTg -c broker.properties
fi
exec "${java[@]}" kafka.Kafka broker.properties
