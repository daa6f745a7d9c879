"""The newest client here, librdkafka's: see the programs' contract in support/exchange-suite.ts."""

import sys
import time

from confluent_kafka import OFFSET_BEGINNING, Consumer, Producer, TopicPartition

PATIENCE_S = 30


def produce(servers, topic, codecs, count):
    for codec in codecs.split(","):
        problems = []
        producer = Producer({"bootstrap.servers": servers, "enable.idempotence": True, "linger.ms": 20, "compression.type": codec})
        for n in range(int(count)):
            value = f"value {codec}-{n} {'text ' * 20}"
            report = lambda error, _: problems.append(error) if error else None
            producer.produce(topic, key=f"{codec}-{n}", value=value, headers=[("n", str(n))], on_delivery=report)
        left = producer.flush(PATIENCE_S)
        if left or problems:
            raise AssertionError(f"{left} records of {codec} not sent, {problems[:1]}")


def consume(servers, topic, count, group=None):
    config = {"bootstrap.servers": servers, "auto.offset.reset": "earliest", "enable.auto.commit": False}
    consumer = Consumer({**config, "group.id": group or "no group"})
    if group is None:
        consumer.assign([TopicPartition(topic, 0, OFFSET_BEGINNING)])
    else:
        consumer.subscribe([topic])
    seen = []
    end = time.monotonic() + PATIENCE_S
    while len(seen) < int(count) and time.monotonic() < end:
        for record in consumer.consume(500, 0.2):
            if record.error():
                raise AssertionError(record.error())
            seen.append(record)
    if group is not None:
        consumer.commit(asynchronous=False)
    consumer.close()
    for record in seen:
        print(f"{record.offset()}\t{record.key().decode()}\t{record.value().decode()}")


bootstrap_servers, action = sys.argv[1:3]
{"produce": produce, "consume": consume, "group": consume}[action](bootstrap_servers, *sys.argv[3:])
