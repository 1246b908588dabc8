#!/usr/bin/env python3
"""data.py DIR: puts the purchases of a real shop into DIR, as described in data/README.md.

cdnow_sample.csv is unpacked from data/. cdnow.csv, the full set, is made from a file that the Python
package Lifetimes carries. Where that package cannot be downloaded, the sample stays alone.
"""

import gzip
import hashlib
import os
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

PACKAGE = "lifetimes==0.11.3"
MASTER = "lifetimes/datasets/CDNOW_master.txt"
FULL_SHA256 = "e8f91df0988cf4752dd092cc7f019f2516ad1422e0a10db540388b4aad1a59cb"
SAMPLE_SHA256 = "017318b4c12236d8d93245f71ef0c64ba4950faf05cb59cd98f6403fe11cb3ff"
SAMPLE_GZ = Path(__file__).resolve().parent.parent / "data" / "cdnow_sample.csv.gz"


def say(line):
    print(f"==> {line}", flush=True)


def is_ready(path, sha256):
    return path.exists() and hashlib.sha256(path.read_bytes()).hexdigest() == sha256


def write_checked(path, content, sha256):
    """Writes the whole file or none of it, and only if it is the file we know."""
    found = hashlib.sha256(content).hexdigest()
    if found != sha256:
        sys.exit(f"error: {path.name} would have sha256 {found}, expected {sha256}")
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    partial.write_bytes(content)
    partial.replace(path)


def download_master():
    """The lines of the source file, or None if the package is not to be had."""
    with tempfile.TemporaryDirectory() as folder:
        pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--retries", "1", "--timeout", "30"]
        fetched = subprocess.run(
            [*pip, "download", "--quiet", "--no-deps", "--only-binary", ":all:", "--dest", folder, PACKAGE]
        )
        wheels = list(Path(folder).glob("*.whl"))
        if fetched.returncode != 0 or not wheels:
            return None
        with zipfile.ZipFile(wheels[0]) as wheel:
            return wheel.read(MASTER).decode("ascii").splitlines()


def convert(lines):
    """Columns there: customer, date, number of CDs, dollars; the first line is a heading."""
    purchases = []
    for number, line in enumerate(lines[1:], start=1):
        customer, date, _cds, dollars = line.split()
        whole, cents = dollars.split(".")
        assert len(date) == 8 and len(cents) == 2, line
        purchases.append((date, number, int(customer), 100 * int(whole) + int(cents)))
    purchases.sort()
    rows = ["member_id,timestamp,amount_minor_units,order_id\n"]
    for date, number, customer, amount in purchases:
        noon = f"{date[:4]}-{date[4:6]}-{date[6:]}T12:00:00Z"
        rows.append(f"{customer},{noon},{amount},cdnow-{number:06}\n")
    return "".join(rows).encode("ascii")


def main():
    if len(sys.argv) != 2:
        sys.exit("usage: data.py DIR")
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)

    sample = folder / "cdnow_sample.csv"
    if not is_ready(sample, SAMPLE_SHA256):
        write_checked(sample, gzip.decompress(SAMPLE_GZ.read_bytes()), SAMPLE_SHA256)

    full = folder / "cdnow.csv"
    if not is_ready(full, FULL_SHA256):
        full.unlink(missing_ok=True)
        say(f"real purchases: making the full set from the Python package {PACKAGE}")
        lines = download_master()
        if lines is None:
            say(f"{PACKAGE} could not be downloaded: the sample serves instead, 6,919 purchases in {sample}")
            return
        write_checked(full, convert(lines), FULL_SHA256)
    say(f"real purchases: 69,659 in {full}")


main()
