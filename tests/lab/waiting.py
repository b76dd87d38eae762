# SPDX-License-Identifier: Apache-2.0
"""Waiting for what another process does."""
import time


def wait_until(condition, what, seconds=10, pause=0.02):
    """The first true answer of the condition."""
    deadline = time.monotonic() + seconds
    while not (answer := condition()):
        if time.monotonic() > deadline:
            raise TimeoutError(f"waited {seconds} s for {what}")
        time.sleep(pause)
    return answer
