"""`make bench`: every goal in one run, one line each, and the figures in bench/results.json."""

import json
import os
import time
from pathlib import Path

from bench import (
    p1_statements,
    p2_imports,
    p3_limit,
    p4_peers,
    p5_growth,
    p7_inbox,
    p11_start,
    s1_signature,
    s2_archive,
    s3_pes,
    s4_seal,
    s5_batch,
    s6_flow,
    s7_matters,
    s8_gate,
)

GOALS = (
    p1_statements,
    p2_imports,
    p3_limit,
    p4_peers,
    p5_growth,
    p7_inbox,
    p11_start,
    s1_signature,
    s2_archive,
    s3_pes,
    s4_seal,
    s5_batch,
    s6_flow,
    s7_matters,
    s8_gate,
)
KEPT = ("goal", "ratio", "bar", "holds", "how")
RESULTS = Path(__file__).with_name("results.json")


def main() -> None:
    """Measure, print, write."""
    began, results = time.monotonic(), []
    print(
        f"load before the run: {os.getloadavg()[0]:.2f} (above 1.5, repeat when a spread is wide)", flush=True
    )
    for script in GOALS:
        line = script.run()
        results.append({name: line[name] for name in KEPT})
        state = "holds" if line["holds"] else "DOES NOT HOLD"
        low, high = line["spread"]
        print(
            f"{line['goal']:4} {line['ratio']:g}  bar {line['bar']:g}  {state}  spread [{low:g}..{high:g}]  {line['how']}",
            flush=True,
        )
        for why in line.get("why", ()):  # a goal that is missed says where its time goes
            print(f"       {why}", flush=True)
    RESULTS.write_text(json.dumps(results, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    held = sum(bool(line["holds"]) for line in results)
    print(f"{held} of {len(results)} goals hold; {time.monotonic() - began:.0f} s; {RESULTS.name} written")


if __name__ == "__main__":
    main()
