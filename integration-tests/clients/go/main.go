// franz-go as an application uses it: clients-go BOOTSTRAP SCENARIO [ARGUMENT].
package main

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

var codecs = map[string]kgo.CompressionCodec{
	"none":   kgo.NoCompression(),
	"gzip":   kgo.GzipCompression(),
	"snappy": kgo.SnappyCompression(),
	"lz4":    kgo.Lz4Compression(),
	"zstd":   kgo.ZstdCompression(),
}

type scenario struct {
	ctx     context.Context
	servers string
}

func main() {
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Second)
	defer cancel()
	s := scenario{ctx, os.Args[1]}
	switch os.Args[2] {
	case "group":
		s.group(os.Args[3])
	case "admin":
		s.admin()
	case "records":
		s.records()
	default:
		fail("no scenario %s", os.Args[2])
	}
}

func fail(format string, args ...any) {
	fmt.Fprintf(os.Stderr, format+"\n", args...)
	os.Exit(1)
}

func must(err error, what string) {
	if err != nil {
		fail("%s: %v", what, err)
	}
}

func equal[T any](got, expected T, what string) {
	if fmt.Sprint(got) != fmt.Sprint(expected) {
		fail("%s: expected %v, got %v", what, expected, got)
	}
}

func unique(name string) string {
	return fmt.Sprintf("%s-%x", name, time.Now().UnixNano())
}

func (s scenario) client(opts ...kgo.Opt) *kgo.Client {
	client, err := kgo.NewClient(append([]kgo.Opt{kgo.SeedBrokers(s.servers)}, opts...)...)
	must(err, "new client")
	return client
}

// An idempotent producer, and three members with the cooperative-sticky assignor over six partitions: every record once, in order.
func (s scenario) group(compression string) {
	topic, group := unique("orders-"+compression), unique("billing")
	admin := kadm.NewClient(s.client())
	defer admin.Close()
	_, err := admin.CreateTopic(s.ctx, 6, 1, nil, topic)
	must(err, "create topic")

	const count = 20_000
	var mutex sync.Mutex
	seen := map[string]int{}
	next := map[int32]int64{}
	total := 0
	allSeen := make(chan struct{})
	members := make([]*kgo.Client, 3)
	shares := make([]int, 3)
	shared := make(chan struct{})
	isShared := false
	change := func(member, by int) {
		mutex.Lock()
		defer mutex.Unlock()
		shares[member] += by
		if !isShared && slices.Equal(shares, []int{2, 2, 2}) {
			isShared = true
			close(shared)
		}
	}
	for n := range members {
		taken := func(sign int) func(context.Context, *kgo.Client, map[string][]int32) {
			return func(_ context.Context, _ *kgo.Client, partitions map[string][]int32) {
				change(n, sign*len(partitions[topic]))
			}
		}
		members[n] = s.client(
			kgo.ClientID(fmt.Sprintf("member-%d", n)),
			kgo.ConsumerGroup(group),
			kgo.ConsumeTopics(topic),
			kgo.Balancers(kgo.CooperativeStickyBalancer()),
			kgo.HeartbeatInterval(200*time.Millisecond),
			kgo.OnPartitionsAssigned(taken(1)),
			kgo.OnPartitionsRevoked(taken(-1)),
			kgo.DisableAutoCommit(),
		)
		go func() {
			for {
				fetches := members[n].PollFetches(s.ctx)
				if fetches.IsClientClosed() {
					return
				}
				for _, each := range fetches.Errors() {
					fail("fetch %s-%d: %v", each.Topic, each.Partition, each.Err)
				}
				mutex.Lock()
				fetches.EachRecord(func(record *kgo.Record) {
					seen[string(record.Value)]++
					if record.Offset != next[record.Partition] {
						fail("partition %d goes on at %d instead of %d", record.Partition, record.Offset, next[record.Partition])
					}
					next[record.Partition]++
					total++
					if total == count {
						close(allSeen)
					}
				})
				mutex.Unlock()
			}
		}()
	}
	s.wait(shared, "two partitions for each member")

	producer := s.client(kgo.ProducerBatchCompression(codecs[compression]), kgo.ProducerLinger(2*time.Millisecond))
	records := make([]*kgo.Record, count)
	for n := range records {
		records[n] = &kgo.Record{
			Topic: topic,
			Key:   fmt.Appendf(nil, "customer-%d", n%97),
			Value: []byte(fmt.Sprintf("order-%d ", n) + strings.Repeat("text that compresses ", 5)),
		}
	}
	must(producer.ProduceSync(s.ctx, records...).FirstErr(), "produce")
	producer.Close()
	s.wait(allSeen, "all records")
	for _, member := range members {
		must(member.CommitUncommittedOffsets(s.ctx), "commit")
	}
	mutex.Lock()
	equal(len(seen), count, "different values")
	equal(total, count, "records seen")
	mutex.Unlock()

	lags, err := admin.Lag(s.ctx, group)
	must(err, "lag")
	lag := lags[group]
	must(lag.Error(), "lag of the group")
	equal(lag.State, "Stable", "state")
	equal(lag.Protocol, "cooperative-sticky", "protocol")
	equal(lag.Lag.Total(), 0, "lag")
	clients := []string{}
	for _, member := range lag.Members {
		clients = append(clients, member.ClientID)
	}
	slices.Sort(clients)
	equal(clients, []string{"member-0", "member-1", "member-2"}, "members")
	for _, member := range members {
		member.Close()
	}
	late := s.client(kgo.DefaultProduceTopic(topic))
	for n := range 60 {
		must(late.ProduceSync(s.ctx, &kgo.Record{Value: fmt.Append(nil, n)}).FirstErr(), "produce")
	}
	late.Close()
	lags, err = admin.Lag(s.ctx, group)
	must(err, "lag")
	lag = lags[group]
	equal(lag.State, "Empty", "state after all left")
	equal(lag.Lag.Total(), 60, "lag after 60 more records")
}

