// events.js DESCRIPTORS EVENTS: writes each event, base64 of its bytes on a line, as JSON in two styles.
const { readFileSync } = require("node:fs");
const { createFileRegistry, fromBinary, toJsonString } = require("@bufbuild/protobuf");
const { FileDescriptorSetSchema } = require("@bufbuild/protobuf/wkt");

const [descriptors, events] = process.argv.slice(2);
const registry = createFileRegistry(fromBinary(FileDescriptorSetSchema, readFileSync(descriptors)));
const schema = registry.getMessage("ledger.v1.Event");
for (const line of readFileSync(events, "utf8").trim().split("\n")) {
  const event = fromBinary(schema, Buffer.from(line, "base64"));
  console.log(toJsonString(schema, event));
  console.log(toJsonString(schema, event, { useProtoFieldName: true, enumAsInteger: true, alwaysEmitImplicit: true }));
}
