"""
What the mall can do, each figure beside its limit in the same run on the same machine.

`python -m bench NAME` prints one JSON line a figure: `{name, value, unit, limit, ratio}`. The limit
is what the machine could do at best for the same answer: the same bytes from a bare Flask route,
the same rows by raw SQL. Servers are Granian with two workers; the load generator shares their
cores. A ratio says how near to the limit; times are printed, never asserted.
"""
