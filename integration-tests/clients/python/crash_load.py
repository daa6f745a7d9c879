"""librdkafka against a broker that is killed again and again: python crash_load.py BOOTSTRAP TOPIC GROUP.

Sends as an idempotent producer, commits offsets, creates and deletes topics. A line on standard output says what is about to be asked for
and what was acknowledged. Ends, once every record is acknowledged, when its input does.
"""

import sys
import threading

from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

servers, topic, group = sys.argv[1:4]
MOST_IN_FLIGHT = 200
PARTITIONS_UNDER_LOAD = 2
client = {
    "bootstrap.servers": servers,
    "reconnect.backoff.ms": 10,
    "reconnect.backoff.max.ms": 100,
    "retry.backoff.ms": 20,
    "log_level": 0,
}
ended = threading.Event()
output = threading.Lock()


def tell(*words):
    with output:
        print(*words, flush=True)


def send():
    producer = Producer(
        {**client, "enable.idempotence": True, "linger.ms": 2, "message.timeout.ms": 120_000}
    )

    def delivered(error, message):
        tell("failed" if error else "acknowledged", message.value().decode(), *([error] if error else []))

    turn = 0
    while not ended.is_set():
        if len(producer) >= MOST_IN_FLIGHT:
            producer.poll(0.01)
            continue
        value = f"{turn}-{'x' * (turn % 700)}"
        tell("sends", value)
        producer.produce(topic, value=value, key=str(turn % 17), on_delivery=delivered)
        producer.poll(0)
        turn += 1
    tell("left", producer.flush(60))


def commit():
    consumer = Consumer({**client, "group.id": group, "enable.auto.commit": False})
    offset = 0
    while not ended.wait(0.005):
        offset += 1
        tell("commits", offset)
        try:
            consumer.commit(offsets=[TopicPartition(topic, 0, offset)], asynchronous=False)
            tell("committed", offset)
        except KafkaException:
            # It may have been done or not; the next one is larger.
            pass
    consumer.close()


def create():
    admin = AdminClient(client)
    turn = 0
    while not ended.wait(0.05):
        name = f"made-{turn}"
        turn += 1
        try:
            tell("creates", name)
            admin.create_topics([NewTopic(name, PARTITIONS_UNDER_LOAD)], request_timeout=5)[name].result()
            tell("created", name)
            if turn % 5 == 1:
                continue
            tell("deletes", name)
            admin.delete_topics([name], request_timeout=5)[name].result()
            tell("deleted", name)
        except KafkaException:
            # Nobody knows.
            pass


threads = [threading.Thread(target=work) for work in (send, commit, create)]
for thread in threads:
    thread.start()
sys.stdin.read()
ended.set()
for thread in threads:
    thread.join()
