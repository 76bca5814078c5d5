"""
Figures: what each distributor earned per day, week, month and in all, kept beside the ledger.

A roll-up that trails the settled history, plus the entries after it, is exact at any moment and
costs the same however long the history is. Postings know nothing of it.

- `days`      days, weeks and months of China
- `measures`  what is counted of entries
- `rolling`   the roll-up
- `periods`   the figures of one distributor at this moment
- `ranking`   who earned most
"""
