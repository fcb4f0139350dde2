"""Send one batch after another over one connection, and print the rows and seconds as a line of JSON.

python benchmarks/servers/batches.py --port 3000 --seconds 5 --rows 10000 FILE FIRST BEGIN STEP
"""

from __future__ import annotations

import argparse
import http.client
import itertools
import json
import os
import time

from bodies import bodies

PATH = "/predict_batch"
BEFORE, AFTER = len('{"instance":'), len("}")


def main() -> None:
    """Measure. Bodies are made before the clock runs, and answers are read but not parsed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--seconds", type=float, required=True)
    parser.add_argument("--rows", type=int, required=True)
    parser.add_argument("file")
    parser.add_argument("numbers", type=int, nargs=3)
    options = parser.parse_args()
    singles = bodies(options.file, options.numbers)
    connection = http.client.HTTPConnection("127.0.0.1", options.port)
    headers = {"Content-Type": "application/json"}
    if token := os.environ.get("TOKEN"):
        headers["Authorization"] = f"Bearer {token}"
    rows, took = 0, 0.0
    while took < options.seconds:
        instances = [body[BEFORE:-AFTER] for body in itertools.islice(singles, options.rows)]
        batch = f'{{"instances":[{",".join(instances)}]}}'
        begin = time.perf_counter()
        connection.request("POST", PATH, batch, headers)
        answer = connection.getresponse()
        said = answer.read()
        took += time.perf_counter() - begin
        if answer.status != 200 or b'"errors":[]' not in said:
            raise SystemExit(f"{PATH}: {answer.status} {said[-300:]!r}")
        rows += options.rows
    print(json.dumps({"rows": rows, "seconds": took}))


if __name__ == "__main__":
    main()
