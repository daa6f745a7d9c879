"""kafka-python, a client written in Python alone: python kafka_python.py BOOTSTRAP SCENARIO."""

import threading
import time

from check import equal, main, unique, until
from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import ConfigResource, ConfigResourceType, OffsetSpec
from kafka.errors import TopicAlreadyExistsError
from kafka.structs import OffsetAndMetadata


class Member(threading.Thread):
    """A consumer in a thread of its own, as an application has it. Sees records until told to commit, stays until told to leave."""

    def __init__(self, topic, seen, **config):
        super().__init__(daemon=True)
        self.share = 0
        self.enough = threading.Event()
        self.has_committed = threading.Event()
        self.leave = threading.Event()
        self._topic, self._seen, self._config = topic, seen, config

    def run(self):
        consumer = KafkaConsumer(self._topic, auto_offset_reset="earliest", enable_auto_commit=False, **self._config)
        # kafka-python 3.0 that joins before it knows the partitions joins again when it does. A poll that ends in the midst of that second
        # join loses its assignment, whichever broker it talks to: the next one sees no reason to join, and never looks at the answer.
        until(lambda: time.sleep(0.01) or consumer.partitions_for_topic(self._topic), "the partitions")
        while not self.enough.is_set():
            for records in consumer.poll(timeout_ms=50).values():
                self._seen.extend(records)
            self.share = len(consumer.assignment())
        consumer.commit()
        self.has_committed.set()
        self.leave.wait()
        consumer.close()


def group(servers, compression):
    """Three consumers share six partitions and see every record once; admin tells members, offsets and lag."""
    admin = KafkaAdminClient(bootstrap_servers=servers)
    topic, name = unique(f"orders-{compression}"), unique("billing")
    admin.create_topics({topic: {"num_partitions": 6, "replication_factor": 1}})
    partitions = [TopicPartition(topic, p) for p in range(6)]
    seen = []
    config = {"bootstrap_servers": servers, "group_id": name, "heartbeat_interval_ms": 200}
    members = [Member(topic, seen, client_id=f"member-{n}", **config) for n in range(3)]
    for count, member in enumerate(members, start=1):
        # One after the other: a member of kafka-python 3.0 that joins while another one still does may be left without its partitions.
        member.start()
        until(lambda: time.sleep(0.05) or [each.share for each in members[:count]] == [6 // count] * count, "equal shares")

    kind = None if compression == "none" else compression
    producer = KafkaProducer(bootstrap_servers=servers, compression_type=kind, acks="all", linger_ms=5)
    sent = [(f"customer-{n % 97}".encode(), f"order-{n} {'text ' * 20}".encode()) for n in range(2000)]
    futures = [producer.send(topic, key=key, value=value, headers=[("n", b"1")]) for key, value in sent]
    places = sorted((found.partition, found.offset) for found in (future.get(timeout=20) for future in futures))
    equal(len(set(places)), len(sent), "places of the records")

    until(lambda: time.sleep(0.05) or len(seen) >= len(sent), "all records")
    for each in members:
        each.enough.set()
    until(lambda: all(each.has_committed.wait(0.1) for each in members), "the commits")
    equal(sorted(record.value for record in seen), sorted(value for _, value in sent), "values")
    equal(sorted((record.partition, record.offset) for record in seen), places, "places of the seen records")
    equal({tuple(record.headers) for record in seen}, {(("n", b"1"),)}, "headers")

    def end_offsets():
        return {tp: found.offset for tp, found in admin.list_partition_offsets(latest).items()}

    latest = {tp: OffsetSpec.LATEST for tp in partitions}
    ends = end_offsets()
    committed = {tp: found.offset for tp, found in admin.list_group_offsets({name: None})[name].items()}
    equal(committed, ends, "committed offsets")
    described = admin.describe_groups([name])[name]
    equal(described["group_state"], "Stable", "state")
    equal(sorted(m["client_id"] for m in described["members"]), ["member-0", "member-1", "member-2"], "members")
    for n in range(60):
        producer.send(topic, value=f"late-{n}".encode())
    producer.flush(20)
    lag = sum(end_offsets().values()) - sum(committed.values())
    equal(lag, 60, "lag")
    for each in members:
        each.leave.set()
        each.join(10)
    producer.close()
    admin.close()


def admin(servers):
    client = KafkaAdminClient(bootstrap_servers=servers)
    topic, name = unique("managed"), unique("group")
    wanted = {topic: {"num_partitions": 2, "replication_factor": 1, "configs": {"retention.ms": "86400000"}}}
    client.create_topics(wanted)
    try:
        client.create_topics(wanted)
        raise AssertionError("the topic was created twice")
    except TopicAlreadyExistsError:
        pass
    client.create_partitions({topic: 3})
    equal(len(client.describe_topics([topic])[0]["partitions"]), 3, "partitions")
    client.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topic, {"max.message.bytes": "2000000"})])
    configs = client.describe_configs([ConfigResource(ConfigResourceType.TOPIC, topic)])["topic"][topic]
    equal({key: entry["value"] for key, entry in configs.items()}, {"retention.ms": "86400000", "max.message.bytes": "2000000"}, "configs")

    producer = KafkaProducer(bootstrap_servers=servers, enable_idempotence=True)
    at = int(time.time() * 1000) - 30_000
    for n in range(20):
        producer.send(topic, value=str(n).encode(), partition=0, timestamp_ms=at + n * 1000)
    producer.flush(20)
    place = TopicPartition(topic, 0)
    client.delete_records({place: 8})
    equal(client.list_partition_offsets({place: OffsetSpec.EARLIEST})[place].offset, 8, "log start")
    equal(client.list_partition_offsets({place: OffsetSpec.LATEST})[place].offset, 20, "log end")
    equal(client.list_partition_offsets({place: at + 12_500})[place].offset, 13, "first offset at a time")

    client.alter_group_offsets(name, {place: OffsetAndMetadata(12, "by hand", -1)})
    equal(client.list_group_offsets({name: None})[name][place].metadata, "by hand", "metadata of the commit")
    reader = KafkaConsumer(bootstrap_servers=servers, group_id=name, enable_auto_commit=False)
    reader.assign([place])
    seen = []
    until(lambda: seen.extend(sum(reader.poll(timeout_ms=50).values(), [])) or len(seen) >= 8, "the records after the commit")
    equal([int(record.value) for record in seen], list(range(12, 20)), "values after the commit")
    reader.close()
    equal(name in str(client.list_groups()), True, "the group is listed")
    client.delete_groups([name])
    client.delete_topics([topic])
    until(lambda: topic not in client.list_topics(), "the topic to be gone")
    producer.close()
    client.close()


main({each.__name__: each for each in (group, admin)})
