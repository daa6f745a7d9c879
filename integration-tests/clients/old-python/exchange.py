"""kafka-python of years ago: see the programs' contract in support/exchange-suite.ts. API_VERSION, such as 0.8.2, is what it takes the
broker for; without it, it finds out."""

import os
import sys
import time

import six

# Its own copy of six does not work on Python 3.12 and newer.
sys.modules["kafka.vendor.six"] = six
sys.modules["kafka.vendor.six.moves"] = six.moves

from kafka import KafkaConsumer, KafkaProducer, TopicPartition  # noqa: E402

PATIENCE_S = 30
COMMON = {}
if "API_VERSION" in os.environ:
    COMMON["api_version"] = tuple(int(part) for part in os.environ["API_VERSION"].split("."))


def produce(servers, topic, codecs, count):
    for codec in codecs.split(","):
        kind = None if codec == "none" else codec
        producer = KafkaProducer(bootstrap_servers=servers, **COMMON, acks="all", linger_ms=20, compression_type=kind)
        sent = []
        for n in range(int(count)):
            value = "value {}-{} {}".format(codec, n, "text " * 20)
            sent.append(producer.send(topic, key="{}-{}".format(codec, n).encode(), value=value.encode()))
        for each in sent:
            each.get(timeout=PATIENCE_S)
        producer.close()


def consume(servers, topic, count, group=None):
    consumer = KafkaConsumer(bootstrap_servers=servers, **COMMON, group_id=group, auto_offset_reset="earliest", enable_auto_commit=False)
    if group is None:
        place = TopicPartition(topic, 0)
        consumer.assign([place])
        consumer.seek_to_beginning(place)
    elif COMMON.get("api_version", (9,)) < (0, 9):
        # There were no groups of members, only offsets that are committed for a group.
        consumer.assign([TopicPartition(topic, 0)])
    else:
        consumer.subscribe([topic])
    seen = []
    end = time.time() + PATIENCE_S
    while len(seen) < int(count) and time.time() < end:
        for records in consumer.poll(timeout_ms=200).values():
            seen.extend(records)
    if group is not None:
        consumer.commit()
    consumer.close()
    for record in seen:
        print("{}\t{}\t{}".format(record.offset, record.key.decode(), record.value.decode()))


bootstrap_servers, action = sys.argv[1:3]
{"produce": produce, "consume": consume, "group": consume}[action](bootstrap_servers, *sys.argv[3:])
