import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Properties;
import java.util.concurrent.Future;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.TopicPartition;

/** Apache Kafka's own client, of any version since 0.10: see the programs' contract in support/exchange-suite.ts. */
public class Exchange {
  private static final long PATIENCE_MS = 30_000;

  public static void main(String[] args) throws Exception {
    String servers = args[0], action = args[1], topic = args[2];
    if (action.equals("produce")) produce(servers, topic, args[3].split(","), Integer.parseInt(args[4]));
    else if (action.equals("consume")) consume(servers, topic, Integer.parseInt(args[3]), null);
    else consume(servers, topic, Integer.parseInt(args[3]), args[4]);
  }

  private static Properties properties(String servers) {
    Properties properties = new Properties();
    properties.put("bootstrap.servers", servers);
    for (String side : new String[] {"key", "value"}) {
      properties.put(side + ".serializer", "org.apache.kafka.common.serialization.StringSerializer");
      properties.put(side + ".deserializer", "org.apache.kafka.common.serialization.StringDeserializer");
    }
    return properties;
  }

  private static void produce(String servers, String topic, String[] codecs, int count) throws Exception {
    for (String codec : codecs) {
      Properties properties = properties(servers);
      properties.put("acks", "all");
      properties.put("linger.ms", "20");
      properties.put("compression.type", codec);
      try (KafkaProducer<String, String> producer = new KafkaProducer<>(properties)) {
        List<Future<RecordMetadata>> sent = new ArrayList<>();
        for (int n = 0; n < count; n++) {
          String value = "value " + codec + "-" + n + " " + String.join("", Collections.nCopies(20, "text "));
          sent.add(producer.send(new ProducerRecord<>(topic, codec + "-" + n, value)));
        }
        producer.flush();
        for (Future<RecordMetadata> each : sent) each.get();
      }
    }
  }

  private static void consume(String servers, String topic, int count, String group) {
    Properties properties = properties(servers);
    properties.put("auto.offset.reset", "earliest");
    properties.put("enable.auto.commit", "false");
    if (group != null) properties.put("group.id", group);
    StringBuilder lines = new StringBuilder();
    int seen = 0;
    try (KafkaConsumer<String, String> consumer = new KafkaConsumer<>(properties)) {
      if (group != null) consumer.subscribe(Collections.singletonList(topic));
      else {
        TopicPartition place = new TopicPartition(topic, 0);
        consumer.assign(Collections.singletonList(place));
        consumer.seekToBeginning(Collections.singletonList(place));
      }
      long end = System.currentTimeMillis() + PATIENCE_MS;
      while (seen < count && System.currentTimeMillis() < end) {
        for (ConsumerRecord<String, String> record : consumer.poll(200)) {
          lines.append(record.offset()).append('\t').append(record.key()).append('\t').append(record.value()).append('\n');
          seen++;
        }
      }
      if (group != null) consumer.commitSync();
    }
    System.out.write(lines.toString().getBytes(StandardCharsets.UTF_8), 0, lines.length());
    System.out.flush();
  }
}
