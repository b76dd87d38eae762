# SPDX-License-Identifier: Apache-2.0
"""Tables in Markdown, with the machine, its kernel and the date."""
import os
import re
import subprocess
from datetime import date
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs/benchmarks.md"


def machine():
    cpu = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
    memory_kib = int(re.search(r"MemTotal:\s+(\d+)", Path("/proc/meminfo").read_text())[1])
    commit = subprocess.run(["git", "-C", ROOT, "describe", "--always", "--dirty"], capture_output=True, text=True)
    return (f"{os.cpu_count()} × {cpu[1] if cpu else os.uname().machine}, {memory_kib / 2**20:.0f} GiB, "
            f"Linux {os.uname().release}, {date.today()}, commit {commit.stdout.strip() or 'unknown'}")


def table(heading, columns, rows):
    lines = [columns, ["---"] * len(columns), *rows]
    return f"{heading}\n\n" + "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)


def render(tables):
    return "\n\n".join([f"Measured on {machine()}.", *(table(*one) for one in tables)])


def record(mode, text):
    """Puts the text between the page's markers for this mode."""
    begin, end = f"<!-- bench {mode} -->", f"<!-- /bench {mode} -->"
    page = PAGE.read_text()
    pattern = re.compile(f"{re.escape(begin)}.*?{re.escape(end)}", re.S)
    if not pattern.search(page):
        raise RuntimeError(f"{PAGE} has no place for it: {begin} … {end}")
    PAGE.write_text(pattern.sub(lambda _: f"{begin}\n{text}\n{end}", page))
