"""renderfm-eval's interval of a paired difference (src/eval/paired_bootstrap.cpp), for the metrics and the subsets that
its report leaves out: random numbers and order are the same, so on the same views the numbers are."""
import functools

MASK = (1 << 64) - 1
RESAMPLES, SEED = 10000, 1


def splitmix64(x):
    x = (x + 0x9E3779B97F4A7C15) & MASK
    x = ((x ^ (x >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    x = ((x ^ (x >> 27)) * 0x94D049BB133111EB) & MASK
    return x ^ (x >> 31)


@functools.lru_cache(maxsize=None)
def draws(resample, count):
    """The first `count` numbers of a resample."""
    start = splitmix64(splitmix64(SEED) ^ resample)
    return [splitmix64(splitmix64(start ^ n)) for n in range(count)]


def paired_bootstrap(cases):
    """Mean of the differences and their 95 % interval: (mean, low, high). `cases` holds a list of differences, one a
    view, for every case; cases are drawn with replacement, then views within them."""
    needed = len(cases) * (1 + max(map(len, cases)))
    needed = 1 << (needed - 1).bit_length()  # few lengths, so that the numbers are made once
    means = []
    for resample in range(RESAMPLES):
        numbers = iter(draws(resample, needed))
        total, views = 0.0, 0
        for _ in cases:
            chosen = cases[next(numbers) % len(cases)]
            for _ in chosen:
                total += chosen[next(numbers) % len(chosen)]
            views += len(chosen)
        means.append(total / views)
    means.sort()
    values = [value for case in cases for value in case]
    return (sum(values) / len(values), means[int(0.025 * (len(means) - 1))], means[int(0.975 * (len(means) - 1))])
