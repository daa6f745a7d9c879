// Command old-go is sarama of years ago: see the programs' contract in support/exchange-suite.ts. The version of Kafka that it takes the
// broker for is in KAFKA_VERSION, such as 0.8.2.0.
package main

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/Shopify/sarama"
)

const patience = 30 * time.Second

var codecs = map[string]sarama.CompressionCodec{
	"none":   sarama.CompressionNone,
	"gzip":   sarama.CompressionGZIP,
	"snappy": sarama.CompressionSnappy,
	"lz4":    sarama.CompressionLZ4,
}

func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func main() {
	servers, action, topic := []string{os.Args[1]}, os.Args[2], os.Args[3]
	config := sarama.NewConfig()
	version, err := sarama.ParseKafkaVersion(os.Getenv("KAFKA_VERSION"))
	must(err)
	config.Version = version
	config.Consumer.Offsets.Initial = sarama.OffsetOldest
	config.Consumer.Return.Errors = true
	config.Producer.Return.Successes = true
	config.Producer.RequiredAcks = sarama.WaitForAll
	config.Producer.Partitioner = sarama.NewManualPartitioner
	switch action {
	case "produce":
		produce(servers, config, topic, strings.Split(os.Args[4], ","), number(os.Args[5]))
	case "consume":
		show(consume(servers, config, topic, number(os.Args[4]), sarama.OffsetOldest))
	case "group":
		show(group(servers, config, topic, number(os.Args[4]), os.Args[5]))
	}
}

func number(text string) int {
	count, err := strconv.Atoi(text)
	must(err)
	return count
}

func show(seen []*sarama.ConsumerMessage) {
	for _, message := range seen {
		fmt.Printf("%d\t%s\t%s\n", message.Offset, message.Key, message.Value)
	}
}

func produce(servers []string, config *sarama.Config, topic string, names []string, count int) {
	for _, name := range names {
		config.Producer.Compression = codecs[name]
		producer, err := sarama.NewSyncProducer(servers, config)
		must(err)
		messages := []*sarama.ProducerMessage{}
		for n := 0; n < count; n++ {
			key := fmt.Sprintf("%s-%d", name, n)
			value := fmt.Sprintf("value %s %s", key, strings.Repeat("text ", 20))
			messages = append(messages, &sarama.ProducerMessage{
				Topic: topic, Key: sarama.StringEncoder(key), Value: sarama.StringEncoder(value),
			})
		}
		must(producer.SendMessages(messages))
		must(producer.Close())
	}
}

func consume(servers []string, config *sarama.Config, topic string, count int, from int64) (seen []*sarama.ConsumerMessage) {
	consumer, err := sarama.NewConsumer(servers, config)
	must(err)
	partition, err := consumer.ConsumePartition(topic, 0, from)
	must(err)
	late := time.After(patience)
	for len(seen) < count {
		select {
		case message := <-partition.Messages():
			seen = append(seen, message)
		case problem := <-partition.Errors():
			must(problem)
		case <-late:
			return seen
		}
	}
	must(consumer.Close())
	return seen
}

// Before 0.10.2 sarama knows no groups of members, only offsets that are committed for a group.
func group(servers []string, config *sarama.Config, topic string, count int, name string) []*sarama.ConsumerMessage {
	if !config.Version.IsAtLeast(sarama.V0_10_2_0) {
		return commitByHand(servers, config, topic, count, name)
	}
	members, err := sarama.NewConsumerGroup(servers, name, config)
	must(err)
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	handler := &collector{count: count, enough: cancel}
	must(members.Consume(ctx, []string{topic}, handler))
	must(members.Close())
	return handler.seen
}

func commitByHand(servers []string, config *sarama.Config, topic string, count int, name string) []*sarama.ConsumerMessage {
	client, err := sarama.NewClient(servers, config)
	must(err)
	offsets, err := sarama.NewOffsetManagerFromClient(name, client)
	must(err)
	partition, err := offsets.ManagePartition(topic, 0)
	must(err)
	from, _ := partition.NextOffset()
	seen := consume(servers, config, topic, count, from)
	if len(seen) > 0 {
		partition.MarkOffset(seen[len(seen)-1].Offset+1, "by hand")
	}
	must(partition.Close())
	must(offsets.Close())
	must(client.Close())
	return seen
}

type collector struct {
	mutex  sync.Mutex
	count  int
	seen   []*sarama.ConsumerMessage
	enough func()
}

func (c *collector) Setup(sarama.ConsumerGroupSession) error   { return nil }
func (c *collector) Cleanup(sarama.ConsumerGroupSession) error { return nil }

func (c *collector) ConsumeClaim(session sarama.ConsumerGroupSession, claim sarama.ConsumerGroupClaim) error {
	for message := range claim.Messages() {
		c.mutex.Lock()
		c.seen = append(c.seen, message)
		session.MarkMessage(message, "")
		if len(c.seen) >= c.count {
			c.enough()
		}
		c.mutex.Unlock()
	}
	return nil
}
