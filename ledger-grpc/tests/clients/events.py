"""events.py DESCRIPTORS EVENTS: writes each event, base64 of its bytes on a line, as JSON in two styles."""

import base64
import sys

from google.protobuf import descriptor_pb2, descriptor_pool, json_format, message_factory

descriptors, events = sys.argv[1:]
files = descriptor_pb2.FileDescriptorSet.FromString(open(descriptors, "rb").read())
pool = descriptor_pool.DescriptorPool()
for file in files.file:
    pool.Add(file)
Event = message_factory.GetMessageClass(pool.FindMessageTypeByName("ledger.v1.Event"))

for line in open(events):
    event = Event.FromString(base64.b64decode(line))
    print(json_format.MessageToJson(event, indent=None))
    print(
        json_format.MessageToJson(
            event,
            indent=None,
            preserving_proto_field_name=True,
            use_integers_for_enums=True,
            always_print_fields_with_no_presence=True,
        )
    )