func (s scenario) wait(done <-chan struct{}, what string) {
	select {
	case <-done:
	case <-s.ctx.Done():
		fail("waited in vain for %s", what)
	}
}

// Headers, tombstones, timestamps, a chosen partition, and reading without a group from an offset and from a time.
func (s scenario) records() {
	topic := unique("payloads")
	admin := kadm.NewClient(s.client())
	defer admin.Close()
	_, err := admin.CreateTopic(s.ctx, 2, 1, nil, topic)
	must(err, "create topic")
	at := time.UnixMilli(1_700_000_000_000)
	producer := s.client(kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.DefaultProduceTopic(topic))
	defer producer.Close()
	for n := range 10 {
		record := &kgo.Record{
			Partition: 1,
			Key:       fmt.Append(nil, n),
			Value:     fmt.Append(nil, "v", n),
			Headers:   []kgo.RecordHeader{{Key: "many", Value: []byte("1")}, {Key: "many", Value: []byte("2")}},
			Timestamp: at.Add(time.Duration(n) * time.Second),
		}
		if n == 3 {
			record.Value = nil
		}
		must(producer.ProduceSync(s.ctx, record).FirstErr(), "produce")
		equal(record.Offset, int64(n), "offset of the record")
	}
	read := func(from kgo.Offset, count int) []*kgo.Record {
		consumer := s.client(kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{topic: {1: from}}))
		defer consumer.Close()
		var records []*kgo.Record
		for len(records) < count {
			fetches := consumer.PollFetches(s.ctx)
			must(fetches.Err(), "fetch")
			records = append(records, fetches.Records()...)
		}
		equal(len(records), count, "records read")
		return records
	}
	all := read(kgo.NewOffset().AtStart(), 10)
	equal(all[3].Value == nil, true, "tombstone")
	equal(string(all[4].Value), "v4", "value")
	equal(len(all[4].Headers), 2, "headers")
	equal(string(all[4].Headers[1].Value), "2", "second header")
	equal(all[4].Timestamp.UnixMilli(), at.UnixMilli()+4000, "timestamp")
	equal(read(kgo.NewOffset().At(7), 3)[0].Offset, int64(7), "first offset")
	equal(read(kgo.NewOffset().AfterMilli(at.UnixMilli()+4500), 5)[0].Offset, int64(5), "first offset at a time")
	equal(read(kgo.NewOffset().AtEnd().Relative(-2), 2)[0].Offset, int64(8), "second to last offset")
}

