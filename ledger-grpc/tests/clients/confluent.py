"""confluent.py DESCRIPTORS EVENTS: writes each event, base64 of its bytes on a line, as Confluent's serializers do,
with a schema registry in memory."""

import base64
import json
import sys

from confluent_kafka.schema_registry import SchemaRegistryClient, header_schema_id_serializer
from confluent_kafka.schema_registry.json_schema import JSONSerializer
from confluent_kafka.schema_registry.protobuf import ProtobufSerializer
from confluent_kafka.serialization import MessageField, SerializationContext
from google.protobuf import descriptor_pb2, descriptor_pool, json_format, message_factory

descriptors, events = sys.argv[1:]
files = descriptor_pb2.FileDescriptorSet.FromString(open(descriptors, "rb").read())
pool = descriptor_pool.DescriptorPool()
for file in files.file:
    pool.Add(file)
Event = message_factory.GetMessageClass(pool.FindMessageTypeByName("ledger.v1.Event"))
registry = SchemaRegistryClient.new_client({"url": "mock://"})
schema = json.dumps({"$schema": "http://json-schema.org/draft-07/schema#", "title": "Event", "type": "object"})
protobuf = ProtobufSerializer(Event, registry, {"use.deprecated.format": False})
in_header = ProtobufSerializer(
    Event, registry, {"use.deprecated.format": False, "schema.id.serializer": header_schema_id_serializer}
)
as_json = JSONSerializer(schema, registry, lambda event, _: json.loads(json_format.MessageToJson(event)))


def tell(what, topic, serializer, event):
    context = SerializationContext(topic, MessageField.VALUE, {} if "header" in what else None)
    value = serializer(event, context)
    headers = {name: base64.b64encode(value).decode() for name, value in (context.headers or {}).items()}
    print(json.dumps({"what": what, "headers": headers, "value": base64.b64encode(value).decode()}))


for line in open(events):
    event = Event.FromString(base64.b64decode(line))
    tell("protobuf", "events", protobuf, event)
    tell("protobuf, id in a header", "headed", in_header, event)
    tell("json", "shown", as_json, event)
