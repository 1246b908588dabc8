"""cloud.py EVENTS: writes each event, described on a line, as messages of Kafka, by the official library in both of its
versions."""

import base64
import json
import sys
from datetime import datetime

from cloudevents.core.bindings import kafka
from cloudevents.core.v1.event import CloudEvent
from cloudevents.v1 import kafka as kafka_before
from cloudevents.v1.http import CloudEvent as CloudEventBefore


def tell(what, event, message):
    headers = {name: value.decode() for name, value in message.headers.items()}
    value = base64.b64encode(message.value).decode()
    print(json.dumps({"what": what, "ids": [event["id"]], "headers": headers, "value": value}))


for line in open(sys.argv[1]):
    event = json.loads(line)
    data, extensions = event.pop("data", None), event.pop("extensions")
    attributes = {**event, **extensions}
    in_time = {**attributes, "time": datetime.fromisoformat(event["time"])}
    cloud = CloudEvent(in_time, data)
    tell("structured", event, kafka.to_structured_event(cloud))
    tell("binary", event, kafka.to_binary_event(cloud))
    if data is not None:
        in_bytes = CloudEvent(in_time, json.dumps(data).encode())
        tell("structured, data in bytes", event, kafka.to_structured_event(in_bytes))
        tell("binary, data in bytes", event, kafka.to_binary_event(in_bytes))
    before = CloudEventBefore(attributes, {} if data is None else data)
    tell("structured, version 1", event, kafka_before.to_structured(before))
    # Its first version wants to know what the data is.
    if data is not None:
        tell("binary, version 1", event, kafka_before.to_binary(before))
