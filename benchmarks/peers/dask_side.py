"""Dask distributed, a scheduler and two worker processes of this machine. Nothing is on disk: what the
scheduler knows goes with it."""

from __future__ import annotations

import json
import time

from measure import arguments, singles, stamp


def noop(_: int) -> None:
    return None


def main() -> None:
    from distributed import Client, LocalCluster, wait

    folder, count, runners, _ = arguments()
    with LocalCluster(n_workers=runners, threads_per_worker=1, dashboard_address=None) as cluster, \
            Client(cluster) as client:
        client.gather([client.submit(noop, n, pure=False) for n in range(50)])
        begun = time.perf_counter()
        futures = [client.submit(noop, n, pure=False) for n in range(count)]
        submitted = time.perf_counter()
        wait(futures)
        done = time.perf_counter()
        client.gather([client.submit(stamp, folder, "warm", 0, pure=False)])

        def send(name: str, sent: int) -> None:
            kept.append(client.submit(stamp, folder, name, sent, pure=False))

        kept: list[object] = []
        print(json.dumps({"enqueue": count / (submitted - begun), "drain": count / (done - begun),
                          **singles(folder, send)}))


if __name__ == "__main__":
    main()