func (s scenario) admin() {
	topic, group := unique("managed"), unique("group")
	admin := kadm.NewClient(s.client())
	defer admin.Close()
	_, err := admin.CreateTopic(s.ctx, 2, 1, map[string]*string{"retention.ms": kadm.StringPtr("86400000")}, topic)
	must(err, "create topic")
	_, err = admin.CreateTopic(s.ctx, 2, 1, nil, topic)
	equal(err, error(kerr.TopicAlreadyExists), "error of the second creation")
	grown, err := admin.UpdatePartitions(s.ctx, 4, topic)
	must(err, "create partitions")
	must(grown.Error(), "create partitions")
	listed, err := admin.ListTopics(s.ctx, topic)
	must(err, "list topics")
	equal(len(listed[topic].Partitions), 4, "partitions")
	equal(listed[topic].ID == kadm.TopicID{}, false, "topic without an id")

	config := func(name string) string {
		resources, err := admin.DescribeTopicConfigs(s.ctx, topic)
		must(err, "describe configs")
		resource, err := resources.On(topic, nil)
		must(err, "describe configs of the topic")
		for _, each := range resource.Configs {
			if each.Key == name {
				return each.MaybeValue()
			}
		}
		return ""
	}
	equal(config("retention.ms"), "86400000", "retention.ms")
	changes := []kadm.AlterConfig{{Op: kadm.SetConfig, Name: "max.message.bytes", Value: kadm.StringPtr("2000000")}}
	altered, err := admin.AlterTopicConfigs(s.ctx, changes, topic)
	must(err, "alter configs")
	for _, each := range altered {
		must(each.Err, "alter configs")
	}
	equal(config("max.message.bytes"), "2000000", "max.message.bytes")

	producer := s.client(kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.DefaultProduceTopic(topic))
	for n := range 20 {
		must(producer.ProduceSync(s.ctx, kgo.StringRecord(fmt.Sprint(n))).FirstErr(), "produce")
	}
	producer.Close()
	upTo := kadm.Offsets{}
	upTo.Add(kadm.Offset{Topic: topic, Partition: 0, At: 8})
	deleted, err := admin.DeleteRecords(s.ctx, upTo)
	must(err, "delete records")
	must(deleted.Error(), "delete records")
	starts, err := admin.ListStartOffsets(s.ctx, topic)
	must(err, "start offsets")
	equal(starts[topic][0].Offset, 8, "log start")
	ends, err := admin.ListEndOffsets(s.ctx, topic)
	must(err, "end offsets")
	equal(ends[topic][0].Offset, 20, "log end")

	commit := kadm.Offsets{}
	commit.Add(kadm.Offset{Topic: topic, Partition: 0, At: 12, LeaderEpoch: -1, Metadata: "by hand"})
	must(admin.CommitAllOffsets(s.ctx, group, commit), "commit")
	offsets, err := admin.FetchOffsets(s.ctx, group)
	must(err, "fetch offsets")
	found, _ := offsets.Lookup(topic, 0)
	equal(found.At, int64(12), "offset")
	equal(found.Metadata, "by hand", "metadata of the offset")
	groups, err := admin.ListGroups(s.ctx)
	must(err, "list groups")
	equal(slices.Contains(groups.Groups(), group), true, "the group is listed")
	gone, err := admin.DeleteOffsets(s.ctx, group, kadm.TopicsSet{topic: {0: {}}})
	must(err, "delete offsets")
	must(gone.Error(), "delete offsets")
	_, err = admin.DeleteGroup(s.ctx, group)
	must(err, "delete group")

	dirs, err := admin.DescribeAllLogDirs(s.ctx, nil)
	must(err, "log dirs")
	size, isThere := int64(0), false
	for _, ofBroker := range dirs {
		must(ofBroker.Error(), "log dirs")
		if partition, found := ofBroker.LookupPartition(topic, 0); found {
			size, isThere = partition.Size, true
		}
	}
	equal(isThere && size > 0, true, "partition 0 in its log dir")
	meta, err := admin.BrokerMetadata(s.ctx)
	must(err, "metadata")
	equal(len(meta.Brokers), 1, "brokers")
	equal(meta.Cluster == "", false, "cluster without an id")
	_, err = admin.DeleteTopic(s.ctx, topic)
	must(err, "delete topic")
	left, err := admin.ListTopics(s.ctx)
	must(err, "list topics")
	equal(left.Has(topic), false, "the topic after its deletion")
}
