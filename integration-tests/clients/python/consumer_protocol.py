"""confluent-kafka (librdkafka) with the consumer protocol of KIP-848: python consumer_protocol.py BOOTSTRAP SCENARIO."""

from check import equal, main, unique, until
from confluent_kafka import Consumer
from confluent_kafka.admin import AdminClient, NewPartitions
from confluent import create, produce, producer, take


def consumer(servers, group, **more):
    return Consumer(
        {
            "bootstrap.servers": servers,
            "group.id": group,
            "group.protocol": "consumer",
            "auto.offset.reset": "earliest",
            "enable.auto.commit": False,
            **more,
        }
    )


def settle(consumers, counts, seconds=40):
    """Polls all of them until each has so many partitions."""

    def shared():
        for each in consumers:
            each.consume(1, timeout=0.05)
        return [len(each.assignment()) for each in consumers] == counts

    until(shared, f"{counts} partitions", seconds)


def share(servers):
    """Three members over six partitions read and commit all; one leaves, and the others take over."""
    admin = AdminClient({"bootstrap.servers": servers})
    topic, name = unique("orders"), unique("billing")
    create(admin, topic, 6)
    consumers = [consumer(servers, name, **{"client.id": f"member-{n}"}) for n in range(3)]
    for each in consumers:
        each.subscribe([topic])
    settle(consumers, [2, 2, 2])
    produce(producer(servers), topic, [(f"{n}", f"{n}") for n in range(1000)])
    seen = take(consumers, 1000)
    equal(sorted(int(m.value()) for m in seen), list(range(1000)), "values")
    for each in consumers:
        each.commit(asynchronous=False)
    consumers.pop().close()
    settle(consumers, [3, 3])
    for each in consumers:
        each.close()


def static(servers):
    """A static member that comes back keeps its partitions."""
    admin = AdminClient({"bootstrap.servers": servers})
    topic, name = unique("orders"), unique("billing")
    create(admin, topic, 4)
    workers = [consumer(servers, name, **{"group.instance.id": f"worker-{n}"}) for n in range(2)]
    for each in workers:
        each.subscribe([topic])
    settle(workers, [2, 2])
    kept = sorted(tp.partition for tp in workers[0].assignment())
    workers[0].close()
    again = consumer(servers, name, **{"group.instance.id": "worker-0"})
    again.subscribe([topic])
    settle([again, workers[1]], [2, 2])
    equal(sorted(tp.partition for tp in again.assignment()), kept, "partitions after coming back")
    again.close()
    workers[1].close()


def pattern(servers):
    """A subscription by regular expression."""
    admin = AdminClient({"bootstrap.servers": servers})
    prefix, name = unique("orders"), unique("billing")
    create(admin, f"{prefix}-eu", 2)
    create(admin, f"{prefix}-us", 1)
    reader = consumer(servers, name)
    reader.subscribe([f"^{prefix}-.*"])
    settle([reader], [3])
    reader.close()


def grow(servers):
    """Partitions that are added are assigned."""
    admin = AdminClient({"bootstrap.servers": servers})
    topic, name = unique("orders"), unique("billing")
    create(admin, topic, 1)
    reader = consumer(servers, name)
    reader.subscribe([topic])
    settle([reader], [1])
    admin.create_partitions([NewPartitions(topic, 3)])[topic].result(20)
    settle([reader], [3])
    reader.close()


if __name__ == "__main__":
    main({"share": share, "static": static, "pattern": pattern, "grow": grow})
