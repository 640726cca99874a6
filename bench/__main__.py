"""`make bench`: every goal in one run, one line each, and the figures in bench/results.json.

`python -m bench s5 p4` measures these alone, and leaves results.json as it is.
"""

import json
import os
import sys
import time
from pathlib import Path
from types import ModuleType

from bench import (
    p1_statements,
    p2_imports,
    p3_limit,
    p4_peers,
    p5_growth,
    p6_writers,
    p7_inbox,
    p8_pages,
    p9_search,
    p10_jobs,
    p11_start,
    p12_batch,
    p13_pages,
    p14_administration,
    p15_words,
    p16_invoices,
    p17_deposit,
    p18_store,
    p19_reminders,
    s1_signature,
    s2_archive,
    s3_pes,
    s4_seal,
    s5_batch,
    s6_flow,
    s7_matters,
    s8_gate,
    s9_rules,
)

GOALS = (
    p1_statements,
    p2_imports,
    p3_limit,
    p4_peers,
    p5_growth,
    p6_writers,
    p7_inbox,
    p8_pages,
    p9_search,
    p10_jobs,
    p11_start,
    p12_batch,
    p13_pages,
    p14_administration,
    p15_words,
    p16_invoices,
    p17_deposit,
    p18_store,
    p19_reminders,
    s1_signature,
    s2_archive,
    s3_pes,
    s4_seal,
    s5_batch,
    s6_flow,
    s7_matters,
    s8_gate,
    s9_rules,
)
KEPT = ("goal", "ratio", "bar", "holds", "how")
RESULTS = Path(__file__).with_name("results.json")


def main() -> None:
    """Measure, print, write."""
    began, results, wanted = time.monotonic(), [], {argument.lower() for argument in sys.argv[1:]}
    chosen = [module for module in GOALS if not wanted or _name(module) in wanted]
    if unknown := wanted - {_name(module) for module in GOALS}:
        sys.exit(f"no goal is called {', '.join(sorted(unknown))}: {', '.join(map(_name, GOALS))}")
    print(
        f"load before the run: {os.getloadavg()[0]:.2f} (above 1.5, repeat when a spread is wide)", flush=True
    )
    for script in chosen:
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
    if not wanted:
        RESULTS.write_text(json.dumps(results, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    holding = sum(bool(line["holds"]) for line in results)
    written = "" if wanted else f"; {RESULTS.name} written"
    print(f"{holding} of {len(results)} goals hold; {time.monotonic() - began:.0f} s{written}")


def _name(script: ModuleType) -> str:
    """How a goal is called: « s5 » of bench.s5_batch."""
    return script.__name__.rpartition(".")[2].partition("_")[0]


if __name__ == "__main__":
    main()
