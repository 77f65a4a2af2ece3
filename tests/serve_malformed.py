#!/usr/bin/env python3
"""Sends a running `serve` malformed requests and checks that each is answered with an error in JSON:

    serve model.lae --port 8080 &
    tests/serve_malformed.py --port 8080 --requests 100000

Requests are what a seed makes of well-formed ones: bytes changed, cut out, doubled, or put in;
unknown ids, wrong types and ranges; broken heads, lengths and chunks. One that is still well-formed,
or that a change makes so, may be answered as such, but only in JSON.
"""
import argparse
import collections
import concurrent.futures
import json
import random
import socket
import sys

GOOD = (
    b'{"items": ["tea"], "k": 3}',
    b'{"user": "u1", "diversity": 0.5, "popularity": -0.2, "deny": ["rum"]}',
    b'{"items": ["tea", "milk"], "allow": ["rum"], "exclude_seen": false, "title": "a"}',
)
QUERIES = (b"/recommend?items=tea&k=3", b"/similar?item=tea", b"/items?q=tea", b"/recommend?user=u1")
WORDS = (b"\0", b"\xff\xfe", b"%", b"%zz", b"%00", b"\r\n", b"\r", b"\n", b" ", b":", b'"', b"{", b"[" * 500,
         b"-1", b"1e999", b"nan", b"null", b"18446744073709551616", b"\\ud800", b"A" * 9000, b"&&==", b"?",
         b"Content-Length: -5\r\n", b"Content-Length: 99999999999999999999\r\n", b"Range: bytes=9-1\r\n",
         b"Transfer-Encoding: chunked\r\n", b"Expect: 100-continue\r\n", b"Content-Encoding: gzip\r\n",
         b"Content-Type: multipart/form-data\r\n", b"Connection: keep-alive\r\n", b"HTTP/1.0", b"TRACE", b"PRI")


def mutated(rng, data):
    data = bytearray(data)
    for _ in range(rng.randint(1, 4)):
        at = rng.randrange(len(data) + 1)
        kind = rng.randrange(4)
        if kind == 0 and at < len(data):
            data[at] = rng.randrange(256)
        elif kind == 1:
            del data[at:at + rng.randint(1, 8)]
        elif kind == 2:
            data[at:at] = data[at:at + rng.randint(1, 8)]
        else:
            data[at:at] = rng.choice(WORDS)
    return bytes(data)


def request(rng):
    """Bytes that end with a whole line, without which there is no request to be answered."""
    if rng.random() < 0.4:
        head, body = b"GET " + rng.choice(QUERIES) + b" HTTP/1.1\r\nHost: a\r\n\r\n", b""
    else:
        body = rng.choice(GOOD)
        if rng.random() < 0.7:
            body = mutated(rng, body)
        length = len(body) if rng.random() < 0.9 else rng.choice((0, len(body) // 2))
        head = (b"POST /recommend HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
                b"Content-Length: %d\r\n\r\n" % length)
    if not body or rng.random() < 0.5:
        head = mutated(rng, head)
    return head + body + b"\r\n\r\n"


def parsed(answer):
    """Status, fields and body of the first final answer in what came back; none if it is not whole."""
    head, found, rest = answer.partition(b"\r\n\r\n")
    if not found:
        return None
    status = int(head.split(b" ", 2)[1])
    if status == 100:
        return parsed(rest)
    fields = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:])
    body = rest[:int(fields[b"content-length"])]
    return (status, fields, body) if len(body) == int(fields[b"content-length"]) else None


def exchange(port, data):
    """The answer to it, and all that came back."""
    came = b""
    with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
        try:
            connection.sendall(data)
            while not parsed(came) and (part := connection.recv(65536)):
                came += part
        except (ConnectionResetError, BrokenPipeError):
            pass  # it answered before it had read all
    return parsed(came), came


def check(options, number):
    """The status of that request's answer, or what is wrong with it."""
    data = request(random.Random(f"{options.seed} {number}"))
    try:
        answer, came = exchange(options.port, data)
    except OSError as error:
        return f"request {number} of seed {options.seed}: {error}\n{data!r}"
    if answer:
        status, fields, body = answer
        if fields[b"content-type"] != b"application/json":
            if status == 200:
                return status  # the page or the metrics
        elif ("error" in json.loads(body)) == (status >= 400):
            return status
    return f"request {number} of seed {options.seed}:\n{data!r}\n{came[:2000]!r}"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--requests", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    statuses = collections.Counter()
    # Many wait until the server gives up waiting for more of them.
    with concurrent.futures.ThreadPoolExecutor(48) as clients:
        for result in clients.map(lambda number: check(options, number), range(options.requests)):
            if isinstance(result, str):
                sys.exit(result)
            statuses[result] += 1
    print(", ".join(f"{count} x {status}" for status, count in sorted(statuses.items())))


if __name__ == "__main__":
    main()
