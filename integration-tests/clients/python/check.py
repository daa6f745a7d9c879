"""What both Python suites share: one scenario by name against a broker, and names that no other run has."""

import sys
import time
import uuid


def unique(name):
    return f"{name}-{uuid.uuid4().hex[:8]}"


def equal(got, expected, what):
    if got != expected:
        raise AssertionError(f"{what}: expected {expected!r}, got {got!r}")


def until(holds, what, seconds=20):
    """Calls `holds`, which waits a little itself, until it returns something true."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = holds()
        if found:
            return found
    raise AssertionError(f"waited {seconds} s for {what}")


def main(scenarios):
    bootstrap_servers, name = sys.argv[1:3]
    scenarios[name](bootstrap_servers, *sys.argv[3:])
