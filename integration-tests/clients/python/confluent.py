"""confluent-kafka (librdkafka) as an application uses it: python confluent.py BOOTSTRAP SCENARIO."""

import time

from check import equal, main, unique, until
from confluent_kafka import (
    OFFSET_BEGINNING,
    Consumer,
    ConsumerGroupTopicPartitions,
    KafkaException,
    Producer,
    TopicPartition,
)
from confluent_kafka.admin import (
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    NewPartitions,
    NewTopic,
    OffsetSpec,
)


def producer(servers, **more):
    return Producer({"bootstrap.servers": servers, "enable.idempotence": True, "linger.ms": 5, **more})


def consumer(servers, group, **more):
    return Consumer(
        {
            "bootstrap.servers": servers,
            "group.id": group,
            "auto.offset.reset": "earliest",
            "enable.auto.commit": False,
            "partition.assignment.strategy": "cooperative-sticky",
            "heartbeat.interval.ms": 300,
            **more,
        }
    )


def create(admin, topic, partitions, **config):
    admin.create_topics([NewTopic(topic, partitions, config=config)])[topic].result(20)


def produce(sender, topic, records):
    """Sends (key, value) pairs; returns (partition, offset) of each, in the order of the acknowledgements."""
    acknowledged = []

    def delivered(error, message):
        if error:
            raise KafkaException(error)
        acknowledged.append((message.partition(), message.offset()))

    for key, value in records:
        sender.produce(topic, key=key, value=value, on_delivery=delivered)
        sender.poll(0)
    equal(sender.flush(30), 0, "records left unsent")
    return acknowledged


def take(consumers, count, seconds=30):
    """Polls the consumers in turn until they have seen so many records together."""
    seen = []

    def look():
        for each in consumers:
            for message in each.consume(500, timeout=0.05):
                if message.error():
                    raise KafkaException(message.error())
                seen.append(message)
        return len(seen) >= count

    until(look, f"{count} records", seconds)
    return seen


def ends(admin, topic, partitions, spec=None):
    wanted = {TopicPartition(topic, p): spec or OffsetSpec.latest() for p in range(partitions)}
    return {each.partition: future.result(20).offset for each, future in admin.list_offsets(wanted).items()}


def committed(admin, group, topic, partitions):
    wanted = ConsumerGroupTopicPartitions(group, [TopicPartition(topic, p) for p in range(partitions)])
    answer = admin.list_consumer_group_offsets([wanted])[group].result(20)
    return {each.partition: each.offset for each in answer.topic_partitions}


def group(servers, compression):
    """An idempotent producer with one compression, three cooperative consumers over six partitions, and what admin says of them."""
    admin = AdminClient({"bootstrap.servers": servers})
    topic, name = unique(f"orders-{compression}"), unique("billing")
    create(admin, topic, 6)
    consumers = [consumer(servers, name, **{"client.id": f"member-{n}"}) for n in range(3)]
    for each in consumers:
        each.subscribe([topic])

    def shared():
        for each in consumers:
            each.consume(1, timeout=0.05)
        return [len(each.assignment()) for each in consumers] == [2, 2, 2]

    until(shared, "two partitions for each of three members")

    records = [(f"customer-{n % 97}", f"order-{n} " + "text that compresses " * 10) for n in range(5000)]
    sender = producer(servers, **{"compression.type": compression})
    acknowledged = produce(sender, topic, records)
    equal(len(set(acknowledged)), len(records), "places of the records")

    seen = take(consumers, len(records))
    equal(sorted(m.value().decode() for m in seen), sorted(value for _, value in records), "values")
    equal(sorted((m.partition(), m.offset()) for m in seen), sorted(acknowledged), "places of the seen records")
    last = {}
    for message in seen:
        if message.offset() != last.get(message.partition(), -1) + 1:
            raise AssertionError(f"{message.partition()} jumps to {message.offset()}")
        last[message.partition()] = message.offset()

    for each in consumers:
        each.commit(asynchronous=False)
    latest = ends(admin, topic, 6)
    equal(latest, {p: last[p] + 1 for p in range(6)}, "end offsets")
    equal(committed(admin, name, topic, 6), latest, "committed offsets")

    produce(sender, topic, [(None, f"late-{n}") for n in range(60)])
    described = admin.describe_consumer_groups([name])[name].result(20)
    equal(described.state.name, "STABLE", "state")
    equal(described.partition_assignor, "cooperative-sticky", "assignor")
    equal(sorted(m.client_id for m in described.members), ["member-0", "member-1", "member-2"], "members")
    assigned = sorted(tp.partition for m in described.members for tp in m.assignment.topic_partitions)
    equal(assigned, [0, 1, 2, 3, 4, 5], "assigned partitions")
    lag = sum(ends(admin, topic, 6).values()) - sum(committed(admin, name, topic, 6).values())
    equal(lag, 60, "lag")
    for each in consumers:
        each.close()
    equal(admin.describe_consumer_groups([name])[name].result(20).state.name, "EMPTY", "state after all left")


