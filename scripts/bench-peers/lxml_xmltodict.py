"""Peers of benches/mapping: what a Python program does to get at a dossier. `FILE TIMES` lines in, nanoseconds out.

argv[1]: `lxml` = the tree only; `xmltodict` = the dictionary only; `both` = checked by lxml, then made a dictionary by xmltodict.
"""

import sys
import time

import lxml.etree
import xmltodict

WORK = {
    "lxml": [lxml.etree.fromstring],
    "xmltodict": [xmltodict.parse],
    "both": [lxml.etree.fromstring, xmltodict.parse],
}[sys.argv[1]]

# A document with one text of millions of characters is read, too.
lxml.etree.set_default_parser(lxml.etree.XMLParser(huge_tree=True, resolve_entities=False))

for line in sys.stdin:
    path, times = line.rsplit(" ", 1)
    with open(path, "rb") as file:
        text = file.read()
    start = time.perf_counter_ns()
    for _ in range(int(times)):
        for work in WORK:
            work(text)
    print(time.perf_counter_ns() - start, flush=True)
