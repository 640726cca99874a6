"""`make bench`: every goal in one run, one line each, and the figures in bench/results.json."""

import json
import os
from pathlib import Path

from bench import p1_statements, p2_imports, p3_move, p5_growth, p11_start, s1_signature

GOALS = (
    p1_statements.run,
    p2_imports.run,
    p3_move.run,
    p5_growth.run_moves,
    p5_growth.run_inbox,
    p11_start.run,
    s1_signature.run,
)


def main() -> None:
    print(f"load before: {os.getloadavg()[0]:.2f}")
    results = []
    for run in GOALS:
        line = run()
        results.append({name: line[name] for name in ("goal", "ratio", "bar", "holds", "how")})
        state = "holds" if line["holds"] else "DOES NOT HOLD"
        print(
            f"{line['goal']:4} {line['ratio']:8.3f}  bar {line['bar']:<6g} {state:14} spread {line['spread']}  {line['how']}",
            flush=True,
        )
    Path(__file__).with_name("results.json").write_text(
        json.dumps(results, ensure_ascii=False, indent=1) + "\n", encoding="utf-8"
    )


if __name__ == "__main__":
    main()
