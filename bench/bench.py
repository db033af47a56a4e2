# SPDX-License-Identifier: Apache-2.0
"""`make bench`: hull beside whichever of Docker and Podman are on this machine, and beside the bare kernel.

Every measure is taken from all engines in turn, round after round, so that a slow moment of the machine hits all of
them. Shown are medians, and ratios: those travel from machine to machine, milliseconds do not.
"""
import argparse
import concurrent.futures
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

import peers
import registry


def timed(engine, *arguments):
    begin = time.perf_counter()
    engine.call(*arguments)
    return time.perf_counter() - begin


def interleaved(engines, rounds, sample, floor=None):
    """{name: median} of `sample(engine)`, and of `floor()` under the name "floor"."""
    times = {engine.name: [] for engine in engines}
    if floor:
        times["floor"] = []
    for round_number in range(rounds + 1):
        for engine in engines:
            value = sample(engine)
            if round_number:  # the first round warms up
                times[engine.name].append(value)
        if floor:
            value = floor()
            if round_number:
                times["floor"].append(value)
    return {name: statistics.median(values) for name, values in times.items()}


def measure_run(engines, floor, rounds, network):
    arguments = ["run", "--rm", "--network", network, "busybox", "true"]
    return interleaved(engines, rounds, lambda e: timed(e, *arguments), lambda: floor.sample(network, 2)[1])


def measure_run_published(engines, rounds):
    return interleaved(engines, rounds,
                       lambda e: timed(e, "run", "--rm", "-p", "127.0.0.1::80", "busybox", "true"))


def measure_exec(engines, floor, rounds):
    for engine in engines:
        engine.call("run", "-d", "--name", "target", "--network", "none", "busybox", "sleep", "1000")
    result = interleaved(engines, rounds, lambda e: timed(e, "exec", "target", "true"),
                         lambda: statistics.median(floor.sample("exec", 5)))
    for engine in engines:
        engine.call("rm", "-f", "target")
    return result


def measure_ps(engines, rounds):
    return interleaved(engines, rounds, lambda e: timed(e, "ps"))


def measure_rate(engines, count, at_once):
    """Containers per second for `run -d` on the bridge, and the memory that each of them costs its engine (KiB)."""
    rates, memory = {}, {}
    for engine in engines:
        own_before = sum(map(peers.pss_kib, engine.processes()))
        with concurrent.futures.ThreadPoolExecutor(at_once) as pool:
            begin = time.perf_counter()
            list(pool.map(lambda _: engine.call("run", "-d", "busybox", "sleep", "1000"), range(count)))
            rates[engine.name] = count / (time.perf_counter() - begin)
        time.sleep(1)
        supervisors = set(engine.container_processes())
        own = set(engine.processes()) - supervisors
        growth = sum(map(peers.pss_kib, own)) - own_before
        memory[engine.name] = (sum(map(peers.pss_kib, supervisors)) + max(growth, 0)) / count
        engine.remove_all()
    return rates, memory


def idle_memory(engines):
    """MiB of the engine's own processes, before it has done anything but load one image."""
    return {e.name: sum(map(peers.pss_kib, e.processes())) / 1024 for e in engines if e.daemon}


def row(title, unit, values, higher_is_better=False, targets=()):
    return {"measure": title, "unit": unit, "values": values, "higher_is_better": higher_is_better,
            "targets": [dict(zip(("against", "factor"), target)) for target in targets]}


def rival(entry, name):
    """What `name` has reached; of "best" the best of the peers."""
    if name != "best":
        return entry["values"].get(name)
    peer_values = [value for peer, value in entry["values"].items() if peer not in ("hull", "floor")]
    best = max if entry["higher_is_better"] else min
    return best(peer_values, default=None)


