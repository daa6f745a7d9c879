#!/usr/bin/env bash
# Fetches what the suites of other languages need: kcat, tshark, Python's and Go's clients, Apache Kafka's tools, and other releases of
# Node. For Debian, as root.
# Everything but Debian's packages goes below .build/ and the caches of the package clients. May be run again.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
repository=$here/../..

has() { command -v "$1" > /dev/null; }

packages=()
has kcat || packages+=(kcat)
has tshark || packages+=(tshark)
has go || packages+=(golang-go)
has javac || packages+=(default-jdk-headless)
has mvn || packages+=(maven)
has python3 || packages+=(python3)
python3 -c 'import ensurepip, venv' 2> /dev/null || packages+=(python3-venv)
if ((${#packages[@]} > 0)); then
  echo "installing ${packages[*]}"
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${packages[@]}" > /dev/null
fi

venv=$repository/.build/clients/python
[[ -x $venv/bin/python ]] || python3 -m venv "$venv"
"$venv/bin/pip" install --quiet --disable-pip-version-check --requirement "$here/python/requirements.txt"

(cd "$here/go" && go mod download)

# Clients of years ago. The native parts of Node's come compiled or not at all: no script of a package runs.
for version in 1.4.7 2.0.2; do
  venv=$repository/.build/clients/old-python-$version
  [[ -x $venv/bin/python ]] || python3 -m venv "$venv"
  "$venv/bin/pip" install --quiet --disable-pip-version-check "kafka-python==$version" --requirement "$here/old-python/requirements.txt"
done

modules=$repository/.build/clients/old-node
mkdir -p "$modules"
cp -R "$here/old-node/package.json" "$here/old-node/snappy" "$modules/"
npm install --prefix "$modules" --ignore-scripts --install-links --no-audit --no-fund --loglevel=error > /dev/null

for version in 0.10.2.2 0.11.0.3 1.1.1 2.4.1; do
  mvn --quiet --batch-mode --file "$here/old-java/pom.xml" -Dkafka.version="$version" \
    dependency:copy-dependencies -DincludeScope=runtime -DoutputDirectory="$repository/.build/clients/old-java/$version"
done

(cd "$here/old-go" && go mod download)

# The releases of Node that are promised: the oldest one, and the lines that are kept up now.
architecture=$(uname -m | sed 's/x86_64/x64/; s/aarch64/arm64/')
for version in 20.19.0 22 24; do
  npm install --prefix "$repository/.build/clients/node-$version" --no-save --ignore-scripts --no-audit --no-fund --loglevel=error \
    "node-linux-$architecture@$version" > /dev/null
done

"$repository/integration-tests/oracle/kafka.sh" fetch
