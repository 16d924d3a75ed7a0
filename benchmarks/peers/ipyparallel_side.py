"""ipyparallel, two engines of this machine, a load-balanced view. Nothing is on disk."""

from __future__ import annotations

import json
import time
from pathlib import Path

from measure import arguments, singles, stamp


def noop() -> None:
    return None


def main() -> None:
    import ipyparallel

    folder, count, runners, _ = arguments()
    with ipyparallel.Cluster(n=runners, log_level=40) as client:
        client[:].apply_sync(exec, f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r})")
        view = client.load_balanced_view()
        for result in [view.apply_async(noop) for _ in range(50)]:
            result.get()
        begun = time.perf_counter()
        results = [view.apply_async(noop) for _ in range(count)]
        submitted = time.perf_counter()
        for result in results:
            result.get()
        done = time.perf_counter()
        kept: list[object] = []
        print(json.dumps({"enqueue": count / (submitted - begun), "drain": count / (done - begun), **singles(
            folder, lambda name, sent: kept.append(view.apply_async(stamp, folder, name, sent)))}))


if __name__ == "__main__":
    main()