def rebalance(servers):
    """A second member takes over half of the partitions while records flow; nothing is lost or seen twice."""
    admin = AdminClient({"bootstrap.servers": servers})
    topic, name = unique("orders"), unique("billing")
    create(admin, topic, 4)
    sender = producer(servers)
    revoked = []

    def on_revoke(each, partitions):
        revoked.append(len(partitions))
        reached = [tp for tp in each.position(partitions) if tp.offset >= 0]
        if reached:
            each.commit(offsets=reached, asynchronous=False)

    first = consumer(servers, name)
    first.subscribe([topic], on_revoke=on_revoke)
    produce(sender, topic, [(f"{n}", f"{n}") for n in range(1000)])
    seen = take([first], 1000)
    second = consumer(servers, name)
    second.subscribe([topic])
    produce(sender, topic, [(f"{n}", f"{n}") for n in range(1000, 2000)])

    def shared():
        for each in (first, second):
            seen.extend(each.consume(500, timeout=0.05))
        return len(first.assignment()) == len(second.assignment()) == 2 and len(seen) >= 2000

    until(shared, "two partitions each and all records")
    equal(sorted(int(m.value()) for m in seen), list(range(2000)), "values")
    equal(revoked, [2], "partitions revoked at once: the others are kept")
    first.close()
    second.close()


def static(servers):
    """A static member that comes back in time keeps its partitions, without a rebalance."""
    admin = AdminClient({"bootstrap.servers": servers})
    topic, name = unique("orders"), unique("billing")
    create(admin, topic, 4)
    options = {"group.instance.id": "worker-1", "session.timeout.ms": 30000, "partition.assignment.strategy": "range"}
    other = consumer(servers, name, **{**options, "group.instance.id": "worker-2"})
    worker = consumer(servers, name, **options)
    for each in (worker, other):
        each.subscribe([topic])

    def shared():
        worker.consume(1, timeout=0.05)
        other.consume(1, timeout=0.05)
        return len(worker.assignment()) == len(other.assignment()) == 2

    until(shared, "two partitions each")
    kept = sorted(tp.partition for tp in worker.assignment())
    worker.close()
    again = consumer(servers, name, **options)
    again.subscribe([topic])
    until(lambda: again.consume(1, timeout=0.05) or len(again.assignment()) == 2, "its partitions")
    equal(sorted(tp.partition for tp in again.assignment()), kept, "partitions after coming back")
    members = admin.describe_consumer_groups([name])[name].result(20).members
    equal(sorted(m.group_instance_id for m in members), ["worker-1", "worker-2"], "instances")
    again.close()
    other.close()


