#!/usr/bin/env bash
# demo-kafka.sh LEDGERD CSV: real purchases through a real Kafka into a ledger that is killed on the way,
# and the proof that nothing came of it that an import of the same file would not have come to.
set -euo pipefail
cd "$(dirname "$0")/.."

ledgerd=${1:?usage: demo-kafka.sh LEDGERD CSV} csv=${2:?usage: demo-kafka.sh LEDGERD CSV}
lib=${CACHE:?}/kafka/lib
dir=$(mktemp -d)
broker='' server=''

finish() {
  if [ -n "$server" ]; then kill -9 "$server" 2>/dev/null || true; fi
  if [ -n "$broker" ]; then kill -9 "$broker" 2>/dev/null || true; fi
  wait 2>/dev/null || true
  rm -rf "$dir"
}
trap finish EXIT

say() { printf '\n==> %s\n' "$*"; }
kafka() { java -Xmx256m -Dorg.slf4j.simpleLogger.defaultLogLevel=error -cp "$lib/*" "org.apache.kafka.tools.$@"; }
free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }
# watch RECORDS [PID]: shows how the ledger gets on until it has so many, and then kills it with -9.
watch() {
  python3 - "$metrics" "$@" <<'PYTHON'
import os, sys, urllib.request

def figures():
    told = urllib.request.urlopen(f"http://{sys.argv[1]}/metrics").read().decode()
    pairs = (line.rpartition(" ") for line in told.splitlines() if not line.startswith("#"))
    return {name: float(value) for name, _, value in pairs}

wanted, shown = int(sys.argv[2]), 0
while (now := figures())["ledger_position"] < wanted:
    if now["ledger_position"] >= shown + wanted / 5:
        shown = now["ledger_position"]
        print(f"record {shown:.0f} of {wanted}", flush=True)
if len(sys.argv) > 3:
    os.kill(int(sys.argv[3]), 9)
    print(f"killed, seen last at record {now['ledger_position']:.0f}")
else:
    again, dead = now["ledger_kafka_duplicates_total"], now["ledger_kafka_dead_letters_total"]
    print(f"record {now['ledger_position']:.0f}; {again:.0f} events came again, {dead:.0f} dead letters")
PYTHON
}
# verify WHICH: folds its whole log again and compares; keeps what that says.
verify() {
  "$ledgerd" verify --json --data "$dir/$1" >"$dir/$1.json"
  python3 - "$1" "$dir/$1.json" <<'PYTHON'
import json, sys
told = json.load(open(sys.argv[2]))
print(f"{sys.argv[1]:9} {told['records']} records, {told['members']} members, agrees: {told['agrees']}")
print(f"          root of the log     {told['root']}\n          digest of the state {told['digest']}")
PYTHON
}
start() {
  "$ledgerd" serve --data "$dir/kafka" --program programs/music.toml --time events --secret-file "$dir/secret" \
    --salts-file "$dir/salts" --listen 127.0.0.1:0 --metrics 127.0.0.1:0 --kafka "$dir/kafka.toml" >"$dir/said" 2>>"$dir/ledgerd.log" &
  server=$!
  until grep -q '^listening on' "$dir/said"; do
    kill -0 "$server" 2>/dev/null || { tail -5 "$dir/ledgerd.log" >&2; exit 1; }
  done
  metrics=$(sed -n 's/^metrics on //p' "$dir/said")
}

head -c 32 /dev/urandom >"$dir/secret"
head -c 16 /dev/urandom >"$dir/salts"
say "the ledger as an import makes it: $csv"
"$ledgerd" import "$csv" --data "$dir/embedded" --program programs/music.toml --time events --secret-file "$dir/secret" \
  --salts-file "$dir/salts"
verify embedded
# Purchases, the program, and what became due in the meantime.
records=$(sed -E 's/.*"records":([0-9]+).*/\1/' "$dir/embedded.json")

say "a broker: Apache Kafka $(basename "$lib"/kafka-clients-*.jar .jar | sed 's/.*-//'), KRaft, in $dir"
port=$(free_port)
setup/kafka/broker.sh "$dir/broker" "$port" >"$dir/broker.log" 2>&1 &
broker=$!
# One partition: then the order is that of the file, and every byte of the state must be the same.
for topic in purchases dead-letters; do
  kafka TopicCommand --bootstrap-server "127.0.0.1:$port" --create --topic "$topic" --partitions 1
done

say "the purchases in JSON, by the console producer of Apache Kafka"
awk -F, 'NR == 1 { for (n = 1; n <= NF; n++) at[$n] = n; next }
  { sub(/\r$/, "")
    printf "%s|{\"source\":\"import\",\"id\":\"%s\",\"occurred_at\":\"%s\",\"member\":\"%s\",\"purchase\":" \
    "{\"order\":\"%s\",\"currency\":\"USD\",\"lines\":[{\"net\":%s}]}}\n", $at["member_id"], $at["order_id"],
    $at["timestamp"], $at["member_id"], $at["order_id"], $at["amount_minor_units"] }' "$csv" |
  kafka ConsoleProducer --bootstrap-server "127.0.0.1:$port" --topic purchases \
    --reader-property parse.key=true --reader-property 'key.separator=|'

cat >"$dir/kafka.toml" <<TOML
brokers = "127.0.0.1:$port"
group = "demo"
instance = "demo"
dead_letters = "dead-letters"
[[topic]]
name = "purchases"
format = "json"
TOML

say 'ledgerd serve --kafka, killed with -9 on the way'
start
watch $((records / 10)) "$server"
{ wait "$server" || true; } 2>/dev/null

say 'started again: it goes on behind its last durable record'
start
grep -o 'the ledger is open.*' "$dir/ledgerd.log" | tail -1
watch "$records"
kill "$server"
wait "$server"
server=''

say 'ledgerd verify, on what came through Kafka'
verify kafka
cmp "$dir/embedded.json" "$dir/kafka.json"
echo 'equal, to the last byte: every record, every balance, every lot'
