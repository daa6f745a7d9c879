#!/usr/bin/env bash
# Fetches what the suites of other languages need: kcat, Python's and Go's clients, Apache Kafka's tools. For Debian, as root.
# Everything but Debian's packages goes below .build/ and the caches of the package clients. May be run again.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
repository=$here/../..

has() { command -v "$1" > /dev/null; }

packages=()
has kcat || packages+=(kcat)
has go || packages+=(golang-go)
has java || packages+=(default-jdk-headless)
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

"$repository/integration-tests/oracle/kafka.sh" fetch
