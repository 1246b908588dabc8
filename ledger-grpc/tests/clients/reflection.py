"""reflection.py ADDRESS PROGRAM: a caller who has nothing but the address, and a program file to publish.

Everything else is learned from the server by reflection: services, messages, and the details that errors
carry. There is no generated code. What was said and answered goes to stdout, a line each.
"""

import sys

import grpc
from google.protobuf import descriptor_pool, message_factory
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase

SECONDS = 30
NOON = 1_772_366_400  # 1 March 2026
DAY = 86_400


class Api:
    """The messages and services of a server, by reflection."""

    def __init__(self, channel):
        self.channel = channel
        self.database = ProtoReflectionDescriptorDatabase(channel)
        self.pool = descriptor_pool.DescriptorPool(self.database)

    def message(self, name):
        return message_factory.GetMessageClass(self.pool.FindMessageTypeByName(name))

    def call(self, service, method, /, **fields):
        found = self.pool.FindServiceByName(service).FindMethodByName(method)
        assert not found.client_streaming
        kind = self.channel.unary_stream if found.server_streaming else self.channel.unary_unary
        request = message_factory.GetMessageClass(found.input_type)
        answer = message_factory.GetMessageClass(found.output_type)
        send = kind(
            f"/{service}/{method}",
            request_serializer=request.SerializeToString,
            response_deserializer=answer.FromString,
        )
        return send(request(**fields), timeout=SECONDS)

    def details(self, error):
        """The details of a failed call, by the names of their types."""
        packed = dict(error.trailing_metadata())["grpc-status-details-bin"]
        status = self.message("google.rpc.Status").FromString(packed)
        assert (status.code, status.message) == (error.code().value[0], error.details())
        details = {}
        for detail in status.details:
            name = detail.type_url.rpartition("/")[2]
            details[name] = self.message(name).FromString(detail.value)
        return details


def enum_name(message, field):
    return message.DESCRIPTOR.fields_by_name[field].enum_type.values_by_number[getattr(message, field)].name


def event(n, day, member="anna", **body):
    occurred_at = {"seconds": NOON + day * DAY}
    return {"source": "till", "id": f"e-{n}", "occurred_at": occurred_at, "member": member, **body}


def purchase(order, *nets):
    lines = [{"sku": "cup", "quantity": 1, "net": net} for net in nets]
    return {"order": order, "currency": "EUR", "lines": lines}


def show(outcome):
    again = "again " if outcome.duplicate else ""
    if outcome.WhichOneof("result") == "refused":
        no = outcome.refused
        later = "perhaps later" if no.retry_may_succeed else "never"
        return f"{again}refused {no.reason}, {later}, available {no.available}\n  {no.message}"
    yes = outcome.accepted
    rules = " ".join(f"{one.rule}:{one.granted}:{enum_name(one, 'adjustment')}" for one in yes.trace)
    return f"{again}accepted at {outcome.position}, earned {sum(one.points for one in yes.earned)}, available {yes.available} [{rules}]"


def show_error(api, error):
    details = api.details(error)
    info = details["google.rpc.ErrorInfo"]
    lines = [f"{error.code().name} {info.domain} {info.reason} {info.metadata['applied']}"]
    if "google.rpc.BadRequest" in details:
        violations = details["google.rpc.BadRequest"].field_violations
        lines += [f"  {violation.field}: {violation.description}" for violation in violations]
    return "\n".join(lines)


def main():
    address, program = sys.argv[1:]
    # If the environment names a proxy, it is none for loopback.
    channel = grpc.insecure_channel(address, options=[("grpc.enable_http_proxy", 0)])
    api = Api(channel)

    def said(**fields):
        return api.call("ledger.v1.EventService", "Submit", event=fields)

    def submit(**fields):
        return said(**fields).outcome

    def member(**fields):
        return api.call("ledger.v1.MemberService", "GetMember", member="anna", **fields)

    for service in sorted(api.database.get_services()):
        methods = [method.name for method in api.pool.FindServiceByName(service).methods]
        print(f"{service}: {' '.join(methods)}")
    for service in ["", "ledger.v1.EventService", "ledger.v1.AuditService"]:
        health = api.call("grpc.health.v1.Health", "Check", service=service)
        print(f"health of {service or 'the server'}: {enum_name(health, 'status')}")

    print(f"too early: {show(submit(**event(0, 0, enrolled={})))}")
    with open(program, encoding="utf-8") as file:
        text = file.read()
    publication = {"source": "office", "id": "p-1", "occurred_at": {"seconds": NOON}}
    try:
        broken = text.replace("fixed = 20", "fixed = -20")
        api.call("ledger.v1.ProgramService", "PublishProgram", text=broken, **publication)
    except grpc.RpcError as error:
        print(f"broken program: {show_error(api, error)}")
    published = api.call("ledger.v1.ProgramService", "PublishProgram", text=text, **publication)
    print(f"program: version {published.version}, {show(published.outcome)}")

    print(f"enrol: {show(submit(**event(1, 1, device='d1', enrolled={'birthday': {'month': 7, 'day': 4}})))}")
    bought = event(2, 2, purchase=purchase("o-1", 700, 350))
    answer = said(**bought)
    outcome = answer.outcome
    print(f"purchase: {show(outcome)}")
    print(f"the same: {show(submit(**bought))}")
    print(f"redeem: {show(submit(**event(3, 3, redeem={'points': 15})))}")
    print(f"redeem too much: {show(submit(**event(4, 3, redeem={'points': 100})))}")
    print(f"the id again: {show(submit(**event(3, 3, redeem={'points': 16})))}")
    print(f"birthday: {show(submit(**event(5, 125, purchase=purchase('o-2', 1000))))}")

    for n, body in [("", {"purchase": purchase("o-3", 100, -1_000_000_000_001)}), (6, {})]:
        try:
            submit(**{**event(n, 200, **body), "id": f"{n}"})
        except grpc.RpcError as error:
            print(f"invalid: {show_error(api, error)}")
    try:
        api.call("ledger.v1.MemberService", "GetMember", member="nobody")
    except grpc.RpcError as error:
        print(f"nobody: {show_error(api, error)}")

    now = member(token=answer.token)
    print(f"now: available {now.purses[0].available} in {now.purses[0].lots_count} lots, {now.tier.tier}, {now.records} records")
    print(f"as of position {outcome.position}: available {member(position=outcome.position).purses[0].available}")
    then = member(time={"seconds": NOON + 2 * DAY - 1})
    print(f"as of the day before: available {then.purses[0].available} at position {then.position}")

    for step in api.call("ledger.v1.MemberService", "ReplayMember", member="anna"):
        record, after = step.record, step.after
        cause = record.event.WhichOneof("body") if record.HasField("event") else enum_name(record.timer, "kind")
        postings = "".join(
            f", {enum_name(one, 'source_account')[8:]}>{enum_name(one, 'target_account')[8:]} {one.points} {one.rule}".rstrip()
            for one in record.postings
        )
        refused = f", refused {record.refused.reason}" if record.HasField("refused") else ""
        print(f"replay {record.position} v{record.program_version} {cause}{refused}{postings} = {after.purses[0].available}")

    totals = api.call("ledger.v1.AuditService", "GetTotals")
    accounts = {enum_name(one, "account")[8:]: one.balance for one in totals.wallets[0].accounts if one.balance}
    print(f"totals: {accounts}, sum {totals.wallets[0].sum}, {totals.refused} refused, {totals.duplicates} came again")


main()
