#!/usr/bin/env python3
"""Writes stats_truth.json beside it: what tests/unit/results/stats.c compares results/stats.c with.

Needs python3-scipy and numpy.  Values are scipy's wherever scipy has them (wilcoxon by the exact distribution);
with ties and zeros, where it has no exact distribution, all signs are gone through one by one, and so for which
of the sorted means bound Hodges and Lehmann's interval.
"""
import itertools, json, os, random

import numpy as np
from scipy import optimize, special, stats


def every_sign(d):
    d = [x for x in d if x != 0]
    if not d:
        return 1.0
    ranks = stats.rankdata([abs(x) for x in d])
    seen = sum(r for r, x in zip(ranks, d) if x > 0)
    least = min(seen, sum(ranks) - seen)
    sums = [sum(r for r, s in zip(ranks, signs) if s) for signs in itertools.product((0, 1), repeat=len(d))]
    return min(1.0, 2 * sum(s <= least + 1e-9 for s in sums) / len(sums))


def signed_rank(d):
    sizes = [abs(x) for x in d]
    if len(set(sizes)) == len(sizes) and 0 not in sizes:
        return float(stats.wilcoxon(d, mode="exact").pvalue)
    return every_sign(d)


def rank_sum_counts(n):
    counts = [1]
    for rank in range(1, n + 1):
        counts = [a + b for a, b in zip(counts + [0] * rank, [0] * rank + counts)]
    return counts


def shift(d, alpha):
    means = sorted((a + b) / 2 for i, a in enumerate(d) for b in d[i:])
    below, total = 0, 0
    for count in rank_sum_counts(len(d)):
        total += count
        if total > alpha / 2 * 2 ** len(d):
            break
        below += 1
    ends = [means[below - 1], means[-below]] if below else None
    return {"alpha": alpha, "shift": float(np.median(means)), "ends": ends}


def holm(p):
    order = sorted(range(len(p)), key=lambda i: p[i])
    adjusted, floor = [0.0] * len(p), 0.0
    for place, i in enumerate(order):
        floor = max(floor, min(1.0, p[i] * (len(p) - place)))
        adjusted[i] = floor
    return adjusted


def prediction(d, x, alpha):
    spread = np.std(d, ddof=1) * (1 + 1 / len(d)) ** 0.5
    shift, t = x - np.mean(d), stats.t(len(d) - 1)
    # Its ppf is right to 2e-9 only: the same by bisection of its cdf.
    half = optimize.brentq(lambda q: special.betainc((len(d) - 1) / 2, 0.5, (len(d) - 1) / (len(d) - 1 + q * q)) - alpha,
                           1e-9, 1e6, xtol=1e-14, rtol=1e-14) * spread
    return {"d": d, "value": x, "alpha": alpha, "shift": float(shift), "lo": float(shift - half), "hi": float(shift + half),
            "p": float(2 * t.sf(abs(shift) / spread))}


def main():
    rng = random.Random(1945)
    sets = [[rng.gauss(0.3, 1) for _ in range(n)] for n in (1, 2, 5, 6, 7, 10, 12, 20, 35, 50)]
    sets += [[float(rng.randint(-4, 6)) for _ in range(n)] for n in (3, 6, 10, 14)]
    sets += [[0.0, 0.0, 0.0], [0.0, 1.0, -1.0, 2.0, 0.0, 2.0]]
    truth = {
        "paired": [{"d": d, "p": signed_rank(d), "shifts": [shift(d, a) for a in (0.05, 0.01, 0.2)]} for d in sets],
        "holm": [{"p": p, "adjusted": holm(p)} for p in (
            [0.04], [0.01, 0.04, 0.03, 0.005], [0.02, 0.02, 0.9], [rng.random() for _ in range(12)])],
        "prediction": [prediction(d, x, a) for d in sets if len(d) > 1 and len(set(d)) > 1 for x in (d[0], 2.5, -40.0)
                       for a in (0.05, 0.01)],
    }
    with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "stats_truth.json"), "w") as f:
        json.dump(truth, f, indent=1)
        f.write("\n")


main()
