"""Does a run lose anything? The same plan run whole, killed and resumed, and on a cluster that loses a worker.

Run: python scripts/zoo_plan.py DATA --out zoo.toml && python scripts/zoo_crash.py zoo.toml --out FOLDER [--after 60]

Compares every result file byte by byte. Takes three times the plan's time.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import neuroalpha as na


def digest_of(folder: Path) -> dict[str, bytes]:
    """Every result file of a run, and its table."""
    files = [*sorted((folder / "results").glob("*.nc")), folder / "table.csv"]
    return {file.name: file.read_bytes() for file in files if file.is_file()}


def run(plan: Path, folder: Path, kill_after: float | None = None) -> float:
    """Run the plan in a process of its own, and kill it after so many seconds."""
    begun = time.perf_counter()
    command = [sys.executable, "-m", "neuroalpha", "zoo", "run", str(plan), "--out", str(folder), "--allow-code"]
    process = subprocess.Popen([*command, "--workers", "2"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        process.wait(timeout=kill_after)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGKILL)
        process.wait()
    return time.perf_counter() - begun


def run_on_cluster(plan: Path, folder: Path, kill_after: float) -> str:
    """Run the plan on two worker processes, one of which is killed; returns how many were there in the end."""
    from distributed import LocalCluster

    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None, memory_limit=None) as cluster:

        def kill() -> None:
            time.sleep(kill_after)
            os.kill(next(iter(cluster.workers.values())).process.pid, signal.SIGKILL)

        threading.Thread(target=kill, daemon=True).start()
        done = na.run_zoo(plan, folder, scheduler=cluster.scheduler_address, allow_code=True, progress=False)
    return f"{done.n_done} results, {done.n_failed} failed"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("plan", type=Path)
    parser.add_argument("--out", type=Path, default=Path("zoo-crash"))
    parser.add_argument("--after", type=float, default=60, help="Seconds until something is killed.")
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    whole, broken, cluster = (arguments.out / name for name in ("whole", "broken", "cluster"))
    seconds = run(arguments.plan, whole)
    reference = digest_of(whole)
    print(f"whole: {len(reference) - 1} results in {seconds:.0f} s", flush=True)
    run(arguments.plan, broken, kill_after=arguments.after)
    before = {file.name: file.stat().st_mtime_ns for file in (broken / "results").glob("*.nc")}
    print(f"killed with SIGKILL after {arguments.after:.0f} s: {len(before)} results", flush=True)
    run(arguments.plan, broken)
    kept = sum((broken / "results" / name).stat().st_mtime_ns == stamp for name, stamp in before.items())
    print(
        f"resumed: {kept} of {len(before)} results not touched, all equal: {digest_of(broken) == reference}", flush=True
    )
    print(f"cluster, one of two workers killed after {arguments.after:.0f} s: ", end="", flush=True)
    print(run_on_cluster(arguments.plan, cluster, arguments.after), flush=True)
    own = digest_of(cluster)
    same = all(own.get(name) == content for name, content in reference.items() if name != "table.csv")
    print(f"cluster: {len(own)} result files, all equal: {same and len(own) == len(reference) - 1}")


if __name__ == "__main__":
    main()