def records(servers):
    """Headers, tombstones, timestamps; by time, by seek, and a partition read without a group's assignment."""
    admin = AdminClient({"bootstrap.servers": servers})
    topic = unique("payloads")
    create(admin, topic, 1)
    sender = producer(servers)
    headers = [("source", b"shop"), ("many", b"1"), ("many", b"2"), ("nothing", None)]
    at = int(time.time() * 1000) - 10000
    for n in range(10):
        sender.produce(topic, key=f"k{n}", value=None if n == 3 else f"v{n}", headers=headers, timestamp=at + n * 1000)
    equal(sender.flush(20), 0, "records left unsent")
    reader = consumer(servers, unique("reader"))
    found = reader.offsets_for_times([TopicPartition(topic, 0, at + 4500)], timeout=20)[0]
    equal(found.offset, 5, "first offset at a time")
    reader.assign([TopicPartition(topic, 0, OFFSET_BEGINNING)])
    seen = take([reader], 10)
    equal([m.value() for m in seen], [None if n == 3 else f"v{n}".encode() for n in range(10)], "values")
    equal(seen[0].headers(), headers, "headers")
    equal(seen[7].timestamp()[1], at + 7000, "timestamp")
    reader.seek(TopicPartition(topic, 0, 8))
    equal([m.value() for m in take([reader], 2)], [b"v8", b"v9"], "values after a seek")
    equal(reader.get_watermark_offsets(TopicPartition(topic, 0), timeout=20), (0, 10), "watermarks")
    reader.close()


def admin(servers):
    client = AdminClient({"bootstrap.servers": servers})
    topic, name = unique("managed"), unique("group")
    create(client, topic, 2, **{"retention.ms": "86400000"})
    try:
        create(client, topic, 1)
        raise AssertionError("the topic was created twice")
    except KafkaException as error:
        equal(error.args[0].name(), "TOPIC_ALREADY_EXISTS", "error")
    client.create_partitions([NewPartitions(topic, 4)])[topic].result(20)
    equal(sorted(client.list_topics(topic, timeout=20).topics[topic].partitions), [0, 1, 2, 3], "partitions")

    resource = ConfigResource(ConfigResource.Type.TOPIC, topic)

    def config(key):
        return client.describe_configs([resource])[resource].result(20)[key].value

    equal(config("retention.ms"), "86400000", "retention.ms")
    change = ConfigEntry("max.message.bytes", "2000000", incremental_operation=AlterConfigOpType.SET)
    client.incremental_alter_configs([ConfigResource(ConfigResource.Type.TOPIC, topic, incremental_configs=[change])])[
        resource
    ].result(20)
    equal(config("max.message.bytes"), "2000000", "max.message.bytes")
    equal(config("retention.ms"), "86400000", "retention.ms after an incremental change")

    sender = producer(servers)
    for n in range(20):
        sender.produce(topic, value=f"{n}", partition=0)
    sender.flush(20)
    client.delete_records([TopicPartition(topic, 0, 8)])[TopicPartition(topic, 0, 8)].result(20)
    equal(ends(client, topic, 1, OffsetSpec.earliest()), {0: 8}, "log start")
    equal(ends(client, topic, 1), {0: 20}, "log end")

    offsets = [ConsumerGroupTopicPartitions(name, [TopicPartition(topic, 0, 12)])]
    client.alter_consumer_group_offsets(offsets)[name].result(20)
    equal(committed(client, name, topic, 1), {0: 12}, "offset set by admin")
    groups = client.list_consumer_groups().result(20).valid
    equal(name in [each.group_id for each in groups], True, "the group is listed")
    client.delete_consumer_groups([name])[name].result(20)
    cluster = client.describe_cluster().result(20)
    equal(len(cluster.nodes), 1, "nodes")
    client.delete_topics([topic])[topic].result(20)
    until(lambda: topic not in client.list_topics(timeout=20).topics, "the topic to be gone")


if __name__ == "__main__":
    main({each.__name__: each for each in (group, rebalance, static, records, admin)})
