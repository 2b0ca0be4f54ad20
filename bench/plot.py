"""The picture of the results."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import matplotlib as mpl

from bench.measure import Result

mpl.use("svg")
mpl.rcParams["svg.hashsalt"] = "flowmanager"

from matplotlib import pyplot  # noqa: E402, after the choice of the canvas


def draw(results: Sequence[Result], folder: Path) -> None:
    """Draw operations per second and their 50th and 99th percentile over the requests in flight."""
    figure, (rates, times) = pyplot.subplots(1, 2, figsize=(11, 4.5), layout="constrained")
    for name in dict.fromkeys(one.scenario for one in results if one.label == "this"):
        of_it = [one for one in results if one.scenario == name and one.label == "this"]
        loads = [one.in_flight for one in of_it]
        style = "--" if name.startswith("least_") else "-"
        [line] = rates.plot(loads, [one.middle("rate") for one in of_it], style, marker="o", label=name)
        times.plot(loads, [one.middle("p50") for one in of_it], style, marker="o", color=line.get_color())
        times.plot(loads, [one.middle("p99") for one in of_it], ":", marker=".", color=line.get_color())
    for axes, title in ((rates, "operations per second"), (times, "milliseconds: p50, p99 dotted")):
        axes.set(title=title, xlabel="requests in flight", xscale="log", yscale="log")
        axes.set_xticks(sorted({one.in_flight for one in results}), sorted({one.in_flight for one in results}))
        axes.minorticks_off()
        axes.grid(visible=True, alpha=0.3)
    rates.legend(fontsize="small", ncols=2)
    figure.savefig(folder / "latest.svg", metadata={"Date": None})
    pyplot.close(figure)
