// cloud.js EVENTS: writes each event, described on a line, as messages of Kafka, and all together as a batch.
const { readFileSync } = require("node:fs");
const { CloudEvent, Kafka } = require("cloudevents");

function tell(what, ids, headers, value) {
  // A client of Kafka leaves out what is not there.
  const sent = Object.fromEntries(Object.entries(headers).filter(([, value]) => value !== undefined));
  const base64 = value === undefined ? null : Buffer.from(value).toString("base64");
  console.log(JSON.stringify({ what, ids, headers: sent, value: base64 }));
}

const all = [];
for (const line of readFileSync(process.argv[2], "utf8").trim().split("\n")) {
  const { data, extensions, ...attributes } = JSON.parse(line);
  const event = new CloudEvent({ ...attributes, ...extensions, data });
  all.push(event);
  const structured = Kafka.structured(event);
  tell("structured", [event.id], structured.headers, structured.value);
  const binary = Kafka.binary(event);
  tell("binary", [event.id], binary.headers, data && JSON.stringify(binary.value));
  if (data) {
    const bytes = new Uint8Array(Buffer.from(JSON.stringify(data)));
    const inBytes = new CloudEvent({ ...attributes, ...extensions, data: bytes });
    const message = Kafka.structured(inBytes);
    tell("structured, data in bytes", [event.id], message.headers, message.value);
  }
}
tell("batch", all.map(({ id }) => id), { "content-type": "application/cloudevents-batch+json" }, JSON.stringify(all));
