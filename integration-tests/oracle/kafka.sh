#!/usr/bin/env bash
# Apache Kafka by its Maven coordinates: its command line tools, which the tests run against Odradek, and its broker, to compare with.
#
#   kafka.sh fetch                           download what pom.xml names (needs mvn); done once
#   kafka.sh is-ready                        exit 0 when the tools can run: Java is there and everything is fetched
#   kafka.sh kafka-topics ARGS...            a tool, by the name of its script in a Kafka download
#   kafka.sh broker PORT DIR [name=value]... one broker in the foreground; clients on 127.0.0.1:PORT, its controller on PORT+1
#
# KAFKA_VERSION chooses a version, ORACLE_HOME the folder of the jars, KAFKA_OPTS more options of the JVM.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
version=${KAFKA_VERSION:-4.3.1}
home=${ORACLE_HOME:-$here/../../.build/oracle}/$version

declare -A tools=(
  [kafka-acls]=org.apache.kafka.tools.AclCommand
  [kafka-broker-api-versions]=org.apache.kafka.tools.BrokerApiVersionsCommand
  [kafka-client-metrics]=org.apache.kafka.tools.ClientMetricsCommand
  [kafka-cluster]=org.apache.kafka.tools.ClusterTool
  [kafka-configs]=kafka.admin.ConfigCommand
  [kafka-console-consumer]=org.apache.kafka.tools.consumer.ConsoleConsumer
  [kafka-console-producer]=org.apache.kafka.tools.ConsoleProducer
  [kafka-consumer-groups]=org.apache.kafka.tools.consumer.group.ConsumerGroupCommand
  [kafka-groups]=org.apache.kafka.tools.GroupsCommand
  [kafka-consumer-perf-test]=org.apache.kafka.tools.ConsumerPerformance
  [kafka-delete-records]=org.apache.kafka.tools.DeleteRecordsCommand
  [kafka-dump-log]=org.apache.kafka.tools.DumpLogSegments
  [kafka-features]=org.apache.kafka.tools.FeatureCommand
  [kafka-get-offsets]=org.apache.kafka.tools.GetOffsetShell
  [kafka-leader-election]=org.apache.kafka.tools.LeaderElectionCommand
  [kafka-log-dirs]=org.apache.kafka.tools.LogDirsCommand
  [kafka-metadata-quorum]=org.apache.kafka.tools.MetadataQuorumCommand
  [kafka-producer-perf-test]=org.apache.kafka.tools.ProducerPerformance
  [kafka-reassign-partitions]=org.apache.kafka.tools.reassign.ReassignPartitionsCommand
  [kafka-storage]=kafka.tools.StorageTool
  [kafka-topics]=org.apache.kafka.tools.TopicCommand
  [kafka-transactions]=org.apache.kafka.tools.TransactionsCommand
)

fetch() {
  if is_fetched; then return; fi
  mvn --quiet --batch-mode --file "$here/pom.xml" -Dkafka.version="$version" \
    dependency:copy-dependencies -DincludeScope=runtime -DoutputDirectory="$home/libs"
  log_to SYSTEM_ERR > "$home/tools-log4j2.yaml"
  touch "$home/fetched"
}

is_fetched() { [[ -f $home/fetched ]]; }

# Warnings and errors of the tools are on standard error, so that the tests see them.
log_to() {
  cat <<YAML
Configuration:
  status: "off"
  Appenders:
    Console: {name: out, target: $1, PatternLayout: {pattern: "%p %m (%c)%n"}}
  Loggers:
    Root: {level: WARN, AppenderRef: {ref: out}}
YAML
}

# The tools live for a second: no second compiler, the simplest collector.
run_tool() {
  # shellcheck disable=SC2086 # KAFKA_OPTS is a list of words.
  exec java -Xmx256m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 ${KAFKA_OPTS:-} \
    -Dlog4j2.configurationFile="$home/tools-log4j2.yaml" -cp "$home/libs/*" "$@"
}

broker() {
  local port=$1 folder=$2 property
  local voters="controller.quorum.voters=1@127.0.0.1:$((port + 1))"
  shift 2
  mkdir -p "$folder"
  # Formatted with --standalone: the voters are in there.
  if [[ -f $folder/data/__cluster_metadata-0/00000000000000000000-0000000000.checkpoint ]]; then
    voters="controller.quorum.bootstrap.servers=127.0.0.1:$((port + 1))"
  fi
  {
    cat <<PROPERTIES
process.roles=broker,controller
node.id=1
listeners=PLAINTEXT://127.0.0.1:$port,CONTROLLER://127.0.0.1:$((port + 1))
advertised.listeners=PLAINTEXT://127.0.0.1:$port
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
controller.listener.names=CONTROLLER
$voters
log.dirs=$folder/data
offsets.topic.replication.factor=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
PROPERTIES
    for property in "$@"; do echo "$property"; done
  } > "$folder/server.properties"
  if [[ ! -f $folder/data/meta.properties ]]; then
    java -cp "$home/libs/*" "${tools[kafka-storage]}" format \
      --cluster-id "$(java -cp "$home/libs/*" "${tools[kafka-storage]}" random-uuid)" --config "$folder/server.properties" >&2
  fi
  # shellcheck disable=SC2086
  exec java -Xmx1g ${KAFKA_OPTS:-} -Dlog4j2.configurationFile="$home/tools-log4j2.yaml" -cp "$home/libs/*" kafka.Kafka "$folder/server.properties"
}

command=${1:-}
case $command in
  fetch) fetch ;;
  is-ready) is_fetched && java -version 2> /dev/null ;;
  broker)
    [[ $# -ge 3 ]] || { echo "usage: kafka.sh broker PORT DIR [name=value]..." >&2; exit 2; }
    is_fetched || fetch
    broker "${@:2}"
    ;;
  *)
    if [[ -z $command || -z ${tools[$command]:-} ]]; then
      echo "usage: kafka.sh fetch | is-ready | broker PORT DIR [name=value]... | TOOL ARGS...; tools: ${!tools[*]}" >&2
      exit 2
    fi
    is_fetched || { echo "Apache Kafka $version is not there; run: kafka.sh fetch" >&2; exit 3; }
    run_tool "${tools[$command]}" "${@:2}"
    ;;
esac