def judge(entry):
    """Each target with what was reached. Times: at most factor × floor, at least factor × faster than a peer."""
    verdicts = []
    hull = entry["values"].get("hull")
    for target in entry["targets"]:
        other = target["factor"] if target["against"] == "absolute" else rival(entry, target["against"])
        if hull is None or other is None:
            continue
        if target["against"] == "absolute":
            verdicts.append((hull <= other, f"≤ {other:g} {entry['unit']}"))
        elif target["against"] == "floor" and entry["higher_is_better"]:
            ratio = hull / other
            verdicts.append((ratio >= target["factor"], f"{ratio:.2f} × floor (≥ {target['factor']:g})"))
        elif target["against"] == "floor":
            ratio = hull / other
            verdicts.append((ratio <= target["factor"], f"{ratio:.2f} × floor (≤ {target['factor']:g})"))
        else:
            ratio = hull / other if entry["higher_is_better"] else other / hull
            verdicts.append((ratio >= target["factor"], f"{ratio:.1f} × {target['against']} (≥ {target['factor']:g})"))
    return verdicts


def print_table(results, names=("hull", "docker", "podman", "floor")):
    print(f"{'measure':44}" + "".join(f"{name:>10}" for name in names) + "  targets")
    for entry in results:
        cells = "".join(f"{entry['values'][n]:10.2f}" if n in entry["values"] else f"{'-':>10}" for n in names)
        verdicts = "; ".join(("ok " if ok else "MISSED ") + text for ok, text in judge(entry))
        print(f"{entry['measure'] + ' [' + entry['unit'] + ']':44}{cells}  {verdicts}")


def registry_rows(options, directory):
    """In the column "docker": Debian's docker-registry."""
    rate, cost, peak = registry.measure(os.path.abspath(options.build), directory, max(3, options.rounds // 3))
    per_cpu_second = {name: 1000 * 1024 / value for name, value in cost.items()}
    return [row("registry: one blob, 32 clients, per CPU second", "MiB", per_cpu_second, True, [("docker", 2)]),
            row("registry: one blob, 32 clients", "MiB/s", rate, True),
            row("registry: memory at most", "MiB", peak)]


def milliseconds(values):
    return {name: value * 1000 for name, value in values.items()}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", default="build")
    parser.add_argument("--json")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--count", type=int, default=100, help="containers of the rate measure")
    parser.add_argument("--only", help="comma-separated engines: hull,docker,podman")
    options = parser.parse_args()
    wanted = options.only.split(",") if options.only else ["hull", "docker", "podman"]

    directory = tempfile.mkdtemp(prefix="hull-bench-")
    engines, results = [], []
    try:
        engines.append(peers.Hull(directory, os.path.abspath(options.build)))
        if "docker" in wanted and os.path.exists("/usr/sbin/dockerd"):
            engines.append(peers.Docker(directory))
        if "podman" in wanted and shutil.which("podman"):
            engines.append(peers.Podman(directory))
        tar = os.path.join(directory, "busybox.tar")
        peers.make_busybox_tar(tar)
        for engine in engines:
            engine.call("import", tar, "busybox")
        floor = peers.Floor(os.path.abspath(options.build))
        time.sleep(1)

        results.append(row("engine at rest, PSS", "MiB", idle_memory(engines), targets=[("absolute", 12)]))
        results.append(row("run --rm --network none busybox true", "ms",
                           milliseconds(measure_run(engines, floor, options.rounds, "none")),
                           targets=[("floor", 2.0), ("docker", 30)]))
        results.append(row("run --rm busybox true (bridge)", "ms",
                           milliseconds(measure_run(engines, floor, options.rounds, "bridge")),
                           targets=[("floor", 2.0), ("docker", 30)]))
        results.append(row("run --rm -p one port", "ms", milliseconds(measure_run_published(engines, options.rounds))))
        results.append(row("exec C true", "ms", milliseconds(measure_exec(engines, floor, options.rounds)),
                           targets=[("docker", 15), ("floor", 6)]))
        results.append(row("ps, nothing running", "ms", milliseconds(measure_ps(engines, options.rounds))))
        rates, memory = measure_rate(engines, options.count, 8)
        results.append(row(f"run -d × {options.count}, 8 at a time", "per s", rates, True, [("docker", 10)]))
        results.extend(registry_rows(options, directory))
        results.append(row("per running container, PSS", "KiB", memory, targets=[("absolute", 614)]))
    finally:
        for engine in engines:
            engine.close()
        subprocess.run(["rm", "-rf", "--one-file-system", directory])
    print_table(results)
    if options.json:
        peers.write_json(options.json, results)
    return 0


if __name__ == "__main__":
    sys.exit(main())
